"""History beside live calls: at most so many events a second, and none while the engine is behind."""

import asyncio
from collections.abc import Iterator

from deploy.producers.simulator.pace import A_SECOND, MOST_BEHIND_MS, BesideLive


class Run:
    """A pace over a clock of its own; `late`: what the engine says each time it is asked."""

    def __init__(self, *late: int | None) -> None:
        self.now = 0.0
        self.stopping = False
        self._late: Iterator[int | None] = iter(late)
        self.asked = 0
        self.pace = BesideLive(self._behind, lambda: self.stopping, self._sleep, lambda: self.now)

    async def _behind(self) -> int | None:
        self.asked += 1
        return next(self._late)

    async def _sleep(self, seconds: float) -> None:
        self.now += seconds

    def send(self, *sent: int) -> float:
        """Seconds that it took to be let go on after each."""

        async def all_of() -> None:
            for number in sent:
                await self.pace(number)

        begun = self.now
        asyncio.run(all_of())
        return self.now - begun


def test_so_many_a_second_while_the_engine_keeps_up():
    run = Run(*[MOST_BEHIND_MS] * 10)
    assert run.send(*range(500, 10 * A_SECOND + 1, 500)) == 10
    assert run.asked == 10


def test_nothing_is_sent_while_the_engine_is_behind_or_does_not_say():
    run = Run(None, None, MOST_BEHIND_MS + 1, 80_000, 200)
    waited = run.send(A_SECOND)
    assert (run.asked, waited) == (5, 1 + 4 * 0.5)


def test_what_was_not_sent_meanwhile_is_not_made_up_for():
    run = Run(*[80_000] * 100, 0, 0, 0)
    run.send(A_SECOND)
    assert run.send(2 * A_SECOND, 3 * A_SECOND) == 2


def test_who_stops_does_not_wait():
    run = Run()
    run.stopping = True
    assert run.send(A_SECOND) == 1
