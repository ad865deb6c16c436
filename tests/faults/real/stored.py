"""What lies in ClickHouse, as the oracle says it: each visit, cell and dead letter at its highest version."""

from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from clickhouse_connect.driver.client import Client

from oracle.batch import Answer
from oracle.told import LETTER, answer_of
from sinks.clickhouse.rows.cells import PLAIN
from streams.contract import DIMENSIONS, CallFact, Cell, Visit
from streams.contract.cells import BY_NUMBER

OF_CELL = ("feed", "generation", "hotline", "dimension_set", *DIMENSIONS, "minute")
OF_VISIT = tuple(name for name in Visit.__struct_fields__ if name != "version")
OF_FACT = tuple(name for name in CallFact.__struct_fields__ if name != "version")


def answer(client: Client) -> Answer:
    """Everything that is stored."""
    letters = [
        SimpleNamespace(**row)
        for table in ("dead_letters", "late_events")
        for row in _rows(client, table, ("partition", "offset", *LETTER))
    ]
    visits = [Visit(**row, version=(0, 0)) for row in _rows(client, "visits", OF_VISIT)]
    facts = [CallFact(**row, version=(0, 0)) for row in _rows(client, "call_facts", OF_FACT)]
    return answer_of(visits + facts, _cells(client), letters)  # type: ignore[arg-type]


def _cells(client: Client) -> Iterator[Cell]:
    for row in _rows(client, "cells", (*OF_CELL, *PLAIN, *BY_NUMBER)):
        counts = {name: row[name] for name in PLAIN if row[name]}
        counts |= {f"{name}.{number}": n for name in BY_NUMBER for number, n in row[name].items() if n}
        yield Cell(**{name: row[name] for name in OF_CELL}, version=0, counts=counts)


def _rows(client: Client, table: str, columns: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    names = ", ".join(f"`{name}`" for name in columns)
    for row in client.query(f"SELECT {names} FROM {table} FINAL").named_results():
        yield {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    """Instants in ms, arrays as tuples."""
    if isinstance(value, datetime):
        return round(value.replace(tzinfo=UTC).timestamp() * 1000)
    return tuple(value) if isinstance(value, list) else value
