"""Records as rows: nothing lost, and the order of versions kept."""

from datetime import date
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.runtime.processor import Record
from sinks.clickhouse.days import days_by
from sinks.clickhouse.inserter import blocks
from sinks.clickhouse.records import Position, row_functions, to_rows
from sinks.clickhouse.rows import (
    CELLS,
    FEED_MARKS,
    TABLES,
    alert_row,
    cell_row,
    dead_letter_row,
    forecast_row,
    gauge_row,
    mark_row,
    packed_version,
    visit_row,
)
from sinks.clickhouse.rows.cells import PLAIN
from sinks.clickhouse.rows.visits import counted_at
from streams.contract import AlertEvent, Cell, DeadLetter, Forecast, Gauge, Progress, Visit, VisitMark
from streams.contract.cells import BY_NUMBER
from streams.contract.topics import CELLS as CELLS_TOPIC
from streams.contract.topics import VISITS as VISITS_TOPIC

DAY = days_by(lambda hotline: ZoneInfo("Asia/Shanghai" if hotline == "12345" else "UTC"))
COUNTER = st.one_of(st.sampled_from(PLAIN), st.builds("{}.{}".format, st.sampled_from(BY_NUMBER), st.integers(0, 500)))


def visit(**values):
    return Visit(**{"feed": "live", "hotline": "12345", "visit": "c/q/1", "call": "c", "outcome": "open"} | values)


def as_dict(row):
    return dict(zip(row.table.columns, row.values, strict=True))


@given(st.dictionaries(COUNTER, st.integers(1, 10**12)))
def test_every_count_of_a_cell_is_in_its_row(counts):
    cell = Cell(feed="live", hotline="12345", dimension_set="queue", queue="q", minute=60_000, version=7, counts=counts)
    row = as_dict(cell_row(cell, DAY))
    found = {name: row[name] for name in PLAIN if row[name]}
    found |= {f"{name}.{number}": n for name in BY_NUMBER for number, n in row[name].items()}
    assert found == counts


@pytest.mark.parametrize("counter", ["offerd", "answered_wait", "offered.3", "answered_wait.x", ""])
def test_a_counter_without_a_column_is_refused(counter):
    cell = Cell(feed="live", hotline="h", dimension_set="hotline", minute=0, version=1, counts={counter: 1})
    with pytest.raises(ValueError, match=r"counter|invalid literal"):
        cell_row(cell, DAY)


versions = st.tuples(st.integers(0, 2**60), st.integers(0, 2**47))


@given(versions, versions)
def test_packed_versions_sort_as_pairs_do(one, other):
    assert (packed_version(one) < packed_version(other)) == (one < other)


def test_a_cell_belongs_to_the_local_day_of_its_hotline_and_to_an_insert_of_its_utc_day():
    minute = 1_767_196_800_000  # 2025-12-31 16:00 UTC, midnight in Shanghai
    for offset, expected in ((-60_000, date(2025, 12, 31)), (0, date(2026, 1, 1))):
        cell = Cell(feed="live", hotline="12345", dimension_set="hotline", minute=minute + offset, version=1, counts={})
        row = cell_row(cell, DAY)
        assert as_dict(row)["day"] == (expected - date(1970, 1, 1)).days
        assert row.day == (date(2025, 12, 31) - date(1970, 1, 1)).days


@pytest.mark.parametrize(
    ("times", "outcome", "expected"),
    [
        ({"arrived_at": 1, "queued_at": 2, "answered_at": 3}, "answered", 2),
        ({"arrived_at": 1, "ended_at": 3}, "ended_in_menu", 1),
        ({"arrived_at": 1, "queued_at": 2}, "phantom", 1),
        ({"queued_at": 2}, "test", 2),
        ({"answered_at": 5, "ended_at": 9}, "answered", 5),
        ({}, "open", 70),
    ],
)
def test_the_instant_a_visit_is_counted_at(times, outcome, expected):
    assert counted_at(visit(outcome=outcome, version=(1, 70), **times)) == expected


