"""What is read from a fetch is what aiokafka reads from it: the same records, and the same place to go on at."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import pytest
from aiokafka.consumer.fetcher import READ_COMMITTED, PartitionRecords
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from deploy.runtime.unpacking import Batch, UnreadableError, _batches, chunks

CONTROL, ABORT, COMMIT = 0x20, b"\0\0\0\0", b"\0\0\0\1"


class Written(NamedTuple):
    """A batch as a producer writes it; `marker` ends its producer's transaction."""

    records: int = 0
    producer: int = -1
    transactional: bool = False
    marker: bytes | None = None
    compression: int = DefaultRecordBatch.CODEC_NONE
    lost: int = 0
    """Offsets after its last record whose records compaction took."""


def encoded(batches: Sequence[Written], first: int = 0) -> bytes:
    """What a broker would answer, from offset `first` on."""
    log = bytearray()
    for written in batches:
        builder = DefaultRecordBatchBuilder(
            2, written.compression, written.transactional, written.producer, 0, 0, 1 << 20
        )
        if written.marker is not None:
            builder.append(0, timestamp=first, key=written.marker, value=b"\0\0\0\0\0\0", headers=[])
        for number in range(written.records):
            builder.append(number, timestamp=first, key=b"%d" % number, value=b"v%d" % (first + number), headers=[])
        count = written.records + (written.marker is not None) + written.lost
        raw = bytearray(builder.build())
        raw[0:8] = first.to_bytes(8, "big")
        if written.marker is not None:
            raw[22] |= CONTROL
        raw[23:27] = (count - 1).to_bytes(4, "big")
        raw[17:21] = crc(raw)
        log += raw
        first += count
    return bytes(log)


def crc(raw: bytes) -> bytes:
    return calc_crc32c(bytes(raw[21:])).to_bytes(4, "big")


def fetched(log: bytes, begin: int, aborted: Sequence[tuple[int, int]] = ()) -> PartitionRecords:
    return PartitionRecords(
        TopicPartition("t", 0), MemoryRecords(log), list(aborted), begin, None, None, True, READ_COMMITTED
    )


def ours(records: PartitionRecords) -> list[Batch]:
    records._records_iterator = _batches(records)
    return list(records)


def plain(record: Any) -> tuple[int, int, bytes, bytes]:
    return record.offset, record.timestamp, record.key, record.value


producers = st.integers(1, 2)
codecs = st.sampled_from([DefaultRecordBatch.CODEC_NONE, DefaultRecordBatch.CODEC_LZ4])
data = st.tuples(st.integers(1, 5), codecs, st.integers(0, 2)).map(
    lambda it: Written(records=it[0], compression=it[1], lost=it[2])
)
in_transaction = st.tuples(st.integers(1, 3), producers).map(
    lambda it: Written(records=it[0], producer=it[1], transactional=True)
)
marker = st.tuples(producers, st.sampled_from([ABORT, COMMIT])).map(
    lambda it: Written(producer=it[0], transactional=True, marker=it[1])
)


@given(
    batches=st.lists(st.one_of(data, in_transaction, marker), min_size=1, max_size=8),
    begin=st.integers(0, 4),
    size=st.integers(1, 6),
    aborted=st.lists(st.tuples(st.integers(1, 2), st.integers(0, 20)), max_size=3),
)
def test_the_records_are_those_that_aiokafka_reads(
    batches: list[Written], begin: int, size: int, aborted: list[tuple[int, int]]
) -> None:
    log = encoded(batches)
    theirs, mine = fetched(log, begin, aborted), fetched(log, begin, aborted)
    right = [plain(record) for record in theirs]
    cut = list(chunks(ours(mine), size))
    assert [plain(record) for chunk in cut for record in chunk.records] == right
    assert mine.next_fetch_offset == theirs.next_fetch_offset
    assert all(len(chunk.records) <= size for chunk in cut)
    for before, after in pairwise(cut):
        assert after.start == before.last + 1


def test_small_batches_travel_together() -> None:
    batches = ours(fetched(encoded([Written(records=1)] * 10), 0))
    assert [len(chunk.records) for chunk in chunks(batches, size=4)] == [4, 4, 2]


def test_a_batch_is_unpacked_when_its_turn_comes() -> None:
    batches = ours(fetched(encoded([Written(records=3), Written(records=3)]), 0))
    unpacked: list[int] = []

    class Watched(Batch):
        def records(self) -> Any:
            unpacked.append(self.end)
            return super().records()

    its = chunks([Watched(*batch) for batch in batches], size=3)
    next(its)
    assert unpacked == [3]
    next(its)
    assert unpacked == [3, 6]


def test_a_damaged_batch_is_refused_with_what_to_do() -> None:
    log = bytearray(encoded([Written(records=2), Written(records=3)]))
    log[-1] ^= 1
    with pytest.raises(UnreadableError, match=r"the batch at offset 2 of t/0 .* checksum .* to offset 5\)"):
        ours(fetched(bytes(log), 0))


def test_a_compression_that_is_unknown_is_refused_when_its_turn_comes() -> None:
    log = bytearray(encoded([Written(records=3)]))
    log[22] |= 0x05  # the fifth of the codecs, of which there are four
    log[17:21] = crc(log)
    batches = ours(fetched(bytes(log), 0))
    with pytest.raises(UnreadableError, match=r"the batch at offset 0 of t/0 .*codec"):
        list(chunks(batches))


def test_a_batch_whose_compressed_bytes_are_none_is_refused() -> None:
    log = bytearray(encoded([Written(records=3)]))
    log[22] |= DefaultRecordBatch.CODEC_LZ4
    log[17:21] = crc(log)
    with pytest.raises(UnreadableError, match="cannot be read"):
        list(chunks(ours(fetched(bytes(log), 0))))
