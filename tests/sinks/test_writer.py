"""Stored means stored: shared inserts, what comes last, what is tried again, what is left out and said."""

import asyncio
import threading
from zoneinfo import ZoneInfo

import msgspec
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from deploy.runtime.processor import Record
from deploy.runtime.settings import ClickHouse, SettingsError
from sinks.clickhouse.client import ClickHouseAway, connect
from sinks.clickhouse.days import days_by
from sinks.clickhouse.inserter import Inserter, blocks
from sinks.clickhouse.migrate import migrate
from sinks.clickhouse.records import row_functions, to_rows
from sinks.clickhouse.writer import Writer
from streams.contract import Cell, Visit, VisitMark
from streams.contract.topics import CELLS, VISITS

FUNCTIONS = row_functions(days_by(lambda hotline: ZoneInfo("UTC")))


def visit(number, feed="live"):
    return Visit(
        feed=feed, hotline="h", visit=f"{number}/q/1", call=f"{number}", queue="q", queued_at=1_000, outcome="answered",
        version=(number, 1),
    )  # fmt: skip


def cell(feed, version):
    return Cell(feed=feed, hotline="h", dimension_set="hotline", minute=0, version=version, counts={"offered": 1})


MARK = VisitMark(feed="live", generation=1, source_partition=0, partition=0, of=1, version=(9, 9))


def records(*values):
    return [Record(offset, 0, None, msgspec.json.encode(value)) for offset, value in enumerate(values)]


class Recorder:
    """Stands for the inserter: remembers (table, rows) of each insert; may be held or made to fail."""

    def __init__(self):
        self.inserts = []
        self.may_go = threading.Event()
        self.may_go.set()
        self.entered = threading.Event()
        self.away_for = set()

    def write(self, block):
        self.entered.set()
        assert self.may_go.wait(60)
        if block.table.name in self.away_for:
            raise ClickHouseAway(f"no {block.table.name} now")
        self.inserts.append((block.table.name, len(block.values)))
        return []


async def waiting(writer, rows):
    """Return when so many rows wait for their turn."""
    async with asyncio.timeout(60):
        while len(writer._open.rows) < rows:  # noqa: ASYNC110  (a condition to reach, not a time to wait)
            await asyncio.sleep(0.001)


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def writer(recorder):
    return Writer(FUNCTIONS, lambda: recorder)


async def test_what_arrives_while_an_insert_runs_goes_together_into_the_next(writer, recorder):
    recorder.may_go.clear()
    first = asyncio.create_task(writer.store(VISITS, {0: records(visit(1))}))
    assert await asyncio.to_thread(recorder.entered.wait, 60)
    more = [asyncio.create_task(writer.store(VISITS, {p: records(visit(p), visit(p + 100))})) for p in (1, 2, 3)]
    await waiting(writer, 6)
    recorder.may_go.set()
    await asyncio.gather(first, *more)
    assert recorder.inserts == [("visits", 1), ("visits", 6)]


async def test_marks_are_inserted_after_what_stands_before_them(writer, recorder):
    await writer.store(VISITS, {0: records(MARK, visit(1))})
    assert [table for table, _ in recorder.inserts] == ["visits", "feed_marks"]


async def test_no_mark_is_stored_when_a_row_before_it_is_not(writer, recorder):
    recorder.away_for = {"visits"}
    with pytest.raises(ClickHouseAway, match="no visits now"):
        await writer.store(VISITS, {0: records(visit(1), MARK)})
    assert recorder.inserts == []
    recorder.away_for = set()
    await writer.store(VISITS, {0: records(visit(1), MARK)})
    assert [table for table, _ in recorder.inserts] == ["visits", "feed_marks"]


async def test_all_who_share_a_failed_insert_are_told(writer, recorder):
    recorder.away_for = {"visits"}
    stores = (writer.store(VISITS, {p: records(visit(p))}) for p in range(4))
    assert [type(result) for result in await asyncio.gather(*stores, return_exceptions=True)] == [ClickHouseAway] * 4
    recorder.away_for = set()
    await writer.store(VISITS, {0: records(visit(0))})
    assert recorder.inserts == [("visits", 1)]


