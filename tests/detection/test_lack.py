"""What does not come: demand below expectation and silent queues; neither at night nor while a source explains it."""

import numpy as np
import pytest
from detection_kit import tell

from deploy.runtime.detection_settings import QueueSilence
from streams.contract import Signal, SourceStatus
from streams.detection import Detection
from streams.detection.counts import low_score
from streams.detection.demand import Demand
from streams.detection.silence import Silence, Stretches, silence_required, silence_score

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
VOLUMES = {"transport": 20_000, "foreign-languages": 300}


@pytest.fixture(scope="module")
def snapshots():
    return {}


@pytest.fixture
def taught(make_city, snapshots):
    """(city, a detection that has learned 28 days); the learning is done once."""
    city = make_city(11, VOLUMES)
    if not snapshots:
        detection = Detection(city.rules())
        city.teach(detection, 28)
        snapshots["taught"] = detection.snapshot()
    return city, Detection.restore(city.rules(), snapshots["taught"])


def day(city, detection, start, factor, first=0, last=1440, status=None):  # noqa: PLR0917 - reads as a sentence
    """A day's minutes, each queue's rate times `factor(queue, minute)`; all signals."""
    told = []
    rates = city.day(start)
    for i in range(first, last):
        counts = {queue: int(city.random.poisson(rate[i] * factor(queue, i))) for queue, rate in rates.items()}
        city.tell(detection, "live", start + i * MINUTE, counts)
        now = start + (i + 1) * MINUTE
        if status is not None:
            detection.source(status(now, i))
        told += [r for r in detection.advance(now, i) if isinstance(r, Signal)]
    return told


def kinds(told):
    return {(s.kind, s.queue) for s in told if s.active}


def test_low_scores_agree_with_simulated_tails():
    random = np.random.default_rng(1)
    draws = random.poisson(random.gamma(100, 60 / 100, 2_000_000))
    for x in (45, 35, 28):
        assert low_score(x, 60.0, 0.01) == pytest.approx(-np.log10((draws <= x).mean()), abs=0.1)
    assert low_score(60, 60.0, 0.01) == 0.0


def test_the_probability_of_no_call():
    assert silence_score(10.0, 0.0) == pytest.approx(10 / 2.302585, rel=1e-6)
    # negative binomial with mean 10 and excess 0.1 (shape 10): (1 + 1)^-10
    assert silence_score(10.0, 0.1) == pytest.approx(3.0103, rel=1e-4)
    assert silence_required(1000.0, 1, 0.1) == pytest.approx(4.0)


def episodes(calls, stretches, *, learn):
    """When a line that expects a call a minute and has `calls`, minute by minute, is found silent."""
    silence, begun = Silence(), []
    required = silence_required(7 * 1440, 1, 0.1)
    for minute, came in enumerate(calls):
        at = (minute + 1) * MINUTE
        if came:
            if learn:
                silence.ended(stretches, dispersion=1.0)
            silence.episode.active = False
            silence.heard(at, 1.0, 0.0)
            continue
        silence.nothing(minute * MINUTE, 1.0)
        if silence.judge(
            at, QueueSilence(), dispersion=1.0, stretches=stretches, required=required, explained=lambda: 0.0
        ):
            begun.append(minute)
    return begun


def test_where_callers_come_in_clusters_a_longer_silence_is_no_news():
    """Two at a time: half as many moments at which one calls. What is learned of it costs a line without them nothing."""
    random = np.random.default_rng(3)
    weeks = 40 * 10_080
    clusters, singles = 2 * random.poisson(0.5, weeks), random.poisson(1.0, weeks)
    assert len(episodes(clusters, Stretches(), learn=False)) > 40 * 0.1 * 10
    learned, claimed = Stretches(), Stretches()
    assert len(episodes(clusters, learned, learn=True)) <= 40 * 0.1 * 2
    assert len(episodes(singles, claimed, learn=True)) <= 40 * 0.1 * 2
    assert claimed.score(5.0) == pytest.approx(5.0, abs=0.2)
    found = episodes(np.append(clusters[:10_080], np.zeros(240, int)), learned, learn=False)
    assert 10_080 < found[-1] <= 10_080 + 40


