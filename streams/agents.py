"""An agent is a join of the states told: spells of time, what they add to cells, and the state now.

Like a call, an agent is a set of distinct facts; spells are a pure function of it, so repeats and reordering change
nothing.
"""

from itertools import pairwise
from typing import NamedTuple, get_args

import msgspec

from streams.cell_book import MINUTE_MS, Contribution, Minutes
from streams.contract.cells import Counts, add_counts
from streams.contract.events import AgentState
from streams.contribution import Rules
from streams.dimensions import Place

STATES: frozenset[str] = frozenset(get_args(AgentState))
_AWAY = frozenset({"logged_out", ""})
MAX_FACTS = 2_000


class AgentFact(NamedTuple):
    """One state told of an agent. `queue`: whose call it is about. `skilled`: whether `skills` were told with it."""

    time: int
    state: str
    reason: str = ""
    queue: str = ""
    skilled: bool = False
    skills: tuple[str, ...] = ()


class Spell(NamedTuple):
    """Time in one state, ms; `end` None: it lasts. `queues`: where it counts."""

    start: int
    end: int | None
    state: str
    reason: str
    queues: tuple[str, ...]


class Agent(msgspec.Struct):
    """What is remembered of an agent. Time before `counted_from` (ms, on a minute border) is settled in the cells.

    `gone_at`: its source told all its agents at that time without this one (0: never).
    """

    hotline: str = ""
    centre: str = ""
    source: str = ""
    facts: set[AgentFact] = msgspec.field(default_factory=set)
    last_at: int = 0
    described_at: int = 0
    gone_at: int = 0
    counted_from: int = 0

    def tell(self, fact: AgentFact) -> bool:
        """Take in a fact; whether it was new."""
        before = len(self.facts)
        self.facts.add(fact)
        self.last_at = max(self.last_at, fact.time)
        return len(self.facts) != before

    def describe(self, time: int, hotline: str, centre: str, source: str) -> bool:
        """Where the agent works, as told last; whether that changed anything."""
        told = (hotline or self.hotline, centre or self.centre, source or self.source)
        known = (self.hotline, self.centre, self.source)
        if told == known or (time, told) < (self.described_at, known):
            return False
        self.described_at = time
        self.hotline, self.centre, self.source = told
        return True

    def settle_before(self, floor: int) -> None:
        """Time before `floor` cannot change any more: drop the facts that no later time rests on."""
        floor -= floor % MINUTE_MS
        if floor <= self.counted_from:
            return
        self.counted_from = floor
        old = sorted(fact for fact in self.facts if fact.time < floor)
        skilled = [fact for fact in old if fact.skilled]
        self.facts.difference_update(set(old) - {*old[-1:], *skilled[-1:]})


def lost_at(agent: Agent, rules: Rules) -> int:
    """When nothing more can be said of the agent: nothing was told for too long, or its source no longer has it."""
    gone = agent.gone_at if agent.gone_at >= agent.last_at else agent.last_at + rules.lost_agent_ms
    return min(gone, agent.last_at + rules.lost_agent_ms)


def spells_of(agent: Agent) -> list[Spell]:
    """The spells in order of time; of states told for one instant the greatest holds."""
    spells: list[Spell] = []
    skills: tuple[str, ...] = ()
    ordered = sorted(agent.facts)
    for fact, after in pairwise([*ordered, None]):
        if fact is None:
            break
        if fact.skilled:
            skills = fact.skills
        if after is None or after.time > fact.time:
            queues = (fact.queue,) if fact.queue else skills
            spells.append(Spell(fact.time, after.time if after else None, fact.state, fact.reason, queues))
    return spells


def contribution(agent: Agent, clock: int, rules: Rules) -> Contribution:
    """What the agent adds to cells as of the last full minute of `clock` (ms): time by state and minute."""
    cells: Contribution = {}
    lost = lost_at(agent, rules)
    full = clock - clock % MINUTE_MS

    def add(spell: Spell, time: int, counts: Counts) -> None:
        told = (agent.centre, agent.source)
        places = [Place("agent", agent.hotline, told)]
        places += [Place("agent_in_queue", agent.hotline, (*told, queue)) for queue in dict.fromkeys(spell.queues)]
        for place in places:
            add_counts(cells.setdefault(place, Minutes()).at(time), counts)

    for spell in spells_of(agent):
        if spell.state == "ring_no_answer" and spell.start >= agent.counted_from:
            add(spell, spell.start, {"ring_no_answer": 1})
        if spell.state in _AWAY:
            continue
        end = spell.end
        if end is None:
            end = min(full, lost)
            if full >= lost >= agent.counted_from:
                add(spell, lost, {"agent_lost_track": 1})
        start = max(spell.start, agent.counted_from)
        while start < end:
            border = min(end, start - start % MINUTE_MS + MINUTE_MS)
            add(spell, start, {f"agent_{spell.state}_ms": border - start})
            start = border
    return cells


def now_of(agent: Agent, clock: int, rules: Rules) -> Spell | None:
    """The spell the agent is in as of `clock`; None if logged out, never told or lost."""
    if clock >= lost_at(agent, rules):
        return None
    spell = next((spell for spell in reversed(spells_of(agent)) if spell.start <= clock), None)
    return spell if spell and spell.state not in _AWAY else None
