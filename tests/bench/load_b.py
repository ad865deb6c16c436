"""What job B reads: everything that a large hotline sends, and the plain totals of it.

Calls with all their attributes, agents, heartbeats and snapshots, as the simulator tells them on a morning, moved to the
time that ends now: `live` events are judged by when they are appended.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from deploy.producers.publisher import Message
from deploy.producers.simulator.profile import profile_of
from deploy.producers.simulator.simulation import simulate
from deploy.producers.simulator.sources import messages
from streams.contract.events import CallEvent

MINUTE_MS = 60_000
MORNING = 1_700_000_000_000 // 86_400_000 * 86_400_000 + 9 * 3_600_000
SPAN_MS = 100 * MINUTE_MS
"""More than that would be late (`intake.allowed_lateness_s`, 2 h)."""

Cell = tuple[str, int]
"""(queue or source, minute in ms)"""


class LoadB(NamedTuple):
    """`offered` and `answered`: visits by the minute they were queued, answers by their own; `records`: by source."""

    messages: list[Message]
    calls: int
    offered: Counter[Cell]
    answered: Counter[Cell]
    records: Counter[Cell]


def make(events: int, partitions: int, *, calls_a_day: float, seed: int = 1) -> LoadB:
    """So many events (markers of snapshots go to every partition, so records are a few more)."""
    profile = profile_of("bench", "UTC", calls_a_day)
    told = (it for it in simulate(profile, seed, MORNING, MORNING + SPAN_MS) if isinstance(it, CallEvent))
    some = list(islice(told, events))
    assert len(some) == events, f"{len(some)} events are all there are in {SPAN_MS // MINUTE_MS} minutes"
    ahead = (int(time.time() * 1000) - int(some[-1].time)) // MINUTE_MS * MINUTE_MS
    for event in some:
        event.time = int(event.time) + ahead
    return LoadB(list(messages(some, partitions)), len({it.call for it in some if it.call}), *totals(some, partitions))


def totals(events: Iterable[CallEvent], partitions: int) -> tuple[Counter[Cell], Counter[Cell], Counter[Cell]]:
    """The plain way. Calls that are flagged, as nuisance or as tests, are no visits."""
    known = list(events)
    flagged = {it.call for it in known if it.flag}
    offered, answered, records = Counter[Cell](), Counter[Cell](), Counter[Cell]()
    for event in known:
        minute = int(event.time) // MINUTE_MS * MINUTE_MS
        marker = event.type in {"snapshot_begin", "snapshot_end"}
        records[event.source, minute] += partitions if marker else 1
        if event.call not in flagged:
            offered[event.queue, minute] += event.type == "queued"
            answered[event.queue, minute] += event.type == "answered"
    return +offered, +answered, records


def batches(made: list[Message], size: int = 5_000) -> Iterator[list[Message]]:
    rest = iter(made)
    while some := list(islice(rest, size)):
        yield some
