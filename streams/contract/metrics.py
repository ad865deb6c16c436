"""Ratios from counts: the one place where the formulas stand (the SQL views repeat them, a test compares).

A window of any length is the sum of its base cells' counts; totals are ratios of sums; a ratio over
nothing is None.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import repeat
from typing import Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

from streams.contract.buckets import edges_within
from streams.contract.cells import MINUTE_MS, Counts, add_counts
from streams.contract.local_days import local_day


def window(cells: Iterable[Mapping[str, int]]) -> Counts:
    """The counts of a window: the sum of its base cells' counts."""
    total: Counts = {}
    for counts in cells:
        add_counts(total, counts)
    return total


Window = Literal["5m", "15m", "30m", "60m", "today", "24h"]
"""The rolling windows that screens, SQL and rules share."""

WINDOW_MINUTES: dict[str, int] = {"5m": 5, "15m": 15, "30m": 30, "60m": 60, "24h": 1440}
"""How long the windows are that have a fixed length."""


def window_bounds(window: Window, now: int, zone: ZoneInfo) -> tuple[int, int]:
    """The base minutes [begin, end) of a window as of `now`, all ms: the open minute is the last one.

    `today` begins at the local midnight in the hotline's `zone` (a day of 23 or 25 hours is as long as it is).
    """
    end = now - now % MINUTE_MS + MINUTE_MS
    if window != "today":
        return end - WINDOW_MINUTES[window] * MINUTE_MS, end
    return local_day(now, zone).start, end


def ratio(part: float, whole: float) -> float | None:
    """part / whole, or None over nothing."""
    return part / whole if whole else None


def buckets(counts: Mapping[str, int], name: str) -> dict[int, int]:
    """The counter `name` kept per bucket or threshold: `{number: count}`."""
    prefix = name + "."
    return {int(key[len(prefix) :]): n for key, n in counts.items() if key.startswith(prefix)}


def within_threshold(counts: Mapping[str, int], name: str, threshold_s: int) -> int:
    """How many of the waits `name` (`answered_wait`, `abandoned_wait`) are at most `threshold_s`."""
    return sum(map(counts.get, _within(name, threshold_s), repeat(0)))


@lru_cache(maxsize=1_024)
def _within(name: str, threshold_s: int) -> tuple[str, ...]:
    return tuple(f"{name}.{edge}" for edge in edges_within(threshold_s))


Formula = Literal[
    "service_level_offered",
    "service_level_excluding_abandoned_in_threshold",
    "service_level_abandoned_in_threshold_met",
    "service_level_answered",
    "service_level_excluding_short",
]
"""A_X/offered, A_X/(offered-B_X), (A_X+B_X)/offered, A_X/A, A_X/(offered-S), where A is answered, A_X answered within X,
B_X abandoned within X, S short abandons."""
Attribution = Literal["arrival", "event"]
"""Which minute a visit counts in: that of its arrival, or the earliest of answered, abandoned, X passed."""
Leaving = Literal["ignore", "miss", "met"]
"""What a visit is that flowed out or took a callback."""


class _Visits(NamedTuple):
    """What the formulas are made of; `left`: flowed out or took a callback (by event: within X)."""

    answered_in: int
    abandoned_in: int
    left: int
    offered: int
    answered: int
    short: int


def _by_event(counts: Mapping[str, int], threshold_s: int) -> _Visits:
    get = counts.get
    answered_in, abandoned_in = get(f"event_answered.{threshold_s}", 0), get(f"event_abandoned.{threshold_s}", 0)
    left = get(f"event_left.{threshold_s}", 0)
    offered = answered_in + abandoned_in + left + get(f"event_expired.{threshold_s}", 0)
    return _Visits(answered_in, abandoned_in, left, offered, get("answered_by_outcome", 0), get("short_abandoned", 0))


