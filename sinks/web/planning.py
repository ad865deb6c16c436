"""Announce, change and take back events from the wallboard: POST with JSON, written to `hotline.announcements`.

Each change says which revision it follows. Somebody who was overtaken, here or on another machine, is told so and
changes nothing.
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated

import msgspec
import structlog
from aiohttp import web

from deploy.runtime import announcement_log
from deploy.runtime.event_entry import LONGEST_NAME, span_of
from deploy.runtime.planned_events import events_path, told_by_file
from deploy.runtime.settings import Settings, SettingsError
from deploy.runtime.watched_file import WatchedFile, watch
from sinks.web.board import Board
from sinks.web.deeds import UNDO_MS, Deeds, Name, Question, Signed, Write, answering, refuse
from sinks.web.gate import PERSON, Gate
from sinks.web.limited_board import limited
from sinks.web.planned import place_of
from sinks.web.reader import Reader
from sinks.web.summary import BadRequestError
from streams.contract import Announcement
from streams.contract.announcements import Fate, followed, same

READ_WITHIN_S = 5.0
LOOK_S = 0.05

Short = Annotated[str, msgspec.Meta(max_length=64)]
Title = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_NAME)]
Times = Annotated[float, msgspec.Meta(ge=0.01, le=50)]

log = structlog.get_logger()


class Told(Signed, kw_only=True):
    """An event as it is entered: `begin` and `end` local to the hotline; `hotline`, `queue` as in `Announcement`."""

    name: Title
    begin: Short
    end: Short
    lift: Times = 1.0
    hotline: Short = ""
    queue: Short = ""


class Changed(Told, kw_only=True):
    """The same in place of what revision `revision` of an event says."""

    event: Name
    revision: int


class Removed(Signed, kw_only=True):
    """Take an event back, or (undo) one's own last word on it."""

    event: Name
    revision: int


