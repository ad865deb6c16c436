"""What demand detection is for: a spike is told within 30 s, and a week in which nothing happens tells nothing."""

from itertools import pairwise

import pytest

from streams.contract import Forecast, Signal
from streams.detection import Detection

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
VOLUMES = {"transport": 20_000, "housing": 2_500, "foreign-languages": 300}


def feed_second(city, detection, at, calls, totals):
    """Add one second's calls to its minute and tick."""
    minute = (at - 1) // MINUTE * MINUTE
    cell = totals.setdefault(minute, dict.fromkeys(calls, 0))
    for q, count in calls.items():
        cell[q] += count
    city.tell(detection, "live", minute, cell)
    return detection.advance(at, at)


@pytest.mark.parametrize("seed", range(6))
def test_a_spike_of_factor_four_is_active_within_30_seconds(make_city, active_signals, monday, seed):
    city = make_city(seed, VOLUMES)
    detection = Detection(city.rules())
    city.teach(detection, 28)
    rate = city.day(monday)
    hour = 9 + seed % 6
    first = hour * 60 + 7 * seed % 60
    totals = {}
    for i in range((hour - 3) * 60, first):
        totals[monday + i * MINUTE] = {q: int(city.random.poisson(r[i])) for q, r in rate.items()}
        city.tell(detection, "live", monday + i * MINUTE, totals[monday + i * MINUTE])
        assert not active_signals(detection.advance(monday + (i + 1) * MINUTE, i))
    for at, calls in city.seconds(monday, rate, first, 1):
        assert not active_signals(feed_second(city, detection, at, calls, totals))
    # the spike begins somewhere inside a minute
    offset = 10 * seed
    start = monday + (first + 1) * MINUTE
    spiking = []
    for at, calls in city.seconds(monday, rate, first + 1, 6):
        if at > start + offset * 1000:
            calls["transport"] = int(city.random.poisson(4 * rate["transport"][(at - 1 - monday) // MINUTE] / 60))
        told = active_signals(feed_second(city, detection, at, calls, totals))
        spiking += [(at, signal) for signal in told if signal.queue == "transport"]
    began = start + offset * 1000
    first_at, first_signal = spiking[0]
    assert 0 < first_at - began <= 30_000
    assert abs(first_signal.since - began) <= 60_000
    assert first_signal.expected < first_signal.value
    # told again about every 10 s, as one episode
    assert {s.since for _, s in spiking} == {first_signal.since}
    gaps = [b - a for (a, _), (b, _) in pairwise(spiking)]
    assert max(gaps) <= 11_000


def week(city, detection, start, days=7, spike=None):
    """Minute by minute; `spike` = (day, minute, length, queue, factor). All demand signals told."""
    told = []
    for day in range(days):
        counts = city.counts(start + day * DAY)
        if spike and spike[0] == day:
            _, at, length, queue, factor = spike
            rate = counts[queue].astype(float)
            counts[queue][at : at + length] = city.random.poisson(rate[at : at + length] * factor)
        for i in range(1440):
            minute = start + day * DAY + i * MINUTE
            city.tell(detection, "live", minute, {q: c[i] for q, c in counts.items()})
            records = detection.advance(minute + MINUTE, minute // MINUTE)
            told += [r for r in records if isinstance(r, Signal)]
    return told


def test_a_week_without_incident_tells_nothing(make_city, monday):
    city = make_city(101, VOLUMES)
    detection = Detection(city.rules())
    city.teach(detection, 28)
    assert week(city, detection, monday) == []


def test_the_same_week_with_a_spike_tells_of_it_once_per_key(make_city, monday):
    city = make_city(101, VOLUMES)
    detection = Detection(city.rules())
    city.teach(detection, 28)
    told = week(city, detection, monday, days=3, spike=(1, 600, 20, "transport", 4))
    began = [s for s in told if s.active and s.at - s.since < 3 * MINUTE]
    assert {s.queue for s in told} == {"transport", ""}
    assert {abs(s.since - (monday + DAY + 600 * MINUTE)) <= 2 * MINUTE for s in began} == {True}
    ended = [s for s in told if not s.active]
    assert len(ended) == 2
    assert all(5 * MINUTE <= s.at - (monday + DAY + 620 * MINUTE) <= 20 * MINUTE for s in ended)


def test_hours_judged_every_half_second_tell_nothing(make_city, monday):
    city = make_city(7, {"transport": 20_000, "housing": 2_500})
    detection = Detection(city.rules())
    city.teach(detection, 28)
    rate = city.day(monday)
    totals = {}
    told = []
    for i in range(8 * 60, 10 * 60):
        minute = monday + i * MINUTE
        totals = dict.fromkeys(rate, 0)
        for half in range(120):
            for q, r in rate.items():
                totals[q] += int(city.random.poisson(r[i] / 120))
            city.tell(detection, "live", minute, totals)
            told += detection.advance(minute + (half + 1) * 500, i)
    assert [r for r in told if isinstance(r, Signal)] == []
    assert any(isinstance(r, Forecast) for r in told)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_weeks_without_incident_keep_the_budget(make_city, monday, seed):
    city = make_city(1000 + seed, VOLUMES)
    detection = Detection(city.rules())
    city.teach(detection, 28)
    began = {(s.queue, s.since) for s in week(city, detection, monday)}
    assert len(began) <= 1


def test_it_learns_from_the_judged_feed_alone(make_city, monday):
    city = make_city(6, {"transport": 20_000})
    detection = Detection(city.rules())
    told = week(city, detection, monday, days=11, spike=(10, 600, 15, "transport", 4))
    assert {(s.queue, (s.since - monday) // DAY) for s in told} == {("transport", 10), ("", 10)}


def test_a_forecast_covers_the_local_day_and_is_near_the_truth(make_city, monday):
    city = make_city(8, VOLUMES)
    detection = Detection(city.rules())
    city.teach(detection, 28)
    rate = city.day(monday)
    records = detection.advance(monday + 1, 1) + detection.advance(monday + 12 * HOUR, 2)
    forecasts = [r for r in records if isinstance(r, Forecast) and r.queue == "transport"]
    assert {f.start for f in forecasts} == {monday}
    assert len({f.version for f in forecasts}) >= 1
    last = forecasts[-1]
    assert len(last.expected) == len(last.lower) == len(last.upper) == 288
    usual = sum(forecasts[0].expected)
    assert usual == pytest.approx(20_000, rel=0.12)
    assert rate["transport"].sum() == pytest.approx(usual, rel=0.4)
    assert all(low <= e <= high for low, e, high in zip(last.lower, last.expected, last.upper, strict=True))


def test_the_state_of_thirty_keys_is_small(make_city, monday):
    city = make_city(9, {f"q{i}": 3000 for i in range(29)})
    detection = Detection(city.rules())
    city.teach(detection, 14)
    counts = city.counts(monday)
    for i in range(540, 600):
        city.tell(detection, "live", monday + i * MINUTE, {q: c[i] for q, c in counts.items()})
    detection.advance(monday + 600 * MINUTE, 1)
    assert sum(map(len, detection.snapshot().values())) < 150_000


@pytest.mark.parametrize("factor", [1, 4])
def test_a_line_that_opens_after_hours_of_nothing_is_no_spike_unless_it_is_one(
    make_city, active_signals, monday, factor
):
    city = make_city(11, {"transport": 20_000})
    detection = Detection(city.rules())
    city.teach(detection, 28)
    rate = {queue: factor * usual for queue, usual in city.day(monday).items()}
    opens = 10 * 60
    for minute in range((opens - 180), opens):
        assert not active_signals(detection.advance(monday + minute * MINUTE, minute))
    totals, fired = {}, []
    for at, calls in city.seconds(monday, rate, opens, 4):
        fired += active_signals(feed_second(city, detection, at, calls, totals))
    assert bool(fired) == (factor > 1)


def test_a_history_that_comes_in_shares_is_learned_whole(make_city, monday):
    city = make_city(12, {"transport": 20_000})
    whole, shares = Detection(city.rules()), Detection(city.rules())
    days = [monday - day * DAY for day in range(14, 0, -1)]
    counts = {start: city.counts(start) for start in days}
    for start in days:  # one of two partitions is read to its end before the other is begun
        for i, count in enumerate(counts[start]["transport"]):
            city.tell(shares, "history", start + i * MINUTE, {"transport": count // 2})
    for start in days:
        for i, count in enumerate(counts[start]["transport"]):
            for detection in (whole, shares):
                city.tell(detection, "history", start + i * MINUTE, {"transport": int(count)})
        whole.complete("history", start + DAY)
    shares.complete("history", monday)
    for detection in (whole, shares):
        expected = [r for r in detection.advance(monday + 1, 1) if isinstance(r, Forecast) and r.queue == "transport"]
        assert sum(expected[-1].expected) == pytest.approx(20_000, rel=0.15)
