"""The laws of counting, on the whole core: N partitions and a merger with an honest log between."""

import random
from itertools import groupby
from typing import Any

import pytest
from engine import Engine
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.contract import FeedStatus

T = 1_700_000_000_000 - 1_700_000_000_000 % 60_000
S = 1_000
HOUR = 3_600_000


def ev(second: float, kind: str, call: str = "c1", **fields: Any) -> dict[str, Any]:
    return {"type": kind, "time": T + round(second * S), "call": call, "hotline": "h", "source": "pbx"} | fields


def answered(call: str, at: float, wait: float, talk: float, queue: str = "q", **end: Any) -> list[dict[str, Any]]:
    return [
        ev(at, "queued", call, queue=queue),
        ev(at + wait, "answered", call, queue=queue, agent="ann"),
        ev(at + wait + talk, "ended", call, **end),
    ]


def test_one_call_from_arrival_to_cell() -> None:
    engine = Engine()
    engine.send(answered("c1", 0, 12, 60, category="water/leak"), T + 72 * S)
    engine.tick(T + 73 * S)
    expected = {
        "offered": 1,
        "answered": 1,
        "answered_wait.12": 1,
        "wait_ms_sum": 12_000,
        "waited": 1,
        "talk_ms_sum": 60_000,
        "talked": 1,
        "offered_by_outcome": 1,
        "answered_by_outcome": 1,
        "event_answered.20": 1,
    }
    assert engine.total("queue", queue="q") == engine.total("category_1", category="water") == expected
    assert engine.total() == expected | {"calls_offered": 1, "calls_answered": 1}
    (visit,) = engine.visits.values()
    assert (visit.outcome, visit.wait_ms, visit.category) == ("answered", 12_000, "water/leak")


def test_a_category_set_at_wrap_up_moves_the_visit() -> None:
    engine = Engine()
    engine.send(answered("c1", 0, 5, 10, category="water"), T + 20 * S)
    assert engine.total("category_1", category="water")["offered"] == 1
    engine.send([ev(40, "wrapped", category="roads")], T + 41 * S)
    assert engine.total("category_1", category="water") == {}
    assert engine.total("category_1", category="roads")["answered"] == 1


def test_waiting_past_the_threshold_is_a_miss_before_the_answer() -> None:
    engine = Engine()
    engine.send([ev(0, "queued", queue="q")], T)
    engine.tick(T + 20 * S)
    assert engine.gauges["h", "q"].waiting_over_threshold == 0
    assert "event_expired.20" not in engine.total()
    engine.tick(T + 20 * S + 1)
    assert engine.gauges["h", "q"].waiting_over_threshold == 1
    assert engine.total()["event_expired.20"] == 1


def test_a_backlog_does_not_make_calls_wait_that_were_answered_meanwhile() -> None:
    engine = Engine()
    engine.send([ev(0, "queued", queue="q")], T)
    engine.tick(T + 600 * S, caught_up=False)
    assert engine.gauges["h", "q"].waiting_over_threshold == 0
    engine.send([ev(4, "answered", queue="q")], T + 4 * S)
    engine.tick(T + 600 * S)
    assert engine.gauges["h", "q"].waiting == 0
    assert engine.total()["event_answered.20"] == 1
    assert "event_expired.20" not in engine.total()


def test_a_call_whose_end_never_came_is_lost_and_comes_back() -> None:
    engine = Engine()
    engine.send([ev(0, "queued", queue="q")], T)
    engine.tick(T + 2 * HOUR - 1)
    assert engine.gauges["h", "q"].waiting == 1
    engine.tick(T + 2 * HOUR)
    assert engine.gauges["h", "q"].waiting == 0
    assert engine.total()["lost_track"] == 1
    assert [visit.outcome for visit in engine.visits.values()] == ["lost_track"]
    engine.send([ev(7_210, "abandoned", queue="q")], T + 7_210 * S)
    assert "lost_track" not in engine.total()
    assert engine.total()["abandoned"] == 1


def test_a_menu_call_that_turns_out_queued_is_retracted() -> None:
    engine = Engine()
    engine.send([ev(0, "arrived"), ev(9, "ended")], T + 9 * S)
    assert engine.total()["ended_in_menu"] == 1
    engine.send([ev(3, "queued", queue="q")], T + 10 * S)
    assert "ended_in_menu" not in engine.total()
    assert {visit.queue: visit.retracted for visit in engine.visits.values()} == {"": True, "q": False}


