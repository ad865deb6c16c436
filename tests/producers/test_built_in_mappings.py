"""The mappings that come with Hotline, on small realistic files and on real ones."""

import csv
from collections import Counter
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from deploy.producers import mapping
from deploy.producers.contents import Contents, read
from deploy.producers.mapping_rows import ReadRow, RowReader
from streams.contract import CallEvent

EXAMPLES = Path(__file__).parent / "examples"
BALTIMORE = Path(__file__).parents[2] / ".." / "shared" / "data" / "baltimore_311_sample.csv"


def events(contents: Contents) -> list[CallEvent]:
    return [msgspec.json.decode(event.value, type=CallEvent) for event in contents.events]


def of_call(contents: Contents, call: str) -> list[CallEvent]:
    return [event for event in events(contents) if event.call == call]


@pytest.fixture(scope="module")
def records() -> Contents:
    return read(EXAMPLES / "calls.csv", mapping.load("call-records"), feed="f", generation=1)


@pytest.fixture(scope="module")
def log() -> Contents:
    return read(EXAMPLES / "queue_log", mapping.load("asterisk-queue-log"), feed="f", generation=1)


@pytest.mark.parametrize("name", mapping.built_in())
def test_every_built_in_mapping_is_documented_and_can_be_used(name) -> None:
    text = (mapping._folder() / f"{name}.yaml").read_text(encoding="utf-8")
    assert text.startswith("#")
    assert f"--mapping {name}" in text or name == "anonymous-bank"
    assert mapping.load(name).name == name


def test_a_call_record_says_each_outcome_with_its_durations(records) -> None:
    assert records.outcomes == {
        "answered": 4, "abandoned": 1, "flowed_out": 1, "callback_taken": 1, "ended_in_menu": 1, "blocked": 1,
    }  # fmt: skip
    told = of_call(records, "20261122-0001")
    assert [event.type for event in told] == ["arrived", "queued", "answered", "ended", "wrapped", "rated"]
    _, queued, answered, ended, wrapped, rated = told
    assert (answered.wait_ms, ended.talk_ms, ended.hold_ms, wrapped.acw_ms) == (12_000, 187_000, 0, 35_000)
    assert (queued.queue, answered.agent, rated.rating) == ("utilities", "4711", 5)
    assert ended.time - answered.time == 187_000
    assert of_call(records, "20261122-0006")[-1].type == "flowed_out"


def test_what_a_record_says_that_is_not_understood_is_named_and_loses_no_call(records) -> None:
    assert records.not_understood == {"rating": 1}
    assert records.repaired == {"clock_skew": 1}
    assert [(number, rejection.reason) for number, rejection in records.rejected] == [(11, "no_time"), (12, "no_type")]
    assert "'gone' in outcome" in records.rejected[1][1].detail


def test_a_queue_log_tells_calls_with_several_visits_and_transfers(log) -> None:
    told = [(e.type, e.queue) for e in of_call(log, "1795312998.40")]
    assert told == [
        ("arrived", ""), ("queued", "residence"), ("answered", "residence"), ("transferred", "residence"),
        ("arrived", ""), ("queued", "utilities"), ("answered", "utilities"), ("transferred", "utilities"),
    ]  # fmt: skip
    transferred = of_call(log, "1795312998.40")[3]
    assert (transferred.talk_ms, transferred.agent) == (60_000, "PJSIP/4711")
    assert of_call(log, "1795312998.40")[-1].talk_ms is None  # a linked transfer: its times tell it


@pytest.mark.parametrize(
    ("call", "type_", "wait"),
    [
        ("1795312805.17", "answered", 24_000),
        ("1795312838.30", "abandoned", 65_000),
        ("1795313108.60", "flowed_out", 60_000),
        ("1795313178.70", "flowed_out", 1_000),
        ("1795313188.80", "flowed_out", 10_000),
    ],
)
def test_a_queue_log_states_how_long_each_visit_waited(log, call, type_, wait) -> None:
    (left,) = [event for event in of_call(log, call) if event.type == type_]
    assert left.wait_ms == wait


