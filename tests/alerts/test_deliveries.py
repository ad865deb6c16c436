import msgspec
import pytest
from alert_kit import NO_RECORD, S, T, event, record
from hypothesis import example, given
from hypothesis import strategies as st
from paging_kit import Office

from alerts.channels import Delivered, Failed, Retry
from alerts.deliveries import GIVE_UP_MS, Deliveries, back_off_s
from alerts.notifications import Via
from alerts.telling import Telling
from deploy.runtime.processor import Record
from deploy.runtime.state_records import StateError

HOOK = {"hook": None}


def queue(targets=HOOK, *events, now=T):
    deliveries = Deliveries(targets)
    deliveries.apply([record(e, written_at=e.at) for e in events])
    deliveries.tick(now, caught_up=True)
    return deliveries


def tell(deliveries, outcome, now=T, target="hook", limit=64):
    """One round of the sender; what was told."""
    notices = deliveries.due(target, now, limit)
    deliveries.settle(Via("webhook", target), notices, outcome, now)
    return [(n.event.episode, n.event.state) for n in notices]


def test_an_alert_is_told_once_and_its_end_once():
    deliveries = queue(HOOK, event())
    assert tell(deliveries, Delivered()) == [("f1-1", "firing")]
    assert tell(deliveries, Delivered()) == []
    deliveries.apply([record(event("resolved", at=T + 60 * S))])
    assert tell(deliveries, Delivered()) == [("f1-1", "resolved")]
    assert tell(deliveries, Delivered()) == []


def test_nothing_is_told_while_a_backlog_is_read():
    deliveries = Deliveries(HOOK)
    deliveries.apply([record(event())])
    deliveries.tick(T, caught_up=False)
    assert deliveries.due("hook", T, 64) == []
    deliveries.apply([record(event("resolved", at=T + S))])
    deliveries.tick(T + 2 * S, caught_up=True)
    assert deliveries.due("hook", T + 2 * S, 64) == []
    assert deliveries.overtaken == 1


def test_pending_is_told_to_nobody():
    assert tell(queue(HOOK, event("pending")), Delivered()) == []


def test_a_failure_is_tried_again_with_back_off():
    deliveries = queue(HOOK, event())
    tried = [second for second in range(20) if tell(deliveries, Retry("refused"), T + second * S)]
    assert tried == [0, 1, 3, 7, 15]
    assert [back_off_s(n) for n in (1, 2, 9, 10, 10_000)] == [1, 2, 256, 300, 300]


def test_the_service_may_ask_for_more_time():
    deliveries = queue(HOOK, event())
    tell(deliveries, Retry("rate_limited", 40.0))
    assert deliveries.due("hook", T + 39 * S, 64) == []
    assert len(deliveries.due("hook", T + 40 * S, 64)) == 1


def test_the_end_does_not_wait_for_the_back_off_of_the_beginning():
    deliveries = queue(HOOK, event())
    tell(deliveries, Retry("timeout", 600.0))
    deliveries.apply([record(event("resolved", at=T + S))])
    assert tell(deliveries, Delivered(), T + S) == [("f1-1", "resolved")]


def test_a_new_episode_waits_for_the_end_of_the_old_one():
    deliveries = queue(HOOK, event())
    tell(deliveries, Delivered())
    deliveries.apply([record(event("resolved", at=T + S)), record(event(episode="f1-2", at=T + 2 * S))])
    assert tell(deliveries, Retry("refused"), T + 2 * S) == [("f1-1", "resolved")]
    assert tell(deliveries, Retry("refused"), T + 2 * S) == []
    assert tell(deliveries, Delivered(), T + 3 * S) == [("f1-1", "resolved")]
    assert tell(deliveries, Delivered(), T + 3 * S) == [("f1-2", "firing")]


def test_another_alert_does_not_wait():
    deliveries = queue(HOOK, event(), event(episode="f2-1"))
    assert tell(deliveries, Retry("refused"), limit=1) == [("f1-1", "firing")]
    assert tell(deliveries, Delivered(), limit=1) == [("f2-1", "firing")]


def test_what_is_refused_for_good_is_left_until_the_alert_changes():
    deliveries = queue(HOOK, event())
    tell(deliveries, Failed("client_error"))
    assert tell(deliveries, Delivered(), T + GIVE_UP_MS) == []
    deliveries.apply([record(event("resolved", at=T + S))])
    assert tell(deliveries, Delivered(), T + S) == [("f1-1", "resolved")]