def test_an_ordinary_day_lacks_nothing(taught, monday):
    city, detection = taught
    assert kinds(day(city, detection, monday, lambda _q, _i: 1.0, first=420, last=840)) == set()


def test_half_the_calls_are_missed_within_half_an_hour_and_told_until_they_come_back(taught, monday):
    city, detection = taught
    low = range(600, 690)
    told = day(city, detection, monday, lambda q, i: 0.5 if q == "transport" and i in low else 1.0, 480, 720)
    mine = [s for s in told if s.queue == "transport"]
    assert {s.kind for s in told} == {"demand_below_expectation"}
    assert mine[0].at - (monday + 600 * MINUTE) <= 30 * MINUTE
    assert abs(mine[0].since - (monday + 600 * MINUTE)) <= 5 * MINUTE
    assert mine[0].value < mine[0].lower < mine[0].expected
    assert "only" in mine[0].summary["en"]
    assert "来电仅" in mine[0].summary["zh"]
    assert [s.active for s in mine].count(False) == 1
    assert 0 < mine[-1].at - (monday + 690 * MINUTE) <= 20 * MINUTE


def test_a_queue_that_falls_silent_is_told_and_demand_is_not_blamed(taught, monday):
    city, detection = taught
    gone = range(600, 640)
    told = day(city, detection, monday, lambda q, i: 0.0 if q == "transport" and i in gone else 1.0, 480, 660)
    silent = [s for s in told if s.kind == "queue_silence"]
    assert {s.queue for s in silent} == {"transport"}
    assert silent[0].at - (monday + 600 * MINUTE) <= 4 * MINUTE
    assert silent[0].since == monday + 600 * MINUTE
    assert silent[0].value == 0
    assert silent[0].expected > 20
    assert silent[0].summary["en"].startswith("Transport (Linjiang 12345): no call since 10:00, about ")
    assert "10:00 以来没有来电" in silent[0].summary["zh"]
    assert silent[-1].active is False
    assert silent[-1].at == monday + 641 * MINUTE
    assert ("demand_below_expectation", "transport") not in kinds(told)


def test_a_small_queue_may_be_silent_for_an_hour(taught, monday):
    """300 calls a day: about 18 an hour by day, so a quarter of an hour is nothing, a whole morning is."""
    city, detection = taught
    quarter = day(city, detection, monday, lambda q, i: 0.0 if q != "transport" and 600 <= i < 615 else 1.0, 480, 660)
    assert kinds(quarter) == set()
    morning = day(city, detection, monday, lambda q, _i: 0.0 if q != "transport" else 1.0, first=660, last=780)
    assert kinds(morning) == {("queue_silence", "foreign-languages")}


def status(silent_since):
    def at(now, _i):
        return SourceStatus(
            feed="live", source="pbx-2", hotline="12345", expected=True, last_at=silent_since or now,
            silent_since=silent_since, at=now, version=1,
        )  # fmt: skip

    return at


def test_a_silent_source_explains_it_and_teaches_nothing(taught, monday):
    city, detection = taught
    start = monday + 600 * MINUTE
    before = day(city, detection, monday, lambda _q, _i: 1.0, 480, 600, status(None))
    assert kinds(before) == set()
    gone = day(city, detection, monday, lambda _q, _i: 0.0, first=600, last=602)
    gone += day(city, detection, monday, lambda _q, _i: 0.0, first=602, last=690, status=status(start))
    assert kinds(gone) == {("dead_feed", "")}
    after = day(city, detection, monday, lambda _q, _i: 1.0, 690, 840, status(None))
    assert kinds(after) == set(), "what comes back is what was expected"


def test_hours_in_which_it_is_closed_are_silent_by_right(make_city, monday):
    """Open from 8 to 20 o'clock: a queue of 200 calls a day says nothing all night and no one is told."""
    city = make_city(12, {"transport": 200})
    city.shape[: 8 * 60] = city.shape[20 * 60 :] = 0
    detection = Detection(city.rules())
    city.teach(detection, 28)
    assert kinds(day(city, detection, monday, lambda _q, _i: 1.0)) == set()
    shut = day(city, detection, monday + DAY, lambda _q, i: 0.0 if i > 9 * 60 else 1.0, last=960)
    assert ("queue_silence", "transport") in kinds(shut)


