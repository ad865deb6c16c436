"""Who is paged when: chain, groups, silences, inhibition, acknowledgement, flapping, failing channels."""

from collections import Counter

import msgspec
import pytest
from alert_kit import S, record, rule, signal
from paging_kit import Office, duty

from alerts.channels import Failed, Retry
from alerts.core import Alerts
from alerts.duty import Duty
from alerts.pages import load
from alerts.paging import Paging, channel_of
from streams.contract import AlertEvent, Notification


def test_the_chain_goes_on_until_somebody_acknowledges():
    office = Office(duty("one", "two", "three"))
    office.fires()
    office.passes(70)
    assert office.heard() == [
        (5, "one", "first", [("a-1", "firing")]),
        (65, "two", "escalated", [("a-1", "firing")]),
    ]
    office.acknowledges()
    office.passes(600)
    assert office.heard() == []


def test_the_end_is_told_to_whoever_heard_of_the_beginning():
    office = Office(duty("one", "two", "three"))
    office.fires()
    office.passes(70)
    office.heard()
    office.resolves()
    office.passes(60)
    assert [(receiver, why, told) for _, receiver, why, told in office.heard()] == [
        ("one", "resolved", [("a-1", "resolved")]),
        ("two", "resolved", [("a-1", "resolved")]),
    ]
    office.passes(600)
    assert office.heard() == []


