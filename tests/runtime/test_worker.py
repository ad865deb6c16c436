"""Exactly once, shown on a real broker with processes that are really killed."""

import asyncio
import signal
import subprocess
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewPartitions
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from deploy.runtime.state_records import FORMAT

pytestmark = [pytest.mark.kafka, pytest.mark.faults]


async def test_killed_three_times_in_the_middle_counts_exactly(bench: Any) -> None:
    worker = bench.start()
    for _ in range(3):
        before = sum(bench.sent.values())
        producing = asyncio.create_task(bench.produce(6_000))
        await bench.until_counted_at_least(before + 2_000)
        worker.kill()
        worker.wait()
        await producing
        worker = bench.start()
    await bench.until_counted()


async def test_the_commit_shows_the_checkpoint_and_a_clean_stop_leaves_nothing_to_do_again(
    bench: Any, stop: Callable[[subprocess.Popen[bytes]], int], until: Any
) -> None:
    worker = bench.start()
    await bench.produce(3_000)
    await bench.until_counted()
    ends = await bench.ends()

    async def committed() -> bool:
        offsets = await bench.admin.list_consumer_group_offsets(bench.group)
        return {tp.partition: meta.offset for tp, meta in offsets.items()} == ends

    await until(committed, bench)
    assert stop(worker) == 0
    again = bench.start()
    await until(lambda: bench.resumed_at(again) is not None, bench)
    assert bench.resumed_at(again) == {f"{bench.source}/{p}": end for p, end in ends.items()}


async def test_reading_resumes_at_the_state_even_when_the_commit_is_ahead(
    bench: Any, stop: Callable[[subprocess.Popen[bytes]], int]
) -> None:
    worker = bench.start()
    await bench.produce(1_000)
    await bench.until_counted()
    assert stop(worker) == 0
    await bench.produce(2_000)
    await bench.commit(await bench.ends())
    bench.start()
    await bench.until_counted()


async def test_two_workers_joining_and_leaving_count_exactly(
    bench: Any, stop: Callable[[subprocess.Popen[bytes]], int], until: Any
) -> None:
    first = bench.start()
    producing = asyncio.create_task(bench.produce(20_000))
    await bench.until_counted_at_least(2_000)
    second = bench.start()
    # Shared at last: a group that is slow to come together may give all to one of them first.
    await until(lambda: len(bench.resumed_at(second) or ()) in {1, 2}, bench)
    await producing
    await bench.produce(3_000)
    await bench.until_counted()
    assert bench.pids == {first.pid, second.pid}
    producing = asyncio.create_task(bench.produce(10_000))
    assert stop(first) == 0
    third = bench.start()
    await until(lambda: bool(bench.resumed_at(third)), bench)
    second.kill()
    second.wait()
    await producing
    await bench.produce(3_000)
    await bench.until_counted()
    assert third.pid in bench.pids


async def test_a_state_far_beyond_one_record_survives_a_kill(bench: Any) -> None:
    worker = bench.start(padding=3_000_000)
    await bench.produce(1_000)
    await bench.until_counted_at_least(500)
    worker.kill()
    worker.wait()
    await bench.produce(1_000)
    bench.start(padding=3_000_000)
    await bench.until_counted()


async def test_a_state_of_a_newer_format_is_refused_not_begun_afresh(bench: Any, until: Any) -> None:
    newer = msgspec.msgpack.encode({"format": FORMAT + 1, "whatever": "else"})
    await bench.producer.send_and_wait(bench.state, key=f"{bench.source}/0".encode(), value=newer, partition=0)
    await bench.produce(100)
    worker = bench.start()
    await until(lambda: worker.poll() is not None, bench)
    assert worker.returncode == 1
    assert "newer Hotline" in bench.log_of(worker)
    assert await bench.counted() == {}


async def test_a_topic_that_was_created_again_stops_the_worker(
    bench: Any, stop: Callable[[subprocess.Popen[bytes]], int], until: Any
) -> None:
    worker = bench.start()
    await bench.produce(1_000)
    await bench.until_counted()
    assert stop(worker) == 0
    await bench.admin.delete_topics([bench.source])

    async def gone() -> bool:
        return bench.source not in await bench.admin.list_topics()

    await until(gone)
    await bench.create_topics()
    await bench.produce(2_000)
    again = bench.start()
    await until(lambda: again.poll() is not None, bench)
    assert again.returncode == 1
    assert "is not the one its state was made from" in bench.log_of(again)


