import msgspec
import pytest
from alert_kit import NO_RECORD, S, T, record, rule, signal

from alerts.core import Alerts
from deploy.runtime.processor import Record
from deploy.runtime.state_records import StateError
from streams.contract import AlertEvent


def events(core):
    outputs = core.outputs()
    decoded = [msgspec.json.decode(output.value, type=AlertEvent) for output in outputs]
    assert [output.key for output in outputs] == [event.fingerprint.encode() for event in decoded]
    assert {output.topic for output in outputs} <= {"hotline.alerts"}
    return [(event.state, event.reason) for event in decoded]


def listening(*rules, feed="live", now=T):
    core = Alerts(rules or [rule()], feed)
    core.tick(now, caught_up=True)
    return core


def test_a_fresh_signal_fires_at_once_without_waiting_for_a_tick():
    core = listening()
    core.apply([record(signal(0.2))])
    assert events(core) == [("firing", "condition_met")]
    assert [alert.queue for alert in core.firing()] == ["q"]


def test_what_a_later_record_of_the_chunk_takes_back_does_not_fire():
    core = listening()
    core.apply([record(signal(0.1)), record(signal(0.2, active=False))])
    assert [state for state, _ in events(core)] == ["pending", "resolved"]


def test_minutes_that_are_told_as_of_one_version_are_heard_in_their_order():
    """As the engine tells a backlog that it has read in one step."""
    core = listening(rule(for_s=60, signal_lost_s=0), feed="demo")
    told = [signal(s, active=s < 120, version=7, feed="demo", since=T) for s in (0, 60, 120)]
    core.apply([record(it, written_at=T + S) for it in told])
    assert events(core) == [("pending", "condition_met"), ("resolved", "cleared_before_firing")]
    core.apply([record(it, written_at=T + S) for it in told])
    assert (events(core), core.ignored["not_newer"]) == ([], 3)


def test_after_a_pause_of_the_process_the_old_time_fires_nothing():
    # ticked at 0 s, then stopped; the backlog comes before the next tick
    core = listening()
    core.apply([record(signal(600), written_at=T + 600 * S)])
    core.apply([record(signal(610, active=False), written_at=T + 610 * S)])
    core.tick(T + 700 * S, caught_up=True)
    assert [state for state, _ in events(core)] == ["pending", "resolved"]


def test_only_the_chosen_feed_makes_alerts():
    core = listening()
    core.apply([record(signal(0, feed="replay-0123abcd")), Record(1, T, b"k", b"{")])
    assert events(core) == []
    assert core.ignored == {"unreadable": 1, "other_feed": 1, "no_rule": 0, "not_newer": 0}


@pytest.mark.parametrize("value", NO_RECORD, ids=range(len(NO_RECORD)))
def test_what_is_no_signal_is_counted(value):
    core = listening()
    core.apply([Record(1, T, b"k", value)])
    assert core.ignored["unreadable"] == 1


def test_ignored_signals_are_counted_by_reason():
    core = listening(rule(match={"queue": ["q"]}))
    core.apply(
        [record(signal(0, version=5)), record(signal(0, version=5)), record(signal(0, queue="x", fingerprint="x"))]
    )
    assert core.ignored == {"unreadable": 0, "other_feed": 0, "no_rule": 1, "not_newer": 1}


def test_one_signal_may_make_alerts_by_several_rules():
    core = listening(rule(name="A"), rule(name="B", severity="critical"))
    core.apply([record(signal(0))])
    assert sorted((alert.rule, alert.severity) for alert in core.firing()) == [("A", "warning"), ("B", "critical")]


def test_an_alert_whose_rule_is_gone_is_resolved_after_a_restart():
    core = listening(rule(name="Old"))
    core.apply([record(signal(0))])
    core.outputs()
    again = Alerts([rule(name="New")], "live", core.snapshot())
    assert events(again) == [("resolved", "rule_removed")]


def test_alerts_of_a_feed_that_is_judged_no_more_end_with_that_reason():
    core = listening(feed="demo")
    core.apply([record(signal(0, feed="demo"))])
    core.outputs()
    again = Alerts([rule()], "live", core.snapshot())
    assert again.firing() == []
    assert events(again) == [("resolved", "feed_changed")]
    again.tick(T + S, caught_up=True)
    again.apply([record(signal(1, fingerprint="other"), written_at=T + S)])
    assert events(again) == [("firing", "condition_met")]


