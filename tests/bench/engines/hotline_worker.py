"""Hotline's shell (`deploy/runtime`) as it runs, with a small core in place of the calls: checkpoints are on.

Its last argument is the topic that keeps its states.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version

import msgspec
from told import MINUTE_MS, THRESHOLD_MS, Run

from deploy.runtime import logging
from deploy.runtime.processor import Output, Record
from deploy.runtime.settings import Settings
from deploy.runtime.worker import CHECKPOINTS_FAR_BEHIND, Worker, run_worker


class Event(msgspec.Struct, gc=False):
    type: str
    time: int
    queue: str = ""
    wait_ms: int | None = None


decoder = msgspec.json.Decoder(Event)


def decoded(records: Sequence[Record]) -> list[Event]:
    """All values at once; one by one where a value is not exactly one line."""
    values = [record.value or b"" for record in records]
    try:
        events: list[Event] = decoder.decode_lines(b"\n".join(values))
    except msgspec.DecodeError:
        events = []
    return events if len(events) == len(values) else [decoder.decode(value) for value in values]


class JobA:
    """One partition's cells."""

    def __init__(self, run: Run, snapshot: Mapping[str, bytes] | None) -> None:
        self._run = run
        self.cells: dict[tuple[str, int], list[int]] = {}
        self.done = asyncio.Event()
        self._clock = 0
        self.checkpoints = 0
        assert not snapshot

    @property
    def clock(self) -> int:
        return self._clock

    def apply(self, records: Sequence[Record]) -> None:
        if not self._run.seen:
            self._run.begin()
        cells = self.cells
        for event in decoded(records):
            key = event.queue, event.time // MINUTE_MS
            cell = cells.get(key)
            if cell is None:
                cell = cells[key] = [0, 0, 0, 0, 0]
            cell[0] += 1
            wait = event.wait_ms
            if wait is not None and event.type == "answered":
                cell[1] += 1
                cell[2] += wait
                if wait > cell[3]:  # noqa: PLR1730  (a third of the time of `max`)
                    cell[3] = wait
                if wait <= THRESHOLD_MS:
                    cell[4] += 1
        self._clock = max(self._clock, records[-1].timestamp)
        if self._run.see(len(records)):
            self.done.set()
            self._run.end(
                ((*key, cell) for key, cell in cells.items()),
                f"hotline-monitor {version('hotline-monitor')}",
                checkpoints=self.checkpoints,
            )

    def tick(self, now: int, *, caught_up: bool) -> None:
        del now, caught_up

    def outputs(self) -> list[Output]:
        return []

    def snapshot(self) -> dict[str, bytes]:
        self.checkpoints += 1
        return {"cells": msgspec.msgpack.encode(list(self.cells.items()))}


def main(arguments: list[str]) -> None:
    run = Run(arguments[:-1])
    made: list[JobA] = []

    def make(topic: str, partition: int, snapshot: Mapping[str, bytes] | None) -> JobA:
        del topic, partition
        made.append(JobA(run, snapshot))
        return made[-1]

    async def stop_when_done(worker: Worker) -> None:
        del worker
        await made[-1].done.wait()
        os.kill(os.getpid(), signal.SIGTERM)

    logging.configure("bench")
    settings = Settings(kafka={"bootstrap": run.bootstrap})
    # A short run has to have checkpoints too: every second, though all of it was appended long ago.
    run_worker(
        f"{run.topic}-hotline",
        settings,
        {run.topic: make},
        arguments[-1],
        background=[stop_when_done],
        checkpoint_s=1.0 / CHECKPOINTS_FAR_BEHIND,
    )


if __name__ == "__main__":
    main(sys.argv)
