"""Records as rows: pure functions, one per record, and the columns their rows have."""

from sinks.clickhouse.rows.alerts import ALERT_CONTROLS, ALERT_EVENTS, ALERT_FEEDBACK, alert_row, control_row
from sinks.clickhouse.rows.audit import AUDIT_EVENTS, audit_row
from sinks.clickhouse.rows.cells import CELLS, FORECASTS, GAUGES, cell_row, forecast_row, gauge_row
from sinks.clickhouse.rows.dead_letters import DEAD_LETTERS, LATE_EVENTS, dead_letter_row
from sinks.clickhouse.rows.feeds import FEED_CLOCKS, FEED_MARKS, FEEDS, clock_row, feed_row, mark_row
from sinks.clickhouse.rows.notifications import NOTIFICATIONS, notification_row
from sinks.clickhouse.rows.signals import SIGNALS, signal_row
from sinks.clickhouse.rows.sources import SOURCES, source_row
from sinks.clickhouse.rows.table import Row, Table, packed_version
from sinks.clickhouse.rows.visits import CALL_FACTS, VISITS, TermsOf, fact_row, visit_row

TABLES: tuple[Table, ...] = (
    VISITS,
    CALL_FACTS,
    CELLS,
    SOURCES,
    GAUGES,
    FORECASTS,
    SIGNALS,
    ALERT_EVENTS,
    ALERT_CONTROLS,
    ALERT_FEEDBACK,
    NOTIFICATIONS,
    AUDIT_EVENTS,
    DEAD_LETTERS,
    LATE_EVENTS,
    FEED_CLOCKS,
    FEED_MARKS,
    FEEDS,
)
"""In the order they are written: what says how far a feed is complete comes last."""

__all__ = [
    "ALERT_CONTROLS",
    "ALERT_EVENTS",
    "ALERT_FEEDBACK",
    "AUDIT_EVENTS",
    "CALL_FACTS",
    "CELLS",
    "DEAD_LETTERS",
    "FEEDS",
    "FEED_CLOCKS",
    "FEED_MARKS",
    "FORECASTS",
    "GAUGES",
    "LATE_EVENTS",
    "NOTIFICATIONS",
    "SIGNALS",
    "SOURCES",
    "TABLES",
    "VISITS",
    "Row",
    "Table",
    "TermsOf",
    "alert_row",
    "audit_row",
    "cell_row",
    "clock_row",
    "control_row",
    "dead_letter_row",
    "fact_row",
    "feed_row",
    "forecast_row",
    "gauge_row",
    "mark_row",
    "notification_row",
    "packed_version",
    "signal_row",
    "source_row",
    "visit_row",
]
