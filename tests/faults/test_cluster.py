"""One of three brokers is lost: the other two go on, and every number is the oracle's."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from real.brokers import KafkaCluster, coordinator, leaders, least_in_sync
from real.scenario import world
from streams.app import GROUP
from streams.contract.topics import CALLS, CELLS, PARTIALS


def of_the_group(bootstrap: str) -> int:
    return asyncio.run(coordinator(bootstrap, GROUP))


def of_topic(topic: str) -> Callable[[str], int]:
    return lambda bootstrap: asyncio.run(leaders(bootstrap, topic))[0]


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "chosen",
    [
        pytest.param([of_the_group], marks=pytest.mark.faults, id="the one that coordinates the group"),
        pytest.param(
            [of_topic(PARTIALS), of_the_group, of_topic(CELLS), of_the_group],
            marks=pytest.mark.slow,
            id="four times, the one that leads the bundles or the cells or coordinates the group",
        ),
    ],
)
def test_one_of_three_brokers_is_lost(tmp_path: Path, chosen: list[Callable[[str], int]]) -> None:
    rng, compared = random.Random(1), Counter[str]()
    cluster = KafkaCluster(tmp_path / "kafka")
    with world(tmp_path, cluster) as its:
        assert asyncio.run(least_in_sync(cluster.bootstrap, CALLS)) == 2
        its.fleet.want(streams=2, sinks=1)
        for number, choose in enumerate(chosen):
            cluster.start()
            before = its.stored("visits")
            arrivals = its.told(rng, f"three-{number}")
            its.send(arrivals[::3])
            its.fleet.until(lambda before=before: its.stored("visits") > before)
            lost = choose(cluster.bootstrap)
            assert lost in asyncio.run(leaders(cluster.bootstrap, CALLS)).values(), "it leads some of the input too"
            its.send(arrivals[1::3])
            cluster.kill(lost)
            its.send(arrivals[2::3])
            assert its.settle(compared) == [], its.fleet.last_words()
            assert not cluster.running
            assert choose(cluster.bootstrap) != lost
        assert compared["visits"] > 10
