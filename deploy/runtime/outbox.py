"""Outputs on their way out: in bulk, in order per input partition, counted as they are acknowledged."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from deploy.runtime import engine_metrics as metrics
from deploy.runtime.ending import end_process, vital
from deploy.runtime.processor import Output
from streams.contract import murmur2_partition

FULL = 20_000
"""Outputs waiting: above this, reading waits."""


class BulkSender:
    """Sends outputs as whole batches: many times cheaper than record by record."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self._partitions: dict[str, int] = {}
        # aiokafka lets whoever is quickest add the next batch of a partition; a lock is fair, and keeps the order.
        self._locks: dict[tuple[str, int], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def send(self, outputs: Sequence[Output]) -> None:
        """Send outputs and wait until all are acknowledged. Raises KafkaError."""
        groups: dict[tuple[str, int], list[Output]] = defaultdict(list)
        for output in outputs:
            groups[output.topic, await self._partition(output)].append(output)
        sent = [await self._send_group(topic, partition, group) for (topic, partition), group in groups.items()]
        for batches in sent:
            await asyncio.gather(*batches)
        for (topic, _), group in groups.items():
            metrics.SENT.labels(topic).inc(len(group))

    async def _partition(self, output: Output) -> int:
        if output.partition is not None:
            return output.partition
        count = self._partitions.get(output.topic)
        if count is None:
            count = self._partitions[output.topic] = len(await self._producer.partitions_for(output.topic))
        return murmur2_partition(output.key, count) if count > 1 and output.key is not None else 0

    async def _send_group(self, topic: str, partition: int, group: Sequence[Output]) -> list[asyncio.Future[object]]:
        """Hand over one topic partition's outputs; returns what to wait for."""
        futures = []
        async with self._locks[topic, partition]:
            batch = self._producer.create_batch()
            for output in group:
                if batch.append(key=output.key, value=output.value, timestamp=None) is None:
                    futures.append(await self._producer.send_batch(batch, topic, partition=partition))
                    batch = self._producer.create_batch()
                    batch.append(key=output.key, value=output.value, timestamp=None)
            futures.append(await self._producer.send_batch(batch, topic, partition=partition))
        return futures


class Outbox:
    """The outputs of one input partition: one round under way at a time, so that their order stays.

    Nothing is sent before `begin` is done. `put` counts upwards; `acknowledged(n)` returns when that is done and the
    first n are acknowledged.
    """

    def __init__(
        self, sender: BulkSender, on_sent: Callable[[Sequence[Output]], None], begin: Callable[[], Awaitable[None]]
    ) -> None:
        self._sender = sender
        self._on_sent = on_sent
        self._begin = begin
        self._begun = False
        self._waiting: list[Output] = []
        self._done = 0
        self.count = 0
        self._changed = asyncio.Event()
        self._wake = asyncio.Event()
        self._closed = False
        self._task = vital(self._run(), "sending outputs")

    def put(self, outputs: Sequence[Output]) -> None:
        """Take over outputs, in order."""
        if outputs:
            self._waiting.extend(outputs)
            self.count += len(outputs)
            self._wake.set()

    async def room(self) -> None:
        """Wait while too many outputs wait to be sent."""
        await self._until(lambda: len(self._waiting) <= FULL)

    async def acknowledged(self, count: int) -> bool:
        """Wait until the first `count` outputs are acknowledged; False if the outbox was closed before."""
        await self._until(lambda: self._begun and self._done >= count)
        return self._begun and self._done >= count

    def close(self) -> None:
        """Send nothing more. A round under way may still arrive; whoever waits is told."""
        self._closed = True
        self._wake.set()
        self._tell()

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition() and not self._closed:
            await self._changed.wait()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _run(self) -> None:
        await self._begin()
        self._begun = True
        self._tell()
        while not self._closed:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting and not self._closed:
                under_way, self._waiting = self._waiting, []
                try:
                    await self._sender.send(under_way)
                except KafkaError as error:
                    end_process("outputs could not be sent", error=error, records=len(under_way))
                self._done += len(under_way)
                self._on_sent(under_way)
                self._tell()
