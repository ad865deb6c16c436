"""The calls that one feed remembers in one partition: those in use as they are, all others packed.

They lie in shelves so that a checkpoint writes what changed.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from zlib import crc32

import msgspec

from streams.calls import Call
from streams.packed_calls import OpenStay, Words, pack, standing, unpack

SHELVES = 32
IN_USE = 2_048
"""So many calls are kept as they are: those in progress in a partition of a nation's line. They take about 3 kB each."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, msgspec.Raw]).decode
_decode_words = msgspec.msgpack.Decoder(list[str]).decode
_WORDS = "words"
_NOT_PACKED = b""

CountedAs = Callable[[str], tuple[int, tuple[OpenStay, ...]]]
"""Call id -> when it is due (ms) and its stays that are not over, of a call in use as it was counted last."""


def _shelf_of(call_id: str) -> int:
    return crc32(call_id.encode()) % SHELVES


class CallBook:
    """Calls by id. A call that is `open`ed may be changed: it is packed anew.

    `counted` is asked of a call when it is packed.
    """

    def __init__(self, counted: CountedAs) -> None:
        self._counted = counted
        self._shelves: list[dict[str, bytes]] = [{} for _ in range(SHELVES)]
        self._in_use: dict[str, Call] = {}
        self._set_aside: dict[str, None] = {}
        self._words = Words()

    def __contains__(self, call_id: str) -> bool:
        return call_id in self._in_use or call_id in self._shelves[_shelf_of(call_id)]

    def __len__(self) -> int:
        return sum(map(len, self._shelves))

    def __iter__(self) -> Iterator[str]:
        """All ids."""
        return (call_id for shelf in self._shelves for call_id in shelf)

    def get(self, call_id: str) -> Call | None:
        """The call, to be looked at; None if it is not remembered."""
        call = self._in_use.get(call_id)
        if call is None:
            packed = self._shelves[_shelf_of(call_id)].get(call_id)
            if packed is not None:
                call = self._in_use[call_id] = unpack(packed, self._words)
        return call

    def open(self, call_id: str) -> Call | None:
        """The call, to be changed; None if it is not remembered."""
        call = self._in_use.pop(call_id, None)
        shelf = self._shelves[_shelf_of(call_id)]
        if call is None:
            packed = shelf.get(call_id)
            if packed is None:
                return None
            call = unpack(packed, self._words)
        self._in_use[call_id] = call  # the last one now: those at the front are packed first
        self._set_aside.pop(call_id, None)
        shelf[call_id] = _NOT_PACKED
        return call

    def put(self, call_id: str, call: Call) -> None:
        """Remember a call."""
        self._shelves[_shelf_of(call_id)][call_id] = _NOT_PACKED
        self._in_use[call_id] = call

    def drop(self, call_id: str) -> None:
        """Forget a call."""
        del self._shelves[_shelf_of(call_id)][call_id]
        self._in_use.pop(call_id, None)
        self._set_aside.pop(call_id, None)

    def set_aside(self, call_id: str) -> None:
        """Nothing more is expected of a call in use: it is packed before the others, unless it is `open`ed again."""
        self._set_aside[call_id] = None

    def clear(self) -> None:
        """Forget all calls."""
        for shelf in self._shelves:
            shelf.clear()
        self._in_use.clear()
        self._set_aside.clear()

    def lay_by(self) -> list[str]:
        """Pack calls beyond those that may be in use, those set aside first, then the longest unused; which."""
        if len(self._in_use) <= IN_USE:
            return []
        beyond: list[str] = []
        for calls in (self._set_aside, self._in_use):
            for call_id in list(islice(calls, len(self._in_use) - IN_USE)):
                self._pack(self._shelves[_shelf_of(call_id)], call_id)
                del self._in_use[call_id]
                self._set_aside.pop(call_id, None)
                beyond.append(call_id)
        return beyond

    def due(self, call_id: str) -> int | None:
        """When a packed call is due (ms); None if it is not remembered."""
        packed = self._shelves[_shelf_of(call_id)].get(call_id)
        return standing(packed).due if packed else None

    def still_open(self, call_id: str) -> tuple[OpenStay, ...]:
        """The stays of a packed call that were not over when it was counted last."""
        packed = self._shelves[_shelf_of(call_id)].get(call_id)
        if not packed:
            return ()
        its, text = standing(packed), self._words.text
        return tuple(OpenStay(text(its.hotline), text(queue), at) for queue, at in its.open)

    def begun_before(self, time: int) -> Iterator[Call]:
        """Calls whose first fact is from before that time (ms), to be looked at."""
        for shelf in self._shelves:
            for call_id, packed in shelf.items():
                call = self._in_use.get(call_id)
                if call is not None:
                    if call.facts and call.facts[0].time < time:
                        yield call
                elif standing(packed).first_at < time:
                    yield unpack(packed, self._words)

    def load(self, part: str, packed: bytes) -> None:
        """Take in one part of a snapshot."""
        if part == _WORDS:
            self._words.load(_decode_words(packed))
            return
        shelf = self._shelves[int(part)]
        for call_id, raw in _decode(packed).items():
            shelf[call_id] = bytes(raw)

    def parts(self) -> dict[str, bytes]:
        """All calls, packed: the same bytes for a shelf whose calls did not change.

        They are not kept: a million calls are put together in 0.15 s, and would lie there twice.
        """
        parts: dict[str, bytes] = {}
        for number, shelf in enumerate(self._shelves):
            for call_id, packed in shelf.items():
                if not packed:
                    self._pack(shelf, call_id)
            if shelf:
                parts[str(number)] = _encode({call_id: msgspec.Raw(packed) for call_id, packed in shelf.items()})
        parts[_WORDS] = _encode(self._words.texts)  # the last: packing adds to them
        return parts

    def _pack(self, shelf: dict[str, bytes], call_id: str) -> None:
        if not shelf[call_id]:
            shelf[call_id] = pack(self._in_use[call_id], *self._counted(call_id), self._words)
