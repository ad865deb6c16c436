"""One input partition in the hands of this process: its processor, its position, its outputs, its checkpoints."""

import asyncio
import math
import time
from collections.abc import Callable, Sequence

import msgspec
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from deploy.runtime import engine_metrics as metrics
from deploy.runtime.chunks import Chunk, Position, SliceSize
from deploy.runtime.ending import end_process
from deploy.runtime.outbox import BulkSender, Outbox
from deploy.runtime.processor import Output, Processor
from deploy.runtime.state_log import StateLog
from deploy.runtime.state_records import Changes, Mark, Parts, Stand, StateError
from deploy.runtime.state_taking import Taking

log = structlog.get_logger()

ASK_AGAIN_S = 0.1
TELL_S = 0.2
TELL_MOST_S = 20.0
LATER_BY = 0.25
"""What follows from records is told so often at most: at once when little comes, and together when much does, for what
is told costs more than what is read. What was appended long ago is late anyway, and may be later by a quarter: most of
it changes again soon."""
FAR_BEHIND_MS = 20_000

OnOutputs = Callable[[str, int, Sequence[Output]], None]


class OwnedPartition:
    """From being assigned to the next rebalance. Once `lost`, nothing it still holds may be used or written.

    `stand` and `parts`: what it was restored from. They are written again, as the new owner's, before it tells
    anything: what it tells can then only be followed by an owner that knows of it. `sure`: whether the group cannot
    have given this process up; while it is not, nothing new is told, so that whatever a former owner told, it made
    before its successor began.
    """

    def __init__(
        self,
        topic: str,
        partition: int,
        processor: Processor,
        *,
        taking: Taking,
        stand: Stand,
        parts: Parts,
        sure: Callable[[], bool],
    ) -> None:
        self.topic = topic
        self.partition = partition
        self.processor = processor
        self.position = Position(stand.offset + 1)
        self.lost = False
        self.checkpointed = stand.offset + 1
        self.changed = False
        self.caught_up = False
        self._taking = taking
        self._stand = stand
        self._restored_from = parts
        self._sure = sure
        self._mark = stand.mark
        self._slice = SliceSize()
        self._untold = False
        self._told_at = -math.inf
        self._outbox: Outbox | None = None
        self._checkpointing = asyncio.Lock()
        self._sizes: dict[str, int] = {}
        labels = (topic, str(partition))
        self._applied = metrics.APPLIED.labels(*labels)
        self._written = metrics.CHECKPOINT_BYTES.labels(*labels)
        self._size = metrics.STATE_BYTES.labels(*labels)

    def open(self, sender: BulkSender, log: StateLog, producer: AIOKafkaProducer, on_outputs: OnOutputs | None) -> None:
        """Begin to send, as soon as the state stands as this owner's."""

        def sent(outputs: Sequence[Output]) -> None:
            if on_outputs and not self.lost:
                on_outputs(self.topic, self.partition, outputs)

        async def begin() -> None:
            parts, self._restored_from = self._restored_from, {}
            if not self.lost:
                await self._write(log, producer, self._stand, parts)
            # Sure now: then a successor, who reads the log after that, finds what was written and counts on from there.
            while not self._sure() and not self.lost:  # noqa: ASYNC110  (the group answers in another thread)
                await asyncio.sleep(ASK_AGAIN_S)

        self._outbox = Outbox(sender, sent, begin)

    def close(self) -> None:
        """Let go: whatever is not sent or written by now will be made again from the last checkpoint."""
        self.lost = True
        if self._outbox:
            self._outbox.close()

    def skip_to(self, offset: int, missing: int) -> None:
        """Go on at `offset`: nothing is left in the log before it; `missing` records were there once."""
        if missing:
            metrics.MISSING.labels(self.topic, str(self.partition)).inc(missing)
            log.error(
                "input records are gone: they were deleted before they were read",
                topic=self.topic,
                partition=self.partition,
                first=self.position.next,
                missing=missing,
                remedy="raise the topic's retention above the longest time the engine may be stopped",
            )
            missed = getattr(self.processor, "missed", None)
            if missed:
                missed(missing)
        self.position.advance(offset - 1)

    async def apply(self, chunk: Chunk) -> None:
        """Apply what is new of a chunk, in slices short enough that nothing else starves."""
        records = self.position.unseen(chunk)
        done = 0
        while done < len(records):
            part = records[done : done + self._slice.records]
            begun = time.perf_counter()
            self.processor.apply(part)
            last = part[-1]
            self.position.advance(last.offset)
            self._mark = Mark.of(last.timestamp, last.value)
            self.changed = self._untold = True
            self.tell_if_due()
            seconds = time.perf_counter() - begun
            self._slice.learn(len(part), seconds)
            metrics.APPLY_SECONDS.observe(seconds)
            self._applied.inc(len(part))
            done += len(part)
            assert self._outbox is not None
            await self._outbox.room()
            await asyncio.sleep(0)
            if self.lost:
                return

    def tick(self, now: int) -> None:
        """Let time pass."""
        self.processor.tick(now, caught_up=self.caught_up)
        self._untold = True
        self.tell_if_due()

    def tell_if_due(self) -> bool:
        """Tell what is not told yet, unless it may wait for what comes soon; whether it was told."""
        due = self._untold and not self.lost and time.monotonic() >= self._told_at + self._tell_every_s
        return due and self.collect()

    def collect(self) -> bool:
        """Hand the processor's outputs to the outbox; False if they stay where they are, for it may not be ours."""
        assert self._outbox is not None
        self.changed = True
        if not self._sure():
            return False
        self._outbox.put(self.processor.outputs())
        self._untold = False
        self._told_at = time.monotonic()
        return True

    @property
    def far_behind(self) -> bool:
        """Whether what was read last was appended long ago, and more is left."""
        return self._behind_ms > FAR_BEHIND_MS

    @property
    def _behind_ms(self) -> float:
        """How long ago what was read last was appended; 0 if nothing is left to read."""
        return 0 if self.caught_up or self._mark is None else time.time() * 1000 - self._mark.timestamp

    @property
    def _tell_every_s(self) -> float:
        return min(TELL_MOST_S, max(TELL_S, LATER_BY * self._behind_ms / 1000))

    async def checkpoint(self, log: StateLog, producer: AIOKafkaProducer) -> None:
        """Write the state as it is now, once all outputs up to now are acknowledged.

        A state that cannot be written ends the process. One that is begun is written to its end, also where whoever
        waits for it is cancelled: what `changes` has handed over is not handed over again.
        """
        await asyncio.shield(self._checkpoint(log, producer))

    async def _checkpoint(self, log: StateLog, producer: AIOKafkaProducer) -> None:
        async with self._checkpointing:
            if self.lost or not self.changed or self._outbox is None:
                return
            begun = time.perf_counter()
            if not self.collect():
                return
            outputs = self._outbox.count
            stand = msgspec.structs.replace(
                self._stand,
                offset=self.position.next - 1,
                clock=self.processor.clock,
                mark=self._mark,
                read_to=self._read_to(),
            )
            parts = getattr(self.processor, "changes", self.processor.snapshot)()
            self.changed = False
            if not await self._outbox.acknowledged(outputs) or self.lost:
                return
            await self._write(log, producer, stand, parts)
            if self.lost:
                return
            self.checkpointed = stand.offset + 1
            self._stand = stand
            saved = getattr(self.processor, "saved", None)
            if saved:
                saved()
            metrics.CHECKPOINT_SECONDS.observe(time.perf_counter() - begun)

    async def _write(self, log: StateLog, producer: AIOKafkaProducer, stand: Stand, parts: Changes) -> None:
        try:
            size = await log.write(producer, self._taking, stand, parts)
        except (KafkaError, StateError) as error:
            if self.lost:
                return
            end_process(
                f"could not write the state of {self.topic}/{self.partition}: {error}",
                error=error if isinstance(error, KafkaError) else None,
            )
        self._written.inc(size)
        self._sizes = {name: self._sizes[name] if raw is None else len(raw) for name, raw in parts.items()}
        self._size.set(sum(self._sizes.values()))

    @property
    def safe_to(self) -> int:
        """Everything appended before this instant (ms) is in the last checkpoint; 0: there is none."""
        return self._stand.read_to

    def _read_to(self) -> int:
        """Everything appended before this instant (ms) is applied."""
        if self.caught_up:
            return int(time.time() * 1000)
        return self._mark.timestamp if self._mark else self._stand.read_to
