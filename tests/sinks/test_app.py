"""The process: what it refuses to start with, and that a `kill -9` loses and doubles nothing."""

import asyncio
import os
import subprocess
import sys
import time
from urllib.parse import urlsplit

import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from relay import Relay

from deploy.runtime.settings import ClickHouse, Settings, TermWords
from sinks.app import CannotStart, prepare, run
from streams.contract import Cell, FeedStatus, Visit, VisitMark
from streams.contract.topics import CELLS, VISITS

PARTITIONS = 6
ENDS_WITHIN_S = 20
NOON = 1_767_240_000_000


def test_nobody_at_the_address_is_said(unused_tcp_port):
    with pytest.raises(CannotStart, match=f"does not answer at http://127.0.0.1:{unused_tcp_port}"):
        prepare(Settings(clickhouse=ClickHouse(url=f"http://127.0.0.1:{unused_tcp_port}")))


@pytest.mark.clickhouse
def test_a_database_that_is_not_there_is_said(clickhouse_url):
    with pytest.raises(CannotStart, match="no_such_database"):
        prepare(Settings(clickhouse=ClickHouse(url=clickhouse_url, database="no_such_database")))


def visits(feed, numbers):
    return [
        Visit(
            feed=feed, generation=7, hotline="12345", visit=f"{n}/q/1", call=f"{n}", queue="q", outcome="answered",
            queued_at=NOON + n, version=(n, 1),
        )
        for n in numbers
    ]  # fmt: skip


def cells(feed, numbers):
    return [
        Cell(
            feed=feed, generation=7, hotline="12345", dimension_set="queue", queue="q", minute=NOON + n % 50 * 60_000,
            version=n, counts={"offered": n},
        )
        for n in numbers
    ]  # fmt: skip


def end(feed):
    marks = [
        VisitMark(feed=feed, generation=7, source_partition=0, partition=p, of=PARTITIONS, version=(9_999, 1))
        for p in range(PARTITIONS)
    ]
    return marks, FeedStatus(feed=feed, generation=7, state="ended", at=NOON, version=9_999)


def produce(bootstrap, *, to_visits, to_cells):
    async def send():
        async with AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=20) as producer:
            sent = [
                await producer.send(VISITS, msgspec.json.encode(value), partition=partition)
                for partition, value in to_visits
            ]
            sent += [await producer.send(CELLS, msgspec.json.encode(value)) for value in to_cells]
            await asyncio.gather(*sent)

    asyncio.run(send())


def until(condition, *, seconds=90):
    """Return when the condition holds; fail after `seconds`."""
    end_of_patience = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end_of_patience, "it did not come about"
        time.sleep(0.2)


def spread(feed, numbers):
    return [(visit.version[0] % PARTITIONS, visit) for visit in visits(feed, numbers)]


@pytest.fixture
def start(kafka_bootstrap, topics, client, settings, tmp_path):
    """Starts the writer, as a process; `url`: of ClickHouse, where that is not reached directly."""
    topics()
    (tmp_path / "hotline.yaml").write_text("hotlines: {'12345': {time_zone: Asia/Shanghai}}\n")
    environment = os.environ | {
        "HOTLINE_KAFKA__BOOTSTRAP": kafka_bootstrap,
        "HOTLINE_KAFKA__SESSION_TIMEOUT_MS": "6000",
        "HOTLINE_CLICKHOUSE__DATABASE": settings.clickhouse.database,
        "HOTLINE_CONFIG": str(tmp_path / "hotline.yaml"),
    }
    command = [sys.executable, "-c", "from deploy.cli import main; main()", "sinks"]
    with (tmp_path / "log").open("wb") as log:

        def start_(url=settings.clickhouse.url):
            return subprocess.Popen(command, env=environment | {"HOTLINE_CLICKHOUSE__URL": url}, stderr=log)

        yield start_


@pytest.fixture
def stored(select):
    """How many visits of a feed are in ClickHouse."""
    return lambda feed: select("SELECT uniqExact(visit) AS n FROM visits WHERE feed = {feed:String}", feed=feed)[0]["n"]


@pytest.mark.kafka
@pytest.mark.clickhouse
@pytest.mark.faults
def test_a_stop_does_not_wait_for_an_insert_that_is_never_answered_and_loses_nothing(
    kafka_bootstrap, start, stored, settings, feed
):
    with Relay(urlsplit(settings.clickhouse.url).port) as relay:
        process = start(relay.url)
        try:
            produce(kafka_bootstrap, to_visits=spread(feed, range(1000)), to_cells=[])
            until(lambda: stored(feed) == 1000)
            relay.hang()
            produce(kafka_bootstrap, to_visits=spread(feed, range(1000, 2000)), to_cells=[])
            assert relay.taken.wait(60)
            process.terminate()
            assert process.wait(ENDS_WITHIN_S) == 0
        finally:
            process.kill()
            process.wait()
    assert stored(feed) == 1000
    process = start()
    try:
        until(lambda: stored(feed) == 2000)
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.kafka
@pytest.mark.clickhouse
@pytest.mark.faults
def test_a_kill_loses_nothing_and_doubles_nothing(kafka_bootstrap, start, stored, select, feed):
    def queryable():
        return select("SELECT queryable_at FROM v_feeds WHERE feed = {feed:String}", feed=feed)

    produce(kafka_bootstrap, to_visits=spread(feed, range(3000)), to_cells=cells(feed, range(1, 500)))
    process = start()
    try:
        until(lambda: stored(feed))
        process.kill()
        process.wait()
        marks, status = end(feed)
        produce(
            kafka_bootstrap,
            to_visits=[*spread(feed, range(3000, 4000)), *((mark.partition, mark) for mark in marks)],
            to_cells=[*cells(feed, range(500, 1000)), status],
        )
        process = start()
        until(lambda: any(row["queryable_at"] for row in queryable()))
    finally:
        process.terminate()
        process.wait(30)
    assert select("SELECT count() AS n FROM v_visits WHERE feed = {feed:String}", feed=feed) == [{"n": 4000}]
    query = "SELECT count() AS n, sum(offered) AS offered FROM v_cells WHERE feed = {feed:String}"
    assert select(query, feed=feed) == [{"n": 50, "offered": sum(range(950, 1000))}]


def test_the_writer_does_not_start_with_words_it_cannot_read(tmp_path, capsys):
    with pytest.raises(SystemExit):
        run(Settings(terms=TermWords(dictionary=tmp_path / "none.txt")))
    assert "terms.dictionary" in "".join(capsys.readouterr())
