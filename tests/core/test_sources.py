"""Sources: who is heard, who is silent, who sends everything twice, and what a snapshot says of open calls."""

from typing import Any

import pytest
from engine import Engine

from streams.bundle import PartialSource
from streams.contract import SourceStatus
from streams.merged_sources import MergedSources, SourcesHead

T = 1_700_000_000_000 - 1_700_000_000_000 % 60_000
S = 1_000
MINUTE = 60 * S


def beat(second: float, source: str = "pbx-1", **fields: Any) -> dict[str, Any]:
    return {"type": "heartbeat", "time": T + round(second * S), "source": source, "hotline": "h"} | fields


def ev(second: float, kind: str, call: str = "c1", **fields: Any) -> dict[str, Any]:
    event = {"type": kind, "time": T + round(second * S), "hotline": "h", "source": "pbx-1", "queue": "q"}
    return event | ({} if kind.startswith("snapshot_") else {"call": call}) | fields


def run(engine: Engine, seconds: range, *sources: str) -> None:
    for second in seconds:
        engine.send([beat(second, source) for source in sources], T + second * S)
        engine.tick(T + second * S)


def completeness(engine: Engine, minute: int) -> tuple[int, int]:
    (cell,) = [c for c in engine.cells.values() if c.dimension_set == "queue" and c.minute == T + minute * MINUTE]
    assert cell.final
    return cell.sources_heard, cell.sources_expected


def test_a_source_that_falls_silent_is_told_from_a_quiet_night() -> None:
    engine = Engine()
    run(engine, range(0, 180, 20), "pbx-1", "pbx-2")
    engine.send([ev(100, "queued")], T + 180 * S)
    run(engine, range(180, 420, 20), "pbx-1")
    engine.send([ev(330, "queued", "c2")], T + 420 * S)
    run(engine, range(420, 600, 20), "pbx-1")
    assert engine.sources["pbx-1"].silent_since is None
    assert engine.sources["pbx-2"].silent_since == T + 160 * S
    assert completeness(engine, 1) == (2, 2)
    assert completeness(engine, 5) == (1, 2)
    run(engine, range(600, 640, 20), "pbx-1", "pbx-2")
    assert engine.sources["pbx-2"].silent_since is None


