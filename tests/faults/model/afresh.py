"""An engine that begins afresh with what the broker still keeps: no state, and logs whose beginnings are gone."""

import random

from model.broker import PARTITIONS
from model.loop import a_loop
from model.traffic import HOUR, MINUTE, START, Plan, S, replay, traffic
from model.world import Outcome, Weather, World, outcome_of
from streams.contract.topics import CALLS, PARTIALS, STATE_STREAMS

SPAN_MS = 10 * HOUR
KEPT_FROM = START + 90 * MINUTE
"""About here the input begins, in each partition a little elsewhere; the bundles later."""
CALM = Weather(kill=0, pause=0, join=0, leave=0, refuse=0, database=0, skew_ms=0)


class Afresh(World):
    """Two thirds of the arrivals are told and stored; then the states are deleted, and everybody starts again."""

    async def run(self) -> None:
        self.join()
        while self.next < len(self.arrivals) * 2 // 3:
            await self._step(self._draw())
        await self._until_told()
        self.sink.work(1_000_000)
        for member in self.members:
            self.kill(member)
        await self._step(lambda: None)
        self.forget()
        self.join()
        await self._step(lambda: None)
        while self.next < len(self.arrivals):
            await self._step(self._draw())
        await self._drain()

    def forget(self) -> None:
        """Old segments go, and the topic of the states is deleted and created again."""
        for partition in range(PARTITIONS[CALLS]):
            self._keep_from((CALLS, partition), KEPT_FROM + self.rng.randrange(HOUR))
        self._keep_from((PARTIALS, 0), KEPT_FROM + self.rng.randrange(3 * HOUR))
        for place in [place for place in self.broker.logs if place[0] == STATE_STREAMS]:
            del self.broker.logs[place]

    def _keep_from(self, place: tuple[str, int], instant: int) -> None:
        log = self.broker.logs[place]
        self.broker.begins[place] = sum(record.timestamp < instant for record in log)


def afresh(seed: int) -> Outcome:
    """Run one; the seed decides everything."""
    rng = random.Random(seed)
    partitions = PARTITIONS[CALLS]
    arrivals = [it for it in traffic(rng, Plan(calls=300, span_ms=SPAN_MS), partitions) if b'"snapshot' not in it.value]
    for name, begin in (("replay-cut", KEPT_FROM + 20 * MINUTE), ("replay-whole", START + 4 * HOUR - 30 * S)):
        arrivals += replay(rng, name, begin, calls=12, partitions=partitions)
    arrivals.sort(key=lambda arrival: arrival.at)
    with a_loop() as loop:
        return outcome_of(seed, Afresh(rng, arrivals, CALM, loop))
