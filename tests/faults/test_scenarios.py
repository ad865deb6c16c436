"""Whatever breaks, every visit, cell and dead letter is the one that the batch oracle computes from the input topic.

The real cores and the real worker shell on a broker and a database in memory; a seed decides everything that happens,
and when. `make faults` runs 300 of them, `make scenarios` 2,000; `run_scenarios.py --first SEED --count 1` one again.
"""

import os
import random
from collections.abc import Mapping
from typing import NamedTuple

import pytest

from model.many import judged, run
from model.world import Weather

CALM = Weather(kill=0, pause=0, join=0, leave=0, refuse=0, database=0, skew_ms=0)


class Fault(NamedTuple):
    """One kind of trouble and nothing else; `seen`: what must have happened, or the test shows nothing."""

    weather: Weather
    seen: tuple[str, ...]


def calm_but(*seen: str, **trouble: float | str) -> Fault:
    return Fault(Weather(**{**vars(CALM), **trouble}), seen)


FAULTS: Mapping[str, Fault] = {
    "a worker is killed at any moment": calm_but("kill", kill=6),
    "a worker is killed between its outputs and their checkpoint": calm_but(
        "killed after outputs", kill_after="outputs"
    ),
    "a worker is killed between the shards and the manifest": calm_but("killed after shards", kill_after="shards"),
    "a worker hangs past its session timeout and wakes up": calm_but("expire", "wake", "notice", pause=10),
    "what a worker sent before it hung arrives beside what its successor tells": calm_but(
        "expire", "wake", "notice", pause=10, join=4, delay=0.8
    ),
    "workers join and leave": calm_but("join", "leave", "rebalance", join=3, leave=3),
    "the broker refuses records": calm_but("refuse", refuse=4),
    "the database is away, and its writer is killed": calm_but("database", "sink_crash", database=8),
    "the workers' clocks disagree": calm_but("rebalance", skew_ms=60_000, join=2, leave=1),
}


@pytest.mark.parametrize("name", FAULTS)
def test_one_fault_changes_no_number(name: str) -> None:
    fault = FAULTS[name]
    found = [judged(seed, fault.weather) for seed in range(100, 104)]
    assert [line for outcome in found for line in outcome.differences] == []
    for what in fault.seen:
        assert sum(outcome.happened[what] for outcome in found), f"{what} did not happen"


def test_all_faults_together_change_no_number() -> None:
    report = run(range(6))
    assert report.wrong == {}
    assert min(report.compared[what] for what in ("visits", "cells", "letters")) > 20


def test_a_scenario_is_its_seed() -> None:
    assert judged(5) == judged(5)


def test_every_kind_of_weather_is_drawn() -> None:
    drawn = [Weather.drawn(random.Random(seed)) for seed in range(100)]
    assert {weather.kill_after for weather in drawn} == {"", "outputs", "shards"}
    assert any(weather.kill == 0 for weather in drawn)
    assert {weather.members for weather in drawn} == {1, 2, 4}


@pytest.mark.faults
@pytest.mark.timeout(1_800)
def test_three_hundred_scenarios_change_no_number() -> None:
    report = run(range(10_000, 10_300), processes=os.cpu_count() or 1)
    assert report.wrong == {}
    assert report.ran == 300
    for what in (
        "kill",
        "expire",
        "notice",
        "refuse",
        "leave",
        "sink_crash",
        "killed after outputs",
        "killed after shards",
    ):
        assert report.happened[what] > 20, what
