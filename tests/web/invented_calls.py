"""Calls of the invented morning, for pictures: what ClickHouse would answer to the questions of the queue page.

Last week is the same invented morning with another seed, less what made this one bad.
"""

from datetime import datetime, timedelta
from random import Random
from typing import Any

import city

from sinks.clickhouse.why import Statement
from sinks.web.snapshot import DAY_STEP_MS
from sinks.web.summary import Query
from streams.contract import add_counts
from streams.contract.cells import Counts

NOW = datetime.fromtimestamp(city.MORNING / 1000, city.ZONE)
TOPICS = ("utilities/heating", "utilities/water", "utilities/heating", "", "utilities/electricity", "")
DISTRICTS = ("990104", "990104", "", "990106", "990103", "")


def _visit(number: int, waited_s: int, random: Random, **fields: Any) -> dict[str, Any]:
    queued = NOW - timedelta(seconds=waited_s)
    called = f"k1-{random.randrange(16**8):08x}"
    return {
        "visit": f"c{number}/utilities/1", "call": f"c{number}", "queue": "utilities", "entry": 1,
        "arrived_at": queued - timedelta(seconds=random.randint(11, 30)), "queued_at": queued, "answered_at": None,
        "ended_at": None, "wrapped_at": None, "outcome": "open", "wait_ms": None, "talk_ms": None, "hold_ms": None,
        "acw_ms": None, "caller": called, "agent": "", "category": TOPICS[number % 6], "district": DISTRICTS[number % 6],
        "department": "", "rating": None, "source": "PBX-1", "language": "zh", "transferred": False, "lost_talking": False, "own": True,
        "last_offset": 48_213, "adds": 1,
    } | fields  # fmt: skip


def waiting() -> list[dict[str, Any]]:
    """Who waits in `utilities`, the longest first: as many as its gauge says."""
    random = Random(3)
    _, _, queued, _, oldest, _ = city.QUEUES["utilities"]
    waits = sorted([oldest, *(random.randint(4, oldest - 9) for _ in range(queued - 1))], reverse=True)
    return [_visit(number, waited, random) for number, waited in enumerate(waits)]


def earlier(visit: dict[str, Any]) -> list[dict[str, Any]]:
    """Two calls of the same caller that were given up."""
    found = []
    for minutes, waited in ((21, 72), (9, 125)):
        queued = visit["queued_at"] - timedelta(minutes=minutes)
        found.append(
            visit
            | {
                "queued_at": queued,
                "arrived_at": queued,
                "outcome": "abandoned",
                "wait_ms": waited * 1000,
                "own": False,
            }
        )
    return found


WEEK_MS = 7 * 86_400_000
EVENING = city.MORNING + 12 * 3_600_000


def last_week(queue: str) -> dict[int, Counts]:
    """minute, a week ago -> counts of the queue."""
    cells = (cell for cell in city.cells(EVENING, seed=12) if cell.queue == queue)
    return {cell.minute - WEEK_MS: cell.counts for cell in cells}


def quarters(queue: str) -> list[dict[str, Any]]:
    found: dict[int, int] = {}
    for minute, counts in last_week(queue).items():
        step = minute - minute % DAY_STEP_MS
        found[step] = found.get(step, 0) + counts.get("offered", 0)
    return [{"step_ms": step, "offered": offered} for step, offered in found.items()]


class InventedPast:
    """Stands where `Past` asks ClickHouse."""

    async def counts(self, query: Query) -> Counts:
        assert query.start is not None
        assert query.end is not None
        total: Counts = {}
        for minute, counts in last_week(query.queue or "").items():
            if query.start <= minute < query.end:
                add_counts(total, counts)
        return total

    async def ask(self, statement: Statement) -> list[dict[str, Any]]:
        rows = waiting()
        if "step_ms" in statement.sql:
            return quarters(statement.parameters.get("queue", ""))
        if "mean_error_s" in statement.sql:
            return [{"wait_s": 94.0, "served_ms": city.MORNING - 9_000, "served": 178, "mean_error_s": 31.0}]
        if "AS own" in statement.sql:
            [own] = [row for row in rows if row["call"] == statement.parameters["call"]]
            return [*earlier(own), own]
        if "count() AS visits" in statement.sql:
            return [{"visits": len(rows), "over": len(rows)}]
        if "v_gauges" in statement.sql:
            return [{"over": len(rows), "at_ms": city.MORNING, "x": 15}]
        start = statement.parameters.get("offset", len(rows))  # without: cells of a window, of which none are invented
        return rows[start : start + statement.parameters.get("limit", 0)]
