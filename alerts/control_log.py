"""Reads `hotline.alert-control` from its beginning and goes on reading; writes to it for the command line."""

from collections.abc import AsyncIterator

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from alerts.controls import Controls
from deploy.runtime.kafka import append, reading
from deploy.runtime.settings import Kafka
from streams.contract import AlertEvent
from streams.contract.alerts import ControlRecord, control_key
from streams.contract.topics import ALERT_CONTROL, ALERTS

POLL_MS = 500

_decoder: msgspec.json.Decoder[ControlRecord] = msgspec.json.Decoder(ControlRecord)
_event = msgspec.json.Decoder(AlertEvent)

log = structlog.get_logger()


async def follow(kafka: Kafka, controls: Controls) -> None:
    """Keep `controls` up to date, for good."""
    async with reading(kafka) as consumer:
        await _read(consumer, controls, until_end=False)


async def load(kafka: Kafka) -> Controls:
    """What has been said up to now."""
    controls = Controls()
    async with reading(kafka) as consumer:
        await _read(consumer, controls, until_end=True)
    return controls


async def _read(consumer: AIOKafkaConsumer, controls: Controls, *, until_end: bool) -> None:
    partition = TopicPartition(ALERT_CONTROL, 0)
    consumer.assign([partition])
    await consumer.seek_to_beginning(partition)
    end = (await consumer.end_offsets([partition]))[partition]
    while True:
        if not controls.ready and await consumer.position(partition) >= end:
            controls.ready = True
        if controls.ready and until_end:
            return
        for records in (await consumer.getmany(partition, timeout_ms=POLL_MS)).values():
            for record in records:
                _take(controls, record.value or b"", record.offset)


def _take(controls: Controls, value: bytes, offset: int) -> None:
    try:
        controls.take(_decoder.decode(value))
    except msgspec.DecodeError as error:
        log.warning("a record about alerts cannot be read and is passed over", offset=offset, reason=str(error))


async def write(kafka: Kafka, record: ControlRecord) -> None:
    """Append a record and wait until the broker has it. Raises KafkaError."""
    await append(kafka, ALERT_CONTROL, control_key(record), msgspec.json.encode(record))


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
    """What `hotline.alerts` holds up to now."""
    async with reading(kafka) as consumer:
        partition = TopicPartition(ALERTS, 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        end = (await consumer.end_offsets([partition]))[partition]
        while await consumer.position(partition) < end:
            for records in (await consumer.getmany(partition, timeout_ms=POLL_MS)).values():
                for record in records:
                    yield _event.decode(record.value or b"")