def test_late_future_and_unreadable_events_are_counted_and_kept_as_dead_letters() -> None:
    engine = Engine()
    engine.send([ev(0, "queued", queue="q")], T + 2 * HOUR + 1)
    engine.send([ev(0, "queued", "c2", queue="q")], T + 2 * HOUR)
    engine.send([ev(301, "queued", "c3", queue="q")], T)
    engine.send(
        [b'{"call":"13800138000"', b'{"type":"queued","time":1}', b'{"call":"\xff","type":"queued"}'], T + 3 * HOUR
    )
    engine.tick(T + 3 * HOUR)
    assert sorted(letter.reason for letter in engine.letters.values()) == [
        "encoding",
        "future",
        "late",
        "no_call",
        "not_json",
    ]
    assert not any("13800138000" in letter.preview + letter.detail for letter in engine.letters.values())
    assert engine.progress is not None
    assert engine.progress.late == {"pbx": 1}
    assert engine.total()["offered"] == 1


def test_a_record_that_is_too_large_is_a_dead_letter_and_those_beside_it_count() -> None:
    engine = Engine()
    engine.send([ev(0, "queued", queue="q"), ev(1, "rated", "c2", text="x" * 70_000), ev(9, "abandoned")], T + 9 * S)
    engine.tick(T + 12 * S)
    assert [letter.reason for letter in engine.letters.values()] == ["too_large"]
    assert engine.total()["abandoned"] == 1


def test_a_record_on_another_partition_than_its_keys_is_counted_and_used() -> None:
    engine = Engine()
    engine.send([ev(0, "queued", "c1", queue="q")], T, key="some-other-key")
    engine.tick(T + 5 * S)
    assert engine.progress is not None
    assert engine.progress.misrouted == {"pbx": 1}
    assert engine.total()["offered"] == 1


def test_a_replay_ends_with_marks_of_every_partition_and_a_later_one_replaces_it() -> None:
    engine = Engine()
    for generation in (1, 2):
        feed = {"feed": "replay-1", "generation": generation}
        begin = {"type": "feed_begin", "time": T, "range_from": T, "range_to": T + HOUR} | feed
        events = [event | feed for n in range(30) for event in answered(f"c{n}", n, 5, 60)]
        engine.send([begin], T + 400 * HOUR)
        engine.send(events, T + 400 * HOUR)
        engine.send([{"type": "feed_end", "time": T + HOUR} | feed], T + 400 * HOUR)
        engine.tick(T + 400 * HOUR)
        marks = {(m.source_partition, m.partition) for m in engine.marks if m.generation == generation}
        assert len(marks) == 36
        told = [r for r in engine.records if isinstance(r, FeedStatus) and r.generation == generation]
        assert [state for state, _ in groupby(r.state for r in told)] == ["running", "ended"]
        assert T < told[-1].at < T + HOUR, "as far as its events are"
        offered = sum(
            c.counts.get("offered", 0)
            for c in engine.cells.values()
            if c.generation == generation and c.dimension_set == "hotline"
        )
        assert offered == 30
    assert engine.total() == {}, "live is untouched"
    engine.send([answered("c99", 0, 5, 60)[0] | {"feed": "replay-1", "generation": 1}], T + 400 * HOUR)
    engine.tick(T + 400 * HOUR + 5 * S)
    assert engine.progress is not None
    assert engine.progress.superseded == {"pbx": 1}


