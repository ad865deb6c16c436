"""Every counter recounted from a simulation's truth log: what really happened, whatever the engine read of it.

A plain pass over the finished log. Where the truth says that an end was never told, the definition of `lost_track`
is applied to it; which facts came when their call was no longer remembered follows from the allowed lateness.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import msgspec

from deploy.producers.simulator.truth import (
    TrueAgent,
    TrueApart,
    TrueRating,
    TrueReclassification,
    TrueSource,
    TrueVisit,
    Truth,
)
from oracle.agents import MINUTE_MS, TIMED
from oracle.batch import CellKey, Values, rolled_up
from oracle.calls import Rules
from oracle.counters import FLAGS, OF_CALLS, OF_CALLS_APART, OF_LATER, OF_VISITS, Count
from oracle.visits import Fact, Visit

FOREVER = 2**62
OF_AGENTS = {"queue", "centre", "source"}
MARKERS_OF_A_SNAPSHOT = 2
_decode = msgspec.json.Decoder(Truth).decode


@dataclass
class Recount:
    """Cells by key as sums of counters, and in which minute (ms) which sources were heard."""

    cells: dict[CellKey, dict[str, int]] = field(default_factory=dict)
    heard: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))


class Told(NamedTuple):
    """Something that came after a visit: its fact, and the category it changed to or the visit it names."""

    fact: Fact
    category: str = ""


def read_truth(path: Path) -> list[Truth]:
    """A truth file, line by line."""
    with path.open("rb") as file:
        return [_decode(line) for line in file]


def recount(truths: Iterable[Truth], rules: Rules, feed: str, partitions: int) -> Recount:
    """What cells must hold once the feed is over and everything that nobody ended is given up.

    `partitions`: how many records a snapshot's marker becomes.
    """
    return _Recounting(rules, feed, partitions).of(truths)


class _Recounting:
    def __init__(self, rules: Rules, feed: str, partitions: int) -> None:
        self.rules, self.feed, self.partitions = rules, feed, partitions
        self.answer = Recount()
        self.hotline = ""

    def of(self, truths: Iterable[Truth]) -> Recount:
        calls: dict[str, list[TrueVisit]] = defaultdict(list)
        later: dict[str, list[Told]] = defaultdict(list)
        sources: list[TrueSource] = []
        agents: list[TrueAgent] = []
        for truth in truths:
            match truth:
                case TrueVisit():
                    self.hotline = truth.hotline
                    calls[truth.call].append(truth)
                case TrueApart():
                    self._apart(truth)
                case TrueAgent():
                    self.hotline = truth.hotline
                    agents.append(truth)
                case TrueSource():
                    sources.append(truth)
            for call, told in _later(truth):
                later[call].append(told)
        for call, visits in calls.items():
            self._call(visits, sorted(later[call]))
        for agent in agents:
            self._agent(agent)
        self._sources(sources, agents)
        return self.answer

    def _call(self, visits: list[TrueVisit], later: list[Told]) -> None:
        visits.sort(key=lambda visit: visit.queued_at)
        over = self._over_at(visits)
        remembered: list[Told] = []
        forgotten: list[Told] = []
        for told in later:
            if not forgotten and told.fact.time <= over + self.rules.lateness_ms:
                remembered.append(told)
                over = max(over, told.fact.time)
            else:
                forgotten.append(told)
        category = next((told.category for told in reversed(remembered) if told.category), "")
        its = {visit.queue: self._told_of(visit, category) for visit in visits}
        hotline = visits[0].hotline
        counted = [self._visit(visit) for visit in visits]
        for true, visit in zip(visits, counted, strict=True):
            self._add_visit(visit, hotline, its[true.queue])
        for name, of_call in OF_CALLS.items():
            for count in of_call(counted):
                self._add(name, count, hotline, "hotline", ())
        for told in remembered:
            self._add_later(told.fact, hotline, its.get(told.fact.queue, {}))
        for group in self._together(forgotten):
            category = next((told.category for told in reversed(group) if told.category), "")
            for told in group:
                bare = {"queue": told.fact.queue, "source": visits[0].source, "category": category}
                self._add_later(told.fact, hotline, bare)

    def _together(self, forgotten: list[Told]) -> Iterator[list[Told]]:
        """Facts that find one another remembered, though their call is not."""
        group: list[Told] = []
        for told in forgotten:
            if group and told.fact.time > group[-1].fact.time + self.rules.lateness_ms:
                yield group
                group = []
            group.append(told)
        if group:
            yield group

    def _over_at(self, visits: list[TrueVisit]) -> int:
        """When the call was over for whoever reads its events, later facts apart."""
        if visits[-1].callback_completed_at is None:
            last = visits[-1].told_until
        else:
            last = max(at for v in visits for at in (v.queued_at, v.ended_at, v.wrapped_at) if at is not None)
        lost = visits[-1].lost
        return (
            last
            + {"": 0, "menu": 0, "waiting": self.rules.lost_waiting_ms, "talking": self.rules.lost_talking_ms}[lost]
        )

    def _visit(self, true: TrueVisit) -> Visit:
        visit = Visit(true.queue, true.entry, true.outcome, true.arrived_at, true.queued_at)
        visit.transferred_in, visit.flowed_in = true.transferred_in, true.flowed_in
        if true.outcome in FLAGS:
            return visit
        if true.lost == "waiting":
            visit.outcome, visit.left_at = "lost_track", true.told_until + self.rules.lost_waiting_ms
            return visit
        visit.left_at = true.ended_at if true.answered_at is None else true.answered_at
        visit.wait_ms, visit.lost_talking = true.wait_ms, true.lost == "talking"
        if not visit.lost_talking:
            visit.talk_ms, visit.hold_ms, visit.acw_ms = true.talk_ms, true.hold_ms, true.acw_ms
            visit.transferred_out = true.transferred_out
        return visit

    def _apart(self, true: TrueApart) -> None:
        visit = Visit("", 1, true.outcome, true.arrived_at)
        if true.lost and true.outcome not in FLAGS:
            visit.outcome = "lost_track"
        self._add_visit(visit, true.hotline, self._told_of(true, ""))

    @staticmethod
    def _told_of(true: TrueVisit | TrueApart, category: str) -> dict[str, str]:
        told = {name: value for name, value in msgspec.structs.asdict(true).items() if isinstance(value, str)}
        return told | ({"category": category} if category else {})

    def _add_visit(self, visit: Visit, hotline: str, told: dict[str, str]) -> None:
        """Count a visit, or a call that is none, in every dimension set."""
        counts: list[tuple[str, Count]] = []
        if visit.queued_at is None or visit.outcome in FLAGS:
            for name, apart in OF_CALLS_APART.items():
                counts += [(name, count) for count in apart(visit, visit.arrived_at or 0)]
        else:
            promise = self.rules.promise(hotline, visit.queue)
            for name, counter in OF_VISITS.items():
                counts += [(name, count) for count in counter(visit, promise, FOREVER)]
        self._add_everywhere(counts, hotline, told)

    def _add_later(self, fact: Fact, hotline: str, told: dict[str, str]) -> None:
        for name, counter in OF_LATER.items():
            self._add_everywhere([(name, count) for count in counter(fact)], hotline, told)

    def _agent(self, true: TrueAgent) -> None:
        """An interval of an agent's state: cut at every minute, in each queue served and once where none is told."""
        assert true.until is not None, "the log ends before its agents logged out"
        counts = [("ring_no_answer", Count(true.since))] if true.state == "ring_no_answer" else []
        if true.state in TIMED:
            for begin in range(true.since - true.since % MINUTE_MS, true.until, MINUTE_MS):
                since = max(begin, true.since)
                counts.append((f"agent_{true.state}_ms", Count(since, min(begin + MINUTE_MS, true.until) - since)))
        queues = (true.queue,) if true.queue else true.skills
        for dimension_set, parts in self.rules.sets.items():
            columns = {dimension for dimension, _ in parts}
            if columns <= OF_AGENTS:
                for queue in queues if "queue" in columns else [""]:
                    values = _values({"queue": queue, "centre": true.centre, "source": true.source}, parts)
                    for name, count in counts:
                        self._add(name, count, true.hotline, dimension_set, values)

    def _sources(self, sources: list[TrueSource], agents: list[TrueAgent]) -> None:
        """Records by source. Each opens with a snapshot."""
        begins = {true.source: true.minute for true in sorted(sources, key=lambda true: -true.minute)}
        for true in sources:
            opening = true.minute == begins[true.source] and bool(agents)
            events, repeats = true.events, true.copies
            if opening:
                events += MARKERS_OF_A_SNAPSHOT * (self.partitions - 1)
            values: Values = (("source", true.source),)
            for name, amount in (("events", events), ("heartbeats", true.heartbeats), ("repeats", repeats)):
                if amount:
                    self._add(name, Count(true.minute, amount), self.hotline, "source", values)
            if events:
                self.answer.heard[true.minute].add(true.source)

    def _add_everywhere(self, counts: list[tuple[str, Count]], hotline: str, told: dict[str, str]) -> None:
        for dimension_set, parts in self.rules.sets.items():
            values = _values(told, parts)
            for name, count in counts:
                self._add(name, count, hotline, dimension_set, values)

    def _add(self, name: str, count: Count, hotline: str, dimension_set: str, values: Values) -> None:
        key = CellKey(self.feed, 0, hotline, dimension_set, values, count.at - count.at % MINUTE_MS)
        cell = self.answer.cells.setdefault(key, {})
        counter = name if count.number is None else f"{name}.{count.number}"
        cell[counter] = cell.get(counter, 0) + count.amount


def _later(truth: Truth) -> Iterator[tuple[str, Told]]:
    """What came after a visit: its call, and what."""
    match truth:
        case TrueVisit(callback_completed_at=int(at)):
            yield truth.call, _told(at, "callback_completed", truth.queue)
        case TrueRating():
            yield truth.call, _told(truth.at, "rated", truth.queue, truth.rating)
        case TrueReclassification():
            yield truth.call, Told(_told(truth.at, "reclassified").fact, truth.category)


def _told(at: int, type_: str, queue: str = "", stated: int = -1) -> Told:
    return Told(Fact(at, type_, queue, 0, stated, -1, ""))


def _values(told: dict[str, str], parts: tuple[tuple[str, int], ...]) -> Values:
    rolled = ((dimension, rolled_up(dimension, told.get(dimension, ""), level)) for dimension, level in parts)
    return tuple(sorted((dimension, value) for dimension, value in rolled if value))
