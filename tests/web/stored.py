"""Cells in ClickHouse, put there as the writer does."""

import msgspec

from deploy.runtime.settings import Settings
from sinks.clickhouse.client import connect
from sinks.clickhouse.days import local_day
from sinks.clickhouse.inserter import Inserter, blocks
from sinks.clickhouse.migrate import migrate
from sinks.clickhouse.records import Record, row_functions, to_rows
from streams.contract.topics import CELLS


def store(settings: Settings, cells: list) -> None:
    """Put cells into ClickHouse as the writer does."""
    migrate(settings)
    rows_of = row_functions(local_day(lambda hotline: settings.hotline(hotline).zone))[CELLS]
    rows, refused = to_rows(
        rows_of, CELLS, 0, [Record(n, 0, None, msgspec.json.encode(c)) for n, c in enumerate(cells)]
    )
    assert not refused
    with connect(settings.clickhouse) as client:
        inserter = Inserter(client)
        assert not any(inserter.write(block) for block in blocks(rows))
