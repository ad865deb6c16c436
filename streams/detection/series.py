"""A plain series of counts, judged as live demand is: by the same history, level and departures, row by row."""

from collections.abc import Sequence
from math import inf, log10
from typing import NamedTuple
from zoneinfo import ZoneInfo

from deploy.runtime.detection_settings import Demand as DemandRules
from streams.detection.counts import tail_score
from streams.detection.demand import Demand
from streams.detection.departure import WINDOWS, Look, required_score
from streams.detection.keys import MINUTE
from streams.detection.outlook import Ahead, ahead
from streams.detection.plan import Readiness, readiness

INTERVALS = tuple(minutes for minutes in WINDOWS if minutes)
"""Minutes that a row may cover: a window of that length has to exist."""

DOUBTED_AT_MOST = 4.0
"""How many times the evidence that stands may be given back of what doubt of the level hides."""
SURE = 6.0
"""Score from which on more evidence says no more: by chance one so strong comes once in a million weeks."""

_FEED = "series"


class Judged(NamedTuple):
    """What is said of a row when it closes. `expected`, `lower`, `upper` (90 %): None while too little was learned.

    `score`: how strong, see `_score` (0: nothing learned). Scores of one budget and another are the same; `alarm` is
    whether an episode is open under the budget.
    """

    expected: float | None
    lower: float | None
    upper: float | None
    score: float
    alarm: bool


class Series:
    """Rows of one series in order of time, each told once; what is said of a row rests on it and those before alone."""

    def __init__(self, interval: int, zone: ZoneInfo, rules: DemandRules, country: str = "") -> None:
        """`interval` in minutes, one of `INTERVALS`; raises ValueError for another. `country`: whose holidays are kept."""
        if interval not in INTERVALS:
            raise ValueError(f"an interval of {interval} min: use one of {', '.join(map(str, INTERVALS))}")
        self._interval = interval
        self._rules = rules
        self._demand = Demand(_FEED, zone, grain=interval, country=country)
        self._at: int | None = None

    def judge(self, start: int, count: int) -> Judged:
        """Take in the row that covers [start, start + interval) (ms) and judge it as it closes.

        Rows that were left out between had no calls. Raises ValueError if the row does not lie after the last one, on
        the series' grid.
        """
        expected, lower, upper = self.ahead(start, self._interval) or (None, None, None)
        looks = self._pass(start, count)
        self._at = start + self._interval * MINUTE
        if not looks:
            return Judged(expected, lower, upper, score=0.0, alarm=False)
        alarm = self._demand.episode.active or self._demand.below.active
        return Judged(expected, lower, upper, score=_score(looks, self._interval), alarm=alarm)

    def _pass(self, start: int, count: int) -> list[Look]:
        """Bring time to the end of a row; the tests there, none while too little was learned."""
        demand = self._demand
        each, more = divmod(count, self._interval)
        for number in range(self._interval):
            minute = start + number * MINUTE
            demand.put(_FEED, minute, each + (number < more))
            demand.expectation.minute(minute + MINUTE)
        end = start + self._interval * MINUTE
        demand.judge(end, 0, 1, self._rules)
        if readiness(demand.plan) is not Readiness.READY:
            return demand.young_looks(end)
        demand.judge_below(end, 1, self._rules)
        looks = [seen for seen in demand.looks(end, 0) if seen.minutes >= self._interval]
        demand.check(end)
        return looks

    def ahead(self, start: int, minutes: int) -> Ahead | None:
        """What [start, start + minutes) (ms) should bring, by the rows before it; None while too little was learned.

        Raises ValueError as `judge`, whose next row must not lie before `start`.
        """
        self._reach(start)
        return ahead(self._demand, start, minutes)

    def _reach(self, start: int) -> None:
        """Let the rows that were left out before `start` pass: they had no calls."""
        step = self._interval * MINUTE
        if start % step:
            raise ValueError(f"does not begin on a multiple of {self._interval} min")
        if self._at is not None and start < self._at:
            raise ValueError("does not come after the row before it")
        for empty in range(start if self._at is None else self._at, start, step):
            self._pass(empty, 0)
        self._at = start


def _score(looks: Sequence[Look], interval: int) -> float:
    """What ranks a row among others; 0 where chance, with doubt of the level, brings one so strong once a week.

    Below 0: log10 of the weeks in which they bring one. Beyond, what is left to rank are real surges, the line's own
    among them. Those last: evidence summed over a long window would put mild ones above short strong ones, so what
    counts is what one row of the window brings on average beyond what is required. And doubt, which has been met, is
    mostly taken out again: it differs by hour, and would put a surge in the evening above the same one at noon.
    Past `SURE` what ranks them is how much they bring: one more for ten times the extra calls a row.
    """
    best, most = -inf, 0.0
    for seen in looks:
        required = required_score(seen.minutes, 1, 1.0, interval)
        beyond = seen.score - required
        if beyond > 0.0:
            by_chance = tail_score(seen.calls, seen.expected, 0.0) - required
            row = min(1.0, interval / seen.minutes)
            beyond = max(beyond, min(by_chance, DOUBTED_AT_MOST * beyond)) * row
            most = max(most, (seen.calls - seen.expected) * row)
        best = max(best, beyond)
    return min(best, SURE + log10(1.0 + most))
