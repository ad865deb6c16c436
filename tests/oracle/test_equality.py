"""The engine's cores against the oracle on random logs, without faults: every visit, cell and dead letter equal."""

import random

import pytest
from engine import Engine

from model.traffic import HOUR, MINUTE, START, Plan, S, replay, traffic
from model.world import settings
from oracle.batch import compute
from oracle.compare import differences
from oracle.reading import Input
from oracle.rules import rules_of
from oracle.told import answer_of
from streams import call_book
from streams.call_book import IN_USE
from streams.contract.keys import murmur2_partition

PARTITIONS = 6
KEYS = {murmur2_partition(key.encode(), PARTITIONS): key for key in map(str, range(100))}
"""partition -> a record key that goes there."""


@pytest.mark.parametrize(("seed", "in_use"), [(0, IN_USE), (1, IN_USE), (2, 0), (3, 3)])
def test_a_random_log_amounts_to_what_the_oracle_says(seed: int, in_use: int, monkeypatch) -> None:
    monkeypatch.setattr(call_book, "IN_USE", in_use)
    rng = random.Random(seed)
    plan = Plan(calls=40, span_ms=90 * MINUTE, late=0.03, repeat=0.1)
    arrivals = traffic(rng, plan, PARTITIONS)
    if seed % 2:
        arrivals += replay(rng, "replay-file", START + 10 * MINUTE, calls=20, partitions=PARTITIONS)
    engine = Engine(settings(), PARTITIONS)
    records: list[Input] = []
    now = START
    for arrival in sorted(arrivals, key=lambda arrival: arrival.at):
        now = max(now, arrival.at)
        offset = sum(record.partition == arrival.partition for record in records)
        records.append(Input(arrival.partition, offset, now, arrival.value))
        engine.send([arrival.value], now, key=KEYS[arrival.partition])
        if rng.random() < 0.2:
            engine.tick(now, caught_up=rng.random() < 0.7)
        if rng.random() < 0.01:
            engine.restart()
    for _ in range(6):
        now += 30 * MINUTE + 7 * S
        engine.tick(now)
    assert now > arrivals[-1].at + 3 * HOUR
    told = answer_of([*engine.visits.values(), *engine.facts.values()], engine.cells.values(), engine.letters.values())
    truth = compute(records, rules_of(engine.settings), now)
    assert len(truth.visits) > 30
    assert len({letter["reason"] for letter in truth.letters.values()}) > 4
    assert differences(told, truth) == []
