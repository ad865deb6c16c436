"""Agents: time by state split at minute borders, who is where now, and what is told twice or not at all."""

from typing import Any

from engine import Engine
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.runtime.settings import Settings
from streams.agent_book import AgentBook
from streams.agents import Agent, AgentFact, AgentFacts
from streams.cell_book import CellBook
from streams.processors import counting_rules
from streams.roster import Roster

T = 1_700_000_000_000 - 1_700_000_000_000 % 60_000
S = 1_000
MINUTE = 60 * S
SKILLS = ["water", "permits", "roads"]


def state(second: float, name: str, agent: str = "ann", **fields: Any) -> dict[str, Any]:
    told = {"type": "agent_state", "time": T + round(second * S), "agent": agent, "state": name}
    return told | {"hotline": "h", "source": "pbx", "centre": "north"} | fields


def test_time_is_split_at_minute_borders_by_state_and_queue() -> None:
    engine = Engine()
    engine.send([state(30, "available", skills=["water", "permits"]), state(90, "on_call", queue="water")], T + 90 * S)
    engine.send([state(150, "after_call", queue="water"), state(160, "logged_out")], T + 160 * S)
    engine.tick(T + 400 * S)
    by_minute = {
        (cell.queue, (cell.minute - T) // MINUTE): cell.counts
        for cell in engine.cells.values()
        if cell.dimension_set == "queue" and cell.counts
    }
    assert by_minute == {
        ("water", 0): {"agent_available_ms": 30_000},
        ("permits", 0): {"agent_available_ms": 30_000},
        ("water", 1): {"agent_available_ms": 30_000, "agent_on_call_ms": 30_000},
        ("permits", 1): {"agent_available_ms": 30_000},
        ("water", 2): {"agent_on_call_ms": 30_000, "agent_after_call_ms": 10_000},
    }
    whole = {"agent_available_ms": 60_000, "agent_on_call_ms": 60_000, "agent_after_call_ms": 10_000}
    assert engine.total("hotline") == engine.total("centre", centre="north") == whole


def test_an_agent_with_three_skills_counts_in_three_queues_and_once_in_the_total() -> None:
    engine = Engine()
    engine.send([state(0, "available", skills=SKILLS), state(0, "break", "bob", reason="lunch", skills=SKILLS)], T)
    engine.tick(T + S)
    assert [engine.gauges["h", queue].agents for queue in ("", *SKILLS)] == [{"available": 1, "break": 1}] * 4
    assert engine.gauges["h", ""].breaks == {"lunch": 1}
    engine.send([state(2, "on_call", queue="roads"), state(2, "logged_out", "bob")], T + 2 * S)
    engine.tick(T + 3 * S)
    assert engine.gauges["h", ""].agents == engine.gauges["h", "roads"].agents == {"on_call": 1}
    assert engine.gauges["h", "water"].agents == {}


def test_an_agent_nobody_tells_of_is_given_up_and_comes_back() -> None:
    engine = Engine()
    lost = engine.settings.intake.lost_agent_s
    engine.send([state(0, "available", skills=["water"])], T)
    for at in range(0, lost + 120, 600):
        engine.tick(T + at * S)
    engine.tick(T + (lost + 120) * S)
    assert engine.gauges["h", ""].agents == {}
    assert engine.total()["agent_available_ms"] == lost * S
    assert engine.total()["agent_lost_track"] == 1
    engine.send([state(lost + 60, "logged_out")], T + (lost + 120) * S)
    engine.tick(T + (lost + 180) * S)
    assert engine.total() == {"agent_available_ms": (lost + 60) * S}


def test_a_call_that_rings_in_vain_is_counted_where_it_rang() -> None:
    engine = Engine()
    engine.send([state(0, "ringing", queue="roads", skills=SKILLS), state(20, "ring_no_answer", queue="roads")], T)
    engine.send([state(30, "available")], T + 30 * S)
    engine.tick(T + 60 * S)
    assert engine.total("queue", queue="roads")["ring_no_answer"] == 1
    assert "ring_no_answer" not in engine.total("queue", queue="water")


told = st.lists(
    st.tuples(
        st.integers(0, 600),
        st.sampled_from(["available", "on_call", "hold", "after_call", "break", "logged_out", "ring_no_answer"]),
        st.sampled_from(["", "water", "roads"]),
        st.sampled_from([None, ["water"], SKILLS]),
    ),
    min_size=1,
    max_size=12,
)


@given(told, st.data())
@settings(max_examples=60, deadline=None)
def test_order_repeats_and_restarts_change_nothing(spells: list[Any], data: st.DataObject) -> None:
    events = [
        state(at, name, queue=queue) | ({} if skills is None else {"skills": skills})
        for at, name, queue, skills in spells
    ]
    shuffled = data.draw(st.permutations(events + data.draw(st.lists(st.sampled_from(events), max_size=5))))
    plain, odd = Engine(partitions=2), Engine(partitions=2)
    plain.send(events, T + 600 * S)
    cut = data.draw(st.integers(0, len(shuffled)))
    odd.send(shuffled[:cut], T + 600 * S)
    odd.restart()
    odd.send(shuffled[cut:], T + 600 * S)
    for engine in (plain, odd):
        engine.tick(T + 800 * S)
    assert odd.total("queue") == plain.total("queue")
    assert odd.total() == plain.total()
    assert {k: g.agents for k, g in odd.gauges.items() if g.agents} == {
        k: g.agents for k, g in plain.gauges.items() if g.agents
    }


def test_the_minutes_that_a_new_agent_may_still_change_begin_with_what_was_told_of_it() -> None:
    agent = Agent(hotline="h", facts=AgentFacts([AgentFact(T, "available")]), last_at=T)
    roster = Roster(AgentBook({"ann": agent}), CellBook(), counting_rules(Settings(demo=True)), 2 * 60 * MINUTE, T)
    assert roster.open_minutes(T + 3 * MINUTE) == {T, T + MINUTE, T + 2 * MINUTE}
    assert roster.open_minutes(T - MINUTE) == set()


def test_an_agent_who_was_gone_for_longer_than_the_lateness_comes_anew_however_the_log_is_read() -> None:
    gone = [
        state(0, "available", skills=["water"]),
        {"type": "snapshot_begin", "time": T + 60 * S, "source": "pbx"},
        {"type": "snapshot_end", "time": T + 61 * S, "source": "pbx"},
    ]
    back = [state(60 + 7200 + 90, "on_call"), state(60 + 7200 + 120, "logged_out")]
    at_once, ticked, settled = Engine(partitions=1), Engine(partitions=1), Engine(partitions=1)
    for engine, ticks in ((at_once, []), (ticked, [7200]), (settled, [600, 7300, 7340])):
        for event in gone:
            engine.send([event], event["time"])
        for second in ticks:
            engine.tick(T + second * S)
        for event in back:
            engine.send([event], event["time"])
        engine.tick(T + 9000 * S)
    expected = {"agent_available_ms": 60_000, "agent_lost_track": 1, "agent_on_call_ms": 30_000}
    assert at_once.total("hotline") == ticked.total("hotline") == settled.total("hotline") == expected


def test_a_second_snapshot_does_not_make_an_agent_go_later() -> None:
    engine = Engine(partitions=1)
    engine.send([state(0, "available")], T)
    for second in (60, 600):
        for kind in ("snapshot_begin", "snapshot_end"):
            engine.send([{"type": kind, "time": T + second * S, "source": "pbx"}], T + second * S)
    engine.tick(T + 900 * S)
    assert engine.total("hotline") == {"agent_available_ms": 60_000, "agent_lost_track": 1}
