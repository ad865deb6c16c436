"""Faust as the shell: its consumer, producer and scheduler as we need them. Nothing else here knows why.

What differs from Faust's own transport:

- one event per chunk of a partition, not per record;
- reading resumes where the reader says (`Reader.positions`), never at the group's commit;
- the commit shows what the reader says is safe (`Reader.committable`), whatever was acknowledged;
- Faust's own counting of single offsets (gaps, read offsets) is off: it would stop committing after a
  gap and throw away what is read again after a seek.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol, cast

import faust
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import IllegalStateError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.transports import SchedulingStrategyT

from deploy.runtime.chunks import Chunk
from deploy.runtime.ending import end_process
from deploy.runtime.kafka import client_options, faust_broker
from deploy.runtime.membership import Membership
from deploy.runtime.settings import Kafka
from deploy.runtime.unpacking import Batch, UnreadableError, chunks, keep_packed, until_fetched

REQUEST_TIMEOUT_S = 90.0
SEEK_TIMEOUT_S = REQUEST_TIMEOUT_S / 2
"""Faust ends its recovery task without a word after REQUEST_TIMEOUT_S; we end the process before that."""

PRODUCE_TIMEOUT_MS = 30_000
BATCH_BYTES = 512 * 1024
BUFFERED_CHUNKS = 8
FETCH_WAIT_MS = 500
"""So long the broker holds a fetch that it has nothing for. A partition that was left out of it, because what it had was
still to be read, waits for its end: longer would be cheaper when no calls come, and late when few do."""
FETCHED_RECENTLY_S = 5.0

Take = Callable[[str, int, Chunk], Awaitable[None]]
"""(topic, partition, chunk): called in order, one at a time per topic. Raising ends the process (but
IllegalStateError: the partition is no longer ours)."""


class Reader(Protocol):
    """Who owns the positions."""

    async def positions(self, assigned: frozenset[tuple[str, int]]) -> Mapping[tuple[str, int], int]:
        """Make ready what is needed to read these partitions; say the offset to begin each one at."""

    def assigned(self) -> None:
        """The consumer stands at the positions: from now on chunks of these partitions may come.

        Also called when a rebalance ended and nothing is ours.
        """

    async def revoked(self) -> None:
        """A rebalance begins (or the process stops): bring what is safe into safety, then let go."""

    def committable(self, topic: str, partition: int) -> int | None:
        """The offset to commit (next to read), or None for nothing new."""


class Fetched(NamedTuple):
    """What the consumer knows of a partition.

    `position`: next offset to fetch; `delivered`: after the last record handed on; `end` of the log, as the
    last answer said; `recent`: whether that came in the last 5 s.
    """

    position: int
    delivered: int
    end: int
    recent: bool


class _FetchedChunk:
    """A chunk in the form of one record, as Faust takes it."""

    __slots__ = ("chunk", "offset", "partition", "timestamp", "topic")

    checksum: None = None
    headers = ()
    key: None = None
    serialized_key_size = -1
    serialized_value_size = -1
    timestamp_type = 0

    def __init__(self, tp: TP, chunk: Chunk, timestamp: int) -> None:
        self.topic = tp.topic
        self.partition = tp.partition
        self.offset = chunk.last
        self.timestamp = timestamp
        self.chunk = chunk

    @property
    def value(self) -> Chunk:
        return self.chunk


class ChunkScheduler(SchedulingStrategyT):
    """Chunks of all fetched partitions in turn, one per partition at a time."""

    def iterate(self, records: Mapping[TP, list[Any]]) -> Iterator[tuple[TP, _FetchedChunk]]:
        waiting = [(tp, chunks(batches)) for tp, batches in records.items()]
        while waiting:
            left = []
            for tp, its in waiting:
                try:
                    chunk = next(its, None)
                except UnreadableError as error:
                    end_process("the log cannot be read", reason=str(error))
                if chunk is not None:
                    left.append((tp, its))
                    yield tp, _FetchedChunk(tp, chunk, chunk.records[-1].timestamp)
            waiting = left


class _NoReadOffsets(dict[TP, int | None]):
    """Faust drops what lies below the last offset it read, also after a seek back. The reader judges instead."""

    def __getitem__(self, key: TP) -> None:
        del key

    def __setitem__(self, key: TP, value: int | None) -> None:
        pass


class _GroupConsumer(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka says nothing of its types
    """A consumer whose membership of its group is watched."""

    def __init__(self, *topics: str, membership: Membership, **options: Any) -> None:
        super().__init__(*topics, **options)
        self._membership = membership

    async def start(self) -> None:
        await super().start()
        self._membership.watch(self._coordinator)


class _ConsumerThread(driver.AIOKafkaConsumerThread):
    def __post_init__(self) -> None:
        super().__post_init__()
        self.membership = Membership(self.app.conf.broker_session_timeout)
        self._delivered: dict[TP, int] = {}

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        conf = self.app.conf
        ours = cast("Transport", transport)
        kafka = ours.kafka
        self._assignor = RoundRobinPartitionAssignor
        return _GroupConsumer(
            membership=self.membership,
            **client_options(kafka),
            client_id=conf.id,
            group_id=conf.id,
            group_instance_id=kafka.group_instance_id or None,
            partition_assignment_strategy=[RoundRobinPartitionAssignor],
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_interval_ms=86_400_000,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            fetch_min_bytes=ours.fetch_min_bytes,
            request_timeout_ms=int(REQUEST_TIMEOUT_S * 1000),
            session_timeout_ms=kafka.session_timeout_ms,
            heartbeat_interval_ms=min(3_000, kafka.session_timeout_ms // 3),
            rebalance_timeout_ms=60_000,
            isolation_level="read_committed",
        )

    def fetched(self, tp: TP) -> Fetched | None:
        """What is known of a partition now; None before the first fetch."""
        consumer = self._consumer
        assignment = consumer._subscription.subscription.assignment if consumer else None  # noqa: SLF001
        key = TopicPartition(*tp)
        if assignment is None or key not in assignment.tps:
            return None
        state = assignment.state_value(key)
        if state.highwater is None or state.timestamp is None or not state.has_valid_position:
            return None
        recent = time.time() - state.timestamp / 1000 < FETCHED_RECENTLY_S
        # `lso`: what a reader of committed records can reach.
        end = state.lso if state.lso is not None and state.lso >= 0 else state.highwater
        return Fetched(state.position, self._delivered.get(tp, 0), end, recent)

    async def _fetch_records(
        self,
        consumer: AIOKafkaConsumer,
        active_partitions: set[TP],
        timeout: float | None = None,  # noqa: ASYNC109  (Faust's signature)
        max_records: int | None = None,
    ) -> dict[TP, list[Batch]]:
        """Batches in place of records: see `unpacking`."""
        del max_records
        fetcher = consumer._fetcher  # noqa: SLF001
        await until_fetched(fetcher, active_partitions, timeout or 0)
        keep_packed(fetcher)
        try:
            fetched = cast(
                "dict[TP, list[Batch]]", await super()._fetch_records(consumer, active_partitions, timeout=0)
            )
        except UnreadableError as error:  # Faust would stop reading and live on
            end_process("the log cannot be read", reason=str(error))
        for tp, batches in fetched.items():
            self._delivered[tp] = batches[-1].end
        return fetched


class Consumer(driver.Consumer):
    """Faust's consumer, reading from where the reader says."""

    transport: "Transport"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._read_offset = _NoReadOffsets()
        self._seek_lock = asyncio.Lock()

    def _new_consumer_thread(self) -> _ConsumerThread:
        return _ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def perform_seek(self) -> None:
        """Called by Faust after each rebalance, at times twice at once."""
        try:
            async with asyncio.timeout(SEEK_TIMEOUT_S), self._seek_lock:
                tps = self.assignment()
                assigned = frozenset((tp.topic, tp.partition) for tp in tps)
                positions = await self.transport.reader.positions(assigned)
                if self.assignment() != tps:
                    return  # the next rebalance is on its way and calls again
                await self.seek_wait({tp: positions[tp.topic, tp.partition] for tp in tps})
                self.transport.reader.assigned()
        except IllegalStateError:
            raise  # a partition went away meanwhile: Faust waits for the next rebalance
        except Exception as error:  # noqa: BLE001  (Faust would go on, reading from the commit or not at all)
            end_process("could not load the states to resume from", error=error)

    async def _wait_next_records(self, timeout: float) -> tuple[Any, Any]:  # noqa: ASYNC109  (Faust's signature)
        """Drop what a fetch brought after a rebalance began: whatever lets records flow again seeks first.

        (Faust would seek here, in the middle of the rebalance, for partitions that are about to go.)
        """
        records, active = await super()._wait_next_records(timeout)
        return (records if self.flow_active else None), active

    async def seek_back(self, topic: str, partition: int, offset: int) -> None:
        """Read a partition again from `offset`; IllegalStateError if it is no longer ours."""
        await self.seek_wait({TP(topic, partition): offset})

    @property
    def sure(self) -> bool:
        """Whether the group cannot have given this process up."""
        return cast("_ConsumerThread", self._thread).membership.sure

    def fetched(self, topic: str, partition: int) -> Fetched | None:
        """What is known of a partition now; None before the first fetch."""
        return cast("_ConsumerThread", self._thread).fetched(TP(topic, partition))

    async def committed(self, topic: str, partition: int) -> int | None:
        """The group's commit of a partition: the next offset to read, or None if there is none."""
        thread = cast("_ConsumerThread", self._thread)
        offset = await thread.call_thread(thread._ensure_consumer().committed, TopicPartition(topic, partition))  # noqa: SLF001
        return cast("int | None", offset)

    def _new_offset(self, tp: TP) -> int | None:
        self._acked[tp].clear()
        self._acked_index[tp].clear()
        return self.transport.reader.committable(tp.topic, tp.partition)

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        pass

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust's own liveness check only logs; ours (see `liveness`) ends the process."""


