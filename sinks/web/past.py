"""Counts from ClickHouse, for spans and feeds that memory does not hold."""

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from deploy.runtime.settings import ClickHouse
from sinks.clickhouse.client import ClickHouseAway, connect, short
from sinks.web.summary import BUCKETED, SUMMED, Query
from streams.contract.cells import Counts

_SUMS = ", ".join(f"sum(`{name}`)" for name in SUMMED)
_MAPS = ", ".join(f"sumMap(`{name}`)" for name in BUCKETED)


class AwayError(Exception):
    """ClickHouse is needed and does not answer; the text says what to do."""


def statement(query: Query) -> tuple[str, dict[str, Any]]:
    """The SQL and its parameters: sums over the base cells of the span."""
    where = ["feed = {feed:String}", "hotline = {hotline:String}", "dimension_set = {set:String}"]
    parameters: dict[str, Any] = {
        "feed": query.feed,
        "hotline": query.hotline,
        "set": "hotline" if query.queue is None else "queue",
    }
    if query.queue is not None:
        where.append("queue = {queue:String}")
        parameters["queue"] = query.queue
    for name, operator, instant in (("start", ">=", query.start), ("end", "<", query.end)):
        if instant is not None:
            where.append(f"minute {operator} fromUnixTimestamp64Milli({{{name}:Int64}}, 'UTC')")
            parameters[name] = instant
    # Names and sums are ours; whatever was asked for travels as a parameter.
    return f"SELECT {_SUMS}, {_MAPS} FROM v_cells WHERE {' AND '.join(where)}", parameters  # noqa: S608


class Past:
    """Asks ClickHouse, in a thread of its own; connects on first use and again after a failure."""

    def __init__(self, settings: ClickHouse) -> None:
        self._settings = settings
        self._client: Client | None = None

    async def counts(self, query: Query) -> Counts:
        """The counts of the span. Raises AwayError."""
        if not self._settings.url:
            raise AwayError("this span is not in memory and no ClickHouse is configured: set HOTLINE_CLICKHOUSE__URL")
        sql, parameters = statement(query)
        try:
            return await asyncio.to_thread(self._ask, sql, parameters)
        except (ClickHouseAway, ClickHouseError, OSError) as error:
            self._client = None
            raise AwayError(
                f"this span is not in memory and ClickHouse at {urlsplit(self._settings.url).hostname} does not answer "
                f"({short(error)}): "
                "see that it runs and that the schema is there (`hotline check`), then ask again"
            ) from error

    def _ask(self, sql: str, parameters: dict[str, Any]) -> Counts:
        client = self._client or connect(self._settings)
        self._client = client
        rows = client.query(sql, parameters=parameters).result_rows
        return to_counts(rows[0]) if rows else {}


def to_counts(row: Sequence[Any]) -> Counts:
    """One row of `statement` as counts, bucketed counters written `name.number`."""
    counts: Counts = {name: int(number) for name, number in zip(SUMMED, row, strict=False) if number}
    for name, buckets in zip(BUCKETED, row[len(SUMMED) :], strict=True):
        counts |= {f"{name}.{edge}": int(number) for edge, number in buckets.items() if number}
    return counts
