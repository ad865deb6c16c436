"""A feed that ends: what is told of it then is whole, final, and as of its last event."""

from typing import Any

import pytest
from engine import Engine
from msgspec.structs import replace

from deploy.runtime.settings import Settings
from streams.bundle import FeedPart
from streams.contract import FeedStatus, Gauge
from streams.contract.keys import murmur2_partition
from streams.dimensions import Dimensions
from streams.merged_feed import MergedFeed, MergedFeedHead

HOUR = 3_600_000
MINUTE = 60_000
T = 1_790_816_400_000
LATER = T + 99 * HOUR
LAST = T + 40 * MINUTE
"""The last event of all: a call of partition 0 ends."""


def call_on(partition: int, number: int = 0) -> str:
    """A call whose events lie on that partition."""
    names = (f"c{n}" for n in range(999))
    return [name for name in names if murmur2_partition(name.encode(), 6) == partition][number]


def of(feed: str, generation: int, **event: Any) -> dict[str, Any]:
    return {"hotline": "city", "source": "pbx", "feed": feed, "generation": generation} | event


def one_call(feed: str, generation: int, call: str, at: int) -> list[dict[str, Any]]:
    """Queued, answered after a minute and over at `at` (ms)."""
    steps = {"queued": at - 10 * MINUTE, "answered": at - 9 * MINUTE, "ended": at}
    return [of(feed, generation, type=it, call=call, queue="roads", time=time) for it, time in steps.items()]


def ended(generation: int = 1, *, range_to: int | None = None, feed: str = "f") -> Engine:
    """A feed of which partition 0 has a call, partition 1 an earlier one and the others none."""
    engine = Engine(Settings(demo=True))
    if range_to is not None:
        begin = {"range_from": T - HOUR, "range_to": range_to}
        engine.send([of(feed, generation, type="feed_begin", time=T - HOUR, **begin)], LATER)
    engine.send(one_call(feed, generation, call_on(0), LAST), LATER)
    engine.send(one_call(feed, generation, call_on(1), T + 11 * MINUTE), LATER)
    engine.send([of(feed, generation, type="feed_end", time=LAST)], LATER)
    return engine


def statuses(engine: Engine) -> list[FeedStatus]:
    return [it for it in engine.records if isinstance(it, FeedStatus)]


@pytest.mark.parametrize(
    ("range_to", "at"),
    [(None, LAST), (T + 15 * HOUR, LAST), (T + 30 * MINUTE, T + 30 * MINUTE - 1)],
    ids=["no range", "a whole day", "a range that is over before the last event"],
)
def test_it_is_as_far_as_its_last_event_though_a_partition_has_none(range_to, at) -> None:
    last = statuses(ended(range_to=range_to))[-1]
    assert (last.state, last.at) == ("ended", at)


def test_while_a_partition_has_none_it_is_where_its_range_begins() -> None:
    engine = ended(range_to=T + 15 * HOUR)
    assert {it.at for it in statuses(engine) if it.state == "running"} == {T - HOUR}


@pytest.mark.parametrize("range_to", [None, T + 30 * MINUTE])
def test_every_minute_of_it_is_final(range_to) -> None:
    cells = ended(range_to=range_to).cells.values()
    assert {it.minute for it in cells} >= {LAST, T + MINUTE}
    assert [it for it in cells if not it.final] == []


def test_its_gauges_and_sources_are_as_of_its_last_event() -> None:
    """Not as of when everything that may be open would have been given up: then every source would be silent."""
    engine = Engine(Settings(demo=True))
    engine.send([of("sim", 0, type="heartbeat", time=LAST - 9 * MINUTE)], LATER)
    for partition in range(6):
        engine.send(one_call("sim", 0, call_on(partition), LAST)[:2], LATER)
    assert engine.gauges["city", "roads"].in_service == 6
    engine.send([of("sim", 0, type="feed_end", time=LAST)], LATER)
    assert engine.gauges["city", "roads"].in_service == 0
    told = [it.at for it in engine.records if isinstance(it, Gauge | FeedStatus)]
    assert max(told) <= LAST
    assert engine.sources["pbx"].silent_since is None


def test_a_partition_that_is_at_its_end_does_not_hold_the_others_back() -> None:
    """Nor does it say before the others are as far that nobody is there any more."""
    engine = Engine(Settings(demo=True))
    waiting = [of("sim", 0, type="queued", call=call_on(p), queue="roads", time=T) for p in range(2)]
    engine.send(waiting, LATER)
    mark = of("sim", 0, type="feed_end", time=T)
    for partition in (0, 2, 3, 4, 5):
        engine.send_to(partition, [mark], LATER)
    engine.send([of("sim", 0, type="answered", call=call_on(1), queue="roads", time=T + HOUR)], LATER)
    assert (statuses(engine)[-1].state, statuses(engine)[-1].at) == ("running", T + HOUR)
    assert (engine.gauges["city", "roads"].waiting, engine.gauges["city", "roads"].in_service) == (1, 1)
    engine.send_to(1, [mark], LATER)
    assert (statuses(engine)[-1].state, statuses(engine)[-1].at) == ("ended", T + HOUR)
    assert (engine.gauges["city", "roads"].waiting, engine.gauges["city", "roads"].in_service) == (0, 0)


def test_what_comes_after_the_end_is_late_and_moves_no_clock() -> None:
    engine = ended(generation=0)
    engine.send([of("f", 0, type="queued", call=call_on(0, 1), queue="roads", time=LAST + HOUR)], LATER)
    assert [it.reason for it in engine.letters.values()] == ["late"]
    assert max(it.at for it in engine.records if isinstance(it, Gauge | FeedStatus)) <= LAST


