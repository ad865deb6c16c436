"""The highest version of each key holds, whatever arrives, how often and in which order."""

from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.contract import AlertEvent, Cell, DeadLetter, Forecast, Gauge, Signal, Visit

pytestmark = pytest.mark.clickhouse

NOON = 1_767_240_000_000  # 2026-01-01 04:00 UTC, noon in Shanghai
_example = count(1)
engine = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def visit(feed, **values):
    return Visit(**{"feed": feed, "hotline": "12345", "visit": "c/q/1", "call": "c", "queue": "q"} | values)


def cell(feed, version, **counts):
    return Cell(
        feed=feed, hotline="12345", dimension_set="queue", queue="q", minute=NOON, version=version, counts=counts
    )


@engine
@given(versions=st.lists(st.integers(0, 9), min_size=1, max_size=8), data=st.data())
def test_cells_repeated_in_any_order_show_the_highest_version(versions, data, store, select):
    feed = f"any-order-{next(_example)}"
    records = [cell(feed, version, offered=version + 1, **{"answered_wait.5": version + 2}) for version in versions]
    store(*data.draw(st.permutations(records + records[:3])))
    rows = select("SELECT version, offered, answered_wait FROM v_cells WHERE feed = {feed:String}", feed=feed)
    highest = max(versions)
    assert rows == [{"version": highest, "offered": highest + 1, "answered_wait": {5: highest + 2}}]


@engine
@given(versions=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2**40)), min_size=1, max_size=6), data=st.data())
def test_visits_repeated_in_any_order_show_the_highest_offset_and_clock(versions, data, store, select):
    feed = f"any-order-{next(_example)}"
    records = [
        visit(feed, outcome="answered", queued_at=NOON, agent=f"a{offset}-{clock}", version=(offset, clock))
        for offset, clock in versions
    ]
    store(*data.draw(st.permutations(records + records[:2])))
    rows = select("SELECT agent FROM v_visits WHERE feed = {feed:String}", feed=feed)
    offset, clock = max(versions)
    assert rows == [{"agent": f"a{offset}-{clock}"}]


def test_a_retracted_visit_is_not_shown_though_a_lower_version_comes_again(store, select, feed):
    first = visit(feed, outcome="ended_in_menu", arrived_at=NOON, version=(1, 0))
    store(first, visit(feed, outcome="ended_in_menu", arrived_at=NOON, retracted=True, version=(2, 0)), first)
    assert select("SELECT * FROM v_visits WHERE feed = {feed:String}", feed=feed) == []
    store(visit(feed, outcome="answered", queued_at=NOON, version=(3, 0)))
    rows = select("SELECT outcome FROM v_visits WHERE feed = {feed:String}", feed=feed)
    assert rows == [{"outcome": "answered"}]


def test_a_visit_that_moves_to_another_month_leaves_the_first(store, select, feed):
    month = NOON + 31 * 86_400_000
    store(visit(feed, outcome="answered", answered_at=month, version=(1, 0)))
    store(visit(feed, outcome="answered", queued_at=NOON, answered_at=month, version=(2, 0)))
    query = "SELECT count() AS n FROM v_visits WHERE feed = {feed:String} AND day "
    assert select(query + "= '2026-02-01'", feed=feed) == [{"n": 0}]
    assert select(query + "< '2026-02-01'", feed=feed) == [{"n": 1}]


def test_gauges_show_the_last_of_ten_seconds(store, select, feed):
    def gauge(at, version, waiting):
        return Gauge(
            feed=feed, hotline="12345", dimension_set="queue", queue="q", at=at, version=version, waiting=waiting,
            oldest_queued_at=at - 2_500, threshold_s=15,
        )  # fmt: skip

    store(gauge(NOON, 1, 4), gauge(NOON + 9_000, 3, 6), gauge(NOON + 5_000, 2, 5), gauge(NOON + 10_000, 4, 7))
    query = "SELECT waiting, oldest_wait_s FROM v_gauges WHERE feed = {feed:String} ORDER BY at"
    assert [tuple(row.values()) for row in select(query, feed=feed)] == [(6, 2.5), (7, 2.5)]


