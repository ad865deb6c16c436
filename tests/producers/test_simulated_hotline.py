"""The whole simulated hotline: what is told of calls and agents agrees with the truth, and incidents do what they say."""

from collections import Counter, defaultdict
from itertools import combinations, pairwise

import msgspec
import pytest
from test_simulation import HOUR, MINUTE, MONDAY, ZONE

from deploy.producers.simulator import notes
from deploy.producers.simulator.incidents import Incident, parse_incident
from deploy.producers.simulator.profile import SITES, Profile, calls_only, profile_of, sites_of
from deploy.producers.simulator.simulation import Simulation, simulate
from deploy.producers.simulator.sources import Delivery
from deploy.producers.simulator.truth import TrueAgent, TrueApart, TrueRating, TrueReclassification, TrueVisit
from streams.calls import KIND_OF, Call, Fact
from streams.contract import CallEvent
from streams.stays import stays_of

BEGIN = MONDAY + 9 * HOUR
NO_CALL = {"agent_state", "heartbeat", "snapshot", "snapshot_begin", "snapshot_end"}


def hotline(rate: float = 10_000, **habits: float) -> Profile:
    profile = profile_of("12345", "Asia/Shanghai", rate)
    return profile._replace(habits=profile.habits._replace(**habits))


def told(profile: Profile, hours: float = 2, incidents: tuple[Incident, ...] = (), *, settle: bool = True):
    """(events, truths)."""
    every = list(simulate(profile, 1, BEGIN, BEGIN + round(hours * HOUR), incidents, settle=settle))
    return [x for x in every if isinstance(x, CallEvent)], [x for x in every if not isinstance(x, CallEvent)]


def incident(text: str) -> Incident:
    return parse_incident(text, begin=BEGIN, zone=ZONE, queues=["utilities"], sites=SITES)


def visits_of(truths: list[object]) -> list[TrueVisit]:
    return [one for one in truths if isinstance(one, TrueVisit)]


def stays_told(events: list[CallEvent]) -> dict[tuple[str, str], object]:
    """What follows from the events: call and queue -> stay."""
    calls: dict[str, Call] = {}
    for event in events:
        if event.type in NO_CALL:
            continue
        call = calls.setdefault(event.call, Call(hotline=event.hotline))
        talk = event.talk_ms if event.type in {"ended", "transferred"} else event.wait_ms
        ms = event.acw_ms if event.type == "wrapped" else talk
        hold = -1 if event.hold_ms is None else event.hold_ms
        kind = KIND_OF[event.type]
        call.tell(Fact(int(event.time), kind, event.queue, 0, -1 if ms is None else ms, hold, event.agent))
        call.flag = event.flag or call.flag
    return {(name, stay.queue): stay for name, call in calls.items() for stay in stays_of(call)}


def test_runs_with_other_sources_name_other_calls_and_agents() -> None:
    """Also those that begin at the same time, and of which one has a source of the other's hotline beside its own."""

    def names(profile: Profile) -> tuple[set[str], set[str]]:
        events, _ = told(profile, 0.5, settle=False)
        return {event.call for event in events if event.call}, {event.agent for event in events if event.agent}

    runs = [hotline(), calls_only(hotline()), *(hotline()._replace(sites=sites_of(it)) for it in (("A",), ("B", "C")))]
    for one, other in combinations([names(profile) for profile in runs], 2):
        assert not one[0] & other[0]
        assert not one[1] & other[1]
    shared = hotline()._replace(sites=sites_of(("A", "C"))), hotline()._replace(sites=sites_of(("A", "D")))
    (calls, agents), (other_calls, other_agents) = map(names, shared)
    assert {name.split("/")[0] for name in agents & other_agents} == {"A"}
    assert {name.split("-")[0] for name in calls & other_calls} == {"A"}


