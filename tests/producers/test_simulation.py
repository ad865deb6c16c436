"""The simulated callers: deterministic, the right number of calls, waits that follow from load."""

from collections import Counter
from itertools import pairwise
from statistics import mean
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.producers.simulator.demand import DAY_MS, Demand
from deploy.producers.simulator.durations import parse_duration
from deploy.producers.simulator.incidents import Incident, parse_incident
from deploy.producers.simulator.profile import Profile, calls_only, profile_of
from deploy.producers.simulator.simulation import Simulation, simulate
from deploy.producers.simulator.truth import TrueApart, TrueVisit
from streams.contract import CallEvent

ZONE = ZoneInfo("Asia/Shanghai")
MONDAY = 1_795_363_200_000  # 2026-11-23 00:00 in Shanghai
HOUR = 3_600_000
MINUTE = 60_000


def profile(rate: float = 5_000, *queues: str, **changes: float) -> Profile:
    return calls_only(profile_of("12345", "Asia/Shanghai", rate, queues))._replace(**changes)


def run(one: Profile, start: int, end: int, seed: int = 1, incidents: tuple[Incident, ...] = ()):
    """(events, calls of the truth)."""
    told = list(simulate(one, seed, start, end, incidents))
    return [x for x in told if isinstance(x, CallEvent)], [x for x in told if isinstance(x, TrueVisit | TrueApart)]


def incident(text: str) -> Incident:
    return parse_incident(text, begin=MONDAY + 10 * HOUR, zone=ZONE, queues=["utilities", "housing"])


def test_the_same_seed_and_start_give_the_same_calls_and_another_seed_others() -> None:
    day = (profile(), MONDAY, MONDAY + 6 * HOUR)
    assert run(*day) == run(*day)
    assert run(*day) != run(*day, seed=2)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 40 * MINUTE), max_size=12))
def test_how_it_is_sliced_does_not_matter(steps: list[int]) -> None:
    end = MONDAY + 10 * HOUR
    whole = Simulation(profile(), 3, end - HOUR).advance(end)
    sliced = Simulation(profile(), 3, end - HOUR)
    events, at = [], end - HOUR
    for step in steps:
        at = min(at + step, end)
        events += sliced.advance(at)
    assert events + sliced.advance(end) == whole


def test_a_pause_that_is_made_again_gives_the_same_calls() -> None:
    def paused() -> list[CallEvent]:
        one = Simulation(profile(), 3, MONDAY + 9 * HOUR)
        events = one.advance(MONDAY + 9 * HOUR + 7_123)
        one.paused = True
        events += one.advance(MONDAY + 10 * HOUR)
        one.paused = False
        return events + one.advance(MONDAY + 11 * HOUR)

    events = paused()
    assert events == paused()
    arrived = [e.time - MONDAY - 9 * HOUR for e in events if e.type == "arrived"]
    assert not [t for t in arrived if 7_123 < t <= HOUR]
    assert [t for t in arrived if t > HOUR]


def test_events_are_in_order_and_every_call_comes_to_its_end() -> None:
    events, truth = run(profile(), MONDAY + 8 * HOUR, MONDAY + 12 * HOUR)
    assert all(a.time <= b.time for a, b in pairwise(events))
    of_call = Counter(e.call for e in events)
    assert of_call.keys() == {call.call for call in truth}
    assert {call.outcome for call in truth} == {"answered", "abandoned", "ended_in_menu"}
    expected = {"answered": 5, "abandoned": 3, "ended_in_menu": 2}
    assert all(of_call[call.call] == expected[call.outcome] for call in truth)


def test_stated_durations_are_the_differences_of_times() -> None:
    _, truth = run(profile(), MONDAY + 8 * HOUR, MONDAY + 10 * HOUR)
    for call in truth:
        if isinstance(call, TrueVisit) and call.outcome == "answered":
            assert call.wait_ms == call.answered_at - call.queued_at
            assert call.talk_ms == call.ended_at - call.answered_at
            assert call.acw_ms == call.wrapped_at - call.ended_at
            assert call.category.startswith(call.queue + "/")
            assert call.district


def test_the_number_of_calls_is_the_rate_over_a_week() -> None:
    # The level of a day is lognormal of mean 1; without it a week is a plain Poisson count.
    plain = profile(5_000, city_sigma=0.0, queue_sigma=0.0, drift=0.0, redial=0.0)
    _, truth = run(plain, MONDAY, MONDAY + 7 * DAY_MS)
    assert abs(len(truth) - 35_000) < 5 * 35_000**0.5


