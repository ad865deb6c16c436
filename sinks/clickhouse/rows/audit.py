"""What people did at the wallboard as rows of `audit_events`."""

from sinks.clickhouse.rows.table import DAY_MS, Row, Table
from streams.contract.audit import AuditEvent

AUDIT_EVENTS = Table("audit_events", ("feed", "id", "at", "action", "name", "role", "address", "what", "version"))


def audit_row(event: AuditEvent, offset: int) -> Row:
    """`offset`: the record's own, in `hotline.audit`."""
    values = ("", event.id, event.at, event.action, event.name, event.role, event.address, event.what, offset)
    return Row(AUDIT_EVENTS, event.at // DAY_MS, values)
