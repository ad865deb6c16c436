"""The state log: where the state of each input partition is kept, in a compacted topic of ours.

First form: one record per (topic, partition), key `topic/partition`. The state of partition p lies in
partition `p modulo count` of the state topic. A loader reads that partition to its end and takes the
record of the highest epoch, then offset. State that is older than what was read costs time, never
correctness: reading resumes at its offset.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from zlib import crc32

import cramjam
import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.runtime.kafka import partition_counts, reading
from deploy.runtime.settings import Kafka

FORMAT = 1
MAX_BYTES = 900_000
READ_TIMEOUT_S = 30.0

Place = tuple[str, int]
"""(input topic, partition)."""


class StateError(Exception):
    """A state that cannot be written or resumed from; the text says what to do."""


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """What the last applied record looked like: tells the log it was read from, from another of the same name."""

    timestamp: int
    crc: int

    @classmethod
    def of(cls, timestamp: int, value: bytes | None) -> "Mark":
        return cls(timestamp, crc32(value or b""))


class State(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one input partition after `offset` (-1: nothing applied); `clock` in ms.

    `epoch` counts the takings of the partition. `snapshot` is the processor's own.
    """

    topic: str
    partition: int
    offset: int
    clock: int
    epoch: int
    cluster: str
    mark: Mark | None
    snapshot: bytes


class _Header(msgspec.Struct, tag=False):
    format: int


class _Packed(msgspec.Struct, kw_only=True):
    format: int
    topic: str
    partition: int
    offset: int
    clock: int
    epoch: int
    cluster: str
    mark: Mark | None
    snapshot: bytes


_HEADER = msgspec.msgpack.Decoder(_Header)
_DECODER = msgspec.msgpack.Decoder(_Packed)


def pack(state: State) -> bytes:
    """The record of a state. Raises StateError above MAX_BYTES."""
    compressed = bytes(cramjam.zstd.compress(state.snapshot, level=3))
    packed = msgspec.msgpack.encode({"format": FORMAT} | msgspec.structs.asdict(state) | {"snapshot": compressed})
    if len(packed) > MAX_BYTES:
        raise StateError(
            f"the state of {state.topic}/{state.partition} has {len(packed):,} bytes, more than the {MAX_BYTES:,} "
            "that one record of the state log takes. Give the topic more partitions (stop, migrate, start), "
            "shorten intake.allowed_lateness_s, or spread the calls: each partition holds the calls of the "
            "last allowed_lateness_s"
        )
    return packed


def _open(record: bytes) -> _Packed:
    try:
        version = _HEADER.decode(record).format
        if version > FORMAT:
            raise StateError(
                f"the state log was written by a newer Hotline (format {version}, this one reads up to {FORMAT}). "
                "Start the newer version again; nothing was changed"
            )
        return _DECODER.decode(record)
    except msgspec.DecodeError as error:
        raise StateError(f"a record of the state log cannot be read ({error}): did something else write it?") from error


def _unfold(packed: _Packed) -> State:
    fields = msgspec.structs.asdict(packed)
    del fields["format"]
    try:
        fields["snapshot"] = bytes(cramjam.zstd.decompress(packed.snapshot))
    except cramjam.DecompressionError as error:
        raise StateError(f"the state of {packed.topic}/{packed.partition} is damaged ({error})") from error
    return State(**fields)


def unpack(record: bytes) -> State:
    """The state of a record. Raises StateError for a newer format, or for a record that is not ours."""
    return _unfold(_open(record))


def _better(one: _Packed | None, other: _Packed) -> _Packed:
    """Of two records of one input partition, the one to resume from: highest epoch, then offset."""
    if one is None or (other.epoch, other.offset) >= (one.epoch, one.offset):
        return other
    return one


def key_of(topic: str, partition: int) -> bytes:
    return f"{topic}/{partition}".encode()


