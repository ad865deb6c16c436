"""Calls of the invented morning, for pictures: what ClickHouse would answer to the questions of the queue page."""

from datetime import datetime, timedelta
from random import Random
from typing import Any

import city

from sinks.web.past import Statement

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
        "department": "", "rating": None, "source": "PBX-1", "language": "zh", "transferred": False, "own": True,
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


class InventedPast:
    """Stands where `Past` asks ClickHouse."""

    async def ask(self, statement: Statement) -> list[dict[str, Any]]:
        rows = waiting()
        if "AS own" in statement.sql:
            [own] = [row for row in rows if row["call"] == statement.parameters["call"]]
            return [*earlier(own), own]
        if "count() AS visits" in statement.sql:
            return [{"visits": len(rows), "over": len(rows)}]
        if "v_gauges" in statement.sql:
            return [{"over": len(rows), "at_ms": city.MORNING, "x": 15}]
        start = statement.parameters["offset"]
        return rows[start : start + statement.parameters["limit"]]
