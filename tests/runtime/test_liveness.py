"""When a consumer counts as stuck."""

from deploy.runtime.liveness import EVERY_S, PASSED_OVER_S, STALLED_S, Standing, Trouble, Watch

PLACE = ("hotline.calls", 0)


def stands(at: int, *, waits: bool = False) -> dict[tuple[str, int], Standing]:
    return {PLACE: Standing(at, waits)}


def look(
    watch: Watch, standings: dict[tuple[str, int], Standing] | None, end: int, since: float, until: float
) -> object:
    """Look every EVERY_S from one time to another; the last answer, or the first trouble."""
    now = since
    while now <= until:
        trouble = watch.judge(standings, {PLACE: end}, now)
        if trouble:
            return trouble
        now += EVERY_S
    return None


def test_records_that_wait_unread_too_long_are_trouble() -> None:
    watch = Watch(0)
    assert look(watch, stands(10), 20, 0, STALLED_S) is None
    assert watch.judge(stands(10), {PLACE: 20}, STALLED_S + 1) == (Trouble.STALLED, PLACE)


def test_slow_progress_is_progress() -> None:
    watch = Watch(0)
    for step in range(10):
        assert look(watch, stands(step), 1_000, step * STALLED_S, (step + 1) * STALLED_S - 1) is None


def test_an_idle_partition_is_no_trouble_and_its_first_record_has_its_time() -> None:
    watch = Watch(0)
    assert look(watch, stands(10), 10, 0, 5 * STALLED_S) is None
    assert look(watch, stands(10), 11, 5 * STALLED_S + EVERY_S, 6 * STALLED_S) is None
    assert look(watch, stands(10), 11, 6 * STALLED_S, 7 * STALLED_S) == (Trouble.STALLED, PLACE)


def test_whoever_was_told_to_wait_is_not_stuck() -> None:
    assert look(Watch(0), stands(10, waits=True), 99, 0, 5 * STALLED_S) is None


def test_a_pause_of_the_process_itself_proves_nothing() -> None:
    watch = Watch(0)
    assert look(watch, stands(10), 20, 0, STALLED_S - EVERY_S) is None
    assert look(watch, stands(10), 20, 20 * STALLED_S, 21 * STALLED_S) is None


def test_a_topic_that_ends_below_what_was_read_is_another_topic() -> None:
    assert Watch(0).judge(stands(10), {PLACE: 3}, 0) == (Trouble.TOPIC_SHORTER, PLACE)


def test_a_rebalance_that_never_ends_is_trouble() -> None:
    watch = Watch(0)
    assert look(watch, None, 1, 0, 2 * STALLED_S) is None
    assert look(watch, stands(1), 1, 2 * STALLED_S, 3 * STALLED_S) is None
    assert look(watch, None, 1, 3 * STALLED_S, 6 * STALLED_S) == (Trouble.NOTHING_ASSIGNED, None)


def test_a_partition_that_waits_its_turn_is_given_more_time_than_one_where_nothing_moves() -> None:
    watch, other = Watch(0), ("hotline.calls", 5)
    seen = None
    for step in range(int((PASSED_OVER_S + 5 * EVERY_S) / EVERY_S)):
        now = step * EVERY_S
        standings = {PLACE: Standing(10, waits=False), other: Standing(step, waits=False)}
        seen = watch.judge(standings, {PLACE: 20, other: 10_000}, now)
        assert seen is None or now > PASSED_OVER_S
    assert seen == (Trouble.STALLED, PLACE)
