"""What one key's past days were like: calls per quarter of an hour, five weeks of it, in two bytes each.

Counts are kept as round(5 * sqrt(n)): a step is 0.4 of a Poisson deviation at any volume, and counts up
to ten are exact. A minute may be replaced until it is folded into its slot. How a quarter's calls
fall on its three five-minute parts is kept once for all days: it changes little, but edges matter.
"""

import zlib
from collections.abc import Callable, Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import numpy.typing as npt

from deploy.runtime.public_holidays import Weekdays, weekdays
from streams.detection.calendar import SLOT, SLOTS, slot_of
from streams.detection.keys import MINUTE

DAYS_KEPT = 35
MISSING = 0xFFFF
FLAG = 0x8000
PARTS = 3
"""Five-minute parts of a slot."""
FADE = 0.97
"""What is left of the older days' weight in `parts` with each new day."""
MOST = 65_000.0
"""What half-precision floats hold."""
PLAIN = weekdays("")
"""Weekdays without holidays."""

Floats = npt.NDArray[np.float64]


class Days(NamedTuple):
    """Past days as matrices of (day, slot): counts (NaN: not observed) and whether an incident covered the slot."""

    counts: Floats
    flagged: npt.NDArray[np.bool_]
    weekdays: npt.NDArray[np.int64]
    ordinals: npt.NDArray[np.int64]


class LearnedDays(msgspec.Struct):
    """The days that were learned: of `rows` (feed, ordinal) the `slots`, packed, and the `parts` of slots."""

    rows: list[tuple[str, int]]
    slots: bytes
    parts: bytes


class _Packed(msgspec.Struct):
    """`rows`, `slots`, `parts`: where a former version kept what is `LearnedDays`."""

    minutes: dict[str, dict[int, int]]
    folded: dict[str, int]
    changed: bool
    rows: list[tuple[str, int]] = []
    slots: bytes = b""
    parts: bytes = b""


