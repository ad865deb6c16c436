"""The day's expectation as a record: per five minutes, with its 90 % range."""

from math import exp

from streams.contract import Forecast
from streams.detection.counts import band
from streams.detection.demand import Demand
from streams.detection.keys import MINUTE, Key
from streams.detection.level import later, unknown

STEP_S = 300


def forecast(key: Key, demand: Demand, now: int, version: int) -> Forecast | None:
    """What is expected of `key` on the local day of `now`; None where nothing was learned.

    Steps that have begun before `now` say what such days are like; later ones take in how busy today is.
    """
    plan, curve = demand.plan, demand.curve
    if plan is None or curve is None or key.dimension_set not in {"hotline", "queue"}:
        return None
    expected, lower, upper = [], [], []
    usual_level = unknown(plan.start, plan.spread)
    for start in range(plan.start, plan.end, STEP_S * 1000):
        level = later(demand.levels[-1], start, plan.spread) if start >= now else usual_level
        mu = curve.minutes(start, start + 5 * MINUTE) * exp(level.mean)
        low, high = band(mu, level.variance + plan.variance + (plan.spread.dispersion - 1) / max(mu, 0.1))
        expected.append(round(mu, 2))
        lower.append(round(low, 2))
        upper.append(round(high, 2))
    return Forecast(
        feed=demand.feed,
        hotline=key.hotline,
        dimension_set="queue" if key.dimension_set == "queue" else "hotline",
        queue=key.queue,
        start=plan.start,
        step_s=STEP_S,
        expected=expected,
        lower=lower,
        upper=upper,
        days_learned=round(plan.days_learned, 2),
        version=version,
    )
