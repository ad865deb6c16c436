"""Putting events in order of time without holding them all: sorted runs on disk, merged when read."""

import heapq
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from operator import attrgetter
from typing import IO, NamedTuple

import msgspec

RUN_EVENTS = 400_000
_BLOCK = 2_000
_decode = msgspec.msgpack.Decoder(list[tuple[int, bytes, bytes]]).decode
_encode = msgspec.msgpack.Encoder().encode
_time = attrgetter("time")


class Timed(NamedTuple):
    """One event ready to be sent: event time in ms, key (call id), JSON."""

    time: int
    key: bytes
    value: bytes


class Sorted:
    """Events in order of time; those of one instant stay in the order in which they were added.

    At most `run_events` are in memory; the rest waits in unnamed temporary files, which `close` (or the end of the
    process) removes. It can be iterated again and again.
    """

    def __init__(self, run_events: int = RUN_EVENTS) -> None:
        self._run_events = run_events
        self._open: list[Timed] = []
        self._sorted = True
        self._runs: list[IO[bytes]] = []
        self._files = ExitStack()
        self._count = 0
        self.first: int | None = None
        self.last: int | None = None

    def close(self) -> None:
        """Give back the temporary files."""
        self._files.close()

    def __len__(self) -> int:
        return self._count

    def add(self, event: Timed) -> None:
        """Take in one event."""
        self._open.append(event)
        self._sorted = False
        self._count += 1
        self.first = event.time if self.first is None else min(self.first, event.time)
        self.last = event.time if self.last is None else max(self.last, event.time)
        if len(self._open) >= self._run_events:
            self._spill()

    def __iter__(self) -> Iterator[Timed]:
        self._sort()
        if not self._runs:
            return iter(self._open)
        return heapq.merge(*(_read(run) for run in self._runs), iter(self._open), key=_time)

    def _sort(self) -> None:
        if not self._sorted:
            self._open.sort(key=_time)  # stable
            self._sorted = True

    def _spill(self) -> None:
        self._sort()
        run = self._files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115  # open until the sending is over
        for start in range(0, len(self._open), _BLOCK):
            block = _encode(self._open[start : start + _BLOCK])
            run.write(len(block).to_bytes(4, "big") + block)
        run.flush()
        self._runs.append(run)
        self._open = []


def _read(run: IO[bytes]) -> Iterator[Timed]:
    """A run from its beginning; two readers of one run must not be under way at once."""
    run.seek(0)
    while size := run.read(4):
        for event in _decode(run.read(int.from_bytes(size, "big"))):
            yield Timed(*event)
