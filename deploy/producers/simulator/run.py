"""Publishing a simulation: as it happens, faster, or as fast as possible; paused and stopped from outside."""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self, TextIO

import msgspec

from deploy.producers.publisher import Publisher
from deploy.producers.replay import markers
from deploy.producers.simulator.demand import DAY_MS, Demand
from deploy.producers.simulator.pace import Pace, unhindered
from deploy.producers.simulator.profile import Profile
from deploy.producers.simulator.simulation import Simulation
from deploy.producers.simulator.sources import Delivery, messages
from deploy.producers.simulator.truth import Truth
from streams.contract import CallEvent

TICK_S = 0.2
STEP_MS = 600_000
_encode = msgspec.json.Encoder().encode


class Control:
    """What people ask of a running simulation; `changed` wakes it up, and those `at_stop` are told to stop now."""

    def __init__(self, *, drain: bool = False) -> None:
        self.at_stop: list[Callable[[], None]] = []
        self.paused = False
        self.stopping = False
        self.drain = drain
        self.changed = asyncio.Event()

    def toggle_pause(self) -> None:
        """Nobody calls any more (calls under way go on), or calls again."""
        self.paused = not self.paused
        self.changed.set()

    def stop(self) -> None:
        """Stop now; with `drain`, stop arrivals and go on until every call is over. Twice: stop now."""
        self.drain = self.drain and not self.stopping
        self.stopping = True
        self.changed.set()
        if not self.drain:
            for tell in self.at_stop:
                tell()


