"""From the answer to the end of after-call work: talk, hold, transfer, wrap-up, and the callback that was promised."""

from collections.abc import Callable
from typing import Any, NamedTuple

from deploy.producers.simulator.agents import Agent
from deploy.producers.simulator.callers import Callers
from deploy.producers.simulator.calls import Call, Register
from deploy.producers.simulator.choice import Length
from deploy.producers.simulator.floor import Floor
from deploy.producers.simulator.routing import Queue
from deploy.producers.simulator.truth import TrueVisit
from deploy.producers.simulator.world import World

_HOLD_SIGMA = 0.6
_NUISANCE_TALK = 0.15
_CALLBACK_TALK = 0.7
_LONGEST_CHAIN = 3


class _Talk(NamedTuple):
    """A conversation: how long it is to last without hold (`talk_ms`), and what ends it."""

    call: Call
    visit: TrueVisit
    agent: Agent
    talk_ms: int
    to: Queue | None
    nuisance: bool


class Conversation:
    """What agents and callers do together. `transfer(call, queue)` begins the next visit."""

    def __init__(
        self, world: World, callers: Callers, register: Register, floor: Floor, transfer: Callable[[Call, Queue], None]
    ) -> None:
        self._world = world
        self._callers = callers
        self._register = register
        self._floor = floor
        self._transfer = transfer
        self._hold_length = Length(world.habits.hold_s, _HOLD_SIGMA)

    def answer(self, call: Call) -> None:
        """The agent whose phone rings takes it up."""
        world, habits, visit, agent = self._world, self._world.habits, call.visit, call.agent
        assert agent is not None
        call.phase = "talking"
        visit.outcome, visit.answered_at, visit.agent = "answered", world.now, agent.id
        visit.wait_ms = world.now - visit.queued_at
        more = {}
        if call.traits:
            more["centre"] = visit.centre = agent.site.centre
        world.tell_of(call, "answered", queue=visit.queue, wait_ms=visit.wait_ms, agent=agent.id, **more)
        self._floor.enter(agent, "on_call", visit.queue, call.id)
        nuisance = not call.flag and not call.lost and world.chance(habits.nuisance)
        drawn = call.queue.talk.draw(world.random)
        talk_ms = max(1_000, round(drawn * _NUISANCE_TALK) if nuisance else drawn)
        to = None if nuisance or call.flag else self._target(call)
        talk = _Talk(call, visit, agent, talk_ms, to, nuisance)
        if world.chance(habits.hold):
            world.at(world.now + round(talk_ms * (0.2 + 0.6 * world.random.random())), self._hold, talk)
        else:
            world.at(world.now + talk_ms, self._end, talk)

    def call_back(self, what: tuple[Call, Agent]) -> None:
        """An agent calls the caller back as promised."""
        call, agent = what
        world = self._world
        self._floor.enter(agent, "on_call", call.queue.name, call.id)
        world.at(world.now + round(call.queue.talk.draw(world.random) * _CALLBACK_TALK), self._called_back, what)

    def _target(self, call: Call) -> Queue | None:
        """The queue that the call is transferred to, if it is: one that it has not been in."""
        if not self._world.chance(self._world.habits.transfer):
            return None
        been = {visit.queue for visit in call.visits}
        if len(been) >= _LONGEST_CHAIN:
            return None
        following = call.queue.overflow
        while following is not None and following.name in been and following is not call.queue:
            following = following.overflow
        return None if following is None or following.name in been else following

    def _hold(self, talk: _Talk) -> None:
        world, call, visit = self._world, talk.call, talk.visit
        assert visit.answered_at is not None
        world.tell_of(call, "held", queue=visit.queue, agent=talk.agent.id)
        self._floor.enter(talk.agent, "hold", visit.queue, call.id)
        visit.hold_ms = max(500, self._hold_length.draw(world.random))
        world.at(world.now + visit.hold_ms, self._resume, talk)

    def _resume(self, talk: _Talk) -> None:
        world, call, visit = self._world, talk.call, talk.visit
        assert visit.answered_at is not None
        world.tell_of(call, "resumed", queue=visit.queue, agent=talk.agent.id)
        self._floor.enter(talk.agent, "on_call", visit.queue, call.id)
        world.at(visit.answered_at + talk.talk_ms + (visit.hold_ms or 0), self._end, talk)

    def _end(self, talk: _Talk) -> None:
        world, call, visit = self._world, talk.call, talk.visit
        visit.ended_at, visit.talk_ms = world.now, talk.talk_ms
        self._floor.enter(talk.agent, "after_call", visit.queue, call.id)
        visit.acw_ms = call.queue.after_call.draw(world.random)
        world.at(world.now + visit.acw_ms, self._wrap_up, (talk, call.queue))
        if talk.to is not None:
            visit.transferred_out = True
            world.tell_of(call, "transferred", queue=visit.queue, talk_ms=visit.talk_ms, hold_ms=visit.hold_ms)
            self._transfer(call, talk.to)
            return
        if call.lost:
            visit.lost = "talking"
        else:
            world.tell_of(call, "ended", queue=visit.queue, talk_ms=visit.talk_ms, hold_ms=visit.hold_ms)
        self._register.hang_up(call)

    def _wrap_up(self, what: tuple[_Talk, Queue]) -> None:
        talk, queue = what
        call, visit = talk.call, talk.visit
        visit.wrapped_at = self._world.now
        if not visit.lost:
            if talk.nuisance:
                call.flag = "nuisance"
            self._callers.conclude(call, queue)
            more: dict[str, Any] = {"flag": call.flag} if talk.nuisance else {}
            if call.traits:
                more["department"] = visit.department = queue.profile.department
                more["ticket_type"], more["served"] = call.ticket_type, call.served
            if call.text:
                more["text"] = call.text
            more["category"], more["district"] = call.category, call.district
            self._world.tell_of(call, "wrapped", queue=visit.queue, acw_ms=visit.acw_ms, **more)
        self._register.part_over(call)
        self._floor.free(talk.agent)

    def _called_back(self, what: tuple[Call, Agent]) -> None:
        call, agent = what
        world, visit = self._world, call.visit
        visit.callback_completed_at, visit.agent = world.now, agent.id
        world.tell_of(call, "callback_completed", queue=visit.queue, agent=agent.id)
        self._floor.enter(agent, "after_call", visit.queue, call.id)
        world.at(world.now + call.queue.after_call.draw(world.random), self._wrap_up_callback, what)

    def _wrap_up_callback(self, what: tuple[Call, Agent]) -> None:
        call, agent = what
        self._register.part_over(call)
        self._floor.free(agent)
