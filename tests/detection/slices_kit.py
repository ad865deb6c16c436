"""A city whose calls are told apart by queue, category, district, both and source, minute by minute, with incidents."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from streams.detection.explain import SliceKey

MINUTE, DAY = 60_000, 86_400_000
ZONE = ZoneInfo("Asia/Shanghai")
MONDAY = int(datetime(2026, 6, 1, tzinfo=ZONE).timestamp() * 1000)
HOURS = np.array([6, 4, 3, 2, 2, 4, 10, 30, 75, 100, 98, 85, 60, 62, 88, 95, 90, 78, 58, 46, 38, 30, 20, 11], float)

Told = tuple[int, SliceKey | None, int]


def category(number: int) -> SliceKey:
    return SliceKey("category_1", (("category", f"c{number:03}"),))


def district(number: int) -> SliceKey:
    return SliceKey("district_2", (("district", f"d{number:03}"),))


def both(cat: int, dis: int) -> SliceKey:
    return SliceKey("category_district", (("category", f"c{cat:03}"), ("district", f"d{dis:03}")))


def queue(number: int) -> SliceKey:
    return SliceKey("queue", (("queue", f"q{number}"),))


def source(number: int) -> SliceKey:
    return SliceKey("source", (("source", f"pbx-{number}"),))


@dataclass
class Incident:
    """`extra` calls over `minutes` from `start` (ms) on, all of one slice."""

    key: SliceKey
    start: int
    minutes: int
    extra: int
    hits: list = field(default_factory=list)

    @property
    def end(self) -> int:
        return self.start + self.minutes * MINUTE


class City:
    """`per_day` calls a day over categories x districts of very unequal size; each queue has its categories.

    Every category has hours of its own, every day a level of its own, and so has every category on every day.
    """

    def __init__(self, seed: int, categories: int, districts: int, per_day: float, queues: int = 8) -> None:
        self.random = np.random.default_rng(seed)
        self.categories, self.districts, self.queues = categories, districts, queues
        self.per_day = per_day
        self.cat = self.random.permutation(1.0 / np.arange(3, categories + 3))
        self.dis = self.random.permutation(1.0 / np.arange(5, districts + 5) ** 0.7)
        self.cat, self.dis = self.cat / self.cat.sum(), self.dis / self.dis.sum()
        clock = 2 * np.pi * (np.arange(24)[None, :] - self.random.uniform(0, 24, categories)[:, None]) / 24
        self.tilt = np.exp(np.abs(self.random.normal(0, 0.7, categories))[:, None] * np.cos(clock))
        affinity = self.random.gamma(4, 0.25, (categories, districts))
        self.pairs = affinity / affinity.mean()

    def day(self, start: int, incidents: list[Incident]) -> Iterator[tuple[int, list[Told]]]:
        """Each minute's (start, cells): the hotline first, then every slice with a call."""
        weekend = datetime.fromtimestamp(start / 1000, ZONE).weekday() >= 5
        level = self.per_day * (0.6 if weekend else 1.0) * np.exp(self.random.normal(0, 0.1))
        of_day = self.cat * np.exp(self.random.normal(0, 0.1, self.categories))
        shape = np.repeat(HOURS / HOURS.sum() / 60, 60)
        for hour in range(24):
            weights = (of_day * self.tilt[:, hour])[:, None] * self.dis[None, :] * self.pairs
            flat = np.cumsum((weights / weights.sum()).ravel())
            flat /= flat[-1]
            for i in range(hour * 60, hour * 60 + 60):
                minute = start + i * MINUTE
                leaves = np.searchsorted(flat, self.random.random(self.random.poisson(level * shape[i])))
                sources = self.random.integers(0, 2, len(leaves))
                for incident in incidents:
                    if incident.start <= minute < incident.end:
                        n = self.random.poisson(incident.extra / incident.minutes)
                        more, theirs = self._of(incident.key, n, weights)
                        leaves, sources = np.concatenate([leaves, more]), np.concatenate([sources, theirs])
                yield minute, self._cells(minute, leaves.astype(int), sources)

    def _of(self, key: SliceKey, n: int, weights):
        """`n` calls of a slice, spread over what is in it as usual."""
        inside = weights.copy()
        theirs = self.random.integers(0, 2, n)
        for dimension, value in key.values:
            match dimension:
                case "category":
                    inside[np.arange(self.categories) != int(value[1:])] = 0
                case "district":
                    inside[:, np.arange(self.districts) != int(value[1:])] = 0
                case "queue":
                    inside[np.arange(self.categories) % self.queues != int(value[1:])] = 0
                case "source":
                    theirs = np.full(n, int(value[4:]))
        flat = np.cumsum(inside.ravel())
        return np.searchsorted(flat / flat[-1], self.random.random(n)), theirs

    def _cells(self, minute: int, leaves, sources) -> list[Told]:
        cats, dists = leaves // self.districts, leaves % self.districts
        told: list[Told] = [(minute, None, len(leaves))]
        for numbers, name in ((cats, category), (dists, district), (cats % self.queues, queue), (sources, source)):
            values, counts = np.unique(numbers, return_counts=True)
            told += [(minute, name(int(v)), int(c)) for v, c in zip(values, counts, strict=True)]
        values, counts = np.unique(leaves, return_counts=True)
        told += [
            (minute, both(int(v) // self.districts, int(v) % self.districts), int(c))
            for v, c in zip(values, counts, strict=True)
        ]
        return told

    def usual_by_hour(self, key: SliceKey) -> float:
        """Calls of a slice in a middling hour of a working day."""
        part = 1.0
        for dimension, value in key.values:
            match dimension:
                case "category":
                    part *= self.cat[int(value[1:])]
                case "district":
                    part *= self.dis[int(value[1:])]
                case "queue":
                    part *= self.cat[np.arange(self.categories) % self.queues == int(value[1:])].sum()
                case "source":
                    part *= 0.5
        return part * self.per_day / 17
