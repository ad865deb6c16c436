"""Acknowledge, silence and judge from the wallboard: POST with JSON, written to `hotline.alert-control` as the commands do.

A foreign page must not act through somebody's browser (`gate.foreign`). Without logins a board that others can reach
offers no actions: they are there on loopback and for people who log in. Where Alertmanager pages it is the home of
acknowledgements and silences; what an alert was worth is said here all the same.
"""

import glob
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Annotated, Literal, TypeVar
from uuid import uuid4

import msgspec
import orjson
import structlog
from aiohttp import web
from aiokafka.errors import KafkaError

from deploy.runtime.event_entry import readable
from deploy.runtime.kafka import append
from deploy.runtime.settings import Kafka, Settings
from sinks.web.answers import error_response, json_response
from sinks.web.board import Board
from sinks.web.gate import PERSON, Gate, foreign
from sinks.web.seen import seen, silences
from streams.contract import AlertEvent
from streams.contract.alerts import Acknowledgement, ControlRecord, Silence, Verdict, control_key, feedback_on
from streams.contract.audit import AuditAction
from streams.contract.topics import ALERT_CONTROL

MINUTE_MS = 60_000
UNDO_MS = 15_000
"""What was said can be taken back so long; the page offers it for ten seconds."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_WHAT = ("alertname", "hotline", "queue", "category", "source")
"""The labels by which a silence finds its alert again."""

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Text = Annotated[str, msgspec.Meta(max_length=500)]

log = structlog.get_logger()


class Acknowledge(msgspec.Struct, forbid_unknown_fields=True):
    """Take on an alert that fires."""

    fingerprint: Name
    author: Name
    note: Text = ""


class Silenced(msgspec.Struct, forbid_unknown_fields=True):
    """Page nobody for an alert that fires, so many minutes."""

    fingerprint: Name
    author: Name
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    minutes: Annotated[int, msgspec.Meta(ge=1, le=14 * 1440)]


class Judged(msgspec.Struct, forbid_unknown_fields=True):
    """What somebody thinks of the last episode of an alert, also once it is over."""

    fingerprint: Name
    author: Name
    verdict: Verdict
    note: Text = ""


class Unsilenced(msgspec.Struct, forbid_unknown_fields=True):
    """End a silence now."""

    silence: Name
    author: Name


class Undone(msgspec.Struct, forbid_unknown_fields=True):
    """Take back what oneself has just said about an alert."""

    fingerprint: Name
    author: Name
    what: Literal["acknowledge", "silence"]


Asked = TypeVar("Asked", Acknowledge, Silenced, Judged, Undone)
Question = TypeVar("Question", Acknowledge, Silenced, Judged, Undone, Unsilenced)
Write = Callable[[Kafka, ControlRecord], Awaitable[None]]


def offered(settings: Settings) -> bool:
    """Whether the board lets people say something about alerts at all."""
    return settings.web.host in LOOPBACK or settings.web.access.mode != "open"


async def write(kafka: Kafka, record: ControlRecord) -> None:
    """Append a record and wait until the broker has it. Raises KafkaError."""
    await append(kafka, ALERT_CONTROL, control_key(record), msgspec.json.encode(record))


class Actions:
    """The routes that change something. `now()` is wall time in ms."""

    def __init__(
        self, board: Board, settings: Settings, now: Callable[[], int], gate: Gate, *, write: Write = write
    ) -> None:
        self.board, self.settings, self.now, self.write = board, settings, now, write
        self.gate = gate

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/api/v1/alerts/acknowledge", self.acknowledge),
            web.post("/api/v1/alerts/silence", self.silence),
            web.post("/api/v1/alerts/unsilence", self.unsilence),
            web.post("/api/v1/alerts/undo", self.undo),
            web.post("/api/v1/alerts/feedback", self.feedback),
        ]

    async def acknowledge(self, request: web.Request) -> web.Response:
        """Somebody takes on an alert: nobody else is called for this episode."""

        def made(asked: Acknowledge, alert: AlertEvent) -> ControlRecord:
            return Acknowledgement(fingerprint=alert.fingerprint, author=asked.author, note=asked.note, at=self.now())

        return await self._do(request, Acknowledge, "acknowledge", made)

    async def silence(self, request: web.Request) -> web.Response:
        """Nobody is paged for this alert for a while."""

        def made(asked: Silenced, alert: AlertEvent) -> ControlRecord:
            labels = {name: glob.escape(alert.labels[name]) for name in _WHAT if alert.labels.get(name)}
            return Silence(
                id=uuid4().hex[:8],
                matchers=labels or {"alertname": glob.escape(alert.rule)},
                author=asked.author,
                reason=asked.reason,
                at=self.now(),
                ends_at=self.now() + asked.minutes * MINUTE_MS,
            )

        return await self._do(request, Silenced, "silence", made)

    async def undo(self, request: web.Request) -> web.Response:
        """Somebody takes back their own last word on an alert, within moments."""

        def made(asked: Undone, alert: AlertEvent) -> ControlRecord | None:
            now = self.now()
            if asked.what == "silence":
                mine = [one for one in self.board.said.holding(alert, now) if self._fresh(one, asked.author)]
                last = max(mine, key=lambda one: one.at, default=None)
                return last and msgspec.structs.replace(last, ends_at=now)
            taken = self.board.said.owner(alert)
            if taken is None or not self._fresh(taken, asked.author):
                return None
            return msgspec.structs.replace(taken, withdrawn_at=now)

        return await self._do(request, Undone, "undo", made)

    def _fresh(self, said: Acknowledgement | Silence, author: str) -> bool:
        """Whether somebody said it themselves a moment ago."""
        return said.author == author and self.now() - said.at <= UNDO_MS

    async def feedback(self, request: web.Request) -> web.Response:
        """Somebody says what an alert was worth: the precision of its rule is made of it."""

        def made(asked: Judged, alert: AlertEvent) -> ControlRecord:
            return feedback_on(alert, asked.verdict, asked.author, asked.note, self.now())

        return await self._do(request, Judged, "feedback", made)

    async def unsilence(self, request: web.Request) -> web.Response:
        """Somebody ends a silence early: whoever is due to know is paged from now on."""
        asked = await self._asked(request, Unsilenced)
        if isinstance(asked, web.Response):
            return asked
        holding = silences(seen(self.board, request[PERSON].sees, self.settings), self.now())
        found = next((silence for silence in holding if silence.id == asked.silence), None)
        if found is None:
            return error_response(HTTPStatus.NOT_FOUND, "this silence does not hold (any more)")
        reason = f"{found.reason} (ended by {asked.author})"
        return await self._say(
            request, "silence", found.id, msgspec.structs.replace(found, ends_at=self.now(), reason=reason)
        )

    async def _do(
        self,
        request: web.Request,
        kind: type[Asked],
        action: AuditAction,
        made: Callable[[Asked, AlertEvent], ControlRecord | None],
    ) -> web.Response:
        asked = await self._asked(request, kind)
        if isinstance(asked, web.Response):
            return asked
        alert = seen(self.board, request[PERSON].sees, self.settings).alerts.get(asked.fingerprint)
        if alert is None or (alert.state != "firing" and kind is not Judged):
            return error_response(HTTPStatus.NOT_FOUND, "this alert does not fire (any more)")
        record = made(asked, alert)
        if record is None:
            return error_response(HTTPStatus.NOT_FOUND, "there is nothing (any more) to take back")
        return await self._say(request, action, alert.fingerprint, record)

    async def _asked(self, request: web.Request, kind: type[Question]) -> Question | web.Response:
        """What is asked for, signed by whoever has logged in; or the answer that says why not."""
        refusal = self._refusal(request, judges=kind is Judged)
        if refusal is not None:
            self.gate.note(request, "refused")
            return refusal
        try:
            asked = msgspec.json.decode(await request.read(), type=kind)
        except msgspec.DecodeError as error:
            return error_response(HTTPStatus.BAD_REQUEST, str(error))
        if not readable(asked.author):
            return error_response(HTTPStatus.BAD_REQUEST, "author: write a name, without control characters")
        person = request[PERSON]
        return msgspec.structs.replace(asked, author=person.name) if person.name else asked

    async def _say(self, request: web.Request, action: AuditAction, about: str, record: ControlRecord) -> web.Response:
        """Write it, and note who did."""
        try:
            await self.write(self.settings.kafka, record)
        except (KafkaError, OSError) as error:
            log.warning("what was said about an alert is not written", about=about, problem=repr(error))
            return error_response(
                HTTPStatus.SERVICE_UNAVAILABLE, "Kafka does not answer: nothing was changed, try again"
            )
        self.gate.note(request, action, about)
        log.info("said about an alert", what=type(record).__name__, about=about, author=record.author)
        return json_response(orjson.dumps({"done": msgspec.to_builtins(record)}))

    def _refusal(self, request: web.Request, *, judges: bool) -> web.Response | None:
        """Who may not, and why."""
        if self.settings.paging != "hotline" and not judges:
            return error_response(HTTPStatus.CONFLICT, "paging is alertmanager: acknowledge and silence alerts there")
        return refused(request, self.settings, "act on alerts", "hotline alerts")


def refused(request: web.Request, settings: Settings, deed: str, command: str) -> web.Response | None:
    """Why whoever asks may not do this `deed` here; `command`: where else it is done. None: they may."""
    if not offered(settings):
        return error_response(
            HTTPStatus.FORBIDDEN, f"this board has no logins: actions are offered on loopback only (`{command}`)"
        )
    if not request[PERSON].may("act"):
        return error_response(HTTPStatus.FORBIDDEN, f"a {request[PERSON].role} does not {deed}")
    return foreign(request)
