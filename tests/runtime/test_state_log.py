"""What stands in the state log, and which record of it counts."""

import os
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from hypothesis import given
from hypothesis import strategies as st

from deploy.runtime.settings import Kafka
from deploy.runtime.state_log import FORMAT, MAX_BYTES, Mark, State, StateError, StateLog, next_epoch, pack, unpack


def state(partition: int = 0, *, offset: int = 10, epoch: int = 1, snapshot: bytes = b"state") -> State:
    return State(
        topic="in",
        partition=partition,
        offset=offset,
        clock=1_700_000_000_000,
        epoch=epoch,
        cluster="here",
        mark=Mark.of(1_700_000_000_000, b"record"),
        snapshot=snapshot,
    )


@given(snapshot=st.binary(max_size=2_000), offset=st.integers(-1, 2**50), epoch=st.integers(1, 2**30))
def test_what_is_packed_comes_back(snapshot: bytes, offset: int, epoch: int) -> None:
    one = state(offset=offset, epoch=epoch, snapshot=snapshot)
    assert unpack(pack(one)) == one


def test_a_large_state_that_compresses_well_fits() -> None:
    one = state(snapshot=b"the same again " * 1_000_000)
    assert len(pack(one)) < MAX_BYTES
    assert unpack(pack(one)) == one


def test_a_state_above_the_limit_is_refused_with_what_to_do() -> None:
    with pytest.raises(StateError, match=r"more partitions.*shorten intake.allowed_lateness_s"):
        pack(state(snapshot=os.urandom(MAX_BYTES)))


def test_a_newer_format_is_refused_whatever_else_it_holds() -> None:
    newer = msgspec.msgpack.encode({"format": FORMAT + 1, "shards": 3})
    with pytest.raises(StateError, match="newer Hotline"):
        unpack(newer)


@pytest.mark.parametrize("record", [b"", b"{}", b"\x80", msgspec.msgpack.encode({"format": FORMAT})])
def test_what_something_else_wrote_is_refused(record: bytes) -> None:
    with pytest.raises(StateError, match="cannot be read"):
        unpack(record)


def test_whoever_takes_a_partition_counts_on() -> None:
    assert next_epoch({}, ("in", 0)) == 1
    assert next_epoch({("in", 0): state(epoch=7)}, ("in", 0)) == 8


@pytest.mark.kafka
async def test_the_highest_epoch_counts_even_if_its_record_is_not_the_last(bench: Any) -> None:
    log = StateLog(bench.state, Kafka(bootstrap=bench.bootstrap))
    async with AIOKafkaProducer(bootstrap_servers=bench.bootstrap) as producer:
        await log.write(producer, state(offset=100, epoch=1))
        await log.write(producer, state(offset=90, epoch=2))
        await log.write(producer, state(offset=95, epoch=2))
        await log.write(producer, state(offset=120, epoch=1))
        await log.write(producer, state(2, offset=7))
    states = await log.read([("in", 0), ("in", 1), ("in", 2)])
    assert {place: (one.epoch, one.offset) for place, one in states.items()} == {("in", 0): (2, 95), ("in", 2): (1, 7)}


@pytest.mark.kafka
async def test_a_missing_state_topic_says_what_to_do(bench: Any) -> None:
    with pytest.raises(StateError, match="hotline topics apply"):
        await StateLog("no.such.topic", Kafka(bootstrap=bench.bootstrap)).read([("in", 0)])
