"""The usual week of a key: calls per quarter of an hour by weekday, learned from its past days.

Each weekday is shrunk towards its group (Monday-Friday, Saturday-Sunday) and the group towards all days,
so a young history pools and an old one does not. Days count by their own level, old ones less (half in six
weeks), incidents hardly (a day that was lost to them not at all), and single slots that stick out less the more they do
(Farrington's reweighting).
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from streams.detection.calendar import SLOTS
from streams.detection.history import Days, Floats
from streams.detection.level import Spread
from streams.detection.spread import day_deviation, estimate_spread

HALF_AGE_DAYS = 42
FLAGGED_WEIGHT = 0.05
OUTLIER = 2.58
WEEKDAY_PRIOR, GROUP_PRIOR = 1.0, 0.3
"""Days that the coarser shape counts for against the finer one, in slots where both agree."""
SHAPE_NOISE = 0.15
"""By how much a slot of one day differs from its share of the day, beside chance."""
OWN_SHAPE = 1.5
"""Standard errors from which on a slot that differs from the coarser shape is believed to be its own."""


class Profile(NamedTuple):
    """`usual` (7, 96): calls per slot by weekday. `observed` (7,): days seen of the weekday's group.

    `variance` (7,): of the logarithm of `usual`, because so few days were seen. `uneven` (96,): relative variance of
    a time of day beside level and chance.
    """

    usual: Floats
    observed: Floats
    variance: Floats
    spread: Spread
    days_learned: float
    uneven: Floats


def _smooth(rate: Floats, exposure: Floats) -> Floats:
    """A quarter of each neighbour where it differs by chance only, so that opening hours keep their edges."""
    noise = np.sqrt((rate + 0.5) / np.maximum(exposure, 0.1))
    out = rate.copy()
    for shift in (1, -1):
        neighbour = np.roll(rate, shift)
        alike = np.abs(neighbour - rate) <= 3 * noise
        out += np.where(alike, 0.25 * (neighbour - rate), 0.0)
    return out


def _towards(calls: Floats, exposure: Floats, coarse: Floats, prior: float) -> Floats:
    """Calls per slot and day: the coarser shape at this group's own level, pulled away by what was seen."""
    usual = float((exposure * coarse).sum())
    trust = float(exposure.mean()) / (float(exposure.mean()) + 0.25)
    level = ((float(calls.sum()) + 5) / (usual + 5)) ** trust
    shape = level * coarse
    noise = np.sqrt((shape + 0.5 + (SHAPE_NOISE * shape) ** 2) / np.maximum(exposure, 0.1))
    off = np.abs(calls / np.maximum(exposure, 0.1) - shape) / noise
    held = prior * np.minimum(1.0, (OWN_SHAPE / np.maximum(off, 1e-9)) ** 2)
    return np.asarray((calls + held * shape) / (exposure + held))


def _shape(counts: Floats, weights: Floats, levels: Floats, weekdays: npt.NDArray[np.int64]) -> Floats:
    calls = weights * counts
    exposure = weights * levels[:, None]
    everyday = _smooth(calls.sum(0) / np.maximum(exposure.sum(0), 1e-9), exposure.sum(0))
    usual = np.zeros((7, SLOTS))
    for group in ((0, 1, 2, 3, 4), (5, 6)):
        rows = np.isin(weekdays, group)
        shape = _towards(calls[rows].sum(0), exposure[rows].sum(0), everyday, GROUP_PRIOR)
        shape = _smooth(shape, exposure[rows].sum(0) + GROUP_PRIOR)
        for day in group:
            own = weekdays == day
            fine = _towards(calls[own].sum(0), exposure[own].sum(0), shape, WEEKDAY_PRIOR)
            usual[day] = _smooth(fine, exposure[own].sum(0) + WEEKDAY_PRIOR)
    return usual


def _levels(counts: Floats, weights: Floats, expected: Floats, ordinary: npt.NDArray[np.bool_]) -> Floats:
    """How busy each day was against the usual one; the median `ordinary` day is 1."""
    level = ((weights * counts).sum(1) + 10) / ((weights * expected).sum(1) + 10)
    return np.asarray(np.clip(level / np.median(level[ordinary]), 0.05, 20.0))


def _trust(counts: Floats, expected: Floats) -> Floats:
    """1 for slots near expectation, falling with the square of the Anscombe residual beyond 2.58."""
    mean = np.maximum(expected, 0.1)
    residual = 1.5 * (counts ** (2 / 3) - mean ** (2 / 3)) / mean ** (1 / 6)
    busy = mean >= 1
    scale = np.sqrt(max(1.0, float(np.median(residual[busy] ** 2)) / 0.455)) if busy.any() else 1.0
    return np.asarray(np.minimum(1.0, (OUTLIER / np.maximum(np.abs(residual) / scale, 1e-9)) ** 2))


def fit(days: Days, grain: int = 1) -> Profile | None:
    """The usual week that `days` teach; None when they hold no whole hour. `grain` as in `Demand`."""
    seen = np.isfinite(days.counts)
    if seen.sum() < 4:
        return None
    counts = np.where(seen, days.counts, 0.0)
    age = days.ordinals.max() - days.ordinals
    base = 0.5 ** (age / HALF_AGE_DAYS)[:, None] * seen * np.where(days.flagged, FLAGGED_WEIGHT, 1.0)
    gone = (days.flagged | ~seen).all(1) & ~counts.any(1)
    base[gone] = 0.0
    ordinary = (days.flagged & seen).sum(1) <= seen.sum(1) / 2
    if not ordinary.any():
        ordinary[:] = True
    weights, levels = base, np.ones(len(counts))
    usual = _shape(counts, weights, levels, days.weekdays)
    for _ in range(3):
        expected = usual[days.weekdays]
        levels = _levels(counts, weights, expected, ordinary)
        weights = base * _trust(counts, expected * levels[:, None])
        usual = _shape(counts, weights, levels, days.weekdays)
    covered = (seen & ~days.flagged).sum(1) / SLOTS
    per_day = np.array([covered[days.weekdays == day].sum() for day in range(7)])
    observed = np.array([per_day[:5].sum() if day < 5 else per_day[5:].sum() for day in range(7)])
    clean = np.where(seen & ~days.flagged, days.counts, np.nan)
    day = day_deviation(levels, covered, float(per_day.mean()))
    together = max(1, grain * SLOTS // 1440)
    seen_together, usual_together = (
        part.reshape(len(part), -1, together).sum(2) for part in (clean, usual[days.weekdays])
    )
    spread, uneven = estimate_spread(seen_together, usual_together, day)
    uneven = np.repeat(uneven, together)
    effective = per_day + 0.3 * (observed - per_day)
    variance = spread.drift**2 / np.maximum(effective, 0.1)
    return Profile(usual, observed, variance, spread, float(covered.sum()), uneven)
