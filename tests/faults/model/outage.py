"""A hotline whose calls go on while nobody reads them: the real shell and cores, in time that a test lets pass.

A simulated hotline tells its calls second by second; what it told in the weeks before is a feed of its own, so that
demand is judged too.
"""

import random
from collections.abc import Iterable, Iterator

import msgspec

from deploy.producers.publisher import Message
from deploy.producers.replay import markers
from deploy.producers.simulator.incidents import Incident
from deploy.producers.simulator.profile import calls_only, profile_of
from deploy.producers.simulator.simulation import Simulation
from deploy.producers.simulator.sources import Delivery, messages
from deploy.runtime.settings import Cells, Hotline, Queue, Settings
from model.broker import PARTITIONS
from model.loop import Loop
from model.traffic import HOUR, MINUTE, S
from model.world import Weather, World
from streams.contract import DeadLetter, Signal
from streams.contract.keys import murmur2_partition
from streams.contract.topics import CALLS, DEAD_LETTER, SIGNALS

ZONE = "Asia/Shanghai"
MONDAY = 1_790_524_800_000
"""2026-09-28 00:00 there."""
ELEVEN = MONDAY + 11 * HOUR
DAYS = 4
RATE = 3_000.0
CHECKPOINT_MS = 5 * S
STEP_MS = S
READ_AT_ONCE = 10
"""So few that who was away for minutes has a while to read what came."""

_signal = msgspec.json.Decoder(Signal).decode
_letter = msgspec.json.Decoder(DeadLetter).decode


class Outage(World):
    """A hotline of one queue with one worker of `streams`, taught `DAYS` days, that calls reach from eleven o'clock on.

    `spike_at`: when eight times as many begin to call, ms after `ELEVEN`.
    """

    def __init__(self, loop: Loop, spike_at: int) -> None:
        lines = {"city": Hotline(time_zone=ZONE, thresholds_s=(15,), queues={"utilities": Queue()})}
        weather = Weather(0, 0, 0, 0, 0, 0, skew_ms=0)
        known = Settings(demo=True, hotlines=lines, cells=Cells(dimension_sets={"queue": ("queue",)}))
        super().__init__(random.Random(1), [], weather, loop, known)
        profile = profile_of("city", ZONE, RATE, ("utilities",))
        self._profile = calls_only(profile)._replace(comfort=4.0, menu_s=0.0)
        self._spike = Incident(
            incident="spike", start=ELEVEN + spike_at, end=ELEVEN + spike_at + HOUR, queue="utilities", factor=8.0
        )
        begin = ELEVEN - HOUR
        self._live = Simulation(self._profile, 7, begin, end=ELEVEN + 3 * HOUR, incidents=[self._spike], feed="live")
        self._delivery = Delivery([self._spike], 7)
        self._checkpointed = 0

    async def begin(self) -> None:
        """The days before are learned, and it is eleven o'clock."""
        self.broker.now = ELEVEN
        self._append(self._history())
        self.tell()
        self.join()
        await self._step(lambda: None)
        await self._until_told()

    async def go_on(self, until: int) -> None:
        """Calls come and are read, up to `until` (ms): at most `READ_AT_ONCE` records a second of each partition."""
        while self.broker.now < until:
            self.broker.now += STEP_MS
            self.tell()
            for member in self.members:
                for place in member.places:
                    member.poll(place, READ_AT_ONCE if place[0] == CALLS else 10_000)
                while not member.idle:
                    await self._step(member.work)
                    await self._answer_all()
                await self._step(member.tick)
            await self._answer_all()
            if self.broker.now >= self._checkpointed + CHECKPOINT_MS:
                self._checkpointed = self.broker.now
                for member in self.members:
                    await self._step(lambda member=member: self._checkpoint(member))  # type: ignore[misc]
                await self._answer_all()

    async def without_workers(self, until: int) -> None:
        """The worker is killed; calls go on, nobody reads them; at `until` (ms) another one starts."""
        for member in self.members:
            self.kill(member)
        await self._step(lambda: None)
        while self.broker.now < until:
            self.broker.now += STEP_MS
            self.tell()
        self.join()
        await self._step(lambda: None)

    def tell(self) -> None:
        """What happened up to now reaches the input topic."""
        now = self.broker.now
        self._append(messages(self._delivery.send(self._live.advance(now), now), PARTITIONS[CALLS]))

    def signals(self) -> list[Signal]:
        """Those of live that were told as holding, in order."""
        told = [_signal(it.value) for it in self.broker.logs[SIGNALS, 0] if it.value is not None]
        return [it for it in told if it.feed == "live" and it.active]

    def letters(self) -> list[DeadLetter]:
        """What was late, from the future, or could not be read."""
        return [_letter(it.value) for it in self.broker.logs[DEAD_LETTER, 0] if it.value is not None]

    def _history(self) -> Iterator[Message]:
        span = (MONDAY - DAYS * 24 * HOUR, MONDAY)
        simulation = Simulation(self._profile, 1, span[0], end=span[1], feed="history", generation=1)
        marks = markers(hotline="city", source="PBX", feed="history", generation=1, span=span, last=span[1] - 1)
        yield from marks.to_all(marks.begin, PARTITIONS[CALLS])
        for at in range(span[0], span[1], 10 * MINUTE):
            yield from messages(simulation.advance(at + 10 * MINUTE), PARTITIONS[CALLS])
        yield from marks.to_all(marks.end, PARTITIONS[CALLS])

    def _append(self, told: Iterable[Message]) -> None:
        for message in told:
            partition = message.partition
            if partition is None:
                partition = murmur2_partition(message.key, PARTITIONS[CALLS])
            self.broker.append(CALLS, partition, message.key, message.value)
