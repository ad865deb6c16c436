"""Thousands of slices at once: what is planted is found and explained by the right slice, and chance keeps its budget."""

import time
from collections.abc import Sequence

import numpy as np
import pytest
from slices_kit import DAY, MINUTE, MONDAY, ZONE, City, Incident, both, category, district, queue, source

from deploy.runtime.detection_settings import Concentration
from streams.detection.concentrations import Concentrations

HOUR = 60 * MINUTE


def planted(city: City, count: int, first_day: int, last_day: int, seed: int = 1) -> list[Incident]:
    """Incidents of all kinds of slices by day: leaves most of all; each with enough calls that somebody would care."""
    random = np.random.default_rng(seed)
    made: list[Incident] = []
    days = np.linspace(first_day, last_day - 0.01, count).astype(int)
    for i, day in enumerate(days):
        cat, dis = int(random.integers(city.categories)), int(random.integers(city.districts))
        key = [both(cat, dis), category(cat), district(dis), both(cat, dis), queue(cat % city.queues)][i % 5]
        if i == count // 2:
            key = source(1)
        start = MONDAY + int(day) * DAY + int(random.integers(8, 20)) * HOUR + int(random.integers(60)) * MINUTE
        usual = city.usual_by_hour(key)
        made.append(Incident(key, start, 60, round(max(60, 3 * usual))))
    return made


def run(city: City, watch: Concentrations, days: int, incidents: Sequence[Incident], rules: Concentration):
    """(false alarms, alarms beside the right slice while something was planted, seconds spent judging a minute)."""
    false, beside, spent = [], [], []
    for day in range(days):
        start = MONDAY + day * DAY
        for minute, cells in city.day(start, list(incidents)):
            for at, key, count in cells:
                watch.slices.put(at, key, count)
            begun_at = time.perf_counter()
            changed = watch.minute(minute + MINUTE, rules)
            spent.append(time.perf_counter() - begun_at)
            for it in changed:
                if not it.episode.active:
                    continue
                on = [p for p in incidents if p.start <= minute < p.end + 30 * MINUTE]
                right = [p for p in on if p.key == it.key]
                for p in right:
                    p.hits.append(minute + MINUTE)
                if on and not right:
                    beside.append((on[0].key, it.key, minute + MINUTE - on[0].start, it.seen))
                elif not on:
                    false.append((it.key, minute, it.seen))
    return false, beside, spent


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [5, 6])
def test_twenty_incidents_in_four_weeks_of_ten_thousand_keys(capsys, seed):
    city = City(seed, categories=100, districts=100, per_day=30_000)
    incidents = planted(city, 20, 7, 28, seed)
    watch = Concentrations(ZONE)
    false, beside, spent = run(city, watch, 28, incidents, Concentration())
    delays = [(p.hits[0] - p.start) // MINUTE for p in incidents if p.hits]
    keys = len(watch.slices.keys)
    packed = watch.pack()
    with capsys.disabled():
        print(  # noqa: T201  (the figures are what the test is for)
            f"\n{keys} keys, 28 days: {len(delays)} of {len(incidents)} found as the right slice, "
            f"median {int(np.median(delays))} min, latest {max(delays)} min; {len(false)} false, {len(beside)} beside; "
            f"{1e6 * sum(spent) / len(spent) / keys:.2f} us a key and minute, {watch.slices.nbytes / keys:.0f} bytes a key, "
            f"{len(packed) / keys:.0f} packed"
        )
        for it in (*[p for p in incidents if not p.hits], *false, *beside):
            print(it)  # noqa: T201  (the figures are what the test is for)
    assert keys >= 10_000
    assert len(delays) == len(incidents)
    assert len(false) <= 1, "0.2 a week may come of chance"
