"""A feed that is cut off told from a quiet night, and one that comes twice: on the wallboard, in SQL, by signal."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from installation import Installation, eventually
from recounted import OF_TIME, Columns, Key, View, cells_view
from settled import clickhouse, settled

pytestmark = [pytest.mark.system, pytest.mark.faults, pytest.mark.timeout(900)]

OF_RECORDS = {"events", "heartbeats", "repeats"}
"""What counts records, not calls: of a doubled feed it is told apart by them."""
SETTINGS = """
data_dir: data
intake: {silent_after_s: 30, lost_waiting_s: 40, lost_talking_s: 600}
web: {hotline: city}
hotlines:
  city: {time_zone: Asia/Shanghai, thresholds_s: [15], queues: {utilities: {}, housing: {}}}
  night: {time_zone: Asia/Shanghai, thresholds_s: [15], queues: {market: {}}}
"""


def simulate(hotline: Installation, *options: str) -> subprocess.Popen[bytes]:
    command = [Path(sys.executable).parent / "hotline", "simulate", *options]
    return subprocess.Popen(command, cwd=hotline.directory, env=hotline.environment)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A Hotline that takes a source for cut off after half a minute, and gives up waiting calls soon."""
    installation = Installation(tmp_path_factory.mktemp("feeds"), SETTINGS)
    installation.start()
    yield installation
    installation.stop()


def source(hotline: Installation, name: str) -> dict[str, Any]:
    columns = "source, hotline, expected, toUnixTimestamp64Milli(silent_since) AS silent_since, doubled"
    rows = hotline.sql(f"SELECT {columns} FROM v_sources WHERE feed = 'live' AND source = '{name}'")
    return rows[0] if rows else {}


def signals(hotline: Installation, kind: str) -> list[dict[str, Any]]:
    return hotline.sql(
        f"SELECT hotline, source, active, summary FROM v_signals WHERE feed = 'live' AND kind = '{kind}' ORDER BY at"
    )


def dead_feeds(truth: Path) -> list[dict[str, Any]]:
    """The dead feeds that a truth log names, as far as it is written."""
    lines = truth.read_text().splitlines(keepends=True) if truth.is_file() else []
    told = [json.loads(line) for line in lines if line.endswith("\n")]
    return [it for it in told if it.get("incident") == "dead-feed"]


def test_a_dead_feed_is_no_quiet_night_and_nobody_waits_for_ever(watched: Installation) -> None:
    """PBX-2 of the city tells nothing for two minutes, while the system of another hotline has nothing to tell of."""
    truth = watched.directory / "truth.jsonl"
    of_city = ["--hotline", "city", "--rate", "200000", "--lost-endings", "0.15", "--truth", str(truth), "--for", "15m"]
    dead_feed = "dead-feed:source=PBX-2,start=+30s,for=2m"
    nobody_there = "understaffed:start=+0s,for=15m,factor=0.1"  # at any hour of the day somebody waits
    city = simulate(watched, *of_city, "--incident", dead_feed, "--incident", nobody_there)
    night = simulate(watched, "--hotline", "night", "--rate", "1", "--for", "15m", "--source", "NIGHT")
    try:
        [dead] = eventually(lambda: dead_feeds(truth), within=120)
        eventually(lambda: (source(watched, "PBX-2") or {}).get("silent_since"), within=180)

        silent = source(watched, "PBX-2")
        # Since the last record came in: what was told just before the feed died may come in a little after.
        assert dead["start"] - 30_000 < int(silent["silent_since"]) < dead["start"] + 30_000
        assert not source(watched, "PBX-1")["silent_since"]
        assert source(watched, "NIGHT")["expected"]
        assert not source(watched, "NIGHT")["silent_since"], "it beats, though nobody calls"

        head = eventually(lambda: (found := watched.get("/api/v1/board")["head"])["sources"]["silent"] and found)
        assert head["sources"]["silent"] == [{"source": "PBX-2", "since": int(silent["silent_since"])}]
        assert (head["sources"]["expected"], head["sources"]["heard"]) == (2, 1)

        told = eventually(lambda: signals(watched, "dead_feed"))
        assert {(it["hotline"], it["source"], it["active"]) for it in told} == {("city", "PBX-2", True)}
        assert "from PBX-2" in told[-1]["summary"]["en"]

        def window(name: str) -> dict[str, Any]:
            return watched.get(f"/api/v1/rolling?hotline={name}&window=5m")["windows"]["5m"]

        eventually(lambda: window("city")["completeness"] < 1)  # the minute it fell silent in was still heard
        night_window = window("night")
        assert night_window["completeness"] == 1.0
        assert night_window["offered"] == 0

        eventually(lambda: not source(watched, "PBX-2")["silent_since"], within=180)
        eventually(lambda: not signals(watched, "dead_feed")[-1]["active"], within=60)
        eventually(lambda: watched.get("/api/v1/board")["head"]["sources"]["silent"] == [])
    finally:
        city.terminate()
        night.terminate()
        city.wait()
        night.wait()

    # The telephone system was stopped in the middle of calls: it will never say how they ended.
    def still() -> int:
        rows = watched.sql(
            "SELECT waiting FROM v_gauges WHERE feed = 'live' AND hotline = 'city' AND queue = '' ORDER BY at DESC LIMIT 1"
        )
        return int(rows[0]["waiting"])

    eventually(lambda: still() == 0, within=120)
    eventually(lambda: watched.get("/api/v1/board")["totals"]["waiting"] == 0)
    given_up = "SELECT 1 FROM v_visits WHERE feed = 'live' AND outcome = 'lost_track' LIMIT 1"
    eventually(lambda: watched.sql(given_up))  # calls whose end was never told