def test_a_target_that_wants_reminders_gets_them_while_the_alert_fires():
    deliveries = queue({"am": 60}, event())
    told = [second for second in range(0, 200, 5) if tell(deliveries, Delivered(), T + second * S, "am")]
    assert told == [0, 60, 120, 180]
    deliveries.apply([record(event("resolved", at=T + 200 * S))])
    assert tell(deliveries, Delivered(), T + 200 * S, "am") == [("f1-1", "resolved")]
    assert tell(deliveries, Delivered(), T + 900 * S, "am") == []


def test_what_changed_while_it_was_told_is_told_again():
    deliveries = queue(HOOK, event())
    notices = deliveries.due("hook", T, 64)
    deliveries.apply([record(event("resolved", at=T + S))])
    # the call under way is the first try; its end is not known yet
    deliveries.settle(Via("webhook", "hook"), notices, Delivered(("ref-7",)), T + S)
    (notice,) = deliveries.due("hook", T + S, 64)
    assert (notice.event.state, notice.ref) == ("resolved", "ref-7")


@pytest.mark.parametrize("outcome", [Delivered(), Failed("client_error")])
def test_an_alert_that_becomes_graver_while_it_is_told_is_told_again(outcome):
    deliveries = queue(HOOK, event())
    notices = deliveries.due("hook", T, 64)
    deliveries.apply([record(event(severity="critical", reason="severity_changed", at=T + S))])
    deliveries.settle(Via("webhook", "hook"), notices, outcome, T + 2 * S)
    [graver] = deliveries.due("hook", T + 2 * S, 64)
    assert graver.event.severity == "critical"
    assert tell(deliveries, Delivered(), T + 2 * S) == [("f1-1", "firing")]
    assert tell(deliveries, Delivered(), T + 3 * S) == []


def test_an_end_that_comes_while_the_beginning_is_refused_is_told():
    deliveries = queue(HOOK, event())
    notices = deliveries.due("hook", T, 64)
    deliveries.apply([record(event("resolved", at=T + S))])
    deliveries.settle(Via("webhook", "hook"), notices, Failed("client_error"), T + 2 * S)
    assert tell(deliveries, Delivered(), T + 2 * S) == [("f1-1", "resolved")]


def test_after_a_day_it_is_given_up():
    deliveries = queue(HOOK, event())
    tell(deliveries, Retry("refused"), T + GIVE_UP_MS)
    assert deliveries.waiting("hook") == 1
    tell(deliveries, Retry("refused"), T + GIVE_UP_MS + 600 * S)
    assert deliveries.waiting("hook") == 0


def test_a_new_target_is_told_of_what_fires_and_an_old_one_is_forgotten():
    deliveries = queue(HOOK, event(), event(episode="f2-1"))
    tell(deliveries, Delivered())
    deliveries.apply([record(event("resolved", episode="f2-1", at=T + S))])
    tell(deliveries, Delivered(), T + S)
    again = Deliveries({"am": 60}, deliveries.snapshot())
    again.tick(T + 2 * S, caught_up=True)
    assert tell(again, Delivered(), T + 2 * S, "am") == [("f1-1", "firing")]


def test_a_restart_forgets_nothing_and_repeats_nothing():
    deliveries = queue({"hook": None, "am": 60}, event(), event(episode="f2-1"))
    tell(deliveries, Delivered(("ref",)), limit=1)
    tell(deliveries, Retry("refused"), limit=1)
    again = Deliveries({"hook": None, "am": 60}, deliveries.snapshot())
    again.tick(T + 5 * S, caught_up=True)
    assert tell(again, Delivered(), T + 5 * S) == [("f2-1", "firing")]
    assert tell(again, Delivered(), T + 5 * S, "am") == [("f1-1", "firing"), ("f2-1", "firing")]


def test_an_end_is_told_where_a_process_that_died_may_have_told_the_beginning():
    before = queue(HOOK).snapshot()  # the checkpoint; then it told the firing alert and died
    again = Deliveries(HOOK, before)
    again.apply([record(event()), record(event("resolved", at=T + S))])
    again.tick(T + 2 * S, caught_up=True)
    assert tell(again, Delivered(), T + 2 * S) == [("f1-1", "resolved")]


