"""Announced events as detection takes them: those that people enter, and those of a file.

The file is read again as it changes; one that cannot be used changes nothing.
"""

from collections.abc import Iterable
from pathlib import Path

import structlog

from deploy.runtime.planned_events import told_by_file
from deploy.runtime.settings import SettingsError
from deploy.runtime.watched_file import WatchedFile
from streams.contract.announcements import Announcement, Announcements
from streams.detection import Announced

log = structlog.get_logger()


class EventFile:
    """`events`: those that hold now, none where there is no file. Raises SettingsError if it cannot be used at the start."""

    def __init__(self, path: Path) -> None:
        self._file = WatchedFile(path)
        self.events = announced(told_by_file(path))

    def reread(self) -> bool:
        """Read the file again if it has changed; True if other events hold from now on."""
        if not self._file.changed():
            return False
        try:
            events = announced(told_by_file(self._file.path))
        except SettingsError as error:
            log.warning("the changed events cannot be used, the earlier ones stay in force", problem=str(error))
            return False
        self.events = events
        log.info("announced events read again", events=len(events))
        return True


class Events:
    """The events of the file and those that people enter, of which there are none until the first `take`."""

    def __init__(self, file: EventFile) -> None:
        self._file = file
        self._entered: tuple[Announced, ...] = ()

    @property
    def all(self) -> tuple[Announced, ...]:
        return (*self._file.events, *self._entered)

    def take(self, entered: Announcements) -> bool:
        """Take in what people have entered, as the log has it now; True if other events hold from now on."""
        before, self._entered = self._entered, announced(entered.holding())
        if self._entered == before:
            return False
        log.info("announced events have changed", events=len(self._entered))
        return True


def announced(events: Iterable[Announcement]) -> tuple[Announced, ...]:
    """The same events as detection takes them."""
    return tuple(Announced(it.name, it.begin, it.end, it.lift, it.hotline, it.queue) for it in events)
