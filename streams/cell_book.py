"""What calls and agents of one feed add up to in one partition: sums by minute and place, and what changed."""

from collections.abc import Container, Mapping

import msgspec

from streams.bundle import Share
from streams.contract.cells import MINUTE_MS, Counts, add_counts
from streams.dimensions import Place

Contribution = dict[tuple[int, Place], Counts]
"""What one call or agent adds, by minute (start in ms) and place."""

_SHELF_MS = 10 * MINUTE_MS
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Share]).decode


class CellBook:
    """Sums by minute and place, packed by ten minutes so that a checkpoint writes only what changed."""

    def __init__(self) -> None:
        self._shelves: dict[int, dict[tuple[int, Place], Counts]] = {}
        self._changed: dict[tuple[int, Place], None] = {}
        self._packed: dict[int, bytes] = {}

    def load(self, parts: Mapping[str, bytes]) -> None:
        """Take in a snapshot."""
        for packed in parts.values():
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

    def add(self, added: Contribution, sign: int = 1) -> None:
        """Add counts (times `sign`)."""
        for key, counts in added.items():
            self._add(key, counts, sign)

    def move(self, before: Contribution, after: Contribution) -> None:
        """Replace what a call or agent added by what it adds now."""
        for key, counts in after.items():
            was = before.get(key)
            if was is None:
                self._add(key, counts, 1)
            elif was != counts:
                self._add(key, difference(counts, was), 1)
        for key, counts in before.items():
            if key not in after:
                self._add(key, counts, -1)

    def tell_again(self, added: Contribution) -> None:
        """At the next `take` hand over the sums that `added` went into, whether they have changed or not."""
        self._changed.update(dict.fromkeys(added))

    def take(self) -> list[Share]:
        """Sums that changed since the last call, absolute. They are the live ones: encode them before the next `add`."""
        changed = [Share(*key, self._shelves.get(key[0] // _SHELF_MS, {}).get(key, {})) for key in self._changed]
        self._changed.clear()
        return changed

    def let_go(self, floor: int, held: Container[int]) -> None:
        """Forget sums of minutes before `floor` (ms), but for minutes in `held` and sums not taken yet."""
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

    def _add(self, key: tuple[int, Place], counts: Counts, sign: int) -> None:
        number = key[0] // _SHELF_MS
        if number in self._packed:
            del self._packed[number]
        shelf = self._shelves.get(number)
        if shelf is None:
            shelf = self._shelves[number] = {}
        total = shelf.get(key)
        if total is None:
            total = shelf[key] = {}
        add_counts(total, counts, sign)
        self._changed[key] = None


def difference(now: Counts, was: Counts) -> Counts:
    """`now` - `was`, counter by counter."""
    result = dict(now)
    add_counts(result, was, -1)
    return result