def test_a_visit_keeps_its_values():
    row = as_dict(
        visit_row(visit(queued_at=61_000, wait_ms=5, repairs=("order",), text="a b", version=(3, 9)), DAY, str.split)
    )
    assert (row["queued_at"], row["wait_ms"], row["repairs"], row["terms"]) == (61_000, 5, ("order",), ["a", "b"])
    assert (row["version"], row["counted_at"], row["retracted"]) == (3 * 2**48 + 9, 61_000, False)


def test_gauges_of_ten_seconds_share_a_slot():
    gauge = Gauge(feed="live", hotline="h", dimension_set="queue", at=29_999, version=1, threshold_s=15)
    assert as_dict(gauge_row(gauge))["slot"] == 20_000


def test_a_forecast_with_lists_of_different_length_is_refused():
    forecast = Forecast(
        feed="live", hotline="h", dimension_set="queue", start=0, step_s=900, expected=[1.0], lower=[], upper=[2.0],
        days_learned=1, version=1,
    )  # fmt: skip
    with pytest.raises(ValueError, match="differ in length"):
        forecast_row(forecast)


def test_late_events_go_to_a_table_of_their_own():
    def table(reason):
        letter = DeadLetter(topic="t", partition=0, offset=1, reason=reason, append_time=5)
        return dead_letter_row(letter, 9).table.name

    assert (table("late"), table("not_json")) == ("late_events", "dead_letters")


def test_an_alert_fills_its_columns():
    event = AlertEvent(
        fingerprint="f", episode="e", rule="r", state="firing", reason="held_long_enough", severity="critical",
        feed="live", hotline="h", at=1, started_at=0, version=4, value=2.5, labels={"queue": "q"},
    )  # fmt: skip
    row = as_dict(alert_row(event))
    assert (row["state"], row["labels"], row["ended_at"], row["version"]) == ("firing", {"queue": "q"}, None, 4)


def test_marks_and_ends_of_feeds_are_inserted_last_and_days_of_years_share_few_inserts():
    cells = [
        cell_row(Cell(feed="r", hotline="h", dimension_set="queue", minute=m, version=1, counts={}), DAY)
        for m in range(0, 730 * 86_400_000, 86_400_000)
    ]
    mark = mark_row(VisitMark(feed="r", generation=1, source_partition=0, partition=0, of=1, version=(1, 1)))
    found = blocks((row, Position("t", 0, i)) for i, row in enumerate([mark, *cells]))
    assert [(b.table, len(b.values)) for b in found] == [*[(CELLS, 30)] * 24, (CELLS, 10), (FEED_MARKS, 1)]
    assert [t.name for t in TABLES[-2:]] == ["feed_marks", "feeds"]


def test_what_cannot_be_read_is_named_and_the_rest_goes_on():
    good = msgspec.json.encode(visit(version=(1, 1)))
    deep = b'{"x": ' + b"[" * 10_000
    values = [good, b"{", None, b'{"kind":"other"}', deep, b'{"kind":"\xff"}', good]
    records = [Record(i, 0, None, value) for i, value in enumerate(values)]
    rows, refused = to_rows(row_functions(DAY)[VISITS_TOPIC], VISITS_TOPIC, 2, records)
    assert [position.offset for _, position in rows] == [0, 6]
    assert [r.position for r in refused] == [Position(VISITS_TOPIC, 2, i) for i in range(1, 6)]
    assert "no value" in refused[1].reason


@pytest.mark.parametrize(("data_as_of", "rows"), [(None, []), (9_000, [("live", 9_000, 1)])])
def test_progress_leaves_only_the_clock(data_as_of, rows):
    progress = Progress(
        data_as_of=data_as_of, partitions=[], repaired={}, rejected={}, misrouted={}, late={}, unknown_fields={}, missing=0,
        version=1,
    )  # fmt: skip
    record = Record(0, 0, None, msgspec.json.encode(progress))
    found, refused = to_rows(row_functions(DAY)[CELLS_TOPIC], CELLS_TOPIC, 0, [record])
    assert ([row.values for row, _ in found], refused) == (rows, [])
