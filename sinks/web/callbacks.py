"""Answers that come back from outside: PagerDuty's webhooks, Slack's buttons, signed links in messages.

They come to `hotline web`, at /callbacks/ and nowhere else, so that a proxy has to let through this one path; the process
that tells people keeps no door open. Each way is closed until its secret is set, and each proves with it who speaks:
PagerDuty and Slack sign the whole body, a link carries our own signature. What is said is written to
`hotline.alert-control` as the commands do.
"""

import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from html import escape
from http import HTTPStatus

import msgspec
import structlog
from aiohttp import web
from aiokafka.errors import KafkaError

from deploy.runtime.settings import Settings
from deploy.runtime.signed_links import Answer, Link, fields, read
from sinks.web.actions import write
from sinks.web.answers import error_response
from sinks.web.board import Board
from sinks.web.deeds import Write
from streams.contract import AlertEvent
from streams.contract.alerts import Acknowledgement, ControlRecord, Feedback, feedback_on

SLACK_S = 300
"""Age (s) beyond which a request of Slack's is refused: somebody plays it back."""
PAGE_CSP = "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")
_WORDS: dict[Answer, str] = {
    "acknowledge": "Acknowledge · 确认",
    "useful": "Useful · 有用",
    "noise": "Noise · 误报",
    "missed": "Too late or incomplete · 漏报",
}

log = structlog.get_logger()


class _Reference(msgspec.Struct):
    id: str = ""
    summary: str = ""


class _Incident(msgspec.Struct):
    incident_key: str = ""


class _PagerDutyEvent(msgspec.Struct):
    event_type: str
    data: _Incident
    agent: _Reference | None = None


class _PagerDuty(msgspec.Struct):
    event: _PagerDutyEvent


class _SlackUser(msgspec.Struct):
    id: str
    username: str = ""
    name: str = ""


class _SlackTeam(msgspec.Struct):
    id: str


class _SlackAction(msgspec.Struct):
    action_id: Answer
    value: str


class _Slack(msgspec.Struct):
    user: _SlackUser
    team: _SlackTeam
    actions: list[_SlackAction]


