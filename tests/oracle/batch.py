"""Every visit, counter and dead letter of a log, computed at once: the truth that the engine is held to.

No state, no increments, no checkpoints: each call and agent is worked out from the whole list of what was told of it.
What is late, in the future or a repeat follows from the records' own times. Definitions: `streams.contract`.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from oracle.agents import Agent, counts_of
from oracle.calls import Call, Rules, rows_of
from oracle.counters import FLAGS, OF_CALLS, OF_CALLS_APART, OF_LATER, OF_VISITS, Count
from oracle.reading import Input, Refused, Told, read
from oracle.visits import LIFE, Visit, visit_of

MINUTE_MS = 60_000
MOST_FACTS = 400
DIVISION_DIGITS = (2, 4, 6, 9, 12)
"""Of a division code (GB/T 2260, GB/T 10114): province, prefecture, county, township, village."""

Values = tuple[tuple[str, str], ...]


class CellKey(NamedTuple):
    """One base cell; `values`: (dimension, value) of those that are not empty."""

    feed: str
    generation: int
    hotline: str
    dimension_set: str
    values: Values
    minute: int


@dataclass
class Answer:
    """What a log amounts to: visits (and later facts) by (feed, generation, id), cells, and dead letters by position."""

    visits: dict[tuple[str, int, str], dict[str, Any]] = field(default_factory=dict)
    cells: dict[CellKey, dict[str, int]] = field(default_factory=dict)
    letters: dict[tuple[int, int], dict[str, Any]] = field(default_factory=dict)

    def letter(self, record: Input, reason: str, **known: Any) -> None:
        letter = {"reason": reason, "append_time": record.appended} | known
        self.letters[record.partition, record.offset] = {k: v for k, v in letter.items() if v != ""}


def compute(records: Iterable[Input], rules: Rules, now: int) -> Answer:
    """The answer to a log whose partition clocks (`live`) have all reached `now` (ms)."""
    answer = Answer()
    logs: dict[tuple[int, str, int], list[tuple[Input, Told]]] = defaultdict(list)
    present: dict[tuple[int, str], int] = defaultdict(int)
    for record in sorted(records, key=lambda record: (record.partition, record.offset)):
        told = read(record, rules.future_ms, rules.keep_fields)
        if isinstance(told, Refused):
            answer.letter(record, told.reason)
            continue
        feed, generation = told.event.feed, 0 if told.event.feed == "live" else told.event.generation
        present[record.partition, feed] = max(present[record.partition, feed], generation)
        if generation == present[record.partition, feed]:  # one of a lower generation came too late to matter
            logs[record.partition, feed, generation].append((record, told))
    highest: dict[str, int] = {}
    for _, feed, generation in logs:
        highest[feed] = max(highest.get(feed, 0), generation)
    for (_, feed, generation), log in logs.items():
        _Log(answer, feed, generation, rules).read(log, now)
    answer.visits = {key: row for key, row in answer.visits.items() if key[1] == highest[key[0]]}
    answer.cells = {key: it for key, it in answer.cells.items() if it and key.generation == highest[key.feed]}
    return answer


class _Log:
    """One feed in one partition, read in its order, then counted.

    `live` is judged by append times; any other feed by the highest event time read so far.
    """

    def __init__(self, answer: Answer, feed: str, generation: int, rules: Rules) -> None:
        self.answer, self.feed, self.generation, self.rules = answer, feed, generation, rules
        self.calls: dict[str, Call] = {}
        self.forgotten: list[tuple[str, Call]] = []
        self.agents: dict[str, Agent] = {}
        self.gone: list[Agent] = []
        self.heartbeats: dict[str, int] = {}
        self.snapshots: dict[str, tuple[int, set[str], set[str]]] = {}
        self.clock = 0
        self.ended = False

    def read(self, log: list[tuple[Input, Told]], now: int) -> None:
        for record, told in log:
            if told.event.type in {"feed_begin", "feed_end"}:
                self.ended = self.ended or (told.event.type == "feed_end" and self.feed != "live")
                continue
            self.clock = max(self.clock, told.time)
            reference = record.appended if self.feed == "live" else self.clock
            if self.ended or reference - told.time > self.rules.lateness_ms:
                event = told.event
                at = {"hotline": event.hotline, "type": event.type, "event_time": told.time}
                self.answer.letter(record, "late", feed=self.feed, **at)
                continue
            new = self._take(told, reference)
            if new is None:
                self.answer.letter(record, "too_large")
            else:
                self._count_record(told, new)
        clock = now if self.feed == "live" else self.clock
        for agent in self.gone:
            self._count_agent(agent, agent.lost_at(self.rules.lost_agent_ms) + MINUTE_MS)
        for agent in self.agents.values():
            self._count_agent(agent, clock)
        if self.ended:
            clock += max(self.rules.lost_waiting_ms, self.rules.lost_talking_ms)
        for call_id, call in self.forgotten:
            self._count_call(call_id, call, call.over_at(self.rules))
        for call_id, call in self.calls.items():
            self._count_call(call_id, call, clock)

    def _take(self, told: Told, reference: int) -> bool | None:
        """Take in an event; whether it told anything new, None if it cannot be taken."""
        event = told.event
        if event.type in LIFE:
            return self._call(told, reference)
        if event.type == "heartbeat":
            before = self.heartbeats.get(event.source, 0)
            self.heartbeats[event.source] = max(before, told.time)
            return told.time > before
        if event.type == "snapshot_begin":
            if event.source in self.snapshots and told.time <= self.snapshots[event.source][0]:
                return False
            self.snapshots[event.source] = told.time, set(), set()
            return True
        if event.type == "snapshot_end":
            return self._end_of_snapshot(told)
        return self._named(told, reference)

    def _named(self, told: Told, reference: int) -> bool | None:
        """A snapshot names a call or an agent, or an agent tells a state."""
        event = told.event
        named = self.snapshots.get(event.source)
        if event.type == "agent_state" or not event.call:
            if named and event.type == "snapshot":
                named[2].add(event.agent)
            agent = self._agent(event.agent, reference)
            return agent.take(event, told.time, self.rules.default_hotline)
        if named:
            named[1].add(event.call)
        return self._open_call(told, reference)

    def _remembered(self, call_id: str, reference: int) -> Call | None:
        call = self.calls.get(call_id)
        if call and reference > call.over_at(self.rules) + self.rules.lateness_ms:
            self.forgotten.append((call_id, self.calls.pop(call_id)))
            return None
        return call

    def _agent(self, number: str, reference: int) -> Agent:
        """The agent; one given up longer ago than the lateness comes anew."""
        agent = self.agents.get(number)
        if agent and reference > agent.lost_at(self.rules.lost_agent_ms) + self.rules.lateness_ms:
            self.gone.append(self.agents.pop(number))
        return self.agents.setdefault(number, Agent())

    def _call(self, told: Told, reference: int) -> bool | None:
        call_id = told.event.call
        call = self._remembered(call_id, reference) or self.calls.setdefault(call_id, Call())
        return None if len(call.facts) >= MOST_FACTS else call.take(told, self.rules)

    def _open_call(self, told: Told, reference: int) -> bool | None:
        """A snapshot names a call: it was open then; one that nothing was told of is taken in as far as it is told."""
        event = told.event
        call = self._remembered(event.call, reference)
        if call:
            later = told.time > call.last_at()
            call.seen_at = max(call.seen_at, told.time)
            return later
        if not event.queue:
            return False
        queued = msgspec.structs.replace(event, type="queued", wait_ms=None)
        begin = told.time - (event.wait_ms or 0) - (event.talk_ms or 0)
        new = self._call(Told(queued, begin, set(), told.extra), reference)
        if event.talk_ms is not None:
            answered = msgspec.structs.replace(event, type="answered")
            new = self._call(Told(answered, told.time - event.talk_ms, set(), told.extra), reference)
        return new

    def _end_of_snapshot(self, told: Told) -> bool:
        """Open calls and agents of the source that its snapshot did not name are gone."""
        source = told.event.source
        if source not in self.snapshots or told.time < self.snapshots[source][0]:
            return False
        begin, calls, agents = self.snapshots.pop(source)
        for call_id, call in self.calls.items():
            open_ = any(v.queued_at is not None and call.lost_at(v, self.rules) is not None for v in call.visits())
            its = call.attribute("source") == source and call.gone_at < call.last_at() <= begin
            if open_ and its and call_id not in calls:
                call.gone_at = begin
        for number, agent in self.agents.items():
            if agent.place[1][2] == source and number not in agents and agent.gone_at < agent.last_at() <= begin:
                agent.gone_at = begin
        return True

    def _add(self, name: str, count: Count, hotline: str, dimension_set: str, values: Values) -> None:
        minute = count.at - count.at % MINUTE_MS
        key = CellKey(self.feed, self.generation, hotline, dimension_set, values, minute)
        cell = self.answer.cells.setdefault(key, {})
        counter = name if count.number is None else f"{name}.{count.number}"
        cell[counter] = cell.get(counter, 0) + count.amount

    def _count_record(self, told: Told, new: bool) -> None:
        event = told.event
        heartbeat = event.type == "heartbeat"
        hotline = event.hotline if heartbeat else event.hotline or self.rules.default_hotline
        values = (("source", event.source),) if event.source else ()
        for name, counts in (
            ("events", True),
            ("heartbeats", heartbeat),
            ("repeats", not new and event.type != "snapshot"),
        ):
            if counts:
                self._add(name, Count(told.time), hotline, "source", values)

    def _count_agent(self, agent: Agent, clock: int) -> None:
        hotline, centre, source = agent.place[1]
        for dimension_set, parts in self.rules.sets.items():
            columns = {dimension for dimension, _ in parts}
            if not columns <= {"queue", "centre", "source"}:
                continue
            for spell, name, count in counts_of(agent, clock, self.rules.lost_agent_ms):
                for queue in dict.fromkeys(spell.queues) if "queue" in columns else [""]:
                    told = {"queue": queue, "centre": centre, "source": source}
                    self._add(name, count, hotline, dimension_set, _values(told, parts))

    def _count_call(self, call_id: str, call: Call, clock: int) -> None:
        """Add a call to the answer, as it stands at `clock`."""
        visits = call.visits_at(clock, self.rules)
        for number, row in rows_of(call, call_id, visits).items():
            self.answer.visits[self.feed, self.generation, number] = row
        begin = min(fact.time for fact in call.facts)
        later = [(fact, visit_of(fact, visits)) for fact in call.later()]
        for dimension_set, parts in self.rules.sets.items():
            for visit in visits:
                values = self._values_of(call, visit.queue, parts)
                for name, count in self._counts_of(visit, call.hotline, begin, clock):
                    self._add(name, count, call.hotline, dimension_set, values)
            for fact, its in later:
                values = self._values_of(call, its.queue if its else fact.queue, parts)
                for name, of_later in OF_LATER.items():
                    for count in of_later(fact):
                        self._add(name, count, call.hotline, dimension_set, values)
        for name, of_call in OF_CALLS.items():
            for count in of_call(visits):
                self._add(name, count, call.hotline, "hotline", ())

    def _counts_of(self, visit: Visit, hotline: str, begin: int, clock: int) -> Iterable[tuple[str, Count]]:
        """What a visit, or a call that is none, adds: (counter, count)."""
        if visit.queued_at is None or visit.outcome in FLAGS:
            for name, apart in OF_CALLS_APART.items():
                yield from ((name, count) for count in apart(visit, begin))
            return
        promise = self.rules.promise(hotline, visit.queue)
        for name, counter in OF_VISITS.items():
            yield from ((name, count) for count in counter(visit, promise, clock))

    def _values_of(self, call: Call, queue: str, parts: tuple[tuple[str, int], ...]) -> Values:
        told = {name: queue if name == "queue" else call.attribute(name, queue) for name, _ in parts}
        return _values(told, parts)


def _values(told: dict[str, str], parts: tuple[tuple[str, int], ...]) -> Values:
    """The values of a dimension set, rolled up to its levels."""
    values = ((dimension, rolled_up(dimension, told[dimension], level)) for dimension, level in parts)
    return tuple(sorted((dimension, value) for dimension, value in values if value))


def rolled_up(dimension: str, value: str, level: int) -> str:
    """A path (`water/leak`) or a division code (`110105`, county) at a level; 0: as told."""
    if not level:
        return value
    if dimension == "district" and value.isdecimal() and len(value) in DIVISION_DIGITS[2:]:
        digits = DIVISION_DIGITS[level - 1]
        return value if digits >= len(value) else value[:digits] + "0" * (6 - digits)
    return "/".join(value.split("/")[:level])