def test_every_stay_that_follows_from_the_events_is_the_truth() -> None:
    few = incident("understaffed:start=+30m,for=40m,factor=0.4")
    events, truths = told(hotline(lost_ending=0.05, lines=60, test=0.02), incidents=(few,))
    stays = stays_told(events)
    visits = {(one.call, one.queue): one for one in visits_of(truths)}
    apart = {(one.call, ""): one for one in truths if isinstance(one, TrueApart)}
    assert stays.keys() == visits.keys() | apart.keys()
    seen = {one.outcome for one in (*visits.values(), *apart.values())}
    assert seen == {
        "answered", "abandoned", "flowed_out", "callback_taken", "ended_in_menu", "blocked", "phantom", "test",
        "nuisance",
    }  # fmt: skip
    assert {one.lost for one in (*visits.values(), *apart.values())} == {"", "menu", "waiting", "talking"}
    for key, stay in stays.items():
        true = visits.get(key) or apart[key]
        if not true.lost:
            assert stay.outcome == true.outcome
            assert stay.ended_at == true.ended_at
            if isinstance(true, TrueVisit):
                for name in ("queued_at", "answered_at", "wrapped_at", "wait_ms", "talk_ms", "acw_ms"):
                    assert getattr(stay, name) == getattr(true, name), (key, name)
                assert (stay.hold_ms or 0) == (true.hold_ms or 0)
        else:
            assert stay.outcome in {"answered" if true.lost == "talking" else "open", "test"}  # a flag was told before


def test_transfers_and_overflow_lead_to_a_visit_elsewhere_at_once() -> None:
    few = incident("understaffed:start=+30m,for=40m,factor=0.4")
    visits = visits_of(told(hotline(nuisance=0.0), incidents=(few,))[1])  # a flag is the outcome of every visit
    by_call = defaultdict(list)
    for visit in visits:
        by_call[visit.call].append(visit)
    pairs = [(before, after) for stays in by_call.values() for before, after in pairwise(stays)]
    assert sum(after.transferred_in for _, after in pairs) == sum(one.transferred_out for one in visits) > 20
    assert sum(after.flowed_in for _, after in pairs) == sum(one.outcome == "flowed_out" for one in visits) > 5
    assert all(before.ended_at == after.queued_at and before.queue != after.queue for before, after in pairs)
    assert any(one.callback_completed_at for one in visits if one.outcome == "callback_taken")


def test_ratings_and_reclassifications_come_in_their_own_time() -> None:
    events, truths = told(hotline(5_000), hours=4)
    ended = {one.call: max(visit.wrapped_at or 0 for visit in [one]) for one in visits_of(truths)}
    ratings = [one for one in truths if isinstance(one, TrueRating)]
    changes = [one for one in truths if isinstance(one, TrueReclassification)]
    assert sorted((e.call, e.time, e.rating) for e in events if e.type == "rated") == sorted(
        (one.call, one.at, one.rating) for one in ratings
    )
    assert {one.rating for one in ratings} == {1, 2, 3, 4, 5}
    for delays in ([one.at - ended[one.call] for one in ratings], [one.at - one.ended_at for one in changes]):
        assert min(delays) < HOUR
        assert max(delays) > 24 * HOUR
    final = {visit.call: visit.category for visit in visits_of(truths)}
    assert all(one.before == final[one.call] != one.category for one in changes if changes.count(one) == 1)


