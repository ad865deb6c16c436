"""A real month, from the export to SQL: every figure to the last digit, also through kills."""

import asyncio
import csv
import json
import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiokafka import AIOKafkaProducer
from installation import Installation, eventually
from panel_kit import expanded, told_apart
from settled import settled

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

PERCENT = {
    "service_level_offered": 54.38,
    "service_level_excluding_abandoned_in_threshold": 56.26,
    "service_level_abandoned_in_threshold_met": 57.72,
    "service_level_answered": 60.61,
    "service_level_excluding_short": 54.74,
    "answer_rate_inbound": 86.29,
    "answer_rate_offered": 89.72,
    "answer_rate_talked": 88.80,
}


def recount(path: Path) -> dict[str, int]:
    """A plain count of the file by its outcome words, as the mapping's definition says."""
    counts = dict.fromkeys(("read", "answered", "abandoned", "ended_in_menu", "phantom"), 0)
    days = set()
    with path.open(encoding="latin-1", newline="") as file:
        rows = csv.reader((line.rstrip("\r\n").replace(" ", "\t") for line in file), delimiter="\t")
        next(rows)
        for row in rows:
            fields = [field for field in row if field]
            outcome = next(field for field in fields if field in {"AGENT", "HANG", "PHANTOM"})
            queue_start = fields[fields.index(outcome) - 3]
            counts["read"] += 1
            days.add(next(field for field in fields if field.startswith("9901")))
            if outcome == "PHANTOM":
                counts["phantom"] += 1
            elif outcome == "AGENT":
                counts["answered"] += 1
            elif queue_start == "0:00:00":
                counts["ended_in_menu"] += 1
            else:
                counts["abandoned"] += 1
    counts["offered"] = counts["answered"] + counts["abandoned"]
    counts["days"] = len(days)
    return counts


def replay(hotline: Installation, path: Path) -> dict[str, Any]:
    return hotline.json("replay", str(path), "--mapping", "anonymous-bank", "--speed", "max", "--wait", "--json")


def month(hotline: Installation, feed: str) -> dict[str, Any]:
    (row,) = hotline.sql(
        "SELECT sum(offered) AS offered, sum(answered) AS answered, sum(abandoned) AS abandoned, "
        "sum(ended_in_menu) AS ended_in_menu, sum(phantom) AS phantom, sum(wait_ms_sum) AS wait_ms, "
        "sum(waited) AS waited, sum(talk_ms_sum) AS talk_ms, sum(talked) AS talked, "
        "sum(short_abandoned) AS short_abandoned, sum(calls_offered) AS calls_offered, "
        "sum(arraySum(mapValues(mapFilter((k, v) -> k <= 20, answered_wait)))) AS answered_in, "
        "sum(arraySum(mapValues(mapFilter((k, v) -> k <= 20, abandoned_wait)))) AS abandoned_in "
        f"FROM v_cells WHERE feed = '{feed}' AND dimension_set = 'hotline'"
    )
    return {name: int(value) for name, value in row.items()}


def percent(part: float, whole: float) -> float:
    return round(100 * part / whole, 2)


