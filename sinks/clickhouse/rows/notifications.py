"""Tries to tell somebody of alerts as rows of `notifications`."""

from sinks.clickhouse.rows.table import DAY_MS, Row, Table
from streams.contract.alerts import Notification

_SAID = ("feed", "hotline", "id", "attempt", "receiver", "channel", "target", "why", "step", "outcome", "reason", "at")
_ALERTS = {
    "episodes": "episode",
    "fingerprints": "fingerprint",
    "rules": "rule",
    "severities": "severity",
    "states": "state",
}
NOTIFICATIONS = Table("notifications", (*_SAID, *_ALERTS, "version"))


def notification_row(told: Notification, offset: int) -> Row:
    """`offset`: the record's own, in `hotline.notifications`."""
    said = [getattr(told, name) for name in _SAID]
    alerts = [[getattr(alert, field) for alert in told.alerts] for field in _ALERTS.values()]
    return Row(NOTIFICATIONS, told.at // DAY_MS, (*said, *alerts, offset))
