"""The simulation itself: discrete events in a heap, pure and deterministic.

`advance(until)` lets simulated time pass and hands over the events of that time in order. How it is
sliced does not matter: arrivals are drawn minute by minute of simulated time, everything else as it
happens, from one generator of random numbers.
"""

import heapq
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from math import ceil, log, sqrt
from random import Random
from typing import Any

from deploy.producers.simulator.demand import MINUTE_MS, Demand
from deploy.producers.simulator.incidents import Incident, demand_factor, staff_factor
from deploy.producers.simulator.profile import Profile, QueueProfile
from deploy.producers.simulator.truth import TrueCall, Truth
from streams.contract import CallEvent, EventType

SOURCE = "simulator"
_SHIFT_MS = 30 * MINUTE_MS
_RING_MS = (1_000, 4_000)
_MENU_SIGMA = 0.5
_ACW_SIGMA = 0.6
_REDIAL_SIGMA = 0.8
_CALLERS_PER_CALL = 30
_NUMBERS = 1_000_000_000
_FOREVER = 2**62


class _Choice:
    """Draws one of weighted values."""

    def __init__(self, weighted: Sequence[tuple[str, float]]) -> None:
        self._values = [value for value, _ in weighted]
        self._cumulated = list(accumulate(weight for _, weight in weighted))

    def draw(self, random: Random) -> str:
        return random.choices(self._values, cum_weights=self._cumulated)[0]


class _Call:
    """A call on its way; `true` fills as it goes."""

    __slots__ = ("agent", "caller", "queue", "true", "waiting")

    def __init__(self, queue: "_Queue", true: TrueCall, caller: str) -> None:
        self.queue = queue
        self.true = true
        self.caller = caller
        self.waiting = False
        self.agent = 0


class _Queue:
    """A queue at work: who waits, how many agents are on shift, which of them are at work."""

    def __init__(self, profile: QueueProfile) -> None:
        self.profile = profile
        self.name = profile.name
        self.line: deque[_Call] = deque()
        self.shift = -1
        self.planned = 0
        self.staff = 0
        self.busy = 0
        self._idle: list[int] = []
        self._known = 0
        self.category = _Choice(profile.categories)
        self.language = _Choice(profile.languages)

    def take_agent(self) -> int:
        """The agent with the lowest number who is not at work."""
        self.busy += 1
        if self._idle:
            return heapq.heappop(self._idle)
        self._known += 1
        return self._known

    def free_agent(self, number: int) -> None:
        self.busy -= 1
        heapq.heappush(self._idle, number)

    def next_waiting(self) -> _Call | None:
        """The call that waits longest; those who hung up are passed over."""
        while self.line:
            call = self.line.popleft()
            if call.waiting:
                return call
        return None


