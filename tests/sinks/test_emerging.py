"""What more people call about than three weeks ago, and redials told apart from more callers."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from streams.contract import Visit

pytestmark = pytest.mark.clickhouse
DAY, HOUR, MINUTE = 86_400_000, 3_600_000, 60_000
FIRST = int(datetime(2026, 3, 1, 9, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp() * 1000)


def visit(feed, number, at, caller, category="", *, outcome="answered", district="", subject=""):
    call = f"c{number}"
    return Visit(
        feed=feed, hotline="12345", visit=f"{call}/q/1", call=call, queue="q", caller=caller, category=category,
        district=district, subject=subject, arrived_at=at, queued_at=at, outcome=outcome, wait_ms=1_000, version=(1, 1),
        answered_at=at + 1_000 if outcome == "answered" else None, ended_at=at + 60_000,
    )  # fmt: skip


def three_weeks(feed):
    """24 days of ten callers about water and two about noise; on the last three days eight more about noise at night.

    One caller calls thirty times about a bill on the last day and never gets through; on the last two days the same
    person asks about water again after having been answered.
    """
    calls = []
    for day in range(24):
        start = FIRST + day * DAY
        calls += [(start + i * MINUTE, f"w{day}-{i}", "water/leak", {"district": "440305"}) for i in range(10)]
        calls += [(start + i * MINUTE, f"n{day}-{i}", "noise/dogs", {"district": "440303"}) for i in range(2)]
        if day >= 21:
            calls += [(start + i * MINUTE, f"x{day}-{i}", "noise/night", {"district": "440303"}) for i in range(8)]
        if day >= 22:
            calls += [(start + 2 * HOUR, "again", "water/leak", {"district": "440305"})]
        if day == 23:
            calls += [(start + 3 * HOUR + i * MINUTE, "redialer", "bill", {"outcome": "abandoned"}) for i in range(30)]
            calls += [(start + 3 * HOUR, "", "bill", {}) for _ in range(9)]
    return [visit(feed, n, at, caller, category, **more) for n, (at, caller, category, more) in enumerate(calls)]


def test_what_grows_is_first_and_what_one_person_dials_is_not_in_the_list(store, select, feed):
    store(*three_weeks(feed))
    rows = select(
        "SELECT * FROM v_emerging WHERE feed = {feed:String} AND day = '2026-03-24' ORDER BY place", feed=feed
    )
    values = {(row["dimension"], row["value"]): row for row in rows}
    noise = values["category", "noise"]
    # 42 of 504 caller-days of both levels in 21 days; in three days there are 120, the one who asks again and the bill's
    assert (noise["callers"], noise["caller_days"]) == (30, 30)
    assert noise["usual"] == pytest.approx(42.5 * 125 / 504)
    assert noise["times"] == pytest.approx(30 / noise["usual"])
    assert rows[0]["value"] in {"noise/night", "noise"}
    assert [row["place"] for row in rows] == list(range(1, len(rows) + 1))
    assert [row["score"] for row in rows] == sorted((row["score"] for row in rows), reverse=True)
    assert ("category in district", "noise, 440303") in values
    assert not [key for key in values if key[1].startswith("bill")], "one caller and withheld numbers are no topic"
    water = values["category", "water/leak"]
    assert (water["callers"], water["caller_days"], water["repeat_calls"]) == (31, 32, 1)
    assert water["score"] < 0


def test_no_list_before_there_is_anything_to_compare_with(store, select, feed):
    store(*[it for it in three_weeks(feed) if it.queued_at < FIRST + 3 * DAY])
    assert select("SELECT * FROM v_emerging WHERE feed = {feed:String}", feed=feed) == []


def test_a_spike_of_redials_is_not_one_of_callers(store, select, feed):
    store(*three_weeks(feed))
    query = "SELECT * FROM v_attempts WHERE feed = {feed:String} AND day = '2026-03-24' ORDER BY quarter"
    first, again, *bills = select(query, feed=feed)
    assert (first["attempts"], first["callers"], first["redials"]) == (20, 20, 0)
    assert (again["attempts"], again["callers"], again["attempts_per_caller"]) == (1, 1, 1.0)
    assert [(row["attempts"], row["callers"], row["withheld"], row["redials"]) for row in bills] == [
        (24, 1, 9, 14),
        (15, 1, 0, 15),
    ]
