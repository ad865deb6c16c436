"""Workers that read a backlog keep abreast: whoever is far ahead of the others waits for them.

What one partition has told and another has not yet waits in the memory of whoever merges both. Of a backlog of a day, two
workers of unequal speed are soon hours apart. So a worker reads no further while a partition of somebody else is further
behind it than `MOST` allows. Flink calls this the alignment of watermarks; here it goes by when records were appended.
"""

import asyncio
import time
from collections import deque
from collections.abc import Mapping, Sequence

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from deploy.runtime import engine_metrics as metrics
from deploy.runtime.chunks import Chunk
from deploy.runtime.group_positions import positions
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


class _Topic:
    """A topic that is read here and by others: their partitions, what was read of those here, and whether it may go on.

    `read`: how far the others were when that was last seen to change, and when (monotonic s).
    """

    def __init__(self, others: Sequence[TopicPartition], trails: Mapping[int, _Trail]) -> None:
        self.others, self.trails = others, trails
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        self.read = -1, 0.0

    def others_read(self, position: int) -> float:
        """Take in how far the others are; the seconds since that last changed."""
        now = time.monotonic()
        if position != self.read[0]:
            self.read = position, now
        return now - self.read[1]


class Abreast:
    """How far this member of `group` may read. `most`, `patience_s`: see `MOST`, `PATIENCE_S`."""

    def __init__(self, kafka: Kafka, group: str, *, most: int = MOST, patience_s: float = PATIENCE_S) -> None:
        self._kafka, self._group = kafka, group
        self._most, self._patience_s = most, patience_s
        self._owned: Mapping[Place, OwnedPartition] = {}
        self._topics: dict[str, _Topic] = {}

    def begin(self, owned: Mapping[Place, OwnedPartition], counts: Mapping[str, int]) -> None:
        """These partitions are this process's now. `counts`: topic -> partitions in all."""
        self.end()
        self._owned = owned
        for topic, count in counts.items():
            others = [TopicPartition(topic, p) for p in range(count) if (topic, p) not in owned]
            trails = {p: _Trail(self._most // count) for p in range(count) if (topic, p) in owned}
            if trails and others:
                self._topics[topic] = _Topic(others, trails)

    def end(self) -> None:
        """None are: whoever waits goes on, to find that out."""
        for name, topic in self._topics.items():
            topic.may_go_on.set()
            metrics.WAITS_FOR_OTHERS.labels(name).set(0)
        self._owned = {}
        self._topics.clear()

    def read(self, place: Place, chunk: Chunk) -> None:
        """A chunk was applied."""
        topic = self._topics.get(place[0])
        trail = topic.trails.get(place[1]) if topic else None
        if trail:  # else a rebalance came meanwhile
            trail.add(chunk.last, max(0, chunk.records[-1].timestamp))  # -1: whoever sent it gave it none

    async def wait(self, name: str) -> None:
        """Return when the topic may be read on."""
        topic = self._topics.get(name)
        if topic:
            await topic.may_go_on.wait()

    def waits(self, name: str) -> bool:
        """Whether the topic may not be read on just now."""
        topic = self._topics.get(name)
        return topic is not None and not topic.may_go_on.is_set()

    async def run(self, asker: AIOKafkaConsumer) -> None:
        """Look at the others for as long as the process runs; `asker` is a consumer without a group."""
        while True:
            for name, topic in list(self._topics.items()):
                ahead = await self._ahead(asker, name, topic)
                if topic is not self._topics.get(name):
                    continue  # a rebalance came meanwhile
                if ahead and topic.may_go_on.is_set():
                    topic.may_go_on.clear()
                    log.info("reads no further until the other workers have come up", topic=name)
                elif not ahead and not topic.may_go_on.is_set():
                    topic.may_go_on.set()
                    log.info("reads on", topic=name)
                metrics.WAITS_FOR_OTHERS.labels(name).set(ahead)
            await asyncio.sleep(ASK_EVERY_S)

    async def _ahead(self, asker: AIOKafkaConsumer, name: str, topic: _Topic) -> bool:
        """Whether every partition here is too far ahead of one that is somebody else's.

        Never where one of them has next to nothing left to read: what comes in now is not held up.
        """
        if not all(self._owned[name, p].far_behind for p in topic.trails):
            return False
        since = [at for trail in topic.trails.values() if (at := trail.far_back) is not None]
        if len(since) < len(topic.trails):
            return False
        try:
            found = await asker.offsets_for_times(dict.fromkeys(topic.others, min(since)))
            committed = await positions(self._kafka, self._group)
        except (KafkaError, OSError):
            return self.waits(name)  # as it was: readers, too, get no answer
        read = {tp: committed.get((name, tp.partition), 0) for tp in topic.others}
        left = any(at is not None and read[tp] < at.offset for tp, at in found.items())
        return left and topic.others_read(sum(read.values())) < self._patience_s
