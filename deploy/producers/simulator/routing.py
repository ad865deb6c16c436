"""Queues at work: who waits, and which agents who serve them are free."""

from collections import deque
from math import ceil, sqrt
from typing import TYPE_CHECKING

from deploy.producers.simulator.choice import Choice, Length
from deploy.producers.simulator.demand import Demand
from deploy.producers.simulator.profile import Profile, QueueProfile

if TYPE_CHECKING:
    from deploy.producers.simulator.agents import Agent
    from deploy.producers.simulator.calls import Call
    from deploy.producers.simulator.truth import TrueVisit

_HOUR_MS = 3_600_000
_ACW_SIGMA = 0.6


class Queue:
    """A queue at work. `own` are its free agents, `helpers` those of other queues; both longest free first."""

    def __init__(self, profile: QueueProfile, hotline: str) -> None:
        self.profile = profile
        self.name = profile.name
        self.hotline = hotline
        self.overflow: Queue | None = None
        self.own: dict[Agent, None] = {}
        self.helpers: dict[Agent, None] = {}
        self.category = Choice(profile.categories)
        self.language = Choice(profile.languages)
        self.talk = Length(profile.talk_s, profile.talk_sigma)
        self.after_call = Length(profile.acw_s, _ACW_SIGMA)
        self._line: deque[tuple[Call, TrueVisit]] = deque()

    def free_agent(self) -> "Agent | None":
        """The agent who has been free longest, its own before helpers; it stays free until its state changes."""
        if self.own:
            return next(iter(self.own))
        return next(iter(self.helpers), None)

    def wait(self, call: "Call", *, first: bool = False) -> None:
        """Put a call at the end of the line, or at its head."""
        call.phase = "waiting"
        entry = call, call.visit
        if first:
            self._line.appendleft(entry)
        else:
            self._line.append(entry)

    def next_waiting(self) -> "Call | None":
        """The call that waits longest leaves the line; those who hung up or went elsewhere are passed over."""
        if not self.waiting():
            return None
        return self._line.popleft()[0]

    def waiting(self) -> int:
        """About how many wait: exactly when nobody does."""
        line = self._line
        while line:
            call, visit = line[0]
            if call.phase == "waiting" and call.visits[-1] is visit:
                break
            line.popleft()
        return len(line)


def queues_of(profile: Profile) -> list[Queue]:
    """The queues of a hotline; each overflows to the one after it."""
    queues = [Queue(queue, profile.hotline) for queue in profile.queues]
    if len(queues) > 1:
        for queue, following in zip(queues, [*queues[1:], queues[0]], strict=True):
            queue.overflow = following
    return queues


def lines_of(profile: Profile, demand: Demand, at: int) -> int:
    """The trunks of the hotline, for the busiest hour of the week around `at` (ms); 0: no limit.

    a = arrivals x (menu + talk) in erlangs; lines = spare x a + 2 x sqrt(a), rounded up.
    """
    habits = profile.habits
    if habits.lines is not None:
        return habits.lines
    if not habits.spare_lines:
        return 0
    hours = [demand.local(at + hour * _HOUR_MS) for hour in range(168)]
    load = max(
        sum(demand.expected(queue, hour) * (profile.menu_s + queue.talk_s) * 1_000 for queue in profile.queues)
        for hour in hours
    )
    return max(4, ceil(habits.spare_lines * load + 2 * sqrt(load)))
