"""Who waits and who is served right now in one feed of one partition: kept up to date call by call, never counted anew."""

from array import array
from bisect import bisect_left, insort
from collections.abc import Iterable

import msgspec

from streams.bundle import PartialGauge
from streams.contribution import Rules
from streams.packed_calls import OpenStay


class _Queue(msgspec.Struct):
    """`waiting`: when those who wait were queued (ms), in order; an array, as there may be a million.

    `limit`: for how long (ms) one may wait. `told`: the gauge as it was last, None when somebody came or went since.
    """

    waiting: "array[int]"
    limit: int
    in_service: int = 0
    told: PartialGauge | None = None


class Present:
    """Counts of open stays."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._queues: dict[tuple[str, str], _Queue] = {}

    def move(self, before: Iterable[OpenStay], after: Iterable[OpenStay]) -> None:
        """These stays of a call were open, now those are."""
        for stay in before:
            self._leave(stay)
        for stay in after:
            self._enter(stay)

    def clear(self) -> None:
        """Forget all."""
        self._queues.clear()

    def gauges(self, clock: int) -> list[PartialGauge]:
        """Waiting, past the first threshold, oldest and in service per queue, as of `clock` (ms)."""
        found = []
        for key, its in self._queues.items():
            waiting = its.waiting
            over = bisect_left(waiting, clock - its.limit)
            if its.told is None or its.told.over_threshold != over:
                its.told = PartialGauge(*key, len(waiting), over, waiting[0] if waiting else None, its.in_service)
            found.append(its.told)
        return found

    def _enter(self, stay: OpenStay) -> None:
        its = self._queues.get(stay[:2])
        if its is None:
            limit = self._rules.promise(stay.hotline, stay.queue).thresholds_s[0] * 1000
            its = self._queues[stay[:2]] = _Queue(array("q"), limit)
        its.told = None
        if stay.queued_at is None:
            its.in_service += 1
        else:
            insort(its.waiting, stay.queued_at)

    def _leave(self, stay: OpenStay) -> None:
        its = self._queues[stay[:2]]
        its.told = None
        if stay.queued_at is None:
            its.in_service -= 1
        else:
            del its.waiting[bisect_left(its.waiting, stay.queued_at)]
        if not its.waiting and not its.in_service:
            del self._queues[stay[:2]]
