"""Micro-batches of input records, and which of them to apply: pure, without Kafka.

A fetch brings many records of a partition at once; they travel as chunks. Chunks may come twice (read
again after a seek) or above the next offset (a fetch begun before a seek may arrive after it).
"""

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import NamedTuple

from deploy.runtime.processor import Record

CHUNK_RECORDS = 2_000
SLICE_S = 0.025
_SMALLEST_SLICE = 20


class Chunk(NamedTuple):
    """Records of one partition in offset order, without a hole that a seek could have made.

    `start` is the offset from which on the chunk says everything: below its first record if the log has
    nothing between (offsets that transactions and compaction use up).
    """

    start: int
    records: Sequence[Record]

    @property
    def last(self) -> int:
        return self.records[-1].offset


def cut(records: Sequence[Record], size: int = CHUNK_RECORDS, start: int | None = None) -> Iterator[Chunk]:
    """Cut records that one fetch brought of one partition into chunks of at most `size`.

    `start`: where the fetch's records before these ended, if there were any.
    """
    start = records[0].offset if start is None else start
    for first in range(0, len(records), size):
        part = records[first : first + size]
        yield Chunk(start, part)
        start = part[-1].offset + 1


class Verdict(Enum):
    """What to do with a chunk."""

    APPLY = "apply"
    REPEATED = "repeated"
    SEEK_BACK = "seek_back"
    HOLE = "hole"
    """Nothing is left in the log between the next offset and this chunk: it was read again, and still starts here."""


class Position:
    """Where a partition stands: `next` is the offset to apply next."""

    __slots__ = ("_refused", "next")

    def __init__(self, start: int) -> None:
        self.next = start
        self._refused: set[int] = set()

    def judge(self, chunk: Chunk) -> Verdict:
        """Say what to do with a chunk. The same hole seen again, after a seek back, is real."""
        if chunk.last < self.next:
            return Verdict.REPEATED
        if chunk.start <= self.next:
            return Verdict.APPLY
        if chunk.start in self._refused:
            return Verdict.HOLE
        self._refused.add(chunk.start)
        return Verdict.SEEK_BACK

    def unseen(self, chunk: Chunk) -> Sequence[Record]:
        """The records of the chunk from `next` on."""
        records = chunk.records
        if records[0].offset >= self.next:
            return records
        return [record for record in records if record.offset >= self.next]

    def advance(self, offset: int) -> None:
        """Everything up to and including `offset` is done."""
        self.next = offset + 1
        self._refused.clear()


class SliceSize:
    """How many records to apply before other tasks get their turn: about 25 ms of work."""

    __slots__ = ("_per_record_s",)

    def __init__(self) -> None:
        self._per_record_s = SLICE_S / 200

    @property
    def records(self) -> int:
        return max(_SMALLEST_SLICE, min(CHUNK_RECORDS, int(SLICE_S / self._per_record_s)))

    def learn(self, records: int, seconds: float) -> None:
        """Take in that so many records took so long."""
        self._per_record_s += 0.2 * (max(seconds, 1e-7) / records - self._per_record_s)
