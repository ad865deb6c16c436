"""One feed in one partition: the calls that are remembered, their visits, cells and gauges.

A feed has its own clock. `live` takes the partition clock; any other feed the highest event time read.
"""

import heapq
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import msgspec

from streams.bundle import PartialCell, PartialGauge
from streams.calls import Call, Stay, stays_of
from streams.contract.cells import Counts, add_counts
from streams.contract.keys import visit_id
from streams.contract.visits import Visit
from streams.contribution import MINUTE_MS, CellKey, Contribution, Rules, contribution, deadlines, lost_at

FORGET_MARGIN_MS = 60_000
SWEEP_EVERY_MS = 10 * MINUTE_MS

CALL_ATTRIBUTES = (
    "source",
    "caller",
    "category",
    "district",
    "ticket_type",
    "served",
    "language",
    "channel",
    "origin",
    "direction",
    "priority",
    "subject",
    "place",
    "text",
)
STAY_ATTRIBUTES = ("centre", "department", "skill")
EXTRA = "extra."
_OF_VISIT = frozenset(CALL_ATTRIBUTES)


class _Memo(NamedTuple):
    """What follows from a call and was last counted and emitted; never saved, made again from the call."""

    stays: list[Stay]
    contribution: Contribution
    visits: dict[str, Visit]
    due: int


class FeedSnapshot(msgspec.Struct, array_like=True):
    """A feed as it is packed into the state of its partition."""

    feed: str
    generation: int
    clock: int
    range_from: int | None
    range_to: int | None
    ended: bool
    calls: dict[str, Call]
    cells: list[tuple[int, str, str, str, Counts]]


