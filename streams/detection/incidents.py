"""What is known to be unusual about a key: its open episodes, those that are over, and what could not be seen."""

import msgspec

from streams.detection.episode import Episode
from streams.detection.keys import MINUTE
from streams.detection.silence import Silence

BELIEVED_FOR = 2 * 3_600_000
"""A departure that lasts longer is taken for the level of the day."""


class Incidents(msgspec.Struct):
    """Times in epoch ms. `flagged`: spans that teach nothing. `not_before`: no window reaches back before it, because an
    incident ended there. `blind_until`: what came before could not be seen whole.
    """

    episode: Episode = msgspec.field(default_factory=Episode)
    below: Episode = msgspec.field(default_factory=Episode)
    silence: Silence = msgspec.field(default_factory=Silence)
    flagged: list[tuple[int, int]] = []
    not_before: int = 0
    blind_until: int = 0

    def cover(self, start: int, end: int) -> bool:
        """Whether any of [start, end) is unusual."""
        open_since = [it.since for it in (self.episode, self.below) if it.active]
        if self.silence.gone:
            open_since.append(self.silence.gone)
        return any(end > since for since in open_since) or any(start < b and end > a for a, b in self.flagged)

    def lasting(self, now: int) -> bool:
        """Whether a departure has lasted so long that it is rather the level of the day."""
        return any(it.active and now - it.since > BELIEVED_FOR for it in (self.episode, self.below))

    def forget(self, before: int) -> None:
        """Let go of spans that ended before."""
        self.flagged = [span for span in self.flagged if span[1] > before]

    def blind(self, minute: int, since: int) -> None:
        """What came from `since` to the border where `minute` begins cannot be seen whole: it teaches nothing, and nothing
        is missed.
        """
        begin = min(since, minute - MINUTE)
        if self.flagged and self.flagged[-1][1] == self.blind_until >= begin:
            begin = min(begin, self.flagged.pop()[0])
        self.flagged.append((begin, minute))
        self.blind_until = minute

    def end(self, episode: Episode, at: int, *, teaches: bool = False) -> None:
        """One of the episodes is over; what came meanwhile `teaches` what is usual, or does not."""
        episode.active = False
        if not teaches:
            self.flagged.append((episode.since, at))
        self.not_before = at // MINUTE * MINUTE