def calls_of(rows: dict[Key, Columns]) -> dict[Key, Columns]:
    """Without what counts records, and without rows that count nothing."""
    found = {key: {n: v for n, v in row.items() if n not in OF_RECORDS} for key, row in rows.items()}
    return {key: row for key, row in found.items() if row.keys() - OF_TIME}


def test_a_feed_that_comes_twice_changes_no_number(hotline: Installation) -> None:
    """The same hours with one source, and for a while both, sending everything twice."""
    same = [
        "--hotline",
        "city",
        "--start",
        "2026-10-05T09:00",
        "--for",
        "3h",
        "--rate",
        "600",
        "--seed",
        "3",
        "--speed",
        "max",
    ]
    doubled = ["doubled-feed:source=PBX-1,start=+0s,for=9d", "doubled-feed:source=PBX-2,start=+30m,for=1h"]
    runs = [
        simulate(hotline, *same, "--feed", "once"),
        simulate(hotline, *same, "--feed", "twice", *(part for it in doubled for part in ("--incident", it))),
    ]
    assert [it.wait(timeout=120) for it in runs] == [0, 0]
    settled(hotline, within=300)
    with clickhouse(hotline) as client:
        for view in (
            cells_view(client),
            View.of(client, "v_daily", "hotline", "queue", "day"),
            View.of(client, "v_hotline_daily", "hotline", "day"),
            View.of(client, "v_visits", "hotline", "visit"),
        ):
            once, twice = (calls_of(view.rows(client, feed)) for feed in ("once", "twice"))
            assert once
            assert view.differences(twice, once.items()) == []
    told = {
        it["feed"]: (int(it["events"]), int(it["repeats"]))
        for it in hotline.sql(
            "SELECT feed, sum(events) AS events, sum(repeats) AS repeats FROM v_cells "
            "WHERE feed IN ('once', 'twice') AND dimension_set = 'source' GROUP BY feed"
        )
    }
    state = "SELECT feed, state FROM v_feeds WHERE feed IN ('once', 'twice') ORDER BY feed"
    assert [(it["feed"], it["state"]) for it in hotline.sql(state)] == [("once", "ended"), ("twice", "ended")]
    not_final = "SELECT count() AS n FROM v_cells WHERE feed IN ('once', 'twice') AND NOT final"
    assert int(hotline.sql(not_final)[0]["n"]) == 0
    copies, told_nothing = (twice - once for once, twice in zip(told["once"], told["twice"], strict=True))
    # A marker of a snapshot that comes again is an end, or a beginning, once more.
    assert copies > 1_000
    assert 0.98 * copies < told_nothing <= copies
    named = hotline.sql(
        "SELECT DISTINCT feed, source FROM v_source_history WHERE feed IN ('once', 'twice') AND doubled"
    )
    assert {(it["feed"], it["source"]) for it in named} == {("twice", "PBX-1"), ("twice", "PBX-2")}
