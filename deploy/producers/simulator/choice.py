"""Drawing one of weighted values, and lengths of time."""

from bisect import bisect
from collections.abc import Sequence
from itertools import accumulate
from math import exp, log
from random import Random

Weighted = Sequence[tuple[str, float]]


class Choice:
    """Draws one of weighted values; of a single one without a random number."""

    def __init__(self, weighted: Weighted) -> None:
        self._values = [value for value, _ in weighted]
        self._cumulated = list(accumulate(weight for _, weight in weighted))
        self._last = len(self._values) - 1

    def draw(self, random: Random) -> str:
        if not self._last:
            return self._values[0]
        return self._values[min(self._last, bisect(self._cumulated, random.random() * self._cumulated[-1]))]


class Length:
    """Draws lognormal lengths of time: `seconds` in the mean, `sigma` the spread of their logarithm."""

    def __init__(self, seconds: float, sigma: float) -> None:
        self._mu = log(seconds * 1_000) - sigma * sigma / 2
        self._sigma = sigma

    def draw(self, random: Random) -> int:
        """Milliseconds."""
        return round(exp(random.gauss(self._mu, self._sigma)))


def between(random: Random, least: int, below: int) -> int:
    """A whole number from `least` until before `below`, each as likely."""
    return least + int(random.random() * (below - least))
