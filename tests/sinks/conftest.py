"""A database of its own for each test module, in the real engine."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from clickhouse_connect.driver.client import Client

from deploy.runtime.processor import Record
from deploy.runtime.settings import ClickHouse, Hotline, Settings
from sinks.clickhouse.client import connect
from sinks.clickhouse.days import days_by
from sinks.clickhouse.inserter import Inserter, blocks
from sinks.clickhouse.migrate import migrate
from sinks.clickhouse.records import row_functions, to_rows
from streams.contract import (
    AlertEvent,
    CallFact,
    Cell,
    DeadLetter,
    FeedStatus,
    Forecast,
    Gauge,
    Progress,
    Signal,
    SourceStatus,
    Visit,
    VisitMark,
)
from streams.contract.topics import ALERTS, CELLS, DEAD_LETTER, SIGNALS, VISITS

_feeds = count(1)


@pytest.fixture(scope="module")
def settings(clickhouse_url: str) -> Settings:
    """Settings of a database that no other module uses, with a hotline in Shanghai and one in Jerusalem."""
    return Settings(
        data_dir=Path("unused"),
        clickhouse=ClickHouse(url=clickhouse_url, database=f"test_{uuid4().hex[:12]}"),
        hotlines={"12345": Hotline(time_zone="Asia/Shanghai", thresholds_s=(15, 20), target=0.8)},
    )


@pytest.fixture(scope="module")
def client(settings: Settings) -> Iterator[Client]:
    """A client in a migrated database."""
    migrate(settings)
    with connect(settings.clickhouse) as found:
        yield found
        found.command(f"DROP DATABASE {settings.clickhouse.database}")


@pytest.fixture
def feed() -> str:
    """A feed that no other test writes to."""
    return f"feed-{next(_feeds)}"


@pytest.fixture(scope="module")
def functions(settings: Settings):
    return row_functions(days_by(lambda hotline: settings.hotline(hotline).zone))


TOPIC_OF = {
    Visit: VISITS,
    VisitMark: VISITS,
    CallFact: VISITS,
    Progress: CELLS,
    SourceStatus: CELLS,
    Cell: CELLS,
    Gauge: CELLS,
    Forecast: CELLS,
    FeedStatus: CELLS,
    Signal: SIGNALS,
    AlertEvent: ALERTS,
    DeadLetter: DEAD_LETTER,
}


@pytest.fixture
def store(client, functions) -> Callable[..., None]:
    """Store contract records as the writer does: encoded, decoded, as rows, by table and day."""
    inserter = Inserter(client)

    def store_(*records):
        rows = []
        for offset, record in enumerate(records):
            topic = TOPIC_OF[type(record)]
            its, refused = to_rows(functions[topic], topic, 0, [Record(offset, 0, None, msgspec.json.encode(record))])
            assert not refused
            rows += its
        for block in blocks(rows):
            assert not inserter.write(block)

    return store_


@pytest.fixture
def select(client) -> Callable[..., list[dict[str, Any]]]:
    """Rows of a query as dictionaries."""

    def select_(query, **parameters):
        return list(client.query(query, parameters).named_results())

    return select_
