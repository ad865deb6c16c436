"""What the forecast says of any span of time: sums of its steps, with the 90 % range carried along.

A count varies for two reasons: chance (independent from step to step, variance = the mean) and the
level of the day (the same for neighbouring steps). Half the width of a step's range, h, is split into
h^2 = c^2 + l^2 with c^2 = min(h^2, z^2 * mean); over a span c^2 adds up, and l adds up.
"""

from collections.abc import Iterable, Mapping
from math import sqrt
from typing import NamedTuple

from streams.contract import Forecast

Z90 = 1.645
SMALL = 30.0
"""Expected calls below which a percentage says little: the difference in calls is shown."""
TOO_SHORT = 0.5
"""Expected calls below which there is nothing to compare with."""
WHOLE_DAY = 0.8
"""Days learned below which a forecast knows nothing of the hours that it has not seen: it is none."""


class Range(NamedTuple):
    """Calls expected in a span, and their central 90 % range."""

    expected: float
    lower: float
    upper: float


class Versus(NamedTuple):
    """Observed against expected: `ratio` (a fraction: 0.62 is +62 %) or, for few calls, `calls`."""

    ratio: float | None
    calls: int | None


class _Side:
    """One side of the range while a span is summed."""

    def __init__(self) -> None:
        self.chance, self.level = 0.0, 0.0

    def add(self, half_width: float, mean: float, share: float) -> None:
        chance = min(half_width**2, Z90**2 * mean)
        self.chance += chance * share
        self.level += sqrt(half_width**2 - chance) * share

    @property
    def width(self) -> float:
        return sqrt(self.chance + self.level**2)


def expect(days: Mapping[int, Forecast], start: int, end: int) -> Range | None:
    """The forecast of [start, end) (ms); None unless it covers the whole span and has learned a day."""
    mean, below, above, covered = 0.0, _Side(), _Side(), 0
    for day_start, day in days.items():
        if day.days_learned < WHOLE_DAY:
            continue
        step_ms = day.step_s * 1000
        first = max(0, (start - day_start) // step_ms)
        last = min(len(day.expected), -(-(end - day_start) // step_ms))
        for step in range(first, last):
            step_start = day_start + step * step_ms
            overlap = min(end, step_start + step_ms) - max(start, step_start)
            share = overlap / step_ms
            expected = day.expected[step]
            mean += expected * share
            below.add(expected - day.lower[step], expected, share)
            above.add(day.upper[step] - expected, expected, share)
            covered += overlap
    if covered < end - start or end <= start:
        return None
    return Range(mean, max(0.0, mean - below.width), mean + above.width)


def versus(observed: int, expected: float | None) -> Versus | None:
    """Observed against expected, as it is shown; None where there is nothing to compare with."""
    if expected is None or expected < TOO_SHORT:
        return None
    if expected < SMALL:
        return Versus(None, round(observed - expected))
    return Versus(observed / expected - 1, None)


def bands(days: Mapping[int, Forecast], edges: Iterable[tuple[int, int]]) -> list[Range | None]:
    """The forecast of each span."""
    return [expect(days, start, end) for start, end in edges]
