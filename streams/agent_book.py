"""The agents of one feed in one partition, packed so that a checkpoint writes only what changed.

What is known of each agent, without the states told, is one part: the heads. The states are thousands for each agent,
most of them hours old. They lie in shelves of two minutes each, by their own time, and one in which nothing changed is
not packed again.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping

import msgspec

from streams.agents import Agent, AgentFact, AgentFacts, What, once
from streams.contract.cells import MINUTE_MS

SHELF_MS = 2 * MINUTE_MS
_HEADS = "heads"
_FORMER = "0"
"""The one part of state formats 1 and 2: agents with all their facts."""
_NOT_PACKED = b""


class _Head(msgspec.Struct, array_like=True):
    """An agent; `facts`: those whose shelf was let go of."""

    hotline: str
    centre: str
    source: str
    last_at: int
    described_at: int
    gone_at: int
    counted_from: int
    facts: list[AgentFact]

    def agent(self) -> Agent:
        """The agent, without facts."""
        return Agent(
            self.hotline,
            self.centre,
            self.source,
            AgentFacts(),
            self.last_at,
            self.described_at,
            self.gone_at,
            self.counted_from,
        )


class _Heads(msgspec.Struct, array_like=True):
    """All agents. `let_go_to`: shelves before that time (ms) were let go of."""

    let_go_to: int
    agents: dict[str, _Head]


class _Shelf(msgspec.Struct, array_like=True):
    """The states told in two minutes: agent -> (times in ms since they began, indexes into `whats`)."""

    whats: list[What]
    told: dict[str, tuple[list[int], list[int]]]


class _Former(_Head, array_like=False):
    """An agent as it was packed before, with all its facts."""


_encode = msgspec.msgpack.Encoder().encode
_decode_heads = msgspec.msgpack.Decoder(_Heads).decode
_decode_shelf = msgspec.msgpack.Decoder(_Shelf).decode
_decode_former = msgspec.msgpack.Decoder(dict[str, _Former]).decode


class AgentBook:
    """`agents` by id. Whoever tells one of them a fact calls `told`, so that its shelf is packed anew."""

    def __init__(self, agents: Mapping[str, Agent] | None = None) -> None:
        self.agents: dict[str, Agent] = dict(agents or {})
        self._packed: dict[int, bytes] = {}
        self._let_go_to = 0
        for agent in self.agents.values():
            self._touch(agent.facts.times)

    def told(self, time: int) -> None:
        """A fact of that time (ms) was taken in."""
        self._packed[time // SHELF_MS] = _NOT_PACKED

    def drop(self, number: str) -> None:
        """Forget an agent."""
        self._touch(self.agents.pop(number).facts.times)

    def let_go(self, floor: int) -> None:
        """Facts before `floor` (ms) are settled: drop their shelves. The few that agents still keep go with their heads."""
        begin = floor - floor % SHELF_MS
        if begin > self._let_go_to:
            self._let_go_to = begin
            for number in [number for number in self._packed if number * SHELF_MS < begin]:
                del self._packed[number]

    def clear(self) -> None:
        """Forget all agents."""
        self.agents.clear()
        self._packed.clear()

    def load(self, parts: Mapping[str, bytes]) -> None:
        """Take in a snapshot."""
        if _HEADS not in parts:
            if _FORMER in parts:
                self._load_former(parts[_FORMER])
            return
        heads = _decode_heads(parts[_HEADS])
        self._let_go_to = heads.let_go_to
        self.agents.update((number, head.agent()) for number, head in heads.agents.items())
        for shelf in sorted(int(name) for name in parts if name != _HEADS):
            self._packed[shelf] = parts[str(shelf)]
            self._unpack(shelf)
        for number, head in heads.agents.items():
            agent = self.agents[number]
            agent.facts.insert(*head.facts)
            agent.drop_settled()

    def parts(self) -> dict[str, bytes]:
        """All agents, packed: a part in which nothing changed is the same object as before."""
        if not self.agents:
            self._packed.clear()
            return {}
        for shelf in [shelf for shelf, packed in self._packed.items() if not packed]:
            its = self._pack(shelf)
            if its.told:
                self._packed[shelf] = _encode(its)
            else:
                del self._packed[shelf]
        heads = _Heads(self._let_go_to, {number: self._head(agent) for number, agent in self.agents.items()})
        return {_HEADS: _encode(heads)} | {str(shelf): packed for shelf, packed in self._packed.items()}

    def _load_former(self, packed: bytes) -> None:
        for number, its in _decode_former(packed).items():
            agent = self.agents[number] = its.agent()
            agent.facts.insert(*its.facts)
            self._touch(agent.facts.times)

    def _touch(self, times: Iterable[int]) -> None:
        for time in times:
            self.told(time)

    def _head(self, agent: Agent) -> _Head:
        facts, beside = agent.facts, []
        if facts.times[0] < self._let_go_to:
            settled = range(bisect_left(facts.times, self._let_go_to))
            beside = [facts[at] for at in settled if facts.times[at] // SHELF_MS not in self._packed]
        return _Head(
            agent.hotline,
            agent.centre,
            agent.source,
            agent.last_at,
            agent.described_at,
            agent.gone_at,
            agent.counted_from,
            beside,
        )

    def _pack(self, shelf: int) -> _Shelf:
        begin = shelf * SHELF_MS
        places: dict[What, int] = {}
        told: dict[str, tuple[list[int], list[int]]] = {}
        for number, agent in self.agents.items():
            if agent.last_at < begin:
                continue
            times, whats = agent.facts.times, agent.facts.whats
            first = bisect_left(times, begin)
            last = bisect_left(times, begin + SHELF_MS, first)
            if first < last:
                its = [places.setdefault(what, len(places)) for what in whats[first:last]]
                told[number] = [time - begin for time in times[first:last]], its
        return _Shelf(list(places), told)

    def _unpack(self, shelf: int) -> None:
        """Append a shelf's facts to its agents, so the oldest shelf comes first; some agents may be forgotten since."""
        begin = shelf * SHELF_MS
        its = _decode_shelf(self._packed[shelf])
        whats = [once(what) for what in its.whats]
        for number, (times, places) in its.told.items():
            if number in self.agents:
                facts = self.agents[number].facts
                facts.times.extend([begin + time for time in times])
                facts.whats.extend([whats[place] for place in places])
