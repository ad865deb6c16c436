"""Nothing where something was due: how unlikely is it that a queue or hotline has had no call since its last one?

With excess e and m calls due since then, no call at all has the probability (1 + e m)^(-1/e) (negative binomial at 0).
Every call begins a new stretch, so a week has as many trials as calls. Opening hours need no setting: where the
usual week has no calls, none are due.
"""

from collections.abc import Callable
from math import log, log1p, log10

import msgspec

from deploy.runtime.detection_settings import QueueSilence
from streams.detection.episode import Episode
from streams.detection.keys import MINUTE

_LN10 = log(10)


def silence_score(due: float, excess: float) -> float:
    """-log10 of the probability of no call where `due` were expected."""
    return (log1p(excess * due) / excess if excess > 1e-9 else due) / _LN10


def silence_required(calls_per_week: float, keys: int, false_alarms_per_week: float) -> float:
    """-log10 p that a silence must reach, so that all queues and hotlines together keep the budget."""
    return log10(max(1.0, calls_per_week) * max(1, keys) / false_alarms_per_week)


class Silence(msgspec.Struct):
    """`since`: end of the last minute with a call (0: the feed had none yet). `due`: calls expected from then on.

    The level (`gain`) and its relative variance (`unsure`) are those of that moment: a silence must not lower what
    is expected of it. `until`: minutes before it were taken in. `told`: the episode is
    told by itself, as nothing else that is told explains it. `gone`: since when (ms) nobody calls, as an episode found
    (0: somebody does). The episode ends where it is not known any more what is due; that nobody calls goes on to teach
    nothing.
    """

    since: int = 0
    due: float = 0.0
    gain: float = 1.0
    unsure: float = 0.0
    until: int = 0
    episode: Episode = msgspec.field(default_factory=Episode)
    told: bool = True
    gone: int = 0

    def __post_init__(self) -> None:
        if self.episode.active and not self.gone:  # a state of a former version
            self.gone = self.episode.since

    def heard(self, at: int, gain: float, unsure: float) -> None:
        """A call came before `at` (ms), or nothing could be seen until then."""
        self.since = self.until = at
        self.due, self.gain, self.unsure, self.gone = 0.0, gain, unsure, 0

    def explained(self, minute: int, gain: float, unsure: float) -> None:
        """Nobody called before `minute`, for a reason told elsewhere: what is missed counts from now on."""
        since = self.since
        self.heard(minute, gain, unsure)
        self.since = since

    def unknown(self, minute: int) -> None:
        """Nobody knows what was due before `minute`: what once was says nothing of today."""
        self.due, self.until = 0.0, minute

    def nothing(self, minute: int, usual: float) -> None:
        """The minute that begins at `minute` (ms) had no call where `usual` are usual."""
        self.due += self.gain * usual
        self.until = minute + MINUTE

    def excess(self, dispersion: float) -> float:
        return self.unsure + (dispersion - 1.0) / max(self.due, 0.1)

    def judge(
        self, now: int, rules: QueueSilence, *, dispersion: float, required: float, explained: Callable[[], float]
    ) -> bool:
        """Begin the episode where the silence is too unlikely and long enough; True when there is something to tell.

        `explained`: the part of the calls that were due that is missed for a reason told elsewhere.
        """
        excess = self.excess(dispersion)
        if not self.episode.active:
            if self.until - self.since < rules.min_silence_s * 1000 or silence_score(self.due, excess) < required:
                return False
            self.gone = min(self.since, now)
            self.episode.begin(self.gone)
            self.told = False
        if self.told or silence_score(self.due * (1.0 - explained()), excess) < required:
            return False
        self.told = True
        return True
