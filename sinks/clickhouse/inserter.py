"""Rows into ClickHouse: one synchronous, columnar insert per table and month or so."""

from collections.abc import Iterable, Sequence
from struct import error as StructError  # noqa: N812  (it is an exception, and is named like one)
from typing import Any, NamedTuple

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DataError
from clickhouse_connect.driver.insert import InsertContext
from urllib3.exceptions import HTTPError

from sinks.clickhouse.client import ClickHouseAway, short
from sinks.clickhouse.records import Position, Refused
from sinks.clickhouse.rows import TABLES, Row, Table

# What the driver raises while it packs values that do not fit their column: that row's fault, nobody else's.
_DOES_NOT_FIT = (DataError, StructError, OverflowError, TypeError, ValueError, AttributeError)


DAYS_AN_INSERT = 30
"""An insert touches at most three of a table's partitions, which are months. Of an export of years with a few rows a day
one insert for each day would take so long that its batch is never done."""


class Block(NamedTuple):
    """What one insert carries: rows of one table and neighbouring days, and where each comes from."""

    table: Table
    values: list[tuple[Any, ...]]
    positions: list[Position]


def blocks(rows: Iterable[tuple[Row, Position]]) -> list[Block]:
    """The inserts for some rows: by table in the order of `TABLES`, by time within a table."""
    found: dict[tuple[str, int], Block] = {}
    for row, position in rows:
        key = (row.table.name, row.day // DAYS_AN_INSERT)
        block = found.get(key)
        if block is None:
            block = found[key] = Block(row.table, [], [])
        block.values.append(row.values)
        block.positions.append(position)
    order = {table.name: rank for rank, table in enumerate(TABLES)}
    return [found[key] for key in sorted(found, key=lambda key: (order[key[0]], key[1]))]


class Inserter:
    """Writes blocks through one client; for one thread at a time."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._contexts: dict[str, InsertContext] = {}

    def write(self, block: Block) -> list[Refused]:
        """Insert a block; returns once ClickHouse has stored it.

        A row whose values do not fit their columns is left out and returned. Raises ClickHouseAway for
        everything that is not the fault of a row: it may be tried again as it is.
        """
        try:
            self._insert(block.table, block.values)
        except _DOES_NOT_FIT as error:
            if len(block.values) == 1:
                return [Refused(block.positions[0], f"{block.table.name}: {error}")]
            half = len(block.values) // 2
            parts = (slice(None, half), slice(half, None))
            return [
                refused
                for part in parts
                for refused in self.write(Block(block.table, block.values[part], block.positions[part]))
            ]
        except (ClickHouseError, HTTPError, OSError) as error:
            self._contexts.pop(block.table.name, None)
            raise ClickHouseAway(f"insert into {block.table.name}: {short(error)}") from error
        return []

    def _insert(self, table: Table, values: Sequence[tuple[Any, ...]]) -> None:
        context = self._contexts.get(table.name)
        if context is None:
            context = self._client.create_insert_context(
                table.name, column_names=list(table.columns), column_oriented=True
            )
            self._contexts[table.name] = context
        context.insert_exception = None
        context.data = list(zip(*values, strict=True))
        try:
            self._client.data_insert(context)
        finally:
            context.data = None
