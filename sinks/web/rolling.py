"""Rolling windows: 5, 15, 30, 60 minutes, today and 24 h, and every figure made of their counts. Pure.

Bounds and formulas are those of `streams.contract.metrics`; the view `v_rolling` says the same in SQL.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, get_args
from zoneinfo import ZoneInfo

from streams.contract.cells import MINUTE_MS, Counts, add_counts
from streams.contract.metrics import (
    Window,
    buckets,
    rates,
    ratio,
    service_level_event,
    service_levels,
    window,
    window_bounds,
    within_threshold,
)

WINDOWS: tuple[Window, ...] = get_args(Window)
PERCENTILES = {"queue_time_p50": 0.5, "queue_time_p90": 0.9, "queue_time_p99": 0.99}
SOURCES_EXPECTED, SOURCES_HEARD = "sources_expected", "sources_heard"

SHOWN = (
    "answered_in_threshold",
    "service_level_event",
    *service_levels({}, 0),
    "answer_rate_inbound",
    "abandonment_rate",
    "asa",
    "queue_time_p90",
    "aht",
    "occupancy",
    "rating_mean",
    "completeness",
    "threshold_s",
)
COUNTED = ("offered", "answered", "abandoned", "blocked", "callback_taken", "callback_completed")
"""What a screen shows of a window."""

Bounds = dict[Window, tuple[int, int]]


class Minute(NamedTuple):
    """One base cell: its version and its counts, among them how many sources were expected and heard."""

    version: int
    counts: Counts


class _Span:
    """A window's bounds [begin, end) in ms and the sum of its minutes; `figures` made of it for a threshold, until it changes."""

    def __init__(self, begin: int, end: int, counts: Counts) -> None:
        self.begin, self.end, self.counts = begin, end, counts
        self.figures: dict[int, dict[str, Any]] = {}

    def add(self, minute: Minute) -> None:
        add_counts(self.counts, minute.counts)
        self.figures.clear()

    def subtract(self, minute: Minute) -> None:
        add_counts(self.counts, minute.counts, -1)
        self.figures.clear()


class Rolling:
    """The windows of one key over its minutes. A sum moves with its bounds rather than being made again."""

    def __init__(self, minutes: dict[int, Minute]) -> None:
        self._minutes = minutes
        self._spans: dict[Window, _Span] = {}

    def put(self, start: int, minute: Minute) -> None:
        """A minute has new counts; they stand in the minutes from now on."""
        known = self._minutes.get(start)
        self._minutes[start] = minute
        for span in self._spans.values():
            if span.begin <= start < span.end:
                if known is not None:
                    span.subtract(known)
                span.add(minute)

    def forget_before(self, oldest: int) -> None:
        """Let go of minutes before `oldest` (ms), and of the sums they stand in."""
        gone = [start for start in self._minutes if start < oldest]
        for start in gone:
            del self._minutes[start]
        if gone:
            self._spans = {name: span for name, span in self._spans.items() if span.begin >= oldest}

    def counts(self, name: Window, begin: int, end: int) -> Counts:
        """The counts of the window at these bounds; not to be changed by the caller."""
        return self._span(name, begin, end).counts

    def shown(self, name: Window, begin: int, end: int, threshold_s: int) -> dict[str, Any]:
        """`shown` of the window at these bounds; not to be changed by the caller."""
        span = self._span(name, begin, end)
        if threshold_s not in span.figures:
            span.figures[threshold_s] = shown(span.counts, threshold_s)
        return span.figures[threshold_s]

    def _span(self, name: Window, begin: int, end: int) -> _Span:
        span = self._spans.get(name)
        if span is None or not (span.begin <= begin < span.end <= end):
            counts = window(found.counts for found in self._between(begin, end))
            span = self._spans[name] = _Span(begin, end, counts)
        for left in self._between(span.begin, begin):
            span.subtract(left)
        for entered in self._between(span.end, end):
            span.add(entered)
        span.begin, span.end = begin, end
        return span

    def _between(self, begin: int, end: int) -> list[Minute]:
        minutes = self._minutes
        return [minutes[start] for start in range(begin, end, MINUTE_MS) if start in minutes]


def bounds(clock: int, zone: ZoneInfo) -> Bounds:
    """Each window as of the data's clock (ms)."""
    return {name: window_bounds(name, clock, zone) for name in WINDOWS}


def waits_of(counts: Mapping[str, int]) -> list[tuple[int, int]]:
    """(upper edge of a bucket in s, visits in it) of answered and abandoned visits, the shortest wait first."""
    return sorted([*buckets(counts, "answered_wait").items(), *buckets(counts, "abandoned_wait").items()])


def percentile(waits: Sequence[tuple[int, int]], fraction: float) -> int | None:
    """The wait (s) of rank ceil(fraction n) over the n visits of `waits_of`, as its bucket's upper edge."""
    rank = -(-fraction * sum(n for _, n in waits) // 1)
    seen = 0
    for edge, number in waits:
        seen += number
        if seen >= rank:
            return edge
    return None


def measures(counts: Mapping[str, int], threshold_s: int) -> dict[str, Any]:
    """All figures made of counts, named as in `v_rolling`; a rate over nothing is None."""
    met, judged = service_level_event(counts, threshold_s)
    waits = waits_of(counts)
    return {
        "inbound": counts.get("offered", 0) + counts.get("ended_in_menu", 0) + counts.get("blocked", 0),
        "threshold_s": threshold_s,
        "answered_in_threshold": within_threshold(counts, "answered_wait", threshold_s),
        "abandoned_in_threshold": within_threshold(counts, "abandoned_wait", threshold_s),
        **service_levels(counts, threshold_s),
        **rates(counts),
        "service_level_event": ratio(met, judged),
        **{name: percentile(waits, fraction) for name, fraction in PERCENTILES.items()},
        "completeness": ratio(counts.get(SOURCES_HEARD, 0), counts.get(SOURCES_EXPECTED, 0)),
    }


def shown(counts: Mapping[str, int], threshold_s: int) -> dict[str, Any]:
    """The figures of a window that a screen shows."""
    found = measures(counts, threshold_s)
    return {name: counts.get(name, 0) for name in COUNTED} | {name: found[name] for name in SHOWN}
