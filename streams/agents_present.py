"""What the agents of one feed of one partition do right now: kept up to date agent by agent, never counted anew."""

from bisect import bisect_right
from collections.abc import Iterator

from streams.agents import Agent, Spell, lost_at, now_of
from streams.bundle import PartialAgents
from streams.contribution import Rules
from streams.schedule import Schedule


class AgentsPresent:
    """Counts of agents by state, and by reason those on a break.

    An agent's state changes without an event, too: when a state that was told ahead begins, and when the agent is
    lost. `_due`: the next instant (ms) at which an agent has to be looked at for that, never later than it happens.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._now: dict[str, tuple[str, Spell]] = {}
        self._shares: dict[tuple[str, str], PartialAgents] = {}
        self._due: dict[str, int] = {}
        self._schedule = Schedule()
        self._told: list[PartialAgents] | None = None

    def spell(self, number: str) -> Spell | None:
        """The state that the agent was in when counted last; None: nowhere."""
        known = self._now.get(number)
        return known[1] if known else None

    def place(self, number: str, agent: Agent, clock: int) -> None:
        """Count the agent as it is at `clock` (ms)."""
        spell = now_of(agent, clock, self._rules)
        self._move(number, None if spell is None else (agent.hotline, spell))
        due = _next_change(agent, clock, self._rules)
        if due is not None and due < self._due.get(number, due + 1):
            self._due[number] = due
            self._schedule.put(number, due)

    def drop(self, number: str) -> None:
        """The agent is forgotten."""
        self._move(number, None)
        self._due.pop(number, None)

    def due(self, clock: int) -> Iterator[str]:
        """Agents that have to be placed again at `clock` (ms)."""
        for number in self._schedule.take(clock, self._due.get):
            del self._due[number]
            yield number

    def states(self) -> list[PartialAgents]:
        """As `Roster.states`."""
        if self._told is None:
            self._told = [
                PartialAgents(*key, dict(share.states), dict(share.breaks))
                for key, share in sorted(self._shares.items())
            ]
        return self._told

    def clear(self) -> None:
        """Forget all agents."""
        for state in (self._now, self._shares, self._due, self._schedule):
            state.clear()
        self._told = None

    def _move(self, number: str, now: tuple[str, Spell] | None) -> None:
        before = self._now.get(number)
        if now == before:
            return
        self._told = None
        if before is not None:
            self._count(*before, -1)
        if now is None:
            del self._now[number]
        else:
            self._now[number] = now
            self._count(*now, 1)

    def _count(self, hotline: str, spell: Spell, sign: int) -> None:
        for queue in {"", *spell.queues}:
            key = (hotline, queue)
            share = self._shares.get(key)
            if share is None:
                share = self._shares[key] = PartialAgents(*key, {}, {})
            _add(share.states, spell.state, sign)
            if spell.state == "break":
                _add(share.breaks, spell.reason, sign)
            if not share.states:
                del self._shares[key]


def _next_change(agent: Agent, clock: int, rules: Rules) -> int | None:
    """When (ms) another state begins or the agent is lost, whichever comes first; None: neither does."""
    lost = lost_at(agent, rules)
    if clock >= lost:
        return None
    if agent.last_at <= clock:
        return lost
    times = agent.facts.times
    ahead = bisect_right(times, clock)
    return min(times[ahead], lost) if ahead < len(times) else lost


def _add(counts: dict[str, int], name: str, number: int) -> None:
    counts[name] = counts.get(name, 0) + number
    if not counts[name]:
        del counts[name]
