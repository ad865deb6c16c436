"""The audit: every deed of people becomes a record of `hotline.audit`, in order, without holding anybody up."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from uuid import uuid4

import msgspec
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from deploy.runtime.kafka import client_options
from deploy.runtime.settings import Kafka
from streams.contract.audit import AuditAction, AuditEvent
from streams.contract.topics import AUDIT

MOST_WAITING = 10_000
RETRY_S = 5.0
FINISH_S = 2.0
LONGEST = 500

log = structlog.get_logger()


class Audit:
    """Deeds wait in memory while Kafka is away, the log says so; beyond so many, and at the end, a deed is said in the log
    alone.
    """

    def __init__(self, kafka: Kafka, now: Callable[[], int]) -> None:
        self._kafka, self._now = kafka, now
        self._waiting: asyncio.Queue[AuditEvent] = asyncio.Queue(MOST_WAITING)
        self._taken: AuditEvent | None = None
        self._producer: AIOKafkaProducer | None = None

    def say(self, action: AuditAction, name: str, address: str, *, role: str = "", what: str = "") -> None:
        """Note a deed."""
        event = AuditEvent(
            id=uuid4().hex,
            at=self._now(),
            action=action,
            name=name[:64],
            role=role,
            address=address[:64],
            what=what[:LONGEST],
        )
        if self._waiting.full():
            _say_alone(self._waiting.get_nowait())
        self._waiting.put_nowait(event)

    async def run(self) -> None:
        """Write for ever, each deed until it is written. A producer is made when there is something to write."""
        while True:
            await self._write_next()

    async def finish(self) -> None:
        """The process ends: write what waits, if Kafka takes it soon; what is left then is said in the log alone."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FINISH_S):
                while self._taken is not None or not self._waiting.empty():
                    await self._write_next()
        left = [] if self._taken is None else [self._taken]
        while not self._waiting.empty():
            left.append(self._waiting.get_nowait())
        for event in left:
            _say_alone(event)
        await self._disconnect()

    async def _write_next(self) -> None:
        """Write a deed; cancelled before it is written, it is the next again."""
        if self._taken is None:
            self._taken = await self._waiting.get()
        try:
            if self._producer is None:
                self._producer = AIOKafkaProducer(**client_options(self._kafka), acks="all", enable_idempotence=True)
                await self._producer.start()
            await self._producer.send_and_wait(AUDIT, msgspec.json.encode(self._taken), key=self._taken.id.encode())
        except (KafkaError, OSError) as error:
            log.warning("audit waits for Kafka", problem=repr(error))
            await self._disconnect()
            await asyncio.sleep(RETRY_S)
        else:
            self._taken = None

    async def _disconnect(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(KafkaError, OSError):
                await producer.stop()


def _say_alone(event: AuditEvent) -> None:
    log.error("deed is not in the audit topic", **msgspec.to_builtins(event))