def test_a_partition_that_is_hours_behind_the_others_keeps_its_share() -> None:
    feed = {"feed": "replay-2", "generation": 1}
    events = [event | feed for n in range(600) for event in answered(f"c{n}", n // 6 * 360, 5, 60)]  # six a minute
    begin = {"type": "feed_begin", "time": T, "range_from": T, "range_to": T + 10 * HOUR} | feed
    end = {"type": "feed_end", "time": T + 10 * HOUR} | feed
    engine = Engine()
    engine.send([begin, *events, end], T + 400 * HOUR)  # one partition after the other, each to its end
    assert engine.total(feed="replay-2")["offered"] == 600
    assert engine.total("queue", feed="replay-2", queue="q")["answered_by_outcome"] == 600


@pytest.mark.parametrize("lost", [1, 10, 40])
def test_a_partition_that_tells_again_after_a_crash_changes_nothing(lost: int) -> None:
    """Its last steps were told but not in its state; cells that they changed were let go meanwhile."""
    feed = {"feed": "replay-3", "generation": 1}
    calls = [[event | feed for n in range(12) for event in answered(f"{m}-{n}", m * 600, 5, 60)] for m in range(120)]
    begin = {"type": "feed_begin", "time": T, "range_from": T, "range_to": T + 30 * HOUR} | feed
    engine = Engine()
    engine.send([begin], T + 400 * HOUR)
    for step, events in enumerate(calls):
        if step == 100 - lost:
            engine.checkpoint(2)
        engine.send(events, T + 400 * HOUR + step)
        if step == 100:
            engine.crash(2, T + 400 * HOUR + step)
    engine.send([{"type": "feed_end", "time": T + 30 * HOUR} | feed], T + 401 * HOUR)
    total = engine.total(feed="replay-3")
    assert (total["offered"], total["answered_by_outcome"]) == (1_440, 1_440)


def _events(rng: random.Random, calls: int) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Random calls within an hour, and a plain recount of them."""
    events: list[dict[str, Any]] = []
    truth = dict.fromkeys(("offered", "answered", "abandoned", "ended_in_menu", "wait_ms_sum", "calls_abandoned"), 0)
    for number in range(calls):
        call, at = f"call-{number}", rng.uniform(0, 3_000)
        kind = rng.choice(["answered", "answered", "abandoned", "menu"])
        events.append(ev(at, "arrived", call, caller="13912345678"))
        if kind == "menu":
            events.append(ev(at + 9, "ended", call))
            truth["ended_in_menu"] += 1
            continue
        wait = rng.choice([0, 3, 19.5, 20, 20.001, 64])
        truth["offered"] += 1
        events.append(ev(at + 5, "queued", call, queue=rng.choice("ab")))
        if kind == "answered":
            truth["answered"] += 1
            events.append(ev(at + 5 + wait, "answered", call))
            events.append(ev(at + 5 + wait + 30, "ended", call, category=rng.choice(["x/1", "x/2", "y"])))
            truth["wait_ms_sum"] += (T + round((at + 5 + wait) * S)) - (T + round((at + 5) * S))
        else:
            truth["abandoned"] += 1
            truth["calls_abandoned"] += 1
            events.append(ev(at + 5 + wait, "abandoned", call))
    return events, truth


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40), st.booleans())
def test_any_order_repeats_restarts_and_clocks_give_the_recount(seed: int, calls: int, restarts: bool) -> None:
    rng = random.Random(seed)
    events, truth = _events(rng, calls)
    reference = Engine()
    reference.send(events, T + HOUR)
    reference.tick(T + HOUR + 1)
    told = events + rng.sample(events, len(events) // 3)
    rng.shuffle(told)
    engine = Engine()
    now = T + HOUR
    while told:
        size = rng.randint(1, 20)
        engine.send(told[:size], now)
        del told[:size]
        if rng.random() < 0.5:
            now += rng.randint(0, 60 * S)
            engine.tick(now, caught_up=rng.random() < 0.7)
        if restarts and rng.random() < 0.3:
            engine.tick(now)
            engine.restart()
    engine.tick(now + 1)
    total = engine.total()
    assert {name: total.get(name, 0) for name in truth} == truth
    for dimension_set in ("hotline", "queue", "category_1"):
        assert engine.total(dimension_set) == reference.total(dimension_set)
    by_id = {key: visit.outcome for key, visit in engine.visits.items() if not visit.retracted}
    assert by_id == {key: visit.outcome for key, visit in reference.visits.items() if not visit.retracted}


def test_old_cells_and_calls_are_let_go_and_the_state_stays_small() -> None:
    engine = Engine()
    sizes = []
    for hour in range(12):
        base = hour * 3_600
        for n in range(60):
            engine.send(answered(f"{hour}-{n}", base + n * 60, 5, 60), T + (base + n * 60 + 65) * S)
        engine.tick(T + (base + 3_600) * S)
        sizes.append(sum(engine.state_bytes()))
    assert engine.total()["offered"] == 720
    assert sizes[-1] == pytest.approx(sizes[5], rel=0.1)
    assert all(cell.final for cell in engine.cells.values() if cell.minute < T + 11 * HOUR)
