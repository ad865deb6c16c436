"""What holds for the alerts of any sequence of signals, ticks, outages and restarts."""

from collections import defaultdict

import msgspec
from alert_kit import S, T, record, rule, signal
from hypothesis import example, given, settings
from hypothesis import strategies as st

from alerts.core import Alerts
from streams.contract import AlertEvent

RULES = [
    rule(name="Now"),
    rule(name="Held", for_s=15, keep_firing_s=20, signal_lost_s=60),
    rule(name="Limit", when=[{"measure": "value", "above": 5, "clear_below": 3}], min_volume=5, fresh_s=0),
    rule(name="Queue", match={"queue": ["q1"]}, keep_firing_s=5),
]

steps = st.lists(
    st.one_of(
        st.tuples(
            st.just("signals"),
            st.lists(
                st.tuples(
                    st.sampled_from(["q1", "q2"]),
                    st.booleans(),
                    st.sampled_from([1, 3, 4, 5, 9]),  # value
                    st.sampled_from([-3, 0, 1, 1, 1, 4]),  # version step
                    st.sampled_from([0, 0, 0, 30, 4000]),  # how long ago it was judged, s
                ),
                min_size=1,
                max_size=4,
            ),
        ),
        st.tuples(st.just("tick"), st.booleans()),
        st.tuples(st.just("time"), st.sampled_from([1, 5, 10, 20, 70, 5000])),
    ),
    max_size=40,
)


class Run:
    """A core under a script; `restarting` packs and unpacks its state before every step."""

    def __init__(self, restarting=False):
        self.core = Alerts(RULES, "live")
        self.restarting = restarting
        self.now = T
        self.version = 0
        self.since = {}
        self.offset = 0
        self.events: list[AlertEvent] = []

    def run(self, script):
        for step in script:
            if self.restarting:
                self.core = _restarted(self.core)
            match step:
                case ("time", seconds):
                    self.now += seconds * S
                case ("tick", caught_up):
                    self.core.tick(self.now, caught_up=caught_up)
                case ("signals", signals):
                    self.core.apply([self._record(*fields) for fields in signals])
            self.events += [msgspec.json.decode(o.value, type=AlertEvent) for o in self.core.outputs()]
        return self.events

    def _record(self, queue, active, value, version_step, age_s):
        self.version += version_step
        second = (self.now - T) / S - age_s
        at = T + round(second * S)
        since = min(self.since.setdefault(queue, at), at) if active else at
        if not active:
            self.since.pop(queue, None)
        sig = signal(
            second, active, fingerprint=queue, queue=queue, value=float(value), version=self.version, since=since
        )
        self.offset += 1
        return record(sig, self.offset, self.now)


def _restarted(core):
    """From the snapshot, with what is known of time: a process that stopped for no moment."""
    again = Alerts(RULES, "live", core.snapshot())
    again._listening, again._swept_at = core._listening, core._swept_at
    return again


@given(steps)
def test_never_two_firings_without_a_resolve_between(script):
    state = defaultdict(lambda: "resolved")
    allowed = {
        ("resolved", "pending"),
        ("resolved", "firing"),
        ("pending", "firing"),
        ("pending", "resolved"),
        ("firing", "resolved"),
    }
    for event in Run().run(script):
        assert (state[event.fingerprint], event.state) in allowed
        state[event.fingerprint] = event.state


@given(steps)
def test_versions_and_episodes_never_go_back(script):
    last = {}
    seen = defaultdict(set)
    for event in Run().run(script):
        before = last.get(event.fingerprint)
        if before is not None:
            assert event.version >= before.version
            assert event.started_at >= (before.ended_at or before.started_at)
            assert (event.episode == before.episode) == (before.state != "resolved")
            assert event.at >= before.at or event.episode != before.episode
        if before is None or event.episode != before.episode:
            assert event.episode not in seen[event.fingerprint]
            seen[event.fingerprint].add(event.episode)
        assert event.ended_at is None or event.ended_at >= event.started_at
        last[event.fingerprint] = event


@given(steps)
def test_a_snapshot_restored_is_as_if_never_stopped(script):
    assert Run(restarting=True).run(script) == Run().run(script)


@given(steps)
def test_while_a_backlog_is_read_nothing_fires(script):
    blind = [("tick", False) if step[0] == "tick" else step for step in script]
    assert all(event.state != "firing" for event in Run().run(blind))


@given(steps)
@settings(max_examples=50)
@example(  # a newer version that was judged earlier
    [
        ("tick", True),
        ("signals", [("q1", True, 1, 1, 0)]),
        ("signals", [("q1", False, 1, 1, 0)]),
        ("signals", [("q1", False, 1, 1, 4000)]),
    ]
)
def test_what_goes_quiet_is_resolved_in_the_end(script):
    run = Run()
    run.run(script)
    for seconds in (1, 400, 1):  # listening begins, everybody is silent for longer than any rule waits
        run.run([("time", seconds), ("tick", True)] + [("time", 10), ("tick", True)] * 40)
    assert run.core.firing() == []
    last = {event.fingerprint: event.state for event in run.events}
    assert set(last.values()) <= {"resolved"}
