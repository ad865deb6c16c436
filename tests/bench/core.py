"""What counting costs, beside what reading alone costs: `make bench-core`.

Three jobs over the same simulated events in one process, interleaved over several rounds, as ratios of
the first: decode the JSON; decode, validate and repair; the whole partition (visits, cells, gauges, bundles).
Speeds depend on the machine and what else it does; the ratios hold better.
"""

import os
import platform
import statistics
import time
from collections.abc import Callable

import msgspec

from deploy.producers.simulator.profile import calls_only, profile_of
from deploy.producers.simulator.simulation import simulate
from deploy.runtime.processor import Record
from deploy.runtime.settings import Settings
from streams.contract.events import CallEvent
from streams.contract.topics import CALLS
from streams.intake import read
from streams.processors import factory

ROUNDS = 7
CHUNK = 1_000
START = 1_700_000_000_000
HOUR = 3_600_000


def main() -> None:
    profile = calls_only(profile_of("bench", "UTC", 50_000))
    events = [it for it in simulate(profile, 1, START, START + 12 * HOUR) if isinstance(it, CallEvent)]
    records = [Record(n, int(it.time), None, msgspec.json.encode(it)) for n, it in enumerate(events)]
    decoder = msgspec.json.Decoder(CallEvent)
    build = factory(Settings(demo=True))

    def decode() -> None:
        for record in records:
            decoder.decode(record.value or b"")

    def intake() -> None:
        for record in records:
            read(record.value, record.timestamp, 300_000, frozenset())

    def partition() -> None:
        calls = build(CALLS, 0, None)
        for first in range(0, len(records), CHUNK):
            calls.apply(records[first : first + CHUNK])
            calls.outputs()

    jobs: dict[str, Callable[[], None]] = {"decode": decode, "intake": intake, "partition": partition}
    speeds: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(ROUNDS):
        for name, job in jobs.items():
            begun = time.perf_counter()
            job()
            speeds[name].append(len(records) / (time.perf_counter() - begun))
    print(f"{len(records):,} events, {ROUNDS} rounds; Python {platform.python_version()}, {os.cpu_count()} cores")
    print(f"{'job':<10} {'events/s (median)':>18}   of decode: min  median  max")
    for name, found in speeds.items():
        ratios = [one / base for one, base in zip(found, speeds["decode"], strict=True)]
        median = statistics.median(ratios)
        print(f"{name:<10} {statistics.median(found):>18,.0f}   {min(ratios):14.3f}  {median:.3f}  {max(ratios):.3f}")


if __name__ == "__main__":
    main()
