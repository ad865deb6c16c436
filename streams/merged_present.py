"""What is so right now in one feed, over all calls partitions: who waits, who is served, what agents do.

Each partition tells its present as of its own clock; what it says of a time that others have not reached yet is kept
until they have.
"""

from bisect import bisect_right
from collections.abc import Iterable

import msgspec

from streams.bundle import FeedPart, PartialAgents, PartialGauge
from streams.contract.cells import MINUTE_MS, add_counts

NEVER = 2**62
"""Later than any clock, ms."""


class PresentAt(msgspec.Struct, array_like=True):
    """What a partition told of the present at its `clock` (ms)."""

    clock: int = 0
    gauges: list[PartialGauge] = msgspec.field(default_factory=list)
    agents: list[PartialAgents] = msgspec.field(default_factory=list)


class MergedPartition(msgspec.Struct, array_like=True):
    """How far one partition is with this feed, its present, and what it told of times that others have not reached."""

    clock: int = 0
    watermark: int = 0
    horizon: int = 0
    ended: bool = False
    present: PresentAt = msgspec.field(default_factory=PresentAt)
    coming: list[PresentAt] = msgspec.field(default_factory=list)

    def tell(self, part: FeedPart, *, at_once: bool) -> None:
        """Take in gauges and agents, as the present (`at_once`) or for when the feed is as far: the last of each minute.

        What a partition says at its end waits for the feed to end on all partitions.
        """
        if part.gauges is None and part.agents is None:
            return
        known = self.coming[-1] if self.coming else self.present
        told = PresentAt(
            NEVER if part.ended else part.clock or self.clock,
            known.gauges if part.gauges is None else part.gauges,
            known.agents if part.agents is None else part.agents,
        )
        if at_once:
            self.present = told
        elif self.coming and self.coming[-1].clock // MINUTE_MS == told.clock // MINUTE_MS:
            self.coming[-1] = told
        else:
            self.coming.append(told)

    def reach(self, clock: int) -> None:
        """The feed has come to `clock` (ms): what was told of that time is the present now."""
        reached = bisect_right(self.coming, clock, key=lambda it: it.clock)
        if reached:
            self.present = self.coming[reached - 1]
            del self.coming[:reached]


def gauges(presents: Iterable[PresentAt]) -> dict[tuple[str, str], PartialGauge]:
    """(hotline, queue), and (hotline, `""`) for all of it -> the sum over partitions, the oldest of the oldest."""
    total: dict[tuple[str, str], PartialGauge] = {}
    for present in presents:
        for share in present.gauges:
            _add(total, (share.hotline, share.queue), share)
    for (hotline, queue), gauge in list(total.items()):
        if queue:
            _add(total, (hotline, ""), gauge)
    return total


def _add(total: dict[tuple[str, str], PartialGauge], key: tuple[str, str], share: PartialGauge) -> None:
    gauge = total.get(key)
    if gauge is None:
        gauge = total[key] = PartialGauge(*key, 0, 0, None, 0)
    gauge.waiting += share.waiting
    gauge.over_threshold += share.over_threshold
    gauge.in_service += share.in_service
    oldest = share.oldest_queued_at
    if oldest is not None and (gauge.oldest_queued_at is None or oldest < gauge.oldest_queued_at):
        gauge.oldest_queued_at = oldest


def agents(presents: Iterable[PresentAt]) -> dict[tuple[str, str], PartialAgents]:
    """(hotline, queue), and (hotline, `""`) with each agent once -> agents by state, summed over partitions."""
    total: dict[tuple[str, str], PartialAgents] = {}
    for present in presents:
        for share in present.agents:
            key = (share.hotline, share.queue)
            found = total.get(key) or total.setdefault(key, PartialAgents(*key, {}, {}))
            add_counts(found.states, share.states)
            add_counts(found.breaks, share.breaks)
    return total
