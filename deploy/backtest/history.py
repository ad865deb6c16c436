"""The stored minutes of a hotline, as the cells that live detection and rules are told of."""

from collections.abc import Iterator
from typing import Any

from clickhouse_connect.driver.client import Client

from sinks.clickhouse.rows.cells import PLAIN
from streams.contract import DIMENSIONS, Cell
from streams.contract.cells import BY_NUMBER

MINUTE = 60_000
PIECE = 1440 * MINUTE
"""Span of minutes that is asked for at once, and held."""

_COLUMNS = ("dimension_set", *DIMENSIONS, *PLAIN, *BY_NUMBER)
_QUERY = f"""
SELECT toUnixTimestamp64Milli(minute) AS at, {", ".join(_COLUMNS)}
FROM v_cells
WHERE feed = {{feed:String}} AND hotline = {{hotline:String}}
  AND minute >= fromUnixTimestamp64Milli({{start:Int64}}) AND minute < fromUnixTimestamp64Milli({{end:Int64}})
ORDER BY minute
"""  # noqa: S608  (names of columns are ours, values are parameters)


def stored_minutes(client: Client, feed: str, hotline: str, start: int, end: int) -> Iterator[tuple[int, list[Cell]]]:
    """Each minute of [start, end) ms, with its cells of all dimension sets: none where nobody called."""
    for first in range(start, end, PIECE):
        last = min(end, first + PIECE)
        asked = {"feed": feed, "hotline": hotline, "start": first, "end": last}
        found: dict[int, list[Cell]] = {}
        for row in client.query(_QUERY, asked).named_results():
            found.setdefault(row["at"], []).append(_cell(feed, hotline, row))
        for minute in range(first, last, MINUTE):
            yield minute, found.get(minute, [])


def _cell(feed: str, hotline: str, row: dict[str, Any]) -> Cell:
    counts = {name: int(row[name]) for name in PLAIN if row[name]}
    for name in BY_NUMBER:
        counts |= {f"{name}.{number}": int(count) for number, count in row[name].items() if count}
    told = {name: row[name] for name in DIMENSIONS}
    return Cell(
        feed=feed,
        hotline=hotline,
        dimension_set=row["dimension_set"],
        minute=row["at"],
        final=True,
        version=1,
        counts=counts,
        **told,
    )