def test_an_agent_is_in_one_state_at_a_time_and_as_the_events_tell() -> None:
    events, truths = told(hotline(), hours=5)
    intervals = defaultdict(list)
    for one in truths:
        if isinstance(one, TrueAgent):
            intervals[one.agent].append(one)
    assert len(intervals) > 50
    for of_agent in intervals.values():
        of_agent.sort(key=lambda one: one.since)
        assert all(a.until is not None and a.until <= b.since for a, b in pairwise(of_agent))
    states = Counter(one.state for of_agent in intervals.values() for one in of_agent)
    assert states.keys() == {"available", "ringing", "on_call", "hold", "after_call", "break", "ring_no_answer"}
    assert {one.reason for of_agent in intervals.values() for one in of_agent} >= {"", "coffee", "lunch"}
    assert {len(one.skills) for of_agent in intervals.values() for one in of_agent} == {1, 2, 3}
    starts = {(one.agent, one.since, one.state) for of_agent in intervals.values() for one in of_agent}
    assert starts <= {(e.agent, e.time, e.state) for e in events if e.type == "agent_state"}
    on_call = {(one.call, one.agent) for of_agent in intervals.values() for one in of_agent if one.state == "on_call"}
    assert {(v.call, v.agent) for v in visits_of(truths) if v.outcome == "answered"} <= on_call


def test_every_source_beats_and_begins_with_a_snapshot() -> None:
    events, _ = told(hotline(), hours=1)
    for site in SITES:
        beats = [e.time for e in events if e.type == "heartbeat" and e.source == site.source]
        assert beats[0] == BEGIN
        assert {b - a for a, b in pairwise(beats)} == {20_000}
        kinds = [e.type for e in events if e.source == site.source and e.type.startswith("snapshot")]
        assert (kinds[0], kinds[-1]) == ("snapshot_begin", "snapshot_end")
        assert set(kinds[1:-1]) == {"snapshot"}
    assert {e.centre for e in events if e.type == "agent_state"} == {"east", "west"}


def test_a_snapshot_names_what_is_open() -> None:
    simulation = Simulation(hotline(), 1, BEGIN)
    simulation.advance(BEGIN + HOUR)
    snapshot = simulation.snapshot(BEGIN + HOUR)
    calls = {e.call: e for e in snapshot if e.type == "snapshot" and e.call}
    open_now = {
        one.call
        for one in simulation.so_far()
        if (isinstance(one, TrueVisit) and one.ended_at is None) or isinstance(one, TrueApart)
    }
    assert calls.keys() == open_now
    assert any(e.talk_ms for e in calls.values())
    agents = [e for e in snapshot if e.type == "snapshot" and e.agent]
    assert {e.agent for e in agents} == {one.agent for one in simulation.so_far() if isinstance(one, TrueAgent)}
    assert all(e.state and e.skills for e in agents)


def test_an_outage_leaves_the_centre_without_agents_and_full_lines_block() -> None:
    out = incident("outage:start=+30m,for=20m")
    _, truths = told(hotline(), incidents=(out,))
    agents = [one for one in truths if isinstance(one, TrueAgent)]
    assert not [one for one in agents if one.state == "ringing" and out.start + MINUTE < one.since < out.end]
    assert [one for one in agents if one.state == "ringing" and one.since > out.end]
    blocked = [one.arrived_at for one in truths if isinstance(one, TrueApart) and one.outcome == "blocked"]
    assert sum(out.start < at < out.end + 5 * MINUTE for at in blocked) > 5
    west = incident("outage:centre=west,start=+30m,for=20m")
    agents = [one for one in told(hotline(), incidents=(west,))[1] if isinstance(one, TrueAgent)]
    ringing = [one for one in agents if one.state == "ringing" and west.start + MINUTE < one.since < west.end]
    assert {one.centre for one in ringing} == {"east"}


def test_a_dead_feed_tells_nothing_and_goes_on_with_a_snapshot() -> None:
    dead = incident("dead-feed:source=PBX-2,start=+30m,for=5m")
    events, truths = told(hotline(), hours=1, incidents=(dead,))
    delivery = Delivery((dead,), counting=True)
    sent = delivery.send(events, None)
    of_source = [e for e in sent if e.source == "PBX-2"]
    assert not [e for e in of_source if dead.start <= e.time < dead.end]
    again = [e for e in of_source if e.time >= dead.end]
    assert again[0].type == "snapshot_begin"
    assert [e for e in sent if e.source == "PBX-1" and dead.start <= e.time < dead.end]
    assert sum(one.untold for one in delivery.counts()) == len(events) - len(sent) > 50
    assert [v for v in visits_of(truths) if v.source == "PBX-2" and dead.start < v.queued_at < dead.end]


