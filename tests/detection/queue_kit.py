"""A queue with agents, as the cells that its calls would leave: what really happens when too few people are there."""

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterator

import numpy as np

MINUTE = 60_000
Staff = Callable[[float], int]
"""Second -> agents at work."""


def waits(seed: int, seconds: int, per_minute: float, *, talk_s: float, patience_s: float, staff: Staff):
    """(queued, left, answered) of each call, in seconds; first come, first served. An agent too many goes after a call."""
    random = np.random.default_rng(seed)
    at, free = 0.0, [0.0] * staff(0)
    heapq.heapify(free)
    while True:
        at += random.exponential(60 / per_minute)
        if at >= seconds:
            return
        patience = random.exponential(patience_s)
        while len(free) > staff(max(at, free[0])):
            heapq.heappop(free)
        while len(free) < staff(at):
            heapq.heappush(free, at)
        begins = max(at, free[0])
        if begins - at > patience:
            yield at, at + patience, False
            continue
        heapq.heapreplace(free, begins + random.exponential(talk_s))
        yield at, begins, True


def event_cells(calls, threshold_s: int, start: int) -> Iterator[tuple[int, dict[int, dict[str, int]]]]:
    """Second by second (its end in ms) the cells by minute as far as they are known then, by event attribution."""
    events = defaultdict(list)
    for queued, left, answered in calls:
        if left - queued <= threshold_s:
            events[int(left) + 1].append("event_answered" if answered else "event_abandoned")
        else:
            events[int(queued + threshold_s) + 1].append("event_expired")
    for second in range(1, max(events) + 1):
        cells: dict[int, dict[str, int]] = {}
        for kind in events[second]:
            counts = cells.setdefault(start + (second - 1) // 60 * MINUTE, defaultdict(int))
            counts[f"{kind}.{threshold_s}"] += 1
        yield start + second * 1000, cells