class Simulation:
    """A hotline from `start` (epoch ms) on; arrivals stop at `end`, calls under way go on to their end."""

    def __init__(
        self,
        profile: Profile,
        seed: int,
        start: int,
        *,
        end: int | None = None,
        incidents: Sequence[Incident] = (),
        feed: str = "live",
        generation: int = 0,
    ) -> None:
        self.profile = profile
        self.paused = False
        self._random = Random(f"{seed}/{start}")  # noqa: S311  (no secret is made of it)
        self._demand = Demand(profile, seed)
        self._incidents = tuple(incidents)
        self._boundaries = sorted({at for incident in incidents for at in (incident.start, incident.end)})
        self._common: dict[str, Any] = {
            "hotline": profile.hotline,
            "source": SOURCE,
            "feed": feed,
            "generation": generation,
        }
        self._prefix = f"s{start:x}-"
        self._calls = 0
        self._callers = max(1_000, round(profile.rate * _CALLERS_PER_CALL))
        self._district = _Choice(profile.districts)
        self._queues = [_Queue(queue) for queue in profile.queues]
        self._end = _FOREVER if end is None else end
        self._now = start
        self._number = 0
        self._agenda: list[tuple[int, int, Callable[[Any], None], Any]] = []
        self._under_way: dict[str, _Call] = {}
        self._events: list[CallEvent] = []
        self._truth: list[Truth] = []
        self._at(start, self._minute, None)

    def advance(self, until: int) -> list[CallEvent]:
        """Everything that happens up to `until` (ms, included), in order of time."""
        agenda = self._agenda
        while agenda and agenda[0][0] <= until:
            self._now, _, act, what = heapq.heappop(agenda)
            act(what)
        events, self._events = self._events, []
        return events

    def take_truth(self) -> list[Truth]:
        """The calls that were over since the last time this was asked."""
        truth, self._truth = self._truth, []
        return truth

    def stop_arrivals(self, at: int) -> None:
        """From `at` (ms) on nobody calls any more."""
        self._end = min(self._end, at)

    @property
    def arrivals_over(self) -> bool:
        """Whether nobody calls any more at the time reached."""
        return self._now >= self._end

    @property
    def over(self) -> bool:
        """Whether nobody calls any more and every call has ended."""
        return self.arrivals_over and not self._under_way

    def open_calls(self) -> list[TrueCall]:
        """The truth so far about calls that are still under way."""
        return [call.true for call in self._under_way.values()]

    def _at(self, time: int, act: Callable[[Any], None], what: Any) -> None:
        self._number += 1
        heapq.heappush(self._agenda, (time, self._number, act, what))

    def _minute(self, _: None) -> None:
        """Draw the arrivals until the next full minute or change of an incident, and set the staff."""
        now = self._now
        if now >= self._end:
            return
        then = min(now - now % MINUTE_MS + MINUTE_MS, self._end)
        then = next((at for at in self._boundaries if now < at < then), then)
        local = self._demand.local(now)
        for queue in self._queues:
            self._set_staff(queue)
            rate = self._demand.actual(queue.profile, local) * demand_factor(self._incidents, queue.name, now)
            if rate <= 0:
                continue
            time = now + self._random.expovariate(rate)
            while time < then:
                self._at(int(time), self._arrive, (queue, "", ""))
                time += self._random.expovariate(rate)
        self._at(then, self._minute, None)

    def _set_staff(self, queue: _Queue) -> None:
        begin = self._now - self._now % _SHIFT_MS
        if queue.shift != begin:
            queue.shift, queue.planned = begin, self._plan(queue.profile, begin)
        queue.staff = int(queue.planned * staff_factor(self._incidents, queue.name, self._now))
        while queue.busy < queue.staff and (call := queue.next_waiting()):
            self._ring(call)

    def _plan(self, queue: QueueProfile, begin: int) -> int:
        """Agents for the load that supervisors see coming in the half hour from `begin` (square-root staffing).

        a = arrivals x (talk + after-call work) in erlangs; agents = a + comfort x sqrt(a), rounded up.
        """
        times = (begin, begin + _SHIFT_MS // 2, begin + _SHIFT_MS)
        peak = max(self._demand.planned(queue, self._demand.local(at)) for at in times)
        load = peak * (1 - self.profile.menu_end) * (queue.talk_s + queue.acw_s) * 1_000
        return max(1, ceil(load + self.profile.comfort * sqrt(load)))

    def _arrive(self, what: tuple[_Queue, str, str]) -> None:
        queue, caller, redial_of = what
        now, random = self._now, self._random
        if self.paused or now >= self._end or not demand_factor(self._incidents, queue.name, now):
            return
        self._calls += 1
        true = TrueCall(call=f"{self._prefix}{self._calls:06d}", outcome="open", arrived_at=now, redial_of=redial_of)
        call = _Call(queue, true, caller or self._draw_caller())
        self._under_way[true.call] = call
        self._tell("arrived", call, caller=call.caller)
        menu = round(self._lognormal(self.profile.menu_s, _MENU_SIGMA) * 1_000)
        self._at(now + menu, self._leave_menu if random.random() < self.profile.menu_end else self._queue_up, call)

    def _draw_caller(self) -> str:
        """An invented number of eleven digits; no mobile number begins with 10. Empty: withheld."""
        if self._random.random() < self.profile.withheld:
            return ""
        person = self._random.randrange(self._callers)
        return f"10{person * 387_420_489 % _NUMBERS:09d}"

    def _leave_menu(self, call: _Call) -> None:
        call.true.ended_at = self._now
        call.true.outcome = "ended_in_menu"
        self._tell("ended", call)
        self._finish(call)

    def _queue_up(self, call: _Call) -> None:
        queue, true = call.queue, call.true
        true.queue, true.queued_at = queue.name, self._now
        true.language = queue.language.draw(self._random)
        self._tell("queued", call, queue=queue.name, language=true.language)
        if queue.busy < queue.staff:
            self._ring(call)
            return
        call.waiting = True
        queue.line.append(call)
        patience = self._random.expovariate(1 / queue.profile.patience_s)
        self._at(self._now + max(1, round(patience * 1_000)), self._lose_patience, call)

    def _ring(self, call: _Call) -> None:
        call.waiting = False
        call.agent = call.queue.take_agent()
        self._at(self._now + self._random.randrange(*_RING_MS), self._answer, call)

    def _lose_patience(self, call: _Call) -> None:
        if not call.waiting:
            return
        call.waiting = False
        true = call.true
        true.outcome, true.ended_at = "abandoned", self._now
        true.wait_ms = self._now - (true.queued_at or 0)
        self._tell("abandoned", call, queue=true.queue, wait_ms=true.wait_ms)
        self._finish(call)
        if call.caller and self._random.random() < self.profile.redial:
            later = round(self._lognormal(self.profile.redial_after_s, _REDIAL_SIGMA) * 1_000)
            self._at(self._now + later, self._arrive, (call.queue, call.caller, true.call))

    def _answer(self, call: _Call) -> None:
        true, profile = call.true, call.queue.profile
        true.outcome, true.answered_at = "answered", self._now
        true.wait_ms = self._now - (true.queued_at or 0)
        agent = f"{true.queue}-{call.agent:02d}"
        self._tell("answered", call, queue=true.queue, wait_ms=true.wait_ms, agent=agent)
        true.talk_ms = max(1_000, round(self._lognormal(profile.talk_s, profile.talk_sigma) * 1_000))
        self._at(self._now + true.talk_ms, self._hang_up, call)

    def _hang_up(self, call: _Call) -> None:
        true = call.true
        true.ended_at = self._now
        self._tell("ended", call, queue=true.queue, talk_ms=true.talk_ms)
        true.acw_ms = round(self._lognormal(call.queue.profile.acw_s, _ACW_SIGMA) * 1_000)
        self._at(self._now + true.acw_ms, self._wrap_up, call)

    def _wrap_up(self, call: _Call) -> None:
        true, queue = call.true, call.queue
        true.wrapped_at = self._now
        true.category = queue.category.draw(self._random)
        true.district = self._district.draw(self._random)
        self._tell(
            "wrapped", call, queue=true.queue, acw_ms=true.acw_ms, category=true.category, district=true.district
        )
        self._finish(call)
        queue.free_agent(call.agent)
        if queue.busy < queue.staff and (waiting := queue.next_waiting()):
            self._ring(waiting)

    def _finish(self, call: _Call) -> None:
        del self._under_way[call.true.call]
        self._truth.append(call.true)

    def _lognormal(self, mean: float, sigma: float) -> float:
        return self._random.lognormvariate(log(mean) - sigma * sigma / 2, sigma)

    def _tell(self, type_: EventType, call: _Call, **more: Any) -> None:
        self._events.append(CallEvent(type=type_, time=self._now, call=call.true.call, **self._common, **more))


def simulate(
    profile: Profile, seed: int, start: int, end: int, incidents: Sequence[Incident] = ()
) -> Iterator[CallEvent | Truth]:
    """All events of the calls that arrive from `start` until before `end` (ms), in order of time, and the truth.

    The truth about a call follows its last event; incidents come first.
    """
    yield from incidents
    simulation = Simulation(profile, seed, start, end=end, incidents=incidents)
    at = start
    while not simulation.over:
        at += 10 * MINUTE_MS
        yield from simulation.advance(at)
        yield from simulation.take_truth()
