"""The events that every engine reads, and the totals that every engine must find.

One simulated day of calls is the pattern; it is laid over itself, each copy a few milliseconds later, until there are
enough events: in order of time, as the worst day of a whole region would bring them. The record key is the queue, so that
engines which keep windows per key need not send anything back through Kafka first.
"""

import heapq
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import msgspec

from deploy.producers.simulator.profile import calls_only, profile_of
from deploy.producers.simulator.simulation import simulate
from streams.contract.events import CallEvent

START = 1_700_000_000_000 // 86_400_000 * 86_400_000 + 6 * 3_600_000
HOURS = 12
COPIES = 40
MINUTE_MS = 60_000
THRESHOLD_MS = 20_000
CLOSES_MS = START + 24 * 3_600_000
"""Each queue has a last event a day later, for engines that tell a window only when it is over: not compared."""

Totals = dict[str, list[int]]
"""`queue minute` -> events, answered, sum and maximum of their wait (ms), answered within the threshold."""


class Load(NamedTuple):
    records: list[tuple[bytes, bytes, int]]
    """Key, value, event time (ms)."""
    totals: Totals


def make(events: int, seed: int = 1) -> Load:
    """So many events (at most two million), and one more per queue, which closes its windows."""
    profile = calls_only(profile_of("bench", "UTC", 50_000))
    calls = (it for it in simulate(profile, seed, START, START + HOURS * 3_600_000) if isinstance(it, CallEvent))
    # Fewer events are a shorter time, not a thinner one.
    pattern = list(islice(calls, -(-events // COPIES)))
    streams = [_copy(pattern, number) for number in range(COPIES)]
    records = []
    totals: Totals = {}
    for event in heapq.merge(*streams, key=lambda it: int(it.time)):
        if len(records) == events:
            break
        records.append((event.queue.encode(), msgspec.json.encode(event), int(event.time)))
        _count(totals, event)
    for queue in sorted({key for key, _, _ in records}):
        last = CallEvent(type="queued", time=CLOSES_MS, call="last", queue=queue.decode(), hotline="bench")
        records.append((queue, msgspec.json.encode(last), CLOSES_MS))
    return Load(records, totals)


def _copy(pattern: list[CallEvent], number: int) -> Iterator[CallEvent]:
    for event in pattern:
        yield msgspec.structs.replace(event, time=int(event.time) + 7 * number, call=f"{event.call}-{number}")


def _count(totals: Totals, event: CallEvent) -> None:
    """The plain way: what the engines are compared with."""
    cell = totals.setdefault(f"{event.queue} {int(event.time) // MINUTE_MS}", [0, 0, 0, 0, 0])
    cell[0] += 1
    if event.type == "answered" and event.wait_ms is not None:
        cell[1] += 1
        cell[2] += event.wait_ms
        cell[3] = max(cell[3], event.wait_ms)
        cell[4] += event.wait_ms <= THRESHOLD_MS
