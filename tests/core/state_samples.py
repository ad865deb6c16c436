"""A log of calls in two halves, and the states after the first one as a version wrote them.

`python tests/core/state_samples.py FOLDER` writes them by the code of this version: done once, for a version whose states
another one must read. `state_1` is of the last before bundles told of lives (`streams/lives.py`), in format 2
(`deploy/runtime/state_records.py`); `state_2` of the first in format 3; `state_3` of the first in format 4.
"""

import gzip
import random
import sys
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from engine import Engine

from model.traffic import MINUTE, Plan, traffic
from model.world import settings
from streams.contract.keys import murmur2_partition

FOLDERS = sorted(Path(__file__).parent.glob("state_[0-9]*"))
OF_THIS_FORMAT = FOLDERS[2:]
PARTITIONS = 6
KEYS = {murmur2_partition(key.encode(), PARTITIONS): key for key in map(str, range(100))}
"""partition -> a record key that goes there."""


class Appended(NamedTuple):
    """A record of the input topic; `at`: when it was appended, ms."""

    partition: int
    at: int
    value: bytes


class Sample(msgspec.Struct):
    """`calls` and `merger`: the states after `first`, by the name of their parts."""

    first: list[Appended]
    then: list[Appended]
    calls: list[dict[str, bytes]]
    merger: dict[str, bytes]


def read(folder: Path) -> Sample:
    return msgspec.msgpack.decode(gzip.decompress((folder / "sample.msgpack.gz").read_bytes()), type=Sample)


def tell(engine: Any, records: list[Appended]) -> None:
    """These are read as they are appended, with ticks between."""
    for number, record in enumerate(records):
        engine.send([record.value], record.at, key=KEYS[record.partition])
        if number % 10 == 0:
            engine.tick(record.at)


def states(engine: Any) -> tuple[list[dict[str, bytes]], dict[str, bytes]]:
    return [calls.snapshot() for calls in engine._calls], engine._merger.snapshot()


def main() -> None:
    plan = Plan(calls=40, span_ms=60 * MINUTE, broken=0.0, late=0.03)
    log, now = [], 0
    for it in traffic(random.Random(3), plan, PARTITIONS):
        now = max(now, it.at)
        log.append(Appended(it.partition, now, it.value))
    first, then = log[: len(log) // 2], log[len(log) // 2 :]
    engine = Engine(settings(), PARTITIONS)
    tell(engine, first)
    folder = Path(sys.argv[1])
    folder.mkdir(exist_ok=True)
    packed = msgspec.msgpack.encode(Sample(first, then, *states(engine)))
    (folder / "sample.msgpack.gz").write_bytes(gzip.compress(packed))


if __name__ == "__main__":
    main()
