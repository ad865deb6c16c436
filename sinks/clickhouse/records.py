"""From what a topic carries to rows: decoding, and which record becomes a row of which table."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from deploy.runtime.processor import Record
from sinks.clickhouse.days import LocalDay
from sinks.clickhouse.rows import (
    Row,
    alert_row,
    cell_row,
    dead_letter_row,
    feed_row,
    forecast_row,
    gauge_row,
    mark_row,
    signal_row,
    visit_row,
)
from streams.contract.alerts import AlertEvent
from streams.contract.cells import Cell, CellsRecord, FeedStatus, Forecast, Gauge
from streams.contract.dead_letters import DeadLetter
from streams.contract.signals import Signal
from streams.contract.topics import ALERTS, CELLS, DEAD_LETTER, SIGNALS, VISITS
from streams.contract.visits import Visit, VisitsRecord

ToRow = Callable[[Record], Row | None]
"""A record's row; None for one that is not meant for ClickHouse (`Progress`)."""


class Position(NamedTuple):
    """Where a record stands."""

    topic: str
    partition: int
    offset: int


class Refused(NamedTuple):
    """A record that cannot become a row, and why."""

    position: Position
    reason: str


def _value(record: Record) -> bytes:
    if record.value is None:
        raise ValueError("the record has no value")
    return record.value


def row_functions(day_of: LocalDay) -> dict[str, ToRow]:
    """topic -> function from a record to its row.

    They raise msgspec.MsgspecError, ValueError or OverflowError for a record that cannot become one.
    """
    visits = msgspec.json.Decoder(VisitsRecord)
    cells = msgspec.json.Decoder(CellsRecord)
    signals = msgspec.json.Decoder(Signal)
    alerts = msgspec.json.Decoder(AlertEvent)
    dead_letters = msgspec.json.Decoder(DeadLetter)

    def from_visits(record: Record) -> Row:
        decoded = visits.decode(_value(record))
        return visit_row(decoded, day_of) if isinstance(decoded, Visit) else mark_row(decoded)

    def from_cells(record: Record) -> Row | None:
        decoded: CellsRecord = cells.decode(_value(record))
        if isinstance(decoded, Cell):
            return cell_row(decoded, day_of)
        if isinstance(decoded, Gauge):
            return gauge_row(decoded)
        if isinstance(decoded, Forecast):
            return forecast_row(decoded)
        if isinstance(decoded, FeedStatus):
            return feed_row(decoded)
        return None  # Progress

    return {
        VISITS: from_visits,
        CELLS: from_cells,
        SIGNALS: lambda record: signal_row(signals.decode(_value(record))),
        ALERTS: lambda record: alert_row(alerts.decode(_value(record))),
        DEAD_LETTER: lambda record: dead_letter_row(dead_letters.decode(_value(record)), record.offset),
    }


def to_rows(
    function: ToRow, topic: str, partition: int, records: Sequence[Record]
) -> tuple[list[tuple[Row, Position]], list[Refused]]:
    """The rows of some records, each with where it comes from, and the records that cannot become one."""
    rows, refused = [], []
    for record in records:
        position = Position(topic, partition, record.offset)
        try:
            row = function(record)
        except (msgspec.MsgspecError, ValueError, OverflowError) as error:
            refused.append(Refused(position, str(error)))
            continue
        if row is not None:
            rows.append((row, position))
    return rows, refused