def test_a_forecast_is_one_row_per_step_of_the_last_version(store, select, feed):
    def forecast(version, expected):
        return Forecast(
            feed=feed, hotline="12345", dimension_set="queue", queue="q", start=NOON, step_s=900, expected=expected,
            lower=[0.5] * len(expected), upper=[9.5] * len(expected), days_learned=7.5, version=version,
        )  # fmt: skip

    store(forecast(2, [3.0, 4.0]), forecast(1, [1.0, 1.0, 1.0]))
    query = "SELECT toUnixTimestamp64Milli(at) AS at, expected, upper FROM v_forecasts WHERE feed = {feed:String}"
    rows = select(query + " ORDER BY at", feed=feed)
    assert [tuple(row.values()) for row in rows] == [(NOON, 3.0, 9.5), (NOON + 900_000, 4.0, 9.5)]


def test_every_state_of_a_signal_is_kept_once(store, select, feed):
    def signal(version, *, active):
        return Signal(
            fingerprint="f", kind="waiting_past_threshold", feed=feed, hotline="12345", dimension_set="queue", queue="q",
            active=active, at=NOON + version, since=NOON, version=version, value=3, threshold_s=15,
            summary={"en": "three wait", "zh": "三人等待"},
        )  # fmt: skip

    store(signal(1, active=True), signal(2, active=False), signal(1, active=True))
    rows = select("SELECT active, summary FROM v_signals WHERE feed = {feed:String} ORDER BY version", feed=feed)
    assert [row["active"] for row in rows] == [True, False]
    assert rows[0]["summary"]["zh"] == "三人等待"


def test_changes_of_an_alert_are_kept_once_each(store, select, feed):
    def event(state, reason, version, at):
        return AlertEvent(
            fingerprint="f", episode="e", rule="r", state=state, reason=reason, severity="warning", feed=feed,
            hotline="12345", at=at, started_at=NOON, version=version, value=1.5, labels={"queue": "q"},
        )  # fmt: skip

    firing = event("firing", "held_long_enough", 2, NOON + 5)
    store(event("pending", "condition_met", 1, NOON), firing, firing)
    store(event("firing", "held_long_enough", 2, NOON + 900))  # decided again after a restart
    query = "SELECT state, labels['queue'] AS queue FROM v_alerts WHERE feed = {feed:String} ORDER BY at"
    assert [row["state"] for row in select(query, feed=feed)] == ["pending", "firing"]


def test_dead_letters_and_late_events_are_told_apart_by_position(store, select, feed):
    def letter(offset, reason):
        return DeadLetter(
            topic="hotline.calls", partition=3, offset=offset, reason=reason, preview="tel=###", feed=feed,
            append_time=NOON,
        )  # fmt: skip

    store(letter(1, "not_json"), letter(1, "not_json"), letter(2, "late"), letter(3, "no_call"))
    dead = select("SELECT `offset`, reason FROM v_dead_letters WHERE feed = {feed:String} ORDER BY `offset`", feed=feed)
    assert [tuple(row.values()) for row in dead] == [(1, "not_json"), (3, "no_call")]
    late = select("SELECT `offset`, preview FROM v_late_events WHERE feed = {feed:String}", feed=feed)
    assert [tuple(row.values()) for row in late] == [(2, "tel=###")]


def test_names_that_are_words_of_sql_can_be_asked_for(store, select, feed):
    store(cell(feed, 1, test=2, offered=1))
    query = "SELECT test, final, version, minute FROM v_cells WHERE feed = {feed:String} AND NOT final AND test = 2"
    assert len(select(query, feed=feed)) == 1
    store(visit(feed, outcome="open", queued_at=NOON, text="'; DROP TABLE visits; --", version=(1, 1)))
    assert select("SELECT `text` FROM v_visits WHERE feed = {feed:String}", feed=feed) == [
        {"text": "'; DROP TABLE visits; --"}
    ]
