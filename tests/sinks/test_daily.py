"""The SQL of the daily views and `streams.contract.metrics` give the same numbers."""

from collections import defaultdict
from datetime import UTC, date, datetime
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as engine_settings
from hypothesis import strategies as st

from sinks.clickhouse.hotlines import write_hotlines
from sinks.clickhouse.rows.cells import PLAIN
from streams.contract import Cell, metrics
from streams.contract.cells import BY_NUMBER

pytestmark = pytest.mark.clickhouse

MIDNIGHT = 1_767_196_800_000  # 2026-01-01 00:00 in Shanghai
_example = count(1)
HOTLINES = {"12345": ("Asia/Shanghai", 15), "anonymous-bank": ("Asia/Jerusalem", 20), "other": ("UTC", 20)}


@st.composite
def consistent_counts(draw):
    """Counts that hold together: buckets sum up to the visits answered and abandoned."""
    seconds = st.sampled_from([0, 1, 5, 14, 15, 16, 19, 20, 21, 119, 120, 126, 133])
    answered = draw(st.dictionaries(seconds, st.integers(1, 9), max_size=5))
    abandoned = draw(st.dictionaries(seconds, st.integers(1, 9), max_size=3))
    counts = {
        "answered": sum(answered.values()),
        "waited": sum(n for s, n in answered.items() if s),
        "wait_ms_sum": sum(s * 1000 * n for s, n in answered.items()),
        "abandoned": sum(abandoned.values()),
        "short_abandoned": sum(n for s, n in abandoned.items() if s <= 5),
        "flowed_out": draw(st.integers(0, 3)),
        "ended_in_menu": draw(st.integers(0, 3)),
        "blocked": draw(st.integers(0, 3)),
        "calls_offered": draw(st.integers(0, 9)),
    }
    counts["offered"] = counts["answered"] + counts["abandoned"] + counts["flowed_out"]
    counts["talked"] = draw(st.integers(0, counts["answered"]))
    if counts["answered"]:
        counts |= {name: draw(st.integers(0, 10**6)) for name in ("talk_ms_sum", "hold_ms_sum", "acw_ms_sum")}
    counts |= {f"answered_wait.{s}": n for s, n in answered.items()}
    counts |= {f"abandoned_wait.{s}": n for s, n in abandoned.items()}
    return {name: number for name, number in counts.items() if number}


