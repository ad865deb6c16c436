"""Real processes that are hurt: each fault alone, and random scenarios (`real/scenario.py`), equal to the oracle."""

import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
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


def command(*args: str) -> list[str]:
    return [sys.executable, "-m", "deploy.cli", *args]


def last_month(file: Path) -> Path:
    """Calls of thirty days ago, as a file of call records."""
    rng, at = random.Random(1), datetime.now(UTC) - timedelta(days=30)
    rows = ["call_id,start,queue,wait,talk,outcome,agent,category"]
    for number in range(400):
        at += timedelta(seconds=rng.randrange(60))
        outcome = rng.choice(["answered", "answered", "abandoned", "overflow"])
        talk = rng.randrange(300) if outcome == "answered" else ""
        start = at.strftime("%Y-%m-%dT%H:%M:%S")
        rows.append(f"past-{number},{start},traffic,{rng.randrange(90)},{talk},{outcome},bob,roads/hole")
    file.write_text("\n".join(rows) + "\n", "utf-8")
    return file


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_last_month_is_replayed_twice_beside_live_calls_and_is_there_once(its: World, tmp_path: Path) -> None:
    """Live calls go on all along; every cell of theirs, and of the month, is the oracle's, and nothing is signalled."""
    rng, compared = random.Random("month"), Counter[str]()
    its.fleet.want(streams=2, sinks=1)
    its.fleet.heal()
    file = last_month(tmp_path / "month.csv")
    replay = [
        "replay",
        str(file),
        "--mapping",
        "call-records",
        "--hotline",
        "city",
        "--feed",
        "month",
        "--wait",
        "--json",
    ]
    for number in range(2):
        arrivals = its.told(rng, f"beside-{number}")
        sent = 0
        with subprocess.Popen(command(*replay), env=its.fleet.environment, stdout=subprocess.DEVNULL) as running:
            while running.poll() is None:
                its.send(arrivals[sent : sent + 5])
                sent = min(sent + 5, len(arrivals))
                its.fleet.pass_time(0.1)
        assert running.returncode == 0
        assert sent > 0
        its.send(arrivals[sent:])
        assert its.settle(compared) == [], its.fleet.last_words()
        [[offered]] = its.ask("SELECT sum(offered) FROM v_cells WHERE feed = 'month' AND dimension_set = 'hotline'")
        assert offered == 400
    assert its.ask("SELECT uniqExact(generation) FROM cells WHERE feed = 'month'") == [(2,)]
    assert its.ask("SELECT * FROM v_signals") == []


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_a_producer_without_keys_and_a_record_that_is_too_large_are_said(its: World) -> None:
    large = "SELECT count() FROM v_dead_letters WHERE reason = 'too_large'"
    its.fleet.want(streams=1, sinks=1)
    assert its.settle(Counter()) == []
    [[before]] = its.ask(large)
    now = int(time.time() * 1000)
    told = {"type": "queued", "time": now, "hotline": "city", "queue": "traffic", "source": "keyless"}
    values = [msgspec.json.encode(told | {"call": f"keyless-{now}-{number}"}) for number in range(40)]
    its.send_without_keys([*values, msgspec.json.encode(told | {"call": "large", "subject": "x" * 900_000})])
    assert its.settle(Counter()) == [], its.fleet.last_words()
    assert its.ask(large) == [(before + 1,)]

    def misrouted() -> int:
        """As it is told by the engine's progress, which comes after what it is about."""
        told_by = subprocess.run(
            command("status", "--json"), env=its.fleet.environment, capture_output=True, timeout=120, check=True
        )
        return int(json.loads(told_by.stdout)["misrouted_by_source"].get("keyless", 0))

    its.fleet.until(lambda: misrouted() > 20)
    assert misrouted() <= 40


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