def _by_arrival(counts: Mapping[str, int], threshold_s: int) -> _Visits:
    get = counts.get
    return _Visits(
        within_threshold(counts, "answered_wait", threshold_s),
        within_threshold(counts, "abandoned_wait", threshold_s),
        get("flowed_out", 0) + get("callback_taken", 0),
        get("offered", 0),
        get("answered", 0),
        get("short_abandoned", 0),
    )


def _level(of: _Visits, formula: Formula, leaving: Leaving) -> tuple[int, int]:
    offered = of.offered - (of.left if leaving == "ignore" else 0)
    met = of.answered_in + (of.left if leaving == "met" else 0)
    match formula:
        case "service_level_offered":
            return met, offered
        case "service_level_excluding_abandoned_in_threshold":
            return met, offered - of.abandoned_in
        case "service_level_abandoned_in_threshold_met":
            return met + of.abandoned_in, offered
        case "service_level_answered":
            return of.answered_in, of.answered
        case "service_level_excluding_short":
            return met, offered - of.short


def service_level_parts(
    counts: Mapping[str, int],
    threshold_s: int,
    formula: Formula = "service_level_offered",
    attribution: Attribution = "event",
    leaving: Leaving | None = None,
) -> tuple[int, int]:
    """(met, judged) of a service level; `judged` may be below 0 in one minute, never over a window.

    By event a visit that leaves after X has missed it before; short abandons are counted by arrival in both.
    `leaving` None: by event ignored, by arrival a miss.
    """
    if attribution == "event":
        return _level(_by_event(counts, threshold_s), formula, leaving or "ignore")
    return _level(_by_arrival(counts, threshold_s), formula, leaving or "miss")


def service_levels(counts: Mapping[str, int], threshold_s: int) -> dict[str, float | None]:
    """The five service levels by arrival, as fractions; flow-outs and callbacks are misses."""
    visits = _by_arrival(counts, threshold_s)
    return {name: ratio(*_level(visits, name, "miss")) for name in get_args(Formula)}


def service_level_event(counts: Mapping[str, int], threshold_s: int) -> tuple[int, int]:
    """(met, judged) by event attribution, formula `service_level_offered`; flow-outs and callbacks ignored.

    A visit is judged in the minute of the earliest of answered, abandoned, threshold passed.
    """
    return service_level_parts(counts, threshold_s)


def rates(counts: Mapping[str, int]) -> dict[str, float | None]:
    """Answer rates, ASA, ATT and AHT (seconds for the times) by arrival, named as in `v_daily`."""
    get = counts.get
    offered, answered = get("offered", 0), get("answered", 0)
    handled_ms = get("talk_ms_sum", 0) + get("hold_ms_sum", 0) + get("acw_ms_sum", 0)
    inbound = offered + get("ended_in_menu", 0) + get("blocked", 0)
    occupied = get("agent_on_call_ms", 0) + get("agent_hold_ms", 0) + get("agent_after_call_ms", 0)
    ratings = buckets(counts, "rated")
    return {
        "answer_rate_inbound": ratio(answered, inbound),
        "answer_rate_offered": ratio(answered, offered),
        "answer_rate_talked": ratio(get("talked", 0), offered),
        "abandonment_rate": ratio(get("abandoned", 0), offered),
        "abandonment_rate_excluding_short": ratio(
            get("abandoned", 0) - get("short_abandoned", 0), offered - get("short_abandoned", 0)
        ),
        "blocked_rate": ratio(get("blocked", 0), inbound),
        "asa": ratio(get("wait_ms_sum", 0) / 1000, answered),
        "asa_waited": ratio(get("wait_ms_sum", 0) / 1000, get("waited", 0)),
        "att": ratio(get("talk_ms_sum", 0) / 1000, answered),
        "aht": ratio(handled_ms / 1000, answered),
        "acw": ratio(get("acw_ms_sum", 0) / 1000, answered),
        "occupancy": ratio(occupied, occupied + get("agent_available_ms", 0)),
        "rating_mean": ratio(sum(value * n for value, n in ratings.items()), sum(ratings.values())),
    }
