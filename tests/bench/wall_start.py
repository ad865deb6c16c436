"""Until a wall that starts late on a busy day is complete: begun with what ClickHouse has stored, and from Kafka alone.

    python tests/bench/wall_start.py [--hours 26] [--queues 40] [--told 20] [--rounds 2]

A day's cells of so many queues, their hotline and twice as many categories, each told so often as it grows, lie in a real
broker; ClickHouse has the last of each, as it has once the writer is done. Both ways are read in turn, and count only if
both boards know the same.
"""

import argparse
import asyncio
import contextlib
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer

sys.path.insert(0, str(Path(__file__).parents[1] / "web"))

import city
from stored import store
from test_last_day import known

from deploy import topics
from deploy.embedded.child import free_port
from deploy.embedded.clickhouse import ClickHouseServer
from deploy.embedded.kafka import KafkaBroker
from deploy.runtime import group_positions
from deploy.runtime.settings import Settings
from sinks.clickhouse.records import GROUP
from sinks.web import reader
from sinks.web.board import Board
from streams.contract import Cell
from streams.contract.cells import MINUTE_MS, Counts
from streams.contract.topics import CELLS

HOUR = 60
encode = msgspec.json.Encoder().encode


def counts(told: int, of: int) -> Counts:
    """What a busy minute's cell says when it has been told so often."""
    waits = {f"answered_wait.{wait}": told for wait in (0, 1, 2, 3, 5, 8, 13, 21)}
    sums = {"wait_ms_sum": 4_321 * told, "waited": told, "talk_ms_sum": 180_000 * told, "talked": told}
    events = {f"event_answered.{of}": told, "offered": 9 * told, "answered": 8 * told, "abandoned": told}
    return events | waits | sums | {"calls_offered": 8 * told, "calls_answered": 8 * told, "acw_ms_sum": 21_000 * told}


def cells_of(minute: int, queues: int, told: int) -> Iterator[Cell]:
    """The cells of one minute (ms), as they are when they have been told so often."""
    for number in range(queues):
        yield _cell("queue", minute, told, queue=f"q{number}")
        yield _cell("category_1", minute, told, category=f"c{number}")
        yield _cell("category_2", minute, told, category=f"c{number}/d")
    yield _cell("hotline", minute, told)


def _cell(dimension_set: str, minute: int, told: int, **values: str) -> Cell:
    version = minute // MINUTE_MS * 1_000 + told
    return Cell(
        feed="live",
        hotline=city.HOTLINE,
        dimension_set=dimension_set,
        minute=minute,
        version=version,
        counts=counts(told, 15),
        **values,
    )


async def fill(settings: Settings, minutes: range, queues: int, told: int) -> int:
    """Put all of it into the topic; how many records that is."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka.bootstrap, compression_type="lz4")
    await producer.start()
    sent = 0
    for minute in minutes:
        batch = producer.create_batch()
        for times in range(1, told + 1):
            for cell in cells_of(minute, queues, times):
                key, value = f"live/{cell.dimension_set}/".encode(), encode(cell)
                if batch.append(key=key, value=value, timestamp=minute) is None:
                    await producer.send_batch(batch, CELLS, partition=0)
                    batch = producer.create_batch()
                    batch.append(key=key, value=value, timestamp=minute)
                sent += 1
        await producer.send_batch(batch, CELLS, partition=0)
    await producer.send_and_wait(CELLS, encode(city.progress(minutes.stop)), key=b"progress", partition=0)
    await producer.stop()
    return sent + 1


async def read_up(settings: Settings) -> tuple[reader.Reader, float, float]:
    """(reader, seconds, seconds of processor time) until the board is complete."""
    started = reader.Reader(Board("live"), settings)
    begun, spent = time.monotonic(), time.process_time()
    running = asyncio.create_task(started.run())
    while started.known_from is None:
        if running.done():
            running.result()
        await asyncio.sleep(0.01)
    took = time.monotonic() - begun, time.process_time() - spent
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    return started, *took


async def measure(settings: Settings, rounds: int) -> None:
    soon_read = reader.SOON_READ
    for _ in range(rounds):
        boards: list[dict[str, Any]] = []
        for way, least in (("ClickHouse first", soon_read), ("Kafka alone", sys.maxsize)):
            reader.SOON_READ = least
            done, seconds, processor = await read_up(settings)
            read = sum(done.intake.applied.values())
            print(f"{way}: {seconds:.1f} s, {processor:.1f} s of a core, {read:,} records read from Kafka", flush=True)
            boards.append(known(done.intake.board))
        assert boards[0] == boards[1], "the boards differ"
    print(
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024:,} MiB at most, with the filling and two boards"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=int, default=26)
    parser.add_argument("--queues", type=int, default=40)
    parser.add_argument("--told", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=2)
    asked = parser.parse_args()
    now = int(time.time() * 1000)
    until = now - now % MINUTE_MS
    minutes = range(until - asked.hours * HOUR * MINUTE_MS + 5 * MINUTE_MS, until, MINUTE_MS)
    with tempfile.TemporaryDirectory() as where, contextlib.ExitStack() as stack:
        broker = KafkaBroker(Path(where) / "kafka", port=free_port())
        server = ClickHouseServer(Path(where) / "clickhouse", port=free_port())
        for one in (broker, server):
            one.start()
            stack.callback(one.stop)
        settings = city.demo_settings(kafka={"bootstrap": broker.bootstrap}, clickhouse={"url": server.url})
        asyncio.run(topics.apply(settings.kafka))
        sent = asyncio.run(fill(settings, minutes, asked.queues, asked.told))
        for first in range(0, len(minutes), HOUR):
            store(
                settings,
                [cell for at in minutes[first : first + HOUR] for cell in cells_of(at, asked.queues, asked.told)],
            )
        store(settings, [city.progress(until)])
        asyncio.run(group_positions.set_back(settings.kafka, GROUP, [CELLS], {(CELLS, 0): sent}))
        print(f"{sent:,} records of {len(minutes) * (3 * asked.queues + 1):,} cells of {asked.hours} hours")
        asyncio.run(measure(settings, asked.rounds))


if __name__ == "__main__":
    main()
