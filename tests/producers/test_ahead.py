"""A replay is not far ahead of who reads, against a real broker."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.producers import ahead, replay
from deploy.producers.ahead import Ahead
from deploy.producers.publisher import Message, Publisher
from deploy.producers.sorting import Timed
from deploy.runtime.kafka import reading
from deploy.runtime.settings import Kafka
from streams.contract.topics import CALLS

NOW = 1_795_440_000_000
MINUTE = 60_000


async def commit(kafka: Kafka, group: str, to: dict[int, int]) -> None:
    """What a reader of that group would have read: partition -> next offset."""
    reader = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap, group_id=group, enable_auto_commit=False)
    await reader.start()
    try:
        reader.assign([TopicPartition(CALLS, p) for p in to])
        await reader.commit({TopicPartition(CALLS, p): at for p, at in to.items()})
    finally:
        await reader.stop()


@pytest.fixture
async def ends(kafka: Kafka) -> Callable[[], Awaitable[dict[int, int]]]:
    async def found() -> dict[int, int]:
        async with reading(kafka) as asker:
            told = await asker.end_offsets([TopicPartition(CALLS, p) for p in range(6)])
        return {tp.partition: end for tp, end in told.items()}

    return found


@pytest.mark.kafka
async def test_a_replay_is_no_further_ahead_than_so_much_of_who_reads_and_waits_for_nobody_who_does_not(
    kafka: Kafka, ends: Callable[[], Awaitable[dict[int, int]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """300 records may wait, 50 of a partition: one that is not read holds the replay up, and all others with it."""
    group, told = "reads-slowly", []
    monkeypatch.setattr(ahead, "READER", group)
    async with Publisher(kafka) as sender:
        pace = Ahead(kafka, 6, told.append, most=300, patience_s=0.0)
        assert pace.ask_after == 30
        await sender.publish(Message(b"a-call", b"{}", partition) for partition in range(6) for _ in range(51))
        await sender.flush()
        await pace.wait()
        assert told == [], "nobody has read yet"
        begun = {partition: end - 51 for partition, end in (await ends()).items()}
        await commit(kafka, group, begun | {5: begun[5] + 1})
        await pace.wait()
        assert told == [305, None], "it read nothing more within no time"
        await pace.wait()
        assert told == [305, None], "given up once and for all"

    told.clear()
    pace = Ahead(kafka, 6, told.append, most=300, patience_s=60.0)
    waiting = asyncio.create_task(pace.wait())
    while not told:
        await asyncio.wait([waiting], timeout=0.05)
    await commit(kafka, group, {partition: at + 1 for partition, at in begun.items() if partition})
    looked = asyncio.create_task(pace.wait())
    done, _ = await asyncio.wait([waiting, looked], timeout=3 * ahead.ASK_EVERY_S)
    assert done == set(), "partition 0 has 51 to be read"
    await commit(kafka, group, {0: begun[0] + 1})
    await asyncio.wait_for(asyncio.gather(waiting, looked), 30)
    assert told == [305, 301]


@pytest.mark.kafka
async def test_events_of_a_replay_wait_for_who_reads(
    kafka: Kafka, ends: Callable[[], Awaitable[dict[int, int]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    group, told = "reads-later", []
    monkeypatch.setattr(ahead, "READER", group)
    monkeypatch.setattr(ahead.Ahead.__init__, "__kwdefaults__", {"most": 6 * 2_000, "patience_s": 60.0})
    begun = await ends()
    await commit(kafka, group, begun)
    events = [Timed(NOW + n, f"call-{n}".encode(), b"{}") for n in range(60_000)]
    marks = replay.markers(
        hotline="12345", source="pbx", feed="replay-slow", generation=1, span=(NOW, NOW + MINUTE), last=NOW + MINUTE
    )
    sending = asyncio.create_task(replay.publish(kafka, events, marks, waits=told.append))
    while not told:
        await asyncio.wait([sending], timeout=0.05)
    waiting = sum((await ends()).values()) - sum(begun.values())
    assert 12_000 < waiting < 20_000
    while not sending.done():
        await commit(kafka, group, await ends())
        await asyncio.wait([sending], timeout=0.5)
    assert await sending == 60_000
    assert sum((await ends()).values()) - sum(begun.values()) == 60_000 + 2 * 6
    assert len(told) > 1
    assert None not in told
