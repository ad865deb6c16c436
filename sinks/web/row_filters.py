"""What somebody may see, as conditions on the rows of ClickHouse's tables: for SQL, exports and Grafana. Pure.

A row is seen where every limited dimension has a column and an allowed value in it. Rows that are not broken down by a
limited dimension have its column empty or do not have it, so they hold figures of others too and are hidden. Views read
tables as whoever asks, so conditions on tables hold in all views, also in those that are still to come.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

from clickhouse_connect.driver.binding import format_str, quote_identifier

from deploy.runtime.settings import Settings
from sinks.web.people import Person
from sinks.web.sees import Sees, divisions

Dimension = Literal["hotline", "queue", "department", "category", "district"]

ALL: tuple[Dimension, ...] = ("hotline", "queue", "department", "category", "district")
TABLES: Mapping[str, tuple[Dimension, ...]] = {
    "visits": ALL,
    "cells": ALL,
    "call_facts": ("hotline", "queue", "category"),
    "signals": ("hotline", "queue", "category"),
    "alert_events": ("hotline", "queue", "category"),
    "alert_feedback": ("hotline", "queue"),
    "gauges": ("hotline", "queue"),
    "forecasts": ("hotline", "queue"),
    "sources": ("hotline",),
    "notifications": ("hotline",),
    "dead_letters": ("hotline",),
    "late_events": ("hotline",),
    "alert_controls": (),
    "audit_events": (),
}
"""Table -> its columns that people are limited by."""
WITHOUT_FIGURES = frozenset({"hotlines", "feeds", "feed_marks", "feed_clocks", "schema_migrations"})
"""What the views need to know of settings and feeds, shown to everybody."""
_CALLS = frozenset({"visits", "call_facts", "dead_letters", "late_events"})
_ALL_ROWS, _NO_ROWS = "1", "0"


def row_filters(somebody: Person, settings: Settings) -> dict[str, str]:
    """Table -> condition, for every table with figures; "1": all rows, "0": none. Constants stand in it, quoted."""
    limits = _limits(somebody.sees, settings)
    found = {table: _of_table(columns, limits) for table, columns in TABLES.items()}
    if not somebody.may("calls"):
        found |= dict.fromkeys(_CALLS, _NO_ROWS)
    if somebody.role != "admin":
        found["audit_events"] = _NO_ROWS
    return found


def as_setting(filters: Mapping[str, str], database: str) -> str:
    """The same as `additional_table_filters`: what a request to the embedded server brings along."""
    limited = {table: condition for table, condition in filters.items() if condition != _ALL_ROWS}
    pairs = (f"{format_str(f'{database}.{table}')}: {format_str(condition)}" for table, condition in limited.items())
    return "{" + ", ".join(pairs) + "}"


def as_policies(filters: Mapping[str, str], database: str, role: str, cluster: str = "") -> list[str]:
    """The same as row policies of a role that may read `database`; a later run replaces what an earlier one made.

    With a `cluster`, on all of its replicas: one without them would show everything.
    """
    name, where = quote_identifier(role), quote_identifier(database)
    everywhere = f" ON CLUSTER {quote_identifier(cluster)}" if cluster else ""
    return [
        f"CREATE ROLE IF NOT EXISTS {name}{everywhere}",
        f"GRANT{everywhere} SELECT ON {where}.* TO {name}",
        *(
            f"CREATE ROW POLICY OR REPLACE {name}{everywhere} ON {where}.{quote_identifier(table)} FOR SELECT USING {condition} TO {name}"
            for table, condition in filters.items()
        ),
    ]


def _of_table(columns: tuple[Dimension, ...], limits: Mapping[Dimension, str]) -> str:
    if not limits.keys() <= set(columns):
        return _NO_ROWS
    return " AND ".join(f"({limits[column]})" for column in columns if column in limits) or _ALL_ROWS


def _limits(sees: Sees, settings: Settings) -> dict[Dimension, str]:
    """Dimension -> condition on its column, for those that are limited. A centre limits its queues."""
    found: dict[Dimension, str] = {}
    if sees.hotlines is not None:
        found["hotline"] = _in("hotline", sees.hotlines)
    if sees.queues is not None:
        found["queue"] = _in("queue", sees.queues)
    if sees.centres is not None:
        own = " OR ".join(
            f"hotline = {format_str(hotline)} AND {_in('queue', queues)}"
            for hotline, queues in _queues_of(sees.centres, settings).items()
        )
        found["queue"] = " AND ".join(filter(None, (found.get("queue"), f"({own or _NO_ROWS})")))
    if sees.departments is not None:
        found["department"] = _in("department", sees.departments)
    if sees.categories is not None:
        below = (f"startsWith(category, {format_str(f'{one}/')})" for one in sorted(sees.categories) if one)
        found["category"] = " OR ".join((_in("category", sees.categories), *below))
    if sees.districts is not None:
        parts = (f"startsWith(district, {format_str(part)})" for part in divisions(sees.districts))
        found["district"] = " OR ".join((_in("district", sees.districts), *parts))
    return found


def _in(column: str, values: Iterable[str]) -> str:
    """An empty value is never an allowed one: it stands for all of them."""
    listed = ", ".join(format_str(value) for value in sorted(values) if value)
    return f"{column} IN ({listed})" if listed else _NO_ROWS


def _queues_of(centres: frozenset[str], settings: Settings) -> dict[str, list[str]]:
    found = {
        hotline: [name for name, queue in config.queues.items() if queue.centre in centres]
        for hotline, config in settings.hotlines.items()
    }
    return {hotline: queues for hotline, queues in found.items() if queues}