class Feed:
    """The state of one (partition, feed). `repaired(kind, source, ±1)` is told what visits had mended.

    `horizon`: the first minute (ms) whose cells may still change here.
    """

    def __init__(
        self, snapshot: FeedSnapshot, rules: Rules, lateness_ms: int, repaired: Callable[[str, str, int], None]
    ) -> None:
        self.feed = snapshot.feed
        self.generation = snapshot.generation
        self.clock = snapshot.clock
        self.range_from = snapshot.range_from
        self.range_to = snapshot.range_to
        self.ended = snapshot.ended
        self.calls = snapshot.calls
        self.cells: dict[CellKey, Counts] = {CellKey(*row[:4]): row[4] for row in snapshot.cells}
        self._rules = rules
        self._lateness_ms = lateness_ms
        self._repaired = repaired
        self._touched: dict[str, None] = {}
        self._changed_cells: dict[CellKey, None] = {}
        self._changed_visits: list[Visit] = []
        self._due: list[tuple[int, str]] = []
        self._open: dict[str, list[Stay]] = {}
        self._memos: dict[str, _Memo] = {}
        self._swept_at = 0
        self.horizon = 0
        for call_id, call in self.calls.items():
            self._remember(call_id, self._derive(call_id, call))

    @classmethod
    def new(
        cls, feed: str, generation: int, rules: Rules, lateness_ms: int, repaired: Callable[[str, str, int], None]
    ) -> "Feed":
        empty = FeedSnapshot(feed, generation, 0, None, None, ended=False, calls={}, cells=[])
        return cls(empty, rules, lateness_ms, repaired)

    def call(self, call_id: str, hotline: str, at: int) -> Call:
        """The remembered call, or a new one. One that was over for longer than the lateness is forgotten first."""
        known = self.calls.get(call_id)
        if known is not None and known.facts:
            if call_id in self._touched:
                return known
            if at < self._over_at(call_id, known) + self._lateness_ms:
                return known
            self._forget(call_id)
        call = self.calls[call_id] = Call(hotline=hotline)
        return call

    def read_to(self, time: int) -> int:
        """The clock of a feed other than `live` after an event of that time was read."""
        self.clock = max(self.clock, time)
        return self.clock

    def touch(self, call_id: str) -> None:
        """The call has changed: count it again at the next `settle`."""
        self._touched[call_id] = None

    def settle(self, clock: int) -> None:
        """Bring everything up to `clock`: changed calls counted, limits that passed, calls forgotten."""
        self.clock = max(self.clock, clock)
        for call_id in self._touched:
            self._recount(call_id)
        self._touched.clear()
        while self._due and self._due[0][0] <= self.clock:
            due, call_id = heapq.heappop(self._due)
            memo = self._memos.get(call_id)
            if memo is None or memo.due != due:
                continue
            if self.clock >= self._over_at(call_id, self.calls[call_id]) + self._lateness_ms + FORGET_MARGIN_MS:
                self._forget(call_id)
            else:
                self._recount(call_id)
        if self.clock >= self._swept_at + SWEEP_EVERY_MS:
            self._sweep()

    def end(self) -> None:
        """The feed is complete: what is still open lost track; all is told, then forgotten."""
        rules = self._rules
        self.settle(self.clock)
        self.settle(self.clock + max(rules.lost_waiting_ms, rules.lost_talking_ms))
        self.ended = True

    def forget_all(self) -> None:
        """Let go of every call and cell (after an end, or for a later generation)."""
        for state in (self.calls, self.cells, self._memos, self._open, self._touched):
            state.clear()
        self._due.clear()

    def take_cells(self) -> list[PartialCell]:
        """Cells that changed since the last call, absolute."""
        changed = [PartialCell(*key, dict(self.cells.get(key, ()))) for key in self._changed_cells]
        self._changed_cells.clear()
        return changed

    def take_visits(self, version: tuple[int, int]) -> list[Visit]:
        """Visits that changed since the last call, carrying `version`."""
        visits, self._changed_visits = self._changed_visits, []
        for visit in visits:
            visit.version = version
        return visits

    def gauges(self) -> list[PartialGauge]:
        """Waiting, past the first threshold, oldest and in service per queue, as of the feed's clock."""
        gauges: dict[tuple[str, str], PartialGauge] = {}
        for call_id, stays in self._open.items():
            hotline = self.calls[call_id].hotline
            for stay in stays:
                key = (hotline, stay.queue)
                gauge = gauges.get(key) or gauges.setdefault(key, PartialGauge(*key, 0, 0, None, 0))
                if stay.outcome == "answered":
                    gauge.in_service += 1
                    continue
                queued_at = stay.queued_at or 0
                gauge.waiting += 1
                gauge.oldest_queued_at = min(queued_at, gauge.oldest_queued_at or queued_at)
                if self.clock > queued_at + self._rules.promise(hotline, stay.queue).thresholds_s[0] * 1000:
                    gauge.over_threshold += 1
        return [gauges[key] for key in sorted(gauges)]

    def snapshot(self) -> FeedSnapshot:
        """The feed, packed; raises if something was not yet settled and told."""
        if self._touched or self._changed_cells or self._changed_visits:
            raise RuntimeError("a snapshot must follow the outputs: changes of this feed were not taken yet")
        return FeedSnapshot(
            self.feed,
            self.generation,
            self.clock,
            self.range_from,
            self.range_to,
            ended=self.ended,
            calls=self.calls,
            cells=[(*key, counts) for key, counts in self.cells.items()],
        )

    def _over_at(self, call_id: str, call: Call) -> int:
        """When a call was over: its last event, or the instant at which it was lost."""
        memo = self._memos.get(call_id)
        stays = memo.stays if memo else stays_of(call)
        return max([call.last_at, *(at for stay in stays if (at := lost_at(call, stay, self._rules)) is not None)])

    def _derive(self, call_id: str, call: Call) -> _Memo:
        stays = stays_of(call)
        limits = deadlines(call, stays, self._rules)
        over = max([call.last_at, *limits])
        due = min([*(at for at in limits if at > self.clock), over + self._lateness_ms + FORGET_MARGIN_MS])
        return _Memo(stays, contribution(call, stays, self.clock, self._rules), self._visits(call_id, call, stays), due)

    def _remember(self, call_id: str, memo: _Memo) -> None:
        known = self._memos.get(call_id)
        self._memos[call_id] = memo
        if known is None or known.due != memo.due:
            heapq.heappush(self._due, (memo.due, call_id))
        still = [stay for stay in memo.stays if stay.queued_at is not None and self._is_open(call_id, stay)]
        if still:
            self._open[call_id] = still
        else:
            self._open.pop(call_id, None)

    def _is_open(self, call_id: str, stay: Stay) -> bool:
        at = lost_at(self.calls[call_id], stay, self._rules)
        return at is not None and at > self.clock

    def _recount(self, call_id: str) -> None:
        call = self.calls[call_id]
        before, after = self._memos.get(call_id), self._derive(call_id, call)
        source = call.attribute("source")
        if before is None:
            before = _Memo([], {}, {}, 0)
        self._remember(call_id, after)
        self._move(before.contribution, after.contribution)
        for sign, stays in ((-1, before.stays), (1, after.stays)):
            for stay in stays:
                for kind in stay.repairs:
                    self._repaired(kind, source, sign)
        for number, visit in after.visits.items():
            if before.visits.get(number) != visit:
                self._changed_visits.append(msgspec.structs.replace(visit))
        for number, visit in before.visits.items():
            if number not in after.visits:
                self._changed_visits.append(msgspec.structs.replace(visit, retracted=True))

    def _move(self, before: Contribution, after: Contribution) -> None:
        for key, counts in before.items():
            if after.get(key) != counts:
                add_counts(self.cells[key], counts, -1)
                self._changed_cells[key] = None
        for key, counts in after.items():
            if before.get(key) != counts:
                add_counts(self.cells.setdefault(key, {}), counts)
                self._changed_cells[key] = None

    def _visits(self, call_id: str, call: Call, stays: Iterable[Stay]) -> dict[str, Visit]:
        visits: dict[str, Visit] = {}
        attributes: dict[str, Any] = {name: value[1] for name, value in call.attributes.items() if name in _OF_VISIT}
        extra = {k.removeprefix(EXTRA): v[1] for k, v in call.attributes.items() if k.startswith(EXTRA)}
        for stay in stays:
            lost = lost_at(call, stay, self._rules)
            is_lost = lost is not None and self.clock >= lost
            waiting_lost = is_lost and stay.outcome == "open"
            if stay.queued_at is None and stay.outcome == "open" and not is_lost:
                continue
            number = visit_id(call_id, stay.queue, stay.entry)
            attributes.update((name, call.attribute(name, stay.queue)) for name in STAY_ATTRIBUTES)
            visits[number] = Visit(
                feed=self.feed,
                generation=self.generation,
                hotline=call.hotline,
                visit=number,
                call=call_id,
                queue=stay.queue,
                entry=stay.entry,
                agent=stay.agent,
                extra=extra,
                arrived_at=stay.arrived_at,
                queued_at=stay.queued_at,
                answered_at=stay.answered_at,
                ended_at=lost if waiting_lost else stay.ended_at,
                wrapped_at=stay.wrapped_at,
                outcome="lost_track" if waiting_lost else stay.outcome,
                lost_talking=is_lost and stay.outcome == "answered",
                wait_ms=stay.wait_ms,
                talk_ms=stay.talk_ms,
                hold_ms=stay.hold_ms,
                acw_ms=stay.acw_ms,
                repairs=stay.repairs,
                version=(0, 0),
                **attributes,
            )
        return visits

    def _forget(self, call_id: str) -> None:
        del self.calls[call_id]
        self._memos.pop(call_id, None)
        self._open.pop(call_id, None)

    def _floor(self) -> int:
        floor = self.clock - self._lateness_ms - FORGET_MARGIN_MS
        return floor - floor % MINUTE_MS

    def _sweep(self) -> None:
        """Let go of cells that no remembered call and no event on time can change."""
        self._swept_at = self.clock
        floor = self._floor()
        held: set[int] = set()
        for call in self.calls.values():
            for fact in call.facts:
                if fact.time < floor + MINUTE_MS:
                    held.add(fact.time - fact.time % MINUTE_MS)
                    for threshold_s in self._rules.promise(call.hotline, fact.queue).thresholds_s:
                        at = fact.time + threshold_s * 1000
                        held.add(at - at % MINUTE_MS)
        self.cells = {
            key: counts
            for key, counts in self.cells.items()
            if key.minute >= floor or key.minute in held or key in self._changed_cells
        }
        self.horizon = min([floor, *held])
