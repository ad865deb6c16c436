"""One feed in one partition: the calls and agents that are remembered, visits, cells and gauges.

A feed has its own clock. `live` takes the partition clock; any other feed the highest event time read.
"""

from collections.abc import Callable, Iterator

import msgspec

from streams.agent_book import AgentBook
from streams.bundle import PartialGauge
from streams.call_book import CallBook
from streams.calls import Call
from streams.cell_book import CellBook, Contribution
from streams.contract.cells import MINUTE_MS, Counts
from streams.contract.events import CallEvent
from streams.contract.visits import CallFact, Visit
from streams.contribution import Rules, contribution, deadlines, lost_at
from streams.dimensions import Place
from streams.packed_calls import OpenStay
from streams.present import Present
from streams.roster import OpenSnapshot, Roster
from streams.rows import row_ids, rows_of
from streams.schedule import Schedule
from streams.sources import Source, Sources
from streams.stays import Stay, stays_of

FORGET_MARGIN_MS = 60_000
SWEEP_EVERY_MS = 10 * MINUTE_MS


class _Memo(msgspec.Struct, gc=False):
    """What follows from a call as of `clock` (ms), as it was counted last; kept while the call is in use, else made
    again from it.

    `losts[i]`: when stay i counts as lost; `lost`: how many are. `rows`: the ids of its visits and later facts. `due`:
    the next instant (ms) at which something of it changes without an event (then `changes`), or the call is forgotten.
    `over`: when the call was over (ms): its last event, or the instant at which it was lost. `open`: stays not over.
    """

    clock: int
    stays: list[Stay]
    losts: list[int | None]
    lost: int
    contribution: Contribution
    rows: list[str]
    due: int
    over: int
    changes: bool
    open: tuple[OpenStay, ...]


_NOTHING = _Memo(0, [], [], 0, {}, [], 0, 0, changes=False, open=())


class FeedHead(msgspec.Struct, array_like=True):
    """What is packed of a feed beside its calls, agents and cells."""

    feed: str
    generation: int
    clock: int = 0
    range_from: int | None = None
    range_to: int | None = None
    ended: bool = False
    sources: dict[str, Source] = msgspec.field(default_factory=dict)
    snapshots: dict[str, OpenSnapshot] = msgspec.field(default_factory=dict)
    terms: str = ""


