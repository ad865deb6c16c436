"""The oracle itself, on cases small enough to be worked out by hand from the definitions."""

import json
from typing import Any

from deploy.producers.simulator.truth import TrueVisit
from deploy.runtime.settings import Settings
from oracle.batch import Answer, CellKey, compute, rolled_up
from oracle.compare import differences
from oracle.reading import Input
from oracle.rules import rules_of
from oracle.truth import recount

T = 1_700_000_000_000 - 1_700_000_000_000 % 3_600_000
S, MINUTE, HOUR = 1_000, 60_000, 3_600_000
RULES = rules_of(Settings(demo=True))
NOW = T + 24 * HOUR
FATE = {
    "offered": 1,
    "answered": 1,
    "answered_wait.21": 1,
    "wait_ms_sum": 20_001,
    "waited": 1,
    "talk_ms_sum": 60_000,
    "talked": 1,
    "answered_by_outcome": 1,
    "offered_by_outcome": 1,
    "event_expired.20": 1,
}
"""What a visit adds that was queued at :00, answered 1 ms after the threshold of 20 s, and talked for a minute."""


def ev(second: float, kind: str, call: str = "c1", *, at: float | None = None, **fields: Any) -> tuple[int, bytes]:
    """(append time, value)"""
    event = {"type": kind, "time": T + round(second * S), "call": call, "hotline": "h", "source": "pbx"} | fields
    return T + round((second if at is None else at) * S), json.dumps(event).encode()


def answer(*records: tuple[int, bytes], now: int = NOW) -> Answer:
    log = sorted(records)
    return compute([Input(0, offset, at, value) for offset, (at, value) in enumerate(log)], RULES, now)


def cells(of: Answer, dimension_set: str) -> dict[int, dict[str, int]]:
    """Minute since T -> counters, of a set's only value."""
    return {(key.minute - T) // MINUTE: it for key, it in of.cells.items() if key.dimension_set == dimension_set}


CALL = (ev(0, "queued", queue="q"), ev(20.001, "answered", queue="q", agent="ann"), ev(80.001, "ended"))


def test_one_answered_call() -> None:
    told = answer(*CALL)
    assert cells(told, "queue") == {0: FATE}
    assert cells(told, "hotline") == {0: FATE | {"calls_offered": 1, "calls_answered": 1}}
    assert cells(told, "source") == {0: FATE | {"events": 2}, 1: {"events": 1}}
    (row,) = told.visits.values()
    assert (row["wait_ms"], row["talk_ms"], row["outcome"], row["agent"]) == (20_001, 60_000, "answered", "ann")
    assert told.letters == {}


def test_repeats_and_another_order_change_nothing_but_the_count_of_repeats() -> None:
    straight = answer(*CALL)
    shuffled = answer(*(ev(0, "queued", queue="q", at=100), *CALL[1:], CALL[1]))
    assert cells(shuffled, "queue") == cells(straight, "queue")
    assert shuffled.visits == straight.visits
    assert sum(it.get("repeats", 0) for it in cells(shuffled, "source").values()) == 1


def test_late_future_and_unreadable_records_are_letters_and_count_nowhere() -> None:
    told = answer(
        ev(0, "queued", queue="q", at=2 * 3600 + 0.001),
        ev(301, "queued", "c2", queue="q", at=0),
        (T, b"{"),
        (T, b'{"time": 1}'),
    )
    assert sorted(letter["reason"] for letter in told.letters.values()) == ["future", "late", "no_type", "not_json"]
    assert told.cells == {}
    assert told.visits == {}


def test_exactly_at_the_limits_an_event_counts() -> None:
    told = answer(ev(0, "queued", queue="q", at=2 * 3600), ev(300, "queued", "c2", queue="q", at=0))
    assert told.letters == {}
    assert sum(it.get("offered", 0) for it in cells(told, "queue").values()) == 2


def test_a_call_that_nobody_ended_is_open_and_then_lost() -> None:
    queued = ev(0, "queued", queue="q")
    (row,) = answer(queued, now=T + 2 * HOUR - 1).visits.values()
    assert row["outcome"] == "open"
    told = answer(queued, now=T + 2 * HOUR)
    (row,) = told.visits.values()
    assert (row["outcome"], row["ended_at"]) == ("lost_track", T + 2 * HOUR)
    assert cells(told, "queue") == {
        0: {"offered": 1, "lost_track": 1, "event_expired.20": 1},
        120: {"lost_track_by_outcome": 1, "offered_by_outcome": 1},
    }


def test_the_same_id_is_another_call_once_the_first_is_forgotten() -> None:
    first = (ev(0, "queued", queue="q"), ev(9, "abandoned", queue="q"))
    again = ev(2 * 3600 + 10, "queued", queue="q")
    assert sum(it.get("calls_offered", 0) for it in cells(answer(*first, again), "hotline").values()) == 2
    sooner = ev(2 * 3600 + 9, "queued", queue="q")
    assert sum(it.get("calls_offered", 0) for it in cells(answer(*first, sooner), "hotline").values()) == 1


def test_an_agents_time_is_cut_at_minutes() -> None:
    states = [
        ev(50, "agent_state", "", agent="ann", state="available"),
        ev(130, "agent_state", "", agent="ann", state="logged_out"),
    ]
    assert cells(answer(*states), "hotline") == {
        0: {"agent_available_ms": 10_000},
        1: {"agent_available_ms": 60_000},
        2: {"agent_available_ms": 10_000},
    }


def test_paths_and_division_codes_are_rolled_up() -> None:
    assert rolled_up("category", "water/leak/street", 1) == "water"
    assert rolled_up("category", "water/leak/street", 0) == "water/leak/street"
    assert rolled_up("district", "110105", 1) == "110000"


def test_a_truth_log_recounts_to_the_same_cells_as_the_log_that_was_told() -> None:
    true = TrueVisit(
        call="c1", outcome="answered", hotline="h", source="pbx", queue="q", arrived_at=T, queued_at=T,
        answered_at=T + 20_001, ended_at=T + 80_001, wait_ms=20_001, talk_ms=60_000, told_until=T + 80_001, agent="ann",
    )  # fmt: skip
    told = {key: dict(it) for key, it in answer(*CALL).cells.items()}
    for cell in told.values():
        cell.pop("events", None)  # what sources sent is another line of the truth
    assert recount([true], RULES, "live", partitions=6).cells == {key: it for key, it in told.items() if it}


def test_every_kind_of_difference_is_named() -> None:
    key = CellKey("live", 0, "h", "queue", (("queue", "q"),), T)
    one = Answer({("live", 0, "c1/q/1"): {"outcome": "open"}}, {key: {"offered": 1}}, {(0, 1): {"reason": "late"}})
    other = Answer({("live", 0, "c1/q/1"): {"outcome": "answered"}}, {key: {"offered": 2, "answered": 1}}, {})
    assert differences(one, one) == []
    assert differences(one, other) == [
        "visit live/0/c1/q/1: outcome: engine open, oracle answered",
        "cell live.0 h queue queue=q 2023-11-14 22:00: answered: engine 0, oracle 1",
        "cell live.0 h queue queue=q 2023-11-14 22:00: offered: engine 1, oracle 2",
        "dead letter 0/1: only in the engine: {'reason': 'late'}",
    ]
