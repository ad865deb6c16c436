"""Workers that read a backlog keep abreast: whoever is far ahead of the others waits for them.

What one partition has told and another has not yet waits in the memory of whoever merges both. Of a backlog of a day, two
workers of unequal speed are soon hours apart. So a worker reads no further while a partition of somebody else is further
behind it than `MOST` allows. Flink calls this the alignment of watermarks; here it goes by when records were appended.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Mapping

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from deploy.runtime import engine_metrics as metrics
from deploy.runtime.chunks import Chunk
from deploy.runtime.group_positions import positions
from deploy.runtime.kafka import reading
from deploy.runtime.owned import OwnedPartition
from deploy.runtime.settings import Kafka
from deploy.runtime.state_records import Place

MOST = 600_000
"""Records of a topic that may lie between a worker and the others, were all its partitions as far apart. The others are
known by what the group has committed, which is as old as a checkpoint: far fewer would have equals wait for each other."""
ASK_EVERY_S = 2.0
PATIENCE_S = 60.0
"""Others that read nothing for so long are not waited for: perhaps nobody has their partitions."""

log = structlog.get_logger()


class _Trail:
    """When the last `most` records that were read of a partition had been appended."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._marks: deque[tuple[int, int]] = deque()

    def add(self, offset: int, appended_at: int) -> None:
        self._marks.append((offset, appended_at))
        while len(self._marks) > 1 and self._marks[1][0] <= offset - self._most:
            self._marks.popleft()

    @property
    def far_back(self) -> int | None:
        """When the record `most` before the last was appended (ms); None if not so many were read."""
        marks = self._marks
        return marks[0][1] if marks and marks[-1][0] - marks[0][0] >= self._most else None


class Abreast:
    """How far this member of `group` may read. `most`, `patience_s`: see `MOST`, `PATIENCE_S`."""

    def __init__(self, kafka: Kafka, group: str, *, most: int = MOST, patience_s: float = PATIENCE_S) -> None:
        self._kafka, self._group = kafka, group
        self._most, self._patience_s = most, patience_s
        self._owned: Mapping[Place, OwnedPartition] = {}
        self._others: dict[str, list[TopicPartition]] = {}
        self._trails: dict[Place, _Trail] = {}
        self._may_read: dict[str, asyncio.Event] = {}
        self._read: dict[str, tuple[int, float]] = {}

    def begin(self, owned: Mapping[Place, OwnedPartition], counts: Mapping[str, int]) -> None:
        """These partitions are this process's now. `counts`: topic -> partitions in all."""
        self.end()
        self._owned = owned
        for topic, count in counts.items():
            others = [TopicPartition(topic, p) for p in range(count) if (topic, p) not in owned]
            mine = [place for place in owned if place[0] == topic]
            if mine and others:
                self._others[topic] = others
                self._trails |= {place: _Trail(self._most // count) for place in mine}
                self._may_read[topic] = asyncio.Event()
                self._may_read[topic].set()

    def end(self) -> None:
        """None are: whoever waits goes on, to find that out."""
        for topic, event in self._may_read.items():
            event.set()
            metrics.WAITS_FOR_OTHERS.labels(topic).set(0)
        self._owned = {}
        for state in (self._others, self._trails, self._may_read, self._read):
            state.clear()

    def read(self, place: Place, chunk: Chunk) -> None:
        """A chunk was applied."""
        trail = self._trails.get(place)
        if trail:
            trail.add(chunk.last, max(0, chunk.records[-1].timestamp))  # -1: whoever sent it gave it none

    async def wait(self, topic: str) -> None:
        """Return when the topic may be read on."""
        event = self._may_read.get(topic)
        if event:
            await event.wait()

    def waits(self, topic: str) -> bool:
        """Whether the topic may not be read on just now."""
        event = self._may_read.get(topic)
        return event is not None and not event.is_set()

    async def run(self) -> None:
        """Look at the others for as long as the process runs."""
        while True:
            for topic, event in list(self._may_read.items()):
                ahead = await self._ahead(topic)
                if event is not self._may_read.get(topic):
                    continue  # a rebalance came meanwhile
                if ahead and event.is_set():
                    event.clear()
                    log.info("reads no further until the other workers have come up", topic=topic)
                elif not ahead and not event.is_set():
                    event.set()
                    log.info("reads on", topic=topic)
                metrics.WAITS_FOR_OTHERS.labels(topic).set(ahead)
            await asyncio.sleep(ASK_EVERY_S)

    async def _ahead(self, topic: str) -> bool:
        """Whether every partition here is too far ahead of one that is somebody else's.

        Never where one of them has next to nothing left to read: what comes in now is not held up.
        """
        mine = [place for place in self._trails if place[0] == topic]
        if not all(self._owned[place].far_behind for place in mine):
            return False
        far_back = [self._trails[place].far_back for place in mine]
        since = [at for at in far_back if at is not None]
        if len(since) < len(mine):
            return False
        others = self._others[topic]
        try:
            async with reading(self._kafka) as asker:
                found = await asker.offsets_for_times(dict.fromkeys(others, min(since)))
            committed = await positions(self._kafka, self._group)
        except (KafkaError, OSError):
            return self.waits(topic)  # as it was: readers, too, get no answer
        read = {tp: committed.get((topic, tp.partition), 0) for tp in others}
        left = any(at is not None and read[tp] < at.offset for tp, at in found.items())
        return left and self._getting_on(topic, read.values())

    def _getting_on(self, topic: str, read: Iterable[int]) -> bool:
        """Whether the others have read anything lately."""
        now, position = time.monotonic(), sum(read)
        before, since = self._read.get(topic, (-1, now))
        if position != before:
            since = now
        self._read[topic] = position, since
        return now - since < self._patience_s
