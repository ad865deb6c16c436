"""What an engine's process tells of its run; every engine's program begins with `Run(sys.argv)`.

Arguments: bootstrap address, topic, number of events in it, file to write. The clock runs from the first record in the
engine's hands to the last one counted, so start-up is in nobody's figure. Only the standard library: engines run in
different environments.
"""

import json
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path

MINUTE_MS = 60_000
THRESHOLD_MS = 20_000


class Run:
    def __init__(self, arguments: list[str]) -> None:
        _, self.bootstrap, self.topic, events, out = arguments
        self.group = f"{self.topic}-{os.getpid()}"
        """A consumer group of this run alone: one that an earlier run left would go on where that stopped."""
        self.events = int(events)
        self.seen = 0
        self._out = Path(out)
        self._began = self._cpu = 0.0

    def begin(self) -> None:
        """The first record is here."""
        self._began, self._cpu = time.perf_counter(), time.process_time()

    def see(self, records: int = 1) -> bool:
        """So many more are counted; whether that was all."""
        self.seen += records
        return self.seen >= self.events

    def end(
        self,
        totals: Iterable[tuple[str, int, list[int]]] | None,
        software: str,
        checkpoints: int | None = None,
    ) -> None:
        """All are counted. `totals`: (queue, minute, the five numbers); None for an engine that only reads."""
        seconds, cpu = time.perf_counter() - self._began, time.process_time() - self._cpu
        told = {
            "events": self.events,
            "seconds": seconds,
            "cpu_seconds": cpu,
            "checkpoints": checkpoints,
            "software": f"{software}, Python {sys.version.split()[0]}",
            "totals": None if totals is None else {f"{queue} {minute}": list(cell) for queue, minute, cell in totals},
        }
        self._out.write_text(json.dumps(told))


def add(cell: list[int], answered: bool, wait_ms: int | None) -> None:
    """One event into the five numbers of its cell."""
    cell[0] += 1
    if answered and wait_ms is not None:
        cell[1] += 1
        cell[2] += wait_ms
        cell[3] = max(cell[3], wait_ms)
        cell[4] += wait_ms <= THRESHOLD_MS
