"""How busy is today: the level of the day and of the hour against the usual week.

The logarithm of (mean of now / mean of the profile) is the sum of two Gaussian parts: `day`, drawn anew
(half-way) at each local midnight, and `drift`, an Ornstein-Uhlenbeck process that forgets in 90 minutes.
Counts of five minutes correct it by an extended Kalman filter with Poisson-like observation noise, so
the weight of what was seen today follows from volume, and the uncertainty is always known.
"""

from math import exp, sqrt
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from streams.detection.history import Floats

Bools = npt.NDArray[np.bool_]

DRIFT_MS = 90 * 60_000
CARRIED = 0.5
"""How much of yesterday's level is expected today."""
CLIP = 2.5
"""Deviations at which an innovation is clipped: beyond, it is rather an incident than a level."""
ODD_DAY = 0.05
"""Relative variance that an odd day adds before anything was seen of it."""
ODD, ODD_MS = 0.01, 6 * 3_600_000
"""Relative variance after far too few calls, and how long it takes to forget them."""
DEAD = 4.0
"""Deviations below the level from which on a line is rather dead, or just opened, than quiet: little is learned of it."""
SUSPECT = 25.0
"""By how much the noise of counts in a flagged interval, or on a dead line, is raised."""
UNEVEN, UNEVEN_DAYS = 0.005, 2.0
"""Relative variance of a slot before anything was seen of it, and the days it counts for."""
SURE = 2.0
"""Standard errors by which a slot must be more uneven than chance makes it."""
CLIPPED = 1.05
"""Squares clipped at `CLIP` deviations bring a twentieth less."""
SLOTS_TO_JUDGE = 96
"""Fewer slots with calls than this say nothing about the spread."""


class Spread(msgspec.Struct, frozen=True):
    """How much this key's level varies: deviations of `day` and `drift` (log), dispersion of counts (>= 1)."""

    day: float = 0.15
    drift: float = 0.08
    dispersion: float = 1.2


class Level(msgspec.Struct, frozen=True):
    """Mean and covariance of (day, drift), standing at `at` (epoch ms)."""

    at: int
    day: float
    drift: float
    var_day: float
    cov: float
    var_drift: float
    odd: float = 0.0
    """Relative variance because lately far fewer calls came than ever was known: a holiday, or the day after one."""

    @property
    def mean(self) -> float:
        return self.day + self.drift

    @property
    def variance(self) -> float:
        return self.var_day + 2 * self.cov + self.var_drift


def doubt(level: Level, spread: Spread) -> float:
    """Relative variance of counts under `level`, with the chance of an odd day while little was seen of it.

    Days before and after holidays lie far outside the usual spread; how much of the day's variance is
    left tells how little of today was seen.
    """
    return level.variance + odd_day(level, spread)


def odd_day(level: Level, spread: Spread) -> float:
    """What is left of `ODD_DAY`: the error of a level that was drawn towards the usual one."""
    return ODD_DAY * min(1.0, level.var_day / spread.day**2) ** 2


def unknown(at: int, spread: Spread) -> Level:
    """The level before anything was seen."""
    return Level(at, 0.0, 0.0, spread.day**2, 0.0, spread.drift**2)


def later(level: Level, at: int, spread: Spread) -> Level:
    """The level expected at a later moment of the same day."""
    if at <= level.at:
        return level
    keep = exp((level.at - at) / DRIFT_MS)
    return Level(
        at,
        level.day,
        level.drift * keep,
        level.var_day,
        level.cov * keep,
        level.var_drift * keep * keep + spread.drift**2 * (1 - keep * keep),
        level.odd * exp((level.at - at) / ODD_MS),
    )


def later_at(level: Level, at: npt.NDArray[np.int64], spread: Spread) -> tuple[Floats, Floats]:
    """Mean and variance of the level at many moments (epoch ms) of the same day, each as `later` has it."""
    keep = np.exp(np.minimum(level.at - at, 0) / DRIFT_MS)
    drift = keep**2 * level.var_drift + spread.drift**2 * (1 - keep**2)
    return level.day + keep * level.drift, level.var_day + 2 * keep * level.cov + drift


