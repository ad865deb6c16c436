"""A file that people change while a process runs: looked at again and again, taken up only when it has changed."""

import asyncio
from collections.abc import Callable
from pathlib import Path


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
    """Read again off the event loop, for good; `adopt` is called, on the loop, each time that `reread` says so."""
    while True:
        await asyncio.sleep(every_s)
        if await asyncio.to_thread(reread):
            adopt()