@pytest.mark.parametrize("lost_s", [0, 300])
def test_an_alert_ends_with_its_feed_and_says_so(lost_s):
    core = listening(rule(keep_firing_s=600, signal_lost_s=lost_s), feed="demo")
    core.apply([record(signal(0, feed="demo"))])
    core.outputs()
    core.apply([record(signal(5, feed="demo", active=False, feed_ended=True))])
    [ended] = [msgspec.json.decode(output.value, type=AlertEvent) for output in core.outputs()]
    assert (ended.state, ended.reason, ended.ended_at) == ("resolved", "feed_changed", T + 5 * S)
    assert ended.summary["en"] == "5 waiting past 20 s The feed has ended."
    assert core.firing() == []
    core.tick(T + 3_600 * S, caught_up=True)
    assert events(core) == []


def test_the_end_of_an_earlier_run_of_the_feed_ends_nothing():
    core = listening(feed="demo")
    core.apply([record(signal(1, feed="demo"))])
    core.apply([record(signal(0, feed="demo", active=False, feed_ended=True))])
    assert [alert.rule for alert in core.firing()] == ["Waiting"]


def test_what_has_not_fired_when_the_feed_ends_never_does():
    core = listening(rule(for_s=60), feed="demo")
    core.apply([record(signal(0, feed="demo"))])
    core.apply([record(signal(5, feed="demo", active=False, feed_ended=True))])
    core.tick(T + 90 * S, caught_up=True)
    assert events(core) == [("pending", "condition_met"), ("resolved", "cleared_before_firing")]


def test_an_alert_that_its_rule_no_longer_covers_is_resolved_with_the_next_signal():
    core = listening()
    core.apply([record(signal(0))])
    core.outputs()
    again = Alerts([rule(match={"queue": ["x"]})], "live", core.snapshot())
    again.apply([record(signal(1))])
    assert events(again) == [("resolved", "rule_removed")]


def test_a_restart_neither_forgets_nor_fires_again():
    core = listening()
    core.apply([record(signal(0))])
    core.outputs()
    again = Alerts([rule()], "live", core.snapshot())
    again.tick(T + 30 * S, caught_up=True)
    again.apply([record(signal(31))])
    again.tick(T + 32 * S, caught_up=True)
    assert events(again) == []
    assert len(again.firing()) == 1


def test_an_old_snapshot_decides_the_same_episode_again():
    core = listening()
    before = core.snapshot()
    core.apply([record(signal(0))])
    first = core.firing()[0].episode
    again = Alerts([rule()], "live", before)
    again.apply([record(signal(0)), record(signal(10))])
    again.tick(T + 11 * S, caught_up=True)
    assert [alert.episode for alert in again.firing()] == [first]


def test_a_short_moment_of_reading_is_no_deafness():
    core = listening(rule(signal_lost_s=60))
    core.apply([record(signal(0))])
    for second in range(1, 61):
        core.tick(T + second * S, caught_up=second % 3 == 0)
    core.outputs()
    core.tick(T + 61 * S, caught_up=True)
    assert events(core) == [("resolved", "signal_lost")]


def test_a_long_outage_starts_the_silence_anew():
    core = listening(rule(signal_lost_s=60))
    core.apply([record(signal(0))])
    core.tick(T + 500 * S, caught_up=False)
    core.tick(T + 501 * S, caught_up=True)
    core.outputs()
    core.tick(T + 515 * S, caught_up=True)
    core.tick(T + 530 * S, caught_up=True)
    core.tick(T + 545 * S, caught_up=True)
    core.tick(T + 560 * S, caught_up=True)
    assert events(core) == []
    core.tick(T + 562 * S, caught_up=True)
    assert events(core) == [("resolved", "signal_lost")]


def test_quiet_keys_are_forgotten():
    core = listening()
    empty = len(core.snapshot()["all"])
    core.apply([record(signal(0)), record(signal(1, active=False))])
    grown = len(core.snapshot()["all"])
    for minute in range(64):
        core.tick(T + minute * 60 * S, caught_up=True)
        core.tick(T + (minute * 60 + 14) * S, caught_up=True)
        core.tick(T + (minute * 60 + 28) * S, caught_up=True)
        core.tick(T + (minute * 60 + 42) * S, caught_up=True)
        core.tick(T + (minute * 60 + 56) * S, caught_up=True)
    assert grown > empty == len(core.snapshot()["all"])


def test_the_clock_never_goes_back():
    core = listening(now=T + 10 * S)
    core.apply([record(signal(5))])
    core.tick(T + 3 * S, caught_up=True)
    assert core.clock == T + 10 * S


def test_a_state_of_another_format_is_refused():
    packed = {
        "all": msgspec.msgpack.encode(msgspec.msgpack.decode(Alerts([], "live").snapshot()["all"]) | {"format": 99})
    }
    with pytest.raises(StateError, match="format 99"):
        Alerts([], "live", packed)