def test_arrivals_of_an_hour_are_poisson() -> None:
    plain = profile(20_000, "utilities", city_sigma=0.0, queue_sigma=0.0, drift=0.0, redial=0.0)
    demand = Demand(plain, 1)
    at = MONDAY + 11 * HOUR + 30 * MINUTE
    rate = demand.expected(plain.queues[0], demand.local(at)) * HOUR
    counts = [len(run(plain, at - HOUR // 2, at + HOUR // 2, seed)[1]) for seed in range(12)]
    assert abs(mean(counts) - rate) < 5 * (rate / 12) ** 0.5
    assert 0.2 < mean((c - mean(counts)) ** 2 for c in counts) / rate < 3


def test_the_level_differs_from_day_to_day_by_eight_to_ten_percent() -> None:
    one = profile()
    demand = Demand(one, 1)
    noons = [demand.local(MONDAY + day * DAY_MS + 12 * HOUR) for day in range(400)]
    queue = one.queues[0]
    levels = [demand.planned(queue, noon) / demand.expected(queue, noon) for noon in noons]
    spread = mean((level - mean(levels)) ** 2 for level in levels) ** 0.5
    assert 0.97 < mean(levels) < 1.03
    assert 0.07 < spread < 0.11


def test_a_spike_multiplies_the_arrivals_of_its_queue_while_it_lasts() -> None:
    spike = incident("spike:queue=utilities,start=+60s,for=10m,factor=4")
    one = profile(20_000, "utilities", "housing", redial=0.0)
    begin = MONDAY + 10 * HOUR
    _, calm = run(one, begin, begin + 30 * MINUTE)
    _, truth = run(one, begin, begin + 30 * MINUTE, incidents=(spike,))

    def arrivals(calls: list[TrueVisit | TrueApart], queue: str) -> int:
        return sum(
            isinstance(c, TrueVisit) and c.queue == queue and spike.start <= c.arrived_at < spike.end for c in calls
        )

    assert (spike.start, spike.end) == (begin + MINUTE, begin + 11 * MINUTE)
    assert 3.2 < arrivals(truth, "utilities") / arrivals(calm, "utilities") < 5
    assert 0.6 < arrivals(truth, "housing") / arrivals(calm, "housing") < 1.6


def test_waits_rise_and_callers_redial_when_there_are_too_few_agents() -> None:
    few = incident("understaffed:start=+0s,for=2h,factor=0.5")
    one = profile(10_000, "utilities")
    begin, end = MONDAY + 10 * HOUR, MONDAY + 12 * HOUR
    _, calm = run(one, begin, end)
    _, truth = run(one, begin, end, incidents=(few,))
    waits = [[c.wait_ms for c in calls if c.outcome == "answered"] for calls in (calm, truth)]
    abandoned = [sum(c.outcome == "abandoned" for c in calls) / len(calls) for calls in (calm, truth)]
    assert mean(waits[1]) > 5 * mean(waits[0])
    assert abandoned[1] > 5 * abandoned[0]
    assert sum(bool(c.redial_of) for c in truth) > 20
    assert len(truth) > len(calm)


def test_a_line_without_a_menu_queues_callers_as_they_call() -> None:
    _, truths = run(profile(menu_s=0.0), MONDAY + 9 * HOUR, MONDAY + 10 * HOUR)
    visits = [it for it in truths if isinstance(it, TrueVisit)]
    assert len(visits) == len(truths) > 100
    assert all(it.queued_at == it.arrived_at for it in visits)


def test_nobody_calls_during_silence_and_calls_under_way_go_on() -> None:
    quiet = incident("silence:start=+20m,for=15m")
    begin = MONDAY + 10 * HOUR
    events, _ = run(profile(), begin, begin + HOUR, incidents=(quiet,))
    during = [e for e in events if quiet.start <= e.time < quiet.end]
    assert "arrived" not in {e.type for e in during}
    assert "ended" in {e.type for e in during}
    assert [e for e in events if e.type == "arrived" and e.time >= quiet.end]


def test_callers_are_eleven_digits_that_no_phone_has_or_withheld() -> None:
    events, _ = run(profile(), MONDAY + 9 * HOUR, MONDAY + 12 * HOUR)
    callers = [e.caller for e in events if e.type == "arrived"]
    assert {len(caller) for caller in callers} == {0, 11}
    assert all(caller.startswith("10") for caller in callers if caller)


def test_a_call_that_ended_in_the_menu_names_no_queue() -> None:
    _, truth = run(profile(), MONDAY + 9 * HOUR, MONDAY + 10 * HOUR)
    assert {type(call) for call in truth if call.outcome == "ended_in_menu"} == {TrueApart}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("flood:for=10m", "KIND"),
        ("spike:queue=utilities", "for= is missing"),
        ("spike:for=10m,times=3", "unknown"),
        ("spike:for=10", "length of time"),
        ("spike:for=10m,queue=pets", "no queue 'pets'"),
        ("spike:for=10m,factor=much", "factor"),
        ("silence:for=10m,factor=2", "factor"),
        ("spike:for=10m,start=later", "no time"),
    ],
)
def test_an_incident_that_cannot_be_read_says_how_to_write_one(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        incident(text)


def test_lengths_of_time() -> None:
    assert [parse_duration(t) for t in ("90s", "10m", "1h30m", "14d", "1w", "0.5s")] == [
        90_000, 600_000, 5_400_000, 14 * DAY_MS, 7 * DAY_MS, 500,
    ]  # fmt: skip
    for wrong in ("", "10", "m", "10m ", "-5s", "1y"):
        with pytest.raises(ValueError, match="length of time"):
            parse_duration(wrong)
