"""A plain at-least-once consumer of micro-batches, for writers whose rows carry a key and a version.

Reading resumes at the group's commit, and only what a handler has stored is committed. A handler gets what has arrived
in all partitions of a topic at once: what a store costs is mostly per call.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.runtime import engine_metrics as metrics
from deploy.runtime import liveness
from deploy.runtime.chunks import Chunk, Position, Verdict
from deploy.runtime.ending import end_process
from deploy.runtime.health import Health
from deploy.runtime.hosting import host, run_process
from deploy.runtime.kafka import Place, log_start, reading
from deploy.runtime.processor import Record
from deploy.runtime.settings import Settings
from deploy.runtime.transport import build_app

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 15.0
FETCH_MIN_BYTES = 32 * 1024
"""An answer of the broker costs as much with ten records as with a thousand, and nobody waits for a row by the tenth of a
second: a few answers a second are enough."""

log = structlog.get_logger()


class Retry(Exception):  # noqa: N818  (an order, not an error of the program)
    """Raised by a handler that cannot take the batch now: the same batch comes again, in order, with back-off."""


Handler = Callable[[str, Mapping[int, Sequence[Record]]], Awaitable[None]]
"""(topic, partition -> records in offset order); returns when all of them are stored."""

Batch = list[tuple[Place, "_Partition", list[Record]]]
"""What is stored together: of each partition the first that wait."""


class _Partition:
    """What was read of a partition and is not stored yet."""

    def __init__(self, start: int) -> None:
        self.position = Position(start)
        self.stored = start
        self.waiting: list[Record] = []
        self.lost = False


class Sink:
    """Reads partitions into buffers; one task per topic hands them to the topic's handler."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        topics: Mapping[str, Handler],
        *,
        linger_s: float,
        every_s: float,
        max_records: int,
    ) -> None:
        self._settings = settings
        self._handlers = topics
        self._linger_s = linger_s
        self._every_s = every_s
        self._max_records = max_records
        self._partitions: dict[Place, _Partition] = {}
        self._building: tuple[int, dict[Place, _Partition]] = (0, {})
        self._safe: dict[Place, int] = {}
        self._round = 0
        self._settled = False
        self._failing: dict[str, str] = {}
        self._changed = asyncio.Event()
        self._asker: AIOKafkaConsumer | None = None
        self._app = build_app(
            name, settings.kafka, self, dict.fromkeys(topics, self._take), fetch_min_bytes=FETCH_MIN_BYTES
        )

    async def positions(self, assigned: frozenset[Place]) -> Mapping[Place, int]:
        """Resume at the group's commit; without one, at the beginning."""
        at_round = self._round
        building: dict[Place, _Partition] = {}
        async with reading(self._settings.kafka) as consumer:
            tps = [TopicPartition(*place) for place in assigned]
            begins, ends = await consumer.beginning_offsets(tps), await consumer.end_offsets(tps)
        for place in assigned:
            begin, end = begins[TopicPartition(*place)], ends[TopicPartition(*place)]
            committed = await self._app.reading.committed(*place)
            if committed is not None and committed > end:
                end_process(
                    "the group's commit lies beyond the end of the topic, which was created again: delete the "
                    "group's offsets (kafka-consumer-groups --delete-offsets) to store it from its beginning",
                    at=place,
                    committed=committed,
                    end=end,
                )
            if committed is not None:
                self._missing(place, begin - committed)
            building[place] = _Partition(max(begin, committed if committed is not None else begin))
        self._building = at_round, building
        return {place: partition.position.next for place, partition in building.items()}

    def assigned(self) -> None:
        """Take over, unless another rebalance has begun since."""
        at_round, building = self._building
        self._building = 0, {}
        if at_round != self._round and building:
            return
        self._let_go()
        self._partitions = building
        self._safe.clear()
        self._settled = True
        where = {f"{topic}/{number}": partition.stored for (topic, number), partition in building.items()}
        log.info("partitions assigned", resume_at=where)

    async def revoked(self) -> None:
        """Let go; what is not stored is read again by the next owner."""
        self._round += 1
        self._settled = False
        self._safe = {place: partition.stored for place, partition in self._partitions.items()}
        self._let_go()

    def _let_go(self) -> None:
        for partition in self._partitions.values():
            partition.lost = True
        self._partitions = {}
        self._tell()

    def committable(self, topic: str, partition: int) -> int | None:
        """What is stored."""
        owned = self._partitions.get((topic, partition))
        return owned.stored if owned else self._safe.get((topic, partition))

    def _missing(self, place: Place, missing: int) -> None:
        if missing <= 0:  # what transactions and compaction leave out was never there to store
            return
        metrics.MISSING.labels(place[0], str(place[1])).inc(missing)
        log.error("records were deleted before they were stored", topic=place[0], partition=place[1], missing=missing)

    async def _take(self, topic: str, number: int, chunk: Chunk) -> None:
        partition = self._partitions.get((topic, number))
        if partition is None:
            return
        verdict = partition.position.judge(chunk)
        if verdict is Verdict.REPEATED:
            return
        if verdict is Verdict.SEEK_BACK:
            metrics.SEEKS_BACK.labels(topic, str(number)).inc()
            await self._app.reading.seek_back(topic, number, partition.position.next)
            return
        if verdict is Verdict.HOLE:
            assert self._asker is not None
            begin = await log_start(self._asker, topic, number)
            if partition.lost:
                return
            self._missing((topic, number), min(begin, chunk.start) - partition.position.next)
        partition.waiting.extend(partition.position.unseen(chunk))
        partition.position.advance(chunk.last)
        self._tell()
        while len(partition.waiting) >= self._max_records and not partition.lost:
            await self._changed.wait()

    async def _store(self, topic: str) -> None:
        """Hand what has arrived to the topic's handler, all its partitions together."""
        begun = -math.inf
        while True:
            while not self._arrived(topic):
                await self._changed.wait()
            if self._waiting(topic) < self._max_records:
                await asyncio.sleep(max(self._linger_s, begun + self._every_s - time.monotonic()))
            begun = time.monotonic()
            if batch := self._batch(topic):
                await self._stored(topic, batch)

    def _arrived(self, topic: str) -> list[tuple[Place, _Partition]]:
        return [(place, p) for place, p in self._partitions.items() if place[0] == topic and p.waiting]

    def _waiting(self, topic: str) -> int:
        return sum(len(partition.waiting) for _, partition in self._arrived(topic))

    def _batch(self, topic: str) -> Batch:
        """Of every partition as much as is there, but not more than its share of what a batch may hold."""
        arrived = self._arrived(topic)
        share = math.ceil(self._max_records / max(1, len(arrived)))
        return [(place, partition, partition.waiting[:share]) for place, partition in arrived]

    async def _stored(self, topic: str, batch: Batch) -> None:
        """Give a batch to the handler until it takes it; without the partitions that are ours no more."""
        pause = FIRST_PAUSE_S
        while ours := [it for it in batch if not it[1].lost]:
            try:
                await self._handlers[topic](topic, {place[1]: records for place, _, records in ours})
            except Retry as reason:
                metrics.RETRIES.labels(topic).inc()
                if topic not in self._failing:
                    log.warning("cannot store now: trying again", topic=topic, reason=str(reason))
                self._failing[topic] = str(reason)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)
            else:
                if self._failing.pop(topic, None) is not None:
                    log.info("stored again", topic=topic)
                for place, partition, records in ours:
                    if not partition.lost:
                        del partition.waiting[: len(records)]
                        partition.stored = records[-1].offset + 1
                        metrics.APPLIED.labels(topic, str(place[1])).inc(len(records))
                self._tell()
                return

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _standings(self) -> Mapping[Place, liveness.Standing] | None:
        if not self._settled:
            return None
        return {
            place: liveness.Standing(
                partition.stored, place[0] in self._failing or self._nothing_left(place, partition)
            )
            for place, partition in self._partitions.items()
        }

    def _nothing_left(self, place: Place, partition: _Partition) -> bool:
        fetched = self._app.reading.fetched(*place)
        return fetched is not None and fetched.position >= fetched.end and partition.stored >= fetched.delivered

    async def _measure(self) -> None:
        while True:
            for (topic, number), partition in self._partitions.items():
                metrics.POSITION.labels(topic, str(number)).set(partition.stored)
                fetched = self._app.reading.fetched(topic, number)
                if fetched:
                    metrics.END.labels(topic, str(number)).set(fetched.end)
                    metrics.LAG.labels(topic, str(number)).set(max(0, fetched.end - partition.stored))
            await asyncio.sleep(1)

    def health(self) -> Health:
        """Ready while partitions are assigned and the handlers take what comes."""
        problems = [f"{topic}: cannot store now: {reason}" for topic, reason in self._failing.items()]
        if not self._settled:
            problems.append("waiting for partitions")
        partitions = []
        for (topic, number), partition in sorted(self._partitions.items()):
            fetched = self._app.reading.fetched(topic, number)
            end = fetched.end if fetched else None
            lag = None if end is None else max(0, end - partition.stored)
            partitions.append(
                {"topic": topic, "partition": number, "position": partition.stored, "end": end, "lag": lag}
            )
        return Health(tuple(problems), {"partitions": partitions})

    async def run(self, health_port: int) -> None:
        """Run until SIGTERM."""
        async with reading(self._settings.kafka) as asker:
            self._asker = asker
            tasks = {
                "liveness": lambda: liveness.watch(asker, list(self._handlers), self._standings),
                "measuring": self._measure,
            } | {f"storing {topic}": (lambda topic=topic: self._store(topic)) for topic in self._handlers}
            await host(self._app, self._settings, health_port=health_port, check=self.health, tasks=tasks)


def run_sink(
    name: str,
    settings: Settings,
    topics: Mapping[str, Handler],
    *,
    health_port: int = 0,
    linger_s: float = 1.0,
    every_s: float = 0.0,
    max_records: int = 50_000,
) -> None:
    """Consume `topics` as group `name` until SIGTERM; blocks.

    A batch is what arrived in all partitions of a topic within `linger_s`, or since the batch before began if `every_s`
    has not passed since: a quiet topic is stored at once, a busy one in few batches. Far behind there is no waiting;
    about `max_records` are the most of a batch. Offsets are committed after the handler returned. `Retry` repeats the
    batch with back-off while the process stays in its group; any other exception ends the process (exit code 1), to be
    restarted.
    """

    async def main() -> None:
        sink = Sink(name, settings, topics, linger_s=linger_s, every_s=every_s, max_records=max_records)
        await sink.run(health_port)

    run_process(main())
