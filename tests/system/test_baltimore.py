"""A second real input: the telephone requests of a city's 311 export, from the file to every figure."""

import csv
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest
from installation import Installation

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]


def phoned(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [row for row in csv.DictReader(file) if row["MethodReceived"] == "Phone"]


def test_baltimores_requests_by_phone_are_a_plain_recount_of_the_file(hotline: Installation, baltimore: Path) -> None:
    rows = phoned(baltimore)
    done = hotline.json("replay", str(baltimore), "--mapping", "baltimore-311", "--speed", "max", "--wait", "--json")
    assert (done["visits"], done["menu"], done["phantom"], sum(done["rejected"].values())) == (len(rows), 0, 0, 0)
    feed = done["feed"]
    days = Counter(datetime.strptime(row["CreatedDate"][:10], "%m/%d/%Y").strftime("%Y-%m-%d") for row in rows)  # noqa: DTZ007
    daily = hotline.sql(
        f"SELECT day, offered, answered, calls_answered, inbound FROM v_hotline_daily WHERE feed = '{feed}'"
    )
    for name in ("offered", "answered", "calls_answered", "inbound"):
        assert {it["day"]: int(it[name]) for it in daily} == days, name
    departments = hotline.sql(
        f"SELECT department, sum(answered) AS n FROM v_cells WHERE feed = '{feed}' AND dimension_set = 'department' GROUP BY department"
    )
    assert {it["department"]: int(it["n"]) for it in departments} == Counter(row["Agency"] for row in rows)
    to_level_3 = "arrayStringConcat(arraySlice(splitByChar('/', category), 1, 3), '/')"
    categories = hotline.sql(
        f"SELECT {to_level_3} AS path, count() AS n FROM v_visits WHERE feed = '{feed}' GROUP BY path"
    )
    assert sum(int(it["n"]) for it in categories) == len(rows)
    by_cells = hotline.sql(
        f"SELECT category AS path, sum(answered) AS n FROM v_cells WHERE feed = '{feed}' AND dimension_set = 'category_3' GROUP BY path"
    )
    assert sorted(map(str, by_cells)) == sorted(map(str, categories))
    first, last = min(days), max(days)
    api = hotline.get(f"/api/v1/summary?feed={feed}&hotline=baltimore-311&from={first}&to={last}")
    assert (api["offered"], api["answered"], api["answer_rate_offered"]) == (len(rows), len(rows), 1.0)
    busiest = max(days, key=lambda day: days[day])
    of_day = hotline.get(f"/api/v1/summary?feed={feed}&hotline=baltimore-311&from={busiest}&to={busiest}")
    assert of_day["answered"] == days[busiest]
