"""Real processes that are hurt: each fault alone, and random scenarios (`real/scenario.py`), equal to the oracle."""

import random
from collections import Counter
from collections.abc import Iterator

import pytest

from real.scenario import World, world


@pytest.fixture(scope="module")
def its(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("world")) as found:
        yield found


@pytest.mark.faults
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("what", "hard"),
    [
        pytest.param("broker", True, id="the broker is killed and comes back"),
        pytest.param("broker", False, id="the broker is restarted"),
        pytest.param("database", True, id="ClickHouse is killed and comes back"),
        pytest.param("database", False, id="ClickHouse is restarted"),
    ],
)
def test_alone(its: World, what: str, hard: bool) -> None:
    rng, compared = random.Random(what), Counter[str]()
    its.fleet.want(streams=1, sinks=1)
    arrivals = its.told(rng, f"alone-{what}-{hard}")
    its.send(arrivals[::2])
    assert its.hurt(what, rng, hard=hard) != "nothing"
    its.send(arrivals[1::2])
    its.fleet.heal()
    assert its.settle(compared) == [], its.fleet.last_words()
    assert compared["visits"] > 10


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_everything_is_stopped_and_started_again_as_for_an_upgrade(its: World) -> None:
    rng, compared = random.Random("upgrade"), Counter[str]()
    its.fleet.want(streams=2, sinks=1)
    arrivals = its.told(rng, "upgrade")
    its.send(arrivals[::3])
    its.fleet.heal()
    its.fleet.want(streams=0, sinks=0)
    its.send(arrivals[1::3])
    its.fleet.until(lambda: not any(its.fleet.running.values()))
    its.fleet.want(streams=2, sinks=1)
    its.send(arrivals[2::3])
    its.fleet.heal()
    assert its.settle(compared) == [], its.fleet.last_words()
    assert compared["visits"] > 10


@pytest.mark.parametrize(
    ("first", "count"),
    [
        pytest.param(104, 3, marks=[pytest.mark.faults, pytest.mark.timeout(1_200)], id="three"),
        pytest.param(100, 40, marks=[pytest.mark.slow, pytest.mark.timeout(7_200)], id="forty"),
    ],
)
def test_random_scenarios(its: World, first: int, count: int) -> None:
    for seed in range(first, first + count):
        outcome = its.run(seed)
        assert outcome.differences == [], f"seed {seed}\n{its.fleet.last_words()}"
        assert outcome.compared["visits"] > 10
