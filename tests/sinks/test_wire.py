"""The wire to ClickHouse is cut in the middle of an insert, its answer is lost, its disk is full: nothing is lost or doubled."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import msgspec
import pytest
from relay import DISK_FULL, Relay

from deploy.runtime.processor import Record
from sinks.clickhouse.client import ClickHouseAway, connect
from sinks.clickhouse.inserter import Inserter
from sinks.clickhouse.writer import Writer
from streams.contract import Visit
from streams.contract.topics import VISITS

pytestmark = pytest.mark.clickhouse
VISITS_TOLD = 2_000


@pytest.fixture
def relay(client, settings) -> Iterator[Relay]:
    with Relay(urlsplit(settings.clickhouse.url).port) as its:
        yield its


@pytest.fixture
def writer(relay, settings, functions) -> Writer:
    behind = settings.clickhouse.model_copy(update={"url": relay.url})
    return Writer(functions, lambda: Inserter(connect(behind)))


def told(feed, first=0, count=VISITS_TOLD):
    visits = [
        Visit(
            feed=feed, hotline="h", visit=f"{n}/q/1", call=f"{n}", queue="q", queued_at=1_000, outcome="answered",
            subject=f"matter {n}", version=(n, 1),
        )
        for n in range(first, first + count)
    ]  # fmt: skip
    return [Record(offset, 0, None, msgspec.json.encode(visit)) for offset, visit in enumerate(visits)]


@pytest.fixture
def stored(select, feed):
    """(rows, distinct visits) that the view shows."""

    def count():
        (row,) = select(
            "SELECT count() AS n, uniqExact(visit) AS d FROM v_visits WHERE feed = {feed:String}", feed=feed
        )
        return row["n"], row["d"]

    return count


async def test_a_wire_cut_in_the_middle_of_an_insert(relay, writer, stored, feed):
    await writer.store(VISITS, {0: told(feed, count=1)})  # connected, and the columns of the table are known
    relay.cut_after(50_000)
    with pytest.raises(ClickHouseAway, match="insert into visits"):
        await writer.store(VISITS, {0: told(feed)})
    assert relay.sent > 50_000, "it was in the middle"
    relay.heal()
    await writer.store(VISITS, {0: told(feed)})
    assert stored() == (VISITS_TOLD, VISITS_TOLD)


async def test_an_insert_that_was_stored_and_whose_answer_was_lost_is_sent_again_and_counts_once(
    relay, writer, stored, feed
):
    await writer.store(VISITS, {0: told(feed, count=1)})
    relay.lose_answers()
    with pytest.raises(ClickHouseAway, match="insert into visits"):
        await writer.store(VISITS, {0: told(feed)})
    relay.heal()
    await writer.store(VISITS, {0: told(feed)})
    assert stored() == (VISITS_TOLD, VISITS_TOLD)


async def test_a_full_disk_is_said_and_waited_for(relay, writer, stored, feed):
    await writer.store(VISITS, {0: told(feed, count=1)})
    relay.refuse(DISK_FULL)
    with pytest.raises(ClickHouseAway, match="not enough space"):
        await writer.store(VISITS, {0: told(feed)})
    relay.heal()
    await writer.store(VISITS, {0: told(feed)})
    assert stored() == (VISITS_TOLD, VISITS_TOLD)
