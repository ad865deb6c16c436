"""What comes after a call was over: ratings, most within the hour and some days later, and re-classifications."""

from deploy.producers.simulator.calls import Call
from deploy.producers.simulator.choice import Choice, between
from deploy.producers.simulator.demand import DAY_MS, MINUTE_MS
from deploy.producers.simulator.habits import RATINGS
from deploy.producers.simulator.routing import Queue
from deploy.producers.simulator.truth import TrueRating, TrueReclassification
from deploy.producers.simulator.world import World

_SOON = (2 * MINUTE_MS, 55 * MINUTE_MS)
_LATE = (DAY_MS, 6 * DAY_MS)
_RATED_LATE = 0.2
_TRIES = 4


class Afterwards:
    """Draws what happens to finished calls. `pending`: how much of it has not happened yet."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rating = Choice(RATINGS)
        self.pending = 0

    def over(self, call: Call) -> None:
        """A call is over: will it be rated, was it classified right?"""
        world, habits, visit = self._world, self._world.habits, call.visit
        if visit.outcome != "answered" or call.lost:
            return
        if world.chance(habits.rated):
            self._later(_LATE if world.chance(_RATED_LATE) else _SOON, self._rate, (call, call.queue))
        if world.chance(habits.reclassified_soon):
            self._later(_SOON, self._reclassify, (call, call.queue))
        elif world.chance(habits.reclassified_late):
            self._later(_LATE, self._reclassify, (call, call.queue))

    def _later(self, span: tuple[int, int], act: object, what: tuple[Call, Queue]) -> None:
        self.pending += 1
        self._world.at(self._world.now + between(self._world.random, *span), act, what)  # type: ignore[arg-type]

    def _rate(self, what: tuple[Call, Queue]) -> None:
        call, queue = what
        world = self._world
        self.pending -= 1
        rating = int(self._rating.draw(world.random))
        world.tell_of(call, "rated", queue=queue.name, rating=rating)
        world.truth.append(TrueRating(call=call.id, queue=queue.name, rating=rating, at=world.now))

    def _reclassify(self, what: tuple[Call, Queue]) -> None:
        call, queue = what
        world = self._world
        self.pending -= 1
        before = call.category
        for _ in range(_TRIES):
            call.category = queue.category.draw(world.random)
            if call.category != before:
                break
        if call.category == before:
            return
        world.tell_of(call, "reclassified", category=call.category)
        world.truth.append(
            TrueReclassification(
                call=call.id,
                category=call.category,
                before=before,
                at=world.now,
                ended_at=max(visit.wrapped_at or 0 for visit in call.visits),
            )
        )
