"""What a key is usually expected to do today: its profile laid on the local day, minute by minute."""

from array import array
from itertools import accumulate
from zoneinfo import ZoneInfo

import msgspec

from streams.detection.calendar import SLOT, LocalDay, slot_of, weekday
from streams.detection.keys import MINUTE
from streams.detection.level import Spread
from streams.detection.profile import Profile

BEFORE = 8 * SLOT
"""How far a plan reaches back before midnight, so that windows may span it."""
FLOOR = 0.02
"""Calls a minute that are never thought impossible."""


class Plan(msgspec.Struct, frozen=True):
    """One local day. `slots`: expected calls per quarter of an hour from `start - BEFORE`, packed floats.

    `variance` is of the logarithm of what is expected (few days seen); `observed` counts the days seen
    of this weekday's group, `days_learned` all.
    """

    start: int
    end: int
    slots: bytes
    spread: Spread
    variance: float
    observed: float
    days_learned: float


def plan_for(profile: Profile, day: LocalDay, zone: ZoneInfo) -> Plan:
    """The plan of `day` by `profile`."""
    slots = array("f")
    for at in range(day.start - BEFORE, day.end, SLOT):
        ordinal, index = slot_of(at, zone)
        slots.append(profile.usual[weekday(ordinal), index])
    today = weekday(day.ordinal)
    return Plan(
        day.start,
        day.end,
        slots.tobytes(),
        profile.spread,
        float(profile.variance[today]),
        float(profile.observed[today]),
        profile.days_learned,
    )


def _slope(before: float, here: float, after: float) -> float:
    """The gentler of the two neighbouring steps, 0 at a peak: keeps the edges of opening hours sharp."""
    left, right = here - before, after - here
    if left * right <= 0:
        return 0.0
    return left if abs(left) < abs(right) else right


class Curve:
    """A plan made ready for look-ups: expected calls between any two moments of its day."""

    def __init__(self, plan: Plan) -> None:
        slots = array("f")
        slots.frombytes(plan.slots)
        rates = []
        for i, here in enumerate(slots):
            slope = _slope(slots[max(i - 1, 0)], here, slots[min(i + 1, len(slots) - 1)])
            rates += [max(FLOOR, (here + slope * ((j + 0.5) / 15 - 0.5)) / 15) for j in range(15)]
        self.origin = plan.start - BEFORE
        self._total = [0.0, *accumulate(rates)]

    def minutes(self, start: int, end: int) -> float:
        """Expected calls of the whole minutes in [start, end) (epoch ms on minute borders; outside: none)."""
        last = len(self._total) - 1
        first = min(last, max(0, (start - self.origin) // MINUTE))
        return self._total[min(last, max(0, (end - self.origin) // MINUTE))] - self._total[first]
