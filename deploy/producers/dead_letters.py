"""The originals of dead letters, read where they stand in the input topic, and sent once more."""

from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

import msgspec
from aiokafka import TopicPartition

from deploy.producers.publisher import Message, Publisher
from deploy.runtime.kafka import reading
from deploy.runtime.settings import Kafka, Settings
from streams.contract.events import LIVE
from streams.contract.keys import record_key
from streams.contract.topics import CALLS
from streams.intake import Accepted, Rejection, advice_on_seconds, read

_READ_ON_OVER = 1_000  # records; a letter further ahead is sought
_FETCH_BYTES = 512 * 1024

_object = msgspec.json.Decoder(dict[str, object]).decode


class Position(NamedTuple):
    """Where a record stands."""

    topic: str
    partition: int
    offset: int

    @classmethod
    def parse(cls, text: str) -> "Position":
        """Raises ValueError for text that is not `topic/partition/offset`."""
        topic, partition, offset = text.rsplit("/", 2)
        return cls(topic, int(partition), int(offset))

    def __str__(self) -> str:
        return "/".join(map(str, self))


class Original(NamedTuple):
    """A record as it was sent; `value` None: the topic no longer has it."""

    position: Position
    key: bytes | None = None
    value: bytes | None = None


class Resent(msgspec.Struct):
    """What became of originals that were read again: how many, by fate; `refused`: position, reason, what to do."""

    sent: int = 0
    late: int = 0
    gone: int = 0
    rejected: Counter[str] = msgspec.field(default_factory=Counter)
    refused: list[tuple[str, str, str]] = msgspec.field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether nothing was left behind."""
        return not (self.late or self.gone or self.rejected)


async def originals(kafka: Kafka, positions: Sequence[Position]) -> AsyncGenerator[Original, None]:
    """The records at `positions`, by partition and offset. Raises KafkaError if Kafka does not answer."""
    if not positions:  # a consumer that is stopped as soon as it started raises as if it were cancelled
        return
    async with reading(kafka, max_partition_fetch_bytes=_FETCH_BYTES) as consumer:
        for place, its in groupby(sorted(positions), lambda it: TopicPartition(it.topic, it.partition)):
            consumer.assign([place])
            kept_from = (await consumer.beginning_offsets([place]))[place]
            end = (await consumer.end_offsets([place]))[place]
            at = -1
            for position in its:
                if not kept_from <= position.offset < end:
                    yield Original(position)
                    continue
                if not at <= position.offset <= at + _READ_ON_OVER:
                    consumer.seek(place, position.offset)
                record = await consumer.getone(place)
                while record.offset < position.offset:
                    record = await consumer.getone(place)
                at = record.offset + 1
                there = record.offset == position.offset
                yield Original(position, record.key, record.value) if there else Original(position)


async def send_again(
    settings: Settings, positions: Sequence[Position], now: int, corrected: Mapping[str, object], *, dry_run: bool
) -> Resent:
    """Send the originals at `positions` once more, with fields `corrected`, if they would be counted at `now` (ms).

    An event counts once however often it is sent, so this may be repeated after it was broken off. What would be
    rejected again, or is older than the allowed lateness, is told instead. Raises NotReachableError, KafkaError.
    """
    report = Resent()
    messages = [
        message
        async for original in originals(settings.kafka, positions)
        if (message := _judged(original, settings, now, corrected, report)) is not None
    ]
    report.sent = len(messages)
    if messages and not dry_run:
        async with Publisher(settings.kafka, CALLS) as publisher:
            await publisher.publish(messages)
    return report


def _judged(
    original: Original, settings: Settings, now: int, corrected: Mapping[str, object], report: Resent
) -> Message | None:
    """The message to send, or None with the reason in `report`."""
    where = str(original.position)
    if original.value is None:
        report.gone += 1
        report.refused.append((where, "gone", f"{CALLS} no longer keeps it: ask its source for it"))
        return None
    value = _with(original.value, corrected)
    found = read(value, now, settings.intake.future_s * 1000, frozenset(settings.intake.keep_fields))
    if isinstance(found, Rejection):
        report.rejected[found.reason] += 1
        report.refused.append((where, found.reason, found.detail))
        return None
    if _is_late(found, settings, now):
        report.late += 1
        closed = "its minute is closed for live: bring its day in by `hotline replay --feed NAME`"
        report.refused.append((where, "late", advice_on_seconds(found.time) or closed))
        return None
    key = record_key(found.event)
    # A mark without a key stands on every partition, so each of its records goes back to its own.
    return Message(key.encode(), value, None if key else original.position.partition)


def _is_late(found: Accepted, settings: Settings, now: int) -> bool:
    return found.event.feed == LIVE and now - found.time > settings.intake.allowed_lateness_s * 1000


def _with(value: bytes, corrected: Mapping[str, object]) -> bytes:
    """The event with fields set; as it is if none are, or if it is no JSON object (intake says so)."""
    if not corrected:
        return value
    try:
        fields = _object(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return value
    return msgspec.json.encode(fields | dict(corrected))
