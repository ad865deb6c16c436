"""Agents' time by state, counted for many agents at once."""

from itertools import pairwise
from typing import NamedTuple

from streams.agents import AWAY, Agent, AgentFact, Spell, add_everywhere, count_time, places_of, queues_of
from streams.cell_book import Contribution
from streams.contract.cells import MINUTE_MS
from streams.dimensions import Place


class Staff(NamedTuple):
    """Agents whose time counts alike: where they work, their state, and whom they serve."""

    hotline: str
    centre: str
    source: str
    state: str
    queues: tuple[str, ...]

    @property
    def places(self) -> tuple[Place, ...]:
        """Where their time counts."""
        return places_of(self.hotline, self.centre, self.source, self.queues)


class StaffedTime:
    """Time by state that was added, or taken away, since the last `take`.

    Of whole minutes only the borders are kept at which agents entered a state or left it. A state that is told replaces
    the one before in every minute up to now; in a backlog those are hours of minutes, and counting each of them for
    each state would cost the more the longer the backlog is.
    """

    def __init__(self) -> None:
        self._borders: dict[Staff, dict[int, int]] = {}
        self._beside: Contribution = {}

    def next_state(self, agent: Agent, last: Spell | None, fact: AgentFact, full: int) -> None:
        """Count what changes by a fact later than all others, which ends the spell `last` (None: it is the first).

        Time is counted up to the minute `full` (ms). The change is `contribution` with the fact less `contribution`
        without it; the agent may not be lost by `full` or by the fact, nor any time after the fact be settled.
        """
        told = (agent.hotline, agent.centre, agent.source)
        if last is not None and last.state not in AWAY:
            if full <= fact.time:
                start = max(last.start, full)
                count_time(self._beside, places_of(*told, last.queues), last.state, start, fact.time)
            else:
                self._up_to(full, Staff(*told, last.state, last.queues), fact.time, -1)
        if fact.time < full and fact.state not in AWAY:
            self._up_to(full, Staff(*told, fact.state, queues_of(agent, fact)), fact.time, 1)
        if fact.state == "ring_no_answer":
            places = places_of(*told, queues_of(agent, fact))
            add_everywhere(self._beside, places, fact.time, "ring_no_answer", 1)

    def minutes(self, staff: Staff, start: int, end: int, agents: int) -> None:
        """Add `agents` (may be negative) from `start` to `end`, both minutes' borders (ms)."""
        borders = self._borders.get(staff)
        if borders is None:
            borders = self._borders[staff] = {}
        borders[start] = borders.get(start, 0) + agents
        borders[end] = borders.get(end, 0) - agents

    def take(self) -> tuple[Contribution, Contribution]:
        """What was counted since the last call, to be added to cells: (whole minutes, parts of minutes and counts)."""
        by_place: dict[tuple[Place, str], dict[int, int]] = {}
        for staff, borders in self._borders.items():
            for place in staff.places:
                total = by_place.setdefault((place, f"agent_{staff.state}_ms"), {})
                for border, agents in borders.items():
                    total[border] = total.get(border, 0) + agents
        whole: Contribution = {}
        for (place, name), total in by_place.items():
            present = 0
            for border, following in pairwise(sorted(total)):
                present += total[border]
                if present:
                    for minute in range(border, following, MINUTE_MS):
                        whole.setdefault((minute, place), {})[name] = present * MINUTE_MS
        beside, self._beside = self._beside, {}
        self._borders.clear()
        return whole, beside

    def clear(self) -> None:
        """Forget what was counted."""
        self._borders.clear()
        self._beside.clear()

    def _up_to(self, full: int, staff: Staff, start: int, agents: int) -> None:
        """As `minutes`, from any time up to the border `full`."""
        border = start - start % MINUTE_MS + MINUTE_MS
        add_everywhere(self._beside, staff.places, start, f"agent_{staff.state}_ms", (border - start) * agents)
        if border < full:
            self.minutes(staff, border, full, agents)
