"""Every engine on the same job over the same events, interleaved: `make bench`.

    python tests/bench/run.py [--rounds 3] [--events 2000000] [--only NAME ...] [--data-dir DIR] [--save] [--add] [--profile]

Starts a broker of its own, loads the events once (they stay in the data directory for the next time), runs each engine
once a round as a process of its own, compares its totals with those counted plainly, and prints events per second
and the ratios to ours. `--save` writes them to `results/` and into `README.md` after each round, `--add` keeps the rounds that are there; `--profile` has py-spy look at ours, and writes what it saw
to `profile.txt` in the data directory (folded stacks; the figures of such a run are not worth much).
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import load
import report
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from contestants import ENGINES_OF_A, Engine, Place, UnavailableError

from deploy.embedded.child import free_port, tail
from deploy.embedded.kafka import KafkaBroker
from deploy.runtime.settings import Kafka
from deploy.runtime.transport import new_producer

TIMEOUT_S = 240


class Loaded:
    """Topics with events in a broker, and the right totals of each."""

    def __init__(self, broker: KafkaBroker, home: Path) -> None:
        self.broker = broker
        self._home = home

    def topic(self, events: int) -> str:
        return f"bench.{events}"

    def expected(self, events: int) -> tuple[int, load.Totals]:
        """How many records the topic has, and the totals."""
        told = json.loads(self._note(events).read_text())
        return told["records"], told["totals"]

    def make(self, events: int) -> None:
        """Load so many events, unless they are there from an earlier run."""
        if self._note(events).exists():
            return
        made = load.make(events)
        asyncio.run(self._send(self.topic(events), made.records))
        self._note(events).write_text(json.dumps({"records": len(made.records), "totals": made.totals}))

    def _note(self, events: int) -> Path:
        return self._home / f"{self.topic(events)}.json"

    async def _send(self, topic: str, records: list[tuple[bytes, bytes, int]]) -> None:
        await self.create(NewTopic(topic, 1, 1, topic_configs={"retention.ms": "-1"}), again=True)
        async with new_producer(Kafka(bootstrap=self.broker.bootstrap)) as producer:
            batch = producer.create_batch()
            for key, value, at in records:
                if batch.append(key=key, value=value, timestamp=at) is None:
                    await producer.send_batch(batch, topic, partition=0)
                    batch = producer.create_batch()
                    batch.append(key=key, value=value, timestamp=at)
            await producer.send_batch(batch, topic, partition=0)
            await producer.flush()

    async def create(self, *topics: NewTopic, again: bool = False) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.broker.bootstrap)
        await admin.start()
        try:
            names = [topic.name for topic in topics]
            if again and set(names) & set(await admin.list_topics()):
                await admin.delete_topics(names)
                await asyncio.sleep(1)
            await admin.create_topics(list(topics))
            while not all(len(it["partitions"]) for it in await admin.describe_topics(names)):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        finally:
            await admin.close()


def measure(engine: Engine, loaded: Loaded, home: Path, events: int, *, profile: bool) -> report.Figure:
    """One run of one engine. Raises UnavailableError, RuntimeError if it fails, AssertionError if its totals differ."""
    records, totals = loaded.expected(events)
    with tempfile.TemporaryDirectory(dir=home) as work:
        out = Path(work) / "told.json"
        name = f"bench-state.{time.time_ns()}"
        place = Place(loaded.broker.bootstrap, loaded.topic(events), records, out, home, Path(work), name)
        command = engine.command(place)
        if engine.kind == "ours":
            if profile:
                spy = str(Path(sys.executable).with_name("py-spy"))
                command = [
                    spy,
                    "record",
                    "-r",
                    "500",
                    "-t",
                    "-f",
                    "raw",
                    "-o",
                    str(home / "profile.txt"),
                    "--",
                    *command,
                ]
            asyncio.run(loaded.create(NewTopic(name, 1, 1, topic_configs={"cleanup.policy": "compact"})))
        log = home / f"{engine.name.replace(' ', '-')}.log"
        with log.open("wb") as file:
            try:
                subprocess.run(command, check=True, timeout=TIMEOUT_S, stdout=file, stderr=file)
            except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
                raise RuntimeError(f"{engine.name}: {error}; the end of {log}:\n{tail(log)}") from error
        told = json.loads(out.read_text())
    if told["totals"] is not None:
        compare(engine.name, told["totals"], totals)
    return report.Figure(
        engine.name, told["events"], told["seconds"], told["cpu_seconds"], told["software"], told.get("checkpoints")
    )


def compare(engine: str, found: load.Totals, right: load.Totals) -> None:
    """Every cell of every minute; the closing events a day later are nobody's business."""
    found = {key: cell for key, cell in found.items() if int(key.rsplit(" ", 1)[1]) * load.MINUTE_MS < load.CLOSES_MS}
    wrong = [key for key in found.keys() | right.keys() if found.get(key) != right.get(key)]
    assert not wrong, (
        f"{engine}: {len(wrong)} of {len(right)} cells differ, "
        f"as {[(key, found.get(key), right.get(key)) for key in wrong[:3]]}"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--short", type=int, default=100_000, help="events for the slow engines")
    parser.add_argument("--only", nargs="*", default=[engine.name for engine in ENGINES_OF_A])
    parser.add_argument("--data-dir", type=Path, default=Path(os.environ.get("HOTLINE_DATA_DIR", ".hotline")) / "bench")
    parser.add_argument("--save", action="store_true")
    parser.add_argument("--add", action="store_true")
    parser.add_argument("--profile", action="store_true")
    chosen = parser.parse_args()
    home = chosen.data_dir.resolve()
    home.mkdir(parents=True, exist_ok=True)
    engines = [engine for engine in ENGINES_OF_A if engine.name in chosen.only]
    broker = KafkaBroker(home / "kafka", port=free_port(), heap_mb=1024, log=home / "kafka.log")
    broker.start()
    here = Path(__file__).parent
    result = report.saved(here) if chosen.add else report.Result(report.machine(), report.now(), [], {})
    try:
        loaded = Loaded(broker, home)
        counts = {"long": chosen.events, "short": min(chosen.events, chosen.short)}
        for events in {counts[engine.load] for engine in engines}:
            loaded.make(events)
        for _ in range(chosen.rounds):
            figures: list[report.Figure] = []
            for engine in engines:
                if engine.name in result.missing:
                    continue
                try:
                    figures.append(measure(engine, loaded, home, counts[engine.load], profile=chosen.profile))
                except UnavailableError as reason:
                    result.missing[engine.name] = str(reason)
                    continue
                print(f"round {len(result.rounds) + 1}: {figures[-1]}", file=sys.stderr, flush=True)
            result.rounds.append(figures)
            if chosen.save:
                report.save(result, engines, here)
    finally:
        broker.stop()
    print(report.table(result, engines))


if __name__ == "__main__":
    main()