class History:
    """The minutes not yet folded, per feed, and the days they become. `changed` since the last fit?"""

    def __init__(self) -> None:
        self.changed = False
        self._minutes: dict[str, dict[int, int]] = {}
        self._folded: dict[str, int] = {}
        self._rows: dict[tuple[str, int], npt.NDArray[np.uint16]] = {}
        self._packed_rows: bytes | None = None
        self.parts: npt.NDArray[np.float16] = np.zeros((SLOTS, PARTS), np.float16)

    def put(self, feed: str, minute: int, count: int) -> bool:
        """Set a minute's count; False when the minute was folded before (then nothing changes)."""
        if minute < self._folded.get(feed, 0):
            return False
        self._minutes.setdefault(feed, {})[minute] = count
        return True

    def minutes(self, feed: str) -> dict[int, int]:
        """Minute -> count of what is not folded yet; a minute that is absent had none."""
        return self._minutes.setdefault(feed, {})

    def forget(self, feed: str) -> None:
        """Drop everything learned from a feed (a later generation replaces it)."""
        self._minutes.pop(feed, None)
        self._folded.pop(feed, None)
        for row in [row for row in self._rows if row[0] == feed]:
            del self._rows[row]
        self._touch()

    def leave(self, feed: str) -> None:
        """Let go of a feed's open minutes, because it is not followed from here on; its days stay learned."""
        self._minutes.pop(feed, None)
        self._folded.pop(feed, None)
        self._touch()

    def _touch(self) -> None:
        self.changed = True
        self._packed_rows = None

    def fold(self, feed: str, until: int, zone: ZoneInfo, flagged: Callable[[int, int], bool]) -> bool:
        """Turn all whole slots that end at or before `until` into days.

        The first slot is the first that begins at or after the key's first minute. Of a
        local hour that comes twice the second one counts. `flagged(start, end)`: whether an incident covered the slot. True
        when there was anything to fold.
        """
        minutes = self._minutes.get(feed)
        start = self._folded.get(feed)
        if start is None:
            if not minutes:
                return False
            start = -(-min(minutes) // SLOT) * SLOT
        until = until // SLOT * SLOT
        if until <= start:
            return False
        start = max(start, until - (DAYS_KEPT + 1) * SLOTS * SLOT)
        minutes = minutes if minutes is not None else {}
        for slot in range(start, until, SLOT):
            ordinal, index = slot_of(slot, zone)
            row = self._rows.get((feed, ordinal))
            if row is None:
                row = self._rows[feed, ordinal] = np.full(SLOTS, MISSING, np.uint16)
            third = SLOT // PARTS
            parts = [
                sum(minutes.get(minute, 0) for minute in range(part, part + third, MINUTE))
                for part in range(slot, slot + SLOT, third)
            ]
            code = min(round(5 * sum(parts) ** 0.5), FLAG - 2)
            if flagged(slot, slot + SLOT):
                code |= FLAG
            else:
                self.parts[index] = np.minimum(FADE * self.parts[index].astype(float) + parts, MOST)
            row[index] = code
        left = {minute: count for minute, count in minutes.items() if minute >= until}
        minutes.clear()  # a dict whose items are deleted keeps the room for them
        minutes.update(left)
        self._folded[feed] = until
        while len(self._rows) > DAYS_KEPT:
            del self._rows[min(self._rows, key=lambda row: (row[1], row[0]))]
        self._touch()
        return True

    def leap(self, feed: str, until: int) -> None:
        """Leave the slots of a feed before `until` as they are: those that were not folded were not observed."""
        if feed in self._folded:
            self._folded[feed] = max(self._folded[feed], until // SLOT * SLOT)

    def weight(self) -> float:
        """The calls of past days, older ones less: in proportion between keys that are equally old."""
        return float(self.parts.sum(dtype=np.float64))

    def days(self, kinds: Weekdays = PLAIN) -> Days:
        """The days learned so far, in the order of their dates; `kinds` says which weekday each goes like."""
        order = sorted(self._rows, key=lambda row: (row[1], row[0]))
        codes = np.array([self._rows[row] for row in order], np.uint16).reshape(len(order), SLOTS)
        missing = codes == MISSING
        counts = np.where(missing, np.nan, np.rint(((codes & (FLAG - 1)) / 5.0) ** 2))
        ordinals = np.array([ordinal for _, ordinal in order], np.int64)
        return Days(counts, ~missing & (codes & FLAG > 0), np.array([kinds.of(int(o)) for o in ordinals]), ordinals)

    def learned(self) -> LearnedDays:
        """The days, packed; the same `slots` object until they change."""
        order = sorted(self._rows)
        if self._packed_rows is None:
            self._packed_rows = self._pack_rows(order)
        return LearnedDays(order, self._packed_rows, self.parts.tobytes())

    def _pack_rows(self, order: Sequence[tuple[str, int]]) -> bytes:
        """Slot by slot the change from day to day, high bytes and low bytes apart: what zlib likes best."""
        codes = np.array([self._rows[row] for row in order], np.uint16).reshape(len(order), SLOTS).T
        steps = np.diff(codes, axis=1, prepend=np.uint16(0)).astype("<u2")
        return zlib.compress(steps.reshape(-1).view(np.uint8).reshape(-1, 2).T.tobytes(), 9)

    def pack(self) -> bytes:
        """What is not learned yet."""
        return msgspec.msgpack.encode(_Packed(self._minutes, self._folded, self.changed))

    @classmethod
    def unpack(cls, data: bytes, learned: LearnedDays | None) -> "History":
        """`learned`: None where a former version packed it with the rest."""
        packed = msgspec.msgpack.decode(data, type=_Packed)
        learned = learned or LearnedDays(packed.rows, packed.slots, packed.parts)
        history = cls()
        planes = np.frombuffer(zlib.decompress(learned.slots), np.uint8).reshape(2, -1)
        steps = np.ascontiguousarray(planes.T).view("<u2").reshape(SLOTS, len(learned.rows))
        codes = np.cumsum(steps, axis=1, dtype=np.uint16).T
        history._rows = {row: codes[i].copy() for i, row in enumerate(learned.rows)}
        history._minutes, history._folded = packed.minutes, packed.folded
        history._packed_rows = learned.slots
        history.changed = packed.changed
        history.parts = np.frombuffer(learned.parts, np.float16).reshape(SLOTS, PARTS).copy()
        return history
