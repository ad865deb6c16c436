"""A file that people change while a process runs: looked at again and again, taken up only when it has changed."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from deploy.runtime.faults import Fault, Faults, contained


class WatchedFile:
    """A path, and what was seen there when it was last looked at."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen = self._look()

    def changed(self) -> bool:
        """Look again: is there something else than the last time?"""
        before, self._seen = self._seen, self._look()
        return self._seen != before

    def _look(self) -> bytes | int | None:
        """What the file holds, or the number of the error that forbids to read it."""
        try:
            return self.path.read_bytes()
        except OSError as error:
            return error.errno


async def watch(reread: Callable[[], bool], adopt: Callable[[], None], every_s: float = 1.0) -> None:
    """Read again off the event loop, for good; `adopt` is called, on the loop, each time that `reread` says so.

    An error of `reread` leaves what was read before; one of `adopt` passes.
    """
    faults = Faults()
    while True:
        await asyncio.sleep(every_s)
        changed = await contained(asyncio.to_thread(reread))
        if isinstance(changed, Fault):
            faults.say("an error in Hotline, please report it: a changed file is not taken in", changed)
        elif changed:
            adopt()
