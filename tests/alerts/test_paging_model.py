"""Over any sequence of alerts, silences, acknowledgements, jumps of time, failures and restarts: never two pages for
one episode, person and severity, and never none."""

from collections import defaultdict

import pytest
from alert_kit import S
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from paging_kit import VIA, Office, duty

from alerts.channels import Delivered, Failed, Retry
from alerts.paging import Paging
from alerts.rules import SEVERITIES

KEYS = st.sampled_from(["a", "b", "c"])
RECEIVERS = ("one", "two", "three")
OUTCOMES = st.sampled_from(["ok", "ok", "retry", "failed", "unknown"])


class PagingMachine(RuleBasedStateMachine):
    @initialize(wait=st.sampled_from([0, 5, 40]), interval=st.sampled_from([0, 30]))
    def begin(self, wait, interval):
        calm = {"episodes": 3, "within_s": 300, "hold_s": 60}
        outage = [{"source": {"queue": "c"}, "target": {"queue": "a"}}]
        plan = duty(*RECEIVERS, group_wait_s=wait, group_interval_s=interval, flapping=calm, inhibitions=outage)
        self.office = Office(plan)
        self.numbers = defaultdict(int)
        self.firing = {}  # key -> severity
        self.accepted = []  # (message id, receiver, episode, state, severity)
        self.acknowledged = set()
        self.ended = set()

    def episode(self, key):
        return f"{key}-{self.numbers[key]}"

    @rule(key=KEYS)
    def fires(self, key):
        if key not in self.firing:
            self.numbers[key] += 1
            self.firing[key] = "info"
            self.office.fires(key, self.numbers[key], "info")

    @rule(key=KEYS, severity=st.sampled_from(SEVERITIES))
    def gets_louder(self, key, severity):
        if key in self.firing and SEVERITIES.index(severity) > SEVERITIES.index(self.firing[key]):
            self.firing[key] = severity
            self.office.fires(key, self.numbers[key], severity)

    @rule(key=KEYS)
    def resolves(self, key):
        if self.firing.pop(key, None):
            self.ended.add(self.episode(key))
            self.office.resolves(key, self.numbers[key])

    @rule(seconds=st.sampled_from([0, 1, 5, 20, 70, 400]), outcomes=st.tuples(*[OUTCOMES] * len(RECEIVERS)))
    def time_passes(self, seconds, outcomes):
        """The worker goes round once, then everybody is sent what is due, with these outcomes."""
        self.office.now += seconds * S
        self.office.tick()
        for receiver, outcome in zip(RECEIVERS, outcomes, strict=True):
            due = self.office.paging.due(receiver, self.office.now)
            if due is not None:
                self.sent(receiver, due, outcome)

    @rule(key=KEYS, seconds=st.sampled_from([10, 100]))
    def is_silenced(self, key, seconds):
        self.office.silence(seconds, queue=key)

    @rule(key=KEYS)
    def is_acknowledged(self, key):
        if key in self.firing:
            self.office.now += 1
            self.acknowledged.add(self.episode(key))
            self.office.acknowledges(key)

    def sent(self, receiver, due, outcome):
        message, _, notices = due
        if outcome in {"ok", "unknown"}:
            self.accepted += [(message.id, receiver, n.event.episode, n.event.state, n.event.severity) for n in notices]
        if outcome == "unknown":  # taken, but we died before we heard so
            self.office.restart()
            return
        result = {"ok": Delivered(), "retry": Retry("timeout"), "failed": Failed("client_error")}[outcome]
        self.office.paging.settle(message.id, result, self.office.now, VIA)

    @rule()
    def restarts(self):
        self.office.restart()

    @invariant()
    def never_two_pages(self):
        pages = {entry for entry in getattr(self, "accepted", []) if entry[3] == "firing"}
        told = [(receiver, episode, severity) for _, receiver, episode, _, severity in pages]
        assert len(told) == len(set(told)), sorted(pages)
        ends = {entry[:3] for entry in getattr(self, "accepted", []) if entry[3] == "resolved"}
        assert len({end[1:] for end in ends}) == len(ends)

    def teardown(self):
        """Everybody answers, silences end: who is to know knows, and nobody else is called."""
        if not hasattr(self, "office"):
            return
        office = self.office
        for _ in range(100):
            office.now += 20 * S
            office.tick()
            for receiver in RECEIVERS:
                while due := office.paging.due(receiver, office.now):
                    self.sent(receiver, due, "ok")
                    self.never_two_pages()
        heard = defaultdict(set)
        for _, receiver, episode, state, _ in self.accepted:
            heard[state, episode].add(receiver)
        for key in self.firing:
            episode = self.episode(key)
            inhibited = key == "a" and "c" in self.firing
            if episode not in self.acknowledged and not inhibited:
                assert heard["firing", episode] == set(RECEIVERS), (episode, heard)
        for episode in self.ended:
            silenced = self._silenced_end(episode)
            assert not (heard["firing", episode] - heard["resolved", episode] - silenced), (episode, heard)
        assert all(office.paging.waiting(receiver) == 0 for receiver in RECEIVERS)

    def _silenced_end(self, episode):
        """Nobody is told of an end that came within a silence."""
        key = episode.partition("-")[0]
        silenced = any(silence.matchers["queue"] == key for silence in self.office.controls.silences.values())
        return set(RECEIVERS) if silenced else set()


TestPaging = PagingMachine.TestCase
TestPaging.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def forgetting_who_was_told(monkeypatch):
    honest = Paging.snapshot

    def snapshot(self):
        for page in self._state.pages.values():
            page.told.clear()
        return honest(self)

    monkeypatch.setattr(Paging, "snapshot", snapshot)


def forgetting_what_waits(monkeypatch):
    honest = Paging.snapshot

    def snapshot(self):
        self._state.messages.clear()
        return honest(self)

    monkeypatch.setattr(Paging, "snapshot", snapshot)


def forgetting_what_was_refused(monkeypatch):
    honest = Paging.settle

    def settle(self, identity, *rest):
        honest(self, identity, *rest)
        self._state.messages.pop(identity, None)

    monkeypatch.setattr(Paging, "settle", settle)


def never_asking_the_next(monkeypatch):
    honest = Paging._want_news

    def want_news(self, episode, page, *rest):
        step = page.step
        honest(self, episode, page, *rest)
        page.step = step

    monkeypatch.setattr(Paging, "_want_news", want_news)


@pytest.mark.parametrize(
    "change", [forgetting_who_was_told, forgetting_what_waits, forgetting_what_was_refused, never_asking_the_next]
)
def test_the_model_notices_a_safeguard_that_is_gone(change, monkeypatch):
    change(monkeypatch)
    calm = settings(TestPaging.settings, derandomize=True, database=None, phases=[Phase.generate], max_examples=200)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(PagingMachine, settings=calm)