class Producer(driver.Producer):
    """Faust's producer: every record acknowledged by all replicas, none twice, none out of order."""

    def _new_producer(self, transactional_id: str | None = None) -> AIOKafkaProducer:
        del transactional_id
        return new_producer(cast("Transport", self.transport).kafka)

    @property
    def client(self) -> AIOKafkaProducer:
        return self._ensure_producer()


def new_producer(kafka: Kafka) -> AIOKafkaProducer:
    """A producer with our delivery settings."""
    return AIOKafkaProducer(
        **client_options(kafka),
        acks="all",
        enable_idempotence=True,
        request_timeout_ms=PRODUCE_TIMEOUT_MS,
        max_batch_size=BATCH_BYTES,
        compression_type=kafka.compression,
    )


class Transport(driver.Transport):
    """What an app reads and writes by."""

    Consumer = Consumer
    Producer = Producer

    def __init__(self, app: faust.App, kafka: Kafka, reader: Reader, fetch_min_bytes: int) -> None:
        self.kafka = kafka
        self.reader = reader
        self.fetch_min_bytes = fetch_min_bytes
        super().__init__(app.conf.broker_consumer, app)


class App(faust.App):
    """A Faust app with our transport."""

    def _create_directories(self) -> None:
        """Nothing is kept in files."""

    @property
    def reading(self) -> Consumer:
        return cast("Consumer", self.consumer)

    @property
    def writing(self) -> AIOKafkaProducer:
        """The aiokafka producer itself: its bulk calls are ten times as fast as Faust's `send`."""
        return cast("Producer", self.producer).client


