"""What counting costs, beside what decoding alone costs: `make bench-core`.

The events of one partition of six, calls, agents and heartbeats as the simulator sends them, in one process without
Kafka. Jobs, interleaved over several rounds, as ratios of the first: decode the JSON; decode, validate and repair; the
whole partition (visits, cells, gauges, bundles) told slice by slice as live traffic is, told as seldom as a backlog is,
and while it goes over ground that a predecessor may have gone over. A city's backlog holds minutes in a slice, a nation's seconds: few events of a call meet in one.
Time is the process's own (CPU), so that what else the machine does counts less; the ratios hold better than the speeds.
"""

import gc
import os
import platform
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from deploy.producers.simulator.profile import profile_of
from deploy.producers.simulator.simulation import simulate
from deploy.runtime.processor import Record
from deploy.runtime.settings import Settings
from streams.contract.events import CallEvent
from streams.contract.keys import murmur2_partition, record_key
from streams.contract.topics import CALLS
from streams.intake import read
from streams.processors import factory

ROUNDS = 5
SLICE = 500
BACKLOG = 10_000
"""Records between two tellings of a backlog: two seconds of one of six partitions."""
PARTITIONS = 6
MINUTE = 60_000
MORNING = 1_700_000_000_000 + 550 * MINUTE
EVENTS = 60_000


class Load(NamedTuple):
    """A hotline's day: calls a day, and the minutes of it that are taken."""

    name: str
    calls_a_day: float
    minutes: int


LOADS = (Load("city", 50_000, 900), Load("nation", 3_000_000, 20))


def records_of(load: Load) -> list[Record]:
    """What lands on partition 0."""
    profile = profile_of("bench", "UTC", load.calls_a_day)
    records: list[Record] = []
    for event in simulate(profile, 1, MORNING, MORNING + load.minutes * MINUTE):
        if not isinstance(event, CallEvent):
            continue
        key = record_key(event).encode()
        if murmur2_partition(key, PARTITIONS) == 0:
            records.append(Record(len(records), int(event.time), key, msgspec.json.encode(event)))
    return records[:EVENTS]


def count(records: list[Record], end: int, told_every: int) -> None:
    """All that is counted; a predecessor may have gone as far as offset `end`."""
    calls = factory(Settings(demo=True))(CALLS, 0, None)
    calls.resumed(end, 1)  # type: ignore[attr-defined]  # a processor of calls
    for first in range(0, len(records), SLICE):
        calls.apply(records[first : first + SLICE])
        if (first + SLICE) % told_every == 0:
            calls.outputs()
    calls.outputs()


def measure(load: Load) -> None:
    records = records_of(load)
    decoder = msgspec.json.Decoder(CallEvent)

    def decode() -> None:
        for record in records:
            decoder.decode(record.value or b"")

    def intake() -> None:
        for record in records:
            read(record.value, record.timestamp, 300_000, frozenset())

    jobs: dict[str, Callable[[], None]] = {
        "decode": decode,
        "intake": intake,
        "partition, live": lambda: count(records, 0, SLICE),
        "partition, backlog": lambda: count(records, 0, BACKLOG),
        "partition, retracing": lambda: count(records, len(records), BACKLOG),
    }
    speeds: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(ROUNDS):
        for name, job in jobs.items():
            begun = time.process_time()
            job()
            speeds[name].append(len(records) / (time.process_time() - begun))
    seconds = (records[-1].timestamp - records[0].timestamp) / len(records) * SLICE / 1000
    print(f"\n{load.name}: {len(records):,} events, {seconds:,.0f} s of them in a slice of {SLICE:,}; {ROUNDS} rounds")
    print(f"{'job':<22} {'events/s (median)':>18}   of decode: min  median  max")
    for name, found in speeds.items():
        ratios = [one / base for one, base in zip(found, speeds["decode"], strict=True)]
        median = statistics.median(ratios)
        print(f"{name:<22} {statistics.median(found):>18,.0f}   {min(ratios):14.3f}  {median:.3f}  {max(ratios):.3f}")


def main() -> None:
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores")
    gc.freeze()
    for load in LOADS:
        measure(load)


if __name__ == "__main__":
    main()
