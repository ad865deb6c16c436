"""Reads every partition of cells, signals, alerts, what people say of them and announce into the board, without a group.

Cells and signals from 26 h back, alerts, their control and announcements from the beginning (few, and one may fire for
days). Cells of `live` that are too many to be read soon come from ClickHouse as far as they are stored there; while it is
away, from Kafka all the same. Kafka away at the start is waited for; offsets that are gone end the process, which starts
again with a clean memory.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from deploy.runtime import group_positions
from deploy.runtime.kafka import Place, client_options, partition_counts
from deploy.runtime.plurals import so_many
from deploy.runtime.settings import Settings
from sinks.clickhouse.records import GROUP
from sinks.web.board import KEPT_MS, Applied, Board, Record
from sinks.web.last_day import last_day
from sinks.web.past import AwayError, Past
from streams.contract import LIVE, AlertEvent, Announcement, Cell, CellsRecord, Gauge, Signal
from streams.contract.alerts import ControlRecord
from streams.contract.topics import ALERT_CONTROL, ALERTS, ANNOUNCEMENTS, CELLS, SIGNALS, UNREADABLE

RETRY_S = 2.0
POLL_MS = 250
CHUNK = 2_000
SOON_READ = 100_000
"""Records of cells: a second or two. So many are read in any case, for what is told again every few seconds is in them."""

ANSWER_S = 30.0
"""A query takes a second or two. Of a ClickHouse that hangs no more is waited for."""

log = structlog.get_logger()

_control: msgspec.json.Decoder[ControlRecord] = msgspec.json.Decoder(ControlRecord)
DECODERS: dict[str, Callable[[bytes], Record]] = {
    CELLS: msgspec.json.Decoder(CellsRecord).decode,
    SIGNALS: msgspec.json.Decoder(Signal).decode,
    ALERTS: msgspec.json.Decoder(AlertEvent).decode,
    ALERT_CONTROL: _control.decode,
    ANNOUNCEMENTS: msgspec.json.Decoder(Announcement).decode,
}


class Intake:
    """Bytes from a topic become records on the board; what cannot be read is counted and said once per topic."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.came = asyncio.Event()
        """Set whenever records have come; whoever looks at the board clears it."""
        self.applied: dict[tuple[str, Applied | str], int] = {}
        """(topic, what became of it) -> records."""

    def take(self, topic: str, records: Sequence[ConsumerRecord]) -> None:
        """Apply records of one topic in order."""
        self.came.set()
        decode = DECODERS[topic]
        own = f"{self.board.feed}/".encode()
        for record in records:
            if topic == CELLS and record.key and b"/" in record.key and not record.key.startswith(own):
                # A back-fill makes millions, and reading them up is what somebody waits for who starts the wall.
                self._count(topic, "other_feed")
                continue
            try:
                became: str = self.board.apply(decode(record.value or b""), record.timestamp)
            except UNREADABLE as error:
                became = "unreadable"
                if (topic, became) not in self.applied:
                    log.warning("record unreadable", topic=topic, offset=record.offset, problem=str(error))
            self._count(topic, became)

    def _count(self, topic: str, became: Applied | str) -> None:
        self.applied[topic, became] = self.applied.get((topic, became), 0) + 1


def _of_a_whole_hotline(record: ConsumerRecord) -> Cell | None:
    if record.key and b"/hotline/" in record.key:
        with suppress(*UNREADABLE):  # whoever reads it for the board says so
            told = DECODERS[record.topic](record.value or b"")
            return told if isinstance(told, Cell) and told.dimension_set == "hotline" else None
    return None


