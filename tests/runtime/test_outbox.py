"""Outputs leave in order, and nobody waits for ever."""

import asyncio
from collections.abc import Sequence
from typing import Any

from deploy.runtime.outbox import FULL, BulkSender, Outbox
from deploy.runtime.processor import Output
from streams.contract import murmur2_partition


class Broker:
    """Takes rounds one by one, each when the test lets it."""

    def __init__(self) -> None:
        self.rounds: list[list[str]] = []
        self.let = asyncio.Semaphore(0)

    async def send(self, outputs: Sequence[Output]) -> None:
        self.rounds.append([output.value.decode() for output in outputs])
        await self.let.acquire()


def outputs(*values: int) -> list[Output]:
    return [Output("topic", b"key", str(value).encode()) for value in values]


async def begun() -> None:
    """Nothing has to be done first."""


async def test_one_round_is_under_way_at_a_time_and_the_next_takes_all_that_came() -> None:
    broker, told = Broker(), []
    outbox = Outbox(broker, lambda sent: told.extend(o.value.decode() for o in sent), begun)  # type: ignore[arg-type]
    outbox.put(outputs(1, 2))
    await asyncio.sleep(0)
    outbox.put(outputs(3))
    outbox.put(outputs(4))
    waiting = asyncio.create_task(outbox.acknowledged(2))
    await asyncio.sleep(0)
    assert broker.rounds == [["1", "2"]]
    assert not waiting.done()
    broker.let.release()
    assert await waiting
    assert told == ["1", "2"]
    broker.let.release()
    assert await outbox.acknowledged(4)
    assert broker.rounds == [["1", "2"], ["3", "4"]]
    assert told == ["1", "2", "3", "4"]
    outbox.close()


async def test_closing_tells_whoever_waits_and_sends_nothing_more() -> None:
    broker = Broker()
    outbox = Outbox(broker, lambda sent: None, begun)  # type: ignore[arg-type]
    outbox.put(outputs(1))
    await asyncio.sleep(0)
    outbox.put(outputs(*range(FULL + 1)))
    waiting = [asyncio.create_task(outbox.acknowledged(2)), asyncio.create_task(outbox.room())]
    await asyncio.sleep(0)
    outbox.close()
    assert await waiting[0] is False
    await waiting[1]
    broker.let.release()
    await asyncio.sleep(0)
    assert broker.rounds == [["1"]]


async def test_nothing_leaves_and_nobody_is_told_so_before_what_comes_first_is_done() -> None:
    broker, first = Broker(), asyncio.Event()
    outbox = Outbox(broker, lambda sent: None, first.wait)  # type: ignore[arg-type]
    outbox.put(outputs(1))
    waiting = [asyncio.create_task(outbox.acknowledged(0)), asyncio.create_task(outbox.acknowledged(1))]
    broker.let.release()
    for _ in range(5):
        await asyncio.sleep(0)
    assert broker.rounds == []
    assert not any(task.done() for task in waiting)
    first.set()
    assert await asyncio.gather(*waiting) == [True, True]
    assert broker.rounds == [["1"]]
    outbox.close()


class Batch:
    def __init__(self) -> None:
        self.records: list[tuple[bytes | None, bytes]] = []

    def append(self, *, key: bytes | None, value: bytes, timestamp: None) -> object | None:
        if len(self.records) == 2:
            return None
        self.records.append((key, value))
        return object()


class Producer:
    """As much of aiokafka's producer as the sender uses."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, int, list[bytes]]] = []

    async def partitions_for(self, topic: str) -> set[int]:
        return {0, 1, 2}

    def create_batch(self) -> Batch:
        return Batch()

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> asyncio.Future[Any]:
        assert batch.records, "aiokafka sends no empty batch"
        self.sent.append((topic, partition, [value for _, value in batch.records]))
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


async def test_a_named_partition_is_honoured_and_a_key_goes_where_its_hash_says() -> None:
    producer = Producer()
    keyed = [Output("visits", f"call-{n}".encode(), b"v%d" % n) for n in range(30)]
    await BulkSender(producer).send([*keyed, Output("partials", None, b"bundle", 2)])  # type: ignore[arg-type]
    where = {value: partition for _, partition, values in producer.sent for value in values}
    assert where.pop(b"bundle") == 2
    assert where == {output.value: murmur2_partition(output.key or b"", 3) for output in keyed}


async def test_more_than_a_batch_holds_leaves_in_order() -> None:
    producer = Producer()
    await BulkSender(producer).send([Output("t", None, bytes([n]), 0) for n in range(5)])  # type: ignore[arg-type]
    assert [values for _, _, values in producer.sent] == [[b"\0", b"\1"], [b"\2", b"\3"], [b"\4"]]
