"""The memory: highest version wins, any order and any repeats give the same, what is old goes."""

from random import Random
from types import SimpleNamespace

import city
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.web.board import KEPT_MS, Board, Key
from sinks.web.reader import Intake
from sinks.web.snapshot import View
from streams.contract import Cell, FeedStatus, Signal
from streams.contract.cells import MINUTE_MS
from streams.contract.topics import ALERT_CONTROL, ALERTS, ANNOUNCEMENTS, CELLS, SIGNALS

UTILITIES = Key(city.HOTLINE, "utilities")


def cell(minute: int, version: int, offered: int, **fields) -> Cell:
    given_fields = {"feed": "live", "hotline": city.HOTLINE, "dimension_set": "queue", "queue": "utilities"}
    return Cell(**(given_fields | fields), minute=minute * MINUTE_MS, version=version, counts={"offered": offered})


def signal(at: int, **fields) -> Signal:
    given_fields = {
        "fingerprint": "f", "kind": "waiting_past_threshold", "feed": "live", "hotline": city.HOTLINE,
        "dimension_set": "queue", "queue": "utilities", "active": True, "at": at, "since": at - 60_000, "version": 1,
        "value": 5.0,
    }  # fmt: skip
    return Signal(**(given_fields | fields))


@given(
    cells=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 8)), min_size=1, max_size=30),
    seed=st.integers(0, 1000),
)
def test_any_order_and_any_repeat_of_versions_give_the_highest(cells: list[tuple[int, int]], seed: int) -> None:
    straight, shuffled = Board("live"), Board("live")
    records = [cell(minute, version, version * 10 + minute) for minute, version in cells]
    mixed = records + records[::2]
    Random(seed).shuffle(mixed)
    for record in records:
        straight.apply(record, 0)
    for record in mixed:
        shuffled.apply(record, 0)
    highest = {minute: max(v for m, v in cells if m == minute) for minute, _ in cells}
    expected = sum(version * 10 + minute for minute, version in highest.items())
    assert straight.total(UTILITIES, "offered", 0, 6 * MINUTE_MS) == expected
    assert shuffled.total(UTILITIES, "offered", 0, 6 * MINUTE_MS) == expected


@given(st.lists(st.integers(0, 20), min_size=8, max_size=8), st.integers(0, 8), st.integers(0, 8))
def test_windows_add_up(offered: list[int], a: int, b: int) -> None:
    board = Board("live")
    for minute, number in enumerate(offered):
        board.apply(cell(minute, 1, number), 0)
    first, last = sorted((a, b))
    parts = [board.window(UTILITIES, m * MINUTE_MS, (m + 1) * MINUTE_MS).get("offered", 0) for m in range(first, last)]
    assert board.window(UTILITIES, first * MINUTE_MS, last * MINUTE_MS).get("offered", 0) == sum(parts)
    assert sum(parts) == sum(offered[first:last])


def test_other_feeds_and_sets_stay_outside() -> None:
    board = Board("live")
    assert board.apply(cell(1, 1, 9, feed="replay-0a1b2c3d"), 0) == "other_feed"
    assert board.apply(cell(1, 1, 9, dimension_set="queue_language"), 0) == "other_set"
    assert board.hotlines() == []


def test_what_the_clock_has_left_behind_is_forgotten_and_refused() -> None:
    board = Board("live")
    board.apply(cell(0, 1, 5), 0)
    board.apply(city.progress(KEPT_MS + 10 * MINUTE_MS), 0)
    board.prune()
    assert board.minutes[UTILITIES] == {}
    assert board.since == 10 * MINUTE_MS
    assert board.apply(cell(3, 1, 5), 0) == "too_old"


def test_the_clock_never_goes_back() -> None:
    board = Board("live")
    board.apply(city.progress(5_000, version=2), 100)
    board.apply(city.gauge("utilities", 4_000, 1, 0, None, 0, 3), 200)
    assert (board.clock, board.clock_moved_at) == (5_000, 100)


def test_a_simulated_feed_has_a_clock_of_its_own() -> None:
    board = Board("sim")
    board.apply(city.progress(9_000_000), 1)
    assert board.clock is None
    board.apply(FeedStatus(feed="sim", generation=0, state="running", at=7_000, version=1), 2)
    assert board.clock == 7_000


