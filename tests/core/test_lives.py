"""Which life of a partition a bundle is of, and what of a log without its beginning is whole."""

import pytest

from streams.contract import CallFact, Visit
from streams.lives import Lives, LivesHead
from streams.torn import Torn, replay_is_whole

MINUTE = 60_000
CUT = 1_700_000_000_000


def test_who_begins_afresh_ends_the_life_of_all_until_they_begin_again() -> None:
    lives = Lives(LivesHead())
    assert [lives.judge(partition, 100) for partition in (0, 1, 0)] == ["same"] * 3
    assert lives.began == 0
    assert lives.judge(1, 200) == "afresh"
    assert lives.judge(0, 100) == "former"
    assert lives.judge(1, 100) == "former"
    assert lives.judge(1, 200) == "same"
    assert lives.judge(0, 201) == "same"
    assert lives.judge(0, 201) == "same"
    assert lives.judge(0, 300) == "afresh"
    assert Lives(lives.head).judge(1, 200) == "former"


def test_a_life_of_which_bundles_are_gone_does_not_count() -> None:
    lives = Lives(LivesHead())
    lives.cut(150_500)
    assert lives.judge(0, 100) == "former"
    assert lives.judge(0, 151) == "same"
    assert lives.began == 151_000


def test_states_of_before_lives_were_told_apart_go_on() -> None:
    lives = Lives(LivesHead())
    assert lives.judge(0, 0) == "same"
    assert not lives.named
    assert lives.began == 0
    assert lives.judge(0, 200) == "afresh"
    assert lives.named
    assert lives.began == 200_000


@pytest.mark.parametrize(("after", "whole"), [(0, False), (89 * MINUTE, False), (91 * MINUTE, True)])
def test_rows_that_began_soon_after_the_cut_are_not_whole(after: int, whole: bool) -> None:
    torn = Torn(CUT, 90 * MINUTE)
    torn.cut(CUT + 500 * MINUTE)  # known already
    at = CUT + after
    visit = Visit(
        feed="live", visit="c/q/1", call="c", hotline="h", queue="q", version=(1, 1), ended_at=at, outcome="open"
    )
    assert torn.whole(visit) == whole
    fact = CallFact(feed="live", call="c", hotline="h", type="rated", at=at, version=(1, 1))
    assert torn.whole(fact) == whole
    assert torn.live_from % MINUTE == 0


def test_a_log_with_its_beginning_is_whole() -> None:
    torn = Torn(0, 90 * MINUTE)
    assert torn.live_from == 0
    assert torn.whole(
        Visit(feed="live", visit="c/q/1", call="c", hotline="h", queue="q", version=(1, 1), outcome="open")
    )


@pytest.mark.parametrize(
    ("generation", "cut_at", "whole"),
    [(CUT - 1, CUT, False), (CUT + 30_000, CUT, False), (CUT + 90_000, CUT, True), (0, CUT, True), (1, 0, True)],
)
def test_a_replay_that_began_before_the_cut_is_not_whole(generation: int, cut_at: int, whole: bool) -> None:
    assert replay_is_whole(generation, cut_at) == whole