class TruthLog:
    """The truth file, one JSON object per line; without a path it writes nothing."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: TextIO | None = None

    @property
    def wanted(self) -> bool:
        """Whether there is a file to write to."""
        return self._path is not None

    def __enter__(self) -> Self:
        if self._path is not None:
            self._file = self._path.open("w", encoding="utf-8")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, records: Sequence[Truth]) -> None:
        if self._file is not None and records:
            self._file.writelines(_encode(record).decode() + "\n" for record in records)
            self._file.flush()


class Toggle(NamedTuple):
    """Arrivals were stopped or let in again at this simulated time (ms)."""

    at: int
    paused: bool


class Runner:
    """Publishes one simulation by way of `delivery`. `sent_until`: time (ms) up to which everything is acknowledged.

    `truth_from`: only what began since then is in the truth. `toggles` lists every pause. With `ends` the feed is
    complete when every call is over, and says so; a run that is stopped before leaves it open.
    """

    def __init__(
        self,
        simulation: Simulation,
        publisher: Publisher,
        control: Control,
        truth: TruthLog,
        delivery: Delivery | None = None,
        *,
        truth_from: int = 0,
        sent_until: int = 0,
        ends: bool = False,
    ) -> None:
        self._simulation = simulation
        self._publisher = publisher
        self._control = control
        self._truth = truth
        self._delivery = delivery or Delivery(after=sent_until)
        self._truth_from = truth_from
        self._ends = ends
        self.sent_until = sent_until
        self.toggles: list[Toggle] = []
        self.published = 0

    async def catch_up(self, until: int, toggles: Sequence[Toggle] = ()) -> None:
        """Send what lies before `until` at once, except what was sent already; pauses as they were.

        A run that goes on tells by snapshots what is open now, as restarted sources do.
        """
        goes_on = bool(self.sent_until)
        for toggle in toggles:
            await self._send(toggle.at)
            self._simulation.paused = toggle.paused
            self.toggles.append(toggle)
        await self._send(until)
        if goes_on:
            await self._publish(self._delivery.send(self._simulation.snapshot(until), until))
            await self._publisher.flush()

    async def as_it_happens(self, clock: Callable[[], int], sent: Callable[["Runner"], None] = lambda _: None) -> None:
        """Follow `clock` (simulated ms) until stopped, or until every call is over; `sent` is told each time."""
        control, simulation = self._control, self._simulation
        now = 0
        while not simulation.over:
            now = clock()
            if control.stopping:
                if not control.drain:
                    break
                simulation.stop_arrivals(now)
            await self._send(now)
            if control.paused != simulation.paused:
                simulation.paused = control.paused
                self.toggles.append(Toggle(now, control.paused))
            sent(self)
            control.changed.clear()
            try:
                await asyncio.wait_for(control.changed.wait(), TICK_S)
            except TimeoutError:
                continue
        await self._end(now)

    async def at_full_speed(
        self,
        start: int,
        progress: Callable[[int], None] = lambda _: None,
        *,
        settle: bool = True,
        pace: Pace = unhindered,
    ) -> None:
        """Go from `start` (ms) in steps until every call is over; `progress` is told the time reached.

        With `settle` also what comes later is sent: callbacks, ratings, re-classifications.
        """
        at, simulation, control = start, self._simulation, self._control
        while not (simulation.settled if settle else simulation.over) and not (control.stopping and not control.drain):
            if control.stopping:
                simulation.stop_arrivals(at)
            simulation.paused = control.paused
            at += STEP_MS
            await self._send(at, flush=False)
            progress(at)
            await pace(self.published)
        await self._end(at)

    async def _send(self, until: int, *, flush: bool = True) -> None:
        await self._publish(self._delivery.send(self._simulation.advance(until), until))
        if flush:
            await self._publisher.flush()
        self.sent_until = max(self.sent_until, until) if flush else self.sent_until
        self._tell_truth(self._simulation.take_truth())

    async def _publish(self, events: Sequence[CallEvent]) -> None:
        self.published += await self._publisher.publish(messages(events, self._publisher.partitions))

    async def _end(self, now: int) -> None:
        """Send what is held back; when every call is over, agents log out, and the feed may end. Then tell what is under way."""
        if self._simulation.over:
            await self._publish(self._delivery.send(self._simulation.close(now), None))
        await self._publisher.flush()
        if self._ends and self._simulation.over and (self._control.drain or not self._control.stopping):
            await self._publisher.publish(messages(self._simulation.end_feed(), self._publisher.partitions))
            await self._publisher.flush()
        self._tell_truth(self._simulation.take_truth())
        self._tell_truth(self._simulation.so_far())
        self._truth.write(self._delivery.counts())

    def _tell_truth(self, records: Sequence[Truth]) -> None:
        self._truth.write([record for record in records if record.at >= self._truth_from])


def history_span(profile: Profile, until: int, days: int) -> tuple[int, int]:
    """The whole local days (ms) before the day of `until`."""
    demand = Demand(profile, 0)
    midnight = demand.local(until).replace(hour=0, minute=0, second=0, microsecond=0)
    first = demand.local(round(midnight.timestamp() * 1000) - days * DAY_MS + DAY_MS // 2)
    first = first.replace(hour=0, minute=0, second=0, microsecond=0)
    return round(first.timestamp() * 1000), round(midnight.timestamp() * 1000)


async def send_history(
    publisher: Publisher,
    profile: Profile,
    seed: int,
    *,
    feed: str,
    span: tuple[int, int],
    control: Control,
    progress: Callable[[int], None] = lambda _: None,
    pace: Pace = unhindered,
) -> tuple[int, int]:
    """Publish the calls of `span` as a feed of its own between its markers; its generation and number of events.

    Agents, heartbeats and what came after the span's last call are left out: a history is for learning from.

    If it is stopped on the way the feed has no end, and views go on showing what they showed before.
    """
    generation = time.time_ns() // 1_000_000
    told = profile._replace(habits=profile.habits._replace(agents_told=False))
    simulation = Simulation(told, seed, span[0], end=span[1], feed=feed, generation=generation)
    runner = Runner(simulation, publisher, control, TruthLog(None))
    marks = markers(
        hotline=profile.hotline,
        source=profile.sites[0].source,
        feed=feed,
        generation=generation,
        span=span,
        last=span[1] - 1,
    )
    await publisher.publish(marks.to_all(marks.begin, publisher.partitions))
    await runner.at_full_speed(span[0], progress, settle=False, pace=pace)
    if not control.stopping:
        await publisher.publish(marks.to_all(marks.end, publisher.partitions))
        await publisher.flush()
    return generation, runner.published
