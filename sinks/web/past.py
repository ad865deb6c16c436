"""What only ClickHouse knows: spans and feeds that memory does not hold, the minutes of a long time, calls themselves."""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from sys import intern
from typing import Any
from urllib.parse import urlsplit

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from deploy.runtime.settings import ClickHouse
from sinks.clickhouse.client import ClickHouseAway, connect, short
from sinks.clickhouse.why import Statement
from sinks.web.summary import SUMMED, Query
from streams.contract.cells import BY_NUMBER, Counts

AT_ONCE = 8
"""Questions to ClickHouse; more wait for their turn."""
_SUMS = ", ".join(f"sum(`{name}`) AS `{name}`" for name in SUMMED)
_MAPS = ", ".join(f"sumMap(`{name}`) AS `{name}`" for name in BY_NUMBER)


class AwayError(Exception):
    """ClickHouse is needed and does not answer; the text says what to do."""


def _span(query: Query, column: str = "minute") -> tuple[list[str], dict[str, Any]]:
    """Conditions for the instants asked for."""
    where, parameters = [], {}
    for name, operator, instant in (("start", ">=", query.start), ("end", "<", query.end)):
        if instant is not None:
            where.append(f"{column} {operator} fromUnixTimestamp64Milli({{{name}:Int64}}, 'UTC')")
            parameters[name] = instant
    return where, parameters


def _cells(query: Query) -> tuple[str, dict[str, Any]]:
    """FROM and WHERE for the base cells of the span, of the whole hotline or one queue."""
    span, parameters = _span(query)
    where = ["feed = {feed:String}", "hotline = {hotline:String}", "dimension_set = {set:String}", *span]
    parameters |= {
        "feed": query.feed,
        "hotline": query.hotline,
        "set": "hotline" if query.queue is None and query.queues is None else "queue",
    }
    if query.queue is None and query.queues is not None:
        where.append("queue IN {queues:Array(String)}")
        parameters["queues"] = list(query.queues)
    if query.queue is not None:
        where.append("queue = {queue:String}")
        parameters["queue"] = query.queue
    return f"FROM v_cells WHERE {' AND '.join(where)}", parameters


def sums(query: Query) -> Statement:
    """The sums over the base cells of the span."""
    source, parameters = _cells(query)
    return Statement(f"SELECT {_SUMS}, {_MAPS} FROM (SELECT * {source})", parameters)  # noqa: S608


def minutes(query: Query) -> Statement:
    """(minute in ms, answered, inbound) of each base cell of the span."""
    source, parameters = _cells(query)
    columns = "toUnixTimestamp64Milli(minute) AS minute_ms, sum(answered) AS answered, sum(offered + ended_in_menu + blocked) AS inbound"
    return Statement(f"SELECT {columns} FROM (SELECT * {source}) GROUP BY minute", parameters)  # noqa: S608


def in_steps(query: Query, step_ms: int) -> Statement:
    """(start in ms, visits by arrival) of each step of the span that has any."""
    source, parameters = _cells(query)
    columns = "intDiv(toUnixTimestamp64Milli(minute), {step:Int64}) * {step:Int64} AS step_ms, sum(offered) AS offered"
    return Statement(f"SELECT {columns} FROM (SELECT * {source}) GROUP BY step_ms", parameters | {"step": step_ms})  # noqa: S608


def bounds_of(query: Query) -> Statement:
    """(first, last) minute in ms that the feed has of the key, over all its time."""
    source, parameters = _cells(query._replace(start=None, end=None))
    columns = "toUnixTimestamp64Milli(min(minute)) AS first_ms, toUnixTimestamp64Milli(max(minute)) AS last_ms"
    return Statement(f"SELECT {columns}, count() AS number {source}", parameters)


def windows(query: Query, name: str | None) -> Statement:
    """The rolling windows of a key, empty ones too: from `v_rolling` their counts, from `v_windows` their bounds."""
    sql = """
SELECT w.`window` AS `window`, toUnixTimestamp64Milli(w.begin) AS begin_ms, toUnixTimestamp64Milli(w.`end`) AS end_ms,
    toUnixTimestamp64Milli(w.data_as_of) AS as_of_ms, r.*
FROM (SELECT * FROM v_windows WHERE feed = {feed:String} AND hotline = {hotline:String}) AS w
LEFT JOIN
(
    SELECT * EXCEPT (begin, `end`, data_as_of) FROM v_rolling
    WHERE feed = {feed:String} AND hotline = {hotline:String} AND queue = {queue:String}
) AS r ON r.`window` = w.`window`
WHERE {window:String} IN ('', w.`window`)
"""
    parameters = {"feed": query.feed, "hotline": query.hotline, "queue": query.queue or "", "window": name or ""}
    return Statement(sql, parameters)


class Past:
    """Asks ClickHouse, in threads of its own: where it hangs, nothing else that takes a thread waits for it. Connects on
    first use and again after a failure.
    """

    def __init__(self, settings: ClickHouse) -> None:
        self._settings = settings
        self._client: Client | None = None
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="clickhouse")

    async def counts(self, query: Query) -> Counts:
        """The counts of the span. Raises AwayError."""
        rows = await self.ask(sums(query))
        return to_counts(rows[0]) if rows else {}

    async def ask(self, statement: Statement) -> list[dict[str, Any]]:
        """The rows of a statement, by column name. Raises AwayError."""
        if not self._settings.url:
            raise AwayError("no ClickHouse is configured: set HOTLINE_CLICKHOUSE__URL")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._ask, statement)
        except (ClickHouseAway, ClickHouseError, OSError) as error:
            self._client = None
            raise AwayError(
                f"ClickHouse at {urlsplit(self._settings.url).hostname} does not answer "
                f"({short(error)}): "
                "see that it runs and that the schema is there (`hotline check`), then ask again"
            ) from error

    def _ask(self, statement: Statement) -> list[dict[str, Any]]:
        client = self._client or connect(self._settings)
        self._client = client
        return list(client.query(statement.sql, parameters=statement.parameters).named_results())


def to_counts(row: Mapping[str, Any], summed: Sequence[str] = SUMMED, bucketed: Sequence[str] = BY_NUMBER) -> Counts:
    """A row with these columns (those of `sums` unless told) as counts, bucketed counters written `name.number`."""
    counts: Counts = {name: int(row[name]) for name in summed if row[name]}
    for name in bucketed:
        counts |= {intern(f"{name}.{edge}"): int(number) for edge, number in row[name].items() if number}
    return counts