class StateLog:
    """Reads and writes the states of input partitions in `topic`."""

    def __init__(self, topic: str, kafka: Kafka) -> None:
        self.topic = topic
        self._kafka = kafka
        self._partitions = 0

    async def write(self, producer: AIOKafkaProducer, state: State) -> int:
        """Write a state and wait for the acknowledgement; returns its size in bytes.

        Raises StateError if it is too large, KafkaError if Kafka does not take it.
        """
        if not self._partitions:
            self._partitions = len(await producer.partitions_for(self.topic))
        record = await asyncio.get_running_loop().run_in_executor(None, pack, state)
        await producer.send_and_wait(
            self.topic,
            value=record,
            key=key_of(state.topic, state.partition),
            partition=state.partition % self._partitions,
        )
        return len(record)

    async def read(self, wanted: Iterable[Place]) -> dict[Place, State]:
        """The last states of the wanted input partitions; one that was never written is absent.

        Raises StateError if the topic is missing or holds what cannot be read, TimeoutError if Kafka
        does not answer in time.
        """
        keys = {key_of(*place): place for place in wanted}
        if not keys:
            return {}
        best: dict[Place, _Packed] = {}
        async with asyncio.timeout(READ_TIMEOUT_S), reading(self._kafka) as consumer:
            count = (await partition_counts(consumer, [self.topic]))[self.topic]
            if not count:
                raise StateError(f"the topic {self.topic} does not exist: run `hotline topics apply`")
            self._partitions = count
            tps = [TopicPartition(self.topic, p) for p in {partition % count for _, partition in keys.values()}]
            async for key, value in _records_to_end(consumer, tps):
                place = keys.get(key or b"")
                if place is not None and value is not None:
                    best[place] = _better(best.get(place), _open(value))
        return {place: _unfold(packed) for place, packed in best.items()}


async def _records_to_end(
    consumer: AIOKafkaConsumer, tps: list[TopicPartition]
) -> AsyncIterator[tuple[bytes | None, bytes | None]]:
    """Key and value of every record up to the end as it is now."""
    consumer.assign(tps)
    ends = await consumer.end_offsets(tps)
    await consumer.seek_to_beginning(*tps)
    behind = set(tps)
    while behind := {tp for tp in behind if await consumer.position(tp) < ends[tp]}:
        for records in (await consumer.getmany(*behind, timeout_ms=500)).values():
            for record in records:
                yield record.key, record.value


async def check_mark(consumer: AIOKafkaConsumer, state: State, cluster: str) -> None:
    """Make sure that the input topic is the one this state was made from.

    Raises StateError: on another log the offsets mean something else, and new records would be passed
    over as already seen.
    """
    place = f"{state.topic}/{state.partition}"
    remedy = (
        "Point HOTLINE_KAFKA__BOOTSTRAP back to the cluster it came from; or, to begin afresh with what the topic "
        "holds now, delete the state topic and create it again: `hotline topics apply`"
    )
    if state.cluster and cluster and state.cluster != cluster:
        raise StateError(f"the state of {place} was made on cluster {state.cluster}, this is {cluster}. {remedy}")
    if state.offset < 0:
        return
    tp = TopicPartition(state.topic, state.partition)
    begin = (await consumer.beginning_offsets([tp]))[tp]
    end = (await consumer.end_offsets([tp]))[tp]
    if end <= state.offset:
        raise StateError(f"the state of {place} stands at offset {state.offset}, the topic ends at {end}. {remedy}")
    if state.mark is None or begin > state.offset:
        return
    consumer.assign([tp])
    consumer.seek(tp, state.offset)
    async with asyncio.timeout(READ_TIMEOUT_S):
        record = await consumer.getone(tp)
    if record.offset == state.offset and Mark.of(record.timestamp, record.value) != state.mark:
        raise StateError(
            f"the record {place} at offset {state.offset} is not the one its state was made from. {remedy}"
        )


def next_epoch(states: Mapping[Place, State], place: Place) -> int:
    """The epoch of whoever takes the partition now: one more than the highest seen."""
    state = states.get(place)
    return state.epoch + 1 if state else 1
