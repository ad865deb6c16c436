"""The state log: where the state of each input partition is kept, in a compacted topic of ours.

The state of partition p lies in partition `p modulo count` of the state topic. A loader reads that partition to its
end; see `state_records` for what is in it. State that is older than what was read costs time, never correctness:
reading resumes at its offset.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import NamedTuple
from uuid import uuid4

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.runtime.kafka import partition_counts, reading
from deploy.runtime.settings import Kafka
from deploy.runtime.state_found import Found, Resume
from deploy.runtime.state_records import SHARD_BYTES, Changes, Place, Stand, State, StateError, compress, place_of
from deploy.runtime.state_taking import Taking

READ_TIMEOUT_S = 40.0

log = structlog.get_logger()


class Loaded(NamedTuple):
    """The last state of an input partition (None: never written), and the hold that its next owner has."""

    state: State | None
    taking: Taking


class StateLog:
    """Reads and writes the states of input partitions in `topic`."""

    def __init__(self, topic: str, kafka: Kafka) -> None:
        self.topic = topic
        self._kafka = kafka
        self._partitions = 0

    async def write(self, producer: AIOKafkaProducer, taking: Taking, stand: Stand, parts: Changes) -> int:
        """Write what changed of a state and wait for the acknowledgements; returns the bytes written.

        Raises StateError if it has too many parts, KafkaError if Kafka does not take it.
        """
        if not self._partitions:
            self._partitions = len(await producer.partitions_for(self.topic))
        loop = asyncio.get_running_loop()
        partition = taking.place[1] % self._partitions
        checkpoint = await loop.run_in_executor(None, taking.plan, stand, parts)
        size = 0
        acknowledged = []
        for batch in _batches(checkpoint.shards):
            for key, value in await loop.run_in_executor(None, _compressed, batch):
                acknowledged.append(await producer.send(self.topic, value, key, partition))
                size += len(value)
        await asyncio.gather(*acknowledged)
        key, manifest = checkpoint.manifest
        await producer.send_and_wait(self.topic, manifest, key, partition)
        taking.written(checkpoint)
        await asyncio.gather(*[await producer.send(self.topic, it[1], it[0], partition) for it in checkpoint.after])
        taking.cleared()
        return size + len(manifest)

    async def read(self, wanted: Iterable[Place]) -> dict[Place, Loaded]:
        """The last states of the wanted input partitions, and a new taking of each.

        Raises StateError if the topic is missing or holds what cannot be read, TimeoutError if Kafka
        does not answer in time.
        """
        places = list(wanted)
        if not places:
            return {}
        async with asyncio.timeout(READ_TIMEOUT_S):
            found = await self._find(places)
            resumes = await self._resumes(found)
            unsure = [place for place, resume in resumes.items() if not resume.sure]
            if unsure:
                again = await self._find(unsure)
                found |= again
                resumes |= await self._resumes(again)
        for place in unsure:
            self._accept(found[place], resumes[place])
        owner = uuid4().hex[:12]
        # Never lower than before, also when the topic was deleted: what was told under an epoch may outlive it.
        least = int(time.time())
        epochs = {place: max(found[place].epoch + 1, least) for place in places}
        return {
            place: Loaded(resumes[place].state, Taking(place, epochs[place], owner, found[place].leftover()))
            for place in places
        }

    async def _find(self, places: Sequence[Place]) -> dict[Place, Found]:
        found = {place: Found(place) for place in places}
        async with reading(self._kafka) as consumer:
            count = (await partition_counts(consumer, [self.topic]))[self.topic]
            if not count:
                raise StateError(f"the topic {self.topic} does not exist: run `hotline topics apply`")
            self._partitions = count
            tps = [TopicPartition(self.topic, p) for p in {partition % count for _, partition in places}]
            async for key, value in _records_to_end(consumer, tps):
                place = place_of(key) if key else None
                if key and place in found:
                    found[place].take(key, value)
        return found

    async def _resumes(self, found: dict[Place, Found]) -> dict[Place, Resume]:
        loop = asyncio.get_running_loop()
        return {place: await loop.run_in_executor(None, its.resume) for place, its in found.items()}

    def _accept(self, found: Found, resume: Resume) -> None:
        """Read twice, and still something is missing: an older state will do, none will not."""
        where = f"{found.place[0]}/{found.place[1]}"
        if resume.state is None and found.written:
            raise StateError(
                f"the state of {where} in {self.topic} is damaged: none of its manifests has all its shards. Restore "
                "the topic from a backup; or, to begin afresh with what the input topic holds now, delete the state "
                "topic and create it again: `hotline topics apply`"
            )
        if resume.state is not None and not resume.sure:
            log.warning("the newest state is not complete: resuming from an older one", at=where, topic=self.topic)


def _batches(shards: Sequence[tuple[bytes, memoryview]]) -> Iterable[list[tuple[bytes, memoryview]]]:
    """Shards in groups of about a full one: little memory, few changes of thread."""
    batch: list[tuple[bytes, memoryview]] = []
    size = 0
    for key, raw in shards:
        batch.append((key, raw))
        size += len(raw) + 64
        if size >= SHARD_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _compressed(batch: Sequence[tuple[bytes, memoryview]]) -> list[tuple[bytes, bytes]]:
    return [(key, compress(raw)) for key, raw in batch]


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
