"""The state log on a real broker: written, read, left in the middle, and refused."""

import os
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
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
    assert (state.stand, state.parts, loaded[ZERO].taking.epoch) == (stand(8), PARTS | {"b": b"changed"}, 2)
    assert loaded[ONE].state is None is loaded["in", 2].state


async def test_an_old_owner_that_writes_later_does_not_win(log: StateLog, producer: AIOKafkaProducer) -> None:
    old = (await log.read([ZERO]))[ZERO].taking
    await log.write(producer, old, stand(100), PARTS)
    new = (await log.read([ZERO]))[ZERO].taking
    await log.write(producer, new, stand(90), {"a": b"new"})
    await log.write(producer, old, stand(120), PARTS)
    state = (await log.read([ZERO]))[ZERO].state
    assert state is not None
    assert (state.epoch, state.stand.offset, state.parts) == (2, 90, {"a": b"new"})


async def test_unchanged_parts_cost_one_manifest(log: StateLog, producer: AIOKafkaProducer) -> None:
    taking = (await log.read([ZERO]))[ZERO].taking
    assert await log.write(producer, taking, stand(), PARTS) > 3 * SHARD_BYTES
    assert await log.write(producer, taking, stand(), PARTS) < 1_000


async def test_a_missing_state_topic_says_what_to_do(bench: Any) -> None:
    with pytest.raises(StateError, match="hotline topics apply"):
        await StateLog("no.such.topic", Kafka(bootstrap=bench.bootstrap)).read([ZERO])
