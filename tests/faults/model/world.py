"""One scenario: a group of workers, a broker, a database, and a seed that decides what happens to them, and when.

Everything runs in one thread on a loop whose clock is the model's: a scenario is its seed, and can be replayed.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from unittest import mock

from aiokafka.errors import NotEnoughReplicasError
from structlog.testing import capture_logs

from deploy.runtime.alerts_settings import Alerts
from deploy.runtime.detection_settings import Demand
from deploy.runtime.settings import Cells, Hotline, Intake, Queue, Settings
from model.broker import PARTITIONS, Broker, Sending
from model.database import Database, Sink
from model.laws import called_final_too_early
from model.loop import Loop, a_loop
from model.member import Member, Place, on
from model.traffic import HOUR, LATENESS, MINUTE, START, Arrival, Plan, S, replay, traffic
from oracle.batch import compute
from oracle.compare import differences
from oracle.reading import Input
from oracle.rules import rules_of
from streams import call_book
from streams.contract.topics import CALLS, PARTIALS
from streams.processors import factory

PLACES: list[Place] = [*((CALLS, p) for p in range(PARTITIONS[CALLS])), (PARTIALS, 0)]
CALLS_IN_USE = (call_book.IN_USE, 0, 3)
SETTLED_MS = 3 * HOUR
"""After the last event: every call is over, given up or forgotten, every cell final."""


@dataclass(frozen=True)
class Weather:
    """How often what goes wrong does: weights of the scheduler's actions. `skew_ms`: clocks of workers."""

    kill: float = 1
    pause: float = 0.7
    join: float = 0.5
    leave: float = 0.3
    refuse: float = 0.3
    checkpoint: float = 2
    database: float = 1
    skew_ms: int = 40 * S
    members: int = 4
    delay: float = 0
    """How much of what a paused process had handed over arrives late, perhaps long after its successor's."""
    kill_after: str = ""
    """`outputs`, `shards`: what a process just wrote when it is killed, so that the checkpoint is never whole."""

    @classmethod
    def drawn(cls, rng: random.Random) -> "Weather":
        """Any mixture."""
        return cls(
            kill=rng.choice([0, 1, 4, 10]),
            pause=rng.choice([0, 1, 4, 10]),
            join=rng.choice([0, 0.5, 2]),
            leave=rng.choice([0, 0.3, 2]),
            refuse=rng.choice([0, 0.3, 3]),
            checkpoint=rng.choice([1, 2, 8]),
            database=rng.choice([0, 1, 5]),
            skew_ms=rng.choice([0, S, 40 * S]),
            members=rng.choice([1, 2, 4]),
            delay=rng.choice([0, 0.8]),
            kill_after=rng.choice(["", "", "outputs", "shards"]),
        )


@dataclass
class Outcome:
    """What became of a scenario. `happened`: how often each thing did."""

    seed: int
    differences: list[str]
    happened: Counter[str] = field(default_factory=Counter)
    ended: list[str] = field(default_factory=list)
    compared: Counter[str] = field(default_factory=Counter)


class StuckError(AssertionError):
    """The workers do not come to the end of the log, though everything is well again."""


