"""What a window rule can measure: names of `streams.contract`, and how each is had from counts or a gauge."""

from collections.abc import Mapping
from typing import Literal

from streams.contract import COUNTERS, Gauge
from streams.contract.cells import BY_NUMBER
from streams.contract.metrics import Window, rates, ratio, service_level_event, service_levels

RATES = frozenset(rates({}))
SERVICE_LEVELS = frozenset(service_levels({}, 0))
EVENT_LEVEL = "service_level_event"
GAUGES = frozenset({"waiting", "waiting_over_threshold", "in_service", "oldest_wait"})
METRICS = (COUNTERS.keys() - set(BY_NUMBER)) | RATES | SERVICE_LEVELS | {EVENT_LEVEL} | GAUGES
FRACTIONS = SERVICE_LEVELS | {EVENT_LEVEL} | {name for name in RATES if "rate" in name} | {"occupancy"}

RuleWindow = Literal[Window, "now"]


def measure(metric: str, counts: Mapping[str, int], threshold_s: int) -> float | None:
    """A metric of a window's counts; None where it is a ratio over nothing. Seconds for times."""
    if metric in RATES:
        return rates(counts)[metric]
    if metric in SERVICE_LEVELS:
        return service_levels(counts, threshold_s)[metric]
    if metric == EVENT_LEVEL:
        return ratio(*service_level_event(counts, threshold_s))
    return counts.get(metric, 0)


def gauge_value(metric: str, gauge: Gauge | None, clock: int) -> float:
    """A metric of what is so now; nobody has told: nobody waits. `oldest_wait` in seconds."""
    if gauge is None:
        return 0
    match metric:
        case "waiting":
            return gauge.waiting
        case "waiting_over_threshold":
            return gauge.waiting_over_threshold
        case "in_service":
            return gauge.in_service
        case _:
            return max(0, clock - gauge.oldest_queued_at) / 1000 if gauge.oldest_queued_at is not None else 0


def family(metric: str) -> str:
    """Which bucketed counters a metric needs: their common beginning, or "" for none."""
    if metric in SERVICE_LEVELS:
        return "wait"
    return "event" if metric == EVENT_LEVEL else ""


def kept(counter: str, families: frozenset[str]) -> bool:
    """Whether windows that need `families` need this counter of a cell."""
    name, _, bucket = counter.partition(".")
    if not bucket or name == "rated":
        return True
    return ("event" if name.startswith("event_") else "wait") in families
