"""Transfers, flow-outs, callbacks and holds, and what is told days after a call."""

from typing import Any

from engine import Engine

T = 1_700_000_000_000 - 1_700_000_000_000 % 60_000
S = 1_000
DAY = 86_400 * S
MINUTE = 60 * S


def ev(second: float, kind: str, call: str = "c1", **fields: Any) -> dict[str, Any]:
    return {"type": kind, "time": T + round(second * S), "call": call, "hotline": "h", "source": "pbx"} | fields


def pass_time(engine: Engine, start: int, end: int, step: int = 120 * MINUTE) -> None:
    for now in range(start, end, step):
        engine.tick(now)


def test_a_transfer_is_an_answer_here_and_a_visit_there() -> None:
    engine = Engine()
    engine.send([ev(0, "queued", queue="a"), ev(5, "answered", queue="a"), ev(60, "transferred", queue="a")], T)
    engine.send([ev(60, "queued", queue="b"), ev(70, "flowed_out", queue="b"), ev(70, "queued", queue="c")], T)
    engine.send([ev(75, "answered", queue="c"), ev(90, "held"), ev(100, "resumed"), ev(125, "ended")], T + 125 * S)
    engine.tick(T + 126 * S)
    a, b, c = (engine.total("queue", queue=queue) for queue in "abc")
    assert (a["transferred_out"], a["talk_ms_sum"], a.get("transferred_in")) == (1, 55_000, None)
    assert (b["transferred_in"], b["flowed_out"], b.get("answered")) == (1, 1, None)
    assert (c["flowed_in"], c["answered"], c["held"], c["hold_ms_sum"], c["talk_ms_sum"]) == (1, 1, 1, 10_000, 40_000)
    total = engine.total()
    assert (total["offered"], total["calls_offered"], total["calls_answered"]) == (3, 1, 1)
    assert [v.transferred for v in sorted(engine.visits.values(), key=lambda v: v.queue)] == [True, False, False]


def test_a_callback_is_completed_at_its_own_time() -> None:
    engine = Engine()
    engine.send([ev(0, "queued", queue="a"), ev(30, "callback_taken", queue="a")], T + 30 * S)
    engine.send([ev(1_800, "callback_completed")], T + 1_800 * S)
    engine.tick(T + 1_801 * S)
    done = [c for c in engine.cells.values() if c.dimension_set == "queue" and c.counts.get("callback_completed")]
    assert [(c.queue, c.minute) for c in done] == [("a", T + 30 * MINUTE)]
    (visit,) = engine.visits.values()
    assert (visit.outcome, visit.callback_completed_at) == ("callback_taken", T + 1_800 * S)


def test_a_rating_of_a_remembered_call_stands_in_its_visit_and_its_own_minute() -> None:
    engine = Engine()
    engine.send([ev(0, "queued", queue="a"), ev(5, "answered", queue="a"), ev(60, "ended")], T + 60 * S)
    engine.send([ev(400, "rated", rating=4)] * 2, T + 400 * S)
    engine.tick(T + 401 * S)
    rated = [c for c in engine.cells.values() if c.dimension_set == "queue" and c.counts.get("rated.4")]
    assert [(c.queue, c.minute, c.counts) for c in rated] == [("a", T + 6 * MINUTE, {"rated.4": 1})]
    (visit,) = engine.visits.values()
    assert (visit.rating, visit.rated_at) == (4, T + 400 * S)
    assert engine.facts == {}


def test_a_rating_and_a_new_category_days_later_are_facts_of_their_own() -> None:
    engine = Engine()
    engine.send([ev(0, "queued", queue="a", category="water"), ev(5, "answered", queue="a"), ev(60, "ended")], T)
    pass_time(engine, T, T + DAY)
    before = engine.total("category_1")
    late = [
        ev(7 * 86_400, "rated", rating=5, queue="a", category="water"),
        ev(86_400, "reclassified", category="roads"),
    ]
    engine.send([late[1]], T + DAY)
    pass_time(engine, T + DAY, T + 7 * DAY)
    assert engine.total("category_1") == before
    engine.send([late[0], late[0]], T + 7 * DAY)
    engine.tick(T + 7 * DAY + S)
    rated = [c for c in engine.cells.values() if c.dimension_set == "queue" and c.counts.get("rated.5")]
    assert [(c.queue, c.minute, c.counts) for c in rated] == [("a", T + 7 * DAY, {"rated.5": 1})]
    assert engine.total("category_1", category="water")["answered"] == 1
    (visit,) = engine.visits.values()
    assert (visit.category, visit.rating) == ("water", None)
    facts = {key[1]: fact for key, fact in engine.facts.items()}
    assert (facts["rated"].rating, facts["reclassified"].category) == (5, "roads")
    assert engine.letters == {}


def test_a_category_changed_while_the_call_is_remembered_moves_it() -> None:
    engine = Engine()
    engine.send([ev(0, "queued", queue="a", category="water"), ev(5, "answered", queue="a"), ev(60, "ended")], T)
    engine.send([ev(3_000, "reclassified", category="roads/hole")], T + 3_000 * S)
    engine.tick(T + 3_001 * S)
    assert engine.total("category_1", category="water") == {}
    assert engine.total("category_2", category="roads/hole")["answered"] == 1
    assert engine.facts == {}
