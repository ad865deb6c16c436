"""Local times on both change days, days of 23 and 25 hours, half-hour zones: never a crash, every choice counted."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.producers import mapping, replay
from deploy.producers.contents import Contents, read
from deploy.producers.local_times import LocalClock
from streams.contract import CallEvent

CALLS = """
name: local
hotline: h
zone: {zone}
time: {{format: iso, fold: {fold}}}
call: id
times: {{arrived: start, queued: start, queue_left: left}}
outcome: {{always: abandoned}}
"""


def export(
    tmp_path: Path, rows: list[tuple[str, str]], zone: str = "Europe/Berlin", fold: str = "by_order"
) -> Contents:
    file = tmp_path / "calls.csv"
    file.write_text("id,start,left\n" + "".join(f"{n},{start},{left}\n" for n, (start, left) in enumerate(rows)))
    return read(file, mapping.parse(CALLS.format(zone=zone, fold=fold), "local"), feed="f", generation=1)


def utc(contents: Contents, *types: str) -> list[str]:
    """UTC times of the events of these types, by call."""
    events = [msgspec.json.decode(event.value, type=CallEvent) for event in contents.events]
    wanted = sorted((int(e.call), e.time) for e in events if e.type in types)
    return [datetime.fromtimestamp(at / 1000, UTC).strftime("%H:%M:%S") for _, at in wanted]


def test_the_hour_that_the_clocks_leave_out_is_moved_forward_and_counted(tmp_path) -> None:
    contents = export(tmp_path, [("2026-03-29T01:59:59", "2026-03-29T02:30:00"), ("2026-03-29T03:00:00", "")])
    assert utc(contents, "arrived", "abandoned") == ["00:59:59", "01:30:00", "01:00:00", "01:00:00"]
    assert contents.repaired == {"skipped_hour": 1}
    assert not contents.rejected


@pytest.mark.parametrize(("fold", "at"), [("first", "00:30:00"), ("second", "01:30:00"), ("by_order", "00:30:00")])
def test_a_time_shown_twice_follows_the_rule_of_the_mapping(tmp_path, fold, at) -> None:
    contents = export(tmp_path, [("2026-10-25T02:30:00", "")], fold=fold)
    assert utc(contents, "arrived") == [at]
    assert contents.repaired == {"repeated_hour": 1}


def test_by_order_the_second_hour_begins_where_the_file_steps_back(tmp_path) -> None:
    starts = ["01:50", "02:10", "02:55", "02:50", "02:05", "02:40", "02:59", "03:00"]
    contents = export(tmp_path, [(f"2026-10-25T{start}:00", "") for start in starts])
    expected = ["23:50", "00:10", "00:55", "00:50", "01:05", "01:40", "01:59", "02:00"]
    assert utc(contents, "arrived") == [f"{at}:00" for at in expected]
    assert contents.repaired == {"repeated_hour": 6}


def test_within_a_call_order_decides_whatever_the_rule(tmp_path) -> None:
    row = ("2026-10-25T02:59:50", "2026-10-25T02:00:10")
    for fold in ("first", "by_order"):
        contents = export(tmp_path, [row], fold=fold)
        assert utc(contents, "arrived", "abandoned") == ["00:59:50", "01:00:10"]


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
        ("Asia/Kolkata", "2026-03-29", 24),
        ("Asia/Shanghai", "2026-10-25", 24),
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
    ],
)
def test_a_call_a_minute_by_the_wall_fills_a_day_of_its_true_length(tmp_path, zone, day, hours) -> None:
    """An instant a minute, written as local time: read back in order, none is lost, doubled or moved."""
    start = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    instants = [start + timedelta(minutes=n) for n in range(int(hours * 60))]
    rows = [(f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%dT%H:%M:%S}", "") for at in instants]
    contents = export(tmp_path, rows, zone)
    events = [msgspec.json.decode(event.value, type=CallEvent) for event in contents.events]
    arrivals = [event.time for event in events if event.type == "arrived"]
    assert arrivals == [round(at.timestamp() * 1000) for at in instants]
    begin, end = replay.whole_days(arrivals[0], arrivals[-1], ZoneInfo(zone))
    assert (end - begin) / 3_600_000 == hours


def test_clock_times_with_a_date_column_know_the_change_too(tmp_path) -> None:
    text = CALLS.format(zone="Europe/Berlin", fold="second").replace("format: iso", "format: clock, date: day")
    file = tmp_path / "calls.csv"
    file.write_text("id,day,start,left\n1,2026-10-25,2:30:00,2:45:00\n2,2026-03-29,2:30:00,3:31:00\n")
    contents = read(file, mapping.parse(text, "local"), feed="f", generation=1)
    assert utc(contents, "arrived", "abandoned") == ["01:30:00", "01:45:00", "01:30:00", "01:31:00"]


@given(
    st.datetimes(datetime.fromisoformat("1975-01-01"), datetime.fromisoformat("2037-01-01")),
    st.sampled_from(sorted(zone for zone in available_timezones() if "/" in zone)),
)
def test_any_local_time_of_any_zone_is_an_instant(local, zone) -> None:
    local = local.replace(microsecond=0)
    found = LocalClock(ZoneInfo(zone)).of(local)
    shown = [datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).replace(tzinfo=None) for at in found[:2]]
    if found.skipped:
        assert shown[0] > local
    else:
        assert shown == [local, local]


def test_a_day_whose_midnight_comes_twice_is_declared_whole() -> None:
    havana = ZoneInfo("America/Havana")
    second = int(datetime(2024, 11, 3, 0, 30, tzinfo=havana, fold=1).timestamp() * 1000)
    begin, end = replay.whole_days(second, second, havana)
    assert (second - begin, end - begin) == (90 * 60_000, 25 * 3_600_000)
