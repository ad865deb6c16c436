"""Ratios from counts: the one place where the formulas stand (the SQL views repeat them, a test compares).

A window of any length is the sum of its base cells' counts; totals are ratios of sums; a ratio over
nothing is None.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from streams.contract.cells import Counts, add_counts


def window(cells: Iterable[Mapping[str, int]]) -> Counts:
    """The counts of a window: the sum of its base cells' counts."""
    total: Counts = {}
    for counts in cells:
        add_counts(total, counts)
    return total


Window = Literal["5m", "15m", "30m", "60m", "today", "24h"]
"""The rolling windows that screens, SQL and rules share."""

_MINUTES: dict[str, int] = {"5m": 5, "15m": 15, "30m": 30, "60m": 60, "24h": 1440}
_MINUTE_MS = 60_000


def window_bounds(window: Window, now: int, zone: ZoneInfo) -> tuple[int, int]:
    """The base minutes [begin, end) of a window as of `now`, all ms: the open minute is the last one.

    `today` begins at the local midnight in the hotline's `zone` (a day of 23 or 25 hours is as long as it is).
    """
    end = now - now % _MINUTE_MS + _MINUTE_MS
    if window != "today":
        return end - _MINUTES[window] * _MINUTE_MS, end
    midnight = datetime.fromtimestamp(now / 1000, zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return round(midnight.timestamp() * 1000), end


def ratio(part: float, whole: float) -> float | None:
    """part / whole, or None over nothing."""
    return part / whole if whole else None


def buckets(counts: Mapping[str, int], name: str) -> dict[int, int]:
    """The counter `name` kept per bucket or threshold: `{number: count}`."""
    prefix = name + "."
    return {int(key[len(prefix) :]): n for key, n in counts.items() if key.startswith(prefix)}


def within_threshold(counts: Mapping[str, int], name: str, threshold_s: int) -> int:
    """How many of the waits `name` (`answered_wait`, `abandoned_wait`) are at most `threshold_s`."""
    return sum(n for edge, n in buckets(counts, name).items() if edge <= threshold_s)


def service_levels(counts: Mapping[str, int], threshold_s: int) -> dict[str, float | None]:
    """The five service levels by arrival, as fractions.

    With A_X answered within X, A answered, B_X abandoned within X, S short abandons:
    A_X/offered, A_X/(offered-B_X), (A_X+B_X)/offered, A_X/A, A_X/(offered-S).
    """
    offered = counts.get("offered", 0)
    answered_in = within_threshold(counts, "answered_wait", threshold_s)
    abandoned_in = within_threshold(counts, "abandoned_wait", threshold_s)
    return {
        "service_level_offered": ratio(answered_in, offered),
        "service_level_excluding_abandoned_in_threshold": ratio(answered_in, offered - abandoned_in),
        "service_level_abandoned_in_threshold_met": ratio(answered_in + abandoned_in, offered),
        "service_level_answered": ratio(answered_in, counts.get("answered", 0)),
        "service_level_excluding_short": ratio(answered_in, offered - counts.get("short_abandoned", 0)),
    }


def service_level_event(counts: Mapping[str, int], threshold_s: int) -> tuple[int, int]:
    """(met, judged) by event attribution, formula `service_level_offered`; flow-outs and callbacks ignored.

    A visit is judged in the minute of the earliest of answered, abandoned, threshold passed.
    """
    met = counts.get(f"event_answered.{threshold_s}", 0)
    missed = counts.get(f"event_abandoned.{threshold_s}", 0) + counts.get(f"event_expired.{threshold_s}", 0)
    return met, met + missed


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
