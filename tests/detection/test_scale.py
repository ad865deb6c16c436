"""How wide deviations really lie is learned from what came, and days unlike others are no incidents."""

from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from deploy.runtime.detection_settings import Demand
from streams.detection.counts import CLAIMED, Width, tail_score
from streams.detection.departure import required_score
from streams.detection.level import Spread, observe, unknown
from streams.detection.scale import CHECKED, Scales
from streams.detection.series import Series
from streams.detection.spread import estimate_spread

MINUTE, DAY = 60_000, 86_400_000
MONDAY = 20_605 * DAY
LEARNED = 14
"""Days until weekdays are told apart."""


def learned(draws: np.ndarray) -> Scales:
    scales = Scales()
    for draw in draws:
        scales.put(5, float(draw))
    return scales


def test_deviations_twice_as_wide_as_claimed_count_for_half():
    random = np.random.default_rng(1)
    above, below = learned(2 * random.normal(size=6_000)).of(5)
    assert above.deviation == pytest.approx(2.0, rel=0.06)
    assert below.deviation == pytest.approx(2.0, rel=0.06)
    assert above.normal(4.0) == pytest.approx(2.0, rel=0.08)


def test_a_length_that_was_not_seen_is_as_claimed():
    scales = learned(2 * np.random.default_rng(2).normal(size=3_000))
    assert scales.of(60)[0].deviation == 1.0
    assert scales.of(1) == scales.of(CHECKED[0])


def test_heavy_tails_are_found_and_a_few_incidents_are_none():
    random = np.random.default_rng(3)
    heavy = learned(random.standard_t(3, size=6_000)).of(5)[0]
    assert heavy.heavy > 0.02
    assert heavy.normal(6.0) < 0.9 * 6.0 / heavy.deviation
    ordinary = random.normal(size=6_000)
    ordinary[::500] = 6.0
    few = learned(ordinary).of(5)[0]
    assert few.heavy == 0.0
    assert few.deviation == pytest.approx(1.0, rel=0.06)


def test_a_wider_scale_lowers_scores_and_never_their_order():
    for width in (CLAIMED, Width(1.5), Width(1.2, 0.1)):
        scores = [tail_score(x, 20.0, 0.01, width) for x in range(20, 400)]
        assert all(a <= b for a, b in pairwise(scores))
    assert tail_score(60, 20.0, 0.01, Width(1.2, 0.1)) < tail_score(60, 20.0, 0.01)


def test_rows_looked_at_once_need_less_than_a_clock_that_looks_all_the_time():
    assert required_score(5, 1, 0.5, 5) < required_score(5, 1, 0.5)
    assert required_score(5, 1, 0.1, 5) == pytest.approx(required_score(5, 1, 1.0, 5) + 1)


def test_an_hour_that_differs_from_day_to_day_is_known_to():
    random = np.random.default_rng(4)
    usual = np.full((30, 96), 200.0)
    rates = usual.copy()
    rates[:, 28:32] *= random.normal(1.0, 0.25, size=(30, 1))
    _, uneven = estimate_spread(random.poisson(rates).astype(float), usual, 0.1)
    assert uneven[29:31].min() > 0.01
    assert np.median(uneven) < 0.001


def test_far_too_few_calls_widen_what_is_above_and_are_forgotten():
    spread = Spread()
    level = observe(unknown(0, spread), 10, 200.0, spread, suspect=False)
    assert level.odd > 0
    assert observe(unknown(0, spread), 190, 200.0, spread, suspect=False).odd == 0.0


def rows_of(days: int, seed: int) -> list[list[int]]:
    """Half hours of a line that is awake later on Saturdays."""
    random = np.random.default_rng(seed)
    usual = np.array([40 if hour < 6 else 400 for hour in np.arange(48) / 2], float)
    late = usual * np.where(np.arange(48) >= 42, 2.5, 1.0)
    return [random.poisson(late if day % 7 == 5 else usual).tolist() for day in range(days)]


def told(days: list[list[int]], budget: float = 0.1) -> list[tuple[int, int]]:
    series = Series(30, ZoneInfo("UTC"), Demand(false_alarms_per_week=budget))
    found = []
    for day, counts in enumerate(days):
        for row, count in enumerate(counts):
            if series.judge(MONDAY + day * DAY + row * 30 * MINUTE, count).alarm and day >= LEARNED:
                found.append((day, row))
    return found


def test_a_day_that_goes_like_another_weekday_is_no_burst():
    """The Sunday before a holiday is awake as late as Saturdays are; the same at noon is an incident."""
    days = rows_of(37, seed=5)
    holiday_eve = 34
    assert holiday_eve % 7 == 6
    days[holiday_eve] = days[33]
    assert told(days) == []
    noon = rows_of(37, seed=5)
    noon[holiday_eve][24:30] = [int(2.5 * count) for count in noon[holiday_eve][24:30]]
    assert {day for day, _ in told(noon)} == {holiday_eve}


def test_what_comes_back_from_a_long_surge_is_no_shortfall():
    days = rows_of(32, seed=6)
    days[30][14:30] = [2 * count for count in days[30][14:30]]
    alarms = [(day, row) for day, row in told(days, budget=0.5) if day >= 30]
    assert alarms
    assert all(day == 30 and 14 <= row <= 32 for day, row in alarms)


def test_weeks_of_chance_alone_bring_no_more_alarms_than_the_budget():
    begun = 0
    for seed in range(1, 5):
        alarms = told(rows_of(37, seed), budget=0.5)
        begun += sum((day, row - 1) not in alarms for day, row in alarms)
    assert begun <= 0.5 * 4 * (37 - LEARNED) / 7