def brought(level: Level, at: int, midnight: int, spread: Spread) -> Level:
    """The level expected at `at`, over the local midnight that today began with if it lies between."""
    if level.at < midnight <= at:
        level = _next_day(later(level, midnight, spread), spread)
    return later(level, at, spread)


def loosened(level: Level, spread: Spread) -> Level:
    """The level when it has to be found again: at least half of the day's usual deviation is open."""
    return msgspec.structs.replace(level, var_day=max(level.var_day, (spread.day / 2) ** 2))


def _next_day(level: Level, spread: Spread) -> Level:
    return Level(
        level.at,
        level.day * CARRIED,
        level.drift,
        level.var_day * CARRIED**2 + spread.day**2 * (1 - CARRIED**2),
        level.cov * CARRIED,
        level.var_drift,
        level.odd,
    )


def observe(level: Level, count: int, usual: float, spread: Spread, *, suspect: bool, uneven: float = 0.0) -> Level:
    """The level after `count` calls where the profile has `usual`; `suspect`: an incident covers them.

    `uneven`: relative variance that this time of day has beside level and chance.
    """
    mu = usual * exp(level.mean)
    if mu < 0.2:
        return level
    off = count / mu - 1.0
    noise = spread.dispersion / mu + uneven
    odd = level.odd
    if off < -DEAD * sqrt(level.variance + noise):
        odd = ODD
        suspect = True
    if suspect:
        noise *= SUSPECT
    total = level.variance + noise
    limit = CLIP * total**0.5
    step = max(-limit, min(limit, off))
    to_day, to_drift = level.var_day + level.cov, level.cov + level.var_drift
    gain_day, gain_drift = to_day / total, to_drift / total
    return Level(
        level.at,
        level.day + gain_day * step,
        level.drift + gain_drift * step,
        level.var_day - gain_day * to_day,
        level.cov - gain_day * to_drift,
        level.var_drift - gain_drift * to_drift,
        odd,
    )


_DRIFT = (0.03, 0.06, 0.12, 0.2)
_DISPERSION = (1.0, 1.3, 1.8)


def day_deviation(levels: Floats, covered: Floats, days_per_weekday: float) -> float:
    """How much the level of days varies (log): of `levels` (median 1), clipped, with 0.1 as three days' prior.

    Days of which little was seen (`covered`, share) are left out. The levels were measured against a
    profile made of the same `days_per_weekday` days each, which makes them look closer than they are.
    """
    off = np.log(levels[covered > 0.3])
    limit = 2.5 * max(0.05, 1.4826 * float(np.median(np.abs(off)))) if len(off) else 0.0
    squares = float((np.clip(off, -limit, limit) ** 2).sum()) * (1 + 1 / max(1.0, days_per_weekday))
    return min(0.5, sqrt((squares + 3 * 0.1**2) / (len(off) + 3)))


class _Innovations(NamedTuple):
    """What the filter said of each slot: relative innovation and the variance it expected (tries, days, slots)."""

    step: Floats
    total: Floats
    likelihood: Floats
    """By try, summed over days; steps are clipped for it."""
    squares: Floats


