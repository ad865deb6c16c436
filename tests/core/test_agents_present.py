"""Agents by state are kept up as they change: at every instant the same as when all are looked at."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.runtime.settings import Settings
from streams.agent_book import AgentBook
from streams.agents import Agent, AgentFact, now_of
from streams.bundle import PartialAgents
from streams.cell_book import CellBook
from streams.processors import counting_rules
from streams.roster import Roster

T = 1_700_000_000_000 - 1_700_000_000_000 % 60_000
S = 1_000
LATENESS_MS = 120 * S
RULES = msgspec.structs.replace(counting_rules(Settings(demo=True)), lost_agent_ms=90 * S)
AGENTS = ("ann", "bob", "cleo")

instants = st.sampled_from([-40, -1, 0, 3, 20, 60])
"""Seconds from the clock: late, or ahead of it."""
facts = st.builds(
    AgentFact,
    time=instants,
    state=st.sampled_from(["available", "on_call", "break", "logged_out"]),
    reason=st.sampled_from(["", "lunch"]),
    queue=st.sampled_from(["", "water"]),
    skilled=st.booleans(),
    skills=st.sampled_from([(), ("water",), ("water", "roads")]),
)
told = st.tuples(st.just("tell"), st.sampled_from(AGENTS), facts, st.sampled_from(["h", "g", ""]))
lost = st.tuples(st.just("lose"), instants, st.sets(st.sampled_from(AGENTS)))
passed = st.sampled_from([None, 0, 1, 7 * S, 61 * S, 95 * S, 400 * S])
"""ms until all is settled after a step; None: it is not."""
restarted = st.tuples(st.just("restart"))
ended = st.tuples(st.just("clear"))


def remembered(agents: dict[str, Agent]) -> dict[str, tuple[Any, list[AgentFact]]]:
    """What each agent is, and the facts of each."""
    return {
        number: ({**msgspec.structs.asdict(agent), "facts": None}, list(agent.facts))
        for number, agent in agents.items()
    }


class Watched:
    """A roster under a clock, and the walk that its counts are compared with."""

    def __init__(self) -> None:
        self.clock = T
        self.roster = Roster(AgentBook(), CellBook(), RULES, LATENESS_MS, T)

    def tell(self, agent: str, fact: AgentFact, hotline: str) -> None:
        """`fact.time`: seconds from the clock."""
        self.roster.remembered(agent, self.clock)
        self.roster.tell(agent, fact._replace(time=self.clock + fact.time * S), hotline, "north", "pbx")

    def lose(self, at: int, named: set[str]) -> None:
        self.roster.lose("pbx", self.clock + at * S, named)

    def settle(self, later: int) -> None:
        self.clock += later
        self.roster.settle(self.clock)

    def restart(self) -> None:
        """Go on from what is packed, as of the last checkpoint: one follows what was told."""
        self.roster.settle(self.clock)
        book = AgentBook()
        book.load(self.roster.parts())
        assert remembered(book.agents) == remembered(self.roster.agents)
        self.roster = Roster(book, CellBook(), RULES, LATENESS_MS, self.clock)

    def clear(self) -> None:
        self.roster.clear()

    def walk(self) -> list[PartialAgents]:
        """Everybody, looked at now."""
        found: dict[tuple[str, str], PartialAgents] = {}
        for agent in self.roster.agents.values():
            spell = now_of(agent, self.clock, RULES)
            if spell is None:
                continue
            for queue in {"", *spell.queues}:
                share = found.setdefault((agent.hotline, queue), PartialAgents(agent.hotline, queue, {}, {}))
                share.states[spell.state] = share.states.get(spell.state, 0) + 1
                if spell.state == "break":
                    share.breaks[spell.reason] = share.breaks.get(spell.reason, 0) + 1
        return [found[key] for key in sorted(found)]


@given(st.lists(st.tuples(st.one_of(told, told, told, lost, restarted, ended), passed), max_size=40))
@settings(max_examples=120, deadline=None)
def test_what_is_kept_up_is_what_a_walk_over_all_agents_finds(steps: list[Any]) -> None:
    watched = Watched()
    for (name, *said), later in steps:
        getattr(watched, name)(*said)
        if later is not None:
            watched.settle(later)
            assert watched.roster.states() == watched.walk()
    watched.settle(0)
    assert watched.roster.states() == watched.walk()


def test_what_was_told_before_is_left_as_it_was_and_nothing_new_is_the_same_list() -> None:
    watched = Watched()
    watched.tell("ann", AgentFact(0, "available", skilled=True, skills=("water",)), "h")
    watched.settle(0)
    first = watched.roster.states()
    watched.settle(S)
    assert watched.roster.states() is first
    watched.tell("ann", AgentFact(0, "break", "lunch"), "h")
    watched.settle(S)
    assert watched.roster.states() != first
    assert first == [PartialAgents("h", queue, {"available": 1}, {}) for queue in ("", "water")]


def test_a_state_told_ahead_counts_when_it_begins_and_a_lost_agent_does_not_any_more() -> None:
    watched = Watched()
    watched.tell("ann", AgentFact(20, "available"), "h")
    watched.settle(19 * S)
    assert watched.roster.states() == []
    watched.settle(S)
    assert [share.states for share in watched.roster.states()] == [{"available": 1}]
    watched.settle(RULES.lost_agent_ms - 1)
    assert [share.states for share in watched.roster.states()] == [{"available": 1}]
    watched.settle(1)
    assert watched.roster.states() == []
