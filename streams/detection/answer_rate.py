"""The answer rate over rolling 24 hours (接通率 of GB/T 33358: answered of all that came in), today's worst, and when it
will fall below its target if things go on as they do.
"""

from zoneinfo import ZoneInfo

import msgspec

from deploy.runtime.detection_settings import AnswerRate as AnswerRateRules
from streams.contract.local_days import local_day
from streams.contract.metrics import window_bounds
from streams.detection.episode import Episode
from streams.detection.keys import DAY, HOUR, MINUTE
from streams.detection.shares import Parts, Rolling, gathered_since, wilson_upper

BEGIN_AFTER = 30_000
"""How long the rate has to be below: calls whose end stands later in the batch that is being read are not answered yet."""
CLEAR_AFTER = 900_000
"""A figure over a day moves slowly: a quarter of an hour at the target ends it."""
CALM_AFTER = 600_000
"""A foretold breach is taken back when none was foretold for so long."""
SETTLE = 5 * MINUTE
"""Calls younger than this may still wait: they say nothing of the rate yet."""
LEAST_RECENT = 30
SLOWEST, FASTEST = 0.25, 4.0
"""How far today's calls may be from those of the day before, minute for minute."""


class Worst(msgspec.Struct, frozen=True):
    """The lowest rate of a whole 24 h window that ended at `at` (ms)."""

    rate: float
    at: int


class AnswerRate(msgspec.Struct):
    """One hotline's (answered, came in) by minute of arrival, the day's worst window, the episode below target and that
    of a breach foretold at `breach_at` (ms).

    `before`: what came in the minutes that left the window last, to compare today's calls with. `below_since` (ms):
    when it fell below target, while it is not yet told.
    """

    rolling: Rolling = msgspec.field(default_factory=Rolling)
    first: int = 0
    worst: Worst | None = None
    episode: Episode = msgspec.field(default_factory=Episode)
    before: dict[int, int] = {}
    breach_at: int | None = None
    ahead: Episode = msgspec.field(default_factory=Episode)
    below_since: int | None = None

    def put(self, minute: int, parts: Parts) -> None:
        if parts[1] and (not self.first or minute < self.first):
            self.first = minute
        self.rolling.put(minute, parts)

    def sums(self, now: int, zone: ZoneInfo) -> Parts:
        """(answered, came in) of the last 24 hours, the open minute included."""
        return self.rolling.sums(*window_bounds("24h", now, zone))

    def minute(self, minute: int, rules: AnswerRateRules, zone: ZoneInfo) -> None:
        """A minute begins: the window that ends now may be today's worst. Only whole windows count."""
        begin, end = window_bounds("24h", minute - 1, zone)
        for at in [at for at in self.rolling.minutes if at < begin]:
            self.before[at] = self.rolling.minutes[at][1]
        for at in [at for at in self.before if at < begin - 7 * HOUR]:
            del self.before[at]
        answered, came = self.rolling.sums(begin, end)
        midnight = local_day(minute - 1, zone).start
        if self.worst is not None and self.worst.at <= midnight:
            self.worst = None
        if self.first and self.first <= begin and came and (self.worst is None or answered / came < self.worst.rate):
            self.worst = Worst(answered / came, minute)
        self.breach_at = self._breach(minute, (answered, came), rules)

    def recent(self, minute: int, rules: AnswerRateRules) -> Parts:
        """(answered, came in) of the last `recent_s` before `minute` whose calls are mostly decided."""
        answered = came = 0
        for at in range(minute - SETTLE - rules.recent_s * 1000 // MINUTE * MINUTE, minute - SETTLE, MINUTE):
            parts = self.rolling.minutes.get(at, (0, 0))
            answered, came = answered + parts[0], came + parts[1]
        return answered, came

    def _breach(self, minute: int, day: Parts, rules: AnswerRateRules) -> int | None:
        """When (ms) the window that holds `day` now falls below target, if the share answered stays as it is.

        What comes in is taken from the same minutes a day before, times how much more came lately than then; where
        there is no day before, it stays as it is. None: not within `ahead_s`, not surely, or it is below already.
        """
        answered, came = recent = self.recent(minute, rules)
        total, of = float(day[0]), float(day[1])
        below = of < rules.min_volume or total < rules.target * of
        if below or came < LEAST_RECENT or wilson_upper(*recent) >= rules.target:
            return None
        length = rules.recent_s * 1000 // MINUTE * MINUTE
        a_day_ago = range(minute - DAY - SETTLE - length, minute - DAY - SETTLE, MINUTE)
        then = sum(self.before.get(at, 0) for at in a_day_ago)
        pace = min(FASTEST, max(SLOWEST, came / then)) if then else None
        share = answered / came
        for at in range(minute, minute + rules.ahead_s * 1000, MINUTE):
            left = self.rolling.minutes.get(at - DAY, (0, 0))
            comes = left[1] * pace if pace else came * MINUTE / length
            total, of = total + comes * share - left[0], of + comes - left[1]
            if total < rules.target * of:
                return at + MINUTE
        return None

    def judge_ahead(self, now: int, rules: AnswerRateRules) -> bool:
        """Bring the episode of a breach foretold forward; True when it began or ended (at once when it has come)."""
        if self.ahead.active:
            needed = 0 if self.episode.active else CALM_AFTER
            return self.ahead.calm(now, calm=self.breach_at is None, needed=needed)
        if self.breach_at is None:
            return False
        lost = {minute: (came - answered, came) for minute, (answered, came) in self.rolling.minutes.items()}
        self.ahead.begin(gathered_since(lost, 1 - rules.target, now))
        return True

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
            self.below_since = None
            return False
        if self.below_since is None:
            self.below_since = now
        if now - self.below_since < BEGIN_AFTER:
            return False
        self.below_since = None
        lost = {minute: (came - answered, came) for minute, (answered, came) in self.rolling.minutes.items()}
        self.episode.begin(gathered_since(lost, 1 - rules.target, now))
        return True
