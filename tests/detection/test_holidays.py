"""Public holidays go like Sundays, and weekend days that are worked instead like the workday beside them."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from click.testing import CliRunner
from detection_kit import tell
from pydantic import ValidationError

from deploy.cli.main import cli
from deploy.runtime.detection_settings import Demand
from deploy.runtime.public_holidays import weekdays
from deploy.runtime.settings import Hotline
from streams.contract import Cell, Signal
from streams.detection import Detection, DetectionRules
from streams.detection.series import Series

ZONE = ZoneInfo("Asia/Shanghai")
MINUTE = 60_000


@pytest.mark.parametrize(
    ("country", "day", "like", "name"),
    [
        ("CN", date(2025, 10, 1), 6, "National Day"),
        ("CN", date(2025, 9, 28), 0, None),  # a Sunday that is worked
        ("CN", date(2025, 10, 11), 4, None),  # a Saturday that is worked
        ("CN", date(2025, 9, 27), 5, None),
        ("CN", date(2025, 9, 24), 2, None),
        ("US", date(2025, 7, 4), 6, "Independence Day"),
        ("DE-BY", date(2025, 1, 6), 6, "Epiphany"),
        ("DE", date(2025, 1, 6), 0, None),
        ("", date(2025, 10, 1), 2, None),
    ],
)
def test_which_weekday_a_date_goes_like(country, day, like, name):
    kinds = weekdays(country)
    assert kinds.of(day.toordinal()) == like
    assert kinds.names(day.toordinal()).get("en") == name


def rows(begin: date, days: int):
    """Quarter hours of an office's line: 60 calls by day where people work, 12 where they do not."""
    random, kinds = np.random.default_rng(3), weekdays("CN")
    for day in range(days):
        on = begin + timedelta(days=day)
        rate = 60 if kinds.of(on.toordinal()) < 5 else 12
        midnight = int(datetime(on.year, on.month, on.day, tzinfo=ZONE).timestamp() * 1000)
        for slot in range(96):
            yield on, midnight + slot * 15 * MINUTE, int(random.poisson(rate if 32 <= slot < 72 else 2))