def test_a_feed_that_has_only_begun_lacks_nothing(taught, monday):
    """Before its first call a feed is not connected; what lies before it is not missed."""
    city, detection = taught
    nothing = day(city, detection, monday, lambda _q, _i: 0.0, first=540, last=600)
    assert kinds(nothing) == set()
    assert kinds(day(city, detection, monday, lambda _q, _i: 1.0, first=600, last=720)) == set()


def test_categories_that_are_known_later_are_not_missed(taught, monday):
    city, detection = taught
    for start in range(monday - 10 * DAY, monday, DAY):
        for i in range(480, 1200):
            tell(detection, "history", "12345", "category_1", "bus", start + i * MINUTE, {"offered": 10})
        detection.complete("history", start + DAY)
    tell(detection, "live", "12345", "category_1", "bus", monday + 540 * MINUTE, {"offered": 10})
    assert kinds(day(city, detection, monday, lambda _q, _i: 1.0, first=540, last=600)) == set()


def test_a_hotline_that_nobody_calls_at_all_is_told_once_and_long_before_its_queues(make_city, monday):
    """Forty queues with eight calls an hour each: a queue alone needs hours, all of them minutes."""
    city = make_city(13, {f"queue-{number}": 120.0 for number in range(40)})
    detection = Detection(city.rules())
    city.teach(detection, 14)
    gone = range(600, 660)
    told = day(city, detection, monday, lambda _q, i: 0.0 if i in gone else 1.0, first=480, last=720)
    assert kinds(told) == {("queue_silence", "")}
    begun = monday + 600 * MINUTE
    assert begun + 2 * MINUTE <= told[0].at <= begun + 6 * MINUTE
    assert abs(told[0].since - begun) <= MINUTE
    assert (told[0].dimension_set, told[-1].active) == ("hotline", False)
    assert monday + 660 * MINUTE < told[-1].at <= monday + 662 * MINUTE
    assert "Linjiang 12345: no call since" in told[0].summary["en"]


def test_a_queue_that_does_not_come_back_with_its_hotline_is_told_silent_since_its_last_call(make_city, monday):
    """While nobody calls the hotline nothing is said of the queue; what is due in it counts from when others call again."""
    city = make_city(13, {f"queue-{number}": 120.0 for number in range(40)} | {"transport": 1_000.0})
    detection = Detection(city.rules())
    city.teach(detection, 14)
    gone = range(600, 660)
    told = day(
        city, detection, monday, lambda q, i: 0.0 if i in gone or (q == "transport" and i >= 600) else 1.0, 480, 720
    )
    own = [it for it in told if it.queue == "transport"]
    assert kinds(told) == {("queue_silence", ""), ("queue_silence", "transport")}
    assert monday + 660 * MINUTE < own[0].at <= monday + 680 * MINUTE
    assert monday + 590 * MINUTE <= own[0].since <= monday + 600 * MINUTE
    assert own[0].expected < 30, "of the hour in which nobody called anywhere nothing is missed of it"
    assert "since 10:00" in own[0].summary["en"] or "since 09:5" in own[0].summary["en"]


def test_the_silence_of_the_queue_that_has_nearly_all_calls_is_told_as_its_own(taught, monday):
    """The hotline is silent for minutes at a time then: that is told only when the other queue's silence is news too."""
    city, detection = taught
    only_one = day(city, detection, monday, lambda q, i: 0.0 if q == "transport" and i >= 600 else 1.0, 480, 720)
    silent = {s.queue for s in only_one if s.kind == "queue_silence"}
    assert silent == {"transport"}
    both = day(city, detection, monday, lambda _q, _i: 0.0, first=720, last=840)
    assert {s.queue for s in both if s.kind == "queue_silence"} == {"transport", "foreign-languages"}


