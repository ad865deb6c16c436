"""A bench for workers that run as processes of their own against a real broker."""

import asyncio
import os
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Self

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.structs import OffsetAndMetadata

PROGRAMS = Path(__file__).parent / "programs"
PARTITIONS = 3


class Bench:
    """Topics of its own, processes that read them, and what they should have counted."""

    def __init__(self, bootstrap: str, directory: Path) -> None:
        name = uuid.uuid4().hex[:8]
        self.bootstrap = bootstrap
        self.group, self.source, self.output, self.state = (f"{name}.{part}" for part in ("g", "in", "out", "state"))
        self.sent: Counter[str] = Counter()
        self.processes: list[subprocess.Popen[bytes]] = []
        self._directory = directory
        self._numbers = 0
        self._got: dict[str, tuple[int, int]] = {}
        self.pids: set[int] = set()

    async def __aenter__(self) -> Self:
        self.admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await self.admin.start()
        await self.create_topics()
        self.producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, linger_ms=5)
        await self.producer.start()
        self._outputs = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, auto_offset_reset="earliest")
        await self._outputs.start()
        self._outputs.assign([TopicPartition(self.output, 0)])
        return self

    async def __aexit__(self, *failure: object) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
        await self._outputs.stop()
        await self.producer.stop()
        await self.admin.close()

    async def create_topics(self) -> None:
        log_append = {"message.timestamp.type": "LogAppendTime"}
        await self.create(
            NewTopic(self.source, PARTITIONS, 1, topic_configs=log_append),
            NewTopic(self.output, 1, 1),
            NewTopic(self.state, 2, 1, topic_configs={"cleanup.policy": "compact"}),
        )

    async def create(self, *topics: NewTopic) -> None:
        """Create topics, and wait until the broker knows them."""
        await self.admin.create_topics(topics)

        async def led() -> bool:
            described = await self.admin.describe_topics([topic.name for topic in topics])
            return all(len(t["partitions"]) and all(p["leader"] >= 0 for p in t["partitions"]) for t in described)

        await until(led)

    async def produce(self, records: int, *, keys: int = 200) -> None:
        for _ in range(records):
            key = f"k{self._numbers % keys}"
            self._numbers += 1
            self.sent[key] += 1
            await self.producer.send(self.source, key=key.encode(), value=b'{"number":%d}' % self._numbers)
        await self.producer.flush()

    def start(
        self, *, padding: int = 100, takes_us: int = 0, most_apart: int = 600_000, **settings: str
    ) -> subprocess.Popen[bytes]:
        """A counting worker."""
        numbers = map(str, (padding, takes_us, most_apart))
        return self.run("counting", self.group, self.source, self.output, self.state, *numbers, **settings)

    def run(self, program: str, *arguments: str, **settings: str) -> subprocess.Popen[bytes]:
        number = len(self.processes)
        environment = {k: v for k, v in os.environ.items() if not k.startswith("HOTLINE_")} | {
            "HOTLINE_KAFKA__BOOTSTRAP": self.bootstrap,
            "HOTLINE_KAFKA__SESSION_TIMEOUT_MS": "6000",
            **{f"HOTLINE_KAFKA__{name.upper()}": value for name, value in settings.items()},
        }
        with (self._directory / f"{number}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, str(PROGRAMS / f"{program}.py"), *arguments],
                stdout=log,
                stderr=log,
                env=environment,
            )
        self.processes.append(process)
        return process

    def log_of(self, process: subprocess.Popen[bytes]) -> str:
        return (self._directory / f"{self.processes.index(process)}.log").read_text()

    def resumed_at(self, process: subprocess.Popen[bytes]) -> dict[str, int] | None:
        """The last assignment the process told of."""
        lines = [line for line in self.log_of(process).splitlines() if "partitions assigned" in line]
        return msgspec.json.decode(lines[-1])["resume_at"] if lines else None

    async def counted(self) -> dict[str, int]:
        """What the outputs say now: per key the count of the highest version."""
        for records in (await self._outputs.getmany(timeout_ms=200)).values():
            for record in records:
                output: dict[str, Any] = msgspec.json.decode(record.value)
                self.pids.add(output["pid"])
                if output["version"] >= self._got.get(output["key"], (0, -1))[1]:
                    self._got[output["key"]] = output["n"], output["version"]
        return {key: count for key, (count, _) in self._got.items()}

    async def until_counted(self) -> None:
        """Wait until the outputs say exactly what was sent."""

        async def equal() -> bool:
            counted = await self.counted()
            assert all(n <= self.sent[key] for key, n in counted.items()), "counted more than was sent"
            return counted == self.sent

        await until(equal, self)

    async def until_counted_at_least(self, records: int) -> None:
        async def enough() -> bool:
            return sum((await self.counted()).values()) >= records

        await until(enough, self)

    async def delete_records(self, partition: int, before: int) -> None:
        await self.admin.delete_records({TopicPartition(self.source, partition): RecordsToDelete(before)})

    async def commit(self, offsets: dict[int, int]) -> None:
        """Commit for the group as one of no member would: partition -> next offset to read."""
        options = {"group_id": self.group, "enable_auto_commit": False, "auto_offset_reset": "earliest"}
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, **options)
        await consumer.start()
        try:
            consumer.assign([TopicPartition(self.source, p) for p in offsets])
            await consumer.commit(
                {TopicPartition(self.source, p): OffsetAndMetadata(o, "") for p, o in offsets.items()}
            )
        finally:
            await consumer.stop()

    async def ends(self) -> dict[int, int]:
        tps = [TopicPartition(self.source, p) for p in range(PARTITIONS)]
        return {tp.partition: end for tp, end in (await self._outputs.end_offsets(tps)).items()}


async def until(condition: Callable[[], Any], bench: Bench | None = None, timeout_s: float = 60) -> None:
    """Wait for an (async) condition."""
    end = time.monotonic() + timeout_s
    while True:
        result = condition()
        if result is True or (asyncio.iscoroutine(result) and await result):
            return
        if time.monotonic() > end:
            logs = [] if bench is None else [bench.log_of(process)[-3000:] for process in bench.processes]
            raise AssertionError("not reached in time\n" + "\n---\n".join(logs))
        await asyncio.sleep(0.05)


def stop(process: subprocess.Popen[bytes]) -> int:
    process.send_signal(signal.SIGTERM)
    return process.wait(timeout=40)


@pytest.fixture
async def bench(kafka_bootstrap: str, tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench(kafka_bootstrap, tmp_path) as bench:
        yield bench


@pytest.fixture(name="until")
def until_fixture() -> Callable[..., Any]:
    return until


@pytest.fixture(name="stop")
def stop_fixture() -> Callable[[subprocess.Popen[bytes]], int]:
    return stop
