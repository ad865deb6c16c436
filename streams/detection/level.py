"""How busy is today: the level of the day and of the hour against the usual week.

The logarithm of (mean of now / mean of the profile) is the sum of two Gaussian parts: `day`, drawn anew
(half-way) at each local midnight, and `drift`, an Ornstein-Uhlenbeck process that forgets in 90 minutes.
Counts of five minutes correct it by an extended Kalman filter with Poisson-like observation noise, so
the weight of what was seen today follows from volume, and the uncertainty is always known.
"""

from math import exp, sqrt

import msgspec
import numpy as np
import numpy.typing as npt

from streams.detection.history import Floats

DRIFT_MS = 90 * 60_000
"""How long it takes to forget the drift."""
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
