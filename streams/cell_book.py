"""What calls and agents of one feed add up to in one partition: sums by minute and place, and what changed."""

from collections.abc import Container

import msgspec

from streams.bundle import Share
from streams.contract.cells import Counts, add_counts
from streams.dimensions import Place

MINUTE_MS = 60_000


class Minutes(dict[int, Counts]):
    """Counters by minute (start in ms)."""

    def at(self, time: int) -> Counts:
        """The counters of the minute that `time` lies in."""
        return self.setdefault(time - time % MINUTE_MS, {})


Contribution = dict[Place, Minutes]
"""What one call or agent adds."""

_SHELF_MS = 10 * MINUTE_MS
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Share]).decode


class CellBook:
    """Sums by minute and place, packed by ten minutes so that a checkpoint writes only what changed."""

    def __init__(self) -> None:
        self._shelves: dict[int, dict[tuple[int, Place], Counts]] = {}
        self._changed: dict[tuple[int, Place], None] = {}
        self._packed: dict[int, bytes] = {}

    def load(self, packed: bytes) -> None:
        """Take in one part of a snapshot."""
        for share in _decode(packed):
            self._shelves.setdefault(share.minute // _SHELF_MS, {})[share.minute, share.place] = share.counts

    def parts(self) -> dict[int, bytes]:
        """Everything, packed; a part in which nothing changed is the same object as before."""
        for number, shelf in self._shelves.items():
            if number not in self._packed:
                self._packed[number] = _encode([Share(*key, counts) for key, counts in shelf.items()])
        return self._packed

    @property
    def settled(self) -> bool:
        """Whether every change was taken."""
        return not self._changed

    def add(self, place: Place, time: int, counts: Counts) -> None:
        """Add counts at the minute of `time`."""
        minute = time - time % MINUTE_MS
        number = minute // _SHELF_MS
        self._packed.pop(number, None)
        key = (minute, place)
        add_counts(self._shelves.setdefault(number, {}).setdefault(key, {}), counts)
        self._changed[key] = None

    def move(self, before: Contribution, after: Contribution) -> None:
        """Replace what a call or agent added by what it adds now."""
        for place, minutes in after.items():
            known = before.get(place)
            for minute, counts in minutes.items():
                was = known.get(minute) if known else None
                if was is None:
                    self.add(place, minute, counts)
                elif was != counts:
                    self.add(place, minute, difference(counts, was))
        for place, minutes in before.items():
            now = after.get(place)
            for minute, counts in minutes.items():
                if now is None or minute not in now:
                    self.add(place, minute, difference({}, counts))

    def tell_again(self, added: Contribution) -> None:
        """Hand over the sums that a call or agent adds to at the next `take`, changed or not."""
        for place, minutes in added.items():
            for minute in minutes:
                self._changed[minute, place] = None

    def take(self) -> list[Share]:
        """Sums that changed since the last call, absolute; to be packed before the next `add`."""
        changed = [Share(*key, self._shelves.get(key[0] // _SHELF_MS, {}).get(key, {})) for key in self._changed]
        self._changed.clear()
        return changed

    def let_go(self, floor: int, held: Container[int]) -> None:
        """Forget sums before minute `floor` (ms) but for the minutes in `held` and those not taken yet."""
        for number in [number for number in self._shelves if number * _SHELF_MS < floor]:
            shelf = self._shelves[number]
            kept = {k: c for k, c in shelf.items() if k[0] >= floor or k[0] in held or k in self._changed}
            if len(kept) != len(shelf):
                self._packed.pop(number, None)
                self._shelves[number] = kept
            if not kept:
                del self._shelves[number]

    def clear(self) -> None:
        """Forget everything that was taken."""
        self._shelves.clear()
        self._packed.clear()


def difference(now: Counts, was: Counts) -> Counts:
    """`now` - `was`, counter by counter."""
    result = dict(now)
    add_counts(result, was, -1)
    return result
