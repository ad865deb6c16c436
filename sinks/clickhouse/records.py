"""From what a topic carries to rows: decoding, and which record becomes a row of which table."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from deploy.runtime.processor import Record
from deploy.runtime.settings import TermWords
from sinks.clickhouse.days import DayOf
from sinks.clickhouse.rows import (
    Row,
    TermsOf,
    alert_row,
    audit_row,
    cell_row,
    clock_row,
    control_row,
    dead_letter_row,
    fact_row,
    feed_row,
    forecast_row,
    gauge_row,
    mark_row,
    notification_row,
    signal_row,
    source_row,
    visit_row,
)
from sinks.clickhouse.term_words import terms_by
from streams.contract.alerts import AlertEvent, ControlRecord, Notification
from streams.contract.audit import AuditEvent
from streams.contract.cells import Cell, CellsRecord, FeedStatus, Forecast, Gauge, Progress, SourceStatus
from streams.contract.dead_letters import DeadLetter
from streams.contract.signals import Signal
from streams.contract.topics import (
    ALERT_CONTROL,
    ALERTS,
    AUDIT,
    CELLS,
    DEAD_LETTER,
    GROUPS,
    NOTIFICATIONS,
    SIGNALS,
    VISITS,
)
from streams.contract.visits import CallFact, Visit, VisitMark, VisitsRecord

ToRow = Callable[[Record], Row | None]
"""A record's row; None for one that is not meant for ClickHouse (`Progress` before any clock)."""


GROUP = GROUPS["sinks"]
"""Who stores them: what lies before its commits is in ClickHouse."""
STORED_TOPICS = (VISITS, CELLS, SIGNALS, ALERTS, ALERT_CONTROL, NOTIFICATIONS, AUDIT, DEAD_LETTER)
"""What the writer reads: the topics of `row_functions`."""


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


def _of_visits(record: VisitsRecord, day_of: DayOf, terms_of: TermsOf) -> Row:
    match record:
        case Visit():
            return visit_row(record, day_of, terms_of)
        case CallFact():
            return fact_row(record)
        case VisitMark():
            return mark_row(record)


def _of_cells(record: CellsRecord, day_of: DayOf) -> Row | None:
    match record:
        case Cell():
            return cell_row(record, day_of)
        case Gauge():
            return gauge_row(record)
        case Forecast():
            return forecast_row(record)
        case SourceStatus():
            return source_row(record)
        case FeedStatus():
            return feed_row(record)
        case Progress():
            return clock_row(record)


def row_functions(day_of: DayOf, terms_of: TermsOf | None = None) -> dict[str, ToRow]:
    """topic -> function from a record to its row. `terms_of`: without a site's own words unless told.

    They raise msgspec.MsgspecError, ValueError, OverflowError or RecursionError for a record that cannot become one.
    """
    terms = terms_by(TermWords()) if terms_of is None else terms_of
    visits = msgspec.json.Decoder(VisitsRecord)
    cells = msgspec.json.Decoder(CellsRecord)
    signals = msgspec.json.Decoder(Signal)
    alerts = msgspec.json.Decoder(AlertEvent)
    controls: msgspec.json.Decoder[ControlRecord] = msgspec.json.Decoder(ControlRecord)
    notifications = msgspec.json.Decoder(Notification)
    audit = msgspec.json.Decoder(AuditEvent)
    dead_letters = msgspec.json.Decoder(DeadLetter)

    return {
        VISITS: lambda record: _of_visits(visits.decode(_value(record)), day_of, terms),
        CELLS: lambda record: _of_cells(cells.decode(_value(record)), day_of),
        SIGNALS: lambda record: signal_row(signals.decode(_value(record))),
        ALERTS: lambda record: alert_row(alerts.decode(_value(record))),
        ALERT_CONTROL: lambda record: control_row(controls.decode(_value(record)), record.offset),
        NOTIFICATIONS: lambda record: notification_row(notifications.decode(_value(record)), record.offset),
        AUDIT: lambda record: audit_row(audit.decode(_value(record)), record.offset),
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
        except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError) as error:
            refused.append(Refused(position, str(error)))
            continue
        if row is not None:
            rows.append((row, position))
    return rows, refused
