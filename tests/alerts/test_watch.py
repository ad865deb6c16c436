"""Window rules on a log of cells: what fires, when, and what a restart or other rules change."""

import pytest
from alert_kit import NO_RECORD
from cell_kit import BERLIN, MINUTE, Cells, T, window_rule
from hypothesis import given
from hypothesis import strategies as st

from alerts.promises import promises_of
from alerts.watch import Watch
from alerts.windows import CellKey, Windows, bounds
from deploy.runtime.processor import Record
from deploy.runtime.settings import Settings
from streams.contract import Cell
from streams.contract.metrics import window

WEEK = 7 * 24 * 60
BUSY = {"metric": "offered", "window": "5m", "above": 10, "clear_below": 5}


def test_what_is_no_record_of_cells_is_counted():
    watch = Watch([window_rule(BUSY)], "live", promises_of(Settings()))
    watch.apply([Record(at, T, b"k", value) for at, value in enumerate(NO_RECORD)])
    assert watch.unreadable == len(NO_RECORD)


def test_a_count_over_a_window_fires_and_clears_at_its_second_limit():
    log = Cells(window_rule(BUSY))
    log.cell(0, offered=6)
    log.clock(0.5)
    log.cell(1, offered=4)
    log.clock(1.5)
    assert log.events() == [("firing", "q")]
    log.cell(2, offered=5)
    log.clock(5.5)  # minute 0 has left: 9 are above 5
    assert log.events() == []
    log.clock(6.5)  # minutes 2-6: 5, still met
    log.cell(2, offered=4)
    log.clock(6.7)
    assert log.events() == [("resolved", "q")]


def test_a_ratio_over_nothing_is_not_judged():
    log = Cells(window_rule({"metric": "answer_rate_offered", "window": "15m", "below": 0.9}))
    log.cell(0, ended_in_menu=3)
    log.clock(1)
    assert log.events() == []
    log.cell(1, offered=10, answered=5)
    log.clock(2)
    assert log.events() == [("firing", "q")]


def test_the_target_is_the_queues():
    below_target = {"metric": "service_level_offered", "window": "15m", "below": -0.05, "minus": "target"}
    log = Cells(window_rule(below_target), target=0.8)
    log.cell(0, offered=100, answered_wait__20=76, answered_wait__21=24, answered=100)
    log.clock(1)
    assert log.events() == []
    log.cell(0, offered=100, answered_wait__20=74, answered_wait__21=26, answered=100)
    log.clock(2)
    [event] = log.decoded()
    assert (event.state, event.value, event.target, event.expected) == ("firing", 0.74, 0.8, None)
    assert event.summary["en"] == "service_level_offered over 15m: 74.0% (target 80.0%, limit -5.0%)"


