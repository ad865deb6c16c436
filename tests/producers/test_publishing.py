"""Replay and simulation against a real broker: markers on every partition, order per call, nothing lost."""

import asyncio
import json
from collections import defaultdict
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from bank_rows import HEADER, bank_row

from deploy import topics as topic_table
from deploy.embedded.child import free_port
from deploy.embedded.kafka import KafkaBroker
from deploy.producers import mapping, publisher, replay
from deploy.producers.contents import read as read_export
from deploy.producers.publisher import Message, NotReachableError, Publisher
from deploy.producers.simulator import demo, memory
from deploy.producers.simulator.pace import unhindered
from deploy.producers.simulator.profile import calls_only, profile_of
from deploy.producers.simulator.run import Control, Runner, TruthLog, history_span
from deploy.producers.simulator.simulation import Simulation
from deploy.producers.simulator.sources import Delivery
from deploy.runtime.settings import Kafka
from streams.contract import murmur2_partition
from streams.contract.topics import CALLS, TOPICS

NOW = 1_795_440_000_000
MINUTE = 60_000

EXAMPLES = Path(__file__).parent / "examples"


class Read(NamedTuple):
    partition: int
    key: str
    event: dict


async def read_feed(kafka: Kafka, feed: str) -> list[Read]:
    """Everything that stands in the topic of one feed, in order per partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions = [TopicPartition(CALLS, p) for p in range(6)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        found = []
        for at in partitions:
            await consumer.seek_to_beginning(at)
        while any([await consumer.position(at) < ends[at] for at in partitions]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    with suppress(ValueError):  # other tests may send what is no JSON
                        event = json.loads(record.value)
                        if isinstance(event, dict) and record.key is not None and event.get("feed", "live") == feed:
                            found.append(Read(record.partition, record.key.decode(), event))
    finally:
        await consumer.stop()
    return found


def by_partition(found: list[Read]) -> dict[int, list[dict]]:
    parts = defaultdict(list)
    for read in found:
        parts[read.partition].append(read.event)
    return parts


@pytest.mark.kafka
async def test_a_replay_stands_between_its_markers_on_every_partition(kafka: Kafka, tmp_path: Path) -> None:
    file = tmp_path / "bank.txt"
    rows = [bank_row(call_id=str(n), vru_entry=f"{6 + n % 3}:5{n % 5}:20") for n in range(500)]
    file.write_text("\n".join("\t".join(row) for row in [HEADER, *rows]) + "\n")
    bank = mapping.load("anonymous-bank")
    feed = replay.feed_name("", file)
    contents = read_export(file, bank, feed=feed, generation=5)
    marks = replay.markers_of(contents, bank, feed=feed, generation=5)
    published = await replay.publish(kafka, contents.events, marks)

    found = await read_feed(kafka, feed)
    parts = by_partition(found)
    assert published == len(contents.events) == 2_000
    assert len(found) == published + 2 * 6
    assert sorted(parts) == list(range(6))
    for partition, events in parts.items():
        assert [events[0]["type"], events[-1]["type"]] == ["feed_begin", "feed_end"]
        assert (events[0]["range_to"] - events[0]["range_from"]) == 86_400_000
        assert all(a["time"] <= b["time"] for a, b in pairwise(events))
        assert all(e["feed"] == feed and e["generation"] == 5 for e in events)
        assert all(murmur2_partition(e["call"].encode(), 6) == partition for e in events[1:-1])
    of_call = defaultdict(list)
    for read in found:
        if "call" in read.event:
            assert read.key == read.event["call"]
            of_call[read.key].append(read.event["type"])
    assert len(of_call) == 500
    assert all(sorted(types) == ["answered", "arrived", "ended", "queued"] for types in of_call.values())


@pytest.mark.kafka
async def test_a_log_larger_than_memory_arrives_in_order_with_agents_under_their_own_key(kafka: Kafka) -> None:
    log = mapping.load("asterisk-queue-log")
    feed = "replay-queue-log"
    contents = read_export(EXAMPLES / "queue_log", log, feed=feed, generation=5, run_events=10)
    marks = replay.markers_of(contents, log, feed=feed, generation=5)
    assert await replay.publish(kafka, contents.events, marks) == 44
    contents.events.close()

    found = [read for read in await read_feed(kafka, feed) if not read.event["type"].startswith("feed_")]
    assert all(read.key == (read.event.get("call") or read.event["agent"]) for read in found)
    assert all(murmur2_partition(read.key.encode(), 6) == read.partition for read in found)
    assert sum(read.event["type"] == "agent_state" for read in found) == 20
    for events in by_partition(found).values():
        assert all(a["time"] <= b["time"] for a, b in pairwise(events))


@pytest.mark.kafka
async def test_a_simulation_at_full_speed_sends_what_it_says_and_its_truth(kafka: Kafka, tmp_path: Path) -> None:
    profile = calls_only(profile_of("12345", "Asia/Shanghai", 5_000))
    simulation = Simulation(profile, 1, NOW, end=NOW + 60 * MINUTE, feed="test-hour")
    with TruthLog(tmp_path / "truth.jsonl") as truth:
        async with Publisher(kafka) as publisher:
            runner = Runner(simulation, publisher, Control(), truth, Delivery(counting=True))
            await runner.at_full_speed(NOW)
    found = await read_feed(kafka, "test-hour")
    truths = [json.loads(line) for line in (tmp_path / "truth.jsonl").read_text().splitlines()]
    calls = [line for line in truths if line["kind"] in {"visit", "apart"}]
    assert sum(line["events"] for line in truths if line["kind"] == "source") == len(found)
    assert len(found) == runner.published > 500
    assert {call["call"] for call in calls} == {read.key for read in found}
    assert all(a["time"] <= b["time"] for part in by_partition(found).values() for a, b in pairwise(part))
    answered = [read for read in found if read.event["type"] == "answered"]
    assert len(answered) == sum(call["outcome"] == "answered" for call in calls)
    assert "caller" not in (tmp_path / "truth.jsonl").read_text()


@pytest.mark.kafka
@pytest.mark.parametrize("rest", ["", "stop", "drain"])
async def test_a_feed_of_its_own_ends_on_every_partition_when_all_its_calls_are_over(kafka: Kafka, rest: str) -> None:
    """`rest`: what is asked for after ten minutes; a run that is stopped in the middle of calls leaves the feed open."""
    feed = f"test-end-{rest}"
    simulation = Simulation(profile_of("12345", "Asia/Shanghai", 5_000), 1, NOW, end=NOW + 60 * MINUTE, feed=feed)
    control = Control(drain=rest == "drain")

    def progress(at: int) -> None:
        if rest and not control.stopping:
            control.stop()

    async with Publisher(kafka) as publisher:
        runner = Runner(simulation, publisher, control, TruthLog(None), ends=True)
        await runner.at_full_speed(NOW, progress)
    parts = by_partition(await read_feed(kafka, feed))
    assert len(parts) == 6
    for events in parts.values():
        types = [event["type"] for event in events]
        assert types.count("feed_end") == (rest != "stop")
        if rest != "stop":
            assert types[-1] == "feed_end"
            assert events[-1]["time"] >= max(event["time"] for event in events)
            assert events[-1].get("generation", 0) == 0


@pytest.mark.kafka
async def test_the_demo_goes_on_where_it_ended_without_sending_an_event_twice(kafka: Kafka, tmp_path: Path) -> None:
    profile = profile_of("12345", "Asia/Shanghai", 20_000)._replace(hotline="goes-on")
    told: list[str] = []

    async def run_until(now: int, end: int) -> None:
        control = Control()
        at = now

        def clock() -> int:
            nonlocal at
            at = min(at + MINUTE, end)
            if at == end:
                control.stop()
            control.changed.set()  # no waiting between looks at this clock
            return at

        async with Publisher(kafka) as publisher:
            await demo.live(
                publisher,
                profile,
                1,
                cluster="c",
                data_dir=tmp_path,
                clock=clock,
                incidents=[],
                control=control,
                truth=TruthLog(None),
                tell=told.append,
            )

    await run_until(NOW, NOW + 5 * MINUTE)
    first = memory.recall(tmp_path / memory.LIVE, memory.RememberedLive)
    await run_until(NOW + 20 * MINUTE, NOW + 25 * MINUTE)
    second = memory.recall(tmp_path / memory.LIVE, memory.RememberedLive)
    assert first is not None
    assert second is not None
    assert told == ["sending the last 110 minutes", "live", "going on where the last run ended", "live"]
    assert second.start == first.start
    parts = by_partition([read for read in await read_feed(kafka, "live") if read.event.get("hotline") == "goes-on"])
    for events in parts.values():
        bounds = [(event["type"], event["source"], event["time"]) for event in events if "snapshot_" in event["type"]]
        assert bounds == [
            (f"snapshot_{which}", source, at)
            for at in (first.start, NOW + 21 * MINUTE)  # the clock has gone on by a minute when it is first asked
            for source in ("PBX-1", "PBX-2")
            for which in ("begin", "end")
        ]
    happened = sorted(
        json.dumps(event, sort_keys=True)
        for events in parts.values()
        for event in events
        if not event["type"].startswith("snapshot")
    )
    in_one_go = Simulation(profile, 1, first.start).advance(second.sent_until)
    assert happened == sorted(
        json.dumps(msgspec.to_builtins(event), sort_keys=True)
        for event in in_one_go
        if not event.type.startswith("snapshot")
    )


@pytest.mark.kafka
async def test_history_is_sent_once_per_cluster(kafka: Kafka, tmp_path: Path) -> None:
    profile = profile_of("12345", "Asia/Shanghai", 500)
    told: list[str] = []

    async def once(cluster: str, now: int) -> None:
        async with Publisher(kafka) as publisher:
            await demo.history_once(
                publisher,
                profile,
                1,
                cluster=cluster,
                data_dir=tmp_path,
                feed="test-history",
                days=2,
                now=now,
                control=Control(),
                pace=unhindered,
                tell=told.append,
            )

    await once("one", NOW)
    sent = len(told)
    await once("one", NOW + MINUTE)
    assert len(told) == sent > 0
    await once("another", NOW + MINUTE)
    assert len(told) == 2 * sent
    span = history_span(profile, NOW, 2)
    for events in by_partition(await read_feed(kafka, "test-history")).values():
        types = [event["type"] for event in events]
        assert types.count("feed_begin") == types.count("feed_end") == 2
        assert (events[0]["range_from"], events[0]["range_to"]) == span
        assert all(span[0] <= event["time"] < span[1] for event in events if event["type"] == "arrived")


@pytest.mark.kafka
async def test_a_topic_that_is_not_there_is_said_with_what_to_do(kafka: Kafka) -> None:
    with pytest.raises(NotReachableError, match="hotline topics apply"):
        async with Publisher(kafka, topic="no.such.topic"):
            pass


async def test_a_broker_that_is_not_there_is_said_with_what_to_do(unused_tcp_port: int) -> None:
    with pytest.raises(NotReachableError, match="HOTLINE_KAFKA__BOOTSTRAP"):
        async with Publisher(Kafka(bootstrap=f"127.0.0.1:{unused_tcp_port}")):
            pass


@pytest.mark.kafka
@pytest.mark.parametrize(
    ("patience_s", "asked_to_end", "says"),
    [
        (2.0, False, r"has not answered for 2 s; 1 event not acknowledged.*start it, then this"),
        (600.0, True, r"does not answer; 1 event not acknowledged"),
    ],
)
async def test_a_broker_that_goes_away_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patience_s: float, asked_to_end: bool, says: str
) -> None:
    monkeypatch.setattr(publisher, "PATIENCE_S", patience_s)
    monkeypatch.setattr(publisher, "STOP_S", 0.5)
    broker = KafkaBroker(tmp_path / "kafka", port=free_port())
    there = Kafka(bootstrap=broker.bootstrap)

    async def send_until_it_is_gone() -> None:
        async with Publisher(there) as sending:
            await sending.publish([Message(b"k", b"{}")])
            await sending.flush()
            await asyncio.to_thread(broker.stop)
            await sending.publish([Message(b"k", b"{}")])
            if asked_to_end:
                control = Control()
                control.at_stop.append(sending.hurry)
                asyncio.get_running_loop().call_soon(control.stop)  # when it waits already
            await sending.flush()

    try:
        await asyncio.to_thread(broker.start)
        await topic_table.apply(there, [topic for topic in TOPICS if topic.name == CALLS])
        with pytest.raises(NotReachableError, match=says):
            await asyncio.wait_for(send_until_it_is_gone(), 60)
    finally:
        await asyncio.to_thread(broker.stop)


async def test_signals_stop_at_once_or_drain_first() -> None:
    for drain, times, drains_after in ((False, 1, False), (True, 1, True), (True, 2, False)):
        control, told = Control(drain=drain), []
        control.at_stop.append(lambda told=told: told.append("stop"))
        for _ in range(times):
            control.stop()
        assert control.stopping
        assert control.drain == drains_after
        assert bool(told) is not drains_after
    await asyncio.sleep(0)
