"""Nothing where something was due: how unlikely is it that a queue or hotline has had no call since its last one?

With excess e and m calls due since then, no call at all has the probability (1 + e m)^(-1/e) (negative binomial at 0).
Every call begins a new stretch, so a week has as many trials as calls. Opening hours need no setting: where the
usual week has no calls, none are due. Where callers come in clusters, stretches are longer than that: how much so is
learned from those that ended (`Stretches`).
"""

from collections.abc import Callable
from math import exp, expm1, log, log1p, log10

import msgspec

from deploy.runtime.detection_settings import QueueSilence
from streams.detection.episode import Episode
from streams.detection.keys import MINUTE

_LN10 = log(10)
COMMON = 1.0
"""The score that one stretch in ten reaches: from there on it is compared for how long they go on with what is claimed."""
CLAIMED = 1 / _LN10
"""What the score of such a stretch gathers from there on on average, if what is claimed is true."""
PRIOR = 20.0
"""Stretches that the claim counts for."""
KEPT = 2_000.0
"""Stretches that count at most: older ones fade."""


def silence_score(due: float, excess: float) -> float:
    """-log10 of the probability of no call where `due` were expected."""
    return (log1p(excess * due) / excess if excess > 1e-9 else due) / _LN10


def silence_required(calls_per_week: float, keys: int, false_alarms_per_week: float) -> float:
    """-log10 p that a silence must reach, so that all queues and hotlines together keep the budget."""
    return log10(max(1.0, calls_per_week) * max(1, keys) / false_alarms_per_week)


class Stretches(msgspec.Struct):
    """For how long stretches without a call go on that are as unlikely as `COMMON`, and end before they are an episode:
    `beyond` is the sum of the scores that `seen` of them gathered from there on.
    """

    seen: float = PRIOR
    beyond: float = PRIOR * CLAIMED

    def put(self, beyond: float) -> None:
        """A stretch ended so far beyond `COMMON`."""
        fade = min(1.0, KEPT / (self.seen + 1.0))
        self.seen = (self.seen + 1.0) * fade
        self.beyond = (self.beyond + beyond) * fade

    def score(self, claimed: float) -> float:
        """What a claimed score is worth: its excess over `COMMON` in proportion to what is usual of it."""
        usual = max(1.0, self.beyond / self.seen / CLAIMED)
        return claimed if claimed <= COMMON else COMMON + (claimed - COMMON) / usual


class Silence(msgspec.Struct):
    """`since`: end of the last minute with a call (0: the feed had none yet). `due`: calls expected from then on.

    The level (`gain`) and its relative variance (`unsure`) are those of that moment: a silence must not lower what
    is expected of it. `until`: minutes before it were taken in. `told`: the episode is
    told by itself, as nothing else that is told explains it. `gone`: since when (ms) nobody calls, as an episode found
    (0: somebody does). The episode ends where it is not known any more what is due; that nobody calls goes on to teach
    nothing. `common`: the score when it first reached `COMMON` (0: not yet); `last`: calls due in the last minute.
    """

    since: int = 0
    due: float = 0.0
    gain: float = 1.0
    unsure: float = 0.0
    until: int = 0
    episode: Episode = msgspec.field(default_factory=Episode)
    told: bool = True
    gone: int = 0
    common: float = 0.0
    last: float = 0.0

    def __post_init__(self) -> None:
        if self.episode.active and not self.gone:  # a state of a former version
            self.gone = self.episode.since

    def heard(self, at: int, gain: float, unsure: float) -> None:
        """A call came before `at` (ms), or nothing could be seen until then."""
        self.since = self.until = at
        self.due, self.gain, self.unsure, self.gone, self.common = 0.0, gain, unsure, 0, 0.0

    def explained(self, minute: int, gain: float, unsure: float) -> None:
        """Nobody called before `minute`, for a reason told elsewhere: what is missed counts from now on."""
        since = self.since
        self.heard(minute, gain, unsure)
        self.since = since

    def unknown(self, minute: int) -> None:
        """Nobody knows what was due before `minute`: what once was says nothing of today."""
        self.due, self.until, self.common = 0.0, minute, 0.0

    def nothing(self, minute: int, usual: float) -> None:
        """The minute that begins at `minute` (ms) had no call where `usual` are usual."""
        self.last = self.gain * usual
        self.due += self.last
        self.until = minute + MINUTE

    def score(self, dispersion: float, explained: float = 0.0) -> float:
        """-log10 of the probability claimed for no call until now; `explained`: the part of those due that is not missed."""
        return silence_score(self.due * (1.0 - explained), self._excess(dispersion))

    def _excess(self, dispersion: float) -> float:
        return self.unsure + (dispersion - 1.0) / max(self.due, 0.1)

    def ended(self, stretches: Stretches, dispersion: float) -> None:
        """Somebody calls again: learn from it, where this was no episode.

        When in its minute the call came is not known: what is claimed of that is taken as true.
        """
        if self.gone or not self.common:
            return
        excess = self._excess(dispersion)
        reached = silence_score(self.due, excess)
        step = _LN10 * (silence_score(self.due + self.last, excess) - reached)
        within = CLAIMED * (1.0 + step * exp(-step) / expm1(-step)) if step > 1e-6 else 0.0
        stretches.put(reached - self.common + within)

    def judge(
        self,
        now: int,
        rules: QueueSilence,
        *,
        dispersion: float,
        stretches: Stretches,
        required: float,
        explained: Callable[[], float],
    ) -> bool:
        """Begin the episode where the silence is too unlikely and long enough; True when there is something to tell.

        `explained`: the part of the calls that were due that is missed for a reason told elsewhere.
        """
        score = self.score(dispersion)
        if score >= COMMON and not self.common:
            self.common = score
        if not self.episode.active:
            long_enough = self.until - self.since >= rules.min_silence_s * 1000
            if not long_enough or stretches.score(score) < required:
                return False
            self.gone = min(self.since, now)
            self.episode.begin(self.gone)
            self.told = False
        if self.told or stretches.score(self.score(dispersion, explained())) < required:
            return False
        self.told = True
        return True
