"""Which generation of a replay the views show, and since when it can be queried."""

import pytest

from streams.contract import Cell, FeedStatus, Visit, VisitMark

pytestmark = pytest.mark.clickhouse

START = 946_684_800_000  # 2000-01-01 00:00 UTC
MINUTE = 60_000
PAIRS = [(source, partition) for source in (0, 1) for partition in (0, 1)]


def cell(feed, generation, minute, offered):
    return Cell(
        feed=feed, generation=generation, hotline="anonymous-bank", dimension_set="queue", queue="PS",
        minute=START + minute * MINUTE, version=1, counts={"offered": offered},
    )  # fmt: skip


def visit(feed, generation, minute):
    return Visit(
        feed=feed, generation=generation, hotline="anonymous-bank", visit=f"{minute}/PS/1", call=str(minute), queue="PS",
        queued_at=START + minute * MINUTE + 30_000, outcome="answered", version=(1, 1),
    )  # fmt: skip


def status(feed, generation, state, first=None, last=None, *, version=9):
    return FeedStatus(
        feed=feed, generation=generation, state=state, at=START, version=version,
        range_from=None if first is None else START + int(first * MINUTE),
        range_to=None if last is None else START + int(last * MINUTE),
    )  # fmt: skip


def marks(feed, generation, pairs=PAIRS):
    return [
        VisitMark(feed=feed, generation=generation, source_partition=s, partition=p, of=len(PAIRS), version=(5, 5))
        for s, p in pairs
    ]


def ended(feed, generation, first=None, last=None):
    return [*marks(feed, generation), status(feed, generation, "ended", first, last)]


@pytest.fixture
def shown(select, feed):
    """minute -> generation, as v_cells and v_visits show it; they must agree."""

    def shown_():
        query = (
            "SELECT intDiv(toUnixTimestamp64Milli({time}) - {{start:Int64}}, 60000) AS minute, generation FROM {view} "
            "WHERE feed = {{feed:String}} ORDER BY minute, generation"
        )
        found = [
            [(row["minute"], row["generation"]) for row in select(query.format(**names), feed=feed, start=START)]
            for names in ({"time": "minute", "view": "v_cells"}, {"time": "queued_at", "view": "v_visits"})
        ]
        assert found[0] == found[1]
        return found[0]

    return shown_


@pytest.fixture
def replay(store, feed):
    def replay_(generation, minutes):
        for minute in minutes:
            store(cell(feed, generation, minute, 1), visit(feed, generation, minute))

    return replay_


def test_generation_0_is_shown_at_once(replay, shown):
    replay(0, [0, 1])
    assert shown() == [(0, 0), (1, 0)]


def test_a_running_replay_is_not_shown_and_does_not_hide_the_one_before(store, replay, shown, feed):
    replay(100, [0, 1])
    store(status(feed, 100, "running"))
    assert shown() == []
    store(*ended(feed, 100))
    replay(200, [0])
    store(status(feed, 200, "running"))
    assert shown() == [(0, 100), (1, 100)]


def test_a_later_generation_that_has_ended_takes_the_place_of_the_one_before(store, replay, shown, feed):
    replay(100, [0, 1])
    replay(200, [1, 2])
    store(*ended(feed, 100), *ended(feed, 200))
    assert shown() == [(1, 200), (2, 200)]


def test_a_later_generation_replaces_only_the_range_it_declares(store, replay, shown, feed):
    replay(100, [0, 1, 2, 3])
    replay(200, [1])
    store(*ended(feed, 100, 0, 4), *ended(feed, 200, 1, 3))
    assert shown() == [(0, 100), (1, 200), (3, 100)]


def test_rows_outside_the_declared_range_are_not_shown(store, replay, shown, feed):
    replay(100, [0, 1, 2])
    store(*ended(feed, 100, 1, 2))
    assert shown() == [(1, 100)]


def test_a_range_that_cuts_a_minute_covers_it_for_cells_and_visits_alike(store, replay, shown, feed):
    replay(100, [0, 1, 2])
    replay(200, [0, 1, 2])
    store(*ended(feed, 100), *ended(feed, 200, 0.9, 1.2))
    assert shown() == [(0, 200), (1, 200), (2, 100)]


def test_a_lower_generation_that_ends_late_changes_nothing(store, replay, shown, feed):
    replay(200, [0])
    store(*ended(feed, 200))
    replay(100, [0])
    store(*ended(feed, 100))
    assert shown() == [(0, 200)]


def test_other_feeds_are_left_alone(store, replay, shown, feed):
    replay(100, [0])
    store(*ended(feed, 100), *ended(feed + "-other", 200))
    assert shown() == [(0, 100)]


class TestQueryableAt:
    def test_needs_the_end_and_every_mark(self, store, select, feed):
        def feeds():
            query = "SELECT state, marks, marks_expected, queryable_at FROM v_feeds WHERE feed = {feed:String}"
            (row,) = select(query, feed=feed)
            return row

        store(status(feed, 100, "running", version=1))
        assert feeds() == {"state": "running", "marks": 0, "marks_expected": 0, "queryable_at": None}
        store(status(feed, 100, "ended", version=2))
        assert feeds()["queryable_at"] is None
        store(*marks(feed, 100, PAIRS[:3]), *marks(feed, 100, PAIRS[:3]), *marks(feed, 100, PAIRS[:1]))
        assert (feeds()["marks"], feeds()["marks_expected"], feeds()["queryable_at"]) == (3, 4, None)
        store(*marks(feed, 100, PAIRS[3:]))
        assert feeds()["queryable_at"] is not None

    def test_is_when_the_last_part_was_stored(self, store, select, feed):
        store(*marks(feed, 100))
        store(status(feed, 100, "ended"))
        query = (
            "SELECT queryable_at = (SELECT stored_at FROM feeds WHERE feed = {feed:String}) AS of_the_end, "
            "queryable_at >= (SELECT max(stored_at) FROM feed_marks WHERE feed = {feed:String}) AS after_marks "
            "FROM v_feeds WHERE feed = {feed:String}"
        )
        assert select(query, feed=feed) == [{"of_the_end": 1, "after_marks": 1}]

    def test_a_running_state_that_comes_again_does_not_undo_the_end(self, store, select, feed):
        store(*marks(feed, 100), status(feed, 100, "ended", version=2), status(feed, 100, "running", version=1))
        rows = select("SELECT state, queryable_at FROM v_feeds WHERE feed = {feed:String}", feed=feed)
        assert rows[0]["state"] == "ended"
        assert rows[0]["queryable_at"] is not None
