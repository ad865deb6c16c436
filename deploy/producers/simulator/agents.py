"""Agents: which queues they serve, when they work and when they pause."""

from collections import deque
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from deploy.producers.simulator.demand import MINUTE_MS
from deploy.producers.simulator.profile import Site

if TYPE_CHECKING:
    from deploy.producers.simulator.routing import Queue
    from streams.contract import AgentState

HOUR_MS = 60 * MINUTE_MS
_SHIFT_MS = 8 * HOUR_MS
_HALF_SHIFT_MS = 4 * HOUR_MS
_HALF_SHIFTS = 0.2
_REST_MS = 10 * HOUR_MS
_TRAINING = 0.1


class Break(NamedTuple):
    """A break that is due at `at` (ms)."""

    at: int
    length_ms: int
    reason: str


class Agent:
    """One agent. `queues` are the skills, the own queue first; `state` is since `since` (ms)."""

    __slots__ = (
        "breaks", "call", "id", "leaving", "queue", "queues", "reason", "shift_ends", "since", "site", "state",
        "team", "told_skills",
    )  # fmt: skip

    def __init__(self, id_: str, team: "Team", queues: list["Queue"], now: int) -> None:
        self.id = id_
        self.team = team
        self.site = team.site
        self.queues = queues
        self.state: AgentState = "logged_out"
        self.since = now
        self.reason = self.queue = self.call = ""
        self.leaving = False
        self.shift_ends = 0
        self.breaks: deque[Break] = deque()
        self.told_skills: tuple[str, ...] = ()

    @property
    def skills(self) -> tuple[str, ...]:
        return tuple(queue.name for queue in self.queues)

    def break_due(self, now: int) -> bool:
        return bool(self.breaks) and self.breaks[0].at <= now

    def begin_shift(self, now: int, random: Random, *, worked: float = 0.0) -> None:
        """Plan a shift and its breaks; `worked` is the part of it that is over already."""
        half = random.random() < _HALF_SHIFTS
        length = _HALF_SHIFT_MS if half else _SHIFT_MS
        began = now - round(worked * length)
        self.leaving = False
        self.shift_ends = began + length
        planned = [_pause(began + 2 * HOUR_MS, 10, 15, "coffee", random)]
        if not half:
            planned.append(_pause(began + 4 * HOUR_MS, 30, 45, "lunch", random))
            planned.append(_pause(began + 6 * HOUR_MS, 10, 15, "coffee", random))
            if random.random() < _TRAINING:
                planned[-1] = _pause(began + 6 * HOUR_MS, 40, 60, "training", random)
        self.breaks = deque(pause for pause in planned if pause.at > now)


def _pause(at: int, least: int, most: int, reason: str, random: Random) -> Break:
    return Break(at + random.randrange(-20, 21) * MINUTE_MS, random.randint(least, most) * MINUTE_MS, reason)


class Team:
    """The agents of one queue at one site. `planned`: how many are to work now; `on`: on duty, first come first."""

    def __init__(self, queue: "Queue", site: Site) -> None:
        self.queue = queue
        self.site = site
        self.planned = 0
        self.on: dict[Agent, None] = {}
        self.off: deque[Agent] = deque()

    def working(self) -> int:
        """On duty, not on a break and not about to leave."""
        return sum(agent.state != "break" and not agent.leaving for agent in self.on)

    def rested(self, now: int) -> Agent | None:
        """Who has been off duty longest, if that is long enough for another shift."""
        if self.off and now - self.off[0].since >= _REST_MS:
            return self.off.popleft()
        return None


def skills_of(own: "Queue", queues: list["Queue"], more: float, random: Random) -> list["Queue"]:
    """The queues that an agent of `own` serves: with chance `more` a second, and then perhaps a third."""
    chosen = [own]
    others = [queue for queue in queues if queue is not own]
    for share in (more, more / 2):
        if not others or not share or random.random() >= share:
            break
        chosen.append(others.pop(random.randrange(len(others))))
    return chosen
