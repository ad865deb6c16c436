"""Each safeguard of the engine, taken away: with it gone, scenarios must find something wrong.

A safeguard is a context in which the engine runs without it, and the weather that brings it out.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple
from unittest import mock

from aiokafka.errors import KafkaError

from deploy.runtime import state_taking
from deploy.runtime.outbox import Outbox
from deploy.runtime.owned import OwnedPartition
from deploy.runtime.processor import Record
from deploy.runtime.state_log import StateLog
from deploy.runtime.state_records import Shard
from deploy.runtime.state_taking import Taking
from deploy.runtime.worker import Worker
from model.database import Database
from model.many import judged
from model.member import Reading, running
from model.world import Weather
from streams.feed import Feed
from streams.merged_feed import MergedFeed
from streams.partition import CallsPartition


class Safeguard(NamedTuple):
    """`without`: a context in which it is gone. `first`: the seed to begin with, where it shows rarely."""

    without: Callable[[], AbstractContextManager[None]]
    weather: Weather
    first: int = 0


@contextmanager
def resume_at_the_commit() -> Iterator[None]:
    """The group's commit runs ahead of the checkpoint, and whoever takes over begins there."""
    commits: dict[tuple[int, str, int], int] = {}
    apply, restored = OwnedPartition.apply, Worker._restored

    def place(topic: str, partition: int) -> tuple[int, str, int]:
        return id(running().broker), topic, partition

    async def committing(self: OwnedPartition, chunk: Any) -> None:
        await apply(self, chunk)
        commits[place(self.topic, self.partition)] = self.position.next

    def at_the_commit(self: Worker, where: tuple[str, int], *args: Any, **named: Any) -> OwnedPartition:
        owned = restored(self, where, *args, **named)
        owned.position.next = max(owned.position.next, commits.get(place(*where), 0))
        return owned

    with mock.patch.object(OwnedPartition, "apply", committing), mock.patch.object(Worker, "_restored", at_the_commit):
        yield


class _Deaf:
    """A producer whose failures nobody hears of."""

    def __init__(self, producer: Any) -> None:
        self._producer = producer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._producer, name)

    async def send(self, *args: Any) -> Any:
        return asyncio.ensure_future(_unheard(await self._producer.send(*args)))

    async def send_and_wait(self, *args: Any) -> None:
        await _unheard(await self._producer.send(*args))


async def _unheard(sent: Any) -> None:
    try:
        await sent
    except KafkaError:
        return


@contextmanager
def ignore_failed_checkpoints() -> Iterator[None]:
    """A record of the state log that the broker refused counts as written."""
    write = StateLog.write

    async def deaf(self: StateLog, producer: Any, *args: Any) -> int:
        return await write(self, _Deaf(producer), *args)

    with mock.patch.object(StateLog, "write", deaf):
        yield


@contextmanager
def the_paused_one_wins() -> Iterator[None]:
    """Every owner writes under the same epoch and name, so that the last to write stands, whoever it is."""
    init = Taking.__init__

    def nameless(self: Taking, place: Any, epoch: int, owner: str, leftover: Sequence[bytes] = ()) -> None:
        init(self, place, 1, "owner")

    with mock.patch.object(Taking, "__init__", nameless):
        yield


@contextmanager
def no_versions() -> Iterator[None]:
    """Whoever receives something keeps what came last."""

    def store(self: Database, key: tuple[Any, ...], version: Any, row: Any) -> None:
        self.rows[key] = version, row

    with mock.patch.object(Database, "store", store):
        yield


@contextmanager
def no_epochs_in_bundles() -> Iterator[None]:
    """The merger does not know which owner of a partition tells something, only how far it is."""
    resumed = CallsPartition.resumed

    def nameless(self: CallsPartition, end: int, epoch: int, *, first: bool) -> None:
        resumed(self, end, 0, first=first)

    with mock.patch.object(CallsPartition, "resumed", nameless):
        yield


@contextmanager
def tell_after_having_hung() -> Iterator[None]:
    """A worker that wakes up goes on as if it had never slept, until the group tells it."""
    with mock.patch.object(Reading, "sure", True):
        yield


@contextmanager
def tell_before_the_first_manifest() -> Iterator[None]:
    """An owner tells at once; that there is one at all, the log of states shows with its first checkpoint."""
    init = Outbox.__init__

    async def begun() -> None:
        return

    def at_once(self: Outbox, sender: Any, on_sent: Any, begin: Any) -> None:
        init(self, sender, on_sent, begun)

    with mock.patch.object(Outbox, "__init__", at_once):
        yield