def _run(counts: Floats, usual: Floats, seen: Bools, *, day: float, drift: Floats, noise: Floats) -> _Innovations:
    """The filter over all days at once, once for each try: `drift` (tries, 1), `noise` (tries, days, slots)."""
    shape = (drift.shape[0], counts.shape[0])
    hours = 24 / counts.shape[1]
    keep = exp(-3_600_000 * hours / DRIFT_MS)
    at_day, at_drift, cov, likelihood, squares = (np.zeros(shape) for _ in range(5))
    var_day, var_drift = np.full(shape, day**2), np.broadcast_to(drift**2, shape).copy()
    refill = drift**2 * (1 - keep * keep)
    steps, totals = np.zeros((*shape, counts.shape[1])), np.ones((*shape, counts.shape[1]))
    for slot in np.flatnonzero(seen.any(axis=0)):
        at_drift *= keep
        cov *= keep
        var_drift = var_drift * (keep * keep) + refill
        ok = seen[:, slot]
        mu = np.maximum(usual[:, slot], 1e-3) * np.exp(at_day + at_drift)
        total = var_day + 2 * cov + var_drift + noise[:, :, slot]
        limit = CLIP * np.sqrt(total)
        off = (counts[:, slot] / mu - 1.0) * ok
        step = np.clip(off, -limit, limit)
        steps[:, :, slot], totals[:, :, slot] = off, total
        likelihood -= 0.5 * (np.log(total) + step * step / total) * ok
        squares += step * step / total
        to_day, to_drift = var_day + cov, cov + var_drift
        gain = ok / total
        at_day += to_day * gain * step
        at_drift += to_drift * gain * step
        var_day -= to_day * to_day * gain
        var_drift -= to_drift * to_drift * gain
        cov -= to_day * to_drift * gain
    return _Innovations(steps, totals, likelihood.sum(axis=1), squares.sum(axis=1))


def _unevenness(found: _Innovations, seen: Bools) -> Floats:
    """Relative variance of each slot of the day beyond what the filter expects of it, and beyond chance.

    Pooled with its neighbours and with `UNEVEN_DAYS` days of `UNEVEN`; squares are clipped, so odd days count little.
    """
    extra = np.zeros(seen.shape[1])
    exposure = _with_neighbours(seen.sum(axis=0).astype(float)) + UNEVEN_DAYS
    chance = SURE * np.sqrt(2 / exposure)
    for _ in range(4):
        total = found.total[0] + extra
        squares = np.minimum(found.step[0] ** 2, CLIP**2 * total) * CLIPPED
        beyond = _with_neighbours(np.where(seen, squares - found.total[0], 0.0).sum(axis=0))
        expected = _with_neighbours(np.where(seen, total, 0.0).sum(axis=0)) / exposure
        extra = np.maximum(0.0, (beyond + UNEVEN_DAYS * UNEVEN) / exposure - chance * expected)
    return extra


def _with_neighbours(values: Floats) -> Floats:
    return np.asarray(values + 0.5 * (np.roll(values, 1) + np.roll(values, -1)))


def estimate_spread(counts: Floats, usual: Floats, day: float) -> tuple[Spread, Floats]:
    """The most likely spread of a key and the unevenness of each slot, by running the filter over its past days.

    `counts` (days, slots) with NaN where nothing was observed or an incident was; `usual` the profile
    there; `day` from `day_deviation`. Residuals are clipped, so odd days do not widen everything.
    """
    seen = np.isfinite(counts) & (usual >= 2.0)
    values = np.where(seen, counts, 0.0)
    drift, phi = (grid.reshape(-1, 1) for grid in np.meshgrid(_DRIFT, _DISPERSION, indexing="ij"))
    inverse = 1.0 / np.maximum(usual, 2.0)
    if seen.sum() < SLOTS_TO_JUDGE * counts.shape[1] / 96:
        return Spread(day=max(day, 0.15)), np.full(counts.shape[1], UNEVEN)
    first = _run(values, usual, seen, day=day, drift=drift, noise=phi[:, :, None] * inverse)
    best = int(np.argmax(first.likelihood))
    uneven = _unevenness(_Innovations(*(part[best : best + 1] for part in first)), seen)
    again = _run(values, usual, seen, day=day, drift=drift, noise=phi[:, :, None] * inverse + uneven)
    best = int(np.argmax(again.likelihood))
    left = float(again.squares[best] / seen.sum())
    dispersion = min(4.0, max(1.0, float(phi[best, 0]) * max(1.0, left)))
    return Spread(day, float(drift[best, 0]), dispersion), uneven
