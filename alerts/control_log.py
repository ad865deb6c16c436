"""Reads `hotline.alert-control` from its beginning and goes on reading; writes to it for the command line."""

from collections.abc import AsyncIterator

import msgspec
import structlog
from aiokafka import ConsumerRecord
from aiokafka.errors import KafkaError

from alerts.controls import Controls
from deploy.runtime.kafka import UnansweredError, append, from_beginning, poll, reading, up_to
from deploy.runtime.settings import Kafka
from streams.contract import AlertEvent
from streams.contract.alerts import ControlRecord, control_key
from streams.contract.topics import ALERT_CONTROL, ALERTS, UNREADABLE

_decoder: msgspec.json.Decoder[ControlRecord] = msgspec.json.Decoder(ControlRecord)
_event = msgspec.json.Decoder(AlertEvent)

log = structlog.get_logger()


async def follow(kafka: Kafka, controls: Controls) -> None:
    """Keep `controls` up to date, for good."""
    async with reading(kafka) as consumer:
        partition, end = await from_beginning(consumer, ALERT_CONTROL)
        while True:
            if not controls.ready and await consumer.position(partition) >= end:
                controls.ready = True
            for record in await poll(consumer):
                if (said := _said(record)) is not None:
                    controls.take(said)


async def load(kafka: Kafka) -> Controls:
    """What has been said up to now."""
    controls = Controls()
    async for record in _up_to_now(kafka, ALERT_CONTROL):
        if (said := _said(record)) is not None:
            controls.take(said)
    controls.ready = True
    return controls


async def write(kafka: Kafka, record: ControlRecord) -> None:
    """Append a record and wait until the broker has it. Raises UnansweredError, or KafkaError if nothing was sent."""
    await append(kafka, ALERT_CONTROL, control_key(record), msgspec.json.encode(record))


async def say(kafka: Kafka, record: ControlRecord) -> bool:
    """Append a record; where the answer is lost look for it in the log. False: it is not known if it is or will be there.

    Raises KafkaError where nothing was sent.
    """
    try:
        await write(kafka, record)
    except UnansweredError:
        try:
            return record in [_said(found) async for found in _up_to_now(kafka, ALERT_CONTROL)]
        except (KafkaError, OSError) as error:
            log.warning("what became of a record about alerts cannot be read", problem=repr(error))
            return False
    return True


async def firing(kafka: Kafka) -> list[AlertEvent]:
    """The alerts that fire as `hotline.alerts` has it, oldest first."""
    last: dict[str, AlertEvent] = {}
    async for event in _alerts(kafka):
        last[event.fingerprint] = event
    fires = [event for event in last.values() if event.state == "firing"]
    return sorted(fires, key=lambda event: (event.started_at, event.fingerprint))


async def last_episodes(kafka: Kafka) -> dict[str, AlertEvent]:
    """fingerprint -> the last change of the last episode that fired."""
    fired: dict[str, AlertEvent] = {}
    async for event in _alerts(kafka):
        known = fired.get(event.fingerprint)
        if event.state == "firing" or (known is not None and known.episode == event.episode):
            fired[event.fingerprint] = event
    return fired


async def _alerts(kafka: Kafka) -> AsyncIterator[AlertEvent]:
    async for record in _up_to_now(kafka, ALERTS):
        yield _event.decode(record.value or b"")


def _said(record: ConsumerRecord) -> ControlRecord | None:
    try:
        return _decoder.decode(record.value or b"")
    except UNREADABLE as error:
        log.warning("a record about alerts cannot be read and is passed over", offset=record.offset, reason=str(error))
        return None


async def _up_to_now(kafka: Kafka, topic: str) -> AsyncIterator[ConsumerRecord]:
    """What a topic of one partition holds up to now."""
    async with reading(kafka) as consumer:
        async for record in up_to(consumer, *await from_beginning(consumer, topic)):
            yield record
