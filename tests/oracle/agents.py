"""Agents' time: what each was told to be doing, as spells, and the spells cut at every minute."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from oracle.counters import Count
from streams.contract.events import CallEvent

MINUTE_MS = 60_000
TIMED = ("available", "ringing", "on_call", "hold", "after_call", "break", "ring_no_answer")
OF_AGENTS = (*(f"agent_{state}_ms" for state in TIMED), "agent_lost_track", "ring_no_answer")
"""Counters of agents: in the sets made of hotline, queue, centre and source alone."""


class State(NamedTuple):
    """One state told of an agent; `skills` None: nothing was said of them."""

    time: int
    state: str
    reason: str
    queue: str
    skilled: bool
    skills: tuple[str, ...]


class Spell(NamedTuple):
    """Time in one state; `end` None: it lasts. `queues`: the one it is about, else all that the agent serves."""

    begin: int
    end: int | None
    state: str
    queues: tuple[str, ...]


@dataclass
class Agent:
    """Everything told of an agent. `place`: (hotline, centre, source) as told last, and when."""

    states: set[State] = field(default_factory=set)
    place: tuple[int, tuple[str, str, str]] = (0, ("", "", ""))
    gone_at: int = 0

    def take(self, event: CallEvent, time: int, default_hotline: str) -> bool:
        """Take in a state; whether it told anything new."""
        skills = tuple(dict.fromkeys(event.skills or ()))
        state = State(time, event.state, event.reason, event.queue, event.skills is not None, skills)
        hotline, centre, source = self.place[1]
        told = (event.hotline or default_hotline or hotline, event.centre or centre, event.source or source)
        moved = told != self.place[1] and (time, told) >= self.place
        if moved:
            self.place = time, told
        new = state not in self.states
        self.states.add(state)
        return new or moved

    def last_at(self) -> int:
        return max(state.time for state in self.states)

    def lost_at(self, lost_ms: int) -> int:
        """When the agent is given up: nothing told for too long, or its source no longer has it."""
        silent = self.last_at() + lost_ms
        return min(silent, self.gone_at) if self.gone_at >= self.last_at() else silent

    def spells(self) -> list[Spell]:
        """In order of time; of two states told for one instant the greater holds."""
        spells: list[Spell] = []
        skills: tuple[str, ...] = ()
        for state, after in pairwise([*sorted(self.states), None]):
            assert state is not None
            if state.skilled:
                skills = state.skills
            if after is None or after.time > state.time:
                queues = (state.queue,) if state.queue else skills
                spells.append(Spell(state.time, after.time if after else None, state.state, queues))
        return spells


def counts_of(agent: Agent, clock: int, lost_ms: int) -> Iterable[tuple[Spell, str, Count]]:
    """What an agent adds by the last full minute of `clock`: (spell, counter, count)."""
    full = clock - clock % MINUTE_MS
    for spell in agent.spells():
        if spell.state == "ring_no_answer":
            yield spell, "ring_no_answer", Count(spell.begin)
        if spell.state not in TIMED:
            continue
        end = spell.end
        if end is None:
            lost = agent.lost_at(lost_ms)
            end = min(full, lost)
            if full >= lost:
                yield spell, "agent_lost_track", Count(lost)
        begin = spell.begin
        while begin < end:
            border = min(end, begin - begin % MINUTE_MS + MINUTE_MS)
            yield spell, f"agent_{spell.state}_ms", Count(begin, border - begin)
            begin = border
