"""Changes of state of alerts as rows of `alert_events`; what people say of them: `alert_controls`, `alert_feedback`."""

from operator import attrgetter
from typing import Any

from sinks.clickhouse.rows.table import DAY_MS, Row, Table
from streams.contract.alerts import Acknowledgement, AlertEvent, ControlRecord, Feedback, Silence

_OF_NOW = {"runbook"}  # a link for whoever acts; what the rule says today holds, not what it said then
ALERT_EVENTS = Table("alert_events", tuple(name for name in AlertEvent.__struct_fields__ if name not in _OF_NOW))
_values = attrgetter(*ALERT_EVENTS.columns)

_FEEDBACK = ("feed", "hotline", "fingerprint", "episode", "rule", "queue", "verdict", "author", "note", "at")

ALERT_CONTROLS = Table(
    "alert_controls", ("feed", "kind", "id", "fingerprint", "matchers", "author", "note", "at", "ends_at", "version")
)
ALERT_FEEDBACK = Table("alert_feedback", (*_FEEDBACK, "version"))
_feedback_values = attrgetter(*_FEEDBACK)


def alert_row(event: AlertEvent) -> Row:
    return Row(ALERT_EVENTS, event.at // DAY_MS, _values(event))


def control_row(record: ControlRecord, offset: int) -> Row:
    """`offset`: the record's own, in `hotline.alert-control`."""
    said: tuple[Any, ...]
    match record:
        case Feedback():
            return Row(ALERT_FEEDBACK, record.at // DAY_MS, (*_feedback_values(record), offset))
        case Acknowledgement():
            said = (
                "",
                "acknowledgement",
                "",
                record.fingerprint,
                {},
                record.author,
                record.note,
                record.at,
                record.withdrawn_at,
            )
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
