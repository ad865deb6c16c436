"""The writer: what arrives while one insert runs goes together into the next."""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence

import structlog
from prometheus_client import Counter, Histogram

from deploy.runtime.processor import Record
from sinks.clickhouse.client import ClickHouseAway
from sinks.clickhouse.inserter import Block, Inserter, blocks
from sinks.clickhouse.records import Position, Refused, ToRow, to_rows
from sinks.clickhouse.rows import Row

ROWS_WRITTEN = Counter("hotline_sinks_rows_written", "Rows that ClickHouse has stored, repeats included", ("table",))
INSERTS_FAILED = Counter(
    "hotline_sinks_inserts_failed", "Inserts that ClickHouse did not take; tried again", ("table",)
)
REFUSED = Counter("hotline_sinks_records_refused", "Records that cannot become a row; logged, left out", ("topic",))
INSERT_SECONDS = Histogram(
    "hotline_sinks_insert_seconds", "Time of one insert", buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
)

_log = structlog.get_logger()


class _Batch:
    """Rows that are stored together, and how that went."""

    def __init__(self) -> None:
        self.rows: list[tuple[Row, Position]] = []
        self.done = False
        self.failure: ClickHouseAway | None = ClickHouseAway("the insert was cut off")


class Writer:
    """Stores records as rows; several callers at once share inserts.

    Marks and ends of feeds are written after everything else that came with or before them, so that
    what says "complete" is never stored before what it speaks of.
    """

    def __init__(self, functions: Mapping[str, ToRow], connect: Callable[[], Inserter]) -> None:
        self._functions = functions
        self._connect = connect
        self._inserter: Inserter | None = None
        self._open = _Batch()
        self._turn = asyncio.Lock()
        self._writing = threading.Lock()  # a caller that is cancelled leaves its thread writing

    async def store(self, topic: str, records: Mapping[int, Sequence[Record]]) -> None:
        """Return when the records of some partitions are rows in ClickHouse; raises ClickHouseAway if they are not.

        What cannot become a row is logged, counted and left out, once everything else is stored.
        """
        rows, refused = await asyncio.to_thread(self._rows, topic, records)
        batch = self._open
        batch.rows += rows
        async with self._turn:
            if not batch.done:
                self._open = _Batch()
                await self._store(batch)
        if batch.failure:
            raise batch.failure
        _tell(refused)

    def _rows(
        self, topic: str, records: Mapping[int, Sequence[Record]]
    ) -> tuple[list[tuple[Row, Position]], list[Refused]]:
        rows, refused = [], []
        for partition, its in records.items():
            its_rows, its_refused = to_rows(self._functions[topic], topic, partition, its)
            rows += its_rows
            refused += its_refused
        return rows, refused

    async def _store(self, batch: _Batch) -> None:
        try:
            refused = await asyncio.to_thread(self._write, batch.rows)
        except ClickHouseAway as error:
            batch.failure = error
        else:
            batch.failure = None
            _tell(refused)
        finally:
            batch.done = True

    def _write(self, rows: Sequence[tuple[Row, Position]]) -> list[Refused]:
        """Insert the rows, few inserts per table; runs in a thread."""
        refused = []
        with self._writing:
            if self._inserter is None:
                self._inserter = self._connect()
            for block in blocks(rows):
                refused += _insert(self._inserter, block)
        return refused


def _insert(inserter: Inserter, block: Block) -> list[Refused]:
    started = time.perf_counter()
    try:
        refused = inserter.write(block)
    except ClickHouseAway:
        INSERTS_FAILED.labels(block.table.name).inc()
        raise
    INSERT_SECONDS.observe(time.perf_counter() - started)
    ROWS_WRITTEN.labels(block.table.name).inc(len(block.values) - len(refused))
    return refused


def _tell(refused: Sequence[Refused]) -> None:
    for (topic, _, _), _ in refused:
        REFUSED.labels(topic).inc()
    if refused:
        position, reason = refused[0]
        _log.error(
            "records cannot become rows and are left out: streams and sinks are of different versions, or this is "
            "a bug; restart sinks with the version of streams, reset its group to the offset named here",
            count=len(refused),
            topic=position.topic,
            partition=position.partition,
            offset=position.offset,
            reason=reason,
        )
