"""How far the engine is: read from the topics, the groups' commits, `run.json` and ClickHouse."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError
from clickhouse_connect.driver.exceptions import ClickHouseError

from deploy.runtime import run_file
from deploy.runtime.group_positions import committed
from deploy.runtime.kafka import Place, client_options, partition_counts, reading, retention_ms
from deploy.runtime.run_file import Endpoints, ProcessState
from deploy.runtime.settings import Settings
from deploy.runtime.state_checks import RETENTION_USED, retention_used
from sinks.clickhouse.client import ClickHouseAway, connect
from sinks.clickhouse.records import STORED_TOPICS
from streams.contract.alerts import AlertEvent
from streams.contract.cells import CellsRecord, Progress
from streams.contract.topics import ALERTS, CALLS, CELLS, GROUPS, PARTIALS, SIGNALS, TOPICS

READS = {"streams": (CALLS, PARTIALS), "sinks": STORED_TOPICS, "alerts": (SIGNALS, CELLS, ALERTS)}
"""Reader -> topics: it has them to read also before it has committed anything."""
_LOOK_BACK = 2_000  # records of hotline.cells read to find the last report; doubled until one is there
_ROWS = "SELECT sum(total_rows) FROM system.tables WHERE database = {database:String} AND name != 'schema_migrations'"


class PartitionStatus(msgspec.Struct, kw_only=True):
    """How far `reader` is in a partition: `position` is the next offset it reads, `end` the next one written.

    `data_as_of`: the partition's clock in epoch ms (`hotline.calls` only).
    """

    topic: str
    partition: int
    reader: str
    position: int
    end: int
    lag: int
    data_as_of: int | None = None


class FiringAlert(msgspec.Struct, kw_only=True):
    """One alert that fires now; `since` in epoch ms."""

    rule: str
    severity: str
    hotline: str
    queue: str
    category: str
    since: int
    summary: dict[str, str]


class Status(msgspec.Struct, kw_only=True):
    """What `hotline status --json` prints. Counts are absolute, since the beginning of the topics.

    `warnings`: what goes wrong unless somebody acts. `repaired`, `rejected`: kind -> source -> count. `rows_written`: rows in ClickHouse, None while it is away.
    """

    version: str
    endpoints: Endpoints
    processes: list[ProcessState]
    partitions: list[PartitionStatus]
    rows_written: int | None
    repaired: dict[str, dict[str, int]]
    rejected: dict[str, dict[str, int]]
    misrouted: int
    misrouted_by_source: dict[str, int]
    late: int
    late_by_source: dict[str, int]
    missing: int
    alerts_firing: list[FiringAlert]
    warnings: list[str] = []


async def _ends(consumer: AIOKafkaConsumer) -> dict[TopicPartition, int]:
    """Partition -> the offset its next record will get, for every topic of the contract that exists."""
    counts = await partition_counts(consumer, [topic.name for topic in TOPICS])
    partitions = [TopicPartition(name, number) for name, count in counts.items() for number in range(count)]
    ends = await consumer.end_offsets(partitions) if partitions else {}
    return {partition: ends[partition] for partition in partitions}


async def _values(consumer: AIOKafkaConsumer, partition: TopicPartition, start: int, end: int) -> list[bytes]:
    """The values of the records from `start` to before `end`, as far as they are still there."""
    consumer.assign([partition])
    consumer.seek(partition, start)
    values: list[bytes] = []
    while await consumer.position(partition) < end:
        for records in (await consumer.getmany(partition, timeout_ms=1000)).values():
            values += [record.value for record in records if record.offset < end and record.value is not None]
    return values


async def last_progress(consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]) -> Progress | None:
    """The engine's last report in `hotline.cells`, or None if there is none."""
    partition = TopicPartition(CELLS, 0)
    end = ends.get(partition, 0)
    if end == 0:
        return None
    decoder = msgspec.json.Decoder(CellsRecord)
    [first] = (await consumer.beginning_offsets([partition])).values()
    back, stop = _LOOK_BACK, end
    while stop > first:
        start = max(first, end - back)
        for value in reversed(await _values(consumer, partition, start, stop)):
            # A cheap look first: most records are cells.
            if b'"progress"' in value and isinstance(record := decoder.decode(value), Progress):
                return record
        stop, back = start, back * 2
    return None


async def firing(consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]) -> list[FiringAlert]:
    """The alerts whose last change of state was to fire."""
    partition = TopicPartition(ALERTS, 0)
    end = ends.get(partition, 0)
    if end == 0:
        return []
    [first] = (await consumer.beginning_offsets([partition])).values()
    decoder = msgspec.json.Decoder(AlertEvent)
    last = {
        event.fingerprint: event
        for event in map(decoder.decode, await _values(consumer, partition, first, end))
        if event.state != "pending"
    }
    return [
        FiringAlert(
            rule=event.rule,
            severity=event.severity,
            hotline=event.hotline,
            queue=event.queue,
            category=event.category,
            since=event.started_at,
            summary=event.summary,
        )
        for event in last.values()
        if event.state == "firing"
    ]


