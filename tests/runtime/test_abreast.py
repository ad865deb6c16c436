"""Workers of one group stay abreast of each other over a backlog, on a real broker."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import NewPartitions
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from deploy.runtime.abreast import Abreast
from deploy.runtime.chunks import Chunk
from deploy.runtime.kafka import reading
from deploy.runtime.owned import OwnedPartition
from deploy.runtime.processor import Record
from deploy.runtime.settings import Kafka

pytestmark = [pytest.mark.kafka, pytest.mark.faults]

HOUR_MS = 3_600_000
STEP_MS = 50
VALUE = b"{}".ljust(600)
"""One fetch brings up to a megabyte of a partition, which is a step of a worker: of small records it would be a long one."""


async def backlog(bench: Any, each: int, partitions: int = 3) -> int:
    """So many records in each partition, one every 50 ms since two hours ago; when that was (ms)."""
    as_told = ConfigResource(ConfigResourceType.TOPIC, bench.source, {"message.timestamp.type": "CreateTime"})
    await bench.admin.alter_configs([as_told])
    begin = int(time.time() * 1000) - 2 * HOUR_MS
    for number in range(each):
        for partition in range(partitions):
            key = f"{partition}-{number % 50}"
            bench.sent[key] += 1
            await bench.producer.send(
                bench.source, VALUE, key.encode(), partition, timestamp_ms=begin + number * STEP_MS
            )
    await bench.producer.flush()
    return begin


async def furthest_apart(bench: Any) -> int:
    """The most records that one partition was told of ahead of another, as the outputs say in their order."""
    told = dict.fromkeys("0123", 0)
    most = 0
    consumer = AIOKafkaConsumer(bootstrap_servers=bench.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        output = TopicPartition(bench.output, 0)
        consumer.assign([output])
        end = (await consumer.end_offsets([output]))[output]
        while await consumer.position(output) < end:
            for record in (await consumer.getmany(output, timeout_ms=200)).get(output, ()):
                said = msgspec.json.decode(record.value)
                told[said["key"][0]] = said["version"]
                most = max(most, max(told.values()) - min(told.values()))
    finally:
        await consumer.stop()
    return most


@pytest.mark.parametrize(("most_apart", "waits"), [(8_000, True), (600_000, False)])
async def test_the_faster_of_two_workers_waits_for_the_slower(
    bench: Any, until: Any, most_apart: int, *, waits: bool
) -> None:
    await bench.admin.create_partitions({bench.source: NewPartitions(4)})  # two for each
    fast = bench.start(takes_us=300, most_apart=most_apart)
    slow = bench.start(takes_us=1_000, most_apart=most_apart)
    await until(lambda: all(len(bench.resumed_at(worker) or ()) == 2 for worker in (fast, slow)), bench)
    await backlog(bench, 30_000, partitions=4)
    mine = [TopicPartition(*place.split("/")) for place in bench.resumed_at(fast)]

    async def read_to_the_end() -> bool:
        read = await bench.admin.list_consumer_group_offsets(bench.group)
        return all(read[topic, int(partition)].offset == 30_000 for topic, partition in mine)

    if waits:
        await until(lambda: bench.log_of(fast).count("reads on") >= 2, bench)
        assert not await read_to_the_end()
        assert await furthest_apart(bench) < 15_000, bench.log_of(fast)
    else:
        await until(read_to_the_end, bench)
        assert await furthest_apart(bench) > 18_000
    assert "reads no further" not in bench.log_of(slow)
    for worker in (fast, slow):
        worker.kill()
        worker.wait()
    bench.start(most_apart=most_apart)
    await bench.until_counted()


@contextlib.asynccontextmanager
async def member(bench: Any, patience_s: float) -> AsyncIterator[Callable[[bool], bool]]:
    """A member of the group that has partition 0 and has read an hour of it; whether it (`True`: does not) wait."""
    begin = await backlog(bench, 10_000)
    mine = {(bench.source, 0): cast("OwnedPartition", SimpleNamespace(far_behind=True))}
    kafka = Kafka(bootstrap=bench.bootstrap)
    abreast = Abreast(kafka, bench.group, most=3_000, patience_s=patience_s)
    abreast.begin(mine, {bench.source: 3})
    for last in range(99, 5_000, 100):
        record = Record(last, begin + last * STEP_MS, b"", b"")
        abreast.read((bench.source, 0), Chunk(last - 99, [record]))
    async with reading(kafka) as asker:
        running = asyncio.create_task(abreast.run(asker))
        try:
            yield lambda waits: abreast.waits(bench.source) is waits
        finally:
            running.cancel()


async def test_it_waits_for_the_last_of_the_others_and_no_longer(bench: Any, until: Any) -> None:
    async with member(bench, patience_s=60) as waits:
        await bench.commit({1: 9_000, 2: 3_900})
        await until(lambda: waits(True))
        await bench.commit({2: 4_000})
        await until(lambda: waits(False))


async def test_others_that_read_nothing_are_not_waited_for(bench: Any, until: Any) -> None:
    async with member(bench, patience_s=4) as waits:
        await until(lambda: waits(True))
        await until(lambda: waits(False))
        await bench.commit({1: 10})
        await until(lambda: waits(True))
