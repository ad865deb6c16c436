"""Holds a replay back where it gets too far ahead of `streams`: an export of years is appended as it is counted.

What `streams` has read of one partition and not of another waits in the merger's memory, and what it has not read at all
on the brokers' disks. So a large replay holds still while any partition has too much to be read.
"""

import asyncio
import time
from collections.abc import Callable, Mapping

from aiokafka import TopicPartition
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError

from deploy.producers.publisher import NotReachableError
from deploy.runtime.group_positions import positions
from deploy.runtime.kafka import reading
from deploy.runtime.settings import Kafka
from streams.contract.topics import CALLS, GROUPS

READER = GROUPS["streams"]
MOST = 600_000
"""Records of all partitions that may wait to be read; `streams` says every fifteen seconds how far it is."""
PATIENCE_S = 120.0
"""A reader that reads nothing for so long is not waited for."""
ASK_EVERY_S = 1.0


class Ahead:
    """How far `hotline.calls` is ahead of `streams`.

    `told` is called with the records that wait when it begins to wait, and with None when it gives the waiting up. `most`
    and `patience_s`: see `MOST` and `PATIENCE_S`.
    """

    def __init__(
        self,
        kafka: Kafka,
        partitions: int,
        told: Callable[[int | None], None] = lambda _: None,
        *,
        most: int = MOST,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.ask_after = max(1, most // 10)
        """Records that may be appended between two calls of `wait`."""
        self._kafka = kafka
        self._places = [TopicPartition(CALLS, partition) for partition in range(partitions)]
        self._most, self._patience_s = most // partitions, patience_s
        self._told = told
        self._given_up = False

    async def wait(self) -> None:
        """Return when no partition has more than its share of `most` to be read, or nobody reads.

        Raises NotReachableError.
        """
        read, read_at, waits = -1, time.monotonic(), False
        while not self._given_up:
            position, behind = await self._look()
            if max(behind.values(), default=0) <= self._most:
                return
            if position > read:
                read, read_at = position, time.monotonic()
            elif time.monotonic() - read_at >= self._patience_s:
                self._given_up = True
                self._told(None)
                return
            if not waits:
                waits = True
                self._told(sum(behind.values()))
            await asyncio.sleep(ASK_EVERY_S)

    async def _look(self) -> tuple[int, Mapping[int, int]]:
        """(records read, partition -> records to be read); of none if nobody has ever read."""
        try:
            async with reading(self._kafka) as asker:
                ends = await asker.end_offsets(self._places)
            read = await positions(self._kafka, READER)
        except GroupCoordinatorNotAvailableError:  # a new cluster that no group has met yet
            return 0, {}
        except (KafkaError, OSError) as error:
            raise NotReachableError(f"Kafka does not answer at {self._kafka.bootstrap}: {error!r}") from error
        known = {tp: read[tp.topic, tp.partition] for tp in self._places if (tp.topic, tp.partition) in read}
        return sum(known.values()), {tp.partition: ends[tp] - at for tp, at in known.items()}
