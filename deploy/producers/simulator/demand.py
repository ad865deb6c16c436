"""How many calls come: a daily and weekly shape whose level differs from day to day and drifts within it.

The level of a day is lognormal (a part for the whole city, a part for each queue), so about 8-10 % of
spread around the shape, as real call centres show; the same seed gives a day the same level in every run.
"""

from datetime import date, datetime
from math import exp, pi, sin
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

from deploy.producers.simulator.profile import Profile, QueueProfile

DAY_MS = 86_400_000
MINUTE_MS = 60_000


class _Day(NamedTuple):
    """What sets one day of one queue apart: level, and two phases (in days) of its drift."""

    level: float
    slow: float
    fast: float


class Demand:
    """Arrivals per millisecond of each queue at each time."""

    def __init__(self, profile: Profile, seed: int) -> None:
        self._profile = profile
        self._seed = seed
        self._zone = ZoneInfo(profile.zone)
        total = sum(queue.share for queue in profile.queues)
        self._per_ms = {queue.name: profile.rate * queue.share / total / DAY_MS for queue in profile.queues}
        self._days: dict[tuple[date, str], _Day] = {}

    def local(self, at: int) -> datetime:
        """The hotline's local time."""
        return datetime.fromtimestamp(at / 1000, self._zone)

    def expected(self, queue: QueueProfile, local: datetime) -> float:
        """Arrivals per ms by shape alone: what a planner knows."""
        hours = queue.hours
        place = local.hour + local.minute / 60 - 0.5  # a weight stands for the middle of its hour
        before = int(place // 1)
        part = place - before
        weight = hours[before % 24] * (1 - part) + hours[(before + 1) % 24] * part
        week = queue.week[local.weekday()] * 7 / sum(queue.week)
        return self._per_ms[queue.name] * week * weight * 24 / sum(hours)

    def planned(self, queue: QueueProfile, local: datetime) -> float:
        """Arrivals per ms by shape and the day's level: what supervisors staff for once they see the day."""
        return self.expected(queue, local) * self._day(local.date(), queue.name).level

    def actual(self, queue: QueueProfile, local: datetime) -> float:
        """Arrivals per ms of this very day, drifting around its level."""
        day = self._day(local.date(), queue.name)
        place = (local.hour * 60 + local.minute) / 1440
        drift = sin(2 * pi * (place + day.slow)) + 0.5 * sin(2 * pi * (2.5 * place + day.fast))
        return self.expected(queue, local) * day.level * (1 + self._profile.drift * drift)

    def _day(self, day: date, queue: str) -> _Day:
        known = self._days.get((day, queue))
        if known is None:
            city = _lognormal(Random(f"{self._seed}/{day}"), self._profile.city_sigma)  # noqa: S311
            own = Random(f"{self._seed}/{day}/{queue}")  # noqa: S311  (no secret is made of it)
            known = _Day(city * _lognormal(own, self._profile.queue_sigma), own.random(), own.random())
            if len(self._days) > 256:
                self._days.clear()
            self._days[day, queue] = known
        return known


def _lognormal(random: Random, sigma: float) -> float:
    """A factor of mean 1."""
    return exp(random.gauss(0, sigma) - sigma * sigma / 2)