@cache
def settings() -> Settings:
    """Two hotlines with promises of their own. No feed is judged: signals are another matter, and cost most."""
    return Settings(
        demo=True,
        alerts=Alerts(feed="none"),
        demand=Demand(learn_from=()),
        intake=Intake(allowed_lateness_s=LATENESS // S, lost_waiting_s=1_200, lost_talking_s=2_400, lost_agent_s=3_000),
        cells=Cells(
            dimension_sets={
                "queue": ("queue",),
                "category_1": ("category/1",),
                "district_1": ("district/1",),
                "of_both": ("centre", "queue"),
            }
        ),
        hotlines={
            "city": Hotline(thresholds_s=(20, 60), queues={"traffic": Queue(thresholds_s=(10,))}),
            "line-2": Hotline(thresholds_s=(15,), short_abandon_s=3),
        },
    )


class World:
    """The state of a scenario and what can happen next."""

    def __init__(
        self,
        rng: random.Random,
        arrivals: list[Arrival],
        weather: Weather,
        loop: Loop,
        known: Settings | None = None,
    ) -> None:
        self.rng = rng
        self.weather = weather
        self.broker = loop.broker = Broker(now=START)
        self.settings = known or settings()
        build = factory(self.settings)
        self._topics = {CALLS: build, PARTIALS: build}
        self.members: list[Member] = []
        self.database = Database()
        self.sink = Sink(self.broker, self.database, rng)
        self.happened: Counter[str] = Counter()
        self.ended: list[str] = []
        self.compared: Counter[str] = Counter()
        self.arrivals = arrivals
        self.next = 0
        self.loop = loop
        self._rebalancing: asyncio.Task[None] | None = None
        self._wanted = False
        self._named = 0

    async def run(self) -> None:
        for _ in range(self.rng.randint(1, 3)):
            self.join()
        while self.next < len(self.arrivals):
            await self._step(self._draw())
        await self._drain()

    # What can happen.

    def join(self) -> None:
        self._named += 1
        skew = self.rng.randint(-self.weather.skew_ms, self.weather.skew_ms)
        member = Member(f"w{self._named}", self.broker, self.settings, self._topics, skew)
        self.members.append(member)
        self._wanted = True

    def produce(self) -> None:
        """The next records arrive."""
        for arrival in self.arrivals[self.next : self.next + self.rng.choice([1, 2, 5, 20])]:
            self.broker.now = max(self.broker.now, arrival.at)
            self.broker.append(CALLS, arrival.partition, None, arrival.value)
            self.next += 1

    def pass_time(self) -> None:
        """Some time passes in which nothing arrives."""
        until = self.arrivals[self.next].at if self.next < len(self.arrivals) else self.broker.now + MINUTE
        self.broker.now = max(self.broker.now, min(until, self.broker.now + self.rng.choice([100, 500, 2_000, 30_000])))

    def poll(self, member: Member) -> None:
        for place in member.places:
            if place in member.fetch_at and self.rng.random() < 0.7:
                member.poll(place, self.rng.choice([1, 3, 10, 100]))

    def kill(self, member: Member, why: str = "killed") -> None:
        """The process is gone; what it had sent may have reached the broker or not."""
        for sending in list(self.broker.next_sendings()):
            if sending.client is member.client and self.rng.random() < 0.5:
                self.broker.land(sending)
        self.happened[f"killed after {member.client.stage or 'nothing'}"] += 1
        member.die(why)

    def land(self) -> None:
        """The broker takes something, or answers for it."""
        sendings = self.broker.next_sendings()
        self.rng.shuffle(sendings)
        for sending in sendings[: self.rng.randint(1, 6)]:
            member = self._of(sending)
            if not member.alive or (member.paused and self.rng.random() < self.weather.delay):
                continue
            self.broker.land(sending)
            if member.client.stage == self.weather.kill_after and self.rng.random() < 0.2:
                self.kill(member)
            elif not member.paused and self.rng.random() < 0.8:
                self.broker.answer(sending)

    def refuse(self) -> None:
        """The broker does not take a record: whoever sent it must end."""
        waiting = [it for it in self.broker.next_sendings() if not it.landed and not self._of(it).paused]
        if waiting:
            self.broker.answer(self.rng.choice(waiting), NotEnoughReplicasError())

    def _of(self, sending: Sending) -> Member:
        return next(member for member in self.members if member.client is sending.client)

    def _draw(self) -> Callable[[], None]:
        """What happens next."""
        rng, weather = self.rng, self.weather
        up = [member for member in self.members if member.alive and not member.paused]
        paused = [member for member in self.members if member.alive and member.paused]
        actions: list[tuple[str, float, Callable[[], None]]] = [
            ("produce", 12, self.produce),
            ("time", 4, self.pass_time),
            ("land", 14, self.land),
            ("store", 2, lambda: self.sink.work(rng.choice([5, 50, 1000]))),
            ("sink_crash", 0.3 * weather.database, self.sink.crash),
            ("database", 0.3 * weather.database, self._database),
        ]
        if up:
            member = rng.choice(up)
            actions += [
                ("poll", 12, lambda: self.poll(member)),
                ("work", 12, member.work),
                ("tick", 8, member.tick),
                ("checkpoint", weather.checkpoint, lambda: self._checkpoint(member)),
                ("kill", 0.4 * weather.kill, lambda: self.kill(member)),
                ("pause", 0.4 * weather.pause, lambda: self._pause(member)),
                ("leave", 0.3 * weather.leave, lambda: self._leave(member)),
                ("refuse", 0.3 * weather.refuse, self.refuse),
                ("unheard", 0.3 * weather.pause, lambda: self._unheard(member)),
            ]
        if paused:
            sleeper = rng.choice(paused)
            actions.append(("wake", 1.5, lambda: self._wake(sleeper)))
        silent = [member for member in self.members if member.alive and (member.paused or member.unheard)]
        if silent:
            lost = rng.choice(silent)
            actions.append(("expire", 1.5, lambda: self._expire(lost)))
        if not up or len(up) < weather.members:
            actions.append(("join", 5 if not up else 0.5 * weather.join, self.join))
        stale = [member for member in up if member.stale]
        if stale:
            actions.append(("notice", 1.5, lambda: self._notice(stale[0])))
        name, _, action = rng.choices(actions, [weight for _, weight, _ in actions])[0]
        self.happened[name] += 1
        return action

    def _database(self) -> None:
        self.database.away = not self.database.away

    def _checkpoint(self, member: Member) -> None:
        member.checkpoint()

    def _pause(self, member: Member) -> None:
        member.paused = True

    def _unheard(self, member: Member) -> None:
        """The group's coordinator does not answer a member any more, or does again."""
        member.unheard = not member.unheard

    def _wake(self, member: Member) -> None:
        member.paused = False

    def _expire(self, member: Member) -> None:
        """The group gives a member up that it does not hear: its partitions go to others, and it does not know."""
        if not member.stale and member.places:
            member.stale = True
            self._wanted = True

    def _notice(self, member: Member) -> None:
        """A member that woke up learns that it was given up: it lets go and joins again."""
        self._wanted = True

    def _leave(self, member: Member) -> None:
        self.leaving = member.start(self._left(member))

    async def _left(self, member: Member) -> None:
        await member.shell.revoked()
        member.die("left")

    async def _step(self, action: Callable[[], None]) -> None:
        action()
        await self.loop.quiet()
        for member in self.members:
            member.look_at_clocks()
        dead = [member for member in self.members if not member.alive]
        if dead:
            self.ended += [member.why for member in dead]
            self.members = [member for member in self.members if member.alive]
            self._wanted = True
        if self._wanted and (self._rebalancing is None or self._rebalancing.done()):
            self._wanted = False
            self._rebalancing = asyncio.create_task(self._rebalance())
            self.happened["rebalance"] += 1
        await self.loop.quiet()

    async def _rebalance(self) -> None:
        """Everybody lets go (writing what is safe), then the partitions are dealt anew; one that sleeps is left out."""
        await self._all(lambda member: member.shell.revoked(), [m for m in self.members if not m.paused])
        there = [member for member in self.members if member.alive and not member.paused]
        for member in self.members:
            if member.paused and member.places:
                member.stale = True
        if not there:
            self._wanted = bool(self.members)
            return
        dealt: dict[str, set[Place]] = {member.name: set() for member in there}
        for place in PLACES:
            dealt[self.rng.choice(there).name].add(place)
        keep = self.rng.random() < 0.5
        await self._all(lambda member: member.take_over(frozenset(dealt[member.name]), keep), there)

    async def _all(self, work: Callable[[Member], Coroutine[Any, Any, Any]], members: list[Member]) -> None:
        await asyncio.gather(*(member.start(work(member)) for member in members), return_exceptions=True)

    # The end: everything heals, everything is told.

    async def _drain(self) -> None:
        """All faults end; what is left is read, told and stored; then time passes until every call is over."""
        for member in self.members:
            if member.paused and self.rng.random() < 0.5:
                self.kill(member)
            member.paused = member.unheard = False
        self.database.away = False
        self.join()
        await self._until_told()
        last = self.broker.now
        while self.broker.now < last + SETTLED_MS:
            self.broker.now += self.rng.choice([10 * MINUTE, HOUR, 3 * HOUR])
            await self._until_told()
        while not self.sink.done:
            self.sink.work(10_000)

    async def _until_told(self) -> None:
        """Everything is read, every clock is now, and what follows from that is merged and written down."""
        for _ in range(1_000):
            self.broker.now += 100  # whoever asks again later does
            await self._read_on()
            read = all(member.idle for member in self.members) and self._all_read()
            if read and not (self._rebalancing and not self._rebalancing.done()):
                break
        else:
            raise StuckError(f"the workers do not come to the end of the log: {self.ended[-5:]}")
        for member in self.members:
            for place in member.places:
                member.poll(place, 1)
            await self._step(member.tick)
        await self._answer_all()
        await self._read_on()
        for member in self.members:
            await self._step(lambda member=member: self._checkpoint(member))  # type: ignore[misc]
        await self._answer_all()

    async def _read_on(self) -> None:
        for member in self.members:
            for place in member.places:
                if place in member.fetch_at:
                    member.poll(place, 10_000)
            await self._step(member.work)
        await self._answer_all()

    def _all_read(self) -> bool:
        owned = {place: m for m in self.members if not m.stale for place in m.places}
        return set(owned) == set(PLACES) and all(
            owned[place].shell._owned[place].position.next >= self.broker.end(*place) for place in PLACES
        )

    async def _answer_all(self) -> None:
        while sendings := self.broker.next_sendings():
            for sending in sendings:
                self.broker.land(sending)
                self.broker.answer(sending)
            await self._step(lambda: None)

    def differences(self) -> list[str]:
        """Where the database and the batch computation over the input topic disagree."""
        records = [
            Input(p, it.offset, it.timestamp, it.value)
            for t, p in PLACES
            if t == CALLS
            for it in self.broker.logs[t, p]
        ]
        told = self.database.answer()
        truth = compute(records, rules_of(self.settings), self.broker.now)
        present = {(feed, generation) for feed, generation, _ in truth.visits} | {("live", 0)}
        told.visits = {key: row for key, row in told.visits.items() if key[:2] in present}
        told.cells = {key: counts for key, counts in told.cells.items() if (key.feed, key.generation) in present}
        self.compared.update(
            records=len(records), visits=len(truth.visits), cells=len(truth.cells), letters=len(truth.letters)
        )
        return differences(told, truth) + called_final_too_early(self.broker)


def scenario(seed: int, weather: Weather | None = None, plan: Plan | None = None) -> Outcome:
    """Run one; the seed decides everything, also how few calls are kept unpacked and lie on a shelf."""
    rng = random.Random(seed)
    span = rng.choice([5 * MINUTE, 20 * MINUTE, 50 * MINUTE, 100 * MINUTE])
    plan = plan or Plan(calls=rng.choice([8, 15, 30]), span_ms=span)
    arrivals = traffic(rng, plan, PARTITIONS[CALLS])
    if rng.random() < 0.3:
        calls = rng.choice([4, 12])
        for _ in range(rng.choice([1, 2])):
            at = START + rng.randrange(span)
            arrivals += replay(rng, "replay-file", at, calls=calls, partitions=PARTITIONS[CALLS])
        arrivals.sort(key=lambda arrival: arrival.at)
    in_use = CALLS_IN_USE[seed % len(CALLS_IN_USE)]
    books = mock.patch.multiple(call_book, IN_USE=in_use, SHELF_CALLS=min(call_book.SHELF_CALLS, in_use + 4))
    with a_loop() as loop, books:
        return outcome_of(seed, World(rng, arrivals, weather or Weather.drawn(rng), loop))


def outcome_of(seed: int, world: World) -> Outcome:
    """Let it run to its end, and compare."""
    with capture_logs(), on(world.broker, world.rng):
        world.loop.run_until_complete(world.run())
        return Outcome(seed, world.differences(), world.happened, world.ended, world.compared)
