"""What is known of sources as rows of `sources`."""

from operator import attrgetter

from sinks.clickhouse.rows.table import DAY_MS, Row, Table
from streams.contract.cells import SourceStatus

SLOT_MS = 60_000
_COLUMNS = SourceStatus.__struct_fields__
SOURCES = Table("sources", (*_COLUMNS, "slot"))
_values = attrgetter(*_COLUMNS)


def source_row(status: SourceStatus) -> Row:
    slot = status.at - status.at % SLOT_MS
    return Row(SOURCES, slot // DAY_MS, (*_values(status), slot))