def test_days_without_a_call_teach_nothing(taught, monday):
    """Nobody said why none came: what comes back is what was expected, in every category too, and a burst is a burst."""
    city, detection = taught
    for i in range(14 * 1440):
        bus = city.random.poisson(6_000 * city.shape[i % 1440])
        tell(
            detection, "history", "12345", "category_1", "bus", monday - (14 * 1440 - i) * MINUTE, {"offered": int(bus)}
        )
    detection.complete("history", monday)
    day(city, detection, monday, lambda _q, _i: 1.0, first=480)
    back = monday + 8 * DAY
    gone = [it for it in detection.advance(back + 480 * MINUTE, 1) if isinstance(it, Signal) and it.active]
    assert {it.kind for it in gone} == {"queue_silence"}
    told = []
    for i in range(480, 740):
        bus = city.random.poisson(6_000 * city.shape[i] * (2.5 if i >= 720 else 1.0))
        tell(detection, "live", "12345", "category_1", "bus", back + i * MINUTE, {"offered": int(bus)})
        told += day(city, detection, back, lambda _q, i: 2.5 if i >= 720 else 1.0, first=i, last=i + 1)
    above = {(it.dimension_set, it.queue, it.since >= back + 715 * MINUTE) for it in told if "above" in it.kind}
    assert above == {("category_1", "", True), ("hotline", "", True), ("queue", "transport", True)}


def test_a_clock_that_leaps_takes_long_steps_where_nobody_called_and_short_ones_where_somebody_did(taught, monday):
    city, detection = taught
    day(city, detection, monday, lambda _q, _i: 1.0, first=480, last=720)
    call = monday + 20 * DAY + 600 * MINUTE
    city.tell(detection, "live", call, {"transport": 20, "foreign-languages": 1})
    back = monday + 41 * DAY + 480 * MINUTE
    told = [it for it in detection.advance(back, 1) if isinstance(it, Signal)]
    ended = [it.at for it in told if not it.active and it.queue == "transport"]
    assert ended == [call + MINUTE]
    assert {it.kind for it in told} == {"queue_silence"}
    assert len({it.at for it in told}) < 2 * (1_440 + 6 * 24 + 2), "two silences: a day by the minute, six by the hour"
    after = day(city, detection, back - 480 * MINUTE, lambda _q, _i: 1.0, first=480, last=600)
    assert kinds(after) - {("queue_silence", "foreign-languages")} == set()


def test_a_clock_that_leaps_judges_no_minute_that_lies_ahead_of_it(taught, monday):
    """Partitions are read days apart: one may have told what is hours ahead of the feed's clock."""
    city, detection = taught
    day(city, detection, monday, lambda _q, _i: 1.0, first=480, last=600)
    now = monday + 3 * DAY
    city.tell(detection, "live", now + 2 * HOUR, {"transport": 20, "foreign-languages": 1})
    assert max(it.at for it in detection.advance(now, 1) if isinstance(it, Signal)) == now


def test_the_open_minute_after_a_leap_still_takes_calls(taught, monday):
    city, detection = taught
    day(city, detection, monday, lambda _q, _i: 1.0, first=480, last=600)
    back = monday + 10 * DAY + 614 * MINUTE  # the last minute of its quarter of an hour
    city.tell(detection, "live", back, {"transport": 2, "foreign-languages": 0})
    detection.advance(back + 30_000, 1)
    city.tell(detection, "live", back, {"transport": 5, "foreign-languages": 1})
    assert detection.too_late == 0


@pytest.mark.parametrize("part", [0.0, 0.1])
def test_a_hotline_is_told_silent_whatever_part_of_its_calls_has_a_queue(make_city, monday, part):
    """Where none has, the first may come while it is silent; where few have, their queue alone explains little."""
    city = make_city(6, {"all": 10_000})
    detection = Detection(city.rules())

    def both(feed, minute, calls, part):
        tell(detection, feed, "12345", "hotline", "", minute, {"offered": int(calls)})
        if part:
            of_queue = int(city.random.binomial(calls, part))
            tell(detection, feed, "12345", "queue", "transport", minute, {"offered": of_queue})

    for start in range(monday - 14 * DAY, monday, DAY):
        for i, calls in enumerate(city.counts(start)["all"]):
            both("history", start + i * MINUTE, calls, part)
        detection.complete("history", start + DAY)
    told, counts = [], city.counts(monday)["all"]
    for i in range(480, 720):
        of_queue = part if i < 540 else 0.0 if i < 660 else max(part, 0.1)
        both("live", monday + i * MINUTE, 0 if 660 <= i < 700 else counts[i], of_queue)
        told += [it for it in detection.advance(monday + (i + 1) * MINUTE, i) if isinstance(it, Signal)]
    changes = {(it.queue, it.active): it.at for it in reversed(told)}
    assert {it.kind for it in told} == {"queue_silence"}
    assert monday + 662 * MINUTE <= changes["", True] <= monday + 666 * MINUTE
    assert changes["", False] == monday + 701 * MINUTE