def _reading(take: Take) -> Callable[[Any], Awaitable[None]]:
    async def read(stream: Any) -> None:
        events: AsyncIterator[Any] = stream.noack().events()
        async for event in events:
            tp, chunk = event.message.tp, event.message.value
            # At once: a rebalance waits for what is not acknowledged. What is committed is another matter.
            event.ack()
            try:
                await take(tp.topic, tp.partition, chunk)
            except IllegalStateError:
                continue  # the partition went away meanwhile: whoever has it now reads on
            except Exception as error:  # noqa: BLE001  (Faust would count the chunk as done and read on)
                end_process("a chunk could not be applied", error=error, topic=tp.topic, partition=tp.partition)

    return read


def build_app(group: str, kafka: Kafka, reader: Reader, topics: Mapping[str, Take], *, fetch_min_bytes: int = 1) -> App:
    """One Faust app of one consumer group, with one agent per topic.

    `fetch_min_bytes`: the broker answers once it has so much, or after half a second.
    """
    session_s = kafka.session_timeout_ms / 1000
    app = App(
        group,
        broker=faust_broker(kafka),
        ConsumerScheduler=ChunkScheduler,
        broker_request_timeout=max(REQUEST_TIMEOUT_S, session_s),
        broker_session_timeout=session_s,
        broker_commit_interval=2.5,
        key_serializer="raw",
        value_serializer="raw",
        stream_buffer_maxsize=BUFFERED_CHUNKS,
        stream_wait_empty=False,
        stream_recovery_delay=0.0,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
    )
    transport = Transport(app, kafka, reader, fetch_min_bytes)
    app.transport = transport
    app.producer_transport = transport
    for topic, take in topics.items():
        app.agent(app.topic(topic, key_type=bytes, value_type=bytes), name=f"{group}.{topic}")(_reading(take))

    async def on_revoked(*args: Any, **kwargs: Any) -> None:
        del args, kwargs  # all partitions go, and come back, in each rebalance
        await reader.revoked()

    async def on_assigned(*args: Any, **kwargs: Any) -> None:
        del kwargs
        _, assigned = args
        if not assigned:
            reader.assigned()

    app.on_partitions_revoked.connect(on_revoked)
    app.on_partitions_assigned.connect(on_assigned)
    app.on_before_shutdown.connect(on_revoked)
    logging.getLogger("faust.transport.consumer").setLevel(logging.ERROR)
    return app
