"""The file of announced events, read again as it changes; one that cannot be used changes nothing."""

from pathlib import Path

import structlog

from deploy.runtime.planned_events import PlannedEvent, read_events
from deploy.runtime.settings import SettingsError
from deploy.runtime.watched_file import WatchedFile
from streams.detection import Announced

log = structlog.get_logger()


class EventFile:
    """`events`: those that hold now, none where there is no file. Raises SettingsError if it cannot be used at the start."""

    def __init__(self, path: Path) -> None:
        self._file = WatchedFile(path)
        self.events = announced(read_events(path))

    def reread(self) -> bool:
        """Read the file again if it has changed; True if other events hold from now on."""
        if not self._file.changed():
            return False
        try:
            events = announced(read_events(self._file.path))
        except SettingsError as error:
            log.warning("the changed events cannot be used, the earlier ones stay in force", problem=str(error))
            return False
        self.events = events
        log.info("announced events read again", events=len(events))
        return True


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