def test_what_a_source_sends_late_is_no_silence() -> None:
    engine = Engine()
    late = 50 * MINUTE  # it was cut off, and sends what it kept; another one's clock is wrong by five minutes
    for second in range(0, 300, 20):
        sent = [beat(second, "pbx-1"), beat(late // S + second - 300, "pbx-2")]
        engine.send(sent, T + late + second * S)
        engine.tick(T + late + second * S)
        assert {name: it.silent_since for name, it in engine.sources.items()} == {"pbx-1": None, "pbx-2": None}
    engine.tick(T + late + 280 * S + 91 * S)
    assert {it.silent_since for it in engine.sources.values()} == {T + late + 280 * S}


def test_an_open_minute_is_as_complete_as_its_sources_were_heard_so_far() -> None:
    engine = Engine()
    run(engine, range(0, 60, 20), "pbx-1", "pbx-2")
    for second, event, heard in ((61, ev(61, "queued"), 1), (65, beat(65, "pbx-2"), 2)):
        engine.send([event], T + second * S)
        engine.tick(T + second * S)
        (cell,) = [c for c in engine.cells.values() if c.dimension_set == "queue" and c.minute == T + MINUTE]
        assert (cell.sources_heard, cell.sources_expected, cell.final) == (heard, 2, False)


def test_a_source_without_heartbeats_is_never_missed() -> None:
    engine = Engine()
    engine.send([ev(0, "queued")], T)
    for minute in range(30):
        engine.tick(T + minute * MINUTE)
    assert not engine.sources["pbx-1"].expected
    assert engine.sources["pbx-1"].silent_since is None
    assert completeness(engine, 0) == (0, 0)


def test_a_doubled_feed_is_named_and_changes_no_number() -> None:
    once, twice = Engine(), Engine()
    for number in range(30):
        call = [ev(number, "queued", f"c{number}"), ev(number + 5, "answered", f"c{number}")]
        once.send(call, T + (number + 6) * S)
        twice.send(call + call, T + (number + 6) * S)
    for engine in (once, twice):
        for second in range(36, 60):
            engine.tick(T + second * S)
    assert twice.sources["pbx-1"].doubled
    assert not once.sources["pbx-1"].doubled
    assert (once.sources["pbx-1"].events, once.sources["pbx-1"].repeats) == (60, 0)
    assert (twice.sources["pbx-1"].events, twice.sources["pbx-1"].repeats) == (120, 60)
    for dimension_set in ("hotline", "queue", "category_1"):
        assert twice.total(dimension_set) == once.total(dimension_set)


def test_a_source_that_begins_with_a_snapshot_does_not_send_everything_twice() -> None:
    engine = Engine()
    agents = [ev(0, "agent_state", "", agent=f"a{number}", state="available") for number in range(30)]
    told = [event | {"type": "snapshot"} for event in agents]
    marks = [
        {"type": kind, "time": T, "hotline": "h", "source": "pbx-1"} for kind in ("snapshot_begin", "snapshot_end")
    ]
    engine.send([*agents, marks[0], *told, marks[1]], T)
    for second in range(30):
        engine.tick(T + second * S)
    assert (engine.sources["pbx-1"].events, engine.sources["pbx-1"].repeats) == (60 + 2 * engine.partitions, 0)
    assert not engine.sources["pbx-1"].doubled


def statuses(engine: Engine, source: str) -> list[SourceStatus]:
    """All that was told of it, in the order in which it was."""
    return [it for it in engine.records if isinstance(it, SourceStatus) and it.source == source]


def call(number: int, source: str, **fields: Any) -> list[dict[str, Any]]:
    """Three records in the second `2 * number`; PBX-1 sends them twice."""
    once = [ev(number * 2, kind, f"c{number}", source=source) | fields for kind in ("queued", "answered", "ended")]
    return once * 2 if source == "pbx-1" else once


@pytest.mark.parametrize("in_one_step", [False, True])
def test_of_hours_that_are_read_in_one_step_every_window_is_judged(*, in_one_step: bool) -> None:
    engine = Engine()
    calls = [call(number, f"pbx-{number % 2 + 1}", feed="hours") for number in range(4_000)]
    much_later = [ev(3 * 24 * 3_600, "reclassified", "c0", feed="hours", category="heating")]
    over = [{"type": "feed_end", "time": much_later[0]["time"], "hotline": "h", "source": "pbx-1", "feed": "hours"}]
    steps = [*calls, much_later, over]
    if in_one_step:
        steps = [[event for step in steps for event in step]]
    for step in steps:
        engine.send(step, step[-1]["time"])
        engine.tick(step[-1]["time"])
    doubled = [it.at for it in statuses(engine, "pbx-1") if it.doubled]
    assert T <= doubled[0] < T + 2 * MINUTE
    assert {(at - T) // (60 * MINUTE) for at in doubled} == {0, 1, 2}, "no hour is without"
    assert not any(it.doubled for it in statuses(engine, "pbx-2"))
    assert not engine.sources["pbx-1"].doubled, "nothing came of it for days"


def test_a_source_that_is_doubled_in_the_last_window_alone_is_told_so_in_its_minute() -> None:
    engine = Engine()
    numbers = (31, 32, 33, 301)  # three calls in the second minute, and one in the eleventh
    now = T + 11 * MINUTE + S
    engine.send([event for number in numbers for event in call(number, "pbx-1")], now)
    engine.tick(now)
    assert [(it.at, it.events, it.doubled) for it in statuses(engine, "pbx-1")][-2:] == [
        (T + 11 * MINUTE - 1, 24, True),
        (now, 6, False),
    ]


def test_what_is_told_of_a_window_that_is_over_knows_no_more_than_it_did() -> None:
    engine = Engine()
    run(engine, range(0, 600, 20), "pbx-1", "pbx-2", "pbx-3")
    run(engine, range(600, 1_200, 20), "pbx-3")
    silent = engine.sources["pbx-2"]
    assert silent.silent_since == engine.sources["pbx-1"].silent_since == T + 580 * S
    # Both come back, one of them for ten minutes and with everything twice, while nobody reads for half an hour.
    back = [event for number in range(900, 1_200) for event in call(number, "pbx-1")]
    heard = [beat(second, "pbx-2") for second in range(2_400, 3_600, 20)]
    engine.send([*back, *heard], T + 3_600 * S)
    engine.tick(T + 3_600 * S)
    named = [it for it in statuses(engine, "pbx-1") if it.doubled]
    assert [(it.at, it.last_at, it.silent_since) for it in named] == [(T + 1_860 * S - 1, T + 1_860 * S - 1, None)]
    [now] = [it for it in statuses(engine, "pbx-2") if it.at > silent.at]
    assert (now.at, now.silent_since) == (T + 3_600 * S, None)


@pytest.mark.parametrize(("records", "silent_since"), [({"pbx-1": (24, 12)}, None), ({}, T)])
def test_a_window_in_which_a_source_was_heard_says_nothing_of_its_silence(
    records: dict[str, tuple[int, int]], silent_since: int | None
) -> None:
    sources = MergedSources(SourcesHead(judged_to=T, doubled={"pbx-1": T} if not records else {}))
    sources.merge(0, [PartialSource("pbx-1", "h", expected=True, last_at=T, clock_offset_ms=0)])
    [silent] = sources.judge("live", T + 5 * MINUTE, 1, 90_000, {}, every_ms=0)
    assert silent.silent_since == T
    [over] = sources.judge_window("live", T + 6 * MINUTE, 2, records)
    assert (over.doubled, over.silent_since) == (bool(records), silent_since)


def test_a_record_of_another_year_does_not_have_all_minutes_since_then_judged() -> None:
    sources = MergedSources(SourcesHead(judged_to=0))
    assert list(sources.pass_windows(T, {0, 20 * MINUTE, T - MINUTE})) == [
        *range(MINUTE, 12 * MINUTE, MINUTE),
        *range(21 * MINUTE, 32 * MINUTE, MINUTE),
        T,
    ]
    engine = Engine()
    for number in range(20):
        engine.send(call(number, "pbx-1", feed="years"), T + S)
    in_fifty_years = 50 * 365 * 24 * 3_600
    engine.send([ev(in_fifty_years, "snapshot_begin", feed="years")], T + S)
    assert [(it.at, it.doubled) for it in statuses(engine, "pbx-1")][-2:] == [
        (T + 11 * MINUTE - 1, False),
        (T + in_fifty_years * S, False),
    ]


def test_a_state_of_before_windows_were_judged_begins_where_it_is() -> None:
    head = SourcesHead(told={0: [PartialSource("pbx-1", "h", expected=False, last_at=T, clock_offset_ms=None)]})
    assert head.judged_to is None
    sources = MergedSources(head)
    sources.judge("live", T, 1, 90_000, {"pbx-1": (40, 20)}, every_ms=0)
    minutes = {T - minute * MINUTE for minute in range(60)}
    assert list(sources.pass_windows(T, minutes)) == []
    assert list(sources.pass_windows(T + 2 * MINUTE, minutes)) == [T + MINUTE, T + 2 * MINUTE]
    assert sources.judge_window("live", T + MINUTE, 2, {"pbx-1": (40, 20)}) == [], "it was told that it is doubled"
    [over] = sources.judge_window("live", T + 2 * MINUTE, 2, {"pbx-1": (40, 2)})
    assert not over.doubled


def test_the_clock_of_a_source_is_compared_with_the_brokers() -> None:
    engine = Engine()
    engine.send([beat(0, "slow"), beat(5, "ahead")], T + 2 * S)
    engine.tick(T + 3 * S)
    assert (engine.sources["slow"].clock_offset_ms, engine.sources["ahead"].clock_offset_ms) == (2_000, -3_000)


def test_calls_that_a_snapshot_does_not_name_are_gone_and_come_back_with_their_events() -> None:
    engine = Engine()
    engine.send([ev(0, "queued", "kept"), ev(0, "queued", "gone"), ev(0, "queued", "other", source="pbx-2")], T)
    engine.send([ev(50, "snapshot_begin"), ev(51, "snapshot", "kept", wait_ms=51_000)], T + 51 * S)
    engine.send([ev(52, "snapshot_end")], T + 52 * S)
    engine.tick(T + 60 * S)
    assert engine.gauges["h", "q"].waiting == 2
    assert engine.total()["lost_track"] == 1
    engine.restart()
    engine.send([ev(70, "answered", "gone")], T + 70 * S)
    engine.tick(T + 71 * S)
    total = engine.total()
    assert "lost_track" not in total
    assert (total["offered"], total["answered"], total["answered_wait.70"]) == (3, 1, 1)


def test_a_call_that_is_gone_waits_past_no_threshold_any_more() -> None:
    engine = Engine()
    engine.send([ev(0, "queued", "kept"), ev(0, "queued", "gone")], T)
    engine.send([ev(5, "snapshot_begin"), ev(5, "snapshot", "kept", wait_ms=5_000), ev(6, "snapshot_end")], T + 6 * S)
    engine.tick(T + 10 * MINUTE)
    total = engine.total()
    assert (total["offered"], total["lost_track"]) == (2, 1)
    assert {count for name, count in total.items() if name.startswith("event_expired")} == {1}


def test_a_snapshot_tells_calls_that_began_unseen() -> None:
    engine = Engine()
    talking = ev(100, "snapshot", "talking", wait_ms=10_000, talk_ms=30_000)
    engine.send([ev(99, "snapshot_begin"), ev(100, "snapshot", "new", wait_ms=40_000), talking], T + 100 * S)
    engine.send([ev(101, "snapshot_end")], T + 101 * S)
    engine.tick(T + 102 * S)
    gauge = engine.gauges["h", "q"]
    assert (gauge.waiting, gauge.oldest_queued_at, gauge.in_service) == (1, T + 60 * S, 1)


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ({"type": "heartbeat", "time": T}, "source"),
        ({"type": "agent_state", "time": T, "state": "available"}, "agent"),
        ({"type": "agent_state", "time": T, "agent": "ann", "state": "asleep"}, "state"),
        ({"type": "snapshot", "time": T, "source": "pbx"}, "agent"),
    ],
)
def test_what_is_incomplete_is_refused_with_the_field(event: dict[str, Any], field: str) -> None:
    engine = Engine()
    engine.send([event], T)
    engine.tick(T + S)
    (letter,) = engine.letters.values()
    assert (letter.reason, letter.field) == ("schema", field)
