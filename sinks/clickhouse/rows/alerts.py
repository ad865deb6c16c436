"""Changes of state of alerts as rows of `alert_events`, what people say about them as rows of `alert_controls`."""

from operator import attrgetter
from typing import Any

from sinks.clickhouse.rows.table import DAY_MS, Row, Table
from streams.contract.alerts import Acknowledgement, AlertEvent, ControlRecord, Silence

ALERT_EVENTS = Table("alert_events", AlertEvent.__struct_fields__)
_values = attrgetter(*ALERT_EVENTS.columns)

ALERT_CONTROLS = Table(
    "alert_controls", ("feed", "kind", "id", "fingerprint", "matchers", "author", "note", "at", "ends_at", "version")
)


def alert_row(event: AlertEvent) -> Row:
    return Row(ALERT_EVENTS, event.at // DAY_MS, _values(event))


def control_row(record: ControlRecord, offset: int) -> Row:
    """`offset`: the record's own, in `hotline.alert-control`."""
    said: tuple[Any, ...]
    match record:
        case Acknowledgement():
            said = ("", "acknowledgement", "", record.fingerprint, {}, record.author, record.note, record.at, None)
        case Silence():
            said = (
                "",
                "silence",
                record.id,
                "",
                record.matchers,
                record.author,
                record.reason,
                record.at,
                record.ends_at,
            )
    return Row(ALERT_CONTROLS, record.at // DAY_MS, (*said, offset))
