"""`hotline alerts` killed at any moment, services away, clocks jumping: no page is lost, none is told twice but for what
a kill in the last moment repeats (same message, once per kill)."""

from collections import Counter

import pytest
from alert_kit import S
from fault_world import KEYS, World, run
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from alerts.paging import Paging


@pytest.mark.parametrize("seed", range(24))
def test_whatever_happens_everybody_is_told_once_per_step(seed):
    assert run(seed, dying=(0.0, 0.01, 0.05, 0.2)).differences() == []


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_thousand_runs():
    happened, taken, repeated, wrong = Counter(), 0, 0, {}
    for seed in range(1_000, 2_000):
        world = run(seed, dying=(0.0, 0.01, 0.05, 0.2))
        happened += world.happened
        taken, repeated = taken + len(world.taken), repeated + world.repeated
        if differences := world.differences():
            wrong[seed] = differences
    print(f"{taken} messages taken, {repeated} of them repeated; {dict(happened)}")  # noqa: T201  (for -rP)
    assert wrong == {}


def missed(monkeypatch, change):
    """Whether a run notices that a safeguard is gone."""
    change(monkeypatch)
    return any(run(seed, dying=(0.15, 0.3)).differences() for seed in range(12))


def test_it_is_noticed_when_messages_are_sent_before_they_are_written_down(monkeypatch):
    honest = Paging.due

    def hasty(self, receiver, now):
        self._saved = set(self._state.messages)
        return honest(self, receiver, now)

    assert missed(monkeypatch, lambda it: it.setattr(Paging, "due", hasty))


def test_it_is_noticed_when_a_page_is_written_down_as_told_before_it_was_accepted(monkeypatch):
    honest = Paging._note

    def boasting(self, message, became, *rest):
        honest(self, message, "delivered", *rest)

    assert missed(monkeypatch, lambda it: it.setattr(Paging, "_note", boasting))


def test_it_is_noticed_when_a_message_is_forgotten_after_a_refusal(monkeypatch):
    honest = Paging.settle

    def forgetful(self, identity, outcome, now, via):
        honest(self, identity, outcome, now, via)
        self._state.messages.pop(identity, None)

    assert missed(monkeypatch, lambda it: it.setattr(Paging, "settle", forgetful))


class LifecycleMachine(RuleBasedStateMachine):
    """Signals to services: rules, lifecycle, paging and delivery, with their states written and read again."""

    @initialize(seed=st.integers(0, 9), wait=st.sampled_from([0, 5, 40]))
    def begin(self, seed, wait):
        self.world = World(seed, wait=wait)

    @rule(key=st.sampled_from(KEYS), active=st.booleans())
    def a_queue_changes(self, key, active):
        self.world.signal(key, active=active)

    @rule(seconds=st.sampled_from([1, 5, 12, 30, 70]))
    def time_passes(self, seconds):
        self.world.passes(seconds * S)

    @rule(seconds=st.sampled_from([-30, 3, 40, 400]))
    def the_clock_jumps(self, seconds):
        """Also back, as a clock that is corrected does."""
        self.world.stands_still(seconds * S)

    @rule(key=st.sampled_from(KEYS), seconds=st.sampled_from([10, 100]))
    def is_silenced(self, key, seconds):
        self.world.silence(key, seconds)

    @rule(key=st.sampled_from(KEYS))
    def is_acknowledged(self, key):
        self.world.acknowledge(key)

    @rule()
    def is_killed(self):
        self.world.kill()

    @rule(likely=st.sampled_from([0.0, 0.05, 0.2]))
    def kills_become_likely(self, likely):
        """At each place where one can come."""
        self.world.dying = likely

    @rule(answer=st.sampled_from(["429", "500", "200 no", None]))
    def services_change(self, answer):
        self.world.outage = answer

    @invariant()
    def no_page_comes_twice(self):
        if hasattr(self, "world"):
            assert self.world.repeated <= self.world.may_repeat
            assert self.world.twice() == []

    def teardown(self):
        if hasattr(self, "world"):
            self.world.heals()
            assert self.world.differences() == []


TestLifecycle = LifecycleMachine.TestCase
TestLifecycle.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)