cells = st.lists(
    st.tuples(
        st.sampled_from(list(HOTLINES)),
        st.sampled_from(["", "a", "b"]),
        st.integers(-1500, 1500),
        consistent_counts(),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda cell: cell[:3],
)


@engine_settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(cells=cells)
def test_days_are_sums_of_cells_and_ratios_are_those_of_the_contract(cells, store, select):
    feed = f"days-{next(_example)}"
    expected = {"v_daily": defaultdict(list), "v_hotline_daily": defaultdict(list)}
    for hotline, queue, minutes, counts in cells:
        minute = MIDNIGHT + minutes * 60_000
        for dimension_set, view in (("queue", "v_daily"), ("hotline", "v_hotline_daily")):
            value = queue if dimension_set == "queue" else ""
            # `centre` keeps cells of one minute apart where the queue does not
            store(
                Cell(
                    feed=feed, hotline=hotline, dimension_set=dimension_set, queue=value, centre=queue, minute=minute,
                    version=1, counts=counts,
                ),
            )  # fmt: skip
            day = datetime.fromtimestamp(minute / 1000, ZoneInfo(HOTLINES[hotline][0])).date()
            expected[view][hotline, value, day].append(counts)
    for view, days in expected.items():
        rows = select(f"SELECT * FROM {view} WHERE feed = {{feed:String}}", feed=feed)
        assert len(rows) == len(days)
        for row in rows:
            total = metrics.window(days[row["hotline"], row.get("queue", ""), row["day"]])
            threshold = HOTLINES[row["hotline"]][1]
            assert row["threshold_s"] == threshold
            for name in PLAIN:
                if name in row:
                    assert row[name] == total.get(name, 0), name
            inbound = sum(total.get(name, 0) for name in ("offered", "ended_in_menu", "blocked"))
            assert row["inbound"] == inbound
            for name, ratio in (metrics.service_levels(total, threshold) | metrics.rates(total)).items():
                assert row[name] == (None if ratio is None else pytest.approx(ratio, rel=1e-12)), name
            assert ("calls_offered" in row) == (view == "v_hotline_daily")


@engine_settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(counts=consistent_counts())
def test_service_levels_stand_for_every_second_to_120(counts, store, select):
    feed = f"levels-{next(_example)}"
    store(
        Cell(
            feed=feed, hotline="12345", dimension_set="queue", queue="a", minute=MIDNIGHT, version=1, counts=counts
        )
    )  # fmt: skip
    rows = select("SELECT * FROM v_service_level WHERE feed = {feed:String} ORDER BY threshold_s", feed=feed)
    assert [row["threshold_s"] for row in rows] == list(range(121))
    for row in rows:
        assert row["answered_in_threshold"] == metrics.within_threshold(counts, "answered_wait", row["threshold_s"])
        assert row["abandoned_in_threshold"] == metrics.within_threshold(counts, "abandoned_wait", row["threshold_s"])
        for name, ratio in metrics.service_levels(counts, row["threshold_s"]).items():
            assert row[name] == (None if ratio is None else pytest.approx(ratio, rel=1e-12)), name


def test_maps_of_numbers_add_up_over_cells(store, select, feed):
    counts = {f"{name}.{number}": number for name in BY_NUMBER for number in (15, 20)}
    for minute in range(3):
        store(
            Cell(
                feed=feed, hotline="12345", dimension_set="queue", minute=MIDNIGHT + minute * 60_000, version=1,
                counts=counts,
            )
        )  # fmt: skip
    sums = ", ".join(f"sumMap({name}) AS {name}" for name in BY_NUMBER)
    (row,) = select(f"SELECT {sums} FROM (SELECT * FROM v_cells WHERE feed = {{feed:String}})", feed=feed)
    assert row == {name: {15: 45, 20: 60} for name in BY_NUMBER}


def test_a_threshold_that_settings_change_holds_backwards(store, select, feed, client, settings):
    counts = {"offered": 4, "answered": 4, "answered_wait.10": 1, "answered_wait.25": 3}
    store(Cell(feed=feed, hotline="12345", dimension_set="queue", minute=MIDNIGHT, version=1, counts=counts))

    def promised():
        query = "SELECT threshold_s, service_level_offered AS level FROM v_daily WHERE feed = {feed:String}"
        return [tuple(row.values()) for row in select(query, feed=feed)]

    assert promised() == [(15, 0.25)]
    line = settings.hotlines["12345"].model_copy(update={"thresholds_s": (30,)})
    write_hotlines(client, settings.model_copy(update={"hotlines": {"12345": line}}))
    assert promised() == [(30, 1.0)]
    write_hotlines(client, settings.model_copy(update={"hotlines": {}}))
    assert promised() == [(20, 0.25)]
    write_hotlines(client, settings)
    assert promised() == [(15, 0.25)]


def test_hotlines_are_written_only_when_they_change(client, settings):
    def written():
        return client.query("SELECT count(), uniqExact(version) FROM hotlines").result_rows

    write_hotlines(client, settings)
    before = written()
    write_hotlines(client, settings)
    assert written() == before


def test_days_are_local_to_the_hotline(store, select, feed):
    at = int(datetime(2026, 1, 1, 23, 30, tzinfo=UTC).timestamp()) * 1000
    for hotline in HOTLINES:
        store(Cell(feed=feed, hotline=hotline, dimension_set="hotline", minute=at, version=1, counts={"offered": 1}))
    rows = select("SELECT hotline, day FROM v_hotline_daily WHERE feed = {feed:String}", feed=feed)
    assert {row["hotline"]: row["day"] for row in rows} == {
        "12345": date(2026, 1, 2),
        "anonymous-bank": date(2026, 1, 2),
        "other": date(2026, 1, 1),
    }