class Callbacks:
    """The routes. `now()` is wall time in ms."""

    def __init__(
        self, board: Board, settings: Settings, now: Callable[[], int], *, write: Write[ControlRecord] = write
    ) -> None:
        self._board, self._settings, self._now, self.write = board, settings, now, write

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/callbacks/pagerduty", self.pagerduty),
            web.post("/callbacks/slack", self.slack),
            web.get("/callbacks/alert", self.ask),
            web.post("/callbacks/alert", self.answer),
        ]

    async def pagerduty(self, request: web.Request) -> web.Response:
        """A webhook, version 3: an incident that was acknowledged there; `incident_key` is our episode."""
        body = await request.read()
        secret = self._settings.alerts.callbacks.pagerduty_secret.get_secret_value()
        signed = "v1=" + hmac.digest(secret.encode(), body, sha256).hex()
        given = [text.strip() for text in request.headers.get("X-PagerDuty-Signature", "").split(",")]
        if not secret or not any(_equal(one, signed) for one in given):
            return self._refused("pagerduty", "signature", configured=bool(secret))
        try:
            told = msgspec.json.decode(body, type=_PagerDuty).event
        except msgspec.DecodeError as error:
            return error_response(HTTPStatus.BAD_REQUEST, str(error))
        if told.event_type != "incident.acknowledged":
            return web.Response(status=HTTPStatus.NO_CONTENT)
        author = told.agent.summary if told.agent else ""
        await self._say("acknowledge", [told.data.incident_key], author or "somebody in PagerDuty", "PagerDuty")
        return web.Response(status=HTTPStatus.NO_CONTENT)

    async def slack(self, request: web.Request) -> web.Response:
        """A press of a button under a message of ours."""
        body = await request.read()
        callbacks = self._settings.alerts.callbacks
        secret, stamp = callbacks.slack_secret.get_secret_value(), request.headers.get("X-Slack-Request-Timestamp", "")
        signed = "v0=" + hmac.digest(secret.encode(), b"v0:" + _bytes(stamp) + b":" + body, sha256).hex()
        if not secret or not _equal(request.headers.get("X-Slack-Signature", ""), signed):
            return self._refused("slack", "signature", configured=bool(secret))
        if not stamp.isdigit() or abs(self._now() / 1000 - int(stamp)) > SLACK_S:
            return self._refused("slack", "old", configured=True)
        try:
            told = msgspec.json.decode(str((await request.post())["payload"]), type=_Slack)
        except (msgspec.DecodeError, KeyError) as error:
            return error_response(HTTPStatus.BAD_REQUEST, f"no payload of buttons: {error}")
        if callbacks.slack_team and told.team.id != callbacks.slack_team:
            return self._refused("slack", "team", configured=True)
        for action in told.actions:
            author = told.user.username or told.user.name or told.user.id
            await self._say(action.action_id, action.value.split(), author, "Slack")
        return web.Response()

    async def ask(self, request: web.Request) -> web.Response:
        """The page behind a link: programs that look at links in advance must not answer for people."""
        said = self._link(request.query)
        if isinstance(said, web.Response):
            return said
        alerts = self._found(said.episodes)
        shown = "".join(f"<li>{escape(_sentence(alert))}</li>" for alert in alerts) or "<li>–</li>"
        key = self._settings.alerts.callbacks.link_key.get_secret_value()
        hidden = "".join(
            f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
            for name, value in fields(said, key).items()
        )
        return _page(
            f"<h1>{_WORDS[said.answer]}</h1><ul>{shown}</ul>"
            f'<form method="post" action="alert">{hidden}'
            f'<p><label>Name · 姓名 <input name="name" maxlength="64" value="{escape(said.receiver)}"></label></p>'
            f'<p><label>Note · 备注 <input name="note" maxlength="200"></label></p>'
            f"<p><button>{_WORDS[said.answer]}</button></p></form>"
        )

    async def answer(self, request: web.Request) -> web.Response:
        """The button of that page."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        said = self._link(form)
        if isinstance(said, web.Response):
            return said
        name = _UNPRINTABLE.sub("", form.get("name", ""))[:64].strip()
        author = name if name == said.receiver or not name else f"{name} ({said.receiver})"
        note = _UNPRINTABLE.sub(" ", form.get("note", ""))[:200]
        written = await self._say(said.answer, said.episodes, author or said.receiver, note)
        text = "Noted · 已记录" if written else "Nothing to do any more: it is over · 告警已结束"
        return _page(f"<h1>{text}</h1>")

    def _link(self, told: Mapping[str, str]) -> Link | web.Response:
        key = self._settings.alerts.callbacks.link_key.get_secret_value()
        if not key:
            return self._refused("link", "signature", configured=False)
        said = read(told, key, self._now())
        return said if isinstance(said, Link) else self._refused("link", said, configured=True)

    def _refused(self, way: str, why: str, *, configured: bool) -> web.Response:
        log.warning("an answer from outside is refused", way=way, why=why if configured else "no secret is set")
        status = HTTPStatus.FORBIDDEN if configured else HTTPStatus.NOT_FOUND
        return error_response(status, "refused: " + (why if configured else "this way is not open"))

    def _found(self, episodes: Iterable[str]) -> list[AlertEvent]:
        wanted = set(episodes)
        return [alert for alert in self._board.alerts.values() if alert.episode in wanted]

    async def _say(self, answer: Answer, episodes: Iterable[str], author: str, note: str) -> int:
        """Write it down for each of the episodes that there is; how many. Raises 503 while Kafka is away."""
        records = [self._record(answer, alert, author, note) for alert in self._found(episodes)]
        told = [record for record in records if record is not None]
        for record in told:
            try:
                await self.write(self._settings.kafka, record)
            except (KafkaError, OSError) as error:
                log.warning("what was said about an alert is not written", problem=repr(error))
                raise web.HTTPServiceUnavailable(text="Kafka does not answer: try again") from error
            log.info("said about an alert from outside", what=answer, fingerprint=record.fingerprint, author=author)
        return len(told)

    def _record(self, answer: Answer, alert: AlertEvent, author: str, note: str) -> Acknowledgement | Feedback | None:
        if answer != "acknowledge":
            return feedback_on(alert, answer, author, note, self._now())
        if alert.state != "firing" or self._settings.paging != "hotline":
            return None
        return Acknowledgement(fingerprint=alert.fingerprint, author=author, note=note, at=self._now())


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(_bytes(one), _bytes(other))


def _bytes(header: str) -> bytes:
    """As it was sent, whatever that was."""
    return header.encode(errors="surrogateescape")


def _sentence(alert: AlertEvent) -> str:
    return f"{alert.rule}: {' '.join(alert.summary.values())} ({alert.state})"


def _page(body: str) -> web.Response:
    text = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Hotline</title>{body}</html>'
    headers = {"Content-Security-Policy": PAGE_CSP, "Cache-Control": "no-store"}
    return web.Response(text=text, content_type="text/html", headers=headers)
