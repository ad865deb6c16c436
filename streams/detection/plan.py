"""What a key is usually expected to do today: its profile laid on the local day, minute by minute."""

from array import array
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import numpy.typing as npt

from deploy.runtime.public_holidays import Weekdays
from streams.contract.local_days import LocalDay
from streams.detection.announced import Lift, doubts, factors, over
from streams.detection.calendar import SLOT, SLOTS, slot_of
from streams.detection.history import MOST, PARTS, PLAIN, Floats
from streams.detection.keys import MINUTE
from streams.detection.level import Spread
from streams.detection.profile import Profile

BEFORE = 8 * SLOT
"""How far a plan reaches back before midnight, so that windows may span it."""
FLOOR = 0.02
"""Calls a minute that are expected at least: no minute is thought impossible."""
PART_MINUTES = 15 // PARTS
TRUST_STRAIGHT = 60.0
"""Calls that count as much, for how a slot's calls fall on its parts, as the straight line through its neighbours."""
LIKE = 0.2
"""A weekday with less than this share of another's calls is closed, and no example for it."""
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

    `uneven`: relative variance of each slot from there on beside level and chance; `odd` (2, slots): how much busier
    and quieter it may be on a day that goes like another weekday. `variance` is of the logarithm of what is expected
    (few days seen); `observed` counts the days seen of this weekday's group, `days_learned` all. `lifts`: the announced
    events that are in it. A plan of an older state has neither `uneven` nor `odd`.
    """

    start: int
    end: int
    parts: bytes
    spread: Spread
    variance: float
    observed: float
    days_learned: float
    uneven: bytes = b""
    odd: bytes = b""
    lifts: tuple[Lift, ...] = ()


def readiness(plan: Plan | None) -> Readiness:
    """Whether what was learned suffices to judge by `plan`."""
    if plan is None:
        return Readiness.NO_HISTORY
    if plan.days_learned < LEARN_DAYS:
        return Readiness.TOO_YOUNG
    if plan.observed < LEARN_DAYS_LIKE_THIS:
        return Readiness.NO_SUCH_DAY_YET
    return Readiness.READY


def plan_for(
    profile: Profile,
    inside: Floats,
    day: LocalDay,
    zone: ZoneInfo,
    lifts: Sequence[Lift] = (),
    *,
    kinds: Weekdays = PLAIN,
) -> Plan:
    """The plan of `day` by `profile`, with the `lifts` of announced events.

    `inside` (96, 3): calls seen in each five-minute part of a slot. `kinds`: which weekday a date goes like.
    """
    lifts, origin = over(lifts, day.start - BEFORE, day.end), day.start - BEFORE
    slots_of_day = (slot_of(at, zone) for at in range(day.start - BEFORE, day.end, SLOT))
    where = [(kinds.of(ordinal), index) for ordinal, index in slots_of_day]
    slots = [float(profile.usual[place]) for place in where]
    odd = _odd(profile, where)
    parts: list[float] = []
    for i, (_, index) in enumerate(where):
        slope = _slope(slots[max(i - 1, 0)], slots[i], slots[min(i + 1, len(slots) - 1)])
        straight = [slots[i] + slope * (k - 1) / 3 for k in range(PARTS)]
        seen = [float(part) for part in inside[index]]
        scale = TRUST_STRAIGHT / max(1e-9, sum(straight))
        shares = [part + scale * line for part, line in zip(seen, straight, strict=True)]
        total = max(1e-9, sum(shares))
        parts.extend(slots[i] * share / total for share in shares)
    today = kinds.of(day.ordinal)
    lifted = factors(lifts, origin, len(parts), SLOT // PARTS)
    without = 1.0 / factors(lifts, origin, len(where), SLOT)
    odd = np.array([np.maximum(odd[0], without), np.minimum(odd[1], without)])
    uneven = profile.uneven[[index for _, index in where]] + doubts(lifts, origin, len(where))
    return Plan(
        day.start,
        day.end,
        np.minimum(np.array(parts) * lifted, MOST).astype(np.float16).tobytes(),
        profile.spread,
        float(profile.variance[today]),
        float(profile.observed[today]),
        profile.days_learned,
        uneven.astype(np.float16).tobytes(),
        odd.astype(np.float16).tobytes(),
        lifts,
    )


def _odd(profile: Profile, where: Sequence[tuple[int, int]]) -> Floats:
    """(2, slots): by how much each slot of `where` (weekday, slot of the day) may be busier (1 or more) or quieter (1 or
    less) on a day that goes like another weekday, each at its own level. Only what chance does not explain counts, in
    the slot itself or with its neighbours.
    """
    usual = profile.usual
    totals = usual.sum(1)
    weeks = max(1.0, profile.days_learned / 7)
    up, down = np.zeros((7, SLOTS)), np.zeros((7, SLOTS))
    for counted in (usual, usual + np.roll(usual, 1, axis=1) + np.roll(usual, -1, axis=1)):
        shape = np.log(counted + 1)
        error = (1 / (counted + 1) + profile.uneven / 2) / weeks
        for today in range(7):
            open_ = counted[today] >= LIKE * counted[today].mean()
            for other in range(7):
                if totals[other] <= LIKE * totals[today] or not totals[today]:
                    continue
                off = shape[other] - shape[today]
                off -= np.median(off[open_])
                chance = 2 * np.sqrt(error[other] + error[today])
                up[today] = np.maximum(up[today], off - chance)
                down[today] = np.minimum(down[today], off + chance)
    most = [[each[place] for place in where] for each in (up, down)]
    return np.asarray(np.exp(np.clip(most, -4, 4)))


def _slope(before: float, here: float, after: float) -> float:
    """The gentler of the two neighbouring steps, 0 at a peak: keeps the edges of opening hours sharp."""
    left, right = here - before, after - here
    if left * right <= 0:
        return 0.0
    return left if abs(left) < abs(right) else right


class Span(NamedTuple):
    """What is known of a stretch of the day before it comes: `usual` calls; `uneven`: relative variance beside level and
    chance, as if its slots varied together; `busy`, `quiet`: usual calls times these, should the day go like another
    weekday.
    """

    usual: float
    uneven: float
    busy: float
    quiet: float


class Curve:
    """A plan made ready for look-ups: expected calls between any two moments of its day."""

    def __init__(self, plan: Plan) -> None:
        parts = np.frombuffer(plan.parts, np.float16).astype(float)
        rates = np.repeat(parts / PART_MINUTES, PART_MINUTES)
        self._rates = array("d", rates.tobytes())  # arrays: there may be thousands of curves
        self.origin = plan.start - BEFORE
        floored = np.maximum(FLOOR, rates)
        slots = len(rates) // 15
        odd = np.frombuffer(plan.odd, np.float16).astype(float) if plan.odd else np.ones(2 * slots)
        busy, quiet = np.repeat(odd.reshape(2, -1), 15, axis=1)
        uneven = np.repeat(np.frombuffer(plan.uneven, np.float16).astype(float) if plan.uneven else np.zeros(slots), 15)
        self._total, self._busy, self._quiet, self._uneven = (
            array("d", np.cumsum(np.append(0.0, each)).tobytes())
            for each in (floored, floored * busy, floored * quiet, uneven)
        )
        self.day = sum(self._rates[(plan.start - self.origin) // MINUTE :])
        """Calls expected on the whole day, without the floor."""

    def _index(self, at: int) -> int:
        return min(len(self._rates), max(0, (at - self.origin) // MINUTE))

    def minutes(self, start: int, end: int) -> float:
        """Expected calls of the whole minutes in [start, end) (epoch ms on minute borders; outside: none)."""
        return self._total[self._index(end)] - self._total[self._index(start)]

    def span(self, start: int, end: int) -> Span:
        """All that is known of the whole minutes in [start, end)."""
        first, last = self._index(start), self._index(end)
        if first == last:
            return Span(0.0, 0.0, 1.0, 1.0)
        usual = self._total[last] - self._total[first]
        return Span(
            usual,
            (self._uneven[last] - self._uneven[first]) / (last - first),
            (self._busy[last] - self._busy[first]) / usual,
            (self._quiet[last] - self._quiet[first]) / usual,
        )

    def due(self, minute: int) -> float:
        """Expected calls of one minute, which may be none at all (outside: none)."""
        index = (minute - self.origin) // MINUTE
        return self._rates[index] if 0 <= index < len(self._rates) else 0.0

    def steps(self, starts: npt.NDArray[np.int64], minutes: int) -> Floats:
        """Expected calls of the `minutes` from each of `starts` on."""
        totals = np.asarray(self._total)
        first = np.clip((starts - self.origin) // MINUTE, 0, len(totals) - 1)
        return np.asarray(totals[np.minimum(first + minutes, len(totals) - 1)] - totals[first])
