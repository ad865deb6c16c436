"""What the roster adds up fact by fact is what a batch finds from all of them, however far behind the facts are."""

from hypothesis import given
from hypothesis import strategies as st

from deploy.runtime.settings import Settings
from streams.agent_book import AgentBook
from streams.agents import Agent, AgentFact, AgentFacts, contribution
from streams.cell_book import CellBook, Contribution
from streams.contract.cells import MINUTE_MS
from streams.processors import counting_rules
from streams.roster import Roster

T = 1_700_000_000_000 - 1_700_000_000_000 % MINUTE_MS
RULES = counting_rules(Settings(demo=True))
LOST = RULES.lost_agent_ms
TOLD = ("h", "north", "pbx")

states = st.sampled_from(["available", "on_call", "ring_no_answer", "break", "logged_out", ""])
times = st.integers(0, 12).map(lambda half: T + half * 30_000) | st.integers(T, T + 12 * MINUTE_MS)
skills = st.sampled_from([(), ("water",), ("water", "roads")])
facts = st.builds(AgentFact, times, states, st.just(""), st.sampled_from(["", "roads"]), st.booleans(), skills)
clocks = st.sampled_from([T, T + 5 * MINUTE_MS, T + 20 * MINUTE_MS, T + LOST - MINUTE_MS, T + LOST + 5 * MINUTE_MS])


def sums(cells: CellBook) -> Contribution:
    return {(share.minute, share.place): dict(share.counts) for share in cells.take() if share.counts}


@given(st.lists(st.tuples(facts, st.booleans()), max_size=8), clocks, st.integers(0, 6), st.sampled_from([0, 3]))
def test_facts_one_by_one_add_up_to_the_batch(
    told: list[tuple[AgentFact, bool]], clock: int, settled: int, counted_from: int
) -> None:
    agent = Agent(*TOLD, facts=AgentFacts([AgentFact(T, "available")]), last_at=T)
    agent.counted_from = min(clock, T + counted_from * MINUTE_MS) if counted_from else 0
    cells = CellBook()
    cells.add(contribution(agent, clock, RULES))
    roster = Roster(AgentBook({"ann": agent}), cells, RULES, 24 * 60 * MINUTE_MS, clock)
    for number, (fact, new) in enumerate(told):
        roster.tell("bob" if new else "ann", fact, *TOLD)
        if number == settled:
            roster.settle(clock)
    roster.settle(clock)
    expected: Contribution = {}
    for its in roster.agents.values():
        for key, counts in contribution(its, clock, RULES).items():
            total = expected.setdefault(key, {})
            for name, count in counts.items():
                total[name] = total.get(name, 0) + count
    assert sums(cells) == expected