def test_a_queue_log_tells_what_each_agent_does_and_serves(log) -> None:
    def states(agent: str) -> list[tuple]:
        told = [event for event in events(log) if event.type == "agent_state" and event.agent == agent]
        return [(event.time // 1000 - 1_795_312_800, event.state, event.skills) for event in told]

    both = ["residence", "utilities"]
    assert states("PJSIP/4711") == [
        (1, "available", ["utilities"]), (1, "available", both),
        (27, "ringing", both), (34, "on_call", both), (190, "available", both),
        (201, "ringing", both), (204, "on_call", both), (264, "available", both),
        (268, "ringing", both), (270, "on_call", both), (300, "available", both),
        (420, "available", ["utilities"]), (430, "logged_out", []),
    ]  # fmt: skip
    assert states("PJSIP/4712") == [
        (2, "available", ["utilities"]),
        (16, "ringing", ["utilities"]), (26, "ring_no_answer", ["utilities"]), (27, "available", ["utilities"]),
        (50, "break", ["utilities"]), (50, "break", ["utilities"]), (410, "available", ["utilities"]),
    ]  # fmt: skip
    assert {event.reason for event in events(log) if event.state == "break"} == {"lunch"}


def test_agents_events_are_keyed_by_the_agent_and_calls_by_the_call(log) -> None:
    keys = {(event.call or event.agent).encode() for event in events(log)}
    assert {timed.key for timed in log.events} == keys
    assert b"PJSIP/4711" in keys


def test_a_line_of_a_log_that_is_unknown_is_rejected_and_one_that_is_known_as_nothing_is_not(log) -> None:
    assert [(number, rejection.reason) for number, rejection in log.rejected] == [(28, "no_type"), (29, "no_call")]
    assert log.outcomes["ignored"] == 1
    assert log.read == 29


def paused(steps: list[tuple[str, str]]) -> list[tuple[str, list[str]]]:
    """States of one agent after steps (event, queue) of a queue log, a second apart."""
    lines = [(1_795_312_800 + n, "NONE", queue, "A", event) for n, (event, queue) in enumerate(steps)]
    rows = [[str(value) for value in line] for line in lines]
    spec = mapping.load("asterisk-queue-log")
    reader = RowReader(spec, spec.columns, feed="f", generation=1)
    read_rows = [reader.read(row) for row in rows]
    assert all(isinstance(row, ReadRow) for row in read_rows)
    return [(row.events[-1].state, row.events[-1].skills) for row in read_rows]


def test_paused_in_one_queue_is_available_in_the_others_and_in_all_is_a_break() -> None:
    assert paused([("ADDMEMBER", "a"), ("ADDMEMBER", "b"), ("PAUSE", "a"), ("PAUSE", "b"), ("UNPAUSE", "a"),
                   ("UNPAUSEALL", "NONE"), ("REMOVEMEMBER", "a"), ("PAUSEALL", "NONE"), ("REMOVEMEMBER", "b")]) == [
        ("available", ["a"]), ("available", ["a", "b"]), ("available", ["b"]), ("break", ["a", "b"]),
        ("available", ["a"]), ("available", ["a", "b"]), ("available", ["b"]), ("break", ["b"]), ("logged_out", []),
    ]  # fmt: skip


def test_a_log_may_tell_states_and_skills_themselves_and_each_line_its_source(tmp_path) -> None:
    text = """
name: states
hotline: h
zone: UTC
call: id
optional: [id]
source: pbx
queue: queue
fields: {agent: agent}
events:
  column: state
  time: at
  words:
    ready: {state: available, skills: skills}
    pause: {state: break, reason: why}
"""
    file = tmp_path / "states.csv"
    file.write_text(
        "at,agent,state,skills,why,queue,pbx\n2026-11-22T10:00:00,7,Ready,a; b,,,pbx-2\n2026-11-22T10:05:00,7,pause,,lunch,a,\n"
    )
    ready, away = events(read(file, mapping.parse(text, "states"), feed="f", generation=1))
    assert (ready.type, ready.agent, ready.state, ready.skills, ready.source) == (
        "agent_state",
        "7",
        "available",
        ["a", "b"],
        "pbx-2",
    )
    assert (away.state, away.reason, away.skills, away.queue, away.source) == ("break", "lunch", None, "a", "states")


def test_tickets_are_answered_calls_with_their_classes_and_ratings_at_their_own_time() -> None:
    contents = read(EXAMPLES / "tickets-gb18030.csv", mapping.load("12345-tickets"), feed="f", generation=1)
    assert contents.outcomes == {"answered": 4, "left_out": 1}  # one came by WeChat
    assert contents.refused == {"no_time": 1}
    first = of_call(contents, "LJ20261122000001")
    assert [event.type for event in first] == ["arrived", "queued", "answered", "ended", "rated"]
    arrived, *_, ended, rated = first
    assert (arrived.category, arrived.district, arrived.department) == ("城乡建设/供水/停水", "310104", "江北区水务局")
    assert (arrived.ticket_type, arrived.caller, ended.talk_ms, rated.rating) == ("投诉", "13800138001", 187_000, 4)
    surveyed = datetime.fromisoformat("2026-11-25T15:20:00+08:00")
    assert rated.time == surveyed.timestamp() * 1000
    assert of_call(contents, "LJ20261122000003")[0].caller == ""  # 匿名
    assert of_call(contents, "LJ20261122000002")[0].category == "人力资源和社会保障/社会保险"


@pytest.mark.skipif(not BALTIMORE.is_file(), reason="shared/data/baltimore_311_sample.csv is not here")
def test_baltimores_phone_requests_give_the_daily_counts_of_a_plain_recount() -> None:
    contents = read(BALTIMORE, mapping.load("baltimore-311"), feed="f", generation=1)
    with BALTIMORE.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["MethodReceived"] == "Phone"]
    plain = Counter(datetime.strptime(row["CreatedDate"][:10], "%m/%d/%Y").date() for row in rows)  # noqa: DTZ007
    answered = [event for event in events(contents) if event.type == "answered"]
    zone = ZoneInfo("America/New_York")
    assert Counter(datetime.fromtimestamp(event.time / 1000, zone).date() for event in answered) == plain
    assert sum(plain.values()) == len(answered) == 4_995
    assert not contents.refused
    departments = Counter(event.department for event in events(contents) if event.type == "arrived")
    assert departments == Counter(row["Agency"] for row in rows)