async def test_a_topic_with_more_partitions_than_its_states_were_made_with_stops_the_worker(
    bench: Any, stop: Callable[[subprocess.Popen[bytes]], int], until: Any
) -> None:
    worker = bench.start()
    await bench.produce(1_000)
    await bench.until_counted()
    assert stop(worker) == 0
    await bench.admin.create_partitions({bench.source: NewPartitions(4)})
    again = bench.start()
    await until(lambda: again.poll() is not None, bench)
    assert again.returncode == 1
    assert f"partitions of {bench.source} was '3', is '4'" in bench.log_of(again)


async def test_a_state_that_the_broker_refuses_ends_the_process_and_the_last_one_stands(bench: Any, until: Any) -> None:
    worker = bench.start(padding=50_000)
    await bench.produce(1_000)
    await bench.until_counted()
    small = ConfigResource(
        ConfigResourceType.TOPIC, bench.state, {"cleanup.policy": "compact", "max.message.bytes": "1000"}
    )
    await bench.admin.alter_configs([small])
    await bench.produce(1_000)
    await until(lambda: worker.poll() is not None, bench)
    assert worker.returncode == 1
    assert "could not write the state" in bench.log_of(worker)
    await bench.admin.alter_configs(
        [ConfigResource(ConfigResourceType.TOPIC, bench.state, {"cleanup.policy": "compact"})]
    )
    bench.start()
    await bench.until_counted()


async def test_records_deleted_before_they_were_read_are_counted_and_said(
    bench: Any, stop: Callable[[subprocess.Popen[bytes]], int], until: Any
) -> None:
    worker = bench.start()
    await bench.produce(600)
    await bench.until_counted()
    ends = await bench.ends()
    assert stop(worker) == 0
    await bench.produce(600)
    later = await bench.ends()
    await bench.delete_records(1, later[1] - 10)
    again = bench.start()
    await until(lambda: "input records are gone" in bench.log_of(again), bench)
    assert f'"missing": {later[1] - 10 - ends[1]}' in bench.log_of(again)
    await until(lambda: bench.resumed_at(again) is not None, bench)
    assert bench.resumed_at(again)[f"{bench.source}/1"] == later[1] - 10


async def test_markers_of_transactions_are_no_missing_records(bench: Any, until: Any) -> None:
    worker = bench.start()
    async with AIOKafkaProducer(bootstrap_servers=bench.bootstrap, transactional_id=bench.group) as producer:
        for number in range(20):
            async with producer.transaction():
                await producer.send_and_wait(bench.source, key=b"k0", value=b"%d" % number)
                bench.sent["k0"] += 1
    await bench.until_counted()
    assert "gone" not in bench.log_of(worker)


async def test_a_worker_paused_past_its_session_changes_nothing_when_it_wakes(bench: Any, until: Any) -> None:
    paused = bench.start()
    producing = asyncio.create_task(bench.produce(12_000))
    await bench.until_counted_at_least(2_000)
    before = bench.log_of(paused).count("partitions assigned")
    paused.send_signal(signal.SIGSTOP)
    try:
        successor = bench.start()
        await until(lambda: len(bench.resumed_at(successor) or ()) == 3, bench)
        await producing
        await bench.until_counted()
    finally:
        paused.send_signal(signal.SIGCONT)
    await until(lambda: bench.log_of(paused).count("partitions assigned") > before or paused.poll() is not None, bench)
    await bench.produce(3_000)
    await bench.until_counted()


async def test_a_killed_worker_with_a_name_of_its_own_has_its_partitions_back_at_once(bench: Any, until: Any) -> None:
    named = {"group_instance_id": "one", "session_timeout_ms": "80000"}
    worker = bench.start(**named)
    await bench.produce(1_000)
    await bench.until_counted()
    worker.kill()
    worker.wait()
    await bench.produce(1_000)
    bench.start(**named)
    await bench.until_counted()  # within a minute: less than the session timeout