class Reader:
    """The Kafka side of the web process. `problem` says why the board is not complete yet ("": it is)."""

    def __init__(self, board: Board, settings: Settings) -> None:
        self.intake = Intake(board)
        self.problem = "Kafka has not been read yet"
        self.known_from: int | None = None
        """From this instant on (ms) all records have been read; None while reading up."""
        self.positions: dict[TopicPartition, int] = {}
        self._kafka = settings.kafka
        self._clickhouse = settings.clickhouse
        self._options = client_options(settings.kafka)

    async def run(self) -> None:
        """Read for ever. Raises aiokafka's errors for what a retry cannot mend."""
        consumer = await self._connect()
        try:
            partitions = await self._partitions(consumer)
            start = int(time.time() * 1000) - KEPT_MS
            await self._seek(consumer, partitions, start)
            await self._begin_with_what_is_stored(consumer)
            missing = dict(await consumer.end_offsets(partitions))
            while True:
                chunks = await consumer.getmany(timeout_ms=POLL_MS, max_records=CHUNK)
                for partition, records in chunks.items():
                    self.intake.take(partition.topic, records)
                    self.positions[partition] = records[-1].offset + 1
                if self.known_from is None:
                    self._read_up(missing, start)
                self.intake.board.prune()
                await asyncio.sleep(0)  # a backlog must not keep the screens waiting
        finally:
            await consumer.stop()

    async def _connect(self) -> AIOKafkaConsumer:
        while True:
            consumer = AIOKafkaConsumer(**self._options, enable_auto_commit=False, auto_offset_reset="none")
            try:
                await consumer.start()
            except KafkaError as error:
                await consumer.stop()
                self._say(f"Kafka does not answer at {', '.join(self._options['bootstrap_servers'])}: {error}")
                await asyncio.sleep(RETRY_S)
            else:
                return consumer

    async def _partitions(self, consumer: AIOKafkaConsumer) -> list[TopicPartition]:
        while True:
            counts = await partition_counts(consumer, list(DECODERS))
            absent = [topic for topic, count in counts.items() if not count]
            if not absent:
                return [TopicPartition(topic, number) for topic, count in counts.items() for number in range(count)]
            self._say(f"topic {absent[0]} does not exist: run `hotline topics apply`")
            await asyncio.sleep(RETRY_S)

    async def _seek(self, consumer: AIOKafkaConsumer, partitions: list[TopicPartition], start: int) -> None:
        consumer.assign(partitions)
        whole = {ALERTS, ALERT_CONTROL, ANNOUNCEMENTS}
        since = {partition: start for partition in partitions if partition.topic not in whole}
        found: dict[TopicPartition, Any] = await consumer.offsets_for_times(since)
        ends = await consumer.end_offsets(partitions)
        beginnings = await consumer.beginning_offsets(partitions)
        for partition in partitions:
            if partition.topic in whole:
                offset = beginnings[partition]
            else:
                first = found.get(partition)
                offset = first.offset if first is not None else ends[partition]
            consumer.seek(partition, offset)
            self.positions[partition] = offset

    async def _begin_with_what_is_stored(self, consumer: AIOKafkaConsumer) -> None:
        """Skip the cells that ClickHouse has too, if they are many."""
        board = self.intake.board
        cells = [partition for partition in self.positions if partition.topic == CELLS]
        ends = await consumer.end_offsets(cells)
        many = sum(end - self.positions[partition] for partition, end in ends.items()) > SOON_READ
        if not (many and board.feed == LIVE and self._clickhouse.url):
            return
        self.problem = "reading the last day from ClickHouse"
        try:
            stored = await group_positions.positions(self._kafka, GROUP)
            to = self._stored_to(stored, await consumer.end_offsets(cells))  # asked last: they lie beyond it
            if to:
                await self._take_what_is_stored(await self._first_skipped(consumer, to))
        except (AwayError, KafkaError, OSError) as error:
            log.warning("the last day is read from Kafka, which takes longer", problem=str(error))
            return
        for partition, offset in to.items():
            self.positions[partition] = offset
            consumer.seek(partition, offset)

    def _stored_to(self, stored: Mapping[Place, int], ends: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """Where to read on in each partition of which ClickHouse has what there is to skip.

        A place beyond the end is that of another topic: this one was created again.
        """
        return {
            partition: offset
            for partition, end in ends.items()
            if (at := stored.get((partition.topic, partition.partition), 0)) <= end
            and (offset := min(at, end - SOON_READ)) > self.positions[partition]
        }

    async def _first_skipped(self, consumer: AIOKafkaConsumer, to: Mapping[TopicPartition, int]) -> list[Cell]:
        """Of each partition the first cell of a whole hotline, if one comes soon."""
        found: list[Cell] = []
        left = {partition: min(end, self.positions[partition] + SOON_READ) for partition, end in to.items()}
        try:
            while left:
                chunks = await consumer.getmany(*left, timeout_ms=POLL_MS, max_records=CHUNK)
                for partition, end in list(left.items()):
                    skipped = (record for record in chunks.get(partition, ()) if record.offset < end)
                    first = next(filter(None, map(_of_a_whole_hotline, skipped)), None)
                    if first is not None:
                        found.append(first)
                    if first is not None or await consumer.position(partition) >= end:
                        del left[partition]
        finally:
            for partition in to:
                consumer.seek(partition, self.positions[partition])
        return found

    async def _take_what_is_stored(self, begins_with: Sequence[Cell]) -> None:
        """Raises AwayError."""
        board, loop = self.intake.board, asyncio.get_running_loop()
        try:
            async with asyncio.timeout(ANSWER_S) as patience:
                now = int(time.time() * 1000)
                async for hours, records in last_day(Past(self._clickhouse), board.feed, now, begins_with):
                    self.problem = f"reading the last day from ClickHouse: {so_many(hours, 'hour')} to go"
                    for record in records:
                        board.apply(record, record.at if isinstance(record, Gauge) else 0)
                    await asyncio.sleep(0)  # screens are not kept waiting
                    patience.reschedule(loop.time() + ANSWER_S)
        except TimeoutError as error:
            raise AwayError(f"ClickHouse has not answered for {ANSWER_S:.0f} s") from error

    def _read_up(self, missing: dict[TopicPartition, int], start: int) -> None:
        behind = sum(max(0, end - self.positions[partition]) for partition, end in missing.items())
        if behind:
            self.problem = f"reading the last day from Kafka: {so_many(behind, 'record')} to go"
            return
        self.problem = ""
        self.known_from = start
        log.info("board complete", records=sum(self.intake.applied.values()))

    def _say(self, problem: str) -> None:
        if problem != self.problem:
            log.warning("board waits", problem=problem)
        self.problem = problem
