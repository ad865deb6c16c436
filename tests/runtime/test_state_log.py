"""The state log on a real broker: written, read, left in the middle, and refused."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import NewTopic
from state_log_model import stand

from deploy.runtime.settings import Kafka
from deploy.runtime.state_log import StateLog
from deploy.runtime.state_records import SHARD_BYTES, StateError
from deploy.runtime.transport import new_producer

pytestmark = pytest.mark.kafka

PARTS = {"a": os.urandom(3 * SHARD_BYTES), "b": b"small"}
ZERO, ONE = ("in", 0), ("in", 1)


@pytest.fixture
async def producer(bench: Any) -> AsyncIterator[AIOKafkaProducer]:
    async with new_producer(Kafka(bootstrap=bench.bootstrap)) as producer:
        yield producer


@pytest.fixture
def log(bench: Any) -> StateLog:
    return StateLog(bench.state, Kafka(bootstrap=bench.bootstrap))


async def test_what_is_written_is_read_back_by_the_next_owner(log: StateLog, producer: AIOKafkaProducer) -> None:
    taking = (await log.read([ZERO]))[ZERO].taking
    await log.write(producer, taking, stand(7), PARTS)
    await log.write(producer, taking, stand(8), PARTS | {"b": b"changed"})
    loaded = await log.read([ZERO, ONE, ("in", 2)])
    state = loaded[ZERO].state
    assert state is not None
    assert (state.stand, state.parts) == (stand(8), PARTS | {"b": b"changed"})
    assert loaded[ZERO].taking.epoch > taking.epoch
    assert loaded[ONE].state is None is loaded["in", 2].state


async def test_an_old_owner_that_writes_later_does_not_win(log: StateLog, producer: AIOKafkaProducer) -> None:
    old = (await log.read([ZERO]))[ZERO].taking
    await log.write(producer, old, stand(100), PARTS)
    new = (await log.read([ZERO]))[ZERO].taking
    await log.write(producer, new, stand(90), {"a": b"new"})
    await log.write(producer, old, stand(120), PARTS)
    state = (await log.read([ZERO]))[ZERO].state
    assert state is not None
    assert (state.epoch, state.stand.offset, state.parts) == (new.epoch, 90, {"a": b"new"})


async def test_unchanged_parts_cost_one_manifest(log: StateLog, producer: AIOKafkaProducer) -> None:
    taking = (await log.read([ZERO]))[ZERO].taking
    assert await log.write(producer, taking, stand(), PARTS) > 3 * SHARD_BYTES
    assert await log.write(producer, taking, stand(), PARTS) < 1_000


async def test_a_missing_state_topic_says_what_to_do(bench: Any) -> None:
    with pytest.raises(StateError, match="hotline topics apply"):
        await StateLog("no.such.topic", Kafka(bootstrap=bench.bootstrap)).read([ZERO])


async def test_a_load_may_be_cancelled_at_any_moment(log: StateLog, producer: AIOKafkaProducer) -> None:
    """A rebalance cancels it; a consumer left open would be an unraisable warning, which fails the test."""
    await log.write(producer, (await log.read([ZERO]))[ZERO].taking, stand(), PARTS)
    for patience in (0, 0.002, 0.005, 0.01, 0.02, 0.04, 0.08):
        reading = asyncio.create_task(log.read([ZERO]))
        await asyncio.sleep(patience)
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
    gc.collect()
    state = (await log.read([ZERO]))[ZERO].state
    assert state is not None
    assert state.parts == PARTS


async def test_a_log_that_lost_all_its_shards_is_not_begun_afresh(
    bench: Any, log: StateLog, producer: AIOKafkaProducer
) -> None:
    await log.write(producer, (await log.read([ZERO]))[ZERO].taking, stand(), {"a": b"x"})
    async with AIOKafkaConsumer(bench.state, bootstrap_servers=bench.bootstrap, auto_offset_reset="earliest") as reader:
        first = await reader.getone()
    await producer.send_and_wait(bench.state, None, first.key, first.partition)
    with pytest.raises(StateError, match=r"in/0 in .* is damaged.*from a backup"):
        await log.read([ZERO])


@pytest.mark.faults
async def test_the_broker_compacts_and_the_state_stays(bench: Any, producer: AIOKafkaProducer, until: Any) -> None:
    """With a compaction as eager as the broker has it; the log is much smaller than what was written."""
    topic = f"{bench.state}.eager"
    eager = {
        "cleanup.policy": "compact",
        "segment.bytes": str(1024 * 1024),
        "segment.ms": "500",
        "max.compaction.lag.ms": "1",
        "min.cleanable.dirty.ratio": "0.0",
        "delete.retention.ms": "1",
    }
    await bench.create(NewTopic(topic, 1, 1, topic_configs=eager))
    log = StateLog(topic, Kafka(bootstrap=bench.bootstrap))
    taking = (await log.read([ZERO]))[ZERO].taking
    for turn in range(20):
        await log.write(producer, taking, stand(turn), {"a": os.urandom(SHARD_BYTES), "b": PARTS["a"]})

    async def records() -> int:
        tp = TopicPartition(topic, 0)
        async with AIOKafkaConsumer(bootstrap_servers=bench.bootstrap) as reader:
            reader.assign([tp])
            await reader.seek_to_beginning(tp)
            end, count = (await reader.end_offsets([tp]))[tp], 0
            while await reader.position(tp) < end:
                count += len((await reader.getmany(tp, timeout_ms=500)).get(tp, ()))
            return count

    before = await records()
    offset = 20

    async def compacted() -> bool:
        nonlocal offset
        await log.write(producer, taking, stand(offset), {"a": os.urandom(SHARD_BYTES), "b": PARTS["a"]})
        state = (await log.read([ZERO]))[ZERO].state
        assert state is not None
        assert (state.stand.offset, state.parts["b"]) == (offset, PARTS["a"])
        offset += 1
        return await records() < before / 2

    await until(compacted, timeout_s=90)
