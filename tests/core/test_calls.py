"""A call is a join of its events: stays are a pure function of the set of facts."""

from typing import Any
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from streams.calls import KIND_OF, Call, Fact
from streams.stays import Stay, stays_of

S = 1_000


def fact(time: int, name: str, queue: str = "", **told: Any) -> Fact:
    return Fact(time, KIND_OF[name], queue, **told)


def call(*facts: Fact, flag: str = "") -> Call:
    return Call(hotline="h", facts=sorted(facts), flag=flag)


def only(*facts: Fact) -> Stay:
    (stay,) = stays_of(call(*facts))
    return stay


def test_an_answered_call_is_measured_by_its_times() -> None:
    stay = only(
        fact(0, "arrived"),
        fact(5 * S, "queued", "q"),
        fact(17 * S, "answered", "q", agent="ann"),
        fact(77 * S, "ended"),
        fact(90 * S, "wrapped"),
    )
    assert (stay.outcome, stay.wait_ms, stay.talk_ms, stay.acw_ms) == ("answered", 12 * S, 60 * S, 13 * S)
    assert (stay.arrived_at, stay.queued_at, stay.agent) == (0, 5 * S, "ann")


def test_a_stated_duration_is_the_measure() -> None:
    stay = only(
        fact(0, "queued", "q"),
        fact(12 * S, "answered", "q", ms=10 * S),
        fact(60 * S, "ended", ms=40 * S, hold_ms=3 * S),
    )
    assert (stay.wait_ms, stay.talk_ms, stay.hold_ms) == (10 * S, 40 * S, 3 * S)


def test_hold_is_not_talk() -> None:
    stay = only(
        fact(0, "queued", "q"),
        fact(0, "answered", "q"),
        fact(10 * S, "held"),
        fact(25 * S, "resumed"),
        fact(60 * S, "ended"),
    )
    assert (stay.talk_ms, stay.hold_ms) == (45 * S, 15 * S)


def test_a_second_queueing_opens_the_next_entry_and_a_repeat_does_not() -> None:
    stays = stays_of(
        call(
            fact(0, "queued", "q"),
            fact(600, "queued", "q"),
            fact(5 * S, "flowed_out", "q"),
            fact(9 * S, "queued", "q"),
            fact(12 * S, "answered", "q"),
        )
    )
    assert [(stay.entry, stay.outcome, stay.wait_ms) for stay in stays] == [
        (1, "flowed_out", 5 * S),
        (2, "answered", 3 * S),
    ]


def test_an_end_without_queue_falls_to_the_stay_answered_last_before_it() -> None:
    first, second = stays_of(
        call(
            fact(0, "queued", "a"),
            fact(1 * S, "answered", "a"),
            fact(20 * S, "transferred", "a"),
            fact(20 * S, "queued", "b"),
            fact(30 * S, "answered", "b"),
            fact(70 * S, "ended"),
        )
    )
    assert (first.talk_ms, second.talk_ms) == (19 * S, 40 * S)


def test_a_call_that_ends_while_queued_was_abandoned() -> None:
    for queue in ("", "q"):
        stay = only(fact(0, "queued", "q"), fact(8 * S, "ended", queue, ms=0))
        assert (stay.outcome, stay.wait_ms, stay.ended_at) == ("abandoned", 8 * S, 8 * S)


def test_a_call_without_a_queue_ended_in_the_menu_or_was_blocked() -> None:
    assert only(fact(0, "arrived"), fact(9 * S, "ended")).outcome == "ended_in_menu"
    assert only(fact(0, "blocked")).outcome == "blocked"
    assert stays_of(call(fact(0, "rated"))) == []


def test_a_flag_is_the_outcome_whatever_the_times() -> None:
    assert [s.outcome for s in stays_of(call(fact(0, "queued", "q"), fact(1, "answered"), flag="phantom"))] == [
        "phantom"
    ]


def test_a_negative_step_is_mended_and_named() -> None:
    assert only(fact(5 * S, "queued", "q"), fact(3 * S, "answered", "q")).repairs == ("clock_skew",)
    assert only(fact(60 * S, "queued", "q"), fact(3 * S, "answered", "q")).repairs == ("order",)
    late = only(fact(86_390 * S, "queued", "q"), fact(20 * S, "answered", "q"))
    assert (late.repairs, late.wait_ms) == (("midnight",), 30 * S)


types = (
    "arrived",
    "queued",
    "answered",
    "abandoned",
    "flowed_out",
    "held",
    "resumed",
    "ended",
    "wrapped",
    "transferred",
)
facts = st.builds(
    fact,
    time=st.integers(0, 600).map(lambda s: s * S),
    name=st.sampled_from(types),
    queue=st.sampled_from(["", "a", "b"]),
    entry=st.sampled_from([0, 0, 0, 1, 2]),
    ms=st.sampled_from([-1, -1, 0, 7 * S]),
)


@given(
    st.lists(facts, min_size=1, max_size=12).flatmap(lambda fs: st.tuples(st.just(fs), st.permutations(fs + fs[:3])))
)
def test_any_order_and_any_repeats_give_the_same_stays(case: tuple[list[Fact], list[Fact]]) -> None:
    told, shuffled = Call(hotline="h"), Call(hotline="h")
    for one in case[0]:
        told.tell(one)
    for one in case[1]:
        shuffled.tell(one)
    assert stays_of(told) == stays_of(shuffled)


@given(st.lists(facts, min_size=1, max_size=6))
def test_a_call_of_one_stay_is_read_as_any_other(told: list[Fact]) -> None:
    one_queue = [it._replace(queue="a" if it.queue else "", entry=0) for it in told]
    for its in (told, one_queue):
        quickly = stays_of(call(*set(its)))
        with mock.patch("streams.stays._only_stay", return_value=None):
            assert stays_of(call(*set(its))) == quickly


@given(st.lists(facts, min_size=1, max_size=12))
def test_whatever_is_told_no_duration_is_negative_and_no_stay_is_told_twice(told: list[Fact]) -> None:
    stays = stays_of(call(*told))
    assert len({(stay.queue, stay.entry) for stay in stays}) == len(stays)
    for stay in stays:
        durations = (stay.wait_ms, stay.talk_ms, stay.hold_ms, stay.acw_ms)
        assert all(ms is None or ms >= 0 for ms in durations)


@given(
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from("xyz")), min_size=1).flatmap(
        lambda told: st.tuples(st.just(told), st.permutations(told))
    )
)
def test_the_attribute_with_the_latest_event_time_holds_in_any_order(
    case: tuple[list[tuple[int, str]], list[tuple[int, str]]],
) -> None:
    one, other = Call(hotline="h"), Call(hotline="h")
    for time, value in case[0]:
        one.describe("category", time, value)
    for time, value in case[1]:
        other.describe("category", time, value)
    assert one.attribute("category") == other.attribute("category") == max(case[0])[1]
