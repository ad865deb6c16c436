"""An agent is a join of the states told: spells of time, what they add to cells, and the state now.

Like a call, an agent is a set of distinct facts; spells are a pure function of it, so repeats and reordering change
nothing.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple, get_args

import msgspec

from streams.cell_book import MINUTE_MS, Contribution
from streams.contract.events import AgentState
from streams.contribution import Rules
from streams.dimensions import Place

STATES: frozenset[str] = frozenset(get_args(AgentState))
AWAY = frozenset({"logged_out", ""})
"""States in which no time is counted."""
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

    `facts` are in order, each once. `gone_at`: its source told all its agents at that time without this one (0: never).
    """

    hotline: str = ""
    centre: str = ""
    source: str = ""
    facts: list[AgentFact] = msgspec.field(default_factory=list)
    last_at: int = 0
    described_at: int = 0
    gone_at: int = 0
    counted_from: int = 0

    def knows(self, fact: AgentFact) -> bool:
        """Whether the fact was taken in."""
        at = bisect_left(self.facts, fact)
        return at < len(self.facts) and self.facts[at] == fact

    def tell(self, fact: AgentFact) -> bool:
        """Take in a fact; whether it was new."""
        if self.knows(fact):
            return False
        insort(self.facts, fact)
        self.last_at = max(self.last_at, fact.time)
        return True

    def go_on(self, fact: AgentFact) -> None:
        """Take in a fact that is later than all others."""
        self.facts.append(fact)
        self.last_at = fact.time

    def works_at(self, hotline: str, centre: str, source: str) -> bool:
        """Whether nothing else is known of where the agent works; `""`: not told."""
        return hotline in {"", self.hotline} and centre in {"", self.centre} and source in {"", self.source}

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
        if len(self.facts) == 1 or self.facts[1].time >= floor:
            return
        last = bisect_left(self.facts, (floor,)) - 1
        skilled = next((at for at in range(last, -1, -1) if self.facts[at].skilled), last)
        if last > 0:
            self.facts[:last] = self.facts[skilled : skilled + 1] if skilled < last else []


def lost_at(agent: Agent, rules: Rules) -> int:
    """When nothing more can be said of the agent: nothing was told for too long, or its source no longer has it."""
    gone = agent.gone_at if agent.gone_at >= agent.last_at else agent.last_at + rules.lost_agent_ms
    return min(gone, agent.last_at + rules.lost_agent_ms)


def spells_of(agent: Agent, since: int = 0) -> Iterator[Spell]:
    """The spells that reach beyond `since` (ms), in order; of states told for one instant the greatest holds."""
    facts = agent.facts
    first = max(0, bisect_left(facts, (since,)) - 1)
    skills = next((facts[at].skills for at in range(first - 1, -1, -1) if facts[at].skilled), ())
    last = len(facts) - 1
    for at in range(first, last + 1):
        fact = facts[at]
        if fact.skilled:
            skills = fact.skills
        end = facts[at + 1].time if at < last else None
        if end is None or end > fact.time:
            yield Spell(fact.time, end, fact.state, fact.reason, (fact.queue,) if fact.queue else skills)


def contribution(agent: Agent, clock: int, rules: Rules, since: int = 0) -> Contribution:
    """What the agent adds to cells as of the last full minute of `clock` (ms): time by state and minute.

    Only minutes from `since` on, which lies on a minute's border.
    """
    cells: Contribution = {}
    lost = lost_at(agent, rules)
    full = clock - clock % MINUTE_MS
    since = max(since, agent.counted_from)
    for spell in spells_of(agent, since):
        if spell.state in AWAY:
            continue
        places = places_of(agent.hotline, agent.centre, agent.source, spell.queues)
        if spell.state == "ring_no_answer" and spell.start >= since:
            add_everywhere(cells, places, spell.start, "ring_no_answer", 1)
        end = spell.end
        if end is None:
            end = min(full, lost)
            if full >= lost >= since:
                add_everywhere(cells, places, lost, "agent_lost_track", 1)
        count_time(cells, places, spell.state, max(spell.start, since), end)
    return cells


def open_time(agent: Agent, last: Spell, since: int, full: int, lost: int) -> Contribution:
    """The part of `contribution` that time alone changes: what `last`, the spell that lasts, adds from `since` to `full`.

    Both are minutes' borders (ms); `lost`: see `lost_at`. What was told of states that are over counts at once.
    """
    cells: Contribution = {}
    if last.state not in AWAY:
        places = places_of(agent.hotline, agent.centre, agent.source, last.queues)
        count_time(cells, places, last.state, max(last.start, since), min(full, lost))
        if since < lost <= full:
            add_everywhere(cells, places, lost, "agent_lost_track", 1)
    return cells


def queues_of(agent: Agent, fact: AgentFact) -> tuple[str, ...]:
    """Where time in the state that a fact tells counts, if the fact is later than all others."""
    if fact.queue:
        return (fact.queue,)
    return fact.skills if fact.skilled else last_skills(agent)


def last_skills(agent: Agent) -> tuple[str, ...]:
    """The queues the agent serves as told last."""
    return next((fact.skills for fact in reversed(agent.facts) if fact.skilled), ())


def last_spell(agent: Agent) -> Spell:
    """The spell that lasts."""
    fact = agent.facts[-1]
    return Spell(fact.time, None, fact.state, fact.reason, queues_of(agent, fact))


def add_everywhere(cells: Contribution, places: tuple[Place, ...], time: int, name: str, number: int) -> None:
    """Add to a counter in the minute of `time` (ms), in all of the places."""
    minute = time - time % MINUTE_MS
    for place in places:
        counts = cells.setdefault((minute, place), {})
        counts[name] = counts.get(name, 0) + number


@lru_cache(maxsize=16_384)
def places_of(hotline: str, centre: str, source: str, queues: tuple[str, ...]) -> tuple[Place, ...]:
    """Where time of an agent counts who serves `queues`: once in all, and in each of them."""
    told = (centre, source)
    in_queues = (Place("agent_in_queue", hotline, (*told, queue)) for queue in dict.fromkeys(queues))
    return (Place("agent", hotline, told), *in_queues)


def count_time(cells: Contribution, places: tuple[Place, ...], state: str, start: int, end: int) -> None:
    """Time in a state from `start` to `end` (ms), split at minutes' borders."""
    while start < end:
        border = min(end, start - start % MINUTE_MS + MINUTE_MS)
        add_everywhere(cells, places, start, f"agent_{state}_ms", border - start)
        start = border


def now_of(agent: Agent, clock: int, rules: Rules) -> Spell | None:
    """The spell the agent is in as of `clock`; None if logged out, never told or lost."""
    if clock >= lost_at(agent, rules):
        return None
    spell = next(spells_of(agent, clock + 1), None)
    return spell if spell and spell.start <= clock and spell.state not in AWAY else None
