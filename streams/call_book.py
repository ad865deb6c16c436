"""The calls that one feed remembers in one partition, packed in shelves so that a checkpoint writes what changed."""

from collections.abc import Iterator
from zlib import crc32

import msgspec

from streams.calls import Call

SHELVES = 32

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, Call]).decode


def _shelf_of(call_id: str) -> int:
    return crc32(call_id.encode()) % SHELVES


class CallBook:
    """Calls by id. A call that is `open`ed may be changed: its shelf is packed anew."""

    def __init__(self) -> None:
        self._shelves: list[dict[str, Call]] = [{} for _ in range(SHELVES)]
        self._packed: dict[int, bytes] = {}

    def __contains__(self, call_id: str) -> bool:
        return call_id in self._shelves[_shelf_of(call_id)]

    def __getitem__(self, call_id: str) -> Call:
        return self._shelves[_shelf_of(call_id)][call_id]

    def __len__(self) -> int:
        return sum(map(len, self._shelves))

    def items(self) -> Iterator[tuple[str, Call]]:
        """All calls."""
        return ((call_id, call) for shelf in self._shelves for call_id, call in shelf.items())

    def values(self) -> Iterator[Call]:
        """All calls, without their ids."""
        return (call for shelf in self._shelves for call in shelf.values())

    def open(self, call_id: str) -> Call | None:
        """The call, to be changed; None if it is not remembered."""
        number = _shelf_of(call_id)
        self._packed.pop(number, None)
        return self._shelves[number].get(call_id)

    def put(self, call_id: str, call: Call) -> None:
        """Remember a call."""
        number = _shelf_of(call_id)
        self._packed.pop(number, None)
        self._shelves[number][call_id] = call

    def drop(self, call_id: str) -> None:
        """Forget a call."""
        number = _shelf_of(call_id)
        self._packed.pop(number, None)
        del self._shelves[number][call_id]

    def clear(self) -> None:
        """Forget all calls."""
        for shelf in self._shelves:
            shelf.clear()
        self._packed.clear()

    def load(self, packed: bytes) -> None:
        """Take in one part of a snapshot."""
        for call_id, call in _decode(packed).items():
            self._shelves[_shelf_of(call_id)][call_id] = call

    def parts(self) -> dict[int, bytes]:
        """All calls, packed; a shelf whose calls did not change is the same object as before."""
        for number, shelf in enumerate(self._shelves):
            if shelf and number not in self._packed:
                self._packed[number] = _encode(shelf)
        return self._packed
