"""Windows over the cells of one feed: what was counted per key and minute, and sums that move with the clock."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from alerts.measures import kept
from streams.contract import DIMENSIONS, Cell, add_counts
from streams.contract.cells import MINUTE_MS, Counts
from streams.contract.metrics import Window, window_bounds

HOUR_MS = 3_600_000
WEEK = timedelta(days=7)
LONGEST_MS = 25 * HOUR_MS
"""`today` on the day on which the clocks go back."""

AsOf = Literal["now", "closed", "week_ago"]
"""now: the open minute is the last. closed: without it, and week_ago: the same local time seven days before that; so
that whole minutes are compared with whole minutes."""


class CellKey(msgspec.Struct, frozen=True, array_like=True):
    """Whose cells: hotline, dimension set and the values of `DIMENSIONS`, in their order."""

    hotline: str
    dimension_set: str
    values: tuple[str, ...]

    @classmethod
    def of(cls, cell: Cell) -> "CellKey":
        return cls(cell.hotline, cell.dimension_set, tuple(getattr(cell, name) for name in DIMENSIONS))

    def named(self) -> dict[str, str]:
        """dimension -> value; empty ones left out."""
        return {name: value for name, value in zip(DIMENSIONS, self.values, strict=True) if value}


class Minute(msgspec.Struct, array_like=True):
    version: int
    counts: Counts


class _Sum(msgspec.Struct):
    """The counts of the minutes [begin, end)."""

    begin: int
    end: int
    counts: Counts


Hour = dict[CellKey, dict[int, Minute]]
_hour = msgspec.msgpack.Decoder(list[tuple[CellKey, dict[int, Minute]]])


class Windows:
    """The minutes of the keys that `wanted` asks for, back to `keep_ms` before the clock.

    `families`: which bucketed counters are kept (`measures.family`). Parts of a snapshot are hours: a
    closed one stays the same bytes.
    """

    def __init__(
        self, wanted: Callable[[CellKey], bool], families: frozenset[str], parts: Mapping[str, bytes] | None = None
    ) -> None:
        self._wanted = wanted
        self._families = families
        self._asked: dict[CellKey, bool] = {}
        self._sums: dict[CellKey, dict[tuple[Window, AsOf], _Sum]] = {}
        self._packed = dict(parts or {})
        self._hours: dict[int, Hour] = {int(name): dict(_hour.decode(part)) for name, part in self._packed.items()}

    def known(self) -> set[CellKey]:
        """Every key with a minute that is kept."""
        return {key for hour in self._hours.values() for key in hour}

    def take(self, cell: Cell) -> None:
        """Take in a cell; one that is not newer than what is known changes nothing."""
        key = CellKey.of(cell)
        asked = self._asked.get(key)
        if asked is None:
            asked = self._asked[key] = self._wanted(key)
        if not asked:
            return
        hour = cell.minute - cell.minute % HOUR_MS
        minutes = self._hours.setdefault(hour, {}).setdefault(key, {})
        known = minutes.get(cell.minute)
        if known is not None and known.version >= cell.version:
            return
        counts = {name: n for name, n in cell.counts.items() if kept(name, self._families)}
        minutes[cell.minute] = Minute(cell.version, counts)
        self._packed.pop(str(hour), None)
        for total in self._sums.get(key, {}).values():
            if total.begin <= cell.minute < total.end:
                add_counts(total.counts, known.counts if known else {}, -1)
                add_counts(total.counts, counts)

    def clear(self) -> None:
        """Forget all: another generation of the feed has begun."""
        self._hours.clear()
        self._packed.clear()
        self._sums.clear()

    def prune(self, before: int) -> None:
        """Forget the hours that end before `before` (ms)."""
        for hour in [hour for hour in self._hours if hour + HOUR_MS <= before]:
            del self._hours[hour]
            self._packed.pop(str(hour), None)
        for key in self._sums.keys() - self.known():
            del self._sums[key]

    def counts(self, key: CellKey, window: Window, now: int, zone: ZoneInfo, as_of: AsOf = "now") -> Counts:
        """The counts of a window at clock `now` (ms)."""
        begin, end = bounds(window, now, zone, as_of)
        sums = self._sums.setdefault(key, {})
        total = sums.get((window, as_of))
        if total is None or not total.begin <= begin <= total.end <= end:
            total = sums[window, as_of] = _Sum(begin, begin, {})
        for minute in self._between(key, total.begin, begin):
            add_counts(total.counts, minute.counts, -1)
        for minute in self._between(key, total.end, end):
            add_counts(total.counts, minute.counts)
        total.begin, total.end = begin, end
        return total.counts

    def parts(self) -> dict[str, bytes]:
        """The minutes, packed by hour."""
        for hour, held in self._hours.items():
            if str(hour) not in self._packed:
                self._packed[str(hour)] = msgspec.msgpack.encode(list(held.items()))
        return dict(self._packed)

    def _between(self, key: CellKey, begin: int, end: int) -> Iterator[Minute]:
        for start in _hours_of(begin, end):
            minutes = self._hours.get(start, {}).get(key, {})
            for at, minute in minutes.items():
                if begin <= at < end:
                    yield minute


def _hours_of(begin: int, end: int) -> Iterable[int]:
    return range(begin - begin % HOUR_MS, end, HOUR_MS)


def bounds(window: Window, now: int, zone: ZoneInfo, as_of: AsOf = "now") -> tuple[int, int]:
    """The minutes [begin, end) of a window at clock `now` (ms)."""
    if as_of == "now":
        return window_bounds(window, now, zone)
    closed = now - MINUTE_MS
    if as_of == "week_ago":
        local = datetime.fromtimestamp(closed / 1000, zone).replace(tzinfo=None) - WEEK
        closed = round(local.replace(tzinfo=zone).timestamp() * 1000)
    return window_bounds(window, closed, zone)
