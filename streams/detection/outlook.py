"""What is expected: the day as a record, per five minutes with its 90 % range, and the stretch that begins now."""

from math import exp
from typing import NamedTuple

import numpy as np

from streams.contract import Forecast
from streams.detection import departure
from streams.detection.counts import band
from streams.detection.demand import Demand
from streams.detection.keys import MINUTE, Key
from streams.detection.level import doubt, later_at
from streams.detection.plan import Readiness, readiness

STEP_S = 300


class Ahead(NamedTuple):
    """Calls that a stretch of time should bring, and their 90 % range."""

    expected: float
    lower: float
    upper: float


def ahead(demand: Demand, start: int, minutes: int) -> Ahead | None:
    """What [start, start + minutes) (ms) should bring by what is known at `start`; None while too little was learned."""
    plan, curve = demand.plan, demand.curve
    if plan is None or curve is None or readiness(plan) is not Readiness.READY:
        return None
    end = start + minutes * MINUTE
    level = departure.forecast(demand.levels, start, (start + end) // 2, plan)
    expected = exp(level.mean) * curve.minutes(start, end)
    unsure = doubt(level, plan.spread) + plan.variance + (plan.spread.dispersion - 1) / max(expected, 0.1)
    unsure += curve.span(start, end).uneven
    lower, upper = band(np.array([expected]), np.array([unsure]))
    return Ahead(expected, float(lower[0]), float(upper[0]))


def forecast(key: Key, demand: Demand, now: int, version: int) -> Forecast | None:
    """What is expected of `key` on the local day of `now`; None where nothing was learned.

    Steps that have begun before `now` say what such days are like; later ones take in how busy today is.
    """
    plan, curve = demand.plan, demand.curve
    if plan is None or curve is None or key.dimension_set not in {"hotline", "queue"}:
        return None
    starts = np.arange(plan.start, plan.end, STEP_S * 1000, dtype=np.int64)
    usual = curve.steps(starts, STEP_S // 60)
    mean, variance = later_at(demand.levels[-1], starts, plan.spread)
    ahead = starts >= now
    expected = usual * np.where(ahead, np.exp(mean), 1.0)
    unsure = np.where(ahead, variance, plan.spread.day**2 + plan.spread.drift**2) + plan.variance
    lower, upper = band(expected, unsure + (plan.spread.dispersion - 1) / np.maximum(expected, 0.1))
    return Forecast(
        feed=demand.feed,
        hotline=key.hotline,
        dimension_set="queue" if key.dimension_set == "queue" else "hotline",
        queue=key.queue,
        start=plan.start,
        step_s=STEP_S,
        expected=np.round(expected, 2).tolist(),
        lower=np.round(lower, 2).tolist(),
        upper=np.round(upper, 2).tolist(),
        days_learned=round(plan.days_learned, 2),
        version=version,
    )
