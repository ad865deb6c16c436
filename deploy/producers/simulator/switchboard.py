"""From the first ring to an agent's phone: trunks, menu, the line, patience, overflow, callbacks."""

from collections.abc import Callable
from typing import Any

from deploy.producers.simulator.agents import Agent
from deploy.producers.simulator.callers import Callers
from deploy.producers.simulator.calls import Call, Register
from deploy.producers.simulator.choice import Length, between
from deploy.producers.simulator.floor import Floor
from deploy.producers.simulator.routing import Queue
from deploy.producers.simulator.truth import TrueVisit
from deploy.producers.simulator.world import World
from streams.contract import EventType

_RING_MS = (1_000, 4_000)
_NO_ANSWER_MS = 15_000
_PHANTOM_MS = (200, 2_500)
_MENU_SIGMA = 0.5
_REDIAL_SIGMA = 0.8
_BLOCKED_AGAIN = 0.6
_BLOCKED_AGAIN_S = 45.0
_CALLBACK_MS = (240_000, 2_400_000)
_TRY_AGAIN_MS = 60_000

CallAgain = Callable[[tuple[Queue, str, str]], None]


class Switchboard:
    """Takes calls in and brings them to agents; `answer` and `call_back` go on from there."""

    def __init__(
        self, world: World, callers: Callers, register: Register, floor: Floor, *, lines: int, call_again: CallAgain
    ) -> None:
        self._world = world
        self._callers = callers
        self._register = register
        self._floor = floor
        self._lines = lines
        self._call_again = call_again
        self._menu = Length(world.profile.menu_s, _MENU_SIGMA) if world.profile.menu_s else None
        self._redial_after = Length(world.profile.redial_after_s, _REDIAL_SIGMA)
        self._blocked_again = Length(_BLOCKED_AGAIN_S, _REDIAL_SIGMA)
        self.answer: Callable[[Call], None]
        self.call_back: Callable[[tuple[Call, Agent]], None]
        floor.ring = self.ring

    def take(self, call: Call, number: str, centre: str) -> None:
        """A call comes in."""
        world, habits = self._world, self._world.habits
        self._callers.describe(call, number, centre)
        if self._lines and self._register.lines_in_use >= self._lines:
            self._tell_arrival(call, "blocked")
            call.lost = False
            self._register.apart(call, "blocked", world.now)
            self._redial(call, _BLOCKED_AGAIN, self._blocked_again)
            return
        self._register.enter(call)
        if world.chance(habits.phantom):
            call.flag, call.lost = "phantom", False
            self._tell_arrival(call, "arrived")
            world.at(world.now + between(world.random, *_PHANTOM_MS), self._leave, call)
            return
        if world.chance(habits.test):
            call.flag = "test"
        self._tell_arrival(call, "arrived")
        if self._menu is None:
            self._first_queue(call)
            return
        leaves = world.random.random() < world.profile.menu_end
        menu = self._menu.draw(world.random)
        world.at(world.now + menu, self._leave if leaves else self._first_queue, call)

    def queue_up(self, call: Call, queue: Queue, *, transferred: bool = False, flowed: bool = False) -> None:
        """A visit begins: an agent's phone rings, or the caller waits."""
        world = self._world
        call.queue, call.patience_ends = queue, 0
        call.unfinished += 1
        first = not call.visits
        if first:
            call.language = queue.language.draw(world.random)
        visit = TrueVisit(
            call=call.id,
            outcome="open",
            hotline=queue.hotline,
            source=call.source,
            arrived_at=call.arrived_at,
            queue=queue.name,
            language=call.language,
            queued_at=world.now,
            **call.traits,  # type: ignore[arg-type]  # names of fields that are texts
        )
        visit.redial_of, visit.transferred_in, visit.flowed_in = call.redial_of, transferred, flowed
        call.visits.append(visit)
        more = {"language": call.language} if first else {}
        if call.traits:
            more["skill"] = visit.skill = f"{queue.name}-{call.language}"
            more["priority"] = call.priority
        world.tell_of(call, "queued", queue=queue.name, **more)
        agent = queue.free_agent()
        if agent is not None:
            self.ring(call, agent)
            return
        self._wait(call, visit)
        habits = world.habits
        if flowed or call.flag:
            return
        if call.caller and world.chance(habits.callback):
            world.at(world.now + round(habits.callback_after_s * 1_000), self._promise_callback, (call, visit))
        if habits.overflow_after_s and not transferred:
            world.at(world.now + round(habits.overflow_after_s * 1_000), self._flow_out, (call, visit))

    def ring(self, call: Call, agent: Agent) -> None:
        """An agent's phone rings; now and then nobody takes it up."""
        world = self._world
        call.phase, call.agent = "ringing", agent
        self._floor.enter(agent, "ringing", call.queue.name, call.id)
        if world.chance(world.habits.ring_no_answer):
            world.at(world.now + _NO_ANSWER_MS, self._no_answer, call)
        else:
            world.at(world.now + between(world.random, *_RING_MS), self.answer, call)

    def _tell_arrival(self, call: Call, type_: EventType) -> None:
        more: dict[str, Any] = {"flag": call.flag} if call.flag else {}
        self._world.tell_of(call, type_, caller=call.caller, **call.traits, **more)

    def _first_queue(self, call: Call) -> None:
        self.queue_up(call, call.queue)

    def _leave(self, call: Call) -> None:
        """The call ends without having reached a queue."""
        if not call.lost:
            self._world.tell_of(call, "ended")
        self._register.hang_up(call)
        self._register.apart(call, call.flag or "ended_in_menu", self._world.now)

    def _wait(self, call: Call, visit: TrueVisit, *, first: bool = False) -> None:
        world = self._world
        call.queue.wait(call, first=first)
        if not call.patience_ends:
            patience = world.random.expovariate(1 / call.queue.profile.patience_s)
            call.patience_ends = world.now + max(1, round(patience * 1_000))
            world.at(call.patience_ends, self._lose_patience, (call, visit))
        elif call.patience_ends <= world.now:
            self._lose_patience((call, visit))

    def _waits(self, call: Call, visit: TrueVisit) -> bool:
        return call.phase == "waiting" and call.visits[-1] is visit

    def _no_answer(self, call: Call) -> None:
        agent, visit = call.agent, call.visit
        assert agent is not None
        self._floor.set_aside(agent, call)
        other = call.queue.free_agent()
        if other is not None:
            self.ring(call, other)
        else:
            self._wait(call, visit, first=True)

    def _end_wait(self, visit: TrueVisit) -> int:
        visit.ended_at = self._world.now
        visit.wait_ms = visit.ended_at - visit.queued_at
        return visit.wait_ms

    def _lose_patience(self, what: tuple[Call, TrueVisit]) -> None:
        call, visit = what
        if not self._waits(call, visit):
            return
        wait_ms = self._end_wait(visit)
        visit.outcome = "abandoned"
        if call.lost:
            visit.lost = "waiting"
        else:
            self._world.tell_of(call, "abandoned", queue=visit.queue, wait_ms=wait_ms)
        self._register.hang_up(call)
        self._register.part_over(call)
        self._redial(call, self._world.profile.redial, self._redial_after)

    def _redial(self, call: Call, share: float, after: Length) -> None:
        world = self._world
        if call.caller and world.random.random() < share:
            later = world.now + after.draw(world.random)
            world.at(later, self._call_again, (call.queue, call.caller, call.id))

    def _flow_out(self, what: tuple[Call, TrueVisit]) -> None:
        call, visit = what
        target = call.queue.overflow
        if not self._waits(call, visit) or target is None or target.waiting() >= call.queue.waiting():
            return
        wait_ms = self._end_wait(visit)
        visit.outcome = "flowed_out"
        self._world.tell_of(call, "flowed_out", queue=visit.queue, wait_ms=wait_ms)
        self.queue_up(call, target, flowed=True)
        self._register.part_over(call)

    def _promise_callback(self, what: tuple[Call, TrueVisit]) -> None:
        call, visit = what
        if not self._waits(call, visit):
            return
        wait_ms = self._end_wait(visit)
        visit.outcome, call.lost = "callback_taken", False
        self._world.tell_of(call, "callback_taken", queue=visit.queue, wait_ms=wait_ms)
        self._register.hang_up(call)
        if not self._world.chance(self._world.habits.callback_kept):
            self._register.part_over(call)
            return
        self._register.promise_callback(call)
        self._world.at(self._world.now + between(self._world.random, *_CALLBACK_MS), self._try_callback, call)

    def _try_callback(self, call: Call) -> None:
        """Call back when somebody is free."""
        agent = call.queue.free_agent()
        if agent is None:
            self._world.at(self._world.now + _TRY_AGAIN_MS, self._try_callback, call)
        else:
            self.call_back((call, agent))
