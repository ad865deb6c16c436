"""Publishing events to `hotline.calls` in bulk: ordered per partition, acknowledged by all, never twice."""

import asyncio
from collections.abc import Awaitable, Iterable
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Any, NamedTuple, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from deploy.runtime.kafka import client_options
from deploy.runtime.plurals import so_many
from deploy.runtime.settings import Kafka
from streams.contract import murmur2_partition
from streams.contract.topics import CALLS

_BATCH_BYTES = 256 * 1024
_IN_FLIGHT = 64
PATIENCE_S = 60.0
"""How long a broker that is gone is waited for."""
HURRIED_S = 3.0
"""The same for one that is asked to end."""
STOP_S = 2.0


class NotReachableError(RuntimeError):
    """Kafka or ClickHouse does not answer, or lacks what is needed; the text says what to do."""


class Message(NamedTuple):
    """One record; `partition` None: murmur2 of the key, as everyone's producer must choose it.

    `timestamp` in ms, None: when it is sent; a topic with `LogAppendTime`, as `hotline.calls` has it, keeps its own.
    """

    key: bytes
    value: bytes
    partition: int | None = None
    timestamp: int | None = None


class Publisher:
    """An idempotent producer (`acks=all`) for one topic, as an async context manager.

    Raises NotReachableError if the broker or the topic is not there, or refuses what is sent.
    """

    def __init__(self, settings: Kafka, topic: str = CALLS) -> None:
        self._options = client_options(settings)
        self._address = settings.bootstrap
        self._topic = topic
        self._producer: AIOKafkaProducer | None = None
        self._open: dict[int, Any] = {}
        self._sent: list[asyncio.Future[Any]] = []
        self._unacknowledged = 0
        self._hurried = False
        self._waits: asyncio.Timeout | None = None
        self.partitions = 0

    async def __aenter__(self) -> Self:
        self._producer = AIOKafkaProducer(
            **self._options,
            acks="all",
            enable_idempotence=True,
            max_batch_size=_BATCH_BYTES,
            max_request_size=4 * _BATCH_BYTES,
            request_timeout_ms=30_000,
        )
        try:
            await self._producer.start()
            cluster = await self._producer.client.fetch_all_metadata()
        except KafkaError as error:
            await self._producer.stop()
            raise NotReachableError(
                f"Kafka does not answer at {self._address}: start `hotline up`, or check HOTLINE_KAFKA__BOOTSTRAP"
                f" ({error!r})"
            ) from error
        self.partitions = len(cluster.partitions_for_topic(self._topic) or ())
        if not self.partitions:
            await self._producer.stop()
            raise NotReachableError(
                f"Kafka at {self._address} has no topic {self._topic}: create it with `hotline topics apply`"
            )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._producer is not None
        try:
            if error is None:
                await self.flush()
        finally:
            with suppress(TimeoutError):  # it waits for what cannot be sent, too
                async with asyncio.timeout(STOP_S):
                    await self._producer.stop()

    async def publish(self, messages: Iterable[Message]) -> int:
        """Put messages into batches, sending each that is full; how many. Call `flush` to send the rest."""
        count = 0
        for key, value, partition, timestamp in messages:
            count += 1
            self._unacknowledged += 1
            at = murmur2_partition(key, self.partitions) if partition is None else partition
            batch = self._open.get(at)
            if batch is None:
                batch = self._open[at] = self._new_batch()
            if batch.append(timestamp=timestamp, key=key, value=value) is None:
                await self._send(at)
                batch = self._open[at] = self._new_batch()
                batch.append(timestamp=timestamp, key=key, value=value)  # the first record fits whatever its size
        return count

    async def flush(self) -> None:
        """Send what is left and wait until everything is acknowledged."""
        for at in list(self._open):
            await self._send(at)
        await self._acknowledged()

    def hurry(self) -> None:
        """The program is to end: a broker that does not answer is waited for `HURRIED_S` from now on, also by what waits."""
        if not self._hurried and self._waits is not None and not self._waits.expired():
            self._waits.reschedule(asyncio.get_running_loop().time() + HURRIED_S)
        self._hurried = True

    def _new_batch(self) -> Any:
        assert self._producer is not None
        return self._producer.create_batch()

    async def _send(self, partition: int) -> None:
        assert self._producer is not None
        batch = self._open.pop(partition)
        if not batch.record_count():
            return
        batch.close()
        sent = await self._taken(self._producer.send_batch(batch, self._topic, partition=partition))
        sent.add_done_callback(partial(self._count, batch.record_count()))
        self._sent.append(sent)
        if len(self._sent) >= _IN_FLIGHT:
            await self._acknowledged()

    async def _acknowledged(self) -> None:
        sent, self._sent = self._sent, []
        await self._taken(asyncio.gather(*sent))

    def _count(self, records: int, sent: asyncio.Future[Any]) -> None:
        if not sent.cancelled() and sent.exception() is None:
            self._unacknowledged -= records

    async def _taken(self, sending: Awaitable[Any]) -> Any:
        """Wait for something that is sent, not for ever: aiokafka waits for a broker that is gone as long as it takes."""
        try:
            async with asyncio.timeout(HURRIED_S if self._hurried else PATIENCE_S) as self._waits:
                return await sending
        except KafkaError as error:
            raise self._failed(f"did not take events for {self._topic}: {error!r}") from error
        except TimeoutError:
            silent = "does not answer" if self._hurried else f"has not answered for {PATIENCE_S:.0f} s"
            raise self._failed(silent) from None
        finally:
            self._waits = None

    def _failed(self, why: str) -> NotReachableError:
        left = so_many(self._unacknowledged, "event")
        return NotReachableError(
            f"Kafka at {self._address} {why}; {left} not acknowledged by now, and not sent again: start it, then this"
        )