class Planning(Deeds[Announcement]):
    """The routes that change announced events, and the file that names more. `now()` is wall time in ms."""

    deed = "announce events"
    command = "hotline events"

    def __init__(
        self,
        board: Board,
        reader: Reader,
        settings: Settings,
        now: Callable[[], int],
        gate: Gate,
        *,
        write: Write[Announcement] = announcement_log.write,
    ) -> None:
        super().__init__(settings, now, gate, write)
        self.board, self.reader = board, reader
        self._adding = asyncio.Lock()
        self._file = WatchedFile(events_path(settings))
        self._reread()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/api/v1/events/add", answering(self.add)),
            web.post("/api/v1/events/change", answering(self.change)),
            web.post("/api/v1/events/remove", answering(self.remove)),
            web.post("/api/v1/events/undo", answering(self.undo)),
        ]

    async def read_file_for_ever(self) -> None:
        """Take up the file of events as it changes."""
        await watch(self._file.changed, self._reread)

    def _reread(self) -> None:
        try:
            self.board.of_file = told_by_file(self._file.path)
        except SettingsError as error:
            log.warning("the file of events cannot be used, the earlier ones are shown", problem=str(error))

    async def add(self, request: web.Request) -> web.Response:
        """Somebody announces an event."""
        asked = await self.asked(request, Told)
        told = self._made(request, asked, "", 1)
        async with self._adding:  # the same one, asked for twice at once, waits until the first has come back
            there = same(self.board.events(), told)
            if there is not None:
                raise refuse(HTTPStatus.CONFLICT, _announced(there))
            return await self._say(request, "add", self.board.announced.numbered(told))

    async def change(self, request: web.Request) -> web.Response:
        """Somebody says anew what an event is."""
        asked = await self.asked(request, Changed)
        last = self._last(request, asked.event, asked.revision)
        return await self._say(request, "change", self._made(request, asked, last.id, last.revision + 1))

    async def remove(self, request: web.Request) -> web.Response:
        """Somebody takes an event back."""
        asked = await self.asked(request, Removed)
        last = self._last(request, asked.event, asked.revision)
        return await self._say(request, "remove", followed(last, asked.author, self.now()))

    async def undo(self, request: web.Request) -> web.Response:
        """Somebody takes back their own last word on an event, within moments."""
        asked = await self.asked(request, Removed)
        last = self._last(request, asked.event, asked.revision, gone=True)
        if last.author != asked.author or self.now() - last.at > UNDO_MS:
            raise refuse(HTTPStatus.NOT_FOUND, "there is nothing (any more) to take back")
        earlier = self.board.announced.revisions(last.id)[:-1]
        record = followed(last, asked.author, self.now(), of=earlier[-1] if earlier else None)
        return await self._say(request, "undo", record)

    async def asked(self, request: web.Request, kind: type[Question]) -> Question:
        """Only once it is known what is announced. Raises RefusedError, BadRequestError."""
        asked = await super().asked(request, kind)
        if self.reader.known_from is None:
            raise refuse(HTTPStatus.SERVICE_UNAVAILABLE, "Kafka is still being read: try again in a moment")
        return asked

    def _made(self, request: web.Request, asked: Told, event: str, revision: int) -> Announcement:
        """The record of what is asked for. Raises BadRequestError, RefusedError."""
        sees = request[PERSON].sees
        if not sees.announces(asked.hotline, asked.queue, self.settings):
            self.gate.note(request, "refused")
            raise refuse(HTTPStatus.FORBIDDEN, "you do not see all that this event bears on: name a queue of yours")
        place_of(asked.hotline, asked.queue, limited(self.board, sees, self.settings), self.settings)
        try:
            span = span_of(asked.begin, asked.end, asked.hotline, self.settings)
        except ValueError as error:
            raise BadRequestError(str(error)) from None
        return Announcement(
            id=event,
            revision=revision,
            name=asked.name.strip(),
            begin=span.begin,
            end=span.end,
            lift=asked.lift,
            hotline=asked.hotline,
            queue=asked.queue,
            author=asked.author,
            at=self.now(),
        )

    def _last(self, request: web.Request, event: str, revision: int, *, gone: bool = False) -> Announcement:
        """The revision that somebody has seen and changes, if it still is the last. Raises RefusedError."""
        of_file = next((it for it in self.board.of_file if it.id == event), None)
        if of_file is not None:
            raise refuse(HTTPStatus.CONFLICT, f"this event stands in {self._file.path.name}: change it there")
        revisions = self.board.announced.revisions(event)
        last = revisions[-1] if revisions else None
        if last is None or not request[PERSON].sees.announcement(last.hotline, last.queue, self.settings):
            raise refuse(HTTPStatus.NOT_FOUND, "there is no such event")
        if not request[PERSON].sees.announces(last.hotline, last.queue, self.settings):
            self.gate.note(request, "refused")
            raise refuse(HTTPStatus.FORBIDDEN, "you do not see all that this event bears on")
        if last.revision != revision or (last.withdrawn and not gone):
            did = "taken this event back" if last.withdrawn else "changed this event"
            raise refuse(HTTPStatus.CONFLICT, f"{last.author} has {did} meanwhile: look at it and try again")
        return last

    async def _say(self, request: web.Request, deed: str, record: Announcement) -> web.Response:
        """Write it, see that nobody was faster, and note who did."""
        await self.append(record, record.name)
        if await self._fate(record) == "overtaken":
            first = self.board.announced.revisions(record.id)[0]
            changed = "somebody has changed this event meanwhile: look at it and try again"
            raise refuse(HTTPStatus.CONFLICT, _announced(first) if record.revision == 1 else changed)
        log.info("event announced", deed=deed, event_name=record.name, author=record.author)
        return self.done(request, record, "announce", f"{deed} {record.id}: {record.name}")

    async def came(self, record: Announcement) -> bool:
        return await self._fate(record) != "not_seen"

    async def _fate(self, record: Announcement) -> Fate:
        """What the log made of a record, once it has come back; `not_seen` if that takes too long."""
        try:
            async with asyncio.timeout(READ_WITHIN_S):
                while True:
                    fate = self.board.announced.fate(record)
                    if fate != "not_seen":
                        return fate
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            return "not_seen"


def _announced(there: Announcement) -> str:
    return f"{there.name} is announced already, by {there.author}: change that one"
