"""Records in ClickHouse, put there as the writer does."""

import msgspec

from deploy.runtime.settings import Settings
from sinks.clickhouse.client import connect
from sinks.clickhouse.days import days_by
from sinks.clickhouse.inserter import Inserter, blocks
from sinks.clickhouse.migrate import migrate
from sinks.clickhouse.records import Record, row_functions, to_rows
from streams.contract.topics import CELLS


def store(settings: Settings, records: list, topic: str = CELLS) -> None:
    """Put the records of a topic into ClickHouse as the writer does."""
    migrate(settings)
    rows_of = row_functions(days_by(lambda hotline: settings.hotline(hotline).zone))[topic]
    rows, refused = to_rows(
        rows_of, topic, 0, [Record(n, 0, None, msgspec.json.encode(one)) for n, one in enumerate(records)]
    )
    assert not refused
    with connect(settings.clickhouse) as client:
        inserter = Inserter(client)
        assert not any(inserter.write(block) for block in blocks(rows))