def test_a_silence_goes_on_after_days_of_which_nothing_is_known_by_what_is_due_then(make_city, monday):
    """No weekend was seen yet: until Monday nothing can be said, and Friday's calls are not missed once more."""
    city = make_city(14, {"transport": 4_000, "tourism": 2_000, "water": 2_000})
    detection = Detection(city.rules())
    friday = monday + 4 * DAY
    city.teach(detection, 4, until=friday)
    day(city, detection, friday, lambda _q, _i: 1.0, first=840, last=960)
    told = [it for it in detection.advance(friday + 2 * DAY + 960 * MINUTE, 1) if isinstance(it, Signal)]
    assert (told[0].since, told[-1].at, told[-1].active) == (friday + 960 * MINUTE, friday + DAY, False)
    again = [it for it in detection.advance(friday + 3 * DAY + 300 * MINUTE, 1) if isinstance(it, Signal)]
    assert again[0].at > friday + 3 * DAY
    assert again[0].expected < 100


@pytest.mark.parametrize("queues", [("transport",), ("transport", "tourism", "water")])
def test_who_comes_back_after_all_days_were_forgotten_is_learned_anew_and_a_burst_is_told(make_city, monday, queues):
    """For five weeks a silence is told by what was learned before; the days since have taught that nothing is known."""
    city = make_city(15, dict.fromkeys(queues, 3_000))
    detection = Detection(city.rules())
    city.teach(detection, 14)
    day(city, detection, monday, lambda _q, _i: 1.0, first=480)
    back, told = monday + 40 * DAY, []
    for at in range(monday + 7 * DAY, back, 6 * DAY):  # no longer: beyond a week nobody looked
        told += [it for it in detection.advance(at, 1) if isinstance(it, Signal)]
    told += [it for it in detection.advance(back, 1) if isinstance(it, Signal)]
    assert {it.kind for it in told} == {"queue_silence"}
    assert not told[-1].active
    assert monday + 30 * DAY <= told[-1].at <= monday + 36 * DAY
    first = day(city, detection, back, lambda _q, _i: 1.0, first=480)
    first += day(city, detection, back + DAY, lambda _q, _i: 1.0, last=840)
    assert first == []
    burst = day(city, detection, back + DAY, lambda _q, i: 6.0 if i >= 840 else 1.0, first=840, last=900)
    assert {(it.kind, it.queue) for it in burst} == {("demand_above_expectation", it) for it in ("", *queues)}


@pytest.mark.parametrize("calls_a_week", [2, 300])
def test_where_too_few_called_for_an_excess_nothing_is_missed_by_not_looking(
    make_city, monday, monkeypatch, calls_a_week
):
    """The windows of a minute are made only where enough came to be told: what is told is the same."""

    def told():
        random = np.random.default_rng(calls_a_week)
        detection = Detection(make_city(1, {}).rules())
        detection.advance(monday, 1)
        burst = 4 * 1440 + 600 + np.arange(30)
        for minute in sorted({0, *random.integers(0, 6 * 1440, calls_a_week).tolist(), *burst.tolist()}):
            for dimension_set, queue in (("hotline", ""), ("queue", "transport")):
                calls = {"offered": int(random.integers(1, 4))}
                tell(detection, "live", "12345", dimension_set, queue, monday + minute * MINUTE, calls)
        return detection.advance(monday + 6 * DAY, 2)

    fast, called = told(), Demand._called
    assert {it.kind for it in fast if isinstance(it, Signal)} >= {"demand_above_expectation"}
    monkeypatch.setattr(Demand, "_called", lambda self, now, minutes, least: least > 1 or called(self, now, minutes, 1))
    assert told() == fast
