"""A worker process in the model: the real shell (`Worker`, `OwnedPartition`, `Outbox`, `StateLog`) on a broker in memory.

Killed, it is gone with everything that had not landed. Paused, it holds what it holds and goes on from there.
"""

import asyncio
import random
from collections import deque
from collections.abc import Coroutine, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any, NoReturn
from unittest import mock

from deploy.runtime import ending, outbox, owned, state_log, worker
from deploy.runtime.chunks import Chunk, cut
from deploy.runtime.processor import ProcessorFactory, Record
from deploy.runtime.settings import Settings
from deploy.runtime.transport import FETCHED_RECENTLY_S, Fetched
from model.broker import Broker, Client, partition_counts, reading_of
from model.laws import BrokenError
from streams.contract.topics import PARTIALS, STATE_STREAMS

Place = tuple[str, int]


class Ended(Exception):  # noqa: N818
    """The process ended itself."""


_running: ContextVar["Member"] = ContextVar("running")


def running() -> "Member":
    """The process that this runs in."""
    return _running.get()


def _end_process(event: str, *, error: BaseException | None = None, **facts: Any) -> NoReturn:
    member = running()
    member.die(f"{event} {error or ''} {facts or ''}")
    raise Ended(event) from error


class Reading:
    """What the worker asks of its consumer."""

    def __init__(self, member: "Member") -> None:
        self._member = member

    @property
    def sure(self) -> bool:
        return not self._member.stale and not self._member.unheard

    def fetched(self, topic: str, partition: int) -> Fetched | None:
        return self._member.fetched(topic, partition)

    async def seek_back(self, topic: str, partition: int, offset: int) -> None:
        self._member.fetch_at[topic, partition] = offset


