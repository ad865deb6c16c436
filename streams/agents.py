"""An agent is a join of the states told: spells of time, what they add to cells, and the state now.

Like a call, an agent is a set of distinct facts; spells are a pure function of it, so repeats and reordering change
nothing.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple, get_args

import msgspec

from streams.cell_book import Contribution
from streams.contract.cells import MINUTE_MS
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


What = tuple[str, str, str, bool, tuple[str, ...]]
"""A fact without its time: state, reason, queue, skilled, skills."""
_SKILLED: Final = 3
_SKILLS: Final = 4


@lru_cache(maxsize=65_536)
def once(what: What) -> What:
    """The same object for all that are equal: the same few are told again and again."""
    return what


class AgentFacts:
    """The states told of an agent, in order, each once.

    As two lists, `times` in ms and `whats` beside them, a state takes 16 bytes: there are thousands of each agent.
    """

    __slots__ = ("times", "whats")

    def __init__(self, facts: Iterable[AgentFact] = ()) -> None:
        self.times = array("q")
        self.whats: list[What] = []
        self.insert(*facts)

    def __len__(self) -> int:
        return len(self.times)

    def __getitem__(self, at: int) -> AgentFact:
        return AgentFact(self.times[at], *self.whats[at])

    def __contains__(self, fact: AgentFact) -> bool:
        at = self._place(fact)
        return at < len(self.times) and self[at] == fact

    def append(self, fact: AgentFact) -> None:
        """Take in a fact that is later than all others."""
        self.times.append(fact.time)
        self.whats.append(once(fact[1:]))

    def insert(self, *facts: AgentFact) -> None:
        """Take in facts that are not there."""
        for fact in facts:
            at = self._place(fact)
            self.times.insert(at, fact.time)
            self.whats.insert(at, once(fact[1:]))

    def keep_from(self, first: int, beside: int) -> None:
        """Drop the facts before index `first`, but for the one at index `beside`."""
        kept = slice(beside, beside + 1) if beside < first else slice(0)
        self.times[:first] = self.times[kept]
        self.whats[:first] = self.whats[kept]

    def _place(self, fact: AgentFact) -> int:
        """Where the fact is, or belongs."""
        at = bisect_left(self.times, fact.time)
        while at < len(self.times) and self.times[at] == fact.time and self.whats[at] < fact[1:]:
            at += 1
        return at


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
    facts: AgentFacts = msgspec.field(default_factory=AgentFacts)
    last_at: int = 0
    described_at: int = 0
    gone_at: int = 0
    counted_from: int = 0

    def tell(self, fact: AgentFact) -> None:
        """Take in a fact that is not there."""
        self.facts.insert(fact)
        self.last_at = max(self.last_at, fact.time)

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
        """Time before `floor` (ms) cannot change any more: let go of what only it rests on."""
        floor -= floor % MINUTE_MS
        if floor > self.counted_from:
            self.counted_from = floor
            self.drop_settled()

    def drop_settled(self) -> None:
        """Drop the facts before the last settled one, but for that which told the skills: only settled time rests on them."""
        times, whats = self.facts.times, self.facts.whats
        if len(times) < 2 or times[1] >= self.counted_from:
            return
        last = bisect_left(times, self.counted_from) - 1
        if last > 0:
            skilled = next((at for at in range(last, -1, -1) if whats[at][_SKILLED]), last)
            self.facts.keep_from(last, skilled)


def lost_at(agent: Agent, rules: Rules) -> int:
    """When the agent counts as lost (ms): nothing was told for too long, or its source no longer has it."""
    gone = agent.gone_at if agent.gone_at >= agent.last_at else agent.last_at + rules.lost_agent_ms
    return min(gone, agent.last_at + rules.lost_agent_ms)


def spells_of(agent: Agent, since: int = 0) -> Iterator[Spell]:
    """The spells that reach beyond `since` (ms), in order; of states told for one instant the greatest holds."""
    times, whats = agent.facts.times, agent.facts.whats
    first = max(0, bisect_left(times, since) - 1)
    skills = next((whats[at][_SKILLS] for at in range(first - 1, -1, -1) if whats[at][_SKILLED]), ())
    last = len(times) - 1
    for at in range(first, last + 1):
        state, reason, queue, skilled, its = whats[at]
        if skilled:
            skills = its
        start, end = times[at], times[at + 1] if at < last else None
        if end is None or end > start:
            yield Spell(start, end, state, reason, (queue,) if queue else skills)


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
    """The part of `contribution` that time alone changes: what the spell that goes on, `last`, adds from `since` to `full`.

    Both are minutes' borders (ms); `lost`: see `lost_at`. Spells that are over are counted when their end is told.
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
    return next((what[_SKILLS] for what in reversed(agent.facts.whats) if what[_SKILLED]), ())


def last_spell(agent: Agent) -> Spell:
    """The spell that goes on: that of the latest fact."""
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
