"""After an outage one message says what would have fired; nobody is woken for it."""

import msgspec
import pytest
from alert_kit import S, T, record, rule, signal
from paging_kit import Office, duty

from alerts.core import Alerts
from streams.contract import AlertEvent

RULES = [rule(name="Held", for_s=30, fresh_s=60), rule(name="Shadow", shadow_until="2100-01-01T00:00:00Z")]
MINUTE = 60 * S


class Log:
    """The topic of signals, and a core that reads it."""

    def __init__(self):
        self.records, self.read = [], 0
        self.core = Alerts(RULES, "live")
        self.told = []

    def says(self, second, active, queue="q", written=None):
        """A signal judged at a second, written then or later."""
        said = signal(second, active, fingerprint=queue, queue=queue, since=T + second * S)
        self.records.append(record(said, len(self.records), T + (second if written is None else written) * S))

    def lasts(self, begin, end, queue="q", written=None):
        for second in range(begin, end, 5):
            said = signal(second, True, fingerprint=queue, queue=queue, since=T + begin * S)
            at = second if written is None else written
            self.records.append(record(said, len(self.records), T + at * S))
        self.says(end, active=False, queue=queue, written=written)

    def goes_on(self, second, *, caught_up=True, apply=True):
        if apply:
            self.core.apply(self.records[self.read :])
            self.read = len(self.records)
        self.core.tick(T + second * S, caught_up=caught_up)
        self.told += [msgspec.json.decode(o.value, type=AlertEvent) for o in self.core.outputs()]

    def restart(self):
        self.core = Alerts(RULES, "live", self.core.snapshot())

    def back(self):
        return [event for event in self.told if event.rule == "BackAfterOutage"]

    def fired(self):
        return [event for event in self.told if event.state == "firing" and event.rule != "BackAfterOutage"]


def away(log, seconds=2400):
    """The process is stopped and reads what was written meanwhile."""
    log.goes_on(0)
    log.lasts(100, 160, "a")
    log.lasts(300, 400, "b")
    log.lasts(500, 510, "c")  # too short for the rule
    log.restart()
    log.goes_on(seconds, caught_up=False)
    log.goes_on(seconds + 1)


def test_one_message_says_how_long_and_how_many():
    log = Log()
    away(log)
    (said,) = log.back()
    assert said.summary["en"] == "Back after 40 min: 2 alerts would have fired and are over (Held)"
    assert "40" in said.summary["zh"]
    assert (said.state, said.severity, said.reason, said.value) == ("firing", "info", "back_after_outage", 2)
    assert log.fired() == []


def test_it_is_said_once_also_over_another_restart_and_ends_by_itself():
    log = Log()
    away(log)
    log.restart()
    log.goes_on(2410)
    log.goes_on(2800)
    assert [event.state for event in log.back()] == ["firing", "resolved"]
    assert len({event.episode for event in log.back()}) == 1
    log.goes_on(4000)
    assert len(log.back()) == 2


def test_a_restart_is_no_outage():
    log = Log()
    log.goes_on(0)
    log.lasts(5, 45)
    log.restart()
    log.goes_on(50, caught_up=False)
    log.goes_on(51)
    assert log.back() == []


def test_what_still_fires_is_told_as_ever():
    log = Log()
    log.goes_on(0)
    log.lasts(100, 160, "a")
    for second in range(2300, 2401, 5):
        said = signal(second, True, fingerprint="b", queue="b", since=T + 2300 * S)
        log.records.append(record(said, len(log.records), T + second * S))
    log.restart()
    log.goes_on(2400, caught_up=False)
    log.goes_on(2401)
    assert [event.queue for event in log.fired()] == ["b"]
    assert log.back()[0].value == 1


def test_streams_was_away_and_judges_late():
    log = Log()
    log.goes_on(0)
    for second in range(0, 2401, 30):
        log.goes_on(second)  # nothing came for forty minutes
    log.lasts(100, 160, "a", written=2401)
    log.lasts(300, 400, "b", written=2402)
    for record_ in list(log.records):  # each is heard by itself, as they come
        log.core.apply([record_])
    log.read = len(log.records)
    log.goes_on(2403)
    assert log.back() == []  # more may come
    log.goes_on(2420)
    (said,) = log.back()
    assert said.value == 2
    assert said.summary["en"].startswith("Back after 37 min: 2 alerts")
    assert log.fired() == []


def test_nothing_ran_and_what_was_missed_is_judged_after_the_start():
    """How long it was is not how old the last that was missed is."""
    log = Log()
    log.goes_on(0)
    log.restart()
    log.goes_on(2400)
    log.lasts(2000, 2160, "a", written=2405)
    log.goes_on(2405)
    log.goes_on(2430)
    (said,) = log.back()
    assert said.summary["en"] == "Back after 40 min: 1 alert would have fired and is over (Held)"
    for second in range(2430, 3200, 30):
        log.goes_on(second)
    log.lasts(3000, 3060, "a", written=3200)
    for second in (3200, 3220):
        log.goes_on(second)
    assert log.back()[-1].summary["en"].startswith("Back after 2 min"), "each is told by its own length"


def test_a_condition_that_clears_in_time_is_no_outage():
    log = Log()
    log.goes_on(0)
    log.says(5, active=True)
    log.goes_on(5)
    log.says(10, active=False)
    log.goes_on(10)
    log.goes_on(300)
    assert log.back() == []


@pytest.mark.parametrize("acknowledged", [True, False])
def test_people_get_one_message_and_no_escalation(acknowledged):
    log = Log()
    away(log)
    office = Office(duty("one", "two", repeat_s=100))
    office.paging.take(log.back()[0])
    office.now = T + 2401 * S
    office.passes(10)
    if acknowledged:
        office.acknowledges(log.back()[0].fingerprint)
    office.passes(290)
    log.goes_on(2800)
    office.paging.take(log.back()[1])
    office.passes(600)
    assert [(receiver, why) for _, receiver, why, _ in office.heard()] == [("one", "first")]