def check(hotline: Installation, path: Path, feed: str) -> None:
    counts = recount(path)
    assert (counts["offered"], counts["answered"], counts["abandoned"]) == (30_161, 27_060, 3_101)
    m = month(hotline, feed)
    for name in ("offered", "answered", "abandoned", "ended_in_menu", "phantom"):
        assert m[name] == counts[name], name
    assert m["calls_offered"] == m["offered"], "one visit per call in this file"
    assert percent(m["answered_in"], m["offered"]) == PERCENT["service_level_offered"]
    assert percent(m["answered_in"], m["answered"]) == PERCENT["service_level_answered"]
    assert round(m["wait_ms"] / m["answered"] / 1000, 2) == 35.03
    assert round(m["wait_ms"] / m["waited"] / 1000, 2) == 69.77
    assert round(m["talk_ms"] / m["answered"] / 1000, 2) == 183.45
    (visits,) = hotline.sql(
        "SELECT countIf(outcome = 'answered') AS answered, countIf(outcome = 'abandoned') AS abandoned, "
        "countIf(outcome = 'ended_in_menu') AS ended_in_menu, countIf(outcome = 'phantom') AS phantom, "
        f"count() AS read FROM v_visits WHERE feed = '{feed}'"
    )
    assert {name: int(value) for name, value in visits.items()} == {name: counts[name] for name in visits}
    api = hotline.get(
        f"/api/v1/summary?feed={feed}&hotline=anonymous-bank&from=1999-01-01&to=1999-02-01&threshold_s=20"
    )
    for name in ("offered", "answered", "abandoned", "ended_in_menu", "phantom"):
        assert api[name] == counts[name], name
    for name, value in PERCENT.items():
        assert round(100 * api[name], 2) == value, name
    daily = hotline.sql(
        "SELECT sum(offered) AS offered, sum(answered) AS answered, sum(calls_offered) AS calls, count() AS days "
        f"FROM v_hotline_daily WHERE feed = '{feed}'"
    )
    assert {name: int(value) for name, value in daily[0].items()} == {
        "offered": 30_161,
        "answered": 27_060,
        "calls": 30_161,
        "days": counts["days"],
    }


LIVE_ONLY = {
    "hotline-agents": "the file names agents and not their states",
    "hotline-alerts": "a replay alerts nobody",
    "hotline-demand": "a replay has no forecast",
}
"""Dashboards whose queries may have nothing to show of an export, and why."""
OF_NOW = {
    "Agents free", "Alerts", "Data as of", "In service", "Oldest wait", "Oldest wait by queue", "Threshold", "Waiting",
    "Waiting by queue", "Waiting past threshold",
}  # fmt: skip
"""Made of what is so at an instant, of alerts and of where a running feed stands: an export that is over has none."""
NOT_IN_THE_FILE = {
    "hotline-overview": {"Signals that hold", "Could not be read", "Too late", "Offered against expectation"},
    "hotline-wallboard": {"Alerts firing", "Offered against expectation", "Queues, most urgent first"},
    "hotline-queue": {"Offered against expectation", "Waiting, in service, agents free"},
    "hotline-quality": {"Sources now", "Heard in the time range", "Left out of the numbers", "Too late", "Mended"},
}


def check_panels(hotline: Installation, feed: str) -> None:
    """Grafana's SQL over the month: rows where the file has something, and the numbers of the API."""
    jerusalem = ZoneInfo("Asia/Jerusalem")
    first, last = (round(datetime(1999, month, 1, tzinfo=jerusalem).timestamp()) * 1000 for month in (1, 2))
    queues = [
        row["queue"] for row in hotline.sql(f"SELECT DISTINCT queue FROM v_daily WHERE feed = '{feed}' AND queue != ''")
    ]
    chosen = {"feed": feed, "hotline": "anonymous-bank", "threshold_s": "20", "target": "0.8"}

    def ask(name: str) -> list[dict[str, Any]]:
        panel = panels[name]
        queue = queues[0] if panel.one_queue else queues
        return hotline.sql(expanded(panel, (first, last - 1), **chosen, queue=queue))

    def value(name: str) -> float:
        [row] = ask(name)
        return float(row["value"])

    panels = told_apart()
    empty = {name for name in panels if not ask(name)}
    unexplained = [
        name
        for name in empty
        if panels[name].title not in OF_NOW
        and panels[name].board.removesuffix(".json") not in LIVE_ONLY
        and panels[name].title not in NOT_IN_THE_FILE.get(panels[name].board.removesuffix(".json"), ())
    ]
    assert unexplained == [], "\n".join(unexplained)
    assert len(panels) - len(empty) > 60
    api = hotline.get(
        f"/api/v1/summary?feed={feed}&hotline=anonymous-bank&from=1999-01-01&to=1999-02-01&threshold_s=20"
    )
    assert value("hotline-detail Calls offered A") == api["offered"] == 30_161
    assert value("hotline-detail Calls answered A") == api["answered"] == 27_060
    assert value("hotline-detail Answer rate (inbound) A") == pytest.approx(api["answer_rate_inbound"])
    assert value("hotline-promise Service level (offered) A") == pytest.approx(api["service_level_offered"])
    [five] = ask("hotline-promise The same by each definition A")
    names = [name for name in PERCENT if name.startswith("service_level")]
    assert list(map(float, five.values())) == [pytest.approx(api[name]) for name in names]
    waits = ask("hotline-detail How long they waited A")
    assert sum(int(row["answered"]) for row in waits) == api["answered"]
    assert sum(int(row["abandoned"]) for row in waits) == api["abandoned"]
    assert sum(int(row["Calls offered"]) for row in ask("hotline-overview Days in the time range A")) == api["offered"]


