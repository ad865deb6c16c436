"""The agents of one feed in one partition: their time in cells, and who is in which state now."""

from collections.abc import Collection

import msgspec

from streams.agents import Agent, AgentFact, Spell, contribution, lost_at, now_of
from streams.bundle import PartialAgents
from streams.cell_book import MINUTE_MS, CellBook, Contribution
from streams.contribution import Rules


class Roster:
    """`agents` by id. What they add is kept in `cells`; `lateness_ms` says how long a past state may still be told.

    `retrace_to`: as in `Feed.retrace`.
    """

    def __init__(self, agents: dict[str, Agent], cells: CellBook, rules: Rules, lateness_ms: int, clock: int) -> None:
        self.agents = agents
        self._cells = cells
        self._rules = rules
        self._lateness_ms = lateness_ms
        self._clock = clock
        self._moved: dict[str, None] = {}
        self.retrace_to = 0
        self._now: dict[str, Spell] = {}
        for number, agent in agents.items():
            self._place(number, agent)

    def remembered(self, number: str, reference: int) -> Agent | None:
        """The agent; one who was given up longer than the lateness before `reference` (ms) is forgotten: comes anew.

        However late time passes here, so that it does not matter how much of the log is read at once.
        """
        agent = self.agents.get(number)
        if agent is None or reference <= lost_at(agent, self._rules) + self._lateness_ms:
            return agent
        self._retrace(agent)
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
        if agent is None:
            agent = self.agents[number] = Agent()
        self._retrace(agent)
        stays = agent.works_at(hotline, centre, source)
        since = min(fact.time, self._full, lost_at(agent, self._rules)) if stays else 0
        before = self._added_since(agent, since)
        changed = agent.describe(fact.time, hotline, centre, source) | agent.tell(fact)
        if changed:
            self._cells.move(before, self._added_since(agent, since))
            self._moved[number] = None
        return changed

    def lose(self, source: str, at: int, named: Collection[str]) -> None:
        """The source told all its agents at `at` (ms): those not `named` and not heard of since are gone.

        One who is gone already went then.
        """
        for number, agent in self.agents.items():
            if agent.source == source and number not in named and agent.gone_at < agent.last_at <= at:
                self._retrace(agent)
                before = self._added_since(agent, agent.last_at)
                agent.gone_at = at
                self._cells.move(before, self._added_since(agent, agent.last_at))
                self._moved[number] = None

    def settle(self, clock: int) -> None:
        """Bring everything up to `clock`: who is where now, and the time of all agents when a minute is over."""
        past = self._full
        if clock - clock % MINUTE_MS > past:
            before = {number: self._added_since(agent, past) for number, agent in self.agents.items()}
            self._clock = clock
            for number, added in before.items():
                self._pass_minutes(number, added, past)
        self._clock = max(self._clock, clock)
        for number in self._moved:
            self._place(number, self.agents[number])
        self._moved.clear()

    def states(self) -> list[PartialAgents]:
        """Agents by state per (hotline, queue), and per hotline (queue `""`) each once."""
        found: dict[tuple[str, str], PartialAgents] = {}
        for number, spell in self._now.items():
            agent = self.agents[number]
            if self._clock >= lost_at(agent, self._rules):
                continue
            for queue in {"", *spell.queues}:
                key = (agent.hotline, queue)
                share = found.get(key) or found.setdefault(key, PartialAgents(*key, {}, {}))
                share.states[spell.state] = share.states.get(spell.state, 0) + 1
                if spell.state == "break":
                    share.breaks[spell.reason] = share.breaks.get(spell.reason, 0) + 1
        return [found[key] for key in sorted(found)]

    def open_minutes(self, floor: int) -> set[int]:
        """Minutes before `floor` (ms) that agents' time may still be added to or taken from."""
        first = min((_counted_since(agent) for agent in self.agents.values()), default=floor)
        return set(range(first, floor, MINUTE_MS))

    def clear(self) -> None:
        """Forget all agents."""
        for state in (self.agents, self._moved, self._now):
            state.clear()

    def _retrace(self, agent: Agent) -> None:
        """What a predecessor may have told of the agent before it changes is told again (see `Feed.retrace`)."""
        if self.retrace_to:
            self._cells.tell_again(contribution(agent, self.retrace_to, self._rules))

    @property
    def _full(self) -> int:
        """The end of the last full minute: what agents' time is counted up to."""
        return self._clock - self._clock % MINUTE_MS

    def _added_since(self, agent: Agent, since: int) -> Contribution:
        return contribution(agent, self._clock, self._rules, since - since % MINUTE_MS)

    def _pass_minutes(self, number: str, added: Contribution, past: int) -> None:
        """Count an agent's time since `past` in place of what was `added` from then on; let go of what is settled."""
        agent = self.agents[number]
        self._cells.move(added, self._added_since(agent, past))
        floor = self._clock - self._lateness_ms - 2 * MINUTE_MS
        if max(agent.last_at, min(lost_at(agent, self._rules), self._clock)) < floor:
            self._drop(number)
        else:
            agent.settle_before(floor)
            self._moved[number] = None

    def _drop(self, number: str) -> None:
        del self.agents[number]
        self._moved.pop(number, None)
        self._now.pop(number, None)

    def _place(self, number: str, agent: Agent) -> None:
        spell = now_of(agent, self._clock, self._rules)
        if spell is None:
            self._now.pop(number, None)
        else:
            self._now[number] = spell


def _counted_since(agent: Agent) -> int:
    """The first minute (ms) that the agent's time adds to and that is not settled."""
    first = agent.facts[0].time
    return max(agent.counted_from, first - first % MINUTE_MS)


class OpenSnapshot(msgspec.Struct, array_like=True):
    """A source's snapshot between its begin (ms) and its end: the calls and agents named so far."""

    begin: int
    calls: set[str] = msgspec.field(default_factory=set)
    agents: set[str] = msgspec.field(default_factory=set)
