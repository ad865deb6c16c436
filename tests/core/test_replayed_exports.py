"""Exports read by the built-in mappings, counted by the engine: what people see agrees with a plain recount."""

import csv
from collections import Counter
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from engine import Engine

from deploy.producers import mapping, replay
from deploy.producers.contents import read
from deploy.runtime.settings import Hotline, Settings

EXAMPLES = Path(__file__).parents[1] / "producers" / "examples"
BALTIMORE = Path(__file__).parents[2] / ".." / "shared" / "data" / "baltimore_311_sample.csv"
NOW = 1_795_500_000_000


def replayed(path: Path, name: str) -> Engine:
    """The engine after the whole replay of a file, markers included."""
    found = mapping.load(name)
    contents = read(path, found, feed="replay-x", generation=1)
    marks = replay.markers_of(contents, found, feed="replay-x", generation=1)
    engine = Engine(Settings(demo=True, hotlines={found.hotline: Hotline(time_zone=found.zone)}))
    events = [msgspec.json.decode(event.value) for event in contents.events]
    engine.send([msgspec.json.decode(marks.begin)], NOW)
    for start in range(0, len(events), 4_000):
        engine.send(events[start : start + 4_000], NOW)
    engine.send([msgspec.json.decode(marks.end)], NOW)
    assert not engine.letters
    return engine


def visits(engine: Engine) -> dict[tuple[str, str], tuple]:
    return {(v.call, v.queue): (v.outcome, v.wait_ms, v.talk_ms) for v in engine.visits.values() if not v.retracted}


def test_a_queue_log_becomes_the_visits_that_it_tells() -> None:
    assert visits(replayed(EXAMPLES / "queue_log", "asterisk-queue-log")) == {
        ("1795312805.17", "utilities"): ("answered", 24_000, 156_000),
        ("1795312838.30", "utilities"): ("abandoned", 65_000, None),
        ("1795312998.40", "residence"): ("answered", 4_000, 60_000),
        ("1795312998.40", "utilities"): ("answered", 4_000, 30_000),
        ("1795313108.60", "residence"): ("flowed_out", 60_000, None),
        ("1795313178.70", "residence"): ("flowed_out", 1_000, None),
        ("1795313188.80", "utilities"): ("flowed_out", 10_000, None),
    }


def test_call_records_become_the_visits_that_they_tell() -> None:
    found = visits(replayed(EXAMPLES / "calls.csv", "call-records"))
    assert Counter(outcome for outcome, _, _ in found.values()) == {
        "answered": 4, "abandoned": 1, "flowed_out": 1, "callback_taken": 1, "ended_in_menu": 1, "blocked": 1,
    }  # fmt: skip
    assert found["20261122-0001", "utilities"] == ("answered", 12_000, 187_000)
    assert found["20261122-0005", "immigration"] == ("answered", 8_000, 250_000)


def test_tickets_become_answered_calls_under_their_category_path() -> None:
    engine = replayed(EXAMPLES / "tickets-gb18030.csv", "12345-tickets")
    assert Counter(visit.outcome for visit in engine.visits.values()) == {"answered": 4}
    assert "城乡建设/供水/停水" in {visit.category for visit in engine.visits.values()}


@pytest.mark.slow
@pytest.mark.skipif(not BALTIMORE.is_file(), reason="shared/data/baltimore_311_sample.csv is not here")
def test_baltimores_phone_requests_in_cells_are_a_plain_recount_per_day_and_department() -> None:
    engine, zone = replayed(BALTIMORE, "baltimore-311"), ZoneInfo("America/New_York")
    with BALTIMORE.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["MethodReceived"] == "Phone"]
    days: Counter[object] = Counter()
    departments: Counter[str] = Counter()
    for cell in engine.cells.values():
        if cell.dimension_set == "queue":
            days[datetime.fromtimestamp(cell.minute / 1000, zone).date()] += cell.counts.get("answered", 0)
        elif cell.dimension_set == "department":
            departments[cell.department] += cell.counts.get("answered", 0)
    assert days == Counter(datetime.strptime(row["CreatedDate"][:10], "%m/%d/%Y").date() for row in rows)  # noqa: DTZ007
    assert departments == Counter(row["Agency"] for row in rows)
