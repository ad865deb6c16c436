"""What is said of a call when it is over, while it is remembered, and long after: in cells, visits and between them."""

import asyncio
import json
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from installation import Installation
from settled import settled

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

S = 1_000
HOUR = 3_600 * S
DAY = 24 * HOUR
T = 1_759_280_400_000  # 2025-10-01 09:00 in Shanghai
FEED = "later"


def call(name: str, at: int, **wrapped: Any) -> list[dict[str, Any]]:
    """Queued, answered, ended, and classified at wrap-up."""
    told = {"call": name, "queue": "utilities"}
    return [
        {"type": "queued", "time": at, "category": "water", **told},
        {"type": "answered", "time": at + 5 * S, **told},
        {"type": "ended", "time": at + 65 * S, **told},
        {"type": "wrapped", "time": at + 95 * S, **told, **wrapped},
    ]


EVENTS = [
    *call("at-wrap-up", T, category="roads/hole"),
    *call("remembered", T + 60 * S, category="roads/hole"),
    *call("forgotten", T + 120 * S, category="roads/hole"),
    *call("unchanged", T + 180 * S, category="parks"),
    {"type": "reclassified", "time": T + HOUR, "call": "remembered", "category": "heat/cold"},
    {"type": "reclassified", "time": T + DAY, "call": "forgotten", "category": "power"},
    {"type": "rated", "time": T + 7 * DAY, "call": "forgotten", "rating": 4},
    {"type": "rated", "time": T + 7 * DAY + 60 * S, "call": "at-wrap-up", "rating": 2},
]


async def publish(bootstrap: str) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        for event in EVENTS:
            record = {"hotline": "city", "feed": FEED, "source": "pbx", **event}
            await producer.send_and_wait("hotline.calls", json.dumps(record).encode(), key=event["call"].encode())


def test_categories_and_ratings_stand_where_they_were_known(hotline: Installation) -> None:
    asyncio.run(publish(hotline.status()["endpoints"]["kafka"]))
    settled(hotline)  # the four calls lie in several partitions: what follows from one may be stored before another's
    query = "SELECT call, category, category_counted, rating, toUnixTimestamp64Milli(rated_at) AS at FROM v_visits"
    shown = {it["call"]: it for it in hotline.sql(f"{query} WHERE feed = '{FEED}'")}
    assert {name: (it["category"], it["category_counted"]) for name, it in shown.items()} == {
        "at-wrap-up": ("roads/hole", "roads/hole"),
        "remembered": ("heat/cold", "heat/cold"),
        "forgotten": ("power", "roads/hole"),
        "unchanged": ("parks", "parks"),
    }
    rated = {name: (int(it["rating"]), int(it["at"])) for name, it in shown.items() if it["rating"] is not None}
    assert rated == {"forgotten": (4, T + 7 * DAY), "at-wrap-up": (2, T + 7 * DAY + 60 * S)}

    cells = "SELECT toUnixTimestamp64Milli(minute) AS at, mapKeys(rated) AS rated FROM v_cells"
    where = f"feed = '{FEED}' AND dimension_set = 'category_2'"
    rows = hotline.sql(f"{cells} WHERE {where} AND notEmpty(rated)")
    assert {(int(it["at"]), int(it["rated"][0])) for it in rows} == {(T + 7 * DAY, 4), (T + 7 * DAY + 60 * S, 2)}
    counted = hotline.sql(
        "SELECT category, sum(answered) AS calls, sum(talk_ms_sum) AS talk FROM v_cells "
        f"WHERE {where} AND answered > 0 GROUP BY category ORDER BY category"
    )
    batch = hotline.sql(
        "SELECT category_counted AS category, count() AS calls, sum(talk_ms) AS talk FROM v_visits "
        f"WHERE feed = '{FEED}' GROUP BY category ORDER BY category"
    )
    assert [it["category"] for it in batch] == ["heat/cold", "parks", "roads/hole"]
    assert counted == batch

    difference = hotline.sql(f"SELECT call, category_counted, category FROM v_reclassified WHERE feed = '{FEED}'")
    assert difference == [{"call": "forgotten", "category_counted": "roads/hole", "category": "power"}]
    assert hotline.sql(f"SELECT * FROM v_late_events WHERE feed = '{FEED}'") == []
