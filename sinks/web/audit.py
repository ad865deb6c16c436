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
LONGEST = 500

log = structlog.get_logger()


class Audit:
    """Deeds wait in memory while Kafka is away, the log says so; beyond so many the oldest is said in the log alone."""

    def __init__(self, kafka: Kafka, now: Callable[[], int]) -> None:
        self._kafka, self._now = kafka, now
        self._waiting: asyncio.Queue[AuditEvent] = asyncio.Queue(MOST_WAITING)

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
            log.error("deed is not in the audit topic", **msgspec.to_builtins(self._waiting.get_nowait()))
        self._waiting.put_nowait(event)

    async def run(self) -> None:
        """Write for ever, each deed until it is written. A producer is made when there is something to write."""
        producer: AIOKafkaProducer | None = None
        try:
            while True:
                event = await self._waiting.get()
                while True:
                    try:
                        if producer is None:
                            producer = AIOKafkaProducer(
                                **client_options(self._kafka), acks="all", enable_idempotence=True
                            )
                            await producer.start()
                        await producer.send_and_wait(AUDIT, msgspec.json.encode(event), key=event.id.encode())
                        break
                    except (KafkaError, OSError) as error:
                        log.warning("audit waits for Kafka", problem=repr(error))
                        await _stopped(producer)
                        producer = None
                        await asyncio.sleep(RETRY_S)
        finally:
            await _stopped(producer)


async def _stopped(producer: AIOKafkaProducer | None) -> None:
    if producer is not None:
        with suppress(KafkaError, OSError):
            await producer.stop()