def test_the_target_is_that_of_the_hour_and_where_nothing_is_promised_no_alert_begins_or_goes_on():
    promised = {0: None, 1: 0.5, 2: 0.8, 3: None}
    below_target = {"metric": "service_level_offered", "window": "15m", "below": 0, "minus": "target"}
    log = Cells(window_rule(below_target), target=lambda at: promised[(at - T) // MINUTE - 1])
    log.cell(0, offered=100, answered_wait__20=70, answered_wait__21=30, answered=100)
    fired = []
    for minute in (1, 2, 3, 4):
        log.clock(minute)
        fired += [(minute, state) for state, _ in log.events()]
    assert fired == [(3, "firing"), (4, "resolved")]


@pytest.mark.parametrize("again", [False, True])
def test_an_alert_of_a_key_that_its_rule_is_about_no_more_ends_with_the_change(*, again: bool):
    log = Cells(window_rule(BUSY, signal_lost_s=0))
    log.cell(0, offered=20)
    log.cell(0, queue="other", offered=20)
    log.clock(1)
    assert sorted(log.events()) == [("firing", "other"), ("firing", "q")]
    narrower = window_rule(BUSY, signal_lost_s=0, match={"queue": ["q"]})
    if again:
        log.core = type(log.core)([narrower], "live", log.promises, log.core.snapshot())
    else:
        log.core.adopt([narrower])
    assert log.decoded()[0].reason == "rule_removed"
    assert [event.queue for event in log.core.firing()] == ["q"]


def test_what_settings_promise_depends_on_the_hour():
    hours = [{"begin": "22:00", "end": "07:00", "target": None}]
    settings = Settings(demo=True, hotlines={"h": {"time_zone": "UTC", "target": 0.9, "hours": hours}})
    promised = promises_of(settings)
    assert [promised("h", "q", T + hour * 60 * MINUTE).target for hour in (-1, 0, 8, 9)] == [0.9, None, None, 0.9]


def test_a_week_ago_is_the_same_closed_minutes():
    log = Cells(window_rule({"metric": "offered", "window": "5m", "above": 2, "of": "week_ago"}))
    for minute in range(10):
        log.cell(minute, offered=3)
        log.clock(minute + 0.5)
    assert log.events() == []  # nothing is known of the week before
    for minute in range(10):
        log.cell(WEEK + minute, offered=6 if minute == 4 else 7 if minute > 4 else 3)
        log.clock(WEEK + minute + 0.5)
        # minutes 3-7 are closed at 8.5: 3 + 6 + 7 * 3 = 30 of 15
        assert log.events() == ([("firing", "q")] if minute == 8 else []), minute


def test_without_knowing_the_week_before_nothing_is_judged():
    log = Cells(window_rule({"metric": "offered", "window": "5m", "above": -1, "minus": "week_ago"}), since=None)
    log.cell(0, offered=3)
    log.clock(7)
    log.clock(WEEK - 10)
    assert log.events() == []
    log.clock(WEEK + 8)
    log.cell(WEEK + 8, offered=3)
    log.clock(WEEK + 9.5)
    assert log.events() == [("firing", "q")]


def test_what_is_expected_is_the_share_of_the_forecasts_steps():
    log = Cells(window_rule({"metric": "offered", "window": "15m", "above": 2, "of": "expected"}))
    log.forecast([15, 30])
    log.cell(14, offered=39)
    log.clock(19.5)  # window from 5: 10 of the first step, 4.5 minutes of the second are 9
    assert log.events() == [("firing", "q")]
    log.cell(14, offered=37)
    log.clock(19.6)
    assert log.events() == [("resolved", "q")]


def test_now_is_the_gauge():
    log = Cells(window_rule({"metric": "oldest_wait", "window": "now", "above": 120}))
    log.gauge(1, oldest_queued_at=T)
    log.clock(1.9)
    assert log.events() == []
    log.clock(2)
    assert log.events() == [("firing", "q")]


def test_all_and_any():
    any_of = {
        "any": [{"metric": "abandoned", "window": "5m", "above": 3}, {"metric": "blocked", "window": "5m", "above": 1}]
    }
    log = Cells(window_rule({"all": [BUSY, any_of]}))
    log.cell(0, offered=20)
    log.clock(1)
    assert log.events() == []
    log.cell(1, offered=1, blocked=1)
    log.clock(2)
    assert log.events() == [("firing", "q")]


@pytest.mark.parametrize("place", ["rule", "comparison"])
def test_too_few_visits_begin_nothing(place):
    expression = {"metric": "answer_rate_offered", "window": "5m", "below": 0.5}
    rule = (
        window_rule(expression, min_volume=10)
        if place == "rule"
        else window_rule(expression | {"min_volume": 10})
    )  # fmt: skip
    log = Cells(rule)
    log.cell(0, offered=9)
    log.clock(1)
    assert log.events() == []
    log.cell(1, offered=1)
    log.clock(2)
    assert log.events() == [("firing", "q")]
    log.clock(5.5)  # fewer again: what has begun goes on
    assert log.events() == []


def test_for_counts_from_the_first_judgement_that_finds_it_so():
    log = Cells(window_rule(BUSY, for_s=60))
    log.cell(0, offered=20)
    for minute, states in ((0.5, ["pending"]), (1, []), (1.4, []), (1.5, ["firing"])):
        log.clock(minute)
        assert [state for state, _ in log.events()] == states, minute


def test_severity_rises_with_the_step_and_never_falls():
    worse = {"severity": "critical", "expression": {"metric": "offered", "window": "5m", "above": 30}}
    log = Cells(window_rule(BUSY, steps=[worse], labels={"team": "duty"}))
    told = []
    for minute, offered in ((0, 12), (1, 20), (2, 0), (7, 9)):
        log.cell(minute, offered=offered)
        log.clock(minute + 0.5)
        told += [(e.state, e.severity, e.reason, e.labels["severity"]) for e in log.decoded()]
    assert told == [
        ("firing", "warning", "condition_met", "warning"),
        ("firing", "critical", "severity_changed", "critical"),
    ]


def test_other_feeds_and_keys_are_not_looked_at():
    log = Cells(window_rule(BUSY, match={"queue": ["q"]}))
    log.cell(0, queue="other", offered=50)
    log.cell(0, feed="replay-1", offered=50)
    log.clock(1)
    assert log.events() == []


def test_a_backlog_fires_only_what_still_holds():
    log = Cells(window_rule(BUSY))
    for minute in range(3):
        log.cell(minute, offered=20)
        log.clock(minute + 0.5, caught_up=False)
    log.clock(30, caught_up=False)
    assert [state for state, _ in log.events()] == ["pending", "resolved"]
    log.cell(30, offered=20)
    log.clock(30.5)
    log.core.tick(log.at, caught_up=True)
    assert log.events() == [("firing", "q")]


def test_a_rule_that_is_new_waits_for_its_window_to_fill():
    log = Cells(window_rule(BUSY))
    log.cell(0, offered=20)
    log.clock(1)
    assert log.events() == [("firing", "q")]
    log.core.adopt([window_rule(BUSY), window_rule(BUSY, name="New", match={"queue": ["q*"]})])
    log.clock(4)
    log.cell(4, offered=20)
    log.clock(5.9)
    assert log.events() == []
    log.clock(6)  # minutes 2-6: all read since it is there
    assert [e.rule for e in log.decoded()] == ["New"]


def test_a_changed_limit_keeps_the_windows_and_a_rule_that_is_gone_ends():
    log = Cells(window_rule(BUSY))
    log.cell(0, offered=9)
    log.clock(1)
    log.core.adopt([window_rule(BUSY | {"above": 8})])
    log.clock(1.5)
    assert log.events() == [("firing", "q")]
    log.core.adopt([])
    assert [(e.state, e.reason) for e in log.decoded()] == [("resolved", "rule_removed")]


def test_a_restart_forgets_neither_windows_nor_alerts():
    log = Cells(window_rule(BUSY))
    log.cell(0, offered=9)
    log.clock(1)
    log.restart(window_rule(BUSY))
    log.cell(1, offered=1)
    log.clock(1.5)
    assert log.events() == [("firing", "q")]
    log.restart(window_rule(BUSY))
    log.clock(2)
    assert log.events() == []
    log.clock(8)
    assert log.events() == [("resolved", "q")]


def test_another_feed_begins_afresh_and_the_alerts_of_the_old_one_end():
    log = Cells(window_rule(BUSY))
    log.cell(0, offered=20)
    log.clock(1)
    log.events()
    rule, other = window_rule(BUSY), "demo"
    log.core = type(log.core)([rule], other, log.promises, log.core.snapshot())
    assert [(e.state, e.reason) for e in log.decoded()] == [("resolved", "feed_changed")]
    assert log.core.clock == 0  # the demo's may be behind
    for minute in range(9):
        log.cell(minute, feed=other, offered=20)
        log.clock(minute + 1)
    assert {(e.state, e.feed) for e in log.decoded()} == {("firing", other)}


def test_alerts_end_with_their_feed_and_nothing_is_judged_after_it():
    """At the end of a feed nobody is there any more: that is no condition of its last minute."""
    nobody = {"metric": "waiting", "window": "now", "below": 1}
    log = Cells(window_rule(BUSY, signal_lost_s=0), window_rule(nobody, name="Nobody"), feed="sim")
    log.clock(0)
    log.gauge(3)
    log.cell(0, offered=1)
    log.cell(1, offered=20)
    assert log.events() == [("firing", "q")]
    log.ended()
    log.at += MINUTE
    log.gauge(0)
    [ended] = log.decoded()
    assert (ended.rule, ended.state, ended.reason, ended.ended_at) == ("Window", "resolved", "feed_changed", T + MINUTE)
    assert ended.summary["en"].endswith(" The feed has ended.")
    log.restart(window_rule(BUSY), window_rule(nobody, name="Nobody"))
    log.clock(90)
    log.gauge(0)
    assert (log.core.firing(), log.events()) == ([], [])


def test_a_later_run_of_a_feed_is_judged_from_its_own_beginning():
    log = Cells(window_rule(BUSY), feed="replay")
    log.cell(0, generation=1, offered=1)
    log.clock(0)
    log.cell(60, generation=1, offered=20)
    assert log.events() == [("firing", "q")]
    log.cell(0, generation=2, offered=1)
    assert [(e.state, e.reason) for e in log.decoded()] == [("resolved", "feed_changed")]
    for minute in range(1, 9):
        log.cell(minute, generation=2, offered=8)
    log.cell(61, generation=1, offered=20)  # what the run before still tells
    assert log.events() == [("firing", "q")]
    assert log.core.clock == T + 8 * MINUTE


def test_a_closed_hour_stays_the_same_part():
    log = Cells(window_rule(BUSY))
    log.cell(0, offered=1)
    log.clock(1)
    before = log.core.snapshot()
    log.cell(60, offered=1)
    log.clock(61)
    after = log.core.snapshot()
    assert after[str(T)] is before[str(T)]
    assert after.keys() - before.keys() == {str(T + 60 * MINUTE)}


cells = st.tuples(
    st.just("cell"),
    st.integers(0, 130),
    st.sampled_from("ab"),
    st.dictionaries(st.sampled_from(["x", "y"]), st.integers(0, 9)),
)
asks = st.tuples(
    st.just("ask"), st.integers(0, 140), st.sampled_from(["5m", "60m", "today"]), st.sampled_from(["now", "closed"])
)


@given(st.lists(cells | asks, max_size=60))
def test_moving_sums_are_the_sums_of_the_cells(script):
    held = Windows(lambda key: True, frozenset())
    truth, now = {}, 0
    for version, step in enumerate(script):
        match step:
            case ("cell", minute, queue, counts):
                told = Cell(feed="live", hotline="h", dimension_set="queue", queue=queue, minute=T + minute * MINUTE,
                            version=version, counts=counts)  # fmt: skip
                held.take(told)
                truth[CellKey.of(told), told.minute] = {n: c for n, c in counts.items() if c}
            case ("ask", minute, name, as_of):
                now = max(now, T + minute * MINUTE)
                for key in held.known():
                    begin, end = bounds(name, now, BERLIN, as_of)
                    expected = window(c for (of, at), c in truth.items() if of == key and begin <= at < end)
                    assert {n: c for n, c in held.counts(key, name, now, BERLIN, as_of).items() if c} == expected


def test_what_is_judged_again_after_a_kill_is_the_same_episode():
    """The pager knows an episode by its name: another name would be another page."""
    rule = window_rule(BUSY, for_s=10)
    log = Cells(rule)
    log.cell(0, offered=9)
    log.clock(0.5)
    written = log.core.snapshot()  # the last state that was written before the kill

    def goes_on(caught_up):
        log.cell(1, offered=9)
        for second in (36, 42, 48, 54, 60, 66):
            log.clock(second / 60, caught_up=caught_up)
        return {event.episode for event in log.decoded()}

    first = goes_on(caught_up=True)
    log.core = type(log.core)([rule], "live", log.promises, written)
    log.version, log.at = 2, T
    again = goes_on(caught_up=False)
    assert len(first) == 1
    assert again == first
