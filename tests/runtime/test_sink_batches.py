"""When a sink stores, and what goes together: without Kafka, and without waiting."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from deploy.runtime import sink as sinks
from deploy.runtime.chunks import Chunk
from deploy.runtime.processor import Record
from deploy.runtime.settings import Kafka, Settings
from deploy.runtime.sink import Retry, Sink

TOPIC = "hotline.visits"
LINGER_S, EVERY_S, MOST = 0.3, 3600.0, 100


class Stored:
    """The handler: what it was given, call by call; `refuse` makes the next calls fail."""

    def __init__(self) -> None:
        self.calls: list[dict[int, list[int]]] = []
        self.refuse = 0

    async def __call__(self, topic: str, batch: Mapping[int, Sequence[Record]]) -> None:
        assert topic == TOPIC
        if self.refuse:
            self.refuse -= 1
            raise Retry("not now")
        self.calls.append({partition: [record.offset for record in its] for partition, its in batch.items()})


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the sink meant to wait, each time; it does not."""
    waits: list[float] = []
    wait = asyncio.sleep

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await wait(0)

    monkeypatch.setattr(sinks.asyncio, "sleep", sleep)
    return waits


@pytest.fixture
def stored() -> Stored:
    return Stored()


class Running:
    """A sink that owns some partitions and is given records by hand."""

    def __init__(self, stored: Stored, partitions: int = 3) -> None:
        settings = Settings(kafka=Kafka(bootstrap="127.0.0.1:1"))
        self.sink = Sink("tried", settings, {TOPIC: stored}, linger_s=LINGER_S, every_s=EVERY_S, max_records=MOST)
        self.sink._partitions = {(TOPIC, p): sinks._Partition(0) for p in range(partitions)}

    async def take(self, partition: int, start: int, count: int) -> None:
        records = [Record(offset, 0, None, b"") for offset in range(start, start + count)]
        await self.sink._take(TOPIC, partition, Chunk(start, records))

    async def store(self, until: int) -> None:
        """Store until so many offsets are stored in all."""
        storing = asyncio.create_task(self.sink._store(TOPIC))
        async with asyncio.timeout(60):
            while sum(self.sink.committable(TOPIC, p) or 0 for _, p in self.sink._partitions) < until:
                await self.sink._changed.wait()
        storing.cancel()
        await asyncio.gather(storing, return_exceptions=True)


async def test_what_arrived_in_all_partitions_is_stored_by_one_call(stored: Stored, slept: list[float]) -> None:
    running = Running(stored)
    for partition in range(3):
        await running.take(partition, 0, partition + 1)
    await running.store(6)
    assert stored.calls == [{0: [0], 1: [0, 1], 2: [0, 1, 2]}]
    assert slept == [LINGER_S]


async def test_a_busy_topic_waits_for_its_next_turn_a_quiet_one_does_not(stored: Stored, slept: list[float]) -> None:
    running = Running(stored)

    async def again(topic: str, batch: Mapping[int, Sequence[Record]]) -> None:
        await stored(topic, batch)
        if len(stored.calls) == 1:
            await running.take(1, 0, 5)

    running.sink._handlers = {TOPIC: again}
    await running.take(0, 0, 5)
    await running.store(10)
    assert stored.calls == [{0: [0, 1, 2, 3, 4]}, {1: [0, 1, 2, 3, 4]}]
    assert slept[0] == LINGER_S
    assert EVERY_S - 60 < slept[1] <= EVERY_S


async def test_far_behind_nothing_waits_and_all_partitions_get_on(stored: Stored, slept: list[float]) -> None:
    running = Running(stored, partitions=2)
    await running.take(0, 0, MOST - 1)
    await running.take(1, 0, MOST - 1)
    await running.store(2 * (MOST - 1))
    half, rest = list(range(50)), list(range(50, 99))
    assert stored.calls == [{0: half, 1: half}, {0: rest, 1: rest}]
    assert slept == [pytest.approx(EVERY_S, abs=60)], "the second was no full batch"


async def test_a_partition_that_is_lost_meanwhile_is_not_tried_again(stored: Stored, slept: list[float]) -> None:
    running = Running(stored)
    lost = running.sink._partitions[TOPIC, 0]

    async def losing(topic: str, batch: Mapping[int, Sequence[Record]]) -> None:
        if not lost.lost:
            del running.sink._partitions[TOPIC, 0]
            lost.lost = True
            raise Retry("not now")
        await stored(topic, batch)

    running.sink._handlers = {TOPIC: losing}
    await running.take(0, 0, 2)
    await running.take(1, 0, 2)
    await running.store(2)
    assert stored.calls == [{1: [0, 1]}]
    assert lost.stored == 0
    assert slept == [LINGER_S, sinks.FIRST_PAUSE_S]


async def test_a_batch_that_is_refused_comes_again_as_it_was(stored: Stored, slept: list[float]) -> None:
    running = Running(stored)
    stored.refuse = 2
    await running.take(0, 0, 3)
    await running.store(3)
    assert stored.calls == [{0: [0, 1, 2]}]
    assert slept == [LINGER_S, sinks.FIRST_PAUSE_S, 2 * sinks.FIRST_PAUSE_S]