def test_a_later_run_ends_too_where_a_partition_has_none_and_reads_it_at_once() -> None:
    engine = ended(1)
    begin = of("f", 2, type="feed_begin", time=T, range_from=T - HOUR, range_to=T + HOUR)
    engine.send([begin, *one_call("f", 2, call_on(0), LAST), of("f", 2, type="feed_end", time=LAST)], LATER)
    last = statuses(engine)[-1]
    assert (last.generation, last.state, last.at) == (2, "ended", LAST)


@pytest.mark.parametrize("generation", [0, 1])
def test_it_has_ended_after_a_restart_too(generation) -> None:
    engine = ended(generation)
    cells, told = dict(engine.cells), len(statuses(engine))
    engine.restart()
    engine.tick(LATER + 5_000)
    assert engine.cells == cells
    assert len(statuses(engine)) == told


@pytest.mark.parametrize(
    ("covers", "known_to"), [((None, None), T), ((T - HOUR, T + HOUR), T + HOUR)], ids=["no range", "a range"]
)
def test_what_is_learned_of_it_ends_with_what_it_covers(covers, known_to) -> None:
    """Nobody called later, but that was not told: it is no quiet hour to learn from."""
    feed = MergedFeed(MergedFeedHead("history", 1), Dimensions([]), 10)
    begun = FeedPart(feed="history", generation=1, range_from=covers[0], range_to=covers[1], horizon=T - 2 * HOUR)
    end = {"ended": True, "horizon": T + 2 * HOUR}
    feed.merge(0, replace(begun, clock=T))
    feed.merge(1, replace(begun, clock=0, **end))
    assert feed.known_to(2) == T - 2 * HOUR
    feed.merge(0, replace(begun, clock=T, **end))
    assert feed.known_to(2) == known_to


def test_its_sources_are_told_once_more_at_the_end_and_its_minutes_say_so() -> None:
    """All that a source sent, and the end, are read in one chunk: a fast feed is told in few steps."""
    engine = Engine(Settings(demo=True))
    beats = [
        of("sim", 0, type="heartbeat", time=T + n * MINUTE, source=source)
        for n in range(40)
        for source in ("pbx", "pbx-2")
    ]
    engine.send([*beats, *one_call("sim", 0, call_on(0), LAST), of("sim", 0, type="feed_end", time=LAST)], LATER)
    assert engine.sources.keys() == {"pbx", "pbx-2"}
    assert {it.last_at for it in engine.sources.values()} == {LAST, T + 39 * MINUTE}
    heard = {it.minute: (it.sources_expected, it.sources_heard) for it in engine.cells.values() if it.minute < LAST}
    assert set(heard.values()) == {(2, 2)}


def test_its_sources_are_as_they_were_last_though_they_were_told_a_moment_ago() -> None:
    engine = Engine(Settings(demo=True))
    beat = of("sim", 0, type="heartbeat", time=T)
    engine.send([beat], LATER)
    engine.send([beat | {"time": T + 500}, of("sim", 0, type="feed_end", time=T + 500)], LATER)
    assert (engine.sources["pbx"].last_at, engine.sources["pbx"].at) == (T + 500, T + 500)


def judged_to_its_end() -> Engine:
    """A feed that rules judge: nobody of forty is answered in time, and so it is when it ends."""
    engine = Engine(Settings(demo=True, alerts={"feed": "sim"}))
    for number in range(40):
        at = T + number * 20_000
        steps = {"queued": at, "answered": at + MINUTE, "ended": at + 2 * MINUTE}
        engine.send([of("sim", 0, type=it, call=f"c{number}", queue="roads", time=t) for it, t in steps.items()], LATER)
    engine.send([of("sim", 0, type="feed_end", time=T + 20 * MINUTE)], LATER)
    return engine


def test_what_goes_on_when_it_ends_is_told_as_ended_with_it_and_nothing_more() -> None:
    engine = judged_to_its_end()
    going_on = {it.fingerprint: it for it in engine.signals}
    assert {it.kind for it in going_on.values() if it.active} >= {"service_level_under_target"}
    before = len(engine.signals)
    engine.tick(LATER + 5_000)
    ends = {it.fingerprint: it for it in engine.signals[before:]}
    assert ends.keys() == {name for name, it in going_on.items() if it.active}
    assert {(it.active, it.feed_ended) for it in ends.values()} == {(False, True)}
    assert [it for name, it in ends.items() if it.version <= going_on[name].version] == []
    assert [it for it in ends.values() if not it.summary["en"].endswith("The feed has ended.")] == []
    told = len(engine.signals)
    engine.restart()
    engine.tick(LATER + 10_000)
    assert len(engine.signals) == told


def test_that_nobody_is_there_any_more_is_told_after_its_end() -> None:
    """Else rules over the present would judge it as the last minute."""
    engine = Engine(Settings(demo=True))
    engine.send([of("sim", 0, type="queued", call=call_on(0), queue="roads", time=LAST)], LATER)
    assert engine.gauges["city", "roads"].waiting == 1
    told = len(engine.records)
    engine.send([of("sim", 0, type="feed_end", time=LAST)], LATER)
    kinds = [(it.state if isinstance(it, FeedStatus) else it.waiting) for it in engine.records[told:]
             if isinstance(it, FeedStatus | Gauge)]  # fmt: skip
    assert kinds[0] == "ended"
    assert kinds[1:] != []
    assert set(kinds[1:]) == {0}