def judged_by(country: str, until: date) -> tuple[set[date], dict[date, float]]:
    """The days with alarms, and what was expected of the quarter hour in which a day begins to be busy."""
    series = Series(15, ZONE, Demand(false_alarms_per_week=0.05), country)
    alarms, expected, first = set(), {}, date(2025, 8, 25)
    for on, start, count in rows(first, (until - first).days + 1):
        judged = series.judge(start, count)
        if judged.alarm:
            alarms.add(on)
        if (start // MINUTE // 60 + 8) % 24 == 8 and on not in expected:
            expected[on] = judged.expected
    return alarms, expected


def test_a_worked_weekend_and_a_week_of_holidays_are_expected_where_the_country_is_known():
    worked, free = date(2025, 9, 28), date(2025, 10, 1)
    alarms, expected = judged_by("CN", date(2025, 10, 14))
    _, unaware = judged_by("", free)
    assert alarms == set()
    assert 45 < expected[worked] < 75
    assert expected[free] < 20
    assert unaware[worked] < 20
    assert unaware[free] > 45


def test_a_burst_on_a_holiday_is_told_and_the_holiday_named():
    """A Sunday that is worked and a holiday are judged minute by minute, the days about them only learned."""
    detection = Detection(DetectionRules(hotlines={"h": Hotline(time_zone="Asia/Shanghai", country="CN")}))
    worked, holiday, told = date(2025, 9, 28), date(2025, 10, 1), []
    for on, start, count in rows(date(2025, 9, 21), 11):
        live, burst = on in {worked, holiday}, on == holiday and (start // MINUTE // 60 + 8) % 24 == 12
        for minute in range(15):
            calls = (count + minute) // 15 * (8 if burst else 1)
            feed, at = "live" if live else "history", start + (minute + 1) * MINUTE
            tell(detection, feed, "h", "hotline", "", at - MINUTE, {"offered": calls})
            if live:
                told += [it for it in detection.advance(at, at // MINUTE) if isinstance(it, Signal) and it.active]
        if not live:
            detection.complete("history", at)
    told = [it for it in told if it.kind != "queue_silence"]  # of the live days only two are told
    assert {datetime.fromtimestamp(it.since / 1000, ZONE).date() for it in told} == {date(2025, 10, 1)}
    assert "A Sunday's calls were expected: it is National Day." in told[0].summary["en"]
    assert "当日为国庆节，按周日预期。" in told[0].summary["zh"]


@pytest.mark.parametrize(("code", "said"), [("XX", "no country"), ("DE-XY", "DE-BY")])
def test_a_country_nobody_knows_is_refused(code, said, tmp_path):
    with pytest.raises(ValidationError, match=said):
        Hotline(country=code)
    counts = tmp_path / "counts.csv"
    counts.write_text("timestamp,count\n2026-03-02T00:00,3\n", encoding="utf-8")
    words = ("--counts", str(counts), "--interval", "5m", "--out", str(tmp_path / "out.csv"), "--country", code)
    done = CliRunner().invoke(cli, ["detect", *words])
    assert (done.exit_code, said in done.output.replace("\n", " ")) == (2, True), done.output


WORK, OFF = (20, 10, 2), (8, 5, 7)
"""Calls a minute of three districts: offices ring on working days, the last district where people are at home."""


def rules(country: str) -> DetectionRules:
    return DetectionRules(hotlines={"h": Hotline(time_zone="Asia/Shanghai", country=country)})


def mixed(day: date, extra: int = 0):
    """Each minute of a day with the calls of each district, "" for all; `extra` more of the last from ten to eleven."""
    random = np.random.default_rng(day.toordinal())
    rates = WORK if weekdays("CN").of(day.toordinal()) < 5 else OFF
    midnight = int(datetime(day.year, day.month, day.day, tzinfo=ZONE).timestamp() * 1000)
    for minute in range(1440):
        counts = random.poisson(rates)
        counts[2] += random.poisson(extra) if minute // 60 == 10 else 0
        yield midnight + minute * MINUTE, {"": int(counts.sum())} | {f"d{i}": int(counts[i]) for i in range(3)}


def tell_mix(detection: Detection, feed: str, minute: int, counts: dict[str, int]) -> None:
    for name, count in counts.items():
        dimension_set = "district_2" if name else "hotline"
        told = Cell(
            feed=feed,
            hotline="h",
            dimension_set=dimension_set,
            district=name,
            minute=minute,
            version=1,
            counts={"offered": count},
        )
        detection.cell(told)


@pytest.fixture(scope="module")
def two_weeks() -> bytes:
    """What is learned until the eve of a holiday: two weeks, with a Sunday that was worked."""
    detection, first = Detection(rules("CN")), date(2025, 9, 17)
    for on in (first + timedelta(days=day) for day in range(14)):
        for minute, counts in mixed(on):
            tell_mix(detection, "history", minute, counts)
        detection.complete("history", minute + MINUTE)
    return detection.snapshot()


def concentrated(taught: bytes, country: str, day: date, extra: int = 0) -> set[str]:
    """The districts that had more than their part of a day's calls until early afternoon."""
    detection, found = Detection.restore(rules(country), taught), set()
    for minute, counts in mixed(day, extra):
        tell_mix(detection, "live", minute, counts)
        hour = datetime.fromtimestamp(minute / 1000, ZONE).hour
        if 7 <= hour < 13:
            signals = [it for it in detection.advance(minute + MINUTE, 1) if isinstance(it, Signal)]
            found |= {it.dimensions["district"] for it in signals if it.kind == "demand_concentrated"}
    return found


@pytest.mark.parametrize("day", [date(2025, 10, 1), date(2025, 10, 11)], ids=["holiday", "worked Saturday"])
def test_a_holiday_concentrates_nothing_and_what_comes_on_it_is_found(two_weeks, day):
    assert concentrated(two_weeks, "", day), "by its plain weekday the day looks odd"
    assert concentrated(two_weeks, "CN", day) == set()
    assert concentrated(two_weeks, "CN", day, extra=8) == {"d2"}
