"""Who waits and who is served right now in one feed of one partition: kept up to date call by call, never counted anew."""

from bisect import bisect_left, insort
from typing import NamedTuple

import msgspec

from streams.bundle import PartialGauge
from streams.contribution import Rules


class OpenStay(NamedTuple):
    """A stay that is not over. `queued_at` (ms) while it waits, None once it was answered."""

    hotline: str
    queue: str
    queued_at: int | None


class _Queue(msgspec.Struct):
    """`waiting`: when those who wait were queued (ms), in order."""

    waiting: list[int]
    in_service: int = 0


class Present:
    """The open stays of calls by id."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._open: dict[str, tuple[OpenStay, ...]] = {}
        self._queues: dict[tuple[str, str], _Queue] = {}

    @property
    def calls(self) -> list[str]:
        """The calls that are not over."""
        return list(self._open)

    def put(self, call_id: str, stays: tuple[OpenStay, ...]) -> None:
        """These stays of the call are open now."""
        known = self._open.get(call_id, ())
        if stays == known:
            return
        for stay in known:
            self._leave(stay)
        for stay in stays:
            self._enter(stay)
        if stays:
            self._open[call_id] = stays
        else:
            del self._open[call_id]

    def clear(self) -> None:
        """Forget all."""
        self._open.clear()
        self._queues.clear()

    def gauges(self, clock: int) -> list[PartialGauge]:
        """Waiting, past the first threshold, oldest and in service per queue, as of `clock` (ms)."""
        found = []
        for (hotline, queue), its in sorted(self._queues.items()):
            waiting = its.waiting
            limit = self._rules.promise(hotline, queue).thresholds_s[0] * 1000
            over = bisect_left(waiting, clock - limit)
            found.append(
                PartialGauge(hotline, queue, len(waiting), over, waiting[0] if waiting else None, its.in_service)
            )
        return found

    def _enter(self, stay: OpenStay) -> None:
        its = self._queues.get(stay[:2])
        if its is None:
            its = self._queues[stay[:2]] = _Queue([])
        if stay.queued_at is None:
            its.in_service += 1
        else:
            insort(its.waiting, stay.queued_at)

    def _leave(self, stay: OpenStay) -> None:
        its = self._queues[stay[:2]]
        if stay.queued_at is None:
            its.in_service -= 1
        else:
            del its.waiting[bisect_left(its.waiting, stay.queued_at)]
        if not its.waiting and not its.in_service:
            del self._queues[stay[:2]]
