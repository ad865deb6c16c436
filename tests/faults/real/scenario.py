"""One scenario with real processes: a seed says what arrives, what breaks and when; then everything heals.

All scenarios of a run share a broker, a database and their log: each one goes on where the last one ended, and after
each the whole log is computed anew by the oracle.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy import topics as topic_table
from deploy.runtime.settings import ClickHouse, Kafka, Settings
from model.broker import PARTITIONS
from model.traffic import MINUTE, Arrival, Plan, traffic
from oracle.batch import compute
from oracle.compare import differences
from oracle.reading import Input
from oracle.rules import rules_of
from real.brokers import BROKERS, KafkaCluster
from real.fleet import Fleet
from real.stored import answer
from sinks.clickhouse.client import connect
from sinks.clickhouse.migrate import migrate
from streams.contract.topics import CALLS

EQUAL_WITHIN_S = 240.0
MOST_WORKERS = 4
SPAN_MS = 5 * MINUTE

LIKELY = {
    "kill streams": 6,
    "stop streams": 4,
    "join": 2,
    "leave": 2,
    "kill sinks": 2,
    "broker": 1,
    "database": 2,
    "database back": 2,
}

SETTINGS = """
demo: true
alerts: {feed: none}
demand: {learn_from: []}
intake: {allowed_lateness_s: 1200, lost_waiting_s: 1200, lost_talking_s: 2400, lost_agent_s: 3000}
cells:
  dimension_sets:
    queue: [queue]
    category_1: [category/1]
    district_1: [district/1]
    of_both: [centre, queue]
hotlines:
  city: {thresholds_s: [20, 60], queues: {traffic: {thresholds_s: [10]}}}
  line-2: {thresholds_s: [15], short_abandon_s: 3}
"""


@dataclass
class Outcome:
    """What became of a scenario: where the database differs from the oracle, what was done, what was compared."""

    seed: int
    differences: list[str]
    happened: Counter[str] = field(default_factory=Counter)
    compared: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


class World:
    """A fleet with its topics and schema, and what is asked of it."""

    def __init__(self, fleet: Fleet, settings: Settings) -> None:
        self.fleet = fleet
        self.kafka = settings.kafka
        self._settings = settings
        self._rules = rules_of(settings)
        self._sent = 0
        self._ended_before = 0

    def run(self, seed: int) -> Outcome:
        """One scenario."""
        rng = random.Random(seed)
        outcome, began = Outcome(seed, []), time.monotonic()
        arrivals = self.told(rng, f"s{seed}")
        self.fleet.want(streams=rng.randint(1, MOST_WORKERS), sinks=rng.choice([1, 1, 2]))
        parts = rng.randint(4, 7)
        for number in range(parts):
            self.send(arrivals[number * len(arrivals) // parts : (number + 1) * len(arrivals) // parts])
            self.fleet.pass_time(rng.choice([0.0, 0.3, 1.5, 4.0]))
            outcome.happened[self._hurt(rng)] += 1
            self.fleet.pass_time(rng.choice([0.0, 0.5, 2.0]))
        self.fleet.heal()
        outcome.differences = self.settle(outcome.compared)
        outcome.seconds = time.monotonic() - began
        outcome.happened["ended by itself"] = self.fleet.ended_by_themselves - self._ended_before
        self._ended_before = self.fleet.ended_by_themselves
        return outcome

    def told(self, rng: random.Random, name: str) -> list[Arrival]:
        """Some calls of the last minutes, as a telephone system tells them."""
        now = int(time.time() * 1000)
        plan = Plan(calls=rng.choice([15, 40]), span_ms=SPAN_MS, begin=now - SPAN_MS, name=f"{name}-{now % 100_000}-")
        return traffic(rng, plan, PARTITIONS[CALLS])

    def send(self, arrivals: Sequence[Arrival]) -> None:
        """These are in the log when this returns."""
        asyncio.run(_produce(self.fleet.broker.bootstrap, arrivals))
        self._sent += len(arrivals)

    def _hurt(self, rng: random.Random) -> str:
        """Something goes wrong; says what."""
        what = rng.choices(list(LIKELY), list(LIKELY.values()))[0]
        return self.hurt(what, rng, hard=rng.random() < 0.5)

    def hurt(self, what: str, rng: random.Random, *, hard: bool) -> str:
        """This goes wrong, if it can now; `hard`: by kill -9 where there is a polite way. Says what was done."""
        fleet = self.fleet
        awake = fleet.awake
        if what == "kill streams" and awake:
            rng.choice(awake).kill()
        elif what == "stop streams" and awake:
            fleet.suspend(rng.choice(awake))
            if fleet.wanted["streams"] == 1:
                fleet.wanted["streams"] = 2  # somebody must take over
        elif what == "join" and fleet.wanted["streams"] < MOST_WORKERS:
            fleet.want(streams=fleet.wanted["streams"] + 1)
        elif what == "leave" and fleet.wanted["streams"] > 1:
            fleet.want(streams=fleet.wanted["streams"] - 1)
        elif what == "kill sinks" and fleet.running["sinks"]:
            rng.choice(fleet.running["sinks"]).kill()
        elif what == "broker":
            fleet.restart_broker(hard=hard)
        elif what == "database" and fleet.database_is_there:
            fleet.end_database(hard=hard)
        elif what == "database back" and not fleet.database_is_there:
            fleet.start_database()
        else:
            return "nothing"
        return f"{what}, kill -9" if hard and what in {"broker", "database"} else what

    def send_without_keys(self, values: Sequence[bytes]) -> None:
        """As a producer does that knows nothing of keys: each record wherever its client likes."""
        asyncio.run(_produce_without_keys(self.fleet.broker.bootstrap, values))
        self._sent += len(values)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query to the database."""
        with connect(self._settings.clickhouse) as client:
            return [tuple(row) for row in client.query(query).result_rows]

    def stored(self, table: str) -> int:
        """How many rows a table of the database has."""
        return int(self.ask(f"SELECT count() FROM {table} FINAL")[0][0])

    def settle(self, compared: Counter[str]) -> list[str]:
        """Ask until the database says what the oracle says; what still differs when time is up.

        `compared`: takes how much of what was compared.
        """
        end = time.monotonic() + EQUAL_WITHIN_S
        while True:
            self.fleet.pass_time(1)
            records = asyncio.run(_read(self.fleet.broker.bootstrap))
            assert len(records) >= self._sent, f"{len(records)} of {self._sent} records are in the log"
            with connect(self._settings.clickhouse) as client:
                told = answer(client)
            truth = compute(records, self._rules, int(time.time() * 1000))
            # A replay that a later one has replaced stays in the tables; no view shows it.
            shown = {(feed, generation) for feed, generation, _ in truth.visits} | {("live", 0)}
            told.visits = {key: row for key, row in told.visits.items() if key[:2] in shown}
            told.cells = {key: row for key, row in told.cells.items() if (key.feed, key.generation) in shown}
            found = differences(told, truth)
            if not found or time.monotonic() > end:
                compared.update(
                    records=len(records), visits=len(truth.visits), cells=len(truth.cells), letters=len(truth.letters)
                )
                return found


