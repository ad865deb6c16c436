"""The first days of a line: what is gross is told from the first day on, and an ordinary first week is not."""

import csv
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from detection_kit import tell

from deploy.runtime.detection_settings import Demand
from streams.contract import Signal
from streams.detection import Detection
from streams.detection.series import Series

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
VOLUMES = {"transport": 20_000, "housing": 2_500, "education": 800, "foreign-languages": 300}
DATA = Path(__file__).parents[3] / "shared" / "data"


def live(city, detection, start, end, spike=None):
    """Minute by minute from `start` to `end`; `spike` = (begin, end, queue, factor), in ms. All demand signals told."""
    told, rates, midnight = [], {}, None
    for minute in range(start, end, MINUTE):
        if midnight != (midnight := minute - (minute + 8 * HOUR) % DAY):
            rates = city.day(midnight)
        rate = {queue: of_day[(minute - midnight) // MINUTE] for queue, of_day in rates.items()}
        if spike and spike[0] <= minute < spike[1]:
            rate[spike[2]] *= spike[3]
        city.tell(detection, "live", minute, {queue: int(city.random.poisson(it)) for queue, it in rate.items()})
        told += [r for r in detection.advance(minute + MINUTE, minute // MINUTE) if isinstance(r, Signal)]
    return told


@pytest.mark.parametrize("queue", ["transport", "housing", "education"])
def test_four_times_the_calls_are_told_on_the_first_day(make_city, monday, queue):
    city = make_city(5, VOLUMES)
    detection = Detection(city.rules())
    begin = monday + 13 * HOUR
    told = live(city, detection, monday + 9 * HOUR, monday + 16 * HOUR, (begin, begin + HOUR, queue, 4))
    first, *_ = own = [it for it in told if it.queue == queue]
    assert begin < first.at <= begin + 30 * MINUTE
    assert abs(first.since - begin) <= 10 * MINUTE
    assert first.expected < first.upper < first.value
    assert "compared with the hour before" in first.summary["en"]
    assert "按此前一小时估计" in first.summary["zh"]
    assert not own[-1].active
    assert begin + HOUR < own[-1].at <= begin + HOUR + 20 * MINUTE
    assert {it.queue for it in told} <= {queue, ""}


@pytest.mark.parametrize(
    "begins_h", [9.5, *(pytest.param(it, marks=pytest.mark.slow) for it in (0, 3 * 24 + 20, 5 * 24 + 11))]
)
def test_an_ordinary_first_week_tells_nothing(make_city, monday, begins_h):
    city = make_city(11 + int(begins_h), VOLUMES, level_sd=0.12)
    begin = monday + int(begins_h * HOUR)
    assert live(city, Detection(city.rules()), begin, begin + 7 * DAY) == []


def queue_of_a_known_line(detection, at, calls):
    """One minute of a line of 10 calls a minute from eight to eight, and of a queue that it got today."""
    open_ = 8 * HOUR <= (at + 8 * HOUR) % DAY < 20 * HOUR
    tell(detection, "live", "12345", "hotline", "", at, {"offered": 10 * open_ + calls})
    tell(detection, "live", "12345", "queue", "new", at, {"offered": calls})
    return [r for r in detection.advance(at + MINUTE, at // MINUTE) if isinstance(r, Signal) and r.queue == "new"]


def known_line(city, monday):
    detection = Detection(city.rules())
    for at in range(monday - 14 * DAY, monday, MINUTE):
        open_ = 8 * HOUR <= (at + 8 * HOUR) % DAY < 20 * HOUR
        tell(detection, "history", "12345", "hotline", "", at, {"offered": 10 * open_})
    detection.complete("history", monday)
    return detection


@pytest.mark.parametrize(("factor", "tells"), [(1, False), (4, True)])
def test_a_new_queue_goes_by_the_day_of_its_hotline(make_city, monday, factor, tells):
    city = make_city(3, VOLUMES)
    detection = known_line(city, monday)
    told = []
    for at in range(monday + 6 * HOUR, monday + 11 * HOUR, MINUTE):
        rate = 2.0 if at >= monday + 8 * HOUR else 0.3
        if at >= monday + 10 * HOUR:
            rate *= factor
        told += queue_of_a_known_line(detection, at, int(city.random.poisson(rate)))
    assert bool(told) is tells
    assert all(it.since >= monday + 10 * HOUR - 10 * MINUTE for it in told)


def test_lines_that_open_are_no_burst(make_city, monday):
    city = make_city(4, {"transport": 20_000})
    detection = Detection(city.rules())
    told = []
    for at in range(monday, monday + 30 * HOUR, MINUTE):
        calls = 20 if 12 * HOUR <= (at - monday) % DAY < 18 * HOUR else 0
        city.tell(detection, "live", at, {"transport": calls})
        told += [r for r in detection.advance(at + MINUTE, at // MINUTE) if isinstance(r, Signal)]
    assert told == []


def test_a_restart_in_the_middle_is_not_noticed(make_city, monday):
    begin = monday + 13 * HOUR
    spike = (begin, begin + HOUR, "housing", 5)
    half = begin + 40 * MINUTE

    def told(*, restarted):
        city = make_city(8, {"housing": 2_500})
        detection = Detection(city.rules())
        before = live(city, detection, monday + 9 * HOUR, half, spike)
        if restarted:
            detection = Detection.restore(city.rules(), detection.snapshot())
        return before + live(city, detection, half, begin + 2 * HOUR, spike)

    assert told(restarted=True) == told(restarted=False) != []


def series(name, zone):
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        for stamp, count in list(csv.reader(file))[1:]:
            yield int(datetime.fromisoformat(stamp).replace(tzinfo=zone).timestamp() * 1000), int(float(count))


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason="shared/data is not here")
@pytest.mark.parametrize(("name", "interval"), [("bank_calls_5min_2003.csv", 5), ("nyc_taxi.csv", 30)])
def test_first_weeks_of_real_lines_keep_near_the_budget(name, interval):
    zone = ZoneInfo("America/New_York")
    rows = list(series(name, zone))
    weeks = episodes = 0
    for begin in range(rows[0][0], rows[-1][0] - 7 * DAY, 6 * DAY):
        judged = Series(interval, zone, Demand(false_alarms_per_week=0.1))
        alarms = [judged.judge(at, count).alarm for at, count in rows if begin <= at < begin + 7 * DAY]
        weeks += 1
        episodes += int(np.count_nonzero(np.diff(np.array([False, *alarms]).astype(int)) == 1))
    assert weeks >= 30
    assert episodes <= 0.2 * weeks
