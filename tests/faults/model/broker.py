"""A broker in memory: logs with append times, producers whose records land when the scheduler says so, or never.

What a client sends waits as a `Sending`; the scheduler lands it (others can read it), answers it (the client knows),
refuses it, or loses it with the client. Records of one client for one partition keep their order, as those of an
idempotent producer do.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aiokafka import TopicPartition

from deploy.runtime.state_records import MANIFEST
from streams.contract.topics import STATE_STREAMS, TOPICS

BATCH_RECORDS = 40
PARTITIONS = {topic.name: topic.partitions for topic in TOPICS}


class Stored(NamedTuple):
    """A record in a log; `timestamp` is when it was appended, ms."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


@dataclass(eq=False)
class Sending:
    """Records of one client on their way to one partition."""

    client: "Client"
    topic: str
    partition: int
    records: list[tuple[bytes | None, bytes | None]]
    answer: asyncio.Future[Any]
    landed: bool = False


@dataclass
class Broker:
    """Every log by (topic, partition); `now` in ms. `begins`: the first offset that is kept, where that is not 0."""

    now: int
    logs: dict[tuple[str, int], list[Stored]] = field(default_factory=lambda: defaultdict(list))
    begins: dict[tuple[str, int], int] = field(default_factory=dict)
    sendings: list[Sending] = field(default_factory=list)

    def append(self, topic: str, partition: int, key: bytes | None, value: bytes | None) -> None:
        log = self.logs[topic, partition]
        log.append(Stored(len(log), self.now, key, value))

    def end(self, topic: str, partition: int) -> int:
        return len(self.logs[topic, partition])

    def next_sendings(self) -> list[Sending]:
        """What may land or be answered next: the first of each client and partition."""
        first: dict[tuple[int, str, int], Sending] = {}
        for sending in self.sendings:
            first.setdefault((id(sending.client), sending.topic, sending.partition), sending)
        return list(first.values())

    def land(self, sending: Sending) -> None:
        if not sending.landed:
            sending.landed = True
            sending.client.landed(sending)
            for key, value in sending.records:
                self.append(sending.topic, sending.partition, key, value)

    def answer(self, sending: Sending, error: Exception | None = None) -> None:
        """Tell the client that it landed, or that it did not."""
        self.sendings.remove(sending)
        if sending.answer.done():
            return
        if error:
            sending.answer.set_exception(error)
        else:
            sending.answer.set_result(None)

    def forget(self, client: "Client") -> None:
        """A client is gone: what has not landed never will."""
        client.gone = True
        self.sendings = [sending for sending in self.sendings if sending.client is not client]


class _Batch:
    def __init__(self) -> None:
        self.records: list[tuple[bytes | None, bytes | None]] = []

    def append(self, *, key: bytes | None, value: bytes | None, timestamp: None) -> object | None:
        if len(self.records) >= BATCH_RECORDS:
            return None
        self.records.append((key, value))
        return self


class Client:
    """A producer as `aiokafka` has it, as far as the engine uses one."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self.gone = False
        self.stage = ""

    def landed(self, sending: "Sending") -> None:
        """Where in the cycle of a checkpoint the process is: what of its own landed last."""
        if sending.topic != STATE_STREAMS:
            self.stage = "outputs"
        elif (sending.records[0][0] or b"").endswith(MANIFEST.encode()):
            self.stage = "manifest"
        elif sending.records[0][1] is not None and self.stage != "manifest":
            self.stage = "shards"

    async def partitions_for(self, topic: str) -> set[int]:
        return set(range(PARTITIONS[topic]))

    def create_batch(self) -> _Batch:
        return _Batch()

    async def send_batch(self, batch: _Batch, topic: str, *, partition: int) -> asyncio.Future[Any]:
        return self._send(topic, partition, batch.records)

    async def send(
        self, topic: str, value: bytes | None = None, key: bytes | None = None, partition: int = 0
    ) -> asyncio.Future[Any]:
        return self._send(topic, partition, [(key, value)])

    async def send_and_wait(
        self, topic: str, value: bytes | None = None, key: bytes | None = None, partition: int = 0
    ) -> None:
        await self._send(topic, partition, [(key, value)])

    def _send(
        self, topic: str, partition: int, records: list[tuple[bytes | None, bytes | None]]
    ) -> asyncio.Future[Any]:
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if not self.gone:
            self._broker.sendings.append(Sending(self, topic, partition, list(records), answer))
        return answer


class _Reader:
    """A consumer of named partitions, as far as the engine uses one."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._at: dict[TopicPartition, int] = {}

    async def beginning_offsets(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return {tp: self._broker.begins.get(tuple(tp), 0) for tp in tps}

    async def end_offsets(self, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return {tp: self._broker.end(*tp) for tp in tps}

    def partitions_for_topic(self, topic: str) -> set[int]:
        return set(range(PARTITIONS[topic]))

    async def topics(self) -> set[str]:
        return set(PARTITIONS)

    def assign(self, tps: Iterable[TopicPartition]) -> None:
        self._at = dict.fromkeys(tps, 0)

    async def seek_to_beginning(self, *tps: TopicPartition) -> None:
        self._at |= dict.fromkeys(tps, 0)

    def seek(self, tp: TopicPartition, offset: int) -> None:
        self._at[tp] = offset

    async def position(self, tp: TopicPartition) -> int:
        return self._at[tp]

    async def getmany(self, *tps: TopicPartition, timeout_ms: int = 0, max_records: int | None = None) -> Any:
        del timeout_ms, max_records
        found = {tp: self._broker.logs[tuple(tp)][self._at[tp] :] for tp in tps or self._at}
        for tp, records in found.items():
            self._at[tp] += len(records)
        return {tp: records for tp, records in found.items() if records}

    async def getone(self, *tps: TopicPartition) -> Stored:
        (tp,) = tps
        self._at[tp] += 1
        return self._broker.logs[tuple(tp)][self._at[tp] - 1]


def reading_of(broker: Broker) -> Any:
    """What stands for `deploy.runtime.kafka.reading`."""

    @asynccontextmanager
    async def reading(*args: Any, **kwargs: Any) -> Any:
        yield _Reader(broker)

    return reading


async def partition_counts(consumer: Any, topics: Iterable[str]) -> dict[str, int]:
    """What stands for `deploy.runtime.kafka.partition_counts`."""
    return {topic: PARTITIONS.get(topic, 0) for topic in topics}


__all__ = ["PARTITIONS", "Broker", "Client", "Sending", "Stored", "partition_counts", "reading_of"]
