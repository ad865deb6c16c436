"""What cells are broken down by: dimension sets, roll-up of paths and division codes, and the places of a visit."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Literal, NamedTuple

import msgspec

_DIVISION_WIDTHS = (2, 4, 6, 9, 12)
"""Digits of province, prefecture, county, township and village in a division code (GB/T 2260, GB/T 10114)."""
_OF_AGENTS = frozenset({"queue", "centre", "source"})

Values = tuple[str, ...]


class Part(NamedTuple):
    """One dimension of a set; `level` 0: as it was told, else rolled up to that level."""

    dimension: str
    level: int = 0


class DimensionSet(NamedTuple):
    """A named way to break cells down. The set `hotline` has no parts."""

    name: str
    parts: tuple[Part, ...]

    @classmethod
    def parse(cls, name: str, parts: Iterable[str]) -> "DimensionSet":
        """From settings, which have checked it: each part is a dimension, or `dimension/level` (`category/1`)."""
        split = (text.partition("/") for text in parts)
        return cls(name, tuple(Part(dimension, int(level or 0)) for dimension, _, level in split))

    @property
    def of_agents(self) -> bool:
        """Whether agents' time can be told apart by it."""
        return all(part.dimension in _OF_AGENTS for part in self.parts)

    def values(self, told: Mapping[str, str]) -> Values:
        """The values of a visit whose dimensions were told as `told`."""
        return tuple(roll_up(part.dimension, told.get(part.dimension, ""), part.level) for part in self.parts)


def roll_up(dimension: str, value: str, level: int) -> str:
    """A path (`water/leak/street`) or division code (`110105`) at a level; one that is shallower stays as it is."""
    if not level:
        return value
    if dimension == "district" and value.isdecimal() and len(value) in _DIVISION_WIDTHS[2:]:
        digits = _DIVISION_WIDTHS[level - 1]
        return value if digits >= len(value) else value[:digits].ljust(max(digits, _DIVISION_WIDTHS[2]), "0")
    return "/".join(value.split("/")[:level])


PlaceKind = Literal["visit", "calls", "agent", "agent_in_queue", "source"]


class Place(msgspec.Struct, frozen=True, array_like=True, cache_hash=True, gc=False):
    """Where something counts, before it is broken down.

    `told`: of a visit, the values of `Dimensions.needed`; of whole calls, nothing; of an agent, centre and source (in
    a queue: and the queue); of records, their source.
    """

    kind: PlaceKind
    hotline: str
    told: Values = ()


Tail = tuple[str, str, Values]
"""A cell without its minute: hotline, dimension set, values."""


class Dimensions:
    """The dimension sets in force. `hotline` and `source` always are: totals and completeness rest on them.

    An agent counts in each queue served, and once in the sets that are not broken down by queue.
    """

    def __init__(self, sets: Iterable[DimensionSet]) -> None:
        always = (DimensionSet("hotline", ()), DimensionSet("source", (Part("source"),)))
        self.sets: dict[str, DimensionSet] = {it.name: it for it in (*always, *sets)}
        self.columns = {it.name: tuple(part.dimension for part in it.parts) for it in self.sets.values()}
        self.needed = tuple(dict.fromkeys(part.dimension for it in self.sets.values() for part in it.parts))
        self.tails: Callable[[Place], tuple[Tail, ...]] = lru_cache(maxsize=65_536)(self._tails)

    def _tails(self, place: Place) -> tuple[Tail, ...]:
        """The cells of a place, in each dimension set that it counts in."""
        kind, hotline, told = place.kind, place.hotline, place.told
        if kind == "calls":
            return ((hotline, "hotline", ()),)
        if kind == "source":
            return ((hotline, "source", told),)
        sets = list(self.sets.values())
        names = self.needed
        if kind != "visit":
            names = ("centre", "source", "queue")[: len(told)]
            sets = [it for it in sets if it.of_agents and ("queue" in self.columns[it.name]) == ("queue" in names)]
        by_name = dict(zip(names, told, strict=True))
        return tuple((hotline, it.name, it.values(by_name)) for it in sets)
