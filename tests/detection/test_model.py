"""The parts of the demand model against what is known of them."""

from datetime import datetime
from math import exp, log10
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.contract.local_days import local_day
from streams.detection.calendar import SLOT, slot_of
from streams.detection.counts import band, tail_score
from streams.detection.history import PLAIN, History
from streams.detection.level import Spread, brought, later, later_at, observe, unknown
from streams.detection.plan import Curve, plan_for
from streams.detection.profile import fit
from streams.detection.words import about, times

MINUTE, DAY = 60_000, 86_400_000


@pytest.mark.parametrize(("mu", "excess"), [(3.0, 0.0), (30.0, 0.0), (30.0, 0.01), (300.0, 0.005)])
def test_tail_scores_agree_with_simulated_tails(mu, excess):
    random = np.random.default_rng(1)
    rates = random.gamma(1 / excess, mu * excess, 2_000_000) if excess else mu
    draws = random.poisson(rates, 2_000_000)
    for sigmas in (1.5, 2.5, 3.5):
        x = round(mu + sigmas * (mu + excess * mu * mu) ** 0.5)
        assert tail_score(x, mu, excess) == pytest.approx(-log10((draws >= x).mean()), abs=0.1)


def test_tail_scores_never_fall_with_the_count():
    scores = [tail_score(x, 20.0, 0.01) for x in range(3000)]
    assert scores == sorted(scores)


def test_bands_hold_about_ninety_percent():
    random = np.random.default_rng(2)
    draws = random.poisson(random.gamma(1 / 0.02, 40 * 0.02, 200_000))
    [lower], [upper] = band(np.array([40.0]), np.array([0.02]))
    assert ((draws >= lower) & (draws <= upper)).mean() == pytest.approx(0.9, abs=0.02)


def test_the_level_finds_a_busy_day_and_knows_how_sure_it_is():
    random, spread = np.random.default_rng(3), Spread(day=0.15, drift=0.05, dispersion=1.1)
    level = unknown(0, spread)
    for end in range(5 * MINUTE, 4 * 3_600_000, 5 * MINUTE):
        level = observe(brought(level, end, 0, spread), random.poisson(60 * 1.25), 60.0, spread, suspect=False)
    assert level.mean == pytest.approx(np.log(1.25), abs=3 * level.variance**0.5)
    assert level.variance**0.5 < 0.05


def test_the_level_of_many_moments_is_that_of_each():
    spread = Spread(day=0.15, drift=0.05, dispersion=1.1)
    level = observe(unknown(0, spread), 90, 60.0, spread, suspect=False)
    moments = np.array([0, 1, 5 * MINUTE, 90 * MINUTE, DAY], np.int64)
    means, variances = later_at(level, moments, spread)
    each = [later(level, int(at), spread) for at in moments]
    assert means == pytest.approx([one.mean for one in each])
    assert variances == pytest.approx([one.variance for one in each])


def test_an_incident_hardly_moves_the_level():
    spread = Spread()
    level = unknown(0, spread)
    for end in range(5 * MINUTE, 3_600_000, 5 * MINUTE):
        level = observe(brought(level, end, 0, spread), 60, 60.0, spread, suspect=False)
    believed = observe(level, 240, 60.0, spread, suspect=False)
    doubted = observe(level, 240, 60.0, spread, suspect=True)
    assert 0 < doubted.mean - level.mean < (believed.mean - level.mean) / 2


def test_midnight_opens_the_level_again():
    spread = Spread(day=0.1, drift=0.05)
    level = unknown(0, spread)
    for end in range(5 * MINUTE, 3_600_000, 5 * MINUTE):
        level = observe(brought(level, end, 0, spread), 500, 400.0, spread, suspect=False)
    after = brought(level, 2 * 3_600_000, 90 * MINUTE, spread)
    assert after.day == pytest.approx(level.day / 2)
    assert after.var_day > 4 * level.var_day


def learned(days, per_minute, zone, start, skip=()):
    history = History()
    for day in range(days):
        for i in range(1440):
            if day not in skip:
                history.put("f", start + day * DAY + i * MINUTE, per_minute(day, i))
    history.fold("f", start + days * DAY, zone, lambda _a, _b: False)
    return history


def test_a_young_profile_pools_weekdays_and_an_edge_stays_an_edge():
    zone, monday = ZoneInfo("UTC"), 20_605 * DAY
    assert PLAIN.of(local_day(monday, zone).ordinal) == 0
    open_hours = range(420, 1265)
    history = learned(4, lambda _d, i: 20 if i in open_hours else 0, zone, monday)
    profile = fit(history.days())
    assert profile.days_learned == pytest.approx(4)
    assert profile.observed[4] == pytest.approx(4)
    assert profile.observed[5] == 0
    friday = local_day(monday + 4 * DAY, zone)
    curve = Curve(plan_for(profile, history.parts.astype(float), friday, zone))
    assert curve.minutes(friday.start + 420 * MINUTE, friday.start + 425 * MINUTE) == pytest.approx(100, rel=0.05)
    assert curve.minutes(friday.start + 415 * MINUTE, friday.start + 420 * MINUTE) < 2
    # it closes at 21:05, inside a slot
    assert curve.minutes(friday.start + 1260 * MINUTE, friday.start + 1265 * MINUTE) == pytest.approx(100, rel=0.15)
    assert curve.minutes(friday.start + 1265 * MINUTE, friday.start + 1270 * MINUTE) < 15


