"""The smallest set of slices that explains why there are more calls than usual.

Greedy, as in expectation-based scan statistics (Neill, 2009, Expectation-based scan statistics for monitoring spatial
time series): the slice whose count is least likely comes first; what it explains is taken out of every slice that shares
calls with it; and so on, while anything is left that chance does not explain. A narrow slice is less likely than a wide
one that contains it where only the narrow one has changed, and the wide one where all of its parts have.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from streams.contract import OTHER
from streams.detection.counts import tail_score


class SliceKey(NamedTuple):
    """One value of one dimension set: (dimension, value) of each of its dimensions."""

    dimension_set: str
    values: tuple[tuple[str, str], ...]

    @property
    def told(self) -> bool:
        """Whether it is one thing, and not all that are beyond the most that are kept apart."""
        return all(value != OTHER for _, value in self.values)


class Slice(NamedTuple):
    """A slice in a window: `calls` where `expected` were, with relative variance `excess` beyond Poisson's."""

    key: SliceKey
    calls: int
    expected: float
    excess: float

    @property
    def more(self) -> float:
        return self.calls - self.expected

    @property
    def score(self) -> float:
        """-log10 p of so many."""
        return tail_score(self.calls, self.expected, self.excess)

    def without(self, calls: float) -> "Slice":
        return self._replace(calls=round(self.calls - calls))


def smallest_set(
    slices: Iterable[Slice], required: Mapping[str, float], least: float, known: Sequence[Slice] = ()
) -> list[Slice]:
    """The slices that explain the rest once `known` ones are taken out, the strongest first.

    Each has at least the score (-log10 p) that its dimension set requires, and `least` calls more than expected, after
    all before it.
    """
    left = [part for part in slices if part.more >= least]
    for explained in known:
        left = _beside(left, explained, least)
    found: list[Slice] = []
    while strong := [part for part in left if part.score >= required[part.key.dimension_set]]:
        best = max(strong, key=lambda part: (part.score, -len(part.key.values), part.key))
        found.append(best)
        left = _beside(left, best, least)
    return found


def _beside(slices: Iterable[Slice], explained: Slice, least: float) -> list[Slice]:
    """What is left of other slices: parts of it are explained, and whatever shares calls with it has them less.

    One that has fewer calls than usual by now explains nothing, and owes nothing to others either.
    """
    if explained.more <= 0:
        return [part for part in slices if part.key != explained.key]
    left = []
    for part in slices:
        if inside(explained.key, part.key):
            continue
        rest = part.without(min(explained.more, part.more)) if overlap(explained.key, part.key) else part
        if rest.more >= least:
            left.append(rest)
    return left


def inside(wide: SliceKey, narrow: SliceKey) -> bool:
    """Whether every call of `narrow` is one of `wide`, as far as their values tell."""
    told = dict(narrow.values)
    return all(
        dimension in told and _value_inside(dimension, value, told[dimension]) for dimension, value in wide.values
    )


def overlap(one: SliceKey, other: SliceKey) -> bool:
    """Whether a call may be in both: no dimension that both name says otherwise."""
    told = dict(other.values)
    return all(
        _value_inside(dimension, value, told[dimension]) or _value_inside(dimension, told[dimension], value)
        for dimension, value in one.values
        if dimension in told
    )


def _value_inside(dimension: str, wide: str, narrow: str) -> bool:
    if narrow == wide or narrow.startswith(wide + "/"):
        return True
    if dimension != "district" or not (wide.isdecimal() and narrow.isdecimal() and len(wide) == len(narrow)):
        return False
    digits = len(wide)
    while digits > 2 and wide[digits - 2 : digits] == "00":
        digits -= 2
    return narrow.startswith(wide[:digits])
