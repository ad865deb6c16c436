"""Ratings, re-classifications and callbacks that come after a call was forgotten, at the visit they belong to."""

from datetime import UTC, datetime

import pytest

from streams.contract import CallFact, Visit

pytestmark = pytest.mark.clickhouse

T0 = 1_767_200_000_000
DAY_MS = 86_400_000


def at(ms):
    return datetime.fromtimestamp(ms / 1000, UTC).replace(tzinfo=None)  # the driver gives UTC without its name


@pytest.fixture
def visit(feed):
    def visit_(call, queue, *, queued, answered=None, **fields):
        given = {
            "feed": feed,
            "hotline": "12345",
            "outcome": "answered" if answered else "abandoned",
            "version": (1, 1),
        }
        times = {"queued_at": T0 + queued, "answered_at": None if answered is None else T0 + answered}
        return Visit(visit=f"{call}/{queue}/1", call=call, queue=queue, **given | times | fields)

    return visit_


@pytest.fixture
def fact(feed):
    def fact_(call, type_, after, **fields):
        return CallFact(**{"feed": feed, "call": call, "type": type_, "at": T0 + after, "version": (9, 9)} | fields)

    return fact_


@pytest.fixture
def shown(select, feed):
    def shown_(columns, view="v_visits"):
        rows = select(f"SELECT visit, {columns} FROM {view} WHERE feed = {{feed:String}} ORDER BY visit", feed=feed)
        return {row.pop("visit"): tuple(row.values()) for row in rows}

    return shown_


def test_a_rating_a_week_later_is_at_the_visit_answered_last(store, visit, fact, shown):
    store(
        visit("c1", "first", queued=0, answered=5_000),
        visit("c1", "second", queued=60_000, answered=65_000),
        visit("c1", "third", queued=90_000),
        visit("c2", "first", queued=0, answered=5_000, rating=3, rated_at=T0 + 9_000),
        fact("c1", "rated", 7 * DAY_MS, rating=5),
        fact("c1", "rated", 30_000, rating=1),
        fact("c9", "rated", 7 * DAY_MS, rating=4),
    )
    assert shown("rating, rated_at") == {
        "c1/first/1": (1, at(T0 + 30_000)),
        "c1/second/1": (5, at(T0 + 7 * DAY_MS)),
        "c1/third/1": (None, None),
        "c2/first/1": (3, at(T0 + 9_000)),
    }


def test_a_fact_that_names_a_queue_is_at_its_visit_and_the_latest_holds(store, visit, fact, shown):
    store(
        visit("c1", "a", queued=0, answered=1_000, rating=2, rated_at=T0 + 2_000),
        visit("c1", "b", queued=60_000, outcome="callback_taken"),
        fact("c1", "rated", DAY_MS, rating=4, queue="a"),
        fact("c1", "rated", 2 * DAY_MS, rating=5, queue="a"),
        fact("c1", "rated", 3 * DAY_MS, rating=1, queue="a", retracted=True),
        fact("c1", "callback_completed", DAY_MS, queue="b"),
    )
    assert shown("rating, callback_completed_at") == {
        "c1/a/1": (5, None),
        "c1/b/1": (None, at(T0 + DAY_MS)),
    }


def test_a_reclassified_call_shows_both_categories_and_the_difference_is_listed(store, visit, fact, shown):
    store(
        visit("c1", "a", queued=0, answered=1_000, category="water/leak"),
        visit("c1", "b", queued=9_000, answered=9_500, category="water/leak"),
        visit("c2", "a", queued=0, answered=1_000, category="heat"),
        fact("c1", "reclassified", DAY_MS, category="heat/cold"),
        fact("c1", "reclassified", 2 * DAY_MS, category="power", queue="a"),
    )
    changed = ("power", "water/leak", at(T0 + 2 * DAY_MS))
    everything = shown("category, category_counted, reclassified_at")
    assert everything == {"c1/a/1": changed, "c1/b/1": changed, "c2/a/1": ("heat", "heat", None)}
    difference = shown("category, category_counted, reclassified_at", view="v_reclassified")
    assert difference == {visit: row for visit, row in everything.items() if row[0] != row[1]}


def test_the_same_fact_again_with_a_higher_version_replaces_it(store, visit, fact, shown):
    store(visit("c1", "a", queued=0, answered=1_000))
    store(fact("c1", "rated", DAY_MS, rating=1, version=(5, 1)), fact("c1", "rated", DAY_MS, rating=2, version=(4, 9)))
    assert shown("rating") == {"c1/a/1": (1,)}


def test_no_join_setting_of_the_reader_changes_what_is_shown(store, visit, fact, select, feed):
    store(visit("c1", "a", queued=0, answered=1_000, category="x"), fact("c2", "reclassified", 5, category="y"))
    query = (
        "SELECT category, rating, reclassified_at FROM v_visits WHERE feed = {feed:String} SETTINGS join_use_nulls = 1"
    )
    assert select(query, feed=feed) == [{"category": "x", "rating": None, "reclassified_at": None}]
