"""The state log with a broker of a few lines: records in order, a compaction, writes that get lost."""

import asyncio
from collections.abc import Sequence

from aiokafka.errors import KafkaTimeoutError

from deploy.runtime.settings import Kafka
from deploy.runtime.state_found import Found, Resume
from deploy.runtime.state_log import StateLog
from deploy.runtime.state_records import Mark, Parts, Place, Stand, State
from deploy.runtime.state_taking import Taking

PLACE: Place = ("in", 0)


def stand(offset: int = 10, **changes: object) -> Stand:
    mark = Mark.of(1_700_000_000_000, b"record")
    return Stand(offset=offset, clock=1_700_000_000_000, cluster="here", mark=mark, **changes)


class Log:
    """Records of one input partition."""

    def __init__(self) -> None:
        self.records: list[tuple[bytes, bytes | None]] = []
        self._owners = 0

    def found(self, records: Sequence[tuple[bytes, bytes | None]] | None = None) -> Found:
        found = Found(PLACE)
        for key, value in self.records if records is None else records:
            found.take(key, value)
        return found

    def resume(self) -> Resume:
        return self.found().resume()

    def state(self) -> State | None:
        return self.resume().state

    def take(self) -> Taking:
        found = self.found()
        self._owners += 1
        return Taking(PLACE, found.epoch + 1, f"owner{self._owners}", found.leftover())

    async def write(
        self, taking: Taking, parts: Parts, offset: int = 10, *, steps: int | None = None, lost: int | None = None
    ) -> list[str]:
        """Write a checkpoint as the runtime does; returns the keys that got into the log, without their taking.

        `steps`: the process is killed after so many records. `lost`: this one is refused. Then KafkaTimeoutError.
        """
        before = len(self.records)
        broker = _Broker(self.records, steps, lost)
        try:
            await StateLog("state", Kafka()).write(broker, taking, stand(offset), parts)
        finally:
            broker.killed = True
        return [key.decode().split("/", 3)[-1] for key, _ in self.records[before:]]

    def compact(self, upto: int | None = None) -> None:
        """Keep the last record of each key among the first `upto` (all); tombstones stay."""
        cut = len(self.records) if upto is None else upto
        last = {key: number for number, (key, _) in enumerate(self.records[:cut])}
        self.records[:cut] = [it for n, it in enumerate(self.records[:cut]) if last[it[0]] == n]

    def drop_tombstones(self, upto: int | None = None) -> None:
        """What happens after delete.retention.ms, in what is compacted."""
        cut = len(self.records) if upto is None else upto
        self.compact(cut)
        self.records[:cut] = [record for record in self.records[:cut] if record[1] is not None]


class _Broker:
    """Takes records in order, each acknowledged a little later."""

    def __init__(self, records: list[tuple[bytes, bytes | None]], steps: int | None, lost: int | None) -> None:
        self._records = records
        self._steps = steps
        self._lost = lost
        self._sent = 0
        self.killed = False

    async def partitions_for(self, topic: str) -> set[int]:
        return {0}

    async def send(self, topic: str, value: bytes | None, key: bytes, partition: int) -> asyncio.Future[None]:
        acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        number, self._sent = self._sent, self._sent + 1
        if self.killed or number == self._lost or (self._steps is not None and number >= self._steps):
            self.killed = self.killed or number != self._lost
            acknowledged.set_exception(KafkaTimeoutError("lost"))
        else:
            self._records.append((key, value))
            acknowledged.set_result(None)
        return acknowledged

    async def send_and_wait(self, topic: str, value: bytes | None, key: bytes, partition: int) -> None:
        await (await self.send(topic, value, key, partition))