class Feed:
    """The state of one (partition, feed). `repaired(kind, source, ±1)` counts what was mended in visits.

    `parts`: packed calls, agents and cells by name (see `parts`). `horizon`: the first minute (ms) whose cells may
    still change here.
    """

    def __init__(
        self,
        head: FeedHead,
        rules: Rules,
        lateness_ms: int,
        repaired: Callable[[str, str, int], None],
        parts: dict[str, bytes] | None = None,
    ) -> None:
        self.feed = head.feed
        self.generation = head.generation
        self.clock = head.clock
        self.range_from = head.range_from
        self.range_to = head.range_to
        self.ended = head.ended
        self.snapshots = head.snapshots
        self.sources = Sources(head.sources)
        self.calls = CallBook(self._counted_as)
        self.cells = CellBook()
        kinds: dict[str, dict[str, bytes]] = {"calls": {}, "cells": {}, "agents": {}}
        for name, packed in (parts or {}).items():
            kind, _, part = name.partition("/")
            kinds[kind][part] = packed
        agents = AgentBook()
        self.calls.load(kinds["calls"])
        self.cells.load(kinds["cells"])
        agents.load(kinds["agents"])
        self.roster = Roster(agents, self.cells, rules, lateness_ms, self.clock)
        self._rules = rules
        self._lateness_ms = lateness_ms
        self._repaired = repaired
        self._touched: dict[str, None] = {}
        self._records: dict[tuple[int, str, str], Counts] = {}
        self._changed_rows: dict[str, Visit | CallFact] = {}
        self._perhaps_told: dict[str, dict[str, Visit | CallFact]] = {}
        self._schedule = Schedule()
        self._present = Present(rules)
        self._memos: dict[str, _Memo] = {}
        self._settled_to = self.clock
        self._swept_at = 0
        self.horizon = 0
        self._take_up(head.terms)

    def call(self, call_id: str, hotline: str, at: int) -> Call:
        """The remembered call, to be changed, or a new one; one that was over for longer than the lateness is new."""
        known = self.calls.open(call_id)
        if known is not None and known.facts:
            if at <= known.last_at + self._lateness_ms or at <= self._over(call_id, known) + self._lateness_ms:
                self._before(call_id, known)
                self._retrace(call_id, known)
                return known
            self._forget(call_id)
        call = Call(hotline=hotline)
        self.calls.put(call_id, call)
        return call

    def read_to(self, time: int) -> int:
        """The clock of a feed other than `live` after an event of that time was read; at the end it stops."""
        if not self.ended:
            self.clock = max(self.clock, time)
        return self.clock

    def retrace(self, clock: int) -> None:
        """From now on records are read that a former owner may have read, at most at `clock` (ms; 0: no such record).

        It may have told of states that are never reached here, because here more events are applied at once, or the
        clock lags behind its own. So before a call or an agent changes, all that it may have told of it is marked to be
        told again, as it is now.
        """
        self.roster.retrace_to = clock

    def count(self, event: CallEvent, time: int, hotline: str, *, new: bool) -> None:
        """A record was read, of an event at `time` (ms) that told something `new` or did not."""
        key = (time - time % MINUTE_MS, hotline, event.source)
        counts = self._records.get(key)
        if counts is None:
            counts = self._records[key] = {"events": 0}
        counts["events"] += 1
        if not new:
            counts["repeats"] = counts.get("repeats", 0) + 1
        if event.type == "heartbeat":
            counts["heartbeats"] = counts.get("heartbeats", 0) + 1

    def touch(self, call_id: str) -> None:
        """The call has changed: count it again at the next `settle`."""
        self._touched[call_id] = None

    def lose(self, source: str, told: OpenSnapshot) -> None:
        """The source's snapshot is complete: its open calls and agents that were not named in it are gone."""
        self.settle(self.clock)
        for call_id in [it for it in self.calls if it not in told.calls and self._still_open(it)]:
            call = self.calls.get(call_id)
            if call and call.attribute("source") == source and call.gone_at < call.last_at <= told.begin:
                self.calls.open(call_id)
                self._before(call_id, call)
                self._retrace(call_id, call)
                call.gone_at = told.begin
                self.touch(call_id)
        self.roster.lose(source, told.begin, told.agents)

    def settle(self, clock: int) -> None:
        """Bring everything up to `clock`: changed calls counted, limits that passed, calls forgotten."""
        self.clock = max(self.clock, clock)
        self.roster.settle(self.clock)
        if self._records:
            self.cells.add(
                {(key[0], Place("source", key[1], key[2:])): counts for key, counts in self._records.items()}
            )
            self._records.clear()
        for call_id in self._touched:
            self._recount(call_id, self.clock)
        self._touched.clear()
        for call_id in self._schedule.take(self.clock, self._due_of):
            call = self.calls.open(call_id)
            if call and self.clock >= self._before(call_id, call).over + self._lateness_ms + FORGET_MARGIN_MS:
                self._forget(call_id)
            else:
                self._recount(call_id, self.clock)
        self._settled_to = self.clock
        self._lay_by()
        if self.clock >= self._swept_at + SWEEP_EVERY_MS:
            self._sweep()

    def end(self) -> None:
        """The feed is complete: what is still open lost track; all is told, then forgotten."""
        rules, last = self._rules, self.clock
        self.settle(last)
        self.roster.clear()  # nothing is known of agents' time beyond the end
        self.settle(last + max(rules.lost_waiting_ms, rules.lost_talking_ms))
        self.clock, self.ended = last, True

    def forget_all(self) -> None:
        """Let go of every call, agent and cell, because the feed has ended."""
        for state in (self.calls, self.cells, self.roster, self._memos, self._present, self._touched, self.snapshots):
            state.clear()
        self._schedule.clear()

    def take_rows(self, version: tuple[int, int]) -> Iterator[Visit | CallFact]:
        """Visits and later facts that changed since the last call, as of `version`."""
        for call_id in list(self._perhaps_told):
            self._tell_again(call_id)
        rows, self._changed_rows = self._changed_rows, {}
        for row in rows.values():
            row.version = version
            yield row

    def gauges(self) -> list[PartialGauge]:
        """Waiting, past the first threshold, oldest and in service per queue, as of the feed's clock."""
        return self._present.gauges(self.clock)

    def head(self) -> FeedHead:
        """What is packed beside the parts; raises if something was not yet settled and told."""
        if self._touched or self._records or self._changed_rows or not self.cells.settled:
            raise RuntimeError("a snapshot must follow the outputs: changes of this feed were not taken yet")
        return FeedHead(
            self.feed,
            self.generation,
            self.clock,
            self.range_from,
            self.range_to,
            self.ended,
            self.sources.sources,
            self.snapshots,
            self._rules.terms,
        )

    def parts(self) -> Iterator[tuple[str, bytes]]:
        """Calls, agents and cells, packed, by name."""
        yield from ((f"calls/{name}", packed) for name, packed in self.calls.parts().items())
        yield from self._other_parts()

    def changes(self) -> Iterator[tuple[str, bytes | None]]:
        """As `parts`, with None for a part that is as it was at the last call."""
        yield from ((f"calls/{name}", packed) for name, packed in self.calls.changes().items())
        yield from self._other_parts()

    def _other_parts(self) -> Iterator[tuple[str, bytes]]:
        for number, packed in self.cells.parts().items():
            yield f"cells/{number}", packed
        for name, packed in self.roster.parts().items():
            yield f"agents/{name}", packed

    def _take_up(self, terms: str) -> None:
        """Enter the calls of a snapshot into schedule and gauges; count anew those that were counted under other terms."""
        if terms == self._rules.terms:
            for call_id, due, still in self.calls.on_shelves():
                self._schedule.put(call_id, due)
                self._present.move((), still)
            return
        counted = self._rules.under(terms)
        for call_id in list(self.calls):
            call = self.calls.open(call_id)
            assert call is not None, call_id
            memo = self._before(call_id, call)
            if counted:
                self._count_anew(call_id, call, memo, counted)
            self._schedule.put(call_id, memo.due)
            self._present.move((), memo.open)
            self._lay_by()

    def _count_anew(self, call_id: str, call: Call, memo: _Memo, counted: Rules) -> None:
        """Replace what a call added under the rules `counted` by what it adds now, but for minutes that were let go of."""
        losts = [lost_at(call, stay, counted) for stay in memo.stays]
        was = contribution(call, memo.stays, losts, memo.clock, counted)
        floor = self._floor()
        self.cells.move(was, {key: it for key, it in memo.contribution.items() if key[0] >= floor or key in was})
        if losts != memo.losts:
            rows = row_ids(call_id, call, memo.stays, losts, memo.clock)
            self._change_rows(call_id, call, msgspec.structs.replace(memo, losts=losts, rows=rows), memo)

    def _lay_by(self) -> None:
        for call_id in self.calls.lay_by():
            self._memos.pop(call_id, None)

    def _counted_as(self, call_id: str) -> tuple[int, tuple[OpenStay, ...]]:
        memo = self._memos.get(call_id, _NOTHING)
        return memo.due, memo.open

    def _due_of(self, call_id: str) -> int | None:
        memo = self._memos.get(call_id)
        return memo.due if memo else self.calls.due(call_id)

    def _still_open(self, call_id: str) -> tuple[OpenStay, ...]:
        memo = self._memos.get(call_id)
        return memo.open if memo else self.calls.still_open(call_id)

    def _before(self, call_id: str, call: Call) -> _Memo:
        """What followed from a call when it was counted last; made again where the memo was dropped.

        That gives the same: a call has been counted at every instant at which time alone changes it.
        """
        memo = self._memos.get(call_id)
        if memo is None and call_id not in self._touched:
            memo = self._memos[call_id] = self._derive(call_id, call, self._settled_to)
        return memo or _NOTHING

    def _over(self, call_id: str, call: Call) -> int:
        """When a call was over as it is now, counted or not."""
        if call_id not in self._touched:
            return self._before(call_id, call).over
        losts = (lost_at(call, stay, self._rules) for stay in stays_of(call))
        return max([call.last_at, *(at for at in losts if at is not None)])

    def _retrace(self, call_id: str, call: Call) -> None:
        if self.roster.retrace_to:
            known = None if call_id in self._touched else self._memos.get(call_id)
            if known is not None and known.due > self.roster.retrace_to:
                memo = known
            else:
                memo = self._derive(call_id, call, self.roster.retrace_to, known)
            self.cells.tell_again(memo.contribution)
            self._perhaps_told.setdefault(call_id, {}).update(self._rows(call_id, call, memo))

    def _tell_again(self, call_id: str) -> None:
        """Hand over every row that may have been told of a call: as it is now, or retracted if there is no such row now."""
        call = self.calls.get(call_id)
        assert call is not None, call_id
        present = self._rows(call_id, call, self._before(call_id, call))
        for number, row in (self._perhaps_told.pop(call_id) | present).items():
            known = present.get(number)
            self._changed_rows[number] = msgspec.structs.replace(known or row, retracted=known is None)

    def _rows(self, call_id: str, call: Call, memo: _Memo) -> dict[str, Visit | CallFact]:
        return rows_of(self, call_id, call, memo.stays, memo.losts, clock=memo.clock)

    def _derive(self, call_id: str, call: Call, clock: int, known: _Memo | None = None) -> _Memo:
        """What follows from the call as of `clock`; `known`: what did before, if nothing but time has passed since."""
        if known is None:
            stays = stays_of(call)
            losts = [lost_at(call, stay, self._rules) for stay in stays]
        else:
            stays, losts = known.stays, known.losts
        limits = deadlines(call, stays, losts, self._rules)
        over, lost = call.last_at, 0
        for at in losts:
            if at is not None:
                over = max(over, at)
                lost += at <= clock
        due = max([over, *limits]) + self._lateness_ms + FORGET_MARGIN_MS
        ahead = [at for at in limits if at > clock]
        added = contribution(call, stays, losts, clock, self._rules)
        still = tuple(
            OpenStay(call.hotline, stay.queue, stay.queued_at if stay.outcome == "open" else None)
            for stay, at in zip(stays, losts, strict=True)
            if at is not None and at > clock and stay.queued_at is not None
        )
        rows = row_ids(call_id, call, stays, losts, clock)
        return _Memo(clock, stays, losts, lost, added, rows, min([*ahead, due]), over, bool(ahead), still)

    def _recount(self, call_id: str, clock: int) -> None:
        call = self.calls.open(call_id)
        assert call is not None, call_id
        before = self._memos.get(call_id, _NOTHING)
        after = self._memos[call_id] = self._derive(call_id, call, clock, None if call_id in self._touched else before)
        if after.due != before.due:
            self._schedule.put(call_id, after.due)
        if after.open != before.open:
            self._present.move(before.open, after.open)
        if all(stay.over for stay in after.stays):
            self.calls.set_aside(call_id)
        self.cells.move(before.contribution, after.contribution)
        if after.stays is not before.stays:
            for sign, stays in ((-1, before.stays), (1, after.stays)):
                for stay in stays:
                    for kind in stay.repairs:
                        self._repaired(kind, call.attribute("source"), sign)
        if after.stays is not before.stays or after.lost != before.lost:
            self._change_rows(call_id, call, before, after)

    def _change_rows(self, call_id: str, call: Call, before: _Memo, after: _Memo) -> None:
        self._changed_rows.update(self._rows(call_id, call, after))
        gone = [number for number in before.rows if number not in after.rows]
        if gone:
            were = self._rows(call_id, call, before)
            for number in gone:
                self._changed_rows[number] = msgspec.structs.replace(were[number], retracted=True)

    def _forget(self, call_id: str) -> None:
        """Let go of a call. Before, count it as it stood when it was over: the clock may have leapt past that instant."""
        call = self.calls.get(call_id)
        assert call is not None, call_id
        if call_id in self._touched or self._before(call_id, call).changes:
            self._recount(call_id, max(self.clock, self._over(call_id, call)))
        if call_id in self._perhaps_told:
            self._tell_again(call_id)
        self._touched.pop(call_id, None)
        self.calls.drop(call_id)
        self._present.move(self._memos.pop(call_id, _NOTHING).open, ())

    def _floor(self) -> int:
        floor = self.clock - self._lateness_ms - FORGET_MARGIN_MS
        return floor - floor % MINUTE_MS

    def _sweep(self) -> None:
        """Let go of cells that neither a remembered call nor an event on time can still change."""
        self._swept_at = self.clock
        floor = self._floor()
        held: set[int] = set()
        for call in self.calls.begun_before(floor + MINUTE_MS):
            for fact in call.facts:
                if fact.time >= floor + MINUTE_MS:
                    break
                held.add(fact.time - fact.time % MINUTE_MS)
                for threshold_s in self._rules.promise(call.hotline, fact.queue).thresholds_s:
                    at = fact.time + threshold_s * 1000
                    held.add(at - at % MINUTE_MS)
        held.update(self.roster.open_minutes(floor))
        self.cells.let_go(floor, held)
        self.horizon = min([floor, *held])
