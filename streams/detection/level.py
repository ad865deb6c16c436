"""How busy is today: the level of the day and of the hour against the usual week.

The logarithm of (mean of now / mean of the profile) is the sum of two Gaussian parts: `day`, drawn anew
(half-way) at each local midnight, and `drift`, an Ornstein-Uhlenbeck process that forgets in 90 minutes.
Counts of five minutes correct it by an extended Kalman filter with Poisson-like observation noise, so
the weight of what was seen today follows from volume, and the uncertainty is always known.
"""

from math import exp, sqrt

import msgspec
import numpy as np

from streams.detection.history import Floats

DRIFT_MS = 90 * 60_000
CARRIED = 0.5
"""How much of yesterday's level is expected today."""
CLIP = 2.5
"""An innovation beyond so many deviations is rather an incident than a level."""
ODD_DAY = 0.05
"""Relative variance that an odd day adds before anything was seen of it."""
DEAD = 4.0
"""So many deviations below the level the line is rather dead, or was just opened, than quiet: little is learned."""
SUSPECT = 25.0
"""By how much the noise of counts in a flagged interval, or on a dead line, is raised."""


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
    return level.variance + ODD_DAY * (level.var_day / spread.day**2) ** 2


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
    )


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
    )


def observe(level: Level, count: int, usual: float, spread: Spread, *, suspect: bool) -> Level:
    """The level after `count` calls where the profile has `usual`; `suspect`: an incident covers them."""
    mu = usual * exp(level.mean)
    if mu < 0.2:
        return level
    off = count / mu - 1.0
    noise = spread.dispersion / mu
    if suspect or off < -DEAD * sqrt(level.variance + noise):
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
    )


_DRIFT = (0.03, 0.06, 0.12)
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


def estimate_spread(counts: Floats, usual: Floats, day: float) -> Spread:
    """The most likely spread of a key, by running the filter over its past days at once.

    `counts` (days, slots) with NaN where nothing was observed or an incident was; `usual` the profile
    there; `day` from `day_deviation`. Tries 9 combinations; residuals are clipped, so odd days do not
    widen everything.
    """
    drift, phi = (grid.reshape(-1, 1) for grid in np.meshgrid(_DRIFT, _DISPERSION, indexing="ij"))
    shape = (drift.shape[0], counts.shape[0])
    keep = exp(-900_000 / DRIFT_MS)
    at_day, at_drift, cov, likelihood = (np.zeros(shape) for _ in range(4))
    var_day, var_drift = np.full(shape, day**2), np.broadcast_to(drift**2, shape).copy()
    squares, looks = np.zeros(shape), np.zeros(counts.shape[0])
    refill = drift**2 * (1 - keep * keep)
    seen = np.isfinite(counts) & (usual >= 2.0)
    values = np.where(seen, counts, 0.0)
    for slot in np.flatnonzero(seen.any(axis=0)):
        at_drift *= keep
        cov *= keep
        var_drift = var_drift * (keep * keep) + refill
        ok = seen[:, slot]
        mu = np.maximum(usual[:, slot], 1e-3) * np.exp(at_day + at_drift)
        total = var_day + 2 * cov + var_drift + phi / mu
        limit = CLIP * np.sqrt(total)
        step = np.clip(values[:, slot] / mu - 1.0, -limit, limit) * ok
        likelihood -= 0.5 * (np.log(total) + step * step / total) * ok
        squares += step * step / total
        looks += ok
        to_day, to_drift = var_day + cov, cov + var_drift
        gain = ok / total
        at_day += to_day * gain * step
        at_drift += to_drift * gain * step
        var_day -= to_day * to_day * gain
        var_drift -= to_drift * to_drift * gain
        cov -= to_day * to_drift * gain
    if looks.sum() < SLOTS_TO_JUDGE:
        return Spread(day=max(day, 0.15))
    best = int(np.argmax(likelihood.sum(axis=1)))
    left = float(squares[best].sum() / looks.sum())
    dispersion = min(4.0, max(1.0, float(phi[best, 0]) * max(1.0, left)))
    return Spread(day, float(drift[best, 0]), dispersion)


SLOTS_TO_JUDGE = 96
"""Fewer slots with calls than this say nothing about the spread."""