async def _committed(settings: Settings) -> tuple[dict[tuple[str, Place], int], dict[str, int]]:
    """(reader, partition) -> the next offset the reader's group has committed to read; topic -> ms it keeps records."""
    admin = AIOKafkaAdminClient(**client_options(settings.kafka))
    found: dict[tuple[str, Place], int] = {}
    try:
        await admin.start()
        for reader, group in GROUPS.items():
            try:
                found |= {(reader, place): at for place, at in (await committed(admin, group)).items()}
            except GroupCoordinatorNotAvailableError:  # a new cluster that no group has met yet
                continue
        return found, await retention_ms(admin, [CALLS])
    finally:
        await admin.close()


def positions(
    begins: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
    read: Mapping[tuple[str, Place], int],
    progress: Progress | None,
) -> list[PartitionStatus]:
    """One line per partition and reader, which begins at the first record that is there.

    `hotline.calls` by the engine's own report, which is newer than the commit, and made once what follows is told.
    """
    reported = {p.partition: p for p in progress.partitions} if progress else {}
    lines = []
    for partition, end in ends.items():
        told = reported.get(partition.partition) if partition.topic == CALLS else None
        readers = {
            reader: read.get((reader, partition), begins[partition])
            for reader, topics in READS.items()
            if partition.topic in topics
        }
        if told is not None:
            readers["streams"] = max(told.offset + 1, readers["streams"])
        lines += [
            PartitionStatus(
                topic=partition.topic,
                partition=partition.partition,
                reader=reader,
                position=position,
                end=end,
                lag=max(0, end - position),
                data_as_of=told.clock if told else None,
            )
            for reader, position in sorted(readers.items())
        ]
    return lines


def soon_deleted(partitions: Sequence[PartitionStatus], kept: Mapping[str, int], now: int) -> list[str]:
    """One line per topic that `streams` has not read for half as long as it is kept (topic -> ms), or longer."""
    lines = []
    for topic, kept_ms in kept.items():
        unread = [p.data_as_of for p in partitions if p.topic == topic and p.lag and p.data_as_of]
        if unread and retention_used(min(unread), kept_ms, now) >= RETENTION_USED:
            hours = [f"{ms / 3_600_000:,.1f} h" for ms in (now - min(unread), kept_ms)]
            lines.append(
                f"{topic} is read {hours[0]} behind, and keeps its records for {hours[1]}: what is deleted before it "
                "is read will be missing. Raise its retention.ms, and see that `hotline streams` runs"
            )
    return lines


def rows_written(settings: Settings) -> int | None:
    """Rows in all tables of the schema, or None while ClickHouse is away."""
    try:
        with connect(settings.clickhouse) as client:
            answer = client.query(_ROWS, parameters={"database": settings.clickhouse.database})
    except (ClickHouseAway, ClickHouseError):
        return None
    return int(answer.result_rows[0][0] or 0)


def _sum(counts: Mapping[str, int]) -> int:
    return sum(counts.values())


async def collect(settings: Settings) -> Status:
    """Ask everything once; `settings` have their addresses. Raises KafkaError if Kafka does not answer."""
    async with reading(settings.kafka) as consumer:
        ends = await _ends(consumer)
        begins = await consumer.beginning_offsets(list(ends)) if ends else {}
        progress = await last_progress(consumer, ends)
        alerts: Sequence[FiringAlert] = await firing(consumer, ends)
    read, kept = await _committed(settings)
    partitions = positions(begins, ends, read, progress)
    rows = await asyncio.to_thread(rows_written, settings)
    run = run_file.running(settings.data_dir)
    web = run.endpoints.web if run else settings.web.external_url
    return Status(
        version=run.version if run else version("hotline-monitor"),
        endpoints=Endpoints(kafka=settings.kafka.bootstrap, clickhouse=settings.clickhouse.url, web=web),
        processes=run.processes if run else [],
        partitions=partitions,
        rows_written=rows,
        repaired=progress.repaired if progress else {},
        rejected=progress.rejected if progress else {},
        misrouted=_sum(progress.misrouted) if progress else 0,
        misrouted_by_source=progress.misrouted if progress else {},
        late=_sum(progress.late) if progress else 0,
        late_by_source=progress.late if progress else {},
        missing=progress.missing if progress else 0,
        alerts_firing=list(alerts),
        warnings=soon_deleted(partitions, kept, int(time.time() * 1000)),
    )