def live_cells(hotline: Installation) -> list[dict[str, Any]]:
    return hotline.sql("SELECT * FROM v_cells WHERE feed = 'live' ORDER BY ALL")


def final_ones(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Nothing but a late fact may change these; others become final by time alone."""
    return [row for row in rows if row["final"]]


async def some_live_calls(bootstrap: str) -> None:
    """Five calls of half an hour ago: their minutes are final at once."""
    begun = int(time.time() * 1000) - 1_800_000
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        for number in range(5):
            for kind, after in (("queued", 0), ("answered", 9_000), ("ended", 40_000)):
                event = {"type": kind, "time": begun + after, "call": f"jan-{number}", "hotline": "h", "queue": "q"}
                await producer.send_and_wait("hotline.calls", json.dumps(event).encode(), key=event["call"].encode())


def test_january_by_sql_api_and_recount_and_again(hotline: Installation, january: Path) -> None:
    asyncio.run(some_live_calls(hotline.status()["endpoints"]["kafka"]))
    of_all = (
        "SELECT sum(answered) AS n FROM v_cells WHERE feed = 'live' AND hotline = 'h' AND dimension_set = 'hotline'"
    )
    eventually(lambda: int(hotline.sql(of_all)[0]["n"]) == 5)
    settled(hotline)  # answered is not all that there is to tell of them
    eventually(lambda: all(row["final"] for row in live_cells(hotline) if row["hotline"] == "h"))
    before = live_cells(hotline)
    first = replay(hotline, january)
    assert sum(first["rejected"].values()) == 0
    assert first["read"] == 31_599 == first["visits"] + first["menu"] + first["phantom"]
    assert first["queryable_at"]
    check(hotline, january, first["feed"])
    after = live_cells(hotline)
    assert [row for row in final_ones(before) if row not in after] == []
    assert [row for row in after if row["hotline"] == "h"] == [row for row in before if row["hotline"] == "h"]
    assert {row["hotline"] for row in after} == {row["hotline"] for row in before}
    second = replay(hotline, january)
    assert second["feed"] == first["feed"]
    assert second["generation"] > first["generation"]
    check(hotline, january, second["feed"])
    check_panels(hotline, second["feed"])
    # Others' calls of now may be waiting for good reason.
    assert [it for it in hotline.status()["alerts_firing"] if it["hotline"] in {"anonymous-bank", "h"}] == []


@pytest.mark.faults
def test_january_through_nine_kills(hotline: Installation, january: Path) -> None:
    """streams, sinks and alerts are killed three times each while the month runs through them."""
    command = [Path(sys.executable).parent / "hotline", "replay", january]
    options = ["--mapping", "anonymous-bank", "--speed", "max", "--wait", "--json", "--feed", "replay-killed"]
    with subprocess.Popen(
        [*command, *options], cwd=hotline.directory, env=hotline.environment, stdout=subprocess.PIPE
    ) as running:
        killed = []
        for _ in range(3):
            for name in ("streams", "sinks", "alerts"):
                pid = eventually(lambda name=name: running_pid(hotline, name, killed))
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)
        assert running.wait(timeout=400) == 0
    assert len(set(killed)) == 9
    check(hotline, january, "replay-killed")


def running_pid(hotline: Installation, name: str, killed: list[int]) -> int | None:
    """The pid of a process that runs and was not killed yet."""
    for process in hotline.status()["processes"]:
        if process["name"] == name and process["state"] == "running" and process["pid"] not in killed:
            return int(process["pid"])
    return None
