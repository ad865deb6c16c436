"""Over any sequence of alerts, silences, acknowledgements, jumps of time, failures and restarts: never two pages for
one episode, person and severity, and never none."""

from collections import defaultdict

from alert_kit import S
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from paging_kit import VIA, Office, duty

from alerts.channels import Delivered, Failed, Retry
from alerts.rules import SEVERITIES

KEYS = st.sampled_from(["a", "b", "c"])
RECEIVERS = ("one", "two", "three")


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

    @rule(seconds=st.sampled_from([0, 1, 5, 20, 70, 400]))
    def time_passes(self, seconds):
        self.office.now += seconds * S
        self.office.tick()

    @rule(key=KEYS, seconds=st.sampled_from([10, 100]))
    def is_silenced(self, key, seconds):
        self.office.silence(seconds, queue=key)

    @rule(key=KEYS)
    def is_acknowledged(self, key):
        if key in self.firing:
            self.office.now += 1
            self.acknowledged.add(self.episode(key))
            self.office.acknowledges(key)

    @rule(
        receiver=st.sampled_from(RECEIVERS), outcome=st.sampled_from(["ok", "ok", "ok", "retry", "failed", "unknown"])
    )
    def is_sent(self, receiver, outcome):
        due = self.office.paging.due(receiver, self.office.now)
        if due is None:
            return
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
                while self.office.paging.due(receiver, office.now):
                    self.is_sent(receiver, "ok")
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
