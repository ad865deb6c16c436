"""The last day as ClickHouse has it: what the board begins with when Kafka holds more than is soon read.

A cell is told again whenever it changes, so a busy day is tens of millions of records there, and a row per minute here.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, NamedTuple

from sinks.clickhouse.why import Statement
from sinks.web.board import KEPT_MS
from sinks.web.kinds import COUNTED, COUNTED_BY_WAIT, SETS
from sinks.web.past import AwayError, Past, to_counts
from sinks.web.summary import SUMMED
from streams.contract import Cell, Forecast, Gauge
from streams.contract.cells import BY_NUMBER, MINUTE_MS

HOUR_MS = 60 * MINUTE_MS
AT_ONCE_MS = 2 * HOUR_MS
"""Span of cells that is asked for at once: a hundred thousand rows for a nation's lines."""
CHUNK = 2_000
"""Records that are made at a stretch: screens wait meanwhile."""
AHEAD_MS = 24 * HOUR_MS
"""A source whose clock runs ahead has minutes to come."""
FORECAST_MS = 48 * HOUR_MS
"""A forecast is of a whole day, so that one may have begun so long before."""

Stored = Cell | Gauge | Forecast


async def last_day(
    past: Past, feed: str, now: int, begins_with: Iterable[Cell]
) -> AsyncIterator[tuple[int, list[Stored]]]:
    """(hours to go, some records): the present and forecasts, then cells, the newest first.

    The day is that of the feed's clock, which may be behind `now` (wall, ms). Each record is the one of its key with
    the highest version that was stored. Raises AwayError, also where nothing of that day is stored or, emptied since,
    what it `begins_with` is not: cells of whole hotlines, of any feed.
    """
    told = await past.ask(_clock(feed))
    if not told or told[0]["clock_ms"] < now - KEPT_MS:
        raise AwayError(f"ClickHouse has nothing of the last day of the feed {feed}")
    for cell in begins_with:
        if not await past.ask(_one(cell)):
            raise AwayError("ClickHouse does not have the beginning of the last day: it was emptied since")
    begin = min(told[0]["clock_ms"], now) - KEPT_MS
    gauges = [Gauge(**row) for row in await past.ask(_gauges(feed, begin))]
    forecasts = [Forecast(**row) for row in await past.ask(_forecasts(feed, begin - FORECAST_MS))]
    yield (now - begin) // HOUR_MS, [*gauges, *forecasts]
    spans = [(max(begin, until - AT_ONCE_MS), until) for until in range(now, begin, -AT_ONCE_MS)]
    for span in [(now, now + AHEAD_MS), *spans]:
        for kept in (_LINES, _KINDS):
            rows = await past.ask(_cells(feed, span, kept))
            for first in range(0, max(1, len(rows)), CHUNK):
                yield (span[0] - begin) // HOUR_MS, [_cell(feed, row, kept) for row in rows[first : first + CHUNK]]


class _Kept(NamedTuple):
    """Cells of some dimension sets, and which of their counters the board keeps: sums, and those by number."""

    sets: tuple[str, ...]
    summed: tuple[str, ...]
    by_number: tuple[str, ...]


_LINES = _Kept(("hotline", "queue"), SUMMED, BY_NUMBER)
_KINDS = _Kept(SETS, COUNTED, (COUNTED_BY_WAIT,))


def _clock(feed: str) -> Statement:
    return Statement(
        "SELECT toUnixTimestamp64Milli(data_as_of) AS clock_ms FROM v_clocks WHERE feed = {feed:String}", {"feed": feed}
    )


def _one(cell: Cell) -> Statement:
    """A row if this cell of a whole hotline was stored, or one that has come in its place."""
    sql = """
SELECT version FROM cells
WHERE feed = {feed:String} AND generation = {generation:UInt64} AND hotline = {hotline:String}
    AND dimension_set = {set:String} AND minute = fromUnixTimestamp64Milli({minute:Int64}, 'UTC')
    AND version >= {version:UInt64}
LIMIT 1
"""
    told = {"feed": cell.feed, "generation": cell.generation, "hotline": cell.hotline, "set": cell.dimension_set}
    return Statement(sql, {**told, "minute": cell.minute, "version": cell.version})


def _cells(feed: str, span: tuple[int, int], kept: _Kept) -> Statement:
    counters = ", ".join(f"`{name}`" for name in (*kept.summed, *kept.by_number))
    sql = f"""
SELECT hotline, dimension_set, queue, category, district, department, toUnixTimestamp64Milli(minute) AS minute_ms,
    version, {counters}
FROM v_cells
WHERE feed = {{feed:String}} AND dimension_set IN {{sets:Array(String)}}
    AND minute >= fromUnixTimestamp64Milli({{begin:Int64}}, 'UTC') AND minute < fromUnixTimestamp64Milli({{end:Int64}}, 'UTC')
"""  # noqa: S608  (names of ours)
    return Statement(sql, {"feed": feed, "sets": list(kept.sets), "begin": span[0], "end": span[1]})


def _cell(feed: str, row: Mapping[str, Any], kept: _Kept) -> Cell:
    return Cell(
        feed=feed,
        hotline=row["hotline"],
        dimension_set=row["dimension_set"],
        queue=row["queue"],
        category=row["category"],
        district=row["district"],
        department=row["department"],
        minute=row["minute_ms"],
        version=row["version"],
        counts=to_counts(row, kept.summed, kept.by_number),
    )


def _gauges(feed: str, since: int) -> Statement:
    """The columns have the names of the fields of `Gauge`."""
    sql = """
SELECT feed, hotline, dimension_set, queue, toUnixTimestamp64Milli(at) AS at, waiting, waiting_over_threshold,
    toUnixTimestamp64Milli(oldest_queued_at) AS oldest_queued_at, in_service, threshold_s, agents, breaks, version
FROM
(
    SELECT * FROM v_gauges
    WHERE feed = {feed:String} AND at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')
    ORDER BY hotline, dimension_set, queue, version DESC
    LIMIT 1 BY hotline, dimension_set, queue
)
"""
    return Statement(sql, {"feed": feed, "since": since})


def _forecasts(feed: str, since: int) -> Statement:
    """The columns have the names of the fields of `Forecast`."""
    sql = """
SELECT feed, hotline, dimension_set, queue, toUnixTimestamp64Milli(start) AS start, step_s, expected, lower, upper,
    days_learned, version
FROM
(
    SELECT * FROM forecasts FINAL
    WHERE feed = {feed:String} AND start >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')
)
"""
    return Statement(sql, {"feed": feed, "since": since})
