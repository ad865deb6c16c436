"""A wall that starts on a busy day: what ClickHouse has stored is not read from Kafka again, and the board is the same."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import city
import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from stored import store

from deploy.embedded.child import free_port
from deploy.runtime import group_positions
from deploy.runtime.settings import Settings
from sinks.clickhouse.migrate import migrate
from sinks.web import reader
from sinks.web.board import Board, Record
from sinks.web.reader import Reader
from streams.contract import Cell, Forecast, Gauge
from streams.contract.topics import CELLS, TOPICS

pytestmark = [pytest.mark.kafka, pytest.mark.clickhouse]

SOON_READ = 200


def known(board: Board) -> dict[str, Any]:
    """What a board knows, without counters that are 0."""
    lines, kinds = (
        {
            (key, at): {name: number for name, number in minute.counts.items() if number}
            for key, minutes in by_key.items()
            for at, minute in minutes.items()
        }
        for by_key in (board.minutes, board.kinds._minutes)
    )
    present = (board.gauges, board.forecasts, board.sources, board.since, board.clock, board.clock_moved_at)
    return {"lines": lines, "kinds": kinds, "present": present}


async def send(bootstrap: str, topic: str, told: Sequence[Record], at: int) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    for record in told:
        kind = msgspec.structs.asdict(record).get("dimension_set", type(record).__name__)
        await producer.send(topic, msgspec.json.encode(record), key=f"live/{kind}/".encode(), timestamp_ms=at)
    await producer.stop()


async def read_up(settings: Settings) -> Reader:
    """A reader that has read all there is."""
    started = Reader(Board("live"), settings)
    running = asyncio.create_task(started.run())
    async with asyncio.timeout(60):
        while started.known_from is None:
            assert not running.done(), running.exception()
            await asyncio.sleep(0.05)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    return started


async def test_what_clickhouse_has_is_not_read_from_kafka_and_the_board_is_the_same(
    kafka_bootstrap, clickhouse_url, topics, monkeypatch
) -> None:
    own = {topic.name: f"{topic.name}-{uuid4().hex[:8]}" for topic in TOPICS}
    await asyncio.to_thread(topics, tuple(msgspec.structs.replace(topic, name=own[topic.name]) for topic in TOPICS))
    group = f"stores-{uuid4().hex[:8]}"
    for name, value in (
        ("DECODERS", {own[name]: decode for name, decode in reader.DECODERS.items()}),
        ("CELLS", own[CELLS]),
        ("GROUP", group),
        ("SOON_READ", SOON_READ),
    ):
        monkeypatch.setattr(reader, name, value)
    now = int(time.time() * 1000)
    told = [record for record, _ in city.records(now) if isinstance(record, Cell | Gauge | Forecast)]
    minute = max(record.minute for record in told if isinstance(record, Cell))
    newest = [record for record in told if isinstance(record, Cell) and record.minute == minute]
    former = [msgspec.structs.replace(record, version=0, counts={"offered": 1}) for record in newest]
    first = [*(record for record in told if record not in newest), *former]
    then = [*newest, city.gauge("utilities", now, 15, 12, now - 9_000, 9, 2), city.progress(now)]
    busy = [city.source(now, version=version) for version in range(2 * SOON_READ)]  # told again every ten seconds
    await send(kafka_bootstrap, own[CELLS], [*first, *then, *busy], now)

    settings = city.demo_settings(
        kafka={"bootstrap": kafka_bootstrap},
        clickhouse={"url": clickhouse_url, "database": f"web_{uuid4().hex[:12]}"},
    )
    from_kafka = await read_up(settings)  # nobody has stored anything yet, as far as Kafka knows
    assert sum(from_kafka.intake.applied.values()) == len(first) + len(then) + len(busy)

    await asyncio.to_thread(store, settings, [*first, *then])  # what it has stored it may not have committed yet
    await group_positions.set_back(settings.kafka, group, [own[CELLS]], {(own[CELLS], 0): len(first)})
    from_both = await read_up(settings)
    assert sum(from_both.intake.applied.values()) == len(then) + len(busy)
    assert known(from_both.intake.board) == known(from_kafka.intake.board)

    away = settings.model_copy(
        update={"clickhouse": settings.clickhouse.model_copy(update={"url": f"http://127.0.0.1:{free_port()}"})}
    )
    without = await read_up(away)
    assert sum(without.intake.applied.values()) == len(first) + len(then) + len(busy)
    assert known(without.intake.board) == known(from_kafka.intake.board)

    await group_positions.set_back(settings.kafka, group, [own[CELLS]], {(own[CELLS], 0): len(first) + len(then) + 350})
    at_its_end = await read_up(settings)  # nothing of what is told again would be left to read
    assert sum(at_its_end.intake.applied.values()) == SOON_READ
    assert at_its_end.intake.board.sources == from_kafka.intake.board.sources

    renewed = settings.clickhouse.model_copy(update={"database": f"web_{uuid4().hex[:12]}"})
    emptied = settings.model_copy(update={"clickhouse": renewed})
    await asyncio.to_thread(migrate, emptied)
    all_the_same = await read_up(emptied)  # what was committed is not there any more
    assert known(all_the_same.intake.board) == known(from_kafka.intake.board)

    noon = minute - 60 * city.MINUTE_MS
    since = [record for record in [*first, *then] if not isinstance(record, Cell) or record.minute >= noon]
    await asyncio.to_thread(store, emptied, since)
    filled_since = await read_up(emptied)
    assert known(filled_since.intake.board) == known(from_kafka.intake.board)

    async def of_the_former_topic(*_: object) -> dict[group_positions.Place, int]:
        return {(own[CELLS], 0): 1_000_000}

    monkeypatch.setattr(group_positions, "positions", of_the_former_topic)
    created_again = await read_up(settings)
    assert sum(created_again.intake.applied.values()) == len(first) + len(then) + len(busy)
