"""Is a consumer still getting on? Faust can stay alive and consume nothing; then the process has to end.

The judgement is pure; `watch` asks Kafka with a client of its own.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from enum import Enum
from typing import NamedTuple

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from deploy.runtime.ending import end_process
from deploy.runtime.kafka import Place, partition_counts

EVERY_S = 10.0
STALLED_S = 90.0
"""How long records may wait unread while the process reads nothing at all."""
PASSED_OVER_S = 900.0
"""How long those of one partition may wait while it reads others: with much to read on a slow machine they take turns."""

log = structlog.get_logger()


class Trouble(Enum):
    """Why a process has to end; the value says what to do."""

    STALLED = "records wait and are not read: starting again"
    TOPIC_SHORTER = "the topic ends below what was read of it: was it created again? Starting again will tell"
    PARTITIONS_CHANGED = (
        "the number of partitions changed: calls would be torn apart. Stop Hotline, move to new topics with "
        "the wanted number of partitions, start again"
    )
    NOTHING_ASSIGNED = "the consumer group gave no answer: starting again"


class Standing(NamedTuple):
    """Where a partition stands: the `next` offset to apply; `waits`: it may stand still, as it was told to wait or has nothing
    left to read.
    """

    next: int
    waits: bool


class Watch:
    """Remembers since when records of each partition wait unread.

    Where two looks lie too far apart (the process was paused) nothing is proven: all waiting is counted from then on.
    """

    def __init__(self, now: float) -> None:
        self._waiting: dict[Place, tuple[int, float]] = {}
        self._moved_at = now
        self._unsettled_since: float | None = now
        self._looked_at = now

    def judge(
        self, standings: Mapping[Place, Standing] | None, ends: Mapping[Place, int], now: float
    ) -> tuple[Trouble, Place | None] | None:
        """Say what is wrong, if anything is. `standings` is None between a rebalance's begin and end."""
        if now - self._looked_at > 3 * EVERY_S:
            self._waiting.clear()
            self._moved_at = now
            self._unsettled_since = None
        self._looked_at = now
        if standings is None:
            self._waiting.clear()
            if self._unsettled_since is None:
                self._unsettled_since = now
            return (Trouble.NOTHING_ASSIGNED, None) if now - self._unsettled_since > 2 * STALLED_S else None
        self._unsettled_since = None
        waiting: dict[Place, tuple[int, float]] = {}
        for place, standing in standings.items():
            end = ends.get(place)
            if end is None or end == standing.next or standing.waits:
                continue
            if end < standing.next:
                return Trouble.TOPIC_SHORTER, place
            at, since = self._waiting.get(place, (standing.next, now))
            waiting[place] = standing.next, since if at == standing.next else now
            if at != standing.next:
                self._moved_at = now
        self._waiting = waiting
        for place, (_, since) in waiting.items():
            nothing_moves = now - max(since, self._moved_at) > STALLED_S
            if nothing_moves or now - since > PASSED_OVER_S:
                return Trouble.STALLED, place
        return None


async def watch(
    asker: AIOKafkaConsumer, topics: list[str], standings: Callable[[], Mapping[Place, Standing] | None]
) -> None:
    """Look every 10 s; end the process on trouble."""
    judge = Watch(time.monotonic())
    counts: dict[str, int] = {}
    reachable = True
    while True:
        try:
            async with asyncio.timeout(EVERY_S):
                now_counts = await partition_counts(asker, topics)
                before = standings() or {}
                ends = await asker.end_offsets([TopicPartition(*place) for place in before])
        except (KafkaError, TimeoutError) as error:
            if reachable:
                log.warning("Kafka does not answer", error=str(error) or type(error).__name__)
            reachable = False
        else:
            if not reachable:
                log.info("Kafka answers again")
            reachable = True
            counts = counts or now_counts
            if now_counts != counts:
                end_process(Trouble.PARTITIONS_CHANGED.value, before=counts, now=now_counts)
            # What was read after the question for the ends is no trouble: only what stood before counts.
            current = standings()
            known = {(tp.topic, tp.partition): end for tp, end in ends.items()}
            seen = None if current is None else {p: s for p, s in before.items() if p in current}
            if trouble := judge.judge(seen, known, time.monotonic()):
                end_process(trouble[0].value, at=trouble[1])
        await asyncio.sleep(EVERY_S)
