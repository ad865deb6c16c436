"""Sources, agents and completeness: what the views of the present show."""

from datetime import UTC, datetime

import pytest

from streams.contract import Cell, Gauge, Signal, SourceStatus

pytestmark = pytest.mark.clickhouse

T0 = 1_767_200_040_000


def source(feed, name, at, version, **fields):
    return SourceStatus(feed=feed, source=name, last_at=at - 500, at=at, version=version, **fields)


def test_the_last_of_each_source_and_its_history(store, select, feed):
    store(
        source(feed, "pbx-1", T0, 1, expected=True, clock_offset_ms=-1_200, events=90),
        source(feed, "pbx-2", T0, 2, expected=True),
        source(feed, "pbx-2", T0 + 60_000, 5, expected=True, silent_since=T0 + 500),
        source(feed, "pbx-2", T0 + 61_000, 4, expected=True),
    )
    rows = select("SELECT * FROM v_sources WHERE feed = {feed:String} ORDER BY source", feed=feed)
    assert [(r["source"], r["silent_since"], r["clock_offset_ms"], r["events"]) for r in rows] == [
        ("pbx-1", None, -1_200, 90),
        ("pbx-2", datetime.fromtimestamp((T0 + 500) / 1000, UTC).replace(tzinfo=None), None, 0),
    ]
    history = select("SELECT at FROM v_source_history WHERE feed = {feed:String} AND source = 'pbx-2'", feed=feed)
    assert len(history) == 2


def test_agents_by_state_now_with_zeros_per_queue_and_once_in_the_total(store, select, feed):
    def gauge(queue, at, **fields):
        return Gauge(
            feed=feed, hotline="12345", dimension_set="queue" if queue else "hotline", queue=queue, at=at, version=at,
            threshold_s=15, **fields,
        )  # fmt: skip

    store(
        gauge("", T0, agents={"available": 9}),
        gauge("", T0 + 20_000, agents={"available": 1, "break": 2}, breaks={"lunch": 2}),
        gauge("a", T0 + 20_000, agents={"available": 1}),
        gauge("b", T0 + 20_000),
    )
    rows = select("SELECT * FROM v_agents WHERE feed = {feed:String}", feed=feed)
    found = {(row["queue"], row["state"]): row["agents"] for row in rows}
    assert len(found) == 14
    assert {key: number for key, number in found.items() if number} == {
        ("", "available"): 1, ("", "break"): 2, ("a", "available"): 1,
    }  # fmt: skip
    [gauges] = select("SELECT breaks FROM v_gauges WHERE feed = {feed:String} AND breaks['lunch'] > 0", feed=feed)
    assert gauges == {"breaks": {"lunch": 2}}


def test_completeness_of_minutes_and_days(store, select, feed):
    def cell(minute, expected, heard):
        return Cell(
            feed=feed, hotline="12345", dimension_set="hotline", minute=T0 + minute * 60_000, version=1, counts={},
            sources_expected=expected, sources_heard=heard,
        )  # fmt: skip

    store(cell(0, 2, 2), cell(1, 2, 1), cell(2, 0, 0))
    rows = select("SELECT completeness FROM v_cells WHERE feed = {feed:String} ORDER BY minute", feed=feed)
    assert [row["completeness"] for row in rows] == [1.0, 0.5, None]
    [day] = select("SELECT completeness FROM v_hotline_daily WHERE feed = {feed:String}", feed=feed)
    assert day["completeness"] == 0.75


def test_cells_of_two_sources_in_one_minute_are_two_rows(store, select, feed):
    store(
        *(
            Cell(
                feed=feed, hotline="12345", dimension_set="source", source=name, minute=T0, version=1,
                counts={"events": number, "heartbeats": 1},
            )
            for name, number in (("pbx-1", 5), ("pbx-2", 7))
        )
    )  # fmt: skip
    [row] = select("SELECT sum(events) AS n, count() AS rows FROM v_cells WHERE feed = {feed:String}", feed=feed)
    assert row == {"n": 12, "rows": 2}


def test_a_signal_names_its_source(store, select, feed):
    store(
        Signal(
            fingerprint="f", kind="dead_feed", feed=feed, hotline="12345", dimension_set="source", source="pbx-2",
            active=True, at=T0, since=T0, version=1, value=780.0,
        )
    )  # fmt: skip
    [row] = select("SELECT kind, source FROM v_signals WHERE feed = {feed:String}", feed=feed)
    assert row == {"kind": "dead_feed", "source": "pbx-2"}
