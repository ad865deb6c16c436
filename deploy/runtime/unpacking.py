"""What a fetch brought, unpacked late and without an object of ours for every record.

aiokafka makes a `ConsumerRecord` of eleven fields for each record, in the thread that also answers for the group: dearer
than everything else about reading. Here that thread only checks a fetch's batches; whoever applies the records unpacks
them, one chunk at a time, and gets the objects that aiokafka's compiled parser makes (they have the attributes
of `Record`). What waits to be applied is still compressed.
"""

import asyncio
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple, cast

from aiokafka.consumer.fetcher import READ_COMMITTED, Fetcher, FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException, KafkaError
from cramjam import DecompressionError

from deploy.runtime.chunks import CHUNK_RECORDS, Chunk, cut
from deploy.runtime.processor import Record


class UnreadableError(CorruptRecordException):  # type: ignore[misc]  # aiokafka says nothing of its types
    """A batch of the log cannot be read; the text says which one, why, and what to do."""

    def __init__(self, place: str, begin: int, end: int | None, reason: object) -> None:
        where = f"the batch at offset {begin} of {place}"
        advice = "bring the partition back from a replica" + (
            f", or give it up (kafka-delete-records to offset {end}): what is missing then is counted" if end else ""
        )
        super().__init__(f"{where} cannot be read ({reason}): {advice}")


class Batch(NamedTuple):
    """One batch of the log (at `place`, "topic/partition") as the broker sent it.

    Records below `begin` were not asked for; `end` is after its last.
    """

    begin: int
    end: int
    packed: Any
    place: str

    def records(self) -> list[Record]:
        """Unpack it: once. Raises UnreadableError for a compression that is unknown here."""
        try:
            records = cast("list[Record]", list(self.packed))
        except (KafkaError, ValueError, OSError, EOFError, DecompressionError) as error:
            raise UnreadableError(self.place, self.begin, self.end, error) from error
        if records and records[0].offset < self.begin:
            return [record for record in records if record.offset >= self.begin]
        return records


def chunks(batches: Sequence[Batch], size: int = CHUNK_RECORDS) -> Iterator[Chunk]:
    """The chunks of what one fetch brought of one partition; each batch is unpacked when its turn comes."""
    waiting: list[Record] = []
    start: int | None = None
    for number, batch in enumerate(batches, 1):
        waiting += batch.records()
        if waiting and (len(waiting) >= size or number == len(batches)):
            yield from cut(waiting, size, start)
            start = waiting[-1].offset + 1
            waiting = []


async def until_fetched(fetcher: Fetcher, partitions: Collection[Any], timeout_s: float) -> None:
    """Wait until something of these partitions is there, at most so long. Raises what the group's coordinator reports."""
    if any(tp in partitions for tp in fetcher._records):  # noqa: SLF001
        return
    waiter = fetcher._create_fetch_waiter()  # noqa: SLF001
    done, _ = await asyncio.wait([waiter], timeout=timeout_s)
    if done:
        waiter.result()
    else:
        waiter.cancel()


def keep_packed(fetcher: Fetcher) -> None:
    """Let what was fetched and not yet taken yield batches in place of records."""
    for result in fetcher._records.values():  # noqa: SLF001
        if isinstance(result, FetchResult) and result.has_more():
            fetched = result._partition_records  # noqa: SLF001
            fetched._records_iterator = _batches(fetched)  # noqa: SLF001


def _batches(fetched: PartitionRecords) -> Iterator[Batch]:
    """As `PartitionRecords._unpack_records`, but for the unpacking. Raises UnreadableError."""
    records = fetched._records  # noqa: SLF001
    place = f"{fetched._tp.topic}/{fetched._tp.partition}"  # noqa: SLF001
    while records.has_next():
        try:
            batch = records.next_batch()
        except CorruptRecordException as error:
            raise UnreadableError(place, fetched.next_fetch_offset, None, error) from error
        if fetched._check_crcs and not batch.validate_crc():  # noqa: SLF001
            raise UnreadableError(place, fetched.next_fetch_offset, batch.next_offset, "its checksum is wrong")
        if not _aborted(fetched, batch) and not batch.is_control_batch:
            yield Batch(fetched.next_fetch_offset, batch.next_offset, batch, place)
        # Also past what brought no record, or the same batch would be fetched for ever.
        fetched.next_fetch_offset = batch.next_offset


def _aborted(fetched: PartitionRecords, batch: Any) -> bool:
    """Whether the batch belongs to a transaction that was taken back, for a reader of committed records."""
    if fetched._isolation_level != READ_COMMITTED or batch.producer_id is None:  # noqa: SLF001
        return False
    fetched._consume_aborted_up_to(batch.base_offset)  # noqa: SLF001
    producers = fetched._aborted_producers  # noqa: SLF001
    if batch.is_control_batch and fetched._contains_abort_marker(batch):  # noqa: SLF001
        producers.discard(batch.producer_id)
    return bool(batch.is_transactional and batch.producer_id in producers)
