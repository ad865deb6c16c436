"""Changes of state of alerts as rows of `alert_events`."""

from operator import attrgetter

from sinks.clickhouse.rows.table import DAY_MS, Row, Table
from streams.contract.alerts import AlertEvent

ALERT_EVENTS = Table("alert_events", AlertEvent.__struct_fields__)
_values = attrgetter(*ALERT_EVENTS.columns)


def alert_row(event: AlertEvent) -> Row:
    return Row(ALERT_EVENTS, event.at // DAY_MS, _values(event))
