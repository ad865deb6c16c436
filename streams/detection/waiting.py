"""Who waits past the threshold right now, from live gauges."""

import msgspec

from streams.contract import Gauge
from streams.detection.episode import Episode

CLEAR_AFTER = 10_000


class Waiting(msgspec.Struct):
    """The last gauge of one queue or hotline, and the episode of too many waiting too long."""

    gauge: Gauge
    episode: Episode = msgspec.field(default_factory=Episode)

    def judge(self, now: int, over_threshold_min: int) -> bool:
        """Bring the episode forward; True when it began or ended (after 10 s below)."""
        over = self.gauge.waiting_over_threshold
        if self.episode.active:
            return self.episode.calm(now, calm=over < over_threshold_min, needed=CLEAR_AFTER)
        if over < over_threshold_min:
            return False
        self.episode.begin(min(now, self.gauge.at))
        return True
