"""A worker that counts records per key: run as a process of its own by the tests.

Arguments: group, input topic, output topic, state topic, bytes of padding in each state, microseconds that a record
takes, records that may lie between workers.
"""

import os
import sys
import time
from collections.abc import Mapping, Sequence

import msgspec

from deploy.runtime import logging
from deploy.runtime.processor import Output, Record
from deploy.runtime.settings import Settings
from deploy.runtime.worker import run_worker


class Counting:
    """Counts per key; each output is the absolute count, with the offset it stands at as version."""

    def __init__(self, partition: int, snapshot: Mapping[str, bytes] | None) -> None:
        self._partition = partition
        self._counts: dict[str, int] = msgspec.msgpack.decode(snapshot["all"])["counts"] if snapshot else {}
        self._changed: set[str] = set()
        self._offset = -1
        self._clock = 0

    @property
    def clock(self) -> int:
        return self._clock

    def apply(self, records: Sequence[Record]) -> None:
        time.sleep(len(records) * TAKES_US / 1_000_000)
        for record in records:
            assert record.key is not None
            assert record.offset > self._offset, "records come in offset order without repeats"
            key = record.key.decode()
            self._counts[key] = self._counts.get(key, 0) + 1
            self._changed.add(key)
            self._offset = record.offset
            self._clock = record.timestamp

    def tick(self, now: int, *, caught_up: bool) -> None:
        if caught_up:
            self._clock = max(self._clock, now)

    def outputs(self) -> list[Output]:
        changed, self._changed = self._changed, set()
        return [
            Output(
                OUTPUT,
                key.encode(),
                msgspec.json.encode({"key": key, "n": self._counts[key], "version": self._offset, "pid": os.getpid()}),
            )
            for key in sorted(changed)
        ]

    def snapshot(self) -> dict[str, bytes]:
        return {"all": msgspec.msgpack.encode({"counts": self._counts, "padding": os.urandom(PADDING)})}


def make(topic: str, partition: int, snapshot: Mapping[str, bytes] | None) -> Counting:
    del topic
    return Counting(partition, snapshot)


if __name__ == "__main__":
    group, source, OUTPUT, state, *numbers = sys.argv[1:]
    PADDING, TAKES_US, most_apart = map(int, numbers)
    logging.configure("counting")
    run_worker(group, Settings(), {source: make}, state, checkpoint_s=0.5, most_apart=most_apart)
