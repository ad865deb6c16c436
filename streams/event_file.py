"""The file of announced events, read again as it changes; one that cannot be used changes nothing."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog

from deploy.runtime.planned_events import PlannedEvent, parse_events
from deploy.runtime.settings import SettingsError
from streams.detection import Announced
from streams.merge import Merger

LOOK_EVERY_S = 2.0

log = structlog.get_logger()


class EventFile:
    """`events`: those that hold now. Raises SettingsError if the file cannot be used at the start."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._text = self._read()
        self.events = announced(parse_events(self._text, str(path)))

    def reread(self) -> bool:
        """Read the file again if it has changed; True if other events hold from now on."""
        text = self._read()
        if text == self._text:
            return False
        self._text = text
        try:
            events = announced(parse_events(text, str(self._path)))
        except SettingsError as error:
            log.warning("the changed events cannot be used, the earlier ones stay in force", problem=str(error))
            return False
        self.events = events
        log.info("announced events read again", events=len(events))
        return True

    def _read(self) -> bytes:
        """What the file holds; nothing where there is none."""
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return b""


def announced(events: tuple[PlannedEvent, ...]) -> tuple[Announced, ...]:
    """Events as detection takes them."""
    return tuple(
        Announced(
            it.name,
            round(it.begin.timestamp() * 1000),
            round(it.end.timestamp() * 1000),
            it.lift,
            it.hotline,
            it.queue,
        )
        for it in events
    )


async def watch_events(file: EventFile, merger: Callable[[], Merger | None]) -> None:
    """Look at the file every two seconds, for good, and let the merger of this process know."""
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        if await asyncio.to_thread(file.reread) and (found := merger()) is not None:
            found.announce(file.events)
