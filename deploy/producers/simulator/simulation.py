"""The simulation itself: discrete events in a heap, pure and deterministic.

`advance(until)` lets simulated time pass and hands over the events of that time in order. How it is
sliced does not matter: arrivals are drawn minute by minute of simulated time, everything else as it
happens, from one generator of random numbers.
"""

from collections.abc import Iterator, Sequence

from deploy.producers.simulator.afterwards import Afterwards
from deploy.producers.simulator.callers import Callers
from deploy.producers.simulator.calls import Call, Register
from deploy.producers.simulator.conversation import Conversation
from deploy.producers.simulator.demand import MINUTE_MS, Demand
from deploy.producers.simulator.floor import Floor
from deploy.producers.simulator.incidents import Incident, demand_factor
from deploy.producers.simulator.notes import Notes
from deploy.producers.simulator.profile import Profile, named
from deploy.producers.simulator.routing import Queue, lines_of, queues_of
from deploy.producers.simulator.sources import Sources
from deploy.producers.simulator.switchboard import Switchboard
from deploy.producers.simulator.truth import Truth
from deploy.producers.simulator.world import World
from streams.contract import LIVE, CallEvent

_FOREVER = 2**62


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
        feed: str = LIVE,
        generation: int = 0,
    ) -> None:
        self.profile = profile
        self.paused = False
        self._world = world = World(profile, seed, start, feed, generation)
        self._demand = demand = Demand(profile, seed)
        self._incidents = tuple(incidents)
        self._boundaries = sorted({at for incident in incidents for at in (incident.start, incident.end)})
        self._prefixes = {site: named(profile.sites, site, "-", f"s{start:x}-") for site in profile.sites}
        self._calls = 0
        self._end = _FOREVER if end is None else end
        self._queues = queues_of(profile)
        callers = Callers(world, Notes(self._incidents))
        self._register = register = Register(world.tell_truth)
        self._floor = floor = Floor(world, self._queues, demand, self._incidents)
        lines = lines_of(profile, demand, start)
        self._switchboard = Switchboard(world, callers, register, floor, lines=lines, call_again=self._arrive)
        conversation = Conversation(world, callers, register, floor, self._transfer)
        self._switchboard.answer = conversation.answer
        self._switchboard.call_back = conversation.call_back
        self._afterwards = Afterwards(world)
        register.over = self._afterwards.over
        self._sources = Sources(world, register, floor, self._incidents) if profile.habits.agents_told else None
        world.at(start, self._open, None)

    def advance(self, until: int) -> list[CallEvent]:
        """Everything that happens up to `until` (ms, included), in order of time."""
        self._world.advance(until)
        return self._world.take_events()

    def take_truth(self) -> list[Truth]:
        """What became certain since the last time this was asked: calls and agents' intervals that are over, ratings."""
        return self._world.take_truth()

    def snapshot(self, now: int) -> list[CallEvent]:
        """What a restarted source sends of the present, as of `now` (ms, up to which it was advanced)."""
        if self._sources is None:
            return []
        self._world.now = now
        for site in self.profile.sites:
            self._sources.snapshot(site.source)
        return self._world.take_events()

    def close(self, now: int) -> list[CallEvent]:
        """Every call is over: agents log out as of `now` (ms), unless they have."""
        if not self._floor.closed:
            self._world.now = max(now, self._world.now)
            self._floor.close()
        return self._world.take_events()

    def end_feed(self) -> list[CallEvent]:
        """That nothing more of the feed is to come."""
        self._world.tell("feed_end", self.profile.sites[0].source)
        return self._world.take_events()

    def stop_arrivals(self, at: int) -> None:
        """From `at` (ms) on nobody calls any more."""
        self._end = min(self._end, at)

    @property
    def arrivals_over(self) -> bool:
        """Whether nobody calls any more at the time reached."""
        return self._world.now >= self._end

    @property
    def over(self) -> bool:
        """Whether nobody calls any more and every call has ended; callbacks, ratings and the like may be to come."""
        return self.arrivals_over and not self.under_way

    @property
    def under_way(self) -> int:
        """How many calls are."""
        return len(self._register.under_way)

    @property
    def settled(self) -> bool:
        """Whether nothing at all is to come."""
        return self._floor.closed and not self._afterwards.pending

    def so_far(self) -> list[Truth]:
        """The truth so far about what is still under way."""
        return [*self._register.so_far(), *self._floor.so_far()]

    def _open(self, _: None) -> None:
        self._minute(None)
        if self._sources is not None:
            self._sources.begin()

    def _minute(self, _: None) -> None:
        """Draw the arrivals until the next full minute or change of an incident, and set the staff."""
        world, now = self._world, self._world.now
        if self.over and not self._register.to_call_back:
            self._floor.close()
            return
        self._floor.staff(at_once=now in self._boundaries)
        then = now - now % MINUTE_MS + MINUTE_MS
        then = next((at for at in self._boundaries if now < at < then), then)
        if now < self._end:
            local = self._demand.local(now)
            for queue in self._queues:
                self._draw(queue, now, min(then, self._end), self._demand.actual(queue.profile, local))
        world.at(then, self._minute, None)

    def _draw(self, queue: Queue, now: int, then: int, rate: float) -> None:
        rate *= demand_factor(self._incidents, queue.name, now)
        if rate <= 0:
            return
        random = self._world.random
        time = now + random.expovariate(rate)
        while time < then:
            self._world.at(int(time), self._arrive, (queue, "", ""))
            time += random.expovariate(rate)

    def _arrive(self, what: tuple[Queue, str, str]) -> None:
        """A call comes to a queue's topic: a new one, or `number` again after the call `redial_of`."""
        queue, number, redial_of = what
        now, sites = self._world.now, self.profile.sites
        if self.paused or now >= self._end or not demand_factor(self._incidents, queue.name, now):
            return
        self._calls += 1
        site = sites[self._world.random.randrange(len(sites))] if len(sites) > 1 else sites[0]
        call = Call(f"{self._prefixes[site]}{self._calls:06d}", queue, site.source, now)
        call.redial_of = redial_of
        self._switchboard.take(call, number, site.centre)

    def _transfer(self, call: Call, queue: Queue) -> None:
        self._switchboard.queue_up(call, queue, transferred=True)


def simulate(
    profile: Profile, seed: int, start: int, end: int, incidents: Sequence[Incident] = (), *, settle: bool = False
) -> Iterator[CallEvent | Truth]:
    """All events of the calls that arrive from `start` until before `end` (ms), in order of time, and the truth.

    The truth about a call follows its last event; incidents come first. With `settle`, ratings and the like that
    come days later are waited for.
    """
    yield from incidents
    simulation = Simulation(profile, seed, start, end=end, incidents=incidents)
    at = start
    while not (simulation.settled if settle else simulation.over):
        at += 10 * MINUTE_MS
        yield from simulation.advance(at)
        yield from simulation.take_truth()
    yield from simulation.close(at)
    yield from simulation.take_truth()
    yield from simulation.so_far()
