"""Drawing one of weighted values."""

from bisect import bisect
from collections.abc import Sequence
from itertools import accumulate
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
