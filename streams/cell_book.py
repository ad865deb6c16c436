"""The cells of one feed in one partition: sums of contributions, what changed, and what can be let go of."""

from collections.abc import Container
from typing import NamedTuple

import msgspec

from streams.bundle import PartialCell
from streams.contract.cells import Counts, add_counts
from streams.dimensions import Places, Values

MINUTE_MS = 60_000


class CellKey(NamedTuple):
    """One base cell: the start of its minute (ms), hotline, dimension set and the set's values."""

    minute: int
    hotline: str
    dimension_set: str
    values: Values


class Minutes(dict[int, Counts]):
    """Counters by minute (start in ms)."""

    def at(self, time: int) -> Counts:
        """The counters of the minute that `time` lies in."""
        return self.setdefault(time - time % MINUTE_MS, {})


Contribution = dict[Places, Minutes]
"""What one call or agent adds to cells: the same counters in each set of a place."""

CellRow = tuple[int, str, str, Values, Counts]
_SHELF_MS = 10 * MINUTE_MS
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[CellRow]).decode


class CellBook:
    """Sums per cell, packed by ten minutes so that a checkpoint writes only what changed."""

    def __init__(self) -> None:
        self._shelves: dict[int, dict[CellKey, Counts]] = {}
        self._changed: dict[CellKey, None] = {}
        self._packed: dict[int, bytes] = {}

    def load(self, packed: bytes) -> None:
        """Take in one part of a snapshot."""
        for row in _decode(packed):
            key = CellKey(*row[:4])
            self._shelves.setdefault(key.minute // _SHELF_MS, {})[key] = row[4]

    def parts(self) -> dict[int, bytes]:
        """All cells, packed; a part whose cells did not change is the same object as before."""
        for number, shelf in self._shelves.items():
            if number not in self._packed:
                self._packed[number] = _encode([(*key, counts) for key, counts in shelf.items()])
        return self._packed

    @property
    def settled(self) -> bool:
        """Whether every change was taken."""
        return not self._changed

    def add(self, places: Places, time: int, counts: Counts) -> None:
        """Add counts at the minute of `time` in each set of a place."""
        minute = time - time % MINUTE_MS
        number = minute // _SHELF_MS
        shelf = self._shelves.get(number)
        if shelf is None:
            shelf = self._shelves[number] = {}
        self._packed.pop(number, None)
        for dimension_set, values in places.sets:
            key = CellKey(minute, places.hotline, dimension_set, values)
            known = shelf.get(key)
            if known is None:
                known = shelf[key] = {}
            add_counts(known, counts)
            self._changed[key] = None

    def move(self, before: Contribution, after: Contribution) -> None:
        """Replace what a call or agent added by what it adds now."""
        if before is after:
            return
        for places, minutes in after.items():
            known = before.get(places)
            for minute, counts in minutes.items():
                was = known.get(minute) if known else None
                if was is None:
                    self.add(places, minute, counts)
                elif was != counts:
                    self.add(places, minute, _difference(counts, was))
        for places, minutes in before.items():
            now = after.get(places)
            for minute, counts in minutes.items():
                if now is None or minute not in now:
                    self.add(places, minute, _difference({}, counts))

    def tell_again(self, added: Contribution) -> None:
        """Hand over the cells that a call or agent adds to at the next `take`, changed or not."""
        for places, minutes in added.items():
            for minute in minutes:
                for dimension_set, values in places.sets:
                    self._changed[CellKey(minute, places.hotline, dimension_set, values)] = None

    def take(self) -> list[PartialCell]:
        """Cells that changed since the last call, absolute."""
        changed = [
            PartialCell(*key, dict(self._shelves.get(key.minute // _SHELF_MS, {}).get(key, ())))
            for key in self._changed
        ]
        self._changed.clear()
        return changed

    def let_go(self, floor: int, held: Container[int]) -> None:
        """Forget cells before minute `floor` (ms) but for the minutes in `held` and those not taken yet."""
        for number in [number for number in self._shelves if number * _SHELF_MS < floor]:
            shelf = self._shelves[number]
            kept = {k: c for k, c in shelf.items() if k.minute >= floor or k.minute in held or k in self._changed}
            if len(kept) != len(shelf):
                self._packed.pop(number, None)
                self._shelves[number] = kept
            if not kept:
                del self._shelves[number]

    def clear(self) -> None:
        """Forget everything that was taken."""
        self._shelves.clear()
        self._packed.clear()


def _difference(now: Counts, was: Counts) -> Counts:
    difference = dict(now)
    add_counts(difference, was, -1)
    return difference