@pytest.mark.parametrize("by", ["incident", "share"])
def test_what_is_sent_twice_is_the_same_later(by: str) -> None:
    double = incident("doubled-feed:source=PBX-1,start=+0s,for=2h")
    events, _ = told(hotline(), hours=0.5, settle=False)
    delivery = Delivery((double,), counting=True) if by == "incident" else Delivery(duplicates=0.1, counting=True)
    sent = delivery.send(events, None)
    twice = Counter(id(e) for e in sent)
    assert twice.keys() == {id(e) for e in events}
    copies = sum(twice.values()) - len(twice)
    assert copies == sum(one.copies for one in delivery.counts())
    if by == "incident":
        assert copies == sum(e.source == "PBX-1" for e in events)
    else:
        assert 0.05 * len(events) < copies < 0.15 * len(events)


def test_disorder_changes_the_order_and_nothing_else_however_it_is_sliced() -> None:
    events, _ = told(hotline(), hours=0.5, settle=False)
    whole = Delivery(seed=3, disorder=0.2).send(events, None)
    assert sorted(map(id, whole)) == sorted(map(id, events))
    assert [e.time for e in whole] != sorted(e.time for e in whole)
    sliced, delivery = [], Delivery(seed=3, disorder=0.2)
    for first in range(0, len(events), 100):
        part = events[first : first + 100]
        sliced += delivery.send(part, part[-1].time - 1)
    assert [id(e) for e in [*sliced, *delivery.send([], None)]] == [id(e) for e in whole]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("outage:for=10m,source=PBX-9", "PBX-1"),
        ("dead-feed:for=10m,queue=utilities", "unknown"),
        ("doubled-feed:for=10m,centre=north", "centre east"),
        ("spike:for=10m,source=PBX-1", "unknown"),
    ],
)
def test_an_incident_of_a_source_that_is_not_there_says_which_are(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        incident(text)


def test_what_agents_note_is_of_the_call_and_of_the_incident_that_adds_it() -> None:
    spike = "spike:queue=utilities,start=+30m,for=60m,factor=4"
    said = incident(f"{spike},text=自来水发黄 yellow water")
    events, _ = told(hotline(), incidents=(said,))
    plain, _ = told(hotline(), incidents=(incident(spike),))
    assert [msgspec.structs.replace(event, text="") for event in events] == [
        msgspec.structs.replace(event, text="") for event in plain
    ]
    begun = {event.call: int(event.time) for event in events if event.type == "arrived"}
    within = [
        event for event in events
        if event.type == "wrapped" and event.queue == "utilities" and said.holds("utilities", begun[event.call])
    ]  # fmt: skip
    share = sum(event.text == said.text for event in within) / len(within)
    assert 0.65 < share < 0.85, "three of four calls are the spike's"
    other = [event.text for event in events if event.type == "wrapped" and event.queue != "utilities"]
    assert 0.2 < sum(map(bool, other)) / len(other) < 0.4
    assert len({text for text in other if text}) > 20
    with pytest.raises(ValueError, match="factor is above 1"):
        incident("spike:start=+1m,for=5m,factor=1,text=leak")
    with pytest.raises(ValueError, match="unknown"):
        incident("silence:start=+1m,for=5m,text=leak")


def test_every_category_of_the_city_has_words_for_a_note() -> None:
    profile = hotline()
    parts = {tuple(path.split("/")[1:]) for queue in profile.queues for path, _ in queue.categories}
    assert {about for about, _ in parts} <= notes.ABOUT.keys() | {"other"}
    assert {matter for _, matter in parts} - notes.MATTERS.keys() == {"question", "request"}