def test_what_comes_together_is_told_together_and_then_at_the_interval():
    office = Office()
    office.fires("a")
    office.passes(3)
    office.fires("b")
    office.passes(2)
    assert office.heard() == [(5, "one", "first", [("a-1", "firing"), ("b-1", "firing")])]
    office = Office(duty(group_wait_s=10))
    for second, key in ((0, "a"), (5, "b"), (15, "c"), (20, "d")):
        office.passes(second - (office.now - 1_700_000_000_000) // S)
        office.fires(key)
    office.passes(30)
    assert [(at, told) for at, _, _, told in office.heard()] == [
        (10, [("a-1", "firing"), ("b-1", "firing")]),
        (40, [("c-1", "firing"), ("d-1", "firing")]),
    ]


def test_groups_are_told_apart_by_their_labels():
    office = Office(duty(group_by=["hotline"]))
    office.fires("a")
    office.fires("b", hotline="other")
    office.passes(10)
    assert [told for _, _, _, told in office.heard()] == [[("a-1", "firing")], [("b-1", "firing")]]


def test_a_storm_is_a_handful_of_messages():
    office = Office(duty(group_interval_s=60))
    for second in range(60):
        for number in range(20):
            office.fires(f"{second}-{number}")
        office.passes(1)
    office.passes(60)
    told = [(receiver, len(alerts)) for _, receiver, _, alerts in office.heard()]
    assert sum(count for receiver, count in told if receiver == "one") == 1200
    assert sum(receiver == "one" for receiver, _ in told) <= 3


def test_ten_thousand_signals_in_a_minute_are_a_handful_of_messages():
    """From the signals on: two thousand queues begin and end again and again, with the plan as it is by default."""
    chat = [{"type": "slack", "url": "https://chat.example.org/hook"}]
    people = [{"name": name, "channels": chat} for name in ("first", "second")]
    chain = [{"tell": ["first"], "next_after_s": 30}, {"tell": ["second"]}]
    office = Office(Duty.model_validate({"receivers": people, "routes": [{"chain": chain}]}))
    core, sent = Alerts([rule()], "live"), 0
    for second in range(60):
        core.tick(office.now, caught_up=True)
        for _ in range(10_000 // 60 + (second < 10_000 % 60)):
            name, active = f"q{sent % 2_000}", sent // 2_000 % 2 == 0
            told = signal(second, active, version=sent, fingerprint=name, queue=name, since=office.now)
            core.apply([record(told, sent, office.now)])
            sent += 1
        for output in core.outputs():
            office.paging.take(msgspec.json.decode(output.value, type=AlertEvent))
        office.passes(1)
    office.passes(120)
    messages = Counter(receiver for _, receiver, _, _ in office.heard())
    assert sent == 10_000
    assert {receiver: count <= 5 for receiver, count in messages.items()} == {"first": True, "second": True}
    assert office.paging.standing() == {"told": 2_000}


def test_silenced_alerts_wait_for_the_end_of_the_silence():
    office = Office()
    office.silence(100, queue="a*")
    office.fires()
    office.passes(95)
    assert office.heard() == []
    assert office.paging.standing() == {"silenced": 1}
    office.passes(10)
    assert [(receiver, why) for _, receiver, why, _ in office.heard()] == [("one", "first")]


def test_what_began_and_ended_in_a_silence_is_never_told():
    office = Office()
    office.silence(100, queue="a")
    office.fires()
    office.passes(20)
    office.resolves()
    office.passes(200)
    assert office.heard() == []


def test_the_hotlines_outage_silences_its_queues():
    office = Office()
    office.fires("feed", alertname="DeadFeed")
    office.fires("q1", dimension_set="queue")
    office.fires("q2", dimension_set="queue", hotline="another")
    office.passes(30)
    assert [told for _, _, _, told in office.heard()] == [[("feed-1", "firing")], [("q2-1", "firing")]]
    assert office.paging.standing() == {"told": 2, "inhibited": 1}
    office.resolves("feed", alertname="DeadFeed")
    office.passes(60)
    assert ("q1-1", "firing") in [
        told for _, receiver, _, alerts in office.heard() for told in alerts if receiver == "one"
    ]


def test_a_higher_severity_is_news_even_if_acknowledged():
    office = Office()
    office.fires()
    office.passes(5)
    office.acknowledges()
    office.fires(severity="critical")
    office.passes(60)
    assert [(receiver, why) for _, receiver, why, _ in office.heard()] == [("one", "first"), ("one", "louder")]


def test_told_again_at_the_repeat_interval_until_acknowledged():
    office = Office(duty("one", repeat_s=100))
    office.fires()
    office.passes(250)
    assert [(at, why) for at, _, why, _ in office.heard()] == [(5, "first"), (105, "repeated"), (205, "repeated")]
    office.acknowledges()
    office.passes(300)
    assert office.heard() == []


def test_what_flaps_pages_only_once_it_lasts():
    office = Office(duty("one", flapping={"episodes": 3, "within_s": 600, "hold_s": 120}, resolved=False))
    for number in (1, 2, 3, 4):
        office.fires(number=number)
        office.passes(40)
        office.resolves(number=number)
        office.passes(10)
    assert [told for _, _, _, told in office.heard()] == [[("a-1", "firing")], [("a-2", "firing")]]
    office.fires(number=5)
    office.passes(115)
    assert office.heard() == []
    office.passes(10)
    assert [told for _, _, _, told in office.heard()] == [[("a-5", "firing")]]


def test_an_alert_that_is_over_before_anybody_took_it_wakes_nobody():
    office = Office(duty(group_wait_s=30))
    office.fires()
    office.passes(20)
    office.resolves()
    office.passes(200)
    assert office.heard() == []


def test_a_message_that_may_have_been_heard_ends_with_the_truth():
    office = Office(duty("one"))
    office.fires()
    office.passes(5, Retry("timeout"))
    office.resolves()
    office.passes(30)
    assert [(why, told) for _, _, why, told in office.heard()] == [("first", [("a-1", "resolved")])]


@pytest.mark.parametrize("outcome", [Retry("server_error"), Failed("client_error")])
def test_a_channel_that_is_away_keeps_the_page_and_the_chain_goes_on(outcome):
    office = Office()
    office.fires()
    office.passes(100, outcome)
    assert office.paging.waiting("one") == office.paging.waiting("two") == 1
    office.passes(300)
    assert sorted((receiver, why) for _, receiver, why, _ in office.heard()) == [("one", "first"), ("two", "escalated")]


def test_each_channel_of_a_receiver_gets_two_tries():
    assert [channel_of(tries, 3) for tries in range(8)] == [0, 0, 1, 1, 2, 2, 0, 0]
    office = Office(duty("one"))
    office.fires()
    office.passes(5, Failed("client_error"))
    office.passes(5)  # refused for good: the next try is the next channel's, at once
    office.fires("b")
    assert len(office.heard()) == 1


def test_before_the_silences_are_known_nobody_is_paged():
    office = Office()
    office.controls.ready = False
    office.fires()
    office.passes(100)
    assert office.heard() == []
    office.controls.ready = True
    office.passes(5)
    assert len(office.heard()) == 1


def test_an_alert_without_a_route_is_counted():
    office = Office(duty(match={"hotline": "other"}))
    office.fires()
    office.passes(100)
    assert (office.heard(), office.paging.standing()) == ([], {"no_route": 1})


@pytest.mark.parametrize("over", [("a-1", "resolved"), None])
def test_what_has_no_route_any_more_ends_with_the_message_that_speaks_of_it(over):
    office = Office(duty("one", match={"severity": "warning"}, repeat_s=600))
    office.fires()
    office.passes(5 if over else 4, Retry("server_error"))
    office.fires(severity="critical")
    office.resolves(severity="critical")
    office.passes(60)
    assert [told for _, _, _, told in office.heard()] == ([[over]] if over else [])
    assert office.paging.standing() == {}
    office.fires(number=2)
    office.passes(60)
    assert [told for _, _, _, told in office.heard()] == [[("a-2", "firing")]]


@pytest.mark.parametrize("outcome", [Retry("server_error"), None])
def test_who_is_in_the_duty_file_no_more_is_waited_for_by_nobody(outcome):
    office = Office(duty("one", receivers=("one",)))
    office.fires()
    office.passes(10, outcome)
    office.heard()
    office.plan = duty("two", receivers=("two",))
    office.restart()
    office.passes(10)
    assert [(receiver, told) for _, receiver, _, told in office.heard()] == [("two", [("a-1", "firing")])]
    said = [msgspec.json.decode(output.value, type=Notification) for output in office.paging.outputs()]
    given_up = [(it.receiver, it.alerts[0].episode) for it in said if it.outcome == "given_up"]
    assert given_up == ([] if outcome is None else [("one", "a-1")])
    office.resolves()
    office.passes(60)
    assert [(receiver, told) for _, receiver, _, told in office.heard()] == [("two", [("a-1", "resolved")])]
    left = load(office.paging.snapshot())
    assert (left.pages, left.messages) == ({}, {})


def test_a_message_of_a_former_version_whose_alert_was_let_go_of_is_left_out():
    office = Office(duty("one"))
    office.fires()
    office.passes(10, Retry("server_error"))
    state = load(office.paging.snapshot())
    state.pages.clear()
    office.paging = Paging(office.plan, office.controls, msgspec.msgpack.encode(state))
    office.passes(60)
    assert office.heard() == []
    assert load(office.paging.snapshot()).messages == {}
