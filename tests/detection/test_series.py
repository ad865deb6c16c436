"""`hotline detect`: a file of counts through the live detector, row by row."""

import csv
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import pi, sin
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from click.testing import CliRunner

from deploy.cli.main import cli
from deploy.runtime.detection_settings import Demand
from streams.detection.series import SURE, Judged, Series

MINUTE = 60_000
BEGIN = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp()) * 1000
DAY_ROWS = 288


def counts(days: int, seed: int) -> list[int]:
    """Poisson counts of five minutes: about 30 by day, 2 by night."""
    rng = np.random.default_rng(seed)
    usual = [2 + 28 * max(0.0, sin(2 * pi * (row / DAY_ROWS - 0.3))) for row in range(DAY_ROWS)]
    return [int(n) for day in range(days) for n in rng.poisson([it * (0.8 if day % 7 > 4 else 1) for it in usual])]


def judged(rows: list[int], budget: float = 0.5) -> list[Judged]:
    series = Series(5, ZoneInfo("UTC"), Demand(false_alarms_per_week=budget))
    return [series.judge(BEGIN + n * 5 * MINUTE, count) for n, count in enumerate(rows)]


def test_a_spike_is_found_within_minutes_and_the_weeks_before_it_are_quiet() -> None:
    rows = counts(22, seed=1)
    spike = 21 * DAY_ROWS + 144
    for row in range(spike, spike + 12):
        rows[row] *= 2
    found = judged(rows, budget=0.05)  # a false alarm in twenty weeks: none is due in these three
    assert not any(it.alarm for it in found[:spike])
    assert any(it.alarm for it in found[spike : spike + 3])
    assert not any(it.alarm for it in found[spike + 36 :])
    quiet = max(it.score for it in found[:spike])
    assert max(it.score for it in found[spike : spike + 12]) > quiet + 2


def test_a_long_mild_surge_does_not_outrank_a_short_strong_one() -> None:
    rows, noon = counts(22, seed=7), 144
    mild = range(19 * DAY_ROWS + noon, 19 * DAY_ROWS + noon + 24)
    strong = range(21 * DAY_ROWS + noon, 21 * DAY_ROWS + noon + 3)
    for row in mild:
        rows[row] = rows[row] * 8 // 5
    for row in strong:
        rows[row] *= 3
    found = judged(rows)
    assert any(found[row].alarm for row in mild)
    quiet = max(it.score for it in found[15 * DAY_ROWS : mild[0]])
    ranked = [max(found[row].score for row in surge) for surge in (mild, strong)]
    assert quiet < ranked[0] < ranked[1]


def test_of_two_real_surges_the_one_that_brings_more_ranks_higher() -> None:
    """Eight times the few calls of the morning are further beyond chance than three times the many of noon."""
    rows, noon = counts(22, seed=8), 144
    early, late = 19 * DAY_ROWS + 95, 21 * DAY_ROWS + noon
    rows[early], rows[late] = 45, 80
    found = judged(rows)
    assert all(found[row].score > SURE for row in (early, late))
    assert found[early].score < found[late].score


def opened(seed: int) -> list[int]:
    """Rows of 22 days of a line that is open from 8:00 to 20:00, about 150 calls each, on days that differ by 5 %."""
    rng = np.random.default_rng(seed)
    usual = np.where((np.arange(DAY_ROWS) >= 96) & (np.arange(DAY_ROWS) < 240), 150.0, 0.0)
    return [int(n) for _ in range(22) for n in rng.poisson(usual * np.exp(rng.normal(0, 0.05)))]


def test_a_surge_soon_after_opening_is_told_though_a_day_may_begin_busier() -> None:
    rows, quarter_past_eight = opened(seed=10), 21 * DAY_ROWS + 99
    surge = range(quarter_past_eight, quarter_past_eight + 4)
    for row in surge:
        rows[row] = round(1.45 * rows[row])
    found = judged(rows)
    assert any(found[row].alarm for row in surge)


def test_a_day_that_is_busier_from_its_first_call_on_is_no_surge() -> None:
    rows, day = opened(seed=10), 21 * DAY_ROWS
    rows[day:] = [round(1.3 * count) for count in rows[day:]]
    assert not any(it.alarm for it in judged(rows)[day:])


def test_expectation_and_range_hold_what_comes() -> None:
    rows = counts(22, seed=2)
    found = list(zip(rows, judged(rows), strict=True))[14 * DAY_ROWS :]
    by_day = [(row, it) for row, it in found if it.expected is not None and it.expected > 10]
    assert abs(sum(row for row, _ in by_day) / sum(it.expected or 0 for _, it in by_day) - 1) < 0.05
    inside = sum((it.lower or 0) <= row <= (it.upper or 0) for row, it in by_day) / len(by_day)
    assert 0.85 <= inside <= 0.97


def test_what_is_said_of_a_row_rests_on_nothing_after_it() -> None:
    rows, day = counts(5, seed=3), 4 * DAY_ROWS
    changed = [*rows[:day], *(9 * count for count in rows[day:])]
    as_it_was, as_changed = judged(rows), judged(changed)
    assert as_it_was[:day] == as_changed[:day]
    assert as_it_was[day:] != as_changed[day:]


