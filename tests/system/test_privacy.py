"""Callers' numbers are found nowhere but in the input topic: searched for everywhere, beside one that must be found."""

import asyncio
import json
import time
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import clickhouse_connect
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from installation import Installation, eventually
from settled import settled

from deploy.runtime.state_records import decompress
from streams.contract.topics import CALLS, STATE_ALERTS, STATE_STREAMS, TOPICS

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

SECRET = "13800138099"
FOUND = "13900139088"


def records() -> list[tuple[str, bytes]]:
    """(key, value) of events that hide the secret in every way, and of one whose agent is the planted number."""
    now = int(time.time() * 1000)

    def event(kind: str, call: str, **fields: object) -> tuple[str, bytes]:
        body = {"type": kind, "time": now, "call": call, "hotline": "privacy", "source": "test"} | fields
        return call, json.dumps(body).encode()

    return [
        event("queued", "p1", queue="q", caller=SECRET),
        event("answered", "p1", queue="q", agent=f"agent-{FOUND}"),
        event("ended", "p1", text=f"please call {SECRET} or 138 0013 8099", subject=SECRET, place=f"near {SECRET}"),
        event("queued", "p2", queue="q", caller=SECRET, phone=SECRET, kept=f"tel {SECRET}"),
        event("queued", "p3", queue="q", **{f"field-{SECRET}": 1}),
        event("queued", "p4", queue="q", wait_ms=f"x{SECRET}"),
        event(f"type-{SECRET}", "p5"),
        ("p6", f'{{"caller": "{SECRET}", "type": "queued"'.encode()),
        ("p7", f"not json at all, {SECRET}".encode()),
        ("p8", b'{"call": "\xff", "caller": "' + SECRET.encode() + b'"}'),
        ("p9", json.dumps({"type": "queued", "call": "p9", "source": f"pbx {SECRET}"}).encode()),
    ]


async def publish(bootstrap: str) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        for key, value in records():
            await producer.send_and_wait(CALLS, value, key=key.encode())


async def ends(bootstrap: str) -> dict[TopicPartition, int]:
    """Where every topic but the input ends now."""
    tps = [TopicPartition(t.name, p) for t in TOPICS if t.name != CALLS for p in range(t.partitions)]
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=None) as consumer:
        return dict(await consumer.end_offsets(tps))


async def everything(bootstrap: str, since: dict[TopicPartition, int]) -> AsyncIterator[tuple[str, bytes]]:
    """Every record after `since`: key and value as they are, states unpacked."""
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=None) as consumer:
        consumer.assign(list(since))
        for tp, offset in since.items():
            consumer.seek(tp, offset)
        behind = await consumer.end_offsets(list(since))
        while behind := {tp: end for tp, end in behind.items() if await consumer.position(tp) < end}:
            for tp, batch in (await consumer.getmany(*behind, timeout_ms=500)).items():
                for record in batch:
                    yield tp.topic, record.key or b""
                    if record.value and tp.topic in {STATE_STREAMS, STATE_ALERTS}:
                        yield tp.topic, decompress(record.value) or record.value
                    elif record.value:
                        yield tp.topic, record.value


async def topics_with(bootstrap: str, since: dict[TopicPartition, int], number: str) -> set[str]:
    return {topic async for topic, data in everything(bootstrap, since) if number.encode() in data}


def columns_with(hotline: Installation, *numbers: str) -> dict[str, set[str]]:
    """Number -> `table.column` of every column that can hold text and has the number in it; a table is read once."""
    url = urlsplit(hotline.status()["endpoints"]["clickhouse"])
    found: dict[str, set[str]] = {number: set() for number in numbers}
    with clickhouse_connect.get_client(host=url.hostname, port=url.port, database="hotline") as client:
        tables = client.query(
            "SELECT table, groupArray(name) FROM system.columns"
            " WHERE database = 'hotline' AND match(type, 'String|Map|Tuple|Array') GROUP BY table"
        ).result_rows
        assert sum(len(columns) for _, columns in tables) > 50
        for table, columns in tables:
            places = [(number, column) for number in numbers for column in columns]
            counts = ", ".join(f"countIf(position(toString(`{column}`), '{number}') > 0)" for number, column in places)
            for (number, column), count in zip(
                places, client.query(f"SELECT {counts} FROM `{table}`").result_rows[0], strict=True
            ):
                if count:
                    found[number].add(f"{table}.{column}")
    return found


def logs_with(hotline: Installation, number: str) -> set[str]:
    logs = Path(hotline.environment["HOTLINE_DATA_DIR"]) / "logs"
    # The broker keeps the input topic; its log names topics only.
    return {path.name for path in logs.iterdir() if number in path.read_text(encoding="utf-8", errors="replace")}


def pages_with(hotline: Installation, number: str) -> set[str]:
    run = json.loads((Path(hotline.environment["HOTLINE_DATA_DIR"]) / "run.json").read_text(encoding="utf-8"))
    pages = {f"{url}/metrics" for url in [*run["health"].values(), run["endpoints"]["web"]]}
    pages |= {f"{run['endpoints']['web']}/api/v1/board"}
    found = set()
    for page in pages:
        with urllib.request.urlopen(page, timeout=20) as answer:
            if number in answer.read().decode():
                found.add(page)
    return found


def test_a_number_is_nowhere_past_the_input_topic_and_a_planted_one_is_found(hotline: Installation) -> None:
    bootstrap = hotline.status()["endpoints"]["kafka"]
    since = asyncio.run(ends(bootstrap))
    asyncio.run(publish(bootstrap))
    eventually(lambda: hotline.sql("SELECT 1 FROM v_visits WHERE call = 'p1' AND outcome = 'answered'"))
    eventually(lambda: len(hotline.sql("SELECT reason FROM v_dead_letters WHERE source != 'none'")) >= 6)
    settled(hotline)
    # The search finds what is there, also inside the packed states, which are written now and then.
    eventually(lambda: {"hotline.visits", STATE_STREAMS} <= asyncio.run(topics_with(bootstrap, since, FOUND)))
    spellings = (SECRET, "138 0013 8099")
    columns = columns_with(hotline, FOUND, *spellings)
    assert "visits.agent" in columns[FOUND]
    for spelling in spellings:
        assert asyncio.run(topics_with(bootstrap, since, spelling)) == set()
        assert columns[spelling] == set()
        assert logs_with(hotline, spelling) == set()
        assert pages_with(hotline, spelling) == set()
    status = json.dumps(hotline.status())
    letters = hotline.run("dead-letter", "list")
    assert SECRET not in status + letters
    assert "not_json" in letters
