"""What is so right now is as of the merged clock, also where partitions are read hours apart."""

import pytest
from engine import Engine

from streams.bundle import FeedPart, PartialAgents, PartialGauge
from streams.contract.keys import murmur2_partition
from streams.dimensions import Dimensions
from streams.merged_feed import MergedFeed, MergedFeedHead

HOUR = 3_600_000
T = 1_790_816_400_000


def told(feed: str, clock: int, waiting: int, available: int) -> FeedPart:
    return FeedPart(
        feed=feed,
        clock=clock,
        gauges=[PartialGauge("city", "utilities", waiting, waiting, clock - 60_000 if waiting else None, 0)],
        agents=[PartialAgents("city", "", {"available": available}, {})],
    )


@pytest.fixture
def merged():
    return lambda feed: MergedFeed(MergedFeedHead(feed, 0), Dimensions([]), 10)


def waiting(feed: MergedFeed) -> int:
    return feed.gauges(2)["city", "utilities"].waiting


def available(feed: MergedFeed) -> int:
    return feed.agents(2)["city", ""].states.get("available", 0)


def test_a_partition_that_is_read_ahead_says_nothing_of_its_future(merged) -> None:
    feed = merged("week")
    feed.merge(0, told("week", T, 1, 5))
    feed.merge(1, told("week", T, 0, 4))
    feed.merge(0, told("week", T + 2 * HOUR, 40, 0))
    assert (waiting(feed), available(feed)) == (1, 9)
    feed.merge(1, told("week", T + HOUR, 2, 3))
    assert (waiting(feed), available(feed)) == (3, 8)
    feed.merge(1, FeedPart(feed="week", clock=T + 2 * HOUR))
    assert (waiting(feed), available(feed)) == (42, 3)


def test_a_partition_of_live_that_others_wait_for_hides_nobody(merged) -> None:
    feed = merged("live")
    feed.merge(0, told("live", T, 1, 5))
    feed.merge(1, told("live", T + HOUR, 40, 0))
    assert (waiting(feed), available(feed)) == (41, 5)


def test_what_is_to_come_is_one_present_a_minute_and_survives_a_restart(merged) -> None:
    feed = merged("week")
    feed.merge(0, told("week", T, 1, 5))
    feed.merge(1, told("week", T, 0, 4))
    for second in range(1, 180):
        feed.merge(1, told("week", T + 1_000 * second, second, 4))
    head = feed.head()
    assert len(head.partitions[1].coming) == 3
    restored = MergedFeed(head, Dimensions([]), 10)
    restored.merge(0, FeedPart(feed="week", clock=T + 150_000))
    assert waiting(restored) == 1 + 119, "the last that was told in the minute before"


def test_a_feed_that_ended_leaves_nobody_waiting_however_far_apart_its_partitions_ended() -> None:
    """The endings of two calls are read in one chunk with the feed's own end: no gauge stands between them."""
    feed = {"feed": "week", "hotline": "city", "queue": "utilities", "source": "pbx", "schema": 1}
    engine = Engine()
    mine, other = (next(f"c{n}" for n in range(99) if murmur2_partition(f"c{n}".encode(), 6) == p) for p in (0, 1))

    def event(type_: str, call: str, time: int) -> dict[str, object]:
        return feed | {"id": f"{call}-{type_}", "type": type_, "call": call, "time": time}

    begin = feed | {"id": "begin", "type": "feed_begin", "time": T, "range_from": T, "range_to": T + 9 * HOUR}
    end = feed | {"id": "end", "type": "feed_end", "time": T + 9 * HOUR}
    later = T + 99 * HOUR
    engine.send([begin, event("queued", mine, T), event("queued", other, T)], later)
    assert engine.gauges["city", ""].waiting == 2
    engine.send([event("ended", mine, T + 1_000), event("ended", other, T + HOUR), end], later)
    assert engine.gauges["city", ""].waiting == 0
