"""Hosts processors for the partitions of some input topics: exactly once, by construction.

The state of a partition carries the offset it stands at, and reading resumes there, never at the group's
commit. Outputs are acknowledged before the state that made them is written. After every rebalance the
states are read again from the state log, under a new epoch.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from itertools import count
from typing import Any

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.runtime import engine_metrics as metrics
from deploy.runtime import liveness
from deploy.runtime.abreast import MOST, Abreast
from deploy.runtime.chunks import Chunk, Verdict
from deploy.runtime.ending import end_process
from deploy.runtime.health import Health
from deploy.runtime.hosting import host, run_process
from deploy.runtime.kafka import cluster_id, log_start, partition_counts, reading
from deploy.runtime.outbox import BulkSender
from deploy.runtime.owned import OnOutputs, OwnedPartition
from deploy.runtime.processor import Processor, ProcessorFactory
from deploy.runtime.progress import Progress
from deploy.runtime.retention import RetentionWatch
from deploy.runtime.settings import Settings
from deploy.runtime.state_checks import check_mark, check_meaning
from deploy.runtime.state_log import Loaded, StateLog
from deploy.runtime.state_records import Place, Stand, StateError
from deploy.runtime.transport import build_app

TICK_S = 0.5
LOOK_S = 0.2
"""So often it is looked whether what waited to be told is due: when no calls come, looking is a part of what a process costs."""
CHECKPOINT_S = 5.0
CHECKPOINTS_FAR_BEHIND = 3
"""Of so many checkpoints one is written while a partition is far behind: what it tells costs more than reading again."""
LAST_CHECKPOINT_S = 8.0

log = structlog.get_logger()

Meaning = Mapping[str, Mapping[str, str]]
"""input topic -> setting that its numbers depend on -> value: a state made under another one is refused."""


class Worker:
    """The partitions that this process owns. Background tasks see it by what stands here down to `settled`."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        topics: Mapping[str, ProcessorFactory],
        state_topic: str,
        *,
        on_outputs: OnOutputs | None = None,
        checkpoint_s: float = CHECKPOINT_S,
        meaning: Meaning | None = None,
        trace: Place | None = None,
        most_apart: int = MOST,
    ) -> None:
        self._settings = settings
        self._trace = trace
        self._meaning = meaning or {}
        self._factories = topics
        self._log = StateLog(state_topic, settings.kafka)
        self._on_outputs = on_outputs
        self._checkpoint_s = checkpoint_s
        self._owned: dict[Place, OwnedPartition] = {}
        self._building: tuple[int, dict[Place, OwnedPartition]] = (0, {})
        self._safe: dict[Place, int] = {}
        self._round = 0
        self._settled = asyncio.Event()
        self._letting_go = asyncio.Lock()
        self._sure = True
        self._cluster = ""
        self._retention = RetentionWatch(lambda: {place: owned.safe_to for place, owned in self._owned.items()})
        self._asker: AIOKafkaConsumer | None = None
        self._counts: dict[str, int] = {}
        self._abreast = Abreast(settings.kafka, name, most=most_apart)
        self._app = build_app(name, settings.kafka, self, dict.fromkeys(topics, self._take))
        self._progress = Progress(lambda *place: self._app.reading.fetched(*place))  # noqa: PLW0108  (made when it starts)

    def processor(self, topic: str, partition: int) -> Processor | None:
        """The processor of an input partition, or None while this process does not own it."""
        owned = self._owned.get((topic, partition))
        return owned.processor if owned else None

    def processors(self, topic: str) -> Mapping[int, Processor]:
        """partition -> processor of those owned now; ask again after every await."""
        return {p: owned.processor for (t, p), owned in self._owned.items() if t == topic}

    def collect(self, topic: str, partition: int) -> None:
        """Send what the processor's `outputs` holds now, without waiting for the next tick."""
        owned = self._owned.get((topic, partition))
        if owned:
            owned.collect()

    async def save(self, topic: str, partition: int) -> None:
        """Write the state of an input partition now, without waiting for the next checkpoint."""
        owned = self._owned.get((topic, partition))
        if owned and not owned.lost:
            owned.collect()
            await owned.checkpoint(self._log, self._app.writing)

    @property
    def caught_up(self) -> bool:
        """Whether everything appended to the owned partitions has been applied."""
        return all(owned.caught_up for owned in self._owned.values())

    async def settled(self) -> None:
        """Wait until partitions are assigned (perhaps none) and their states loaded."""
        await self._settled.wait()

    async def positions(self, assigned: frozenset[Place]) -> Mapping[Place, int]:
        """Load the states of these partitions aside; say where each one resumes."""
        at_round, begun = self._round, time.perf_counter()
        building: dict[Place, OwnedPartition] = {}
        try:
            loaded = await self._log.read(assigned)
            async with reading(self._settings.kafka) as consumer:
                begins = await consumer.beginning_offsets([TopicPartition(*place) for place in assigned])
                ends = await consumer.end_offsets([TopicPartition(*place) for place in assigned])
                untold = await self._untold(consumer)
                self._counts = counts = await partition_counts(consumer, list({topic for topic, _ in assigned}))
                for place, its in sorted(loaded.items()):
                    meaning = {**self._meaning.get(place[0], {}), f"partitions of {place[0]}": str(counts[place[0]])}
                    if its.state:
                        check_meaning(its.state, meaning)
                        await check_mark(consumer, its.state, self._cluster)
                    tp = TopicPartition(*place)
                    building[place] = self._restored(place, its, begins[tp], ends[tp], meaning, untold=untold)
        except StateError as error:
            end_process(str(error))
        except msgspec.MsgspecError as error:
            end_process(
                "a state was written by another version of Hotline and cannot be read by this one: start that version "
                "again, or begin afresh with what the topics hold: stop, delete the state topic, `hotline topics apply`",
                state_topic=self._log.topic,
                reason=str(error),
            )
        self._building = at_round, building
        metrics.LOAD_SECONDS.observe(time.perf_counter() - begun)
        return {place: owned.position.next for place, owned in building.items()}

    async def _untold(self, consumer: AIOKafkaConsumer) -> bool:
        """Whether nothing was ever told, in a former life neither."""
        if self._trace is None:
            return False
        tp = TopicPartition(*self._trace)
        ends: dict[TopicPartition, int] = await consumer.end_offsets([tp])
        return ends[tp] == 0

    def _restored(
        self, place: Place, loaded: Loaded, begin: int, end: int, meaning: dict[str, str], *, untold: bool
    ) -> OwnedPartition:
        state = loaded.state
        stand = Stand(
            offset=state.stand.offset if state else begin - 1,
            clock=state.stand.clock if state else 0,
            mark=state.stand.mark if state else None,
            read_to=state.stand.read_to if state else 0,
            cluster=self._cluster,
            meaning=meaning,
        )
        processor = self._factories[place[0]](*place, state.parts if state else None)
        resumed = getattr(processor, "resumed", None)
        if resumed:
            # Whoever tells has written a state before: without one there was nobody in this life.
            resumed(end, loaded.taking.epoch, first=state is None and untold)
        owned = OwnedPartition(
            *place,
            processor,
            taking=loaded.taking,
            stand=stand,
            parts=state.parts if state else processor.snapshot(),
            sure=lambda: self._app.reading.sure,
        )
        if state is None and begin > 0:
            log.warning(
                "there is no state, and the log has lost its beginning: begun afresh with what is kept",
                topic=place[0],
                partition=place[1],
                first=begin,
            )
        if begin > owned.position.next:
            owned.skip_to(begin, begin - owned.position.next)
        return owned

    def assigned(self) -> None:
        """Take over what was loaded, unless another rebalance has begun since."""
        at_round, building = self._building
        self._building = 0, {}
        if at_round != self._round and building:
            return
        for owned in self._owned.values():
            owned.close()
        sender = BulkSender(self._app.writing)
        for owned in building.values():
            owned.open(sender, self._log, self._app.writing, self._on_outputs)
        self._owned = building
        self._abreast.begin(building, self._counts)
        self._safe.clear()
        self._settled.set()
        where = {f"{topic}/{partition}": owned.position.next for (topic, partition), owned in building.items()}
        log.info("partitions assigned", resume_at=where)

    async def revoked(self) -> None:
        """Write what is safe, then let go of all partitions; if others may have them by now, nothing is."""
        self._round += 1
        self._settled.clear()
        self._abreast.end()
        # One after the other, as a rebalance may come while the process stops: what is loaded next is what was written here.
        async with self._letting_go:
            owned, self._owned = self._owned, {}
            try:
                if self._app.reading.sure:
                    async with asyncio.timeout(LAST_CHECKPOINT_S):
                        await self._checkpoint(owned.values())
            except TimeoutError:
                log.warning("the last states were not written in time: the next owner does a little work again")
            for place, partition in owned.items():
                self._safe[place] = partition.checkpointed
                partition.close()

    def committable(self, topic: str, partition: int) -> int | None:
        """What the group's commit shows: the checkpoint."""
        owned = self._owned.get((topic, partition))
        return owned.checkpointed if owned else self._safe.get((topic, partition))

    async def _take(self, topic: str, partition: int, chunk: Chunk) -> None:
        await self._abreast.wait(topic)
        owned = self._owned.get((topic, partition))
        if owned is None:
            return
        match owned.position.judge(chunk):
            case Verdict.APPLY:
                await owned.apply(chunk)
                self._abreast.read((topic, partition), chunk)
            case Verdict.SEEK_BACK:
                metrics.SEEKS_BACK.labels(topic, str(partition)).inc()
                await self._app.reading.seek_back(topic, partition, owned.position.next)
            case Verdict.HOLE:
                assert self._asker is not None
                begin = await log_start(self._asker, topic, partition)
                if not owned.lost:
                    owned.skip_to(chunk.start, max(0, min(begin, chunk.start) - owned.position.next))
                    await owned.apply(chunk)
            case Verdict.REPEATED:
                pass

    async def _tick(self) -> None:
        """Let time pass in every owned partition, every 500 ms."""
        while True:
            self._hear()
            now = int(time.time() * 1000)
            for place, owned in list(self._owned.items()):
                if not owned.lost:
                    owned.caught_up = self._progress.caught_up(place, owned)
                    owned.tick(now)
                    self._progress.measure(place, owned)
                await asyncio.sleep(0)
            await asyncio.sleep(TICK_S - (time.time() - now / 1000) % TICK_S)

    async def _tell(self) -> None:
        """Tell what waited for more that did not come."""
        while True:
            for owned in list(self._owned.values()):
                if owned.tell_if_due():
                    await asyncio.sleep(0)
            await asyncio.sleep(LOOK_S)

    def _hear(self) -> None:
        """Say so when the group falls silent, or answers again."""
        sure = self._app.reading.sure or not self._owned
        if sure and not self._sure:
            log.info("the consumer group answers again: what waited is told")
        elif self._sure and not sure:
            log.warning(
                "the consumer group may have dealt these partitions to others: nothing is told until it answers"
            )
        self._sure = sure

    async def _checkpoints(self) -> None:
        """Of one partition after the other, spread over the time that there is: together they hold up what is told."""
        clock = asyncio.get_running_loop().time
        for number in count(1):
            begun, partitions = clock(), list(self._owned.values())
            seldom = number % CHECKPOINTS_FAR_BEHIND
            for turn, owned in enumerate(partitions, 1):
                if not (seldom and owned.far_behind):
                    await self._checkpoint([owned])
                await asyncio.sleep(begun + self._checkpoint_s * turn / len(partitions) - clock())
            if not partitions:
                await asyncio.sleep(self._checkpoint_s)

    async def _checkpoint(self, partitions: Iterable[OwnedPartition]) -> None:
        producer = self._app.writing
        await asyncio.gather(*(owned.checkpoint(self._log, producer) for owned in partitions))

    def _standings(self) -> Mapping[Place, liveness.Standing] | None:
        if not self._settled.is_set():
            return None
        return {
            place: liveness.Standing(owned.position.next, owned.caught_up or self._abreast.waits(place[0]))
            for place, owned in self._owned.items()
        }

    def health(self) -> Health:
        """Ready once partitions are assigned and their states loaded."""
        problems: tuple[str, ...] = ()
        if not self._settled.is_set():
            problems = ("waiting for partitions and their states",)
        elif not self._sure:
            problems = ("the consumer group does not answer: nothing is told until it does",)
        return Health(problems, self._progress.facts(self._owned, self._retention.used))

    async def _watch_retention(self) -> None:
        await self.settled()
        await self._retention.run(self._settings.kafka, list(self._factories))

    async def run(self, health_port: int, background: Sequence["Background"]) -> None:
        """Run until SIGTERM."""
        self._cluster = await cluster_id(self._settings.kafka)
        async with reading(self._settings.kafka) as asker:
            self._asker = asker

            def beside(task: Background) -> Callable[[], Coroutine[Any, Any, None]]:
                async def run() -> None:
                    await self.settled()
                    await task(self)

                return run

            tasks = {
                "the ticker": self._tick,
                "the teller": self._tell,
                "checkpoints": self._checkpoints,
                "liveness": lambda: liveness.watch(asker, list(self._factories), self._standings),
                "retention": self._watch_retention,
                "keeping abreast": lambda: self._abreast.run(asker),
            } | {f"background task {number}": beside(task) for number, task in enumerate(background)}
            await host(self._app, self._settings, health_port=health_port, check=self.health, tasks=tasks)


Background = Callable[[Worker], Awaitable[None]]
"""Runs beside the readers, started when the first states are loaded; its failure ends the process."""


def run_worker(
    name: str,
    settings: Settings,
    topics: Mapping[str, ProcessorFactory],
    state_topic: str,
    *,
    health_port: int = 0,
    on_outputs: OnOutputs | None = None,
    background: Sequence[Background] = (),
    checkpoint_s: float = CHECKPOINT_S,
    meaning: Meaning | None = None,
    trace: Place | None = None,
    most_apart: int = MOST,
) -> None:
    """Read `topics` as group `name`, keep states in `state_topic`, until SIGTERM; blocks.

    `on_outputs(topic, partition, outputs)` is called once these are acknowledged, in order. `trace`: where whoever tells
    anything leaves something; while that is empty, nothing has to be told again. `most_apart`: records that may lie between
    the workers of the group while they are far behind.
    """

    async def main() -> None:
        worker = Worker(
            name,
            settings,
            topics,
            state_topic,
            on_outputs=on_outputs,
            checkpoint_s=checkpoint_s,
            meaning=meaning,
            trace=trace,
            most_apart=most_apart,
        )
        await worker.run(health_port, background)

    run_process(main())
