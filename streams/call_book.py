"""The calls that one feed remembers in one partition: those in use as objects, all others packed.

Packed calls lie in shelves, in the order in which they were laid by. Most of them are over and stay as they are until
they are forgotten, so a whole shelf stays as it is, and a checkpoint need not write it again.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice

import msgspec

from streams.calls import Call
from streams.packed_calls import OpenStay, Standing, Words, pack, standing, unpack

IN_USE = 2_048
"""Calls that are kept as objects, of about 3 kB each: enough for those in progress in a partition of a nation's line."""
SHELF_CALLS = 20_000
"""Calls in a shelf: nearly as many as the dictionary has room for, and two to four megabytes of a checkpoint. With fewer
there would be more shelves, in each of which a new call is looked for."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, msgspec.Raw]).decode
_decode_words = msgspec.msgpack.Decoder(list[str]).decode
_WORDS = "words"
_USED = "used"
_NOT_PACKED = b""

CountedAs = Callable[[str], tuple[int, tuple[OpenStay, ...]]]
"""Call id -> when it is due (ms) and its stays that are not over, of a call in use as it was counted last."""


class _Shelf(msgspec.Struct):
    """Packed calls by id; none of them has a fact before `first_at` (ms). `changed`: since `changes` handed it over last."""

    calls: dict[str, bytes] = msgspec.field(default_factory=dict)
    first_at: int = 2**62
    changed: bool = True

    def put(self, call_id: str, packed: bytes, first_at: int) -> None:
        self.calls[call_id] = packed
        self.first_at = min(self.first_at, first_at)
        self.changed = True

    def take(self, call_id: str) -> bytes:
        self.changed = True
        return self.calls.pop(call_id)


class CallBook:
    """Calls by id: `get` one to look at it, `open` it to change it. `counted` is asked of each call that is packed."""

    def __init__(self, counted: CountedAs) -> None:
        self._counted = counted
        self._used: dict[str, bytes] = {}
        self._shelves: dict[int, _Shelf] = {}
        self._in_use: dict[str, Call] = {}
        self._set_aside: dict[str, None] = {}
        self._words = Words()

    def __contains__(self, call_id: str) -> bool:
        return call_id in self._used or self._where(call_id) is not None

    def __len__(self) -> int:
        return len(self._used) + sum(len(shelf.calls) for shelf in self._shelves.values())

    def __iter__(self) -> Iterator[str]:
        """All ids."""
        return chain(self._used, *(shelf.calls for shelf in self._shelves.values()))

    def get(self, call_id: str) -> Call | None:
        """The call, to be looked at; None if it is not remembered."""
        call = self._in_use.get(call_id)
        if call is None:
            packed = self._packed(call_id)
            if packed:
                call = self._in_use[call_id] = unpack(packed, self._words)
        return call

    def open(self, call_id: str) -> Call | None:
        """The call, to be changed; None if it is not remembered."""
        call = self._in_use.pop(call_id, None)
        if call_id not in self._used:
            where = self._where(call_id)
            if where is None:
                return None
            packed = where.take(call_id)
            call = call or unpack(packed, self._words)
        assert call is not None, call_id
        self._in_use[call_id] = call  # the last one now: those at the front are packed first
        self._set_aside.pop(call_id, None)
        self._used[call_id] = _NOT_PACKED
        return call

    def put(self, call_id: str, call: Call) -> None:
        """Remember a call."""
        self._used[call_id] = _NOT_PACKED
        self._in_use[call_id] = call

    def drop(self, call_id: str) -> None:
        """Forget a call."""
        if self._used.pop(call_id, None) is None:
            where = self._where(call_id)
            assert where is not None, call_id
            where.take(call_id)
        self._in_use.pop(call_id, None)
        self._set_aside.pop(call_id, None)

    def set_aside(self, call_id: str) -> None:
        """Nothing more is expected of a call in use: it is packed before the others, unless it is `open`ed again."""
        self._set_aside[call_id] = None

    def clear(self) -> None:
        """Forget all calls."""
        for state in (self._used, self._shelves, self._in_use, self._set_aside):
            state.clear()

    def lay_by(self) -> list[str]:
        """Pack the calls beyond `IN_USE`, those set aside first, then those not used for the longest; returns their ids."""
        if len(self._in_use) <= IN_USE:
            return []
        beyond: list[str] = []
        for calls in (self._set_aside, self._in_use):
            for call_id in list(islice(calls, len(self._in_use) - IN_USE)):
                if call_id in self._used:
                    self._pack(call_id)
                    self._newest().put(call_id, self._used.pop(call_id), _first_at(self._in_use[call_id]))
                del self._in_use[call_id]
                self._set_aside.pop(call_id, None)
                beyond.append(call_id)
        return beyond

    def due(self, call_id: str) -> int | None:
        """When a packed call is due (ms); None if it is not remembered."""
        packed = self._packed(call_id)
        return standing(packed).due if packed else None

    def still_open(self, call_id: str) -> tuple[OpenStay, ...]:
        """The stays of a packed call that were not over when it was counted last."""
        packed = self._packed(call_id)
        return self._open_stays(standing(packed)) if packed else ()

    def on_shelves(self) -> Iterator[tuple[str, int, tuple[OpenStay, ...]]]:
        """Of each call that is not in use, as after `load` all are: id, `due` and `still_open`."""
        for shelf in self._shelves.values():
            for call_id, packed in shelf.calls.items():
                its = standing(packed)
                yield call_id, its.due, self._open_stays(its)

    def begun_before(self, time: int) -> Iterator[Call]:
        """Calls whose first fact is from before that time (ms), to be looked at."""
        for call_id in self._used:
            call = self._in_use[call_id]
            if call.facts and _first_at(call) < time:
                yield call
        for shelf in self._shelves.values():
            if shelf.first_at < time:
                for packed in shelf.calls.values():
                    if standing(packed).first_at < time:
                        yield unpack(packed, self._words)

    def load(self, parts: Mapping[str, bytes]) -> None:
        """Take in a snapshot."""
        if _WORDS in parts:
            self._words.load(_decode_words(parts[_WORDS]))
        numbers = {name: int(name) for name in parts if name not in {_WORDS, _USED}}
        if _USED in parts:
            numbers[_USED] = max(numbers.values(), default=-1) + 1
        for name in sorted(numbers, key=numbers.__getitem__):  # the newest is the last
            shelf = self._shelves[numbers[name]] = _Shelf()
            for call_id, raw in _decode(parts[name]).items():
                packed = bytes(raw)
                shelf.put(call_id, packed, standing(packed).first_at)
            shelf.changed = name == _USED

    def parts(self) -> dict[str, bytes]:
        """All calls, packed: the same bytes for a shelf whose calls did not change.

        They are not kept: a million calls are put together in 0.15 s, and would lie there twice.
        """
        self._pack_used()
        return {str(number): _together(shelf.calls) for number, shelf in self._shelves.items()} | self._other_parts()

    def changes(self) -> dict[str, bytes | None]:
        """As `parts`, with None for a shelf that is as it was at the last call, or as it was loaded."""
        self._pack_used()
        changes: dict[str, bytes | None] = {}
        for number, shelf in self._shelves.items():
            changes[str(number)] = _together(shelf.calls) if shelf.changed else None
            shelf.changed = False
        return changes | self._other_parts()

    def _open_stays(self, its: Standing) -> tuple[OpenStay, ...]:
        text = self._words.text
        return tuple(OpenStay(text(its.hotline), text(queue), at) for queue, at in its.open)

    def _pack_used(self) -> None:
        for call_id, packed in self._used.items():
            if not packed:
                self._pack(call_id)
        self._close_up()

    def _other_parts(self) -> dict[str, bytes]:
        return {_USED: _together(self._used), _WORDS: _encode(self._words.texts)}

    def _where(self, call_id: str) -> _Shelf | None:
        """The shelf that a call lies in."""
        for shelf in reversed(self._shelves.values()):
            if call_id in shelf.calls:
                return shelf
        return None

    def _packed(self, call_id: str) -> bytes | None:
        """A call as it was packed last; None or empty if it was not, or is not remembered."""
        if call_id in self._used:
            return self._used[call_id]
        where = self._where(call_id)
        return where.calls[call_id] if where else None

    def _newest(self) -> _Shelf:
        """The shelf that is being filled."""
        newest = next(reversed(self._shelves), -1)
        if newest < 0 or len(self._shelves[newest].calls) >= SHELF_CALLS:
            newest += 1
            self._shelves[newest] = _Shelf()
        return self._shelves[newest]

    def _close_up(self) -> None:
        """Shelves that are nearly empty go into the newest, so that there are never many."""
        for number in list(self._shelves)[:-1]:
            if len(self._shelves[number].calls) < SHELF_CALLS // 4:
                shelf = self._shelves.pop(number)
                for call_id, packed in shelf.calls.items():
                    self._newest().put(call_id, packed, shelf.first_at)

    def _pack(self, call_id: str) -> None:
        if not self._used[call_id]:
            self._used[call_id] = pack(self._in_use[call_id], *self._counted(call_id), self._words)


def _first_at(call: Call) -> int:
    return call.facts[0].time if call.facts else 0


def _together(calls: Mapping[str, bytes]) -> bytes:
    return _encode({call_id: msgspec.Raw(packed) for call_id, packed in calls.items()})
