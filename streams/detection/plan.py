"""What a key is usually expected to do today: its profile laid on the local day, minute by minute."""

from enum import StrEnum
from itertools import accumulate
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import numpy.typing as npt

from streams.detection.calendar import SLOT, LocalDay, slot_of, weekday
from streams.detection.history import MOST, PARTS, Floats
from streams.detection.keys import MINUTE
from streams.detection.level import Spread
from streams.detection.profile import Profile

BEFORE = 8 * SLOT
"""How far a plan reaches back before midnight, so that windows may span it."""
FLOOR = 0.02
"""Calls a minute that are never thought impossible."""
PART_MINUTES = 15 // PARTS
TRUST_STRAIGHT = 60.0
"""Calls that a straight line through the neighbouring slots counts for against what was seen inside one."""


LEARN_DAYS, LEARN_DAYS_LIKE_THIS = 3.0, 1.0
"""Days to be learned in all, and of this weekday's group, before anything is judged."""


class Readiness(StrEnum):
    """Whether a key can be judged, and if not, why."""

    READY = "ready"
    NO_HISTORY = "no_history"
    TOO_YOUNG = "too_young"
    NO_SUCH_DAY_YET = "no_such_day_yet"


class Plan(msgspec.Struct, frozen=True):
    """One local day. `parts`: expected calls per five minutes from `start - BEFORE`, half-precision floats.

    `variance` is of the logarithm of what is expected (few days seen); `observed` counts the days seen
    of this weekday's group, `days_learned` all.
    """

    start: int
    end: int
    parts: bytes
    spread: Spread
    variance: float
    observed: float
    days_learned: float


def readiness(plan: Plan | None) -> Readiness:
    """Whether what was learned suffices to judge by `plan`."""
    if plan is None:
        return Readiness.NO_HISTORY
    if plan.days_learned < LEARN_DAYS:
        return Readiness.TOO_YOUNG
    if plan.observed < LEARN_DAYS_LIKE_THIS:
        return Readiness.NO_SUCH_DAY_YET
    return Readiness.READY


def plan_for(profile: Profile, inside: Floats, day: LocalDay, zone: ZoneInfo) -> Plan:
    """The plan of `day` by `profile`; `inside` (96, 3): calls seen in each five-minute part of a slot."""
    where = [slot_of(at, zone) for at in range(day.start - BEFORE, day.end, SLOT)]
    slots = [float(profile.usual[weekday(ordinal), index]) for ordinal, index in where]
    parts: list[float] = []
    for i, (_, index) in enumerate(where):
        slope = _slope(slots[max(i - 1, 0)], slots[i], slots[min(i + 1, len(slots) - 1)])
        straight = [slots[i] + slope * (k - 1) / 3 for k in range(PARTS)]
        seen = [float(part) for part in inside[index]]
        scale = TRUST_STRAIGHT / max(1e-9, sum(straight))
        shares = [part + scale * line for part, line in zip(seen, straight, strict=True)]
        total = max(1e-9, sum(shares))
        parts.extend(slots[i] * share / total for share in shares)
    today = weekday(day.ordinal)
    return Plan(
        day.start,
        day.end,
        np.minimum(parts, MOST).astype(np.float16).tobytes(),
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
        parts = np.frombuffer(plan.parts, np.float16).astype(float).tolist()
        self._rates: list[float] = [part / PART_MINUTES for part in parts for _ in range(PART_MINUTES)]
        self.origin = plan.start - BEFORE
        self._total = [0.0, *accumulate(max(FLOOR, rate) for rate in self._rates)]
        self.day = sum(self._rates[(plan.start - self.origin) // MINUTE :])
        """Calls expected on the whole day, without the floor."""

    def minutes(self, start: int, end: int) -> float:
        """Expected calls of the whole minutes in [start, end) (epoch ms on minute borders; outside: none)."""
        last = len(self._total) - 1
        first = min(last, max(0, (start - self.origin) // MINUTE))
        return self._total[min(last, max(0, (end - self.origin) // MINUTE))] - self._total[first]

    def due(self, minute: int) -> float:
        """Expected calls of one minute, which may be none at all (outside: none)."""
        index = (minute - self.origin) // MINUTE
        return self._rates[index] if 0 <= index < len(self._rates) else 0.0

    def steps(self, starts: npt.NDArray[np.int64], minutes: int) -> Floats:
        """Expected calls of the `minutes` from each of `starts` on."""
        totals = np.asarray(self._total)
        first = np.clip((starts - self.origin) // MINUTE, 0, len(totals) - 1)
        return np.asarray(totals[np.minimum(first + minutes, len(totals) - 1)] - totals[first])