def test_a_later_generation_replaces_the_earlier() -> None:
    board = Board("replay-0a1b2c3d")
    board.apply(cell(1, 5, 3, feed=board.feed, generation=1), 0)
    board.apply(cell(2, 1, 4, feed=board.feed, generation=2), 0)
    assert board.apply(cell(3, 9, 8, feed=board.feed, generation=1), 0) == "older_version"
    assert board.total(UTILITIES, "offered", 0, 9 * MINUTE_MS) == 4


def status(generation: int, minute: int, version: int) -> FeedStatus:
    at = minute * MINUTE_MS
    return FeedStatus(feed="replay-0a1b2c3d", generation=generation, state="running", at=at, version=version)


@pytest.mark.parametrize("first", ["status", "cell"])
def test_a_later_generation_has_a_clock_of_its_own(first: str) -> None:
    """Its clock begins where its calls do, and so does what is kept; signals of the former hold no more."""
    board = Board("replay-0a1b2c3d")
    board.apply(status(1, 3_000, 1), 100)
    board.apply(signal(3_000 * MINUTE_MS, feed=board.feed), 100)
    board.prune()
    assert len(board.active(city.HOTLINE)) == 1
    begun = [cell(5, 2, 4, feed=board.feed, generation=2), status(2, 6, 2)]
    for record in begun if first == "cell" else reversed(begun):
        assert board.apply(record, 200) == "applied"
    assert (board.clock, board.clock_moved_at, board.since) == (6 * MINUTE_MS, 200, 5 * MINUTE_MS)
    assert board.active(city.HOTLINE) == []
    assert board.apply(status(1, 3_001, 3), 300) == "older_version"
    assert board.clock == 6 * MINUTE_MS
    board.apply(status(2, 2_000, 4), 400)
    board.prune()
    assert board.minutes[UTILITIES] == {}, "what its own clock has left behind is forgotten"


def test_an_alert_fires_until_it_is_resolved_and_an_old_message_does_not_revive_it() -> None:
    board, now = Board("live"), city.MORNING
    firing = city.alert(now)
    board.apply(firing, now)
    assert board.firing(city.HOTLINE) == [firing]
    board.apply(city.alert(now, state="resolved", reason="condition_cleared", at=now, ended_at=now, version=9), now)
    assert board.apply(firing, now) == "older_version"
    assert board.firing(city.HOTLINE) == []


def test_a_signal_not_repeated_for_a_minute_is_over() -> None:
    board = Board("live")
    board.apply(signal(100_000), 0)
    board.apply(city.progress(159_000), 0)
    assert [s.fingerprint for s in board.active(city.HOTLINE)] == ["f"]
    board.apply(city.progress(161_000, version=2), 0)
    assert board.active(city.HOTLINE) == []


def test_any_order_of_the_whole_morning_gives_the_same_picture(settings) -> None:
    straight, shuffled = Board("live"), Board("live")
    records = list(city.records())
    for record, at in records:
        straight.apply(record, at)
    Random(3).shuffle(records)
    for record, at in records:
        shuffled.apply(record, at)
    now = city.MORNING + 2_000
    assert View(straight, settings, now).snapshot() == View(shuffled, settings, now).snapshot()


def test_of_another_feed_only_the_key_is_read() -> None:
    intake = Intake(Board("live"))
    cut_off = b'{"kind": "cell", '
    keys = (
        b"replay-0a1b2c3d/queue/city/utilities",
        b"live-2/gauge/city/",
        b"live/queue/city/utilities",
        b"progress",
        None,
    )
    intake.take(CELLS, [SimpleNamespace(key=key, value=cut_off, timestamp=0, offset=0) for key in keys])
    assert intake.applied == {(CELLS, "other_feed"): 2, (CELLS, "unreadable"): 3}


@pytest.mark.parametrize("topic", [CELLS, SIGNALS, ALERTS, ALERT_CONTROL, ANNOUNCEMENTS])
@pytest.mark.parametrize("value", [None, b"{", b'{"kind": "\xff"}', b'{"x": ' + b"[" * 10_000], ids=range(4))
def test_what_is_no_record_of_a_topic_is_counted(topic: str, value: bytes | None) -> None:
    intake = Intake(Board("live"))
    intake.take(topic, [SimpleNamespace(key=None, value=value, timestamp=0, offset=0, topic=topic)])
    assert intake.applied == {(topic, "unreadable"): 1}
