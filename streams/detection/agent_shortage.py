"""Somebody waits and nobody is free to answer, from live gauges; only where agents are told at all."""

import msgspec

from streams.contract import Gauge
from streams.detection.episode import Episode

CLEAR_AFTER = 10_000


class AgentShortage(msgspec.Struct):
    """The last gauge of one queue or hotline. `told`: agents were ever told of; `since`: nobody is free while
    somebody waits.
    """

    gauge: Gauge
    told: bool = False
    since: int | None = None
    episode: Episode = msgspec.field(default_factory=Episode)

    def put(self, gauge: Gauge) -> None:
        self.gauge = gauge
        self.told = self.told or bool(gauge.agents)

    def judge(self, now: int, after_s: int) -> bool:
        """Bring the episode forward; True when it began (after `after_s`) or ended (after 10 s)."""
        nobody = self.told and self.gauge.waiting > 0 and not self.gauge.agents.get("available", 0)
        if self.episode.active:
            return self.episode.calm(now, calm=not nobody, needed=CLEAR_AFTER)
        if not nobody:
            self.since = None
            return False
        if self.since is None:
            self.since = min(now, self.gauge.at)
        if now - self.since < after_s * 1000:
            return False
        self.episode.begin(self.since)
        return True
