"""How much the level of a key varies, learned by running the filter of `level` over the key's past days, for many tries."""

from math import exp, sqrt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from streams.detection.history import Floats
from streams.detection.level import CLIP, DRIFT_MS, Spread

Bools = npt.NDArray[np.bool_]

UNEVEN, UNEVEN_DAYS = 0.005, 2.0
"""Relative variance of a slot before anything was seen of it, and the days it counts for."""
SURE = 2.0
"""Standard errors by which a slot must be more uneven than chance makes it."""
CLIPPED = 1.05
"""Squares clipped at `CLIP` deviations bring a twentieth less."""
SLOTS_TO_JUDGE = 96
"""Fewer slots with calls than this say nothing about the spread."""

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