def test_a_decision_taken_again_after_a_crash_is_known():
    deliveries = queue(HOOK, event())
    tell(deliveries, Delivered())
    deliveries.apply([record(event("pending")), record(event(at=T + S))])
    assert tell(deliveries, Delivered(), T + S) == []
    deliveries.apply([record(event("resolved", at=T + 2 * S))])
    tell(deliveries, Delivered(), T + 2 * S)
    deliveries.apply([record(event(at=T + 3 * S))])
    assert tell(deliveries, Delivered(), T + 3 * S) == []


def test_waiting_and_its_age_are_shown():
    deliveries = queue(HOOK, event(), event(episode="f2-1"))
    tell(deliveries, Delivered(), limit=1)
    assert (deliveries.waiting("hook"), deliveries.oldest_waiting_ms("hook", T + 9 * S)) == (1, 9 * S)


@pytest.mark.parametrize("value", NO_RECORD, ids=range(len(NO_RECORD)))
def test_what_is_no_event_is_counted(value):
    office = Office()
    telling = Telling({"hook": None}, office.plan, office.controls)
    telling.apply([Record(0, T, b"k", value)])
    assert telling.deliveries.unreadable == 1


def test_a_state_of_another_format_is_refused():
    packed = {"all": msgspec.msgpack.encode(msgspec.msgpack.decode(Deliveries({}).snapshot()["all"]) | {"format": 99})}
    with pytest.raises(StateError, match="format 99"):
        Deliveries({}, packed)


class Receiver:
    """A queue and its receiver under a script; `accepted` is what the receiver has seen."""

    def __init__(self):
        self.queue = queue()
        self.checkpoint, self.since = self.queue.snapshot(), []
        self.now, self.number, self.firing = T, 0, False
        self.accepted: list[tuple[str, str]] = []

    def run(self, script):
        for step in script:
            getattr(self, step)()
            self.queue.tick(self.now, caught_up=True)
        return self

    def fire(self):
        if not self.firing:
            self.firing, self.number = True, self.number + 1
            self._take(event(episode=f"f1-{self.number}", at=self.now))

    def end(self):
        if self.firing:
            self.firing = False
            self._take(event("resolved", episode=f"f1-{self.number}", at=self.now))

    def ok(self):
        self.accepted += tell(self.queue, Delivered(), self.now)

    def retry(self):
        tell(self.queue, Retry("refused"), self.now)

    def fail(self):
        tell(self.queue, Failed("client_error"), self.now)

    def time(self):
        self.now += 400 * S

    def restart(self):
        self.checkpoint, self.since = self.queue.snapshot(), []
        self.queue = Deliveries(HOOK, self.checkpoint)

    def crash(self):
        self.queue = Deliveries(HOOK, self.checkpoint)
        self.queue.apply([record(e) for e in self.since])

    def _take(self, taken):
        self.queue.apply([record(taken, written_at=self.now)])
        self.since.append(taken)


def scripts(*steps):
    return st.lists(st.sampled_from(steps), max_size=40)


AT_LAST = ["time", "ok"] * 45  # an end that is still to be told goes before the next beginning


@given(scripts("fire", "end", "ok", "retry", "fail", "time", "restart"))
def test_without_a_crash_each_state_is_accepted_at_most_once_and_in_order(script):
    accepted = Receiver().run(script + AT_LAST).accepted
    assert len(accepted) == len(set(accepted))
    order = [(int(episode.split("-")[1]), state == "resolved") for episode, state in accepted]
    assert order == sorted(order)


@given(scripts("fire", "end", "ok", "retry", "time", "restart", "crash"))
@example(["fire", "restart", "ok", "end", "crash"])
@example(["fire", "ok", "end", "crash"])
def test_whatever_crashes_no_page_and_no_end_is_lost(script):
    receiver = Receiver().run(script + AT_LAST)
    told = {episode for episode, state in receiver.accepted if state == "firing"}
    ended = {episode for episode, state in receiver.accepted if state == "resolved"}
    present = f"f1-{receiver.number}"
    over = {f"f1-{number}" for number in range(1, receiver.number + 1)} - ({present} if receiver.firing else set())
    assert told & over <= ended
    assert not receiver.firing or present in told
    last = dict(receiver.accepted)
    assert all(last[episode] == "resolved" for episode in ended)