def test_the_budget_decides_on_alarms_and_an_alarm_alone_on_later_scores() -> None:
    rows = counts(15, seed=4)
    rows[14 * DAY_ROWS + 150] += 25
    strict, loose = judged(rows, 0.0001), judged(rows, 5)
    first = next(row for row, it in enumerate(loose) if it.alarm)
    assert [it.score for it in strict[:first]] == [it.score for it in loose[:first]]
    assert any(it.score for it in loose[:first])
    assert sum(it.alarm for it in strict) < sum(it.alarm for it in loose)


def write(path: Path, rows: list[tuple[str, str]]) -> Path:
    path.write_text("timestamp,count\n" + "".join(f"{at},{count}\n" for at, count in rows), encoding="utf-8")
    return path


def run(path: Path, *options: str) -> tuple[int, str, Path]:
    out = path.with_suffix(".out.csv")
    done = CliRunner().invoke(cli, ["detect", "--counts", str(path), "--out", str(out), *options])
    return done.exit_code, done.stderr, out


def test_each_row_of_the_file_has_one_of_the_answer(tmp_path: Path) -> None:
    start = datetime(2026, 3, 2)  # noqa: DTZ001  (local, as files have it)
    stamps = [str(start + timedelta(minutes=5 * n)) for n in range(5 * DAY_ROWS)]
    del stamps[300:310]  # nobody called
    path = write(tmp_path / "calls.csv", [(stamp, "3") for stamp in stamps])
    code, _, out = run(path, "--interval", "5m", "--timezone", "Asia/Shanghai")
    assert code == 0
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["timestamp"] for row in rows] == stamps
    assert list(rows[0]) == ["timestamp", "count", "expected", "lower", "upper", "score", "alarm"]
    assert rows[0]["expected"] == ""
    assert 2 < float(rows[-1]["expected"]) < 4
    assert all(float(b["score"]) < 1 for _, b in pairwise(rows))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("2026-03-02 07:00", "1"), ("2026-03-02 07:00", "1")], "line 3: 2026-03-02 07:00 does not come after"),
        ([("2026-03-02 07:01", "1")], "line 2: 2026-03-02 07:01 does not begin on a multiple of 5 min"),
        ([("yesterday", "1")], "line 2: yesterday,1: write 2026-03-02T07:05"),
        ([("2026-03-02 07:00", "-1")], "line 2: -1 is no count"),
        ([("2026-03-02 07:00", "1.5")], "line 2: 1.5 is no count"),
        ([("2026-03-02 07:00", "nan")], "line 2: nan is no count"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, rows: list[tuple[str, str]], said: str) -> None:
    code, error, _ = run(write(tmp_path / "calls.csv", rows), "--interval", "5m")
    assert (code, said in error) == (2, True), error


def test_a_bad_option_says_what_there_is(tmp_path: Path) -> None:
    path = write(tmp_path / "calls.csv", [("2026-03-02 07:00", "1")])
    assert "1m, 2m, 5m, 15m, 30m, 60m" in run(path, "--interval", "7m")[1]
    assert "Asia/Shanghai" in run(path, "--interval", "5m", "--timezone", "Mars/Olympus")[1]


EVALUATION = Path(__file__).parents[3] / "shared" / "eval"


@pytest.mark.slow
@pytest.mark.timeout(1_200)
@pytest.mark.skipif(not EVALUATION.is_dir(), reason="the labelled series are not here")
@pytest.mark.parametrize("seed", range(1, 6))
def test_planted_events_in_a_bank_s_calls_are_found(tmp_path: Path, seed: int) -> None:
    """Of 48 planted events nine in ten are found, seven in ten within 15 min, at no more false alarms than the budget."""
    source = EVALUATION.parent / "data" / "bank_calls_5min_2003.csv"

    def call(program: str, *options: str) -> None:
        subprocess.run([sys.executable, EVALUATION / program, *options], check=True, capture_output=True)

    case = str(tmp_path / "case")
    call("inject.py", "--counts", str(source), "--interval", "5", "--seed", str(seed), "--out", case)
    code, _, out = run(tmp_path / "case" / "counts.csv", "--interval", "5m", "--budget", "0.5")
    assert code == 0
    told = tmp_path / "told.json"
    call("score.py", "--case", case, "--detections", str(out), "--column", "alarm", "--json", str(told))
    found = json.loads(told.read_text())["alarm"]
    assert found["recall"] >= 0.9
    assert found["detected_soon_share"] >= 0.7
    assert found["false_per_week"] <= 0.5


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(not EVALUATION.is_dir(), reason="the labelled series are not here")
def test_all_five_events_of_new_york_s_taxis_are_found_and_nothing_else(tmp_path: Path) -> None:
    data = EVALUATION.parent / "data"
    path = tmp_path / "taxi.csv"
    path.write_bytes((data / "nyc_taxi.csv").read_bytes())
    code, _, out = run(path, "--interval", "30m", "--budget", "0.1")
    assert code == 0
    told = subprocess.run(
        [sys.executable, EVALUATION / "episodes.py", data / "nyc_taxi_windows.csv", out],
        check=False,
        capture_output=True,
        text=True,
    )
    assert told.stdout.startswith("windows hit 5/5, false episodes 0")