def test_one_wild_day_does_not_teach():
    zone, monday = ZoneInfo("UTC"), 20_605 * DAY
    random = np.random.default_rng(4)
    wild = lambda d, i: int(random.poisson(50 if d == 9 and 600 <= i < 660 else 10))  # noqa: E731
    profile = fit(learned(14, wild, zone, monday).days())
    assert profile.usual[:5, 40:44].mean() == pytest.approx(150, rel=0.06)


@pytest.mark.parametrize("silent_days", [7, 16, 26])
def test_days_on_which_nothing_could_come_do_not_teach_however_many_they_are(silent_days):
    zone, monday = ZoneInfo("UTC"), 20_605 * DAY
    random = np.random.default_rng(5)
    history = learned(34, lambda d, _i: int(random.poisson(2)) if d < 34 - silent_days else 0, zone, monday)
    days = history.days()
    silent = (days.ordinals - days.ordinals.min()) >= 34 - silent_days
    profile = fit(days._replace(flagged=np.repeat(silent[:, None], 96, axis=1)))
    assert profile.usual.sum(1) == pytest.approx(np.full(7, 2 * 1440), rel=0.1)


def test_a_weekday_of_its_own_is_learned_where_volume_shows_it():
    zone, monday = ZoneInfo("UTC"), 20_605 * DAY

    def usual(per_minute):
        """Calls expected on a Friday night and a Thursday night, where Fridays have 1.5 times as many."""
        random = np.random.default_rng(2)
        calls = lambda d, i: int(random.poisson(per_minute * (1.5 if d % 7 == 4 and i >= 1320 else 1)))  # noqa: E731
        profile = fit(learned(14, calls, zone, monday).days())
        return profile.usual[4, 90:].mean() / (15 * per_minute), profile.usual[3, 90:].mean() / (15 * per_minute)

    friday, thursday = usual(100)
    assert friday == pytest.approx(1.5, rel=0.03)
    assert thursday == pytest.approx(1.0, rel=0.03)
    assert 1.1 < usual(1)[0] < 1.4, "two Fridays of few calls prove little"


@given(st.integers(20_000 * DAY, 21_500 * DAY), st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "Asia/Kathmandu"]))
def test_every_moment_lies_in_its_local_day(at, name):
    zone = ZoneInfo(name)
    day = local_day(at, zone)
    assert day.start <= at < day.end
    assert slot_of(at, zone)[0] == day.ordinal
    assert slot_of(at // SLOT * SLOT, zone) == slot_of(at, zone)


def test_a_day_of_twenty_five_hours_has_all_its_minutes():
    zone = ZoneInfo("Europe/Berlin")
    day = local_day(int(datetime(2026, 10, 25, 12, tzinfo=zone).timestamp() * 1000), zone)
    assert day.end - day.start == 25 * 3_600_000
    history = learned(10, lambda _d, _i: 6, zone, day.start - 10 * DAY)
    curve = Curve(plan_for(fit(history.days()), history.parts.astype(float), day, zone))
    assert curve.minutes(day.start, day.end) == pytest.approx(6 * 1500, rel=0.03)


@given(st.lists(st.lists(st.integers(0, 40), min_size=15, max_size=15), min_size=1, max_size=30), st.booleans())
def test_a_history_survives_packing(slots, flagged):
    history = History()
    start = 20_605 * DAY
    for i, slot in enumerate(slots):
        for j, count in enumerate(slot):
            history.put("f", start + (15 * i + j) * MINUTE, count)
    history.fold("f", start + 15 * len(slots) * MINUTE, ZoneInfo("UTC"), lambda _a, _b: flagged)
    again = History.unpack(history.pack(), history.learned())
    for one, other in zip(history.days(), again.days(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert (again.pack(), again.learned()) == (history.pack(), history.learned())
    counts = history.days().counts
    for i, slot in enumerate(slots):
        index = slot_of(start + i * SLOT, ZoneInfo("UTC"))[1]
        assert counts.reshape(-1)[index] == pytest.approx(
            sum(slot), abs=0 if sum(slot) <= 10 else 0.5 + 0.21 * sum(slot) ** 0.5
        )


def test_numbers_for_people_have_no_silly_precision():
    assert [about(n) for n in (0.3, 7.4, 83.6, 127.0, 1234.0)] == ["<1", "7", "84", "130", "1200"]
    assert [times(n) for n in (1.34, 9.96, 31.2)] == ["1.3", "10.0", "31"]


def test_a_dead_line_teaches_little_of_the_level() -> None:
    """Two silent slots before traffic begins do not make ordinary traffic look like a spike."""
    spread = Spread()
    level = unknown(0, spread)
    for slot in (1, 2):
        level = observe(later(level, slot * 300_000, spread), 0, 82.0, spread, suspect=False)
    assert exp(level.mean) > 0.8
    quiet = unknown(0, spread)
    for slot in range(1, 25):
        quiet = observe(later(quiet, slot * 300_000, spread), 57, 82.0, spread, suspect=False)
    assert 0.62 < exp(quiet.mean) < 0.78, "a quiet day is learned all the same"
