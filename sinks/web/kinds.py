"""The last day by category, district and department: what the views of them show. Pure.

Levels of a path or of a division code are sets of their own (`category_1`, `district_3`), as the engine keeps them.
"""

from collections.abc import Iterator, Mapping
from sys import intern
from typing import Literal, NamedTuple, get_args

from sinks.web.rolling import Minute, Rolling
from streams.contract import Cell
from streams.contract.cells import Counts
from streams.contract.metrics import Window

KindSet = Literal["category_1", "category_2", "category_3", "district_1", "district_2", "district_3", "department"]
Dimension = Literal["category", "district", "department"]
SETS: tuple[KindSet, ...] = get_args(KindSet)
COUNTED = (
    "offered",
    "answered",
    "abandoned",
    "short_abandoned",
    "callback_taken",
    "flowed_out",
    "wait_ms_sum",
    "waited",
)
COUNTED_BY_WAIT = "answered_wait"
_COUNTED = frozenset(COUNTED)
_BY_WAIT = f"{COUNTED_BY_WAIT}."


class KindKey(NamedTuple):
    """One row: a value of a set, such as `category_2`, `utilities/water`."""

    hotline: str
    kind: KindSet
    value: str


def dimension_of(kind: KindSet) -> Dimension:
    return next(name for name in get_args(Dimension) if kind.startswith(name))


class Kinds:
    """Base cells of those sets, the highest version of each minute; bounded by what the engine keeps apart."""

    def __init__(self) -> None:
        self._minutes: dict[KindKey, dict[int, Minute]] = {}
        self._rolling: dict[KindKey, Rolling] = {}

    def clear(self) -> None:
        self._minutes.clear()
        self._rolling.clear()

    def take(self, cell: Cell) -> Literal["applied", "other_set", "older_version"]:
        """Take in a cell that is neither of a hotline nor of a queue."""
        kind = next((name for name in SETS if name == cell.dimension_set), None)
        if kind is None:
            return "other_set"
        key = KindKey(cell.hotline, kind, getattr(cell, dimension_of(kind)))
        minutes = self._minutes.setdefault(key, {})
        known = minutes.get(cell.minute)
        if known is not None and known.version > cell.version:
            return "older_version"
        counts = {intern(n): c for n, c in cell.counts.items() if n in _COUNTED or n.startswith(_BY_WAIT)}
        self._rolling.setdefault(key, Rolling(minutes)).put(cell.minute, Minute(cell.version, counts))
        return "applied"

    def forget_before(self, oldest: int) -> None:
        """Let go of minutes before `oldest` (ms), and of rows that have none left."""
        for key, rolling in list(self._rolling.items()):
            rolling.forget_before(oldest)
            if not self._minutes[key]:
                del self._rolling[key], self._minutes[key]

    def values(self, hotline: str, kind: KindSet) -> Iterator[str]:
        """The values seen in the last day."""
        return (key.value for key in self._rolling if key.hotline == hotline and key.kind == kind)

    def rolling(self, key: KindKey, name: Window, bounds: tuple[int, int]) -> Mapping[str, int]:
        """The counts of a rolling window."""
        found = self._rolling.get(key)
        return found.counts(name, *bounds) if found else Counts()

    def offered(self, key: KindKey, edges: list[tuple[int, int]]) -> list[int]:
        """Visits offered in each of the adjoining spans (ms)."""
        minutes = self._minutes.get(key, {})
        return [
            sum(minutes[at].counts.get("offered", 0) for at in range(start, end, 60_000) if at in minutes)
            for start, end in edges
        ]
