"""A share of calls above its limit - abandoned, blocked, not answered by an agent - judged with its uncertainty.

Formulas as in `streams.contract.metrics`, windows by its `window_bounds`.
"""

from collections.abc import Callable, Mapping
from math import sqrt
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from deploy.runtime.detection_settings import ShareLimit
from streams.contract import SignalKind
from streams.contract.metrics import Window, window_bounds
from streams.detection.episode import Episode
from streams.detection.keys import MINUTE, Key

CONFIDENCE = 2.33
"""One-sided 99 %: waits and losses come in clumps, so the usual 95 % would be too quick."""
CLEAR_AFTER = 120_000


def _wilson(part: int, whole: int, z: float) -> tuple[float, float]:
    share = min(1.0, part / whole)  # the part of a minute may be known before the whole
    middle = share + z * z / (2 * whole)
    half = z * sqrt(share * (1 - share) / whole + z * z / (4 * whole * whole))
    return (middle - half) / (1 + z * z / whole), (middle + half) / (1 + z * z / whole)


def wilson_upper(part: int, whole: int, z: float = CONFIDENCE) -> float:
    """Upper end of Wilson's interval for a share; 1 over nothing."""
    return min(1.0, _wilson(part, whole, z)[1]) if whole else 1.0


def wilson_lower(part: int, whole: int, z: float = CONFIDENCE) -> float:
    """Lower end of Wilson's interval for a share; 0 over nothing."""
    return max(0.0, _wilson(part, whole, z)[0]) if whole else 0.0


Parts = tuple[int, int]
"""(part, whole) of a share."""


def gathered_since(minutes: Mapping[int, Parts], allowed: float, now: int) -> int:
    """The minute (ms) from which on most of the part above the `allowed` share has gathered."""
    most, total, since = 0.0, 0.0, now // MINUTE * MINUTE
    for minute in sorted((m for m in minutes if m <= now), reverse=True):
        part, whole = minutes[minute]
        total += part - allowed * whole
        if total > most:
            most, since = total, minute
    return since


class Rolling(msgspec.Struct):
    """(part, whole) by minute, and their sums over [begin, end) (whole minutes), kept up as the window moves on."""

    minutes: dict[int, Parts] = {}
    begin: int = 0
    end: int = 0
    part: int = 0
    whole: int = 0

    def put(self, minute: int, parts: Parts) -> None:
        before = self.minutes.pop(minute, (0, 0))
        if parts[1]:
            self.minutes[minute] = parts
        if self.begin <= minute < self.end:
            self.part += parts[0] - before[0]
            self.whole += parts[1] - before[1]

    def sums(self, begin: int, end: int) -> Parts:
        """The sums over [begin, end) (ms); minutes before `begin` are dropped."""
        if (begin, end) != (self.begin, self.end):
            if self.begin <= begin <= self.end <= end:
                self._add(self.begin, begin, -1)
                self._add(self.end, end, 1)
            else:
                self.part = self.whole = 0
                self._add(begin, end, 1)
            self.begin, self.end = begin, end
            for minute in [minute for minute in self.minutes if minute < begin]:
                del self.minutes[minute]
        return self.part, self.whole

    def _add(self, begin: int, end: int, times: int) -> None:
        for minute in range(begin, end, MINUTE):
            part, whole = self.minutes.get(minute, (0, 0))
            self.part += times * part
            self.whole += times * whole


class Share(msgspec.Struct):
    """One share of one key, and the episode of its being above the limit."""

    rolling: Rolling = msgspec.field(default_factory=Rolling)
    episode: Episode = msgspec.field(default_factory=Episode)

    def window(self, window: Window, now: int, zone: ZoneInfo) -> Parts:
        return self.rolling.sums(*window_bounds(window, now, zone))

    def judge(self, now: int, rules: ShareLimit, zone: ZoneInfo) -> bool:
        """Bring the episode forward; True when it began or ended.

        Begins when at least `min_volume` were counted and even the lower bound of the share is above the limit; ends
        after two minutes at the limit or without enough.
        """
        part, whole = self.window(rules.window, now, zone)
        enough = whole >= rules.min_volume
        if self.episode.active:
            kept = not enough or part <= rules.limit * whole
            return self.episode.calm(now, calm=kept, needed=CLEAR_AFTER)
        if not enough or wilson_lower(part, whole) <= rules.limit:
            return False
        self.episode.begin(gathered_since(self.rolling.minutes, rules.limit, now))
        return True


class ShareKind(NamedTuple):
    """What a share is made of, and in which dimension sets it stands."""

    kind: SignalKind
    parts: Callable[[Mapping[str, int]], Parts]
    sets: frozenset[str]


def inbound(counts: Mapping[str, int]) -> int:
    """Calls that came in, as in `answer_rate_inbound` and `blocked_rate`."""
    return counts.get("offered", 0) + counts.get("ended_in_menu", 0) + counts.get("blocked", 0)


def _abandoned(counts: Mapping[str, int]) -> Parts:
    short = counts.get("short_abandoned", 0)
    return counts.get("abandoned", 0) - short, counts.get("offered", 0) - short


def _blocked(counts: Mapping[str, int]) -> Parts:
    return counts.get("blocked", 0), inbound(counts)


def _not_answered(counts: Mapping[str, int]) -> Parts:
    missed = counts.get("ring_no_answer", 0)
    return missed, missed + counts.get("answered_by_outcome", 0)


SHARES = (
    ShareKind("abandonment_above_limit", _abandoned, frozenset({"hotline", "queue"})),
    # a blocked call never reached a queue
    ShareKind("blocked_above_limit", _blocked, frozenset({"hotline"})),
    ShareKind("ring_no_answer", _not_answered, frozenset({"hotline", "queue"})),
)

ShareKey = tuple[SignalKind, Key]
