"""What cells are broken down by: dimension sets, roll-up of paths and division codes, and the places of a visit."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

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
    def columns(self) -> tuple[str, ...]:
        """The fields of a cell that hold its values."""
        return tuple(part.dimension for part in self.parts)

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


class Places(NamedTuple):
    """Where something counts: a hotline and, in each dimension set, the values."""

    hotline: str
    sets: tuple[tuple[str, Values], ...]


class Dimensions:
    """The dimension sets in force. `hotline` and `source` always are: totals and completeness rest on them."""

    def __init__(self, sets: Iterable[DimensionSet]) -> None:
        by_name = {it.name: it for it in (DimensionSet("hotline", ()), DimensionSet("source", (Part("source"),)))}
        self.sets: dict[str, DimensionSet] = by_name | {it.name: it for it in sets}
        self.needed = tuple(dict.fromkeys(part.dimension for it in self.sets.values() for part in it.parts))
        self._of_agents = tuple(it for it in self.sets.values() if it.of_agents)
        self._cached: Callable[[str, Values], Places] = lru_cache(maxsize=65_536)(self._places)

    def places(self, hotline: str, told: Values) -> Places:
        """The places of a visit; `told` has one value per dimension of `needed`."""
        return self._cached(hotline, told)

    def of_agent(self, hotline: str, centre: str, source: str, queues: Iterable[str]) -> list[Places]:
        """The places of an agent who serves `queues`: each queue, and once whatever is not broken down by queue."""
        told = {"centre": centre, "source": source}
        once = tuple((it.name, it.values(told)) for it in self._of_agents if "queue" not in it.columns)
        places = [Places(hotline, once)]
        by_queue = [it for it in self._of_agents if "queue" in it.columns]
        for queue in dict.fromkeys(queues):
            sets = tuple((it.name, it.values(told | {"queue": queue})) for it in by_queue)
            places.append(Places(hotline, sets))
        return places

    def _places(self, hotline: str, told: Values) -> Places:
        by_name = dict(zip(self.needed, told, strict=True))
        return Places(hotline, tuple((it.name, it.values(by_name)) for it in self.sets.values()))


HOTLINE_ONLY: tuple[tuple[str, Values], ...] = (("hotline", ()),)


def source_only(source: str) -> tuple[tuple[str, Values], ...]:
    """The set `source` alone, for counters of records."""
    return (("source", (source,)),)
