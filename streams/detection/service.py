"""Is the promise kept? Service level over a trailing window, and how fast the error budget burns.

What may be missed (1 - target of each visit judged) is the error budget; it burns `factor` times too fast where the
share missed is that many times what is allowed. Windows and burn rates as in Beyer et al., The Site Reliability
Workbook, chapter 5 - but a promise of 80 % cannot burn 14 times too fast, so what is held against the limit is the
lower end of the share's interval over a few minutes (fast) or hours (slow), and it must still be so now.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import msgspec

from deploy.runtime.service_settings import Burn, ServiceLevel
from streams.contract.metrics import service_level_parts
from streams.detection.episode import Episode
from streams.detection.keys import DAY, HOUR, MINUTE
from streams.detection.shares import gathered_since, wilson_lower

CLEAR_AFTER = 120_000
_WHOLE = 1_000_000
_MOST_SHARE = 0.5
"""A burn that a promise leaves no room for is taken as half-way from what is allowed to everything."""

Pace = Literal["fast", "slow"]
PACES: tuple[Pace, ...] = ("fast", "slow")


class Spent(NamedTuple):
    """Of `judged` visits so many were `missed`; `allowed`: what might have been, in millionths of a visit."""

    missed: int = 0
    judged: int = 0
    allowed: int = 0

    def plus(self, other: "Spent", sign: int = 1) -> "Spent":
        return Spent(
            self.missed + sign * other.missed, self.judged + sign * other.judged, self.allowed + sign * other.allowed
        )

    @property
    def share_allowed(self) -> float:
        return self.allowed / _WHOLE / self.judged if self.judged > 0 else 0.0

    @property
    def burn(self) -> float:
        """How many times as fast as it may the budget is spent; 0 over nothing."""
        return self.missed * _WHOLE / self.allowed if self.allowed > 0 else 0.0


class ErrorBudget(msgspec.Struct):
    """What one queue's (or hotline's) promise allows to be missed, what of it each minute and hour spent, and the episodes
    of the promise being broken and of the budget burning too fast.

    `dropped`: minutes before it (ms) are in `hours` only and do not change any more.
    """

    threshold_s: int
    target: float
    spent: dict[int, Spent] = {}
    hours: dict[int, Spent] = {}
    dropped: int = 0
    end: int = 0
    sums: dict[int, Spent] = {}
    episode: Episode = msgspec.field(default_factory=Episode)
    fast: Episode = msgspec.field(default_factory=Episode)
    slow: Episode = msgspec.field(default_factory=Episode)

    def put(self, minute: int, counts: Mapping[str, int], rules: ServiceLevel, target: float | None) -> None:
        """Set the counts of a minute in which `target` was promised (None: nothing)."""
        if minute < self.dropped:
            return
        met, judged = service_level_parts(
            counts, self.threshold_s, rules.formula, rules.attribution, rules.flowed_out_and_callbacks
        )
        new = Spent()
        if target is not None:
            new = Spent(judged - met, judged, judged * round((1 - target) * _WHOLE))
        change = new.plus(self.spent.pop(minute, Spent()), -1)
        if new != Spent():
            self.spent[minute] = new
        if change == Spent():
            return
        hour = minute // HOUR * HOUR
        self.hours[hour] = self.hours.get(hour, Spent()).plus(change)
        for length, total in self.sums.items():
            if self.end - length <= minute < self.end:
                self.sums[length] = total.plus(change)

    def window(self, now: int, window_s: int) -> Spent:
        """What the last `window_s` seconds of minutes spent, the open one included."""
        end = -(-now // MINUTE) * MINUTE
        if end != self.end:
            self.end = end
            self.sums.clear()
        length = max(MINUTE, window_s * 1000 // MINUTE * MINUTE)
        total = self.sums.get(length)
        if total is None:
            total = Spent()
            for minute in range(end - length, end, MINUTE):
                if (spent := self.spent.get(minute)) is not None:
                    total = total.plus(spent)
            self.sums[length] = total
        return total

    def left(self, now: int, days: int) -> float | None:
        """What is left of the budget of the last `days` days, as a fraction (below 0: overspent); None over nothing."""
        total = Spent()
        for hour, spent in self.hours.items():
            if now - days * DAY < hour <= now:
                total = total.plus(spent)
        return 1.0 - total.burn if total.allowed > 0 else None

    def judge(self, now: int, rules: ServiceLevel) -> bool:
        """Bring the episode of the service level under target forward; True when it began or ended.

        Begins when at least `min_volume` visits were judged and surely more of them missed than is allowed; ends after
        two minutes at the target or without enough visits.
        """
        now_judged = self.decided(now, rules)
        spent = self.window(now_judged, rules.window_s)
        enough = spent.judged >= rules.min_volume
        if self.episode.active:
            kept = not enough or spent.missed * _WHOLE <= spent.allowed
            return self.episode.calm(now, calm=kept, needed=CLEAR_AFTER)
        if not enough or wilson_lower(spent.missed, spent.judged) <= spent.share_allowed:
            return False
        self._begin(self.episode, now, now_judged, rules.window_s)
        return True

    def episode_of(self, pace: Pace) -> Episode:
        return self.fast if pace == "fast" else self.slow

    @property
    def broken(self) -> bool:
        """Whether an episode is open: time alone may end it."""
        return self.episode.active or self.fast.active or self.slow.active

    def judge_burn(self, pace: Pace, now: int, rules: ServiceLevel) -> bool:
        """Bring the episode of one burn rate forward; True when it began or ended.

        Ends after two minutes in which the last `still_s` burnt no faster than `factor`.
        """
        burn = rules.fast if pace == "fast" else rules.slow
        episode = self.episode_of(pace)
        now_judged = self.decided(now, rules)
        still = self.window(now_judged, burn.still_s)
        burning = still.judged > 0 and still.missed > _limit(still, burn) * still.judged
        if episode.active:
            return episode.calm(now, calm=not burning, needed=CLEAR_AFTER)
        if not burning:
            return False
        for window_s in burn.windows_s:
            spent = self.window(now_judged, window_s)
            if spent.judged >= burn.min_volume and wilson_lower(spent.missed, spent.judged) > _limit(spent, burn):
                self._begin(episode, now, now_judged, window_s)
                return True
        return False

    def burning(self, pace: Pace, now: int, rules: ServiceLevel) -> tuple[Spent, int]:
        """What was spent over the window (s) that burns fastest, surely, of those of `pace` in which anything was."""
        windows = (rules.fast if pace == "fast" else rules.slow).windows_s
        now_judged = self.decided(now, rules)
        seen = [(self.window(now_judged, window_s), window_s) for window_s in windows]
        return max(
            seen, key=lambda it: (it[0].judged > 0, wilson_lower(it[0].missed, it[0].judged) - it[0].share_allowed)
        )

    def minute(self, minute: int, rules: ServiceLevel) -> None:
        """A minute begins: what no window needs any more is let go."""
        longest = max(rules.window_s, *rules.fast.windows_s, *rules.slow.windows_s, rules.slow.still_s)
        self.dropped = max(self.dropped, minute - longest * 1000 - 3 * HOUR)
        for old in [at for at in self.spent if at < self.dropped]:
            del self.spent[old]
        for old in [at for at in self.hours if at < minute - 28 * DAY]:
            del self.hours[old]

    def decided(self, now: int, rules: ServiceLevel) -> int:
        """Up to when visits can be judged: by arrival the newest have not had their threshold's time yet."""
        return now if rules.attribution == "event" else now - self.threshold_s * 1000 - MINUTE

    def _begin(self, episode: Episode, now: int, now_judged: int, window_s: int) -> None:
        """It began where most of what was missed beyond the allowed has gathered, within the window that shows it."""
        first = now_judged - window_s * 1000 - MINUTE
        parts = {at: (it.missed, it.judged) for at, it in self.spent.items() if at > first}
        allowed = self.window(now_judged, window_s).share_allowed
        episode.begin(min(now, gathered_since(parts, allowed, now_judged)))


def _limit(spent: Spent, burn: Burn) -> float:
    """The share missed that counts as burning `factor` times too fast."""
    allowed = spent.share_allowed
    return min(burn.factor * allowed, allowed + _MOST_SHARE * (1.0 - allowed))