async def test_a_caller_that_is_cut_off_does_not_make_others_believe_they_are_stored(writer, recorder):
    recorder.may_go.clear()
    blocker = asyncio.create_task(writer.store(VISITS, {0: records(visit(1))}))
    assert await asyncio.to_thread(recorder.entered.wait, 60)
    sharers = [asyncio.create_task(writer.store(VISITS, {p: records(visit(p))})) for p in (1, 2)]
    await waiting(writer, 2)
    blocker.cancel()  # the first sharer now holds the turn
    with pytest.raises(asyncio.CancelledError):
        await blocker
    await asyncio.sleep(0)
    sharers[0].cancel()
    recorder.may_go.set()
    with pytest.raises(ClickHouseAway, match="cut off"):
        await sharers[1]


async def test_what_cannot_be_read_is_logged_with_its_place_and_counted(writer, recorder):
    def refused():
        return REGISTRY.get_sample_value("hotline_sinks_records_refused_total", {"topic": VISITS}) or 0

    before = refused()
    with capture_logs() as logs:
        await writer.store(VISITS, {4: [Record(17, 0, None, b"{"), *records(visit(1))]})
    assert refused() == before + 1
    assert recorder.inserts == [("visits", 1)]
    (line,) = logs
    assert (line["log_level"], line["partition"], line["offset"], line["count"]) == ("error", 4, 17, 1)


def test_no_address_is_refused():
    with pytest.raises(SettingsError, match="HOTLINE_CLICKHOUSE__URL"):
        connect(ClickHouse())


def test_nobody_at_the_address_is_said_with_the_address(unused_tcp_port):
    with pytest.raises(ClickHouseAway, match=rf"does not answer at http://127\.0\.0\.1:{unused_tcp_port}"):
        connect(ClickHouse(url=f"http://127.0.0.1:{unused_tcp_port}"))


@pytest.mark.clickhouse
class TestInClickHouse:
    async def test_rows_are_there_when_store_returns(self, client, functions, select, feed):
        writer = Writer(functions, lambda: Inserter(client))
        await asyncio.gather(
            writer.store(VISITS, {p: records(*(visit(n, feed) for n in range(p, 300, 3))) for p in range(3)}),
            writer.store(CELLS, {0: records(*(cell(feed, v) for v in range(50)))}),
        )
        assert select("SELECT count() AS n FROM v_visits WHERE feed = {feed:String}", feed=feed) == [{"n": 300}]
        assert select("SELECT version FROM v_cells WHERE feed = {feed:String}", feed=feed) == [{"version": 49}]

    def test_a_row_that_does_not_fit_is_left_out_and_named_and_the_rest_is_stored(
        self, client, functions, select, feed
    ):
        inserter = Inserter(client)
        values = [visit(n, feed) for n in range(20)]
        values[7].wait_ms = -1
        values[13].entry = 2**40
        rows, unread = to_rows(functions[VISITS], VISITS, 0, records(*values))
        (block,) = blocks(rows)
        refused = inserter.write(block)
        assert unread == []
        assert [r.position.offset for r in refused] == [7, 13]
        assert "wait_ms" in refused[0].reason
        assert select("SELECT count() AS n FROM v_visits WHERE feed = {feed:String}", feed=feed) == [{"n": 18}]

    def test_a_lost_table_is_a_reason_to_wait_and_not_to_drop(self, client, settings, functions, select, feed):
        rows, _ = to_rows(functions[CELLS], CELLS, 0, records(cell(feed, 1)))
        inserter = Inserter(client)
        for block in blocks(rows):
            inserter.write(block)
            client.command("DROP TABLE cells")
            client.command("TRUNCATE TABLE schema_migrations")
            with pytest.raises(ClickHouseAway, match=r"insert into cells: .*does not exist"):
                inserter.write(block)
            migrate(settings)
            inserter.write(block)
        assert select("SELECT count() AS n FROM v_cells WHERE feed = {feed:String}", feed=feed) == [{"n": 1}]
