import msgspec
import pytest
from alert_kit import S, T, rule, signal

from alerts.lifecycle import FORGET_MS, Entry, Time, drop, fingerprint, forgettable, hear, held_back, labels, wait


class Life:
    """One entry, fed by the second; collects (second, state, reason) of the changes."""

    def __init__(self, **fields):
        self.rule = rule(**fields)
        self.entry = Entry()
        self.changes = []
        self.log = []
        self.since = None

    def hears(self, second, active=True, *, now=0, **fields):
        """`now`: seconds of wall time (0: the signal's own; None: a backlog is being read)."""
        self.since = (self.since or T + round(second * S)) if active else None
        sig = signal(second, active, **({"since": self.since or T} | fields))
        wall = second if now == 0 else now
        time = None if wall is None else Time(T + round(wall * S), T - 3600 * S)
        written_at = sig.at if wall is None else min(time.now, T + round(wall * S))
        return self._take(second, *hear(self.entry, sig, written_at, self.rule, time))

    def waits(self, second, listening_since=-3600):
        time = Time(T + round(second * S), T + round(listening_since * S))
        return self._take(second, *wait(self.entry, self.rule, time))

    def _take(self, second, entry, changes):
        self.entry = entry
        self.changes += changes
        self.log += [(second, event.state, event.reason) for event in changes]
        return self


def test_without_for_the_first_signal_fires_and_the_last_resolves():
    #  signal  |----active----|
    #  alert   F              R
    life = Life().hears(0).hears(10).hears(20, active=False)
    assert life.log == [(0, "firing", "condition_met"), (20, "resolved", "condition_cleared")]
    fired, resolved = life.changes
    assert fired.episode == resolved.episode
    assert (resolved.started_at, resolved.ended_at) == (T, T + 20 * S)


def test_for_is_waited_out_by_the_signals_clock():
    #  signal  0----10----20----30
    #  for_s=25 P              F
    life = Life(for_s=25).hears(0).hears(10).hears(20).waits(29).hears(30)
    assert life.log == [(0, "pending", "condition_met"), (30, "firing", "held_long_enough")]


def test_what_clears_before_for_never_fires():
    life = Life(for_s=25).hears(0).hears(10).hears(15, active=False).hears(16).hears(30)
    assert life.log == [
        (0, "pending", "condition_met"),
        (15, "resolved", "cleared_before_firing"),
        (16, "pending", "condition_met"),
    ]


def test_a_break_nobody_told_of_starts_for_anew():
    life = Life(for_s=25).hears(0).hears(30, since=T + 20 * S).hears(44, since=T + 20 * S).hears(45, since=T + 20 * S)
    assert life.log[-1] == (45, "firing", "held_long_enough")
    assert len(life.log) == 2


def test_keep_firing_bridges_a_short_gap():
    #  signal  |--|  |--|
    #  keep=10 F         ......R
    life = Life(keep_firing_s=10).hears(0).hears(5, active=False).hears(12).hears(20, active=False).waits(29).waits(30)
    assert life.log == [(0, "firing", "condition_met"), (30, "resolved", "condition_cleared")]
    assert life.changes[-1].ended_at == T + 20 * S


def test_a_gap_longer_than_keep_firing_that_is_read_late_ends_one_episode_and_begins_another():
    life = Life(keep_firing_s=10).hears(0).hears(5, active=False).hears(60)
    assert life.log == [
        (0, "firing", "condition_met"),
        (60, "resolved", "condition_cleared"),
        (60, "firing", "condition_met"),
    ]
    assert life.changes[1].ended_at == T + 5 * S
    assert life.changes[2].episode != life.changes[1].episode


def test_the_clear_limit_keeps_an_alert_between_the_two():
    life = Life(when=[{"measure": "value", "above": 5, "clear_below": 3}])
    for second, value in enumerate((4, 5, 4, 3, 4, 2, 4)):
        life.hears(second, value=value)
    assert life.log == [(1, "firing", "condition_met"), (5, "resolved", "condition_cleared")]


def test_a_version_that_is_not_newer_changes_nothing():
    life = Life().hears(10)
    entry = life.entry
    life.hears(10, active=False, version=100).hears(12, active=False, version=99)
    assert life.entry is entry


def test_silence_is_a_lost_signal():
    life = Life(signal_lost_s=60).hears(0).waits(60).waits(61)
    assert life.log == [(0, "firing", "condition_met"), (61, "resolved", "signal_lost")]
    assert life.changes[-1].ended_at == T