class Member:
    """One process of the group. `skew`: how far its wall clock is from the broker's, ms.

    `stale`: the group has given it up, and it does not know. `unheard`: it hears nothing from the group, for long.
    """

    def __init__(
        self, name: str, broker: Broker, settings: Settings, topics: Mapping[str, ProcessorFactory], skew: int
    ) -> None:
        self.name = name
        self.broker = broker
        self.skew = skew
        self.alive = True
        self.broken: BaseException | None = None
        self.paused = False
        self.why = ""
        self.client = Client(broker)
        self.fetch_at: dict[Place, int] = {}
        self.stale = False
        self.unheard = False
        self._polled: dict[Place, tuple[int, int]] = {}
        self._delivered: dict[Place, int] = {}
        self._buffers: dict[str, deque[tuple[int, Chunk]]] = {topic: deque() for topic in topics}
        self._clocks: dict[Place, tuple[owned.OwnedPartition, int]] = {}
        self._taking: dict[str, asyncio.Task[Any]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        app = SimpleNamespace(writing=self.client, reading=Reading(self))
        with mock.patch.object(worker, "build_app", return_value=app):
            self.shell = worker.Worker("model", settings, topics, STATE_STREAMS, trace=(PARTIALS, 0))

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run something as part of this process."""
        token = _running.set(self)
        task = asyncio.create_task(work)
        _running.reset(token)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        """What fails in any other way than by ending the process is a mistake that nobody would see."""
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error and not isinstance(error, Ended):
            self.broken = self.broken or error

    def call(self, function: Any, *args: Any) -> None:
        """Call something as part of this process."""
        token = _running.set(self)
        try:
            function(*args)
        except Ended:
            pass
        finally:
            _running.reset(token)

    @property
    def places(self) -> list[Place]:
        return sorted(self.shell._owned)

    def die(self, why: str) -> None:
        self.alive, self.why = False, why
        self.broker.forget(self.client)
        for task in [*self._tasks, *(it._outbox._task for it in self.shell._owned.values() if it._outbox)]:
            task.cancel()

    def poll(self, place: Place, most: int) -> None:
        """A fetch of one partition is answered."""
        at = self.fetch_at[place]
        found = self.broker.logs[place][at : at + most]
        if found:
            records = [Record(it.offset, it.timestamp, it.key, it.value) for it in found]
            self._buffers[place[0]].extend((place[1], chunk) for chunk in cut(records))
            self.fetch_at[place] = self._delivered[place] = at + len(found)
        self._polled[place] = self.broker.now, self.broker.end(*place)

    def fetched(self, topic: str, partition: int) -> Fetched | None:
        place = topic, partition
        if place not in self._polled or place not in self.fetch_at:
            return None
        at, end = self._polled[place]
        recent = self.broker.now - at < FETCHED_RECENTLY_S * 1000
        return Fetched(self.fetch_at[place], self._delivered.get(place, 0), end, recent)

    def work(self) -> None:
        """Take the next fetched chunk of each topic that has none under way."""
        for topic, buffer in self._buffers.items():
            taking = self._taking.get(topic)
            if buffer and (taking is None or taking.done()):
                partition, chunk = buffer.popleft()
                self._taking[topic] = self.start(self.shell._take(topic, partition, chunk))

    @property
    def idle(self) -> bool:
        return not any(self._buffers.values()) and all(task.done() for task in self._taking.values())

    def tick(self) -> None:
        """What `Worker._tick` does every 500 ms."""

        def tick() -> None:
            for place, it in list(self.shell._owned.items()):
                if not it.lost:
                    it.caught_up = self.shell._progress.caught_up(place, it)
                    it.tick(self.broker.now + self.skew)

        self.call(tick)

    def look_at_clocks(self) -> None:
        """The clock of a partition never goes back while one process has it, and nothing has failed unseen."""
        if self.broken:
            raise BrokenError(f"{self.name}: {self.broken!r}") from self.broken
        for place, it in self.shell._owned.items():
            its, last = self._clocks.get(place, (None, 0))
            clock = it.processor.clock
            if its is it and clock < last:
                raise BrokenError(f"the clock of {place} went back from {last} to {clock}")
            self._clocks[place] = it, clock

    def checkpoint(self) -> asyncio.Task[Any]:
        return self.start(self.shell._checkpoint(list(self.shell._owned.values())))

    async def take_over(self, assigned: frozenset[Place], keep_buffers: bool) -> None:
        """What the transport does after a rebalance."""
        self.stale = False
        if not assigned:
            self.shell.assigned()
            return
        self.fetch_at = dict(await self.shell.positions(assigned))
        self._polled.clear()
        if not keep_buffers:
            for buffer in self._buffers.values():
                buffer.clear()
        self.shell.assigned()


class _Instant:
    """Stands for `time` in the owned partition: how much fits into a slice is drawn, not measured."""

    def __init__(self, rng: random.Random, broker: Broker) -> None:
        self._rng = rng
        self._broker = broker
        self._at = 0.0

    def time(self) -> float:
        return (self._broker.now + running().skew) / 1000

    def monotonic(self) -> float:
        return self._broker.now / 1000

    def perf_counter(self) -> float:
        self._at += self._rng.choice([1e-5, 1e-4, 1e-2])
        return self._at


@contextmanager
def on(broker: Broker, rng: random.Random) -> Any:
    """The shell's modules stand on this broker, and a process that ends itself is a member that dies."""
    reading = reading_of(broker)
    with (
        mock.patch.object(worker, "reading", reading),
        mock.patch.object(worker, "partition_counts", partition_counts),
        mock.patch.object(state_log, "reading", reading),
        mock.patch.object(state_log, "partition_counts", partition_counts),
        mock.patch.object(state_log, "time", SimpleNamespace(time=lambda: broker.now / 1000)),
        mock.patch.object(owned, "time", _Instant(rng, broker)),
        mock.patch.object(ending, "end_process", _end_process),
        mock.patch.object(owned, "end_process", _end_process),
        mock.patch.object(outbox, "end_process", _end_process),
        mock.patch.object(worker, "end_process", _end_process),
    ):
        yield