@contextmanager
def nothing_keeps_the_hung_apart() -> Iterator[None]:
    """All three are gone. One alone is hardly ever missed: the others catch what it would."""
    with no_epochs_in_bundles(), tell_after_having_hung(), tell_before_the_first_manifest():
        yield


@contextmanager
def lateness_by_wall_clock() -> Iterator[None]:
    """Lateness is what the worker's clock says when it reads the record."""
    accept = CallsPartition._accept

    def accept_now(self: CallsPartition, record: Record, accepted: Any) -> None:
        member = running()
        accept(self, record._replace(timestamp=member.broker.now + member.skew), accepted)

    with mock.patch.object(CallsPartition, "_accept", accept_now):
        yield


@contextmanager
def clocks_go_back() -> Iterator[None]:
    """A partition's clock is whatever was seen last."""
    apply, tick, settle = CallsPartition.apply, CallsPartition.tick, Feed.settle

    def apply_back(self: CallsPartition, records: Sequence[Record]) -> None:
        self._clock = 0
        apply(self, records)

    def tick_back(self: CallsPartition, now: int, *, caught_up: bool) -> None:
        self._clock = 0 if caught_up else self._clock
        tick(self, now, caught_up=caught_up)

    def settle_back(self: Feed, clock: int) -> None:
        self.clock = 0
        settle(self, clock)

    with (
        mock.patch.object(Feed, "settle", settle_back),
        mock.patch.object(CallsPartition, "apply", apply_back),
        mock.patch.object(CallsPartition, "tick", tick_back),
    ):
        yield


@contextmanager
def checkpoint_before_outputs() -> Iterator[None]:
    """A state is written without waiting for what it made."""

    async def at_once(self: Outbox, count: int) -> bool:
        return True

    with mock.patch.object(Outbox, "acknowledged", at_once):
        yield


@contextmanager
def merge_without_waiting() -> Iterator[None]:
    """A cell is final once all partitions but the slowest have passed it."""
    finalise = MergedFeed.finalise

    def but_the_slowest(self: MergedFeed, of: int) -> None:
        partitions = self._partitions
        ranked = sorted(partitions.items(), key=lambda item: item[1].watermark)
        self._partitions = dict(ranked[1:])
        finalise(self, of - 1)
        self._partitions = partitions

    with mock.patch.object(MergedFeed, "finalise", but_the_slowest):
        yield


@contextmanager
def shards_in_place() -> Iterator[None]:
    """A checkpoint writes its shards over those that the last manifest names."""

    def in_place(slot: int, digest: bytes) -> Shard:
        return Shard(0, digest)

    with mock.patch.object(state_taking, "Shard", in_place):
        yield


ROUGH = Weather(kill=4, pause=4, join=2, leave=0, refuse=0.3)
HUNG = Weather(kill=0.5, pause=10, join=4, leave=0, refuse=0, database=0, delay=0.8)
SAFEGUARDS: Mapping[str, Safeguard] = {
    "the commit runs ahead of the checkpoint, and is resumed at": Safeguard(resume_at_the_commit, ROUGH),
    "a failed checkpoint write is ignored": Safeguard(ignore_failed_checkpoints, Weather(kill=6, refuse=10)),
    "a paused worker's checkpoint wins": Safeguard(the_paused_one_wins, Weather(kill=2, pause=10, join=4), 80),
    "no version check where visits and cells are stored": Safeguard(no_versions, ROUGH),
    "what a worker that hung tells beside its successor counts": Safeguard(nothing_keeps_the_hung_apart, HUNG, 70),
    "lateness is judged by wall clock": Safeguard(lateness_by_wall_clock, ROUGH),
    "the clock goes back": Safeguard(clocks_go_back, ROUGH),
    "the checkpoint is written before the outputs are acknowledged": Safeguard(checkpoint_before_outputs, ROUGH),
    "cells are final without waiting for a partition": Safeguard(merge_without_waiting, ROUGH),
    "shards are written over those that stand": Safeguard(
        shards_in_place, Weather(kill=1, checkpoint=10, kill_after="shards")
    ),
}
"""What is taken away -> how, and the weather in which that must show."""


def found_without(safeguard: Safeguard, seed: int) -> list[str]:
    """What differs in a scenario without the safeguard. Raises TypeError where what replaces it no longer fits the engine."""
    with safeguard.without():
        found = judged(seed, safeguard.weather).differences
    for line in found:
        if "TypeError(" in line:
            raise TypeError(line)
    return found
