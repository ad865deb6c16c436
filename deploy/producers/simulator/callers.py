"""Who calls: an invented number, and what is known of the caller and of what the call is about."""

from deploy.producers.simulator.calls import Call
from deploy.producers.simulator.choice import Choice
from deploy.producers.simulator.habits import CHANNELS, DIRECTION, ORIGINS, PRIORITIES, SERVED, TICKET_TYPES
from deploy.producers.simulator.notes import Notes
from deploy.producers.simulator.routing import Queue
from deploy.producers.simulator.world import World

_CALLERS_PER_CALL = 30
_NUMBERS = 1_000_000_000


class Callers:
    """Draws everything that differs from caller to caller."""

    def __init__(self, world: World, notes: Notes) -> None:
        profile = world.profile
        self._world = world
        self._notes = notes
        self._random = world.random
        self._withheld = profile.withheld
        self._people = max(1_000, round(profile.rate * _CALLERS_PER_CALL))
        self._district = Choice(profile.districts)
        self._channel, self._origin, self._priority = Choice(CHANNELS), Choice(ORIGINS), Choice(PRIORITIES)
        self._ticket_type, self._served = Choice(TICKET_TYPES), Choice(SERVED)

    def describe(self, call: Call, number: str, centre: str) -> None:
        """Fill in who calls: `number` if it is a redial, else a new one; and what is known on arrival at `centre`."""
        random, habits = self._random, self._world.habits
        call.caller = number or self._number()
        if habits.dimensions:
            channel, origin = self._channel.draw(random), self._origin.draw(random)
            call.traits = {"centre": centre, "channel": channel, "origin": origin, "direction": DIRECTION}
            call.priority = self._priority.draw(random)
        call.lost = self._world.chance(habits.lost_ending)

    def conclude(self, call: Call, queue: Queue) -> None:
        """Fill in what an agent of `queue` writes down at wrap-up."""
        random = self._random
        call.category = queue.category.draw(random)
        call.district = call.district or self._district.draw(random)
        if self._world.habits.dimensions:
            call.ticket_type, call.served = self._ticket_type.draw(random), self._served.draw(random)
            call.text = self._notes.of(call)

    def _number(self) -> str:
        """An invented number of eleven digits; no mobile number begins with 10. Empty: withheld."""
        if self._random.random() < self._withheld:
            return ""
        person = self._random.randrange(self._people)
        return f"10{person * 387_420_489 % _NUMBERS:09d}"
