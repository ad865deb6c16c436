"""One row at a time: the outcome word decides, what is dirty is mended and named."""

import pytest
from bank_rows import HEADER, bank_reader, bank_row, read_bank, reject_bank, seconds_of

from deploy.producers.mapping_rows import ReadRow, Rejection


def told(row: ReadRow) -> list[tuple]:
    return [(event.type, seconds_of(event.time), event.queue) for event in row.events]


def test_an_answered_call_is_arrived_queued_answered_ended() -> None:
    row = read_bank()
    assert told(row) == [
        ("arrived", "6:55:20", ""),
        ("queued", "6:55:26", "PS"),
        ("answered", "6:55:43", "PS"),
        ("ended", "6:56:37", "PS"),
    ]
    arrived, _, answered, ended = row.events
    assert (arrived.call, arrived.caller, arrived.priority) == ("AA0101-33118", "27997683", "2")
    assert (answered.wait_ms, answered.agent, ended.talk_ms) == (17_000, "MICHAL", 54_000)


def test_an_answered_call_without_queue_start_waited_nothing() -> None:
    row = read_bank(q_start="0:00:00", q_exit="0:00:00", q_time="0", ser_start="6:55:40")
    assert told(row)[1:3] == [("queued", "6:55:40", "PS"), ("answered", "6:55:40", "PS")]
    assert row.events[2].wait_ms == 0
    assert "sentinel_time" in row.repairs


def test_without_service_times_either_it_was_answered_when_it_left_the_menu() -> None:
    never = dict.fromkeys(("q_start", "q_exit", "ser_start", "ser_exit"), "0:00:00")
    row = read_bank(**never, q_time="0", ser_time="0")
    assert told(row)[1:] == [("queued", "6:55:26", "PS"), ("answered", "6:55:26", "PS"), ("ended", "6:55:26", "PS")]
    assert row.events[-1].talk_ms == 0


def test_a_hang_up_with_queue_start_is_an_abandon_and_its_service_times_are_ignored() -> None:
    row = read_bank(outcome="HANG")
    assert told(row)[1:] == [("queued", "6:55:26", "PS"), ("abandoned", "6:55:43", "PS")]
    assert row.events[-1].wait_ms == 17_000
    assert read_bank(outcome="HANG", ser_start="rubbish").events == row.events


def test_a_hang_up_without_queue_start_ended_in_the_menu_and_names_no_queue() -> None:
    row = read_bank(outcome="HANG", q_start="0:00:00", q_exit="0:00:00", q_time="0")
    assert row.outcome == "ended_in_menu"
    assert told(row) == [("arrived", "6:55:20", ""), ("ended", "6:55:26", "")]


def test_a_phantom_is_one_flagged_arrival_whatever_its_times() -> None:
    row = read_bank(outcome="PHANTOM", q_start="??", ser_exit="99:99:99", q_time="x")
    assert told(row) == [("arrived", "6:55:20", "")]
    assert row.events[0].flag == "phantom"


def test_customer_zero_is_a_withheld_number_and_no_server_is_no_agent() -> None:
    row = read_bank(customer_id="0", server="NO_SERVER")
    assert row.events[0].caller == ""
    assert row.events[2].agent == ""


@pytest.mark.parametrize(
    ("changes", "repair", "ends"),
    [
        ({"ser_start": "6:55:42"}, "clock_skew", "6:56:37"),
        ({"ser_start": "6:55:30"}, "order", "6:56:37"),
        ({"q_time": "-3"}, "clock_skew", "6:56:37"),
        ({"q_time": "-300"}, "order", "6:56:37"),
        ({"server": " MICHAL"}, "whitespace", "6:56:37"),
        ({}, "one_digit_hour", "6:56:37"),
    ],
)
def test_what_is_mended_is_named(changes: dict[str, str], repair: str, ends: str) -> None:
    row = read_bank(**changes)
    assert repair in row.repairs
    assert told(row)[-1] == ("ended", ends, "PS")
    assert all(event.wait_ms is None or event.wait_ms >= 0 for event in row.events)


def test_a_step_back_leaves_times_as_they_stand_and_the_stated_wait_holds() -> None:
    row = read_bank(ser_start="6:55:42")
    assert told(row)[2] == ("answered", "6:55:42", "PS")
    assert row.events[2].wait_ms == 17_000


def test_a_call_that_passes_midnight_goes_on_on_the_next_day() -> None:
    row = read_bank(
        vru_entry="23:59:30", vru_exit="23:59:58", q_start="23:59:58", q_exit="0:00:10",
        q_time="12", ser_start="0:00:09", ser_exit="0:02:00", ser_time="111",
    )  # fmt: skip
    times = [event.time for event in row.events]
    assert [t - times[0] for t in times] == [0, 28_000, 39_000, 150_000]
    assert {"midnight", "clock_skew"} <= row.repairs


def test_a_step_back_over_midnight_is_skew_and_not_another_day() -> None:
    row = read_bank(
        vru_entry="23:59:30", vru_exit="23:59:40", q_start="23:59:40", q_exit="0:00:01",
        q_time="21", ser_start="23:59:59", ser_exit="0:02:00", ser_time="121",
    )  # fmt: skip
    times = [event.time for event in row.events]
    assert [t - times[0] for t in times] == [0, 10_000, 29_000, 150_000]
    assert {"midnight", "clock_skew"} <= row.repairs


@pytest.mark.parametrize("at", range(len(HEADER) - 1))
def test_a_blank_in_place_of_a_tab_is_mended_wherever_it_stands(at: int) -> None:
    values = bank_row()
    shifted = [*values[:at], f"{values[at]} {values[at + 1]}", *values[at + 2 :]]
    row = bank_reader().read(shifted)
    assert isinstance(row, ReadRow)
    assert row.events == read_bank().events
    assert "whitespace" in row.repairs


def test_a_shifted_row_that_can_be_parted_in_two_ways_is_rejected() -> None:
    values = bank_row()
    row = bank_reader().read(["AA0101 33118 27997683", *values[3:4], *values[4:]])
    assert isinstance(row, ReadRow)  # two blanks, two separators missing: one way only
    row = bank_reader().read(["AA0101", "33 118 27997683", *values[3:]])
    assert row == Rejection("schema", "16 columns instead of 17")


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"outcome": "TRANSFER"}, "no_type"),
        ({"outcome": ""}, "no_type"),
        ({"call_id": " "}, "no_call"),
        ({"date": "991301"}, "no_time"),
        ({"vru_entry": ""}, "no_time"),
        ({"q_start": "6:61:00"}, "no_time"),
        ({"ser_time": "a while"}, "schema"),
        ({"ser_time": "9999999"}, "schema"),
        ({"type": "Q" * 300}, "too_large"),
        ({"customer_id": "\udcff123"}, "encoding"),
    ],
)
def test_what_cannot_be_read_is_rejected_with_its_kind(changes: dict[str, str], kind: str) -> None:
    assert reject_bank(**changes).reason == kind


def test_a_reason_shows_no_digits_of_a_misplaced_caller() -> None:
    assert "13812345678" not in reject_bank(vru_entry="13812345678").detail


def test_words_are_compared_without_case() -> None:
    assert read_bank(outcome="agent").outcome == "answered"
