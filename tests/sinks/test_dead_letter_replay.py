"""`hotline dead-letter show` and `replay` against a real broker and a real ClickHouse engine."""

import asyncio
import json
import time

import msgspec
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from click.testing import CliRunner

import deploy.cli.clickhouse
import deploy.cli.dead_letter
from deploy.cli.main import cli
from deploy.runtime.kafka import reading
from deploy.runtime.processor import Record
from deploy.runtime.settings import Kafka, Settings
from streams.contract import DeadLetter
from streams.contract.keys import murmur2_partition
from streams.contract.topics import CALLS, DEAD_LETTER, TOPICS, VISITS
from streams.processors import factory

pytestmark = [pytest.mark.kafka, pytest.mark.clickhouse]

CALL = "call-1"
NOW = round(time.time() * 1000)
PLACE = TopicPartition(CALLS, murmur2_partition(CALL.encode(), 6))

BEGINNING = Record(
    0, NOW, None, json.dumps({"type": "heartbeat", "time": NOW, "hotline": "city", "source": "pbx-1"}).encode()
)
"""The first record of the log, of which nothing was deleted."""


def run(*args):
    return CliRunner().invoke(cli, ["dead-letter", *args])


class Hotline:
    """The partition of one call: what stands in it from `first` on, and what the engine's core makes of it."""

    def __init__(self, settings, store):
        self.settings, self._store = settings, store
        self.first = asyncio.run(self.end())

    async def end(self):
        async with reading(self.settings.kafka) as consumer:
            return (await consumer.end_offsets([PLACE]))[PLACE]

    def send(self, event):
        """Append an event; its position."""
        value = event if isinstance(event, bytes) else json.dumps(event).encode()

        async def send():
            async with AIOKafkaProducer(bootstrap_servers=self.settings.kafka.bootstrap) as producer:
                return await producer.send_and_wait(CALLS, value, key=CALL.encode(), partition=PLACE.partition)

        return f"{CALLS}/{PLACE.partition}/{asyncio.run(send()).offset}"

    async def _records(self):
        async with reading(self.settings.kafka) as consumer:
            consumer.assign([PLACE])
            consumer.seek(PLACE, self.first)
            end = (await consumer.end_offsets([PLACE]))[PLACE]
            return [await consumer.getone(PLACE) for _ in range(self.first, end)]

    def count(self):
        """Visits by id and reasons of dead letters, which are stored."""
        core = factory(self.settings)(CALLS, PLACE.partition, None)
        core.apply([BEGINNING])
        core.apply([Record(it.offset, it.timestamp, it.key, it.value) for it in asyncio.run(self._records())])
        visits, reasons = {}, []
        for output in core.outputs():
            if output.topic == VISITS:
                visit = json.loads(output.value)
                visits[visit["visit"]] = visit
            elif output.topic == DEAD_LETTER:
                letter = msgspec.json.decode(output.value, type=DeadLetter)
                reasons.append(letter.reason)
                self._store(letter)
        return visits, reasons


@pytest.fixture
def empty(client):
    """Tables of letters without those of other tests."""
    for table in ("dead_letters", "late_events"):
        client.command(f"TRUNCATE TABLE {table}")


@pytest.fixture
def hotline(kafka_bootstrap, topics, settings, empty, store):
    topics(tuple(topic for topic in TOPICS if topic.name == CALLS))
    found = Settings(demo=True, kafka=Kafka(bootstrap=kafka_bootstrap), clickhouse=settings.clickhouse)
    with pytest.MonkeyPatch.context() as patch:
        for module in (deploy.cli.clickhouse, deploy.cli.dead_letter):
            patch.setattr(module, "current", lambda: found)
            patch.setattr(module, "resolve", lambda it, **_: it)
        yield Hotline(found, store)


def event(kind, seconds_ago, **fields):
    return {"type": kind, "time": NOW - seconds_ago * 1000, "call": CALL, "hotline": "city", "queue": "roads"} | fields


def test_a_letter_put_right_counts_once_however_often_it_is_sent(hotline):
    hotline.send(event("queued", 60))
    wrong = {name: value for name, value in event("", 50).items() if name != "type"}
    hotline.send(wrong)
    hotline.send(event("ended", 20))
    visits, reasons = hotline.count()
    assert reasons == ["no_type"]
    assert [visit["outcome"] for visit in visits.values()] == ["abandoned"]

    dry = run("replay", "--set", "type=answered", "--dry-run")
    assert (dry.exit_code, dry.output) == (0, "would be sent: 1\n")
    assert hotline.count()[0] == visits
    for _ in range(2):
        assert run("replay", "--set", "type=answered").output == "sent: 1\n"
    visits, reasons = hotline.count()
    assert [(visit["outcome"], visit["wait_ms"], visit["talk_ms"]) for visit in visits.values()] == [
        ("answered", 10_000, 30_000)
    ]
    assert reasons == ["no_type"]


def test_what_would_not_count_is_told_and_not_sent(hotline):
    hotline.send(b"not an event")
    old = {name: value for name, value in event("", 3 * 3_600).items() if name != "type"}
    hotline.send(old)
    hotline.send(old | {"time": NOW // 1000})
    hotline.count()
    before = asyncio.run(hotline.end())
    told = run("replay", "--set", "type=queued", "--json")
    assert told.exit_code == 1
    report = json.loads(told.output)
    assert (report["sent"], report["late"], report["gone"], report["rejected"]) == (0, 2, 0, {"not_json": 1})
    assert [reason for _, reason, _ in report["refused"]] == ["not_json", "late", "late"]  # in the order of the log
    old, in_seconds = (advice for _, reason, advice in report["refused"] if reason == "late")
    assert "hotline replay" in old
    assert "write epoch milliseconds" in in_seconds
    assert asyncio.run(hotline.end()) == before


def test_letters_are_chosen_by_reason_and_source(hotline):
    hotline.send({"type": "queued", "call": CALL, "source": "pbx-1"})
    hotline.send({"type": "queued", "call": CALL, "source": "pbx-2"})
    hotline.send({"time": 1, "call": CALL, "source": "pbx-2"})
    hotline.count()
    told = run("replay", "--reason", "no_time", "--source", "pbx-2", "--set", f"time={NOW}", "--dry-run")
    assert told.output == "would be sent: 1\n"
    assert run("replay", "--since", "2999-01-01", "--dry-run").output == "would be sent: 0\n"


def test_the_original_is_shown_masked_unless_asked_plain(hotline):
    where = hotline.send(b'{"caller": "13800138000", "note": "call me"}')
    assert run("show", where).output == '{"caller": "***********", "note": "call me"}\n'
    assert run("show", "--plain", where).output == '{"caller": "13800138000", "note": "call me"}\n'


def test_a_position_that_is_not_there_is_said_to_be(hotline):
    told = run("show", f"{CALLS}/0/999999999")
    assert (told.exit_code, "is not there" in told.stderr) == (1, True)
    told = run("show", "10571")
    assert (told.exit_code, "hotline.calls/3/10571" in told.stderr) == (2, True)
    told = run("replay", "--set", "type")
    assert (told.exit_code, "FIELD=VALUE" in told.stderr) == (2, True)
