"""Events that were announced: what they do to the usual day, and which of them a signal is to name.

An event multiplies what is usual. How much is a guess, so it widens what is thought ordinary too, and a day on which it
brings nothing is ordinary as well. What came while it lasted does not teach what is usual.
"""

from collections.abc import Iterable, Sequence
from math import log

import msgspec
import numpy as np

from streams.detection.calendar import SLOT
from streams.detection.history import Floats

GUESS = 0.3
"""Deviation of an announced lift, of its logarithm."""


LEAST, MOST = 0.01, 50.0
"""However many events are on together, so many times the usual calls at least and at most."""


class Lift(msgspec.Struct, frozen=True):
    """One key's part of an event: from `begin` to before `end` (ms) `factor` times the usual calls."""

    name: str
    begin: int
    end: int
    factor: float


class Announced(msgspec.Struct, frozen=True):
    """An event, times in ms; `hotline` "": of all; `queue` "": of all its calls."""

    name: str
    begin: int
    end: int
    lift: float
    hotline: str = ""
    queue: str = ""

    def lift_of(self, hotline: str, queue: str, part: float) -> Lift | None:
        """What it does to a key: to its queue all, to the whole hotline (`queue` "") as much as the queue's `part`
        of the calls; None: nothing.
        """
        if self.hotline not in {"", hotline} or (self.queue and queue not in {"", self.queue}):
            return None
        share = part if self.queue and not queue else 1.0
        return Lift(self.name, self.begin, self.end, 1.0 + share * (self.lift - 1.0))


def over(lifts: Iterable[Lift], start: int, end: int) -> tuple[Lift, ...]:
    """Those that are on at some time in [start, end), in order of time."""
    found = [it for it in lifts if it.begin < end and it.end > start]
    return tuple(sorted(found, key=lambda it: (it.begin, it.end, it.name)))


def factors(lifts: Sequence[Lift], first: int, steps: int, step: int) -> Floats:
    """By what the usual calls of each of `steps` steps of `step` ms from `first` on are multiplied."""
    made = np.zeros(steps)  # of logarithms: a hundred events at once would be no number
    starts = first + step * np.arange(steps)
    for it in lifts:
        part = np.clip(np.minimum(starts + step, it.end) - np.maximum(starts, it.begin), 0, step) / step
        made += np.log1p(part * (it.factor - 1.0))
    return np.exp(np.clip(made, log(LEAST), log(MOST)))


def doubts(lifts: Sequence[Lift], first: int, slots: int) -> Floats:
    """The relative variance that lifts add to each slot from `first` on."""
    made = np.zeros(slots)
    starts = first + SLOT * np.arange(slots)
    for it in lifts:
        made += np.where((starts + SLOT > it.begin) & (starts < it.end), (GUESS * log(it.factor)) ** 2, 0.0)
    return made
