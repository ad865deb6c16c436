"""The first days of a key, until its own days have taught what is usual: only what is gross against its last hour counts.

What came in a window is held against what the hour before it makes likely, in every way that is known, and has to be
gross by each: by the *ramp*, which grows on as that hour grew, and by the *shape* of the day, its own or its hotline's,
where there is one. Without a shape nothing is called while lines open in the morning, nor after an hour that began or
ended something itself. So a burst on an established hour is told on the first day, and a slow rise, a shortfall or a
silence is not before the days for it were seen. What came in a burst is learned all the same: a first Saturday may be
like that.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import exp
from zoneinfo import ZoneInfo

from streams.detection.calendar import SLOTS, slot_of
from streams.detection.counts import tail_score
from streams.detection.departure import Look
from streams.detection.keys import MINUTE
from streams.detection.level import DRIFT_MS
from streams.detection.plan import Curve

WINDOWS = (5, 15, 30)
"""Closed minutes of the windows that are judged."""
REFERENCE = 60
"""Minutes before a window that it is judged by."""
LEAST_CALLS = 12
"""Calls that have to have come in those minutes."""
UNLIKE = 4
"""Times the calls of the quietest quarter of that hour, give or take a few, that the busiest may have had."""
GROSS = 2.5
"""Times the expected calls from which on a window is gross."""
MORNING = (4, 11)
"""Local hours in which lines open."""
WHOLE_DAY = 0.8
"""Days to be learned before a key has a shape of its own."""
RESTLESS = 0.05
"""Relative variance that demand gathers over a few hours beside its shape, most of it in `DRIFT_MS`."""
FEW = 5
"""Calls that say nothing of growth."""


def looks(
    calls: Mapping[int, int],
    minute: int,
    *,
    since: int,
    shapes: Sequence[Curve],
    zone: ZoneInfo,
    grain: int = 1,
) -> list[Look]:
    """What can be said of the windows that end at the border where `minute` begins (ms).

    `calls` by minute, of which those since `since` tell what was usual. `grain` as in `Demand`. What is not gross
    scores 0.
    """
    found = []
    for length in WINDOWS:
        start = minute - length * MINUTE
        hour = start - REFERENCE * MINUTE
        if length < grain or hour < since or (not shapes and _morning(start, minute, zone)):
            continue
        edges = range(hour, start + 1, REFERENCE * MINUTE // 4)
        quarters = [sum(calls.get(at, 0) for at in range(a, b, MINUTE)) for a, b in pairwise(edges)]
        if sum(quarters) < LEAST_CALLS or max(quarters) + FEW > UNLIKE * (min(quarters) + FEW):
            continue
        expected = max(
            _ramp(quarters, length), *(_shaped(sum(quarters), hour, start, minute, it) for it in shapes), 0.1
        )
        keep = exp(-(length + REFERENCE / 2) * MINUTE / DRIFT_MS)
        excess = 2 / sum(quarters) + RESTLESS * (1 - keep * keep) + 0.5 / expected
        came = sum(calls.get(at, 0) for at in range(start, minute, MINUTE))
        score = tail_score(came, expected, excess) if came >= GROSS * expected else 0.0
        found.append(Look(start, length, came, expected, excess, score))
    return found


def _ramp(quarters: Sequence[int], length: int) -> float:
    """Calls of the next `length` minutes at the pace of the last half hour, if it goes on growing as it grew."""
    early, late = quarters[0] + quarters[1], quarters[2] + quarters[3]
    growth = max(1.0, (late + FEW) / (early + FEW))
    half = REFERENCE / 2
    return max(late, early) * length / half * float(growth ** ((length + half) / (2 * half)))


def _shaped(calls: int, hour: int, start: int, minute: int, shape: Curve) -> float:
    """Calls of [start, minute) if the hour's part of the day is what it is by `shape`."""
    return calls * shape.minutes(start, minute) / max(1.0, shape.minutes(hour, start))


def _morning(start: int, minute: int, zone: ZoneInfo) -> bool:
    first, last = (slot_of(at, zone)[1] * 24 / SLOTS for at in (start, minute - MINUTE))
    return first < MORNING[1] and last >= MORNING[0]
