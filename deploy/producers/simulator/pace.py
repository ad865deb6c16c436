"""How fast history is sent beside live calls: never so fast that what is live is told late."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from deploy.runtime.kafka import reading
from deploy.runtime.settings import Kafka
from deploy.status import last_progress
from streams.contract.topics import CELLS

A_SECOND = 3_000
"""Events of history, at most."""
MOST_BEHIND_MS = 3_000
"""History waits while the engine tells what is live later than that; it tells how far it is once a second."""
_ASK_AGAIN_S = 0.5

Pace = Callable[[int], Awaitable[None]]
"""Is told how many events were sent so far, and returns when more may be."""


async def unhindered(sent: int) -> None:
    """As fast as possible; signals and the producer get their turn all the same."""
    del sent
    await asyncio.sleep(0)


class BesideLive:
    """The pace of history. `behind`: by how much (ms) the engine is behind, None while nobody knows.

    `stopping`: nobody waits any more. How fast an engine is depends on the machine and on what else runs there, so that
    is asked for, and not guessed.
    """

    def __init__(
        self,
        behind: Callable[[], Awaitable[int | None]],
        stopping: Callable[[], bool],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._behind = behind
        self._stopping = stopping
        self._sleep = sleep
        self._clock = clock
        self._sent = 0
        self._since = clock()

    async def __call__(self, sent: int) -> None:
        await self._sleep(0)
        if sent - self._sent < A_SECOND:
            return
        await self._sleep(max(0.0, (sent - self._sent) / A_SECOND - (self._clock() - self._since)))
        while not self._stopping() and ((late := await self._behind()) is None or late > MOST_BEHIND_MS):
            await self._sleep(_ASK_AGAIN_S)
        self._sent, self._since = sent, self._clock()


async def behind_live(kafka: Kafka, now: Callable[[], int]) -> int | None:
    """By how much (ms) what the engine tells of `live` is behind; None if it does not say, or Kafka does not answer."""
    try:
        async with reading(kafka) as consumer:
            progress = await last_progress(consumer, await consumer.end_offsets([TopicPartition(CELLS, 0)]))
    except KafkaError:
        return None
    return None if progress is None or progress.data_as_of is None else now() - progress.data_as_of
