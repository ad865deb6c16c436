"""Reads `hotline.announcements` from its beginning and goes on reading; writes to it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from deploy.runtime.kafka import UnansweredError, append, from_beginning, partition_counts, poll, reading, up_to
from deploy.runtime.settings import Kafka
from streams.contract.announcements import Announcement, Announcements, Fate
from streams.contract.topics import ANNOUNCEMENTS, UNREADABLE

RETRY_S = 5.0

_decoder = msgspec.json.Decoder(Announcement)

log = structlog.get_logger()


class NoTopicError(Exception):
    """The topic does not exist; the text says what to do."""

    def __init__(self) -> None:
        super().__init__(f"topic {ANNOUNCEMENTS} does not exist: run `hotline topics apply`")


async def load(kafka: Kafka) -> Announcements:
    """What is announced up to now. Raises KafkaError, NoTopicError."""
    found = Announcements()
    async with reading(kafka) as consumer:
        async for record in up_to(consumer, *await _begin(consumer)):
            _take(record, found)
    return found


async def follow(kafka: Kafka, adopt: Callable[[Announcements], None]) -> None:
    """Read on for good. `adopt` is called when all of the log was read, and after each change."""
    problem = ""
    while True:
        try:
            async with reading(kafka) as consumer:
                partition, end = await _begin(consumer)
                found, changed, problem = Announcements(), True, ""
                while True:
                    if changed and await consumer.position(partition) >= end:
                        adopt(found)
                        changed = False
                    for record in await poll(consumer):
                        changed |= _take(record, found)
        except (KafkaError, OSError, NoTopicError) as error:
            if str(error) != problem:
                problem = str(error)
                log.warning("announced events are not followed, those that are known stay in force", problem=problem)
            await asyncio.sleep(RETRY_S)


async def write(kafka: Kafka, record: Announcement) -> None:
    """Append a record and wait until the broker has it. Raises UnansweredError, or KafkaError if nothing was sent."""
    await append(kafka, ANNOUNCEMENTS, record.id.encode(), msgspec.json.encode(record))


async def say(kafka: Kafka, record: Announcement) -> Fate:
    """Append a record and read what the log made of it, also where the answer was lost.

    `not_seen`: it is not known whether it is there, or will be. Raises KafkaError where nothing was sent.
    """
    with suppress(UnansweredError):
        await write(kafka, record)
    try:
        return (await load(kafka)).fate(record)
    except (KafkaError, OSError) as error:
        log.warning("what became of an announcement cannot be read", event_name=record.name, problem=repr(error))
        return "not_seen"


async def _begin(consumer: AIOKafkaConsumer) -> tuple[TopicPartition, int]:
    """Stand at the beginning of the log; returns its partition and where it ends now. Raises NoTopicError."""
    if not (await partition_counts(consumer, [ANNOUNCEMENTS]))[ANNOUNCEMENTS]:
        raise NoTopicError
    return await from_beginning(consumer, ANNOUNCEMENTS)


def _take(record: ConsumerRecord, found: Announcements) -> bool:
    """Take in what was announced; whether anything changed."""
    try:
        return found.take(_decoder.decode(record.value or b""))
    except UNREADABLE as error:
        log.warning("an announcement cannot be read and is passed over", offset=record.offset, reason=str(error))
        return False
