"""Acknowledge, silence and judge from the wallboard: POST with JSON, written to `hotline.alert-control` as the commands do.

Where Alertmanager pages it is the home of acknowledgements and silences; what an alert was worth is said here all the same.
"""

import glob
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Literal, TypeVar
from uuid import uuid4

import msgspec
import structlog
from aiohttp import web

from deploy.runtime.kafka import append
from deploy.runtime.settings import Kafka, Settings
from sinks.web.board import Board
from sinks.web.deeds import UNDO_MS, Deeds, Name, Signed, Write, answering, refuse
from sinks.web.gate import PERSON, Gate
from sinks.web.limited_board import limited, silences
from streams.contract import AlertEvent
from streams.contract.alerts import Acknowledgement, ControlRecord, Silence, Verdict, control_key, feedback_on
from streams.contract.audit import AuditAction
from streams.contract.cells import MINUTE_MS
from streams.contract.topics import ALERT_CONTROL

_WHAT = ("alertname", "hotline", "queue", "category", "source")
"""The labels by which a silence finds its alert again."""

Text = Annotated[str, msgspec.Meta(max_length=500)]

log = structlog.get_logger()


class OfAlert(Signed, kw_only=True):
    """Something about an alert."""

    fingerprint: Name


class Acknowledge(OfAlert, kw_only=True):
    """Take on an alert that fires."""

    note: Text = ""


class Silenced(OfAlert, kw_only=True):
    """Page nobody for an alert that fires, so many minutes."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    minutes: Annotated[int, msgspec.Meta(ge=1, le=14 * 1440)]


class Judged(OfAlert, kw_only=True):
    """What somebody thinks of the last episode of an alert, also once it is over."""

    verdict: Verdict
    note: Text = ""


class Unsilenced(Signed, kw_only=True):
    """End a silence now."""

    silence: Name


class Undone(OfAlert, kw_only=True):
    """Take back what oneself has just said about an alert."""

    what: Literal["acknowledge", "silence"]


Asked = TypeVar("Asked", bound=OfAlert)


async def write(kafka: Kafka, record: ControlRecord) -> None:
    """Append a record and wait until the broker has it. Raises KafkaError."""
    await append(kafka, ALERT_CONTROL, control_key(record), msgspec.json.encode(record))


class Actions(Deeds[ControlRecord]):
    """The routes that say something about alerts. `now()` is wall time in ms."""

    deed = "act on alerts"
    command = "hotline alerts"

    def __init__(
        self,
        board: Board,
        settings: Settings,
        now: Callable[[], int],
        gate: Gate,
        *,
        write: Write[ControlRecord] = write,
    ) -> None:
        super().__init__(settings, now, gate, write)
        self.board = board

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/api/v1/alerts/acknowledge", answering(self.acknowledge)),
            web.post("/api/v1/alerts/silence", answering(self.silence)),
            web.post("/api/v1/alerts/unsilence", answering(self.unsilence)),
            web.post("/api/v1/alerts/undo", answering(self.undo)),
            web.post("/api/v1/alerts/feedback", answering(self.feedback)),
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
        asked = await self.asked(request, Unsilenced)
        holding = silences(limited(self.board, request[PERSON].sees, self.settings), self.now())
        found = next((silence for silence in holding if silence.id == asked.silence), None)
        if found is None:
            raise refuse(HTTPStatus.NOT_FOUND, "this silence does not hold (any more)")
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
        asked = await self.asked(request, kind)
        alert = limited(self.board, request[PERSON].sees, self.settings).alerts.get(asked.fingerprint)
        if alert is None or (alert.state != "firing" and kind is not Judged):
            raise refuse(HTTPStatus.NOT_FOUND, "this alert does not fire (any more)")
        record = made(asked, alert)
        if record is None:
            raise refuse(HTTPStatus.NOT_FOUND, "there is nothing (any more) to take back")
        return await self._say(request, action, alert.fingerprint, record)

    async def _say(self, request: web.Request, action: AuditAction, about: str, record: ControlRecord) -> web.Response:
        """Write it, and note who did."""
        await self.append(record, about)
        log.info("said about an alert", what=type(record).__name__, about=about, author=record.author)
        return self.done(request, record, action, about)

    def permit(self, request: web.Request, kind: type[Signed]) -> None:
        """Also where alerts are acknowledged and silenced elsewhere. Raises RefusedError."""
        if self.settings.paging != "hotline" and kind is not Judged:
            raise refuse(HTTPStatus.CONFLICT, "paging is alertmanager: acknowledge and silence alerts there")
        super().permit(request, kind)
