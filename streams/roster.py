"""The agents of one feed in one partition: their time in cells, and who is in which state now."""

from collections import Counter
from collections.abc import Collection

import msgspec

from streams.agent_book import AgentBook
from streams.agents import (
    Agent,
    AgentFact,
    Spell,
    contribution,
    last_spell,
    lost_at,
    open_time,
)
from streams.agents_present import AgentsPresent
from streams.bundle import PartialAgents
from streams.cell_book import CellBook, Contribution
from streams.contract.cells import MINUTE_MS
from streams.contribution import Rules
from streams.staffed_time import Staff, StaffedTime


class Roster:
    """The agents of a book; what their time adds goes into `cells`. `lateness_ms`: so late a past state may still be told.

    `retrace_to`: as in `Feed.retrace`.
    """

    def __init__(self, book: AgentBook, cells: CellBook, rules: Rules, lateness_ms: int, clock: int) -> None:
        self.agents = book.agents
        self._book = book
        self._cells = cells
        self._rules = rules
        self._lateness_ms = lateness_ms
        self._clock = clock
        self._moved: dict[str, None] = {}
        self.retrace_to = 0
        self._present = AgentsPresent(rules)
        self._time = StaffedTime()
        for number, agent in self.agents.items():
            self._present.place(number, agent, clock)

    def remembered(self, number: str, reference: int) -> Agent | None:
        """The agent, if still remembered at `reference` (ms): one who was lost for longer than the lateness is forgotten.

        That is judged by the event at hand, not by `settle`: so it does not matter how much of the log is read at once.
        """
        agent = self.agents.get(number)
        if agent is None or reference <= lost_at(agent, self._rules) + self._lateness_ms:
            return agent
        self._retrace(agent, 0)
        over = max(self._clock, lost_at(agent, self._rules) + MINUTE_MS)
        since = min(self._full, agent.last_at)
        since -= since % MINUTE_MS
        before = contribution(agent, self._clock, self._rules, since)
        self._cells.move(before, contribution(agent, over, self._rules, since))
        self._drop(number)
        return None

    def tell(self, number: str, fact: AgentFact, hotline: str, centre: str, source: str) -> bool:
        """Take in a state of an agent; whether it told anything new."""
        agent = self.agents.get(number)
        full = self._full
        if agent is None:
            agent = self.agents[number] = Agent()
            agent.describe(fact.time, hotline, centre, source)
            if full < fact.time + self._rules.lost_agent_ms:
                self._go_on(number, agent, None, fact)
                return True
        stays = agent.works_at(hotline, centre, source)
        follows = bool(agent.facts) and agent.facts.times[-1] < fact.time
        known = not follows and fact in agent.facts
        if stays and known:
            return False
        lost = lost_at(agent, self._rules)
        if stays and follows and agent.counted_from <= fact.time and max(fact.time, full) < lost:
            last = self._last(number, agent)
            if self.retrace_to:
                since = min(full, _minute(fact.time))
                self._cells.tell_again(open_time(agent, last, since, _minute(self.retrace_to), lost))
            self._go_on(number, agent, last, fact)
            return True
        since = min(fact.time, full, lost) if stays else 0
        self._retrace(agent, since)
        before = self._added_since(agent, since)
        if not known:
            agent.tell(fact)
            self._book.told(fact.time)
        changed = agent.describe(fact.time, hotline, centre, source) or not known
        if changed:
            self._cells.move(before, self._added_since(agent, since))
            self._moved[number] = None
        return changed

    def lose(self, source: str, at: int, named: Collection[str]) -> None:
        """The source told all its agents at `at` (ms): those not `named`, and not heard of since, are gone.

        For one who is gone already the earlier time stays.
        """
        for number, agent in self.agents.items():
            if agent.source == source and number not in named and agent.gone_at < agent.last_at <= at:
                self._retrace(agent, agent.last_at)
                before = self._added_since(agent, agent.last_at)
                agent.gone_at = at
                self._cells.move(before, self._added_since(agent, agent.last_at))
                self._moved[number] = None

    def settle(self, clock: int) -> None:
        """Bring everything up to `clock` (ms): the states of now and, when a minute is over, the time of all agents."""
        past = self._full
        self._take_time()
        if clock - clock % MINUTE_MS > past:
            self._pass_minutes(clock)
        self._clock = max(self._clock, clock)
        self._moved.update(dict.fromkeys(self._present.due(self._clock)))
        for number in self._moved:
            self._present.place(number, self.agents[number], self._clock)
        self._moved.clear()

    def states(self) -> list[PartialAgents]:
        """Agents by state per (hotline, queue), and per hotline (queue `""`) each once, as of the last `settle`.

        The list is to be left as it is; it is the same one as long as nothing changed.
        """
        return self._present.states()

    def parts(self) -> dict[str, bytes]:
        """The agents, packed."""
        return self._book.parts()

    def open_minutes(self, floor: int) -> set[int]:
        """Minutes before `floor` (ms) whose agents' time may still change."""
        first = min((_counted_since(agent) for agent in self.agents.values()), default=floor)
        return set(range(first, floor, MINUTE_MS))

    def clear(self) -> None:
        """Forget all agents."""
        for state in (self._book, self._moved, self._present, self._time):
            state.clear()

    def _retrace(self, agent: Agent, since: int) -> None:
        """Before an agent changes from `since` (ms) on: what a former owner may have told of it (see `Feed.retrace`)."""
        if self.retrace_to:
            self._cells.tell_again(contribution(agent, self.retrace_to, self._rules, since - since % MINUTE_MS))

    def _last(self, number: str, agent: Agent) -> Spell:
        """The spell that goes on: mostly the one that is shown as of now."""
        now = self._present.spell(number)
        return now if now and now.start == agent.facts.times[-1] and number not in self._moved else last_spell(agent)

    def _go_on(self, number: str, agent: Agent, last: Spell | None, fact: AgentFact) -> None:
        """Take in a fact later than all others: only time from it on changes. `last`: the spell that it ends."""
        self._time.next_state(agent, last, fact, self._full)
        self._moved[number] = None
        agent.go_on(fact)
        self._book.told(fact.time)

    @property
    def _full(self) -> int:
        """The end of the last full minute: what agents' time is counted up to."""
        return self._clock - self._clock % MINUTE_MS

    def _added_since(self, agent: Agent, since: int) -> Contribution:
        return contribution(agent, self._clock, self._rules, since - since % MINUTE_MS)

    def _pass_minutes(self, clock: int) -> None:
        """Count everybody's time up to the last full minute of `clock` (ms); let go of what is settled.

        Most agents were in one state all along: they are counted together.
        """
        past, full = self._full, clock - clock % MINUTE_MS
        floor = clock - self._lateness_ms - 2 * MINUTE_MS
        steady: Counter[Staff] = Counter()
        gone = []
        for number, agent in self.agents.items():
            lost = lost_at(agent, self._rules)
            if number not in self._moved and agent.facts.times[-1] < past and lost > full:
                spell = self._present.spell(number)
                if spell is not None:
                    steady[Staff(agent.hotline, agent.centre, agent.source, spell.state, spell.queues)] += 1
            else:
                self._cells.add(open_time(agent, self._last(number, agent), past, full, lost))
                self._moved[number] = None
                if max(agent.last_at, min(lost, clock)) < floor:
                    gone.append(number)
            agent.settle_before(floor)
        self._clock = clock
        for staff, agents in steady.items():
            self._time.minutes(staff, past, full, agents)
        self._take_time()
        for number in gone:
            self._drop(number)
        self._book.let_go(floor)

    def _take_time(self) -> None:
        for added in self._time.take():
            self._cells.add(added)

    def _drop(self, number: str) -> None:
        self._book.drop(number)
        self._moved.pop(number, None)
        self._present.drop(number)


def _minute(time: int) -> int:
    return time - time % MINUTE_MS


def _counted_since(agent: Agent) -> int:
    """The first minute (ms) that the agent's time adds to and that is not settled."""
    first = agent.facts.times[0]
    return max(agent.counted_from, first - first % MINUTE_MS)


class OpenSnapshot(msgspec.Struct, array_like=True):
    """A source's snapshot between its begin (ms) and its end: the calls and agents named so far."""

    begin: int
    calls: set[str] = msgspec.field(default_factory=set)
    agents: set[str] = msgspec.field(default_factory=set)