def test_nobody_is_silent_while_nobody_listens():
    life = Life(signal_lost_s=60).hears(0).waits(500, listening_since=450).waits(510, listening_since=450)
    assert life.entry.state == "firing"
    life.waits(511, listening_since=450)
    assert life.log[-1] == (511, "resolved", "signal_lost")


def test_a_backlog_of_what_is_over_pages_nobody():
    life = Life().hears(0, now=None).hears(10, now=None).hears(20, active=False, now=None).waits(1000)
    assert [state for _, state, _ in life.log] == ["pending", "resolved"]


def test_a_backlog_of_what_still_holds_fires_at_its_end():
    life = Life().hears(0, now=None).hears(10, now=None).waits(12)
    assert life.log == [(0, "pending", "condition_met"), (12, "firing", "held_long_enough")]
    assert life.changes[-1].started_at == T


def test_a_live_signal_about_the_past_waits_for_a_newer_one():
    # streams reads its own backlog: written now (1000 s), about then (0 s)
    life = Life(fresh_s=60).hears(0, now=1000).waits(1001)
    assert life.log == [(0, "pending", "condition_met")]
    assert held_back(life.entry, life.rule, Time(T + 1001 * S, T))
    life.hears(1002)
    assert life.log[-1] == (1002, "firing", "held_long_enough")


def test_another_feed_has_its_own_clock_so_only_the_record_can_be_old():
    life = Life(fresh_s=60)
    life.hears(0, now=1_000_000, feed="rehearsal")
    assert life.log == [(0, "firing", "condition_met")]


def test_the_entry_of_a_removed_rule_is_resolved():
    life = Life().hears(0)
    entry, (event,) = drop(life.entry, None)
    assert (entry.state, event.state, event.reason) == ("quiet", "resolved", "rule_removed")
    assert drop(entry, None) == (entry, ())


def test_a_new_episode_does_not_start_before_the_old_one_ended():
    # the signal is active since 0 without a break, but its volume is not
    life = Life(when=[{"measure": "value", "above": 5}])
    life.hears(0).hears(10, value=4, since=T).hears(20, since=T)
    assert [e.started_at for e in life.changes] == [T, T, T + 10 * S]


def test_the_event_carries_the_last_numbers():
    life = Life(for_s=5).hears(0, value=5).hears(10, value=8, expected=2.0, target=0.5)
    event = life.changes[-1]
    assert (event.value, event.expected, event.target, event.version) == (8, 2.0, 0.5, 100)


def test_labels_hold_the_key_and_nothing_empty():
    assert labels(rule(labels={"team": "water"}, owner="duty desk"), signal(0)) == {
        "alertname": "Waiting",
        "severity": "warning",
        "feed": "live",
        "hotline": "h",
        "dimension_set": "queue",
        "queue": "q",
        "owner": "duty desk",
        "team": "water",
    }


def test_the_fingerprint_is_of_rule_and_key_only():
    one = fingerprint(rule(), signal(0))
    assert one == fingerprint(rule(severity="critical", labels={"a": "b"}), signal(9, value=1))
    others = [signal(0, queue="r"), signal(0, queue="", category="q"), signal(0, dimension_set="hotline")]
    assert len({one, fingerprint(rule(name="B"), signal(0))} | {fingerprint(rule(), other) for other in others}) == 5


@pytest.mark.parametrize(("state", "after_ms", "gone"), [("quiet", 1, True), ("quiet", 0, False), ("firing", 1, False)])
def test_only_a_quiet_entry_is_forgotten(state, after_ms, gone):
    entry = Entry(state=state, heard_at=T)
    assert forgettable(entry, Time(T + FORGET_MS + after_ms, 0)) is gone


def test_an_entry_survives_packing():
    life = Life(for_s=5, keep_firing_s=5).hears(0).hears(10).hears(11, active=False)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(life.entry), type=Entry) == life.entry


def test_an_alert_carries_the_runbook_that_its_rule_names_now():
    life = Life(runbook="https://example.org/old").hears(0)
    assert life.changes[-1].runbook == "https://example.org/old"
    life.rule = rule(runbook="https://example.org/new")
    life.hears(10).hears(20, active=False)
    assert life.changes[-1].runbook == "https://example.org/new"
