"""The answer rate over rolling 24 hours (接通率 of GB/T 33358: answered of all that came in), and today's worst."""

from zoneinfo import ZoneInfo

import msgspec

from deploy.runtime.settings import AnswerRate as AnswerRateRules
from streams.contract.metrics import window_bounds
from streams.detection.calendar import local_day
from streams.detection.episode import Episode
from streams.detection.shares import Parts, Rolling, gathered_since

CLEAR_AFTER = 900_000
"""A figure over a day moves slowly: a quarter of an hour at the target ends it."""


class Worst(msgspec.Struct, frozen=True):
    """The lowest rate of a whole 24 h window that ended at `at` (ms)."""

    rate: float
    at: int


class AnswerRate(msgspec.Struct):
    """One hotline's (answered, came in) by minute of arrival, the day's worst window, and the episode below target."""

    rolling: Rolling = msgspec.field(default_factory=Rolling)
    first: int = 0
    worst: Worst | None = None
    episode: Episode = msgspec.field(default_factory=Episode)

    def put(self, minute: int, parts: Parts) -> None:
        if parts[1] and (not self.first or minute < self.first):
            self.first = minute
        self.rolling.put(minute, parts)

    def sums(self, now: int, zone: ZoneInfo) -> Parts:
        """(answered, came in) of the last 24 hours, the open minute included."""
        return self.rolling.sums(*window_bounds("24h", now, zone))

    def minute(self, minute: int, zone: ZoneInfo) -> None:
        """A minute begins: the window that ends now may be today's worst. Only whole windows count."""
        begin, end = window_bounds("24h", minute - 1, zone)
        answered, came = self.rolling.sums(begin, end)
        midnight = local_day(minute - 1, zone).start
        if self.worst is not None and self.worst.at <= midnight:
            self.worst = None
        if self.first and self.first <= begin and came and (self.worst is None or answered / came < self.worst.rate):
            self.worst = Worst(answered / came, minute)

    def judge(self, now: int, rules: AnswerRateRules, zone: ZoneInfo) -> bool:
        """Bring the episode forward; True when it began or ended.

        The rate is the promised figure itself and no estimate of one: it is below target or it is not.
        """
        answered, came = self.sums(now, zone)
        enough = came >= rules.min_volume
        if self.episode.active:
            kept = not enough or answered >= rules.target * came
            return self.episode.calm(now, calm=kept, needed=CLEAR_AFTER)
        if not enough or answered >= rules.target * came:
            return False
        lost = {minute: (came - answered, came) for minute, (answered, came) in self.rolling.minutes.items()}
        self.episode.begin(gathered_since(lost, 1 - rules.target, now))
        return True