@contextmanager
def world(directory: Path, cluster: KafkaCluster | None = None) -> Iterator[World]:
    """Broker (or a cluster), database, topics and schema; no workers yet."""
    config = directory / "hotline.yaml"
    config.write_text(SETTINGS, "utf-8")
    with Fleet(directory, {"HOTLINE_CONFIG": str(config)}, cluster) as fleet:
        kafka = Kafka(bootstrap=fleet.broker.bootstrap, replication_factor=BROKERS if cluster else 1)
        settings = Settings(kafka=kafka, clickhouse=ClickHouse(url=fleet.database.url), **yaml.safe_load(SETTINGS))
        asyncio.run(topic_table.apply(kafka))
        migrate(settings)
        yield World(fleet, settings)


async def _produce(bootstrap: str, arrivals: Sequence[Arrival]) -> None:
    """These arrive at once, in this order."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True) as producer:
        await asyncio.gather(*[await producer.send(CALLS, it.value, partition=it.partition) for it in arrivals])


async def _produce_without_keys(bootstrap: str, values: Sequence[bytes]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        for value in values:
            await producer.send_and_wait(CALLS, value)


async def _read(bootstrap: str) -> list[Input]:
    """The whole input topic."""
    tps = [TopicPartition(CALLS, p) for p in range(PARTITIONS[CALLS])]
    records: list[Input] = []
    options = {"bootstrap_servers": bootstrap, "enable_auto_commit": False, "auto_offset_reset": "earliest"}
    async with AIOKafkaConsumer(**options) as consumer:
        consumer.assign(tps)
        ends = await consumer.end_offsets(tps)
        while any([await consumer.position(tp) < ends[tp] for tp in tps]):
            for tp, found in (await consumer.getmany(*tps, timeout_ms=500)).items():
                records += [Input(tp.partition, it.offset, it.timestamp, it.value) for it in found]
    return records
