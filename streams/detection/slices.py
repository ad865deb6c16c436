"""What a hotline's calls are usually made of, slice by slice: queue, category, district, both, source, ...

A slice is one value of one dimension set. Its share of its set's calls is learned by hour of the day, on working days
and on days off (weekends and public holidays, without weekend days that are worked instead) apart, and drawn towards its
share over all hours where little was seen: so a slice with four calls a day has a usual share at each hour too, and
thousands of them cost half a kilobyte each. What is judged is the share, not the number: a busy day or a dead source
changes all slices alike and is none of their business.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from zlib import compress, decompress
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import numpy.typing as npt

from deploy.runtime.public_holidays import SATURDAY, Weekdays
from streams.detection.explain import Slice, SliceKey
from streams.detection.history import PLAIN, Floats
from streams.detection.keys import HOUR, MINUTE

RING = 192
"""Minutes that may still change; what leaves them is learned. Longer than calls may be late."""
BUCKETS = 48
PRIOR = 100.0
"""Calls that a slice's share over all hours counts for at each hour."""
FADE = 0.97
"""How much of what was learned stays with each new day."""
SPREAD, SPREAD_WEIGHT = 0.05, 50.0
"""Relative variance of a share from hour to hour before anything was seen of it, and what that belief weighs (calls²)."""
LEAST_SPREAD = 0.005
CLIP = 9.0
"""Squared deviations beyond so many variances are rather an incident than spread."""
LEARN_HOURS = 72.0
"""Hours to be learned before anything is judged."""
CLASSIFIED = 0.8
"""A set is judged when at least this much of its usual part of calls has a value: the newest have no category yet."""
MOST_SHARE = 0.9
"""A slice with more of its set's calls than this is nearly the whole of it (the only source, the main channel): its odds
against the rest are not known, and what is new about it is new about the hotline."""
PENDING_MINUTES = 3 * 1440
"""Minutes of a feed to learn from that wait at most until they are complete."""


class Flagged(NamedTuple):
    """A slice, by number, that had more than its part in [since, until)."""

    number: int
    since: int
    until: int


class _Packed(msgspec.Struct):
    keys: list[SliceKey]
    ring: bytes
    roots: bytes
    until: int
    hour: int
    hour_sums: bytes
    hour_root: int
    learned: bytes
    of_set: dict[str, bytes]
    root: bytes
    spread: bytes
    hours: float
    day: int
    flagged: tuple["Flagged", ...]
    pending: dict[str, dict[int, dict[int, int]]]


class Window(NamedTuple):
    """The sums of some closed minutes: of each slice, of each set, and of the hotline; and what is usual of them."""

    calls: Floats
    of_set: Floats
    root: int
    usual: "Usual"


class Usual(NamedTuple):
    """Each slice's share of its set, and the relative variance of what it brings: of the estimate and from hour to hour."""

    share: Floats
    excess: Floats


class Slices:
    """One hotline's slices. Minutes are epoch ms; a minute may be set again until it is `RING` minutes old.

    `kinds`: which weekday a date goes like.
    """

    def __init__(self, zone: ZoneInfo, kinds: Weekdays = PLAIN) -> None:
        self._zone, self._kinds = zone, kinds
        self.keys: list[SliceKey] = []
        self._index: dict[SliceKey, int] = {}
        self._sets: dict[str, int] = {}
        self._set_of = np.zeros(0, np.int64)
        self._ring = np.zeros((RING, 0), np.uint16)
        self._roots = np.zeros(RING, np.int64)
        self._until = 0
        self._hour = 0
        self._hour_sums = np.zeros(0)
        self._hour_root = 0
        self._learned = np.zeros((0, BUCKETS), np.float32)
        self._of_set = np.zeros((0, BUCKETS))
        self._root = np.zeros(BUCKETS)
        self._spread = np.zeros((0, 2), np.float32)
        self._hours = 0.0
        self._day = 0
        self._pending: dict[str, dict[int, dict[int, int]]] = {}
        self._packed_learned: bytes | None = None
        self._flagged: tuple[Flagged, ...] = ()
        self._known: dict[int, Usual] = {}

    # ---- what comes in

    def put(self, minute: int, key: SliceKey | None, count: int) -> None:
        """Set the calls of a slice (None: of the hotline) in a minute of the judged feed."""
        if not self._until:
            self._until = minute
        if minute < self._until - RING * MINUTE:
            return
        self._reach(minute + MINUTE)
        if key is None:
            self._roots[minute // MINUTE % RING] = count
        else:
            number = self._number(key)
            self._ring[minute // MINUTE % RING, number] = min(count, 65_535)

    def teach(self, feed: str, minute: int, key: SliceKey | None, count: int) -> None:
        """Set the calls of a minute of a feed to learn from; learned when it is complete."""
        minutes = self._pending.setdefault(feed, {})
        minutes.setdefault(minute, {})[-1 if key is None else self._number(key)] = count
        if len(minutes) > PENDING_MINUTES:
            self.complete(feed, max(minutes) - PENDING_MINUTES // 2 * MINUTE)

    def complete(self, feed: str, until: int) -> None:
        """Learn the whole hours of a feed that end at or before `until`."""
        minutes = self._pending.get(feed, {})
        hours: dict[int, list[int]] = {}
        for minute in minutes:
            if minute // HOUR * HOUR + HOUR <= until:
                hours.setdefault(minute // HOUR * HOUR, []).append(minute)
        for hour in sorted(hours):
            sums, root = np.zeros(len(self.keys)), 0
            for minute in hours[hour]:
                for number, count in minutes.pop(minute).items():
                    if number < 0:
                        root += count
                    else:
                        sums[number] += count
            self._learn(hour, sums, root, ())

    def forget(self, feed: str) -> None:
        """Drop what a feed told that is not learned yet."""
        self._pending.pop(feed, None)

    def begin_anew(self) -> None:
        """The judged feed begins again: what was learned stays."""
        self._until = self._hour = self._hour_root = 0
        self._ring[:] = 0
        self._roots[:] = 0
        self._hour_sums[:] = 0

    def minute(self, minute: int, flagged: Iterable[tuple[SliceKey, int, int]]) -> None:
        """The minute that begins at `minute` is the open one.

        What each of `flagged` did between its two moments teaches nothing; name it until it has left the ring.
        """
        self._flagged = tuple(Flagged(self._index[key], since, until) for key, since, until in flagged)
        if self._until:
            self._reach(minute)

    def _number(self, key: SliceKey) -> int:
        number = self._index.get(key)
        if number is None:
            number = self._index[key] = len(self.keys)
            self.keys.append(key)
            self._packed_learned = None
            if number >= len(self._set_of):
                self._grow(max(64, 2 * number))
            of_set = self._sets.setdefault(key.dimension_set, len(self._sets))
            if of_set >= len(self._of_set):
                self._of_set = np.vstack([self._of_set, np.zeros((1, BUCKETS))])
            self._set_of[number] = of_set
        return number

    def _grow(self, size: int) -> None:
        more = size - len(self._set_of)
        self._set_of = np.concatenate([self._set_of, np.zeros(more, np.int64)])
        self._ring = np.hstack([self._ring, np.zeros((RING, more), np.uint16)])
        self._hour_sums = np.concatenate([self._hour_sums, np.zeros(more)])
        self._learned = np.vstack([self._learned, np.zeros((more, BUCKETS), np.float32)])
        self._spread = np.vstack([self._spread, np.zeros((more, 2), np.float32)])

    def _reach(self, until: int) -> None:
        """Let minutes up to `until` into the ring: those that leave it are learned, hour by hour."""
        if until - self._until > 8 * RING * MINUTE:  # nothing for a day: what was before is let go
            self.begin_anew()
            self._until = until
        while self._until < until:
            leaving, column = self._until - RING * MINUTE, self._until // MINUTE % RING
            hour = leaving // HOUR * HOUR
            if hour != self._hour:
                if self._hour_root:
                    self._learn(self._hour, self._hour_sums[: len(self.keys)].copy(), self._hour_root, self._odd())
                self._hour, self._hour_root = hour, 0
                self._hour_sums[:] = 0
            self._hour_sums += self._ring[column]
            self._hour_root += int(self._roots[column])
            self._ring[column] = 0
            self._roots[column] = 0
            self._until += MINUTE

    def _odd(self) -> list[int]:
        """The slices that were flagged at some time of the hour that is learned now."""
        return [it.number for it in self._flagged if it.since < self._hour + HOUR and it.until > self._hour]

    def _by_set(self, of_slices: Floats) -> Floats:
        """Sums over the slices of each set."""
        return np.asarray(np.bincount(self._set_of[: len(self.keys)], of_slices, minlength=len(self._of_set)), float)

    # ---- what is usual

    def _bucket(self, at: int) -> tuple[int, int]:
        """(bucket, ordinal of the local day) of a moment."""
        local = datetime.fromtimestamp(at / 1000, self._zone)
        day = local.toordinal()
        return local.hour + (24 if self._kinds.of(day) >= SATURDAY else 0), day

    def _usual(self, bucket: int) -> Usual:
        """What is known of each slice's share in a bucket; kept until something is learned or a slice is new.

        Where little was seen: that of the same hour of the other kind of days, and that over all hours behind it.
        """
        known = self._known.get(bucket)
        if known is not None and len(known.share) == len(self.keys):
            return known
        size, other = len(self.keys), (bucket + 24) % BUCKETS
        of_set, set_of = self._of_set, self._set_of[:size]
        new = self._by_set(np.ones(size))
        share = (self._learned[:size].sum(1, dtype=np.float64) + 1.0) / (of_set.sum(1) + new)[set_of]
        share = (self._learned[:size, other] + PRIOR * share) / (of_set[:, other] + PRIOR)[set_of]
        seen = self._learned[:size, bucket] + PRIOR * share
        known = Usual(seen / (of_set[:, bucket] + PRIOR)[set_of], 1.0 / (seen + 0.5) + self._spreads())
        self._known[bucket] = known
        return known

    def _spreads(self) -> Floats:
        """Relative variance of each slice's share from hour to hour, drawn towards that of its set."""
        size = len(self.keys)
        spread, set_of = self._spread[:size].astype(float), self._set_of[:size]
        over, of = self._by_set(spread[:, 0]), self._by_set(spread[:, 1])
        pooled = np.maximum(LEAST_SPREAD, (over + SPREAD_WEIGHT * SPREAD) / (of + SPREAD_WEIGHT))[set_of]
        own = (spread[:, 0] + SPREAD_WEIGHT * pooled) / (spread[:, 1] + SPREAD_WEIGHT)
        return np.maximum(LEAST_SPREAD, own)

    def _learn(self, hour: int, calls: Floats, root: int, flagged: Sequence[int]) -> None:
        size = len(self.keys)
        calls = np.concatenate([calls, np.zeros(size - len(calls))]) if len(calls) < size else calls[:size]
        bucket, day = self._bucket(hour)
        if day != self._day:
            self._day = day
            self._learned *= np.float32(FADE)
            self._of_set *= FADE
            self._root *= FADE
            self._known.clear()
        if self._hours >= LEARN_HOURS / 2:
            share = self._usual(bucket).share
            calls = self._cleaned(calls, share, flagged)
            usual = share * self._by_set(calls)[self._set_of[:size]]
            off = (calls - usual) ** 2
            most = CLIP * (usual + self._spreads() * usual**2) + 1.0
            teaches = np.ones(size)
            teaches[list(flagged)] = 0.0
            self._spread[:size, 0] += teaches * (np.minimum(off, most) - usual)
            self._spread[:size, 1] += teaches * usual**2
        self._learned[:size, bucket] += calls
        self._of_set[:, bucket] += self._by_set(calls)
        self._root[bucket] += root
        self._hours += 1
        self._packed_learned = None
        self._known.clear()

    def _cleaned(self, calls: Floats, share: Floats, flagged: Sequence[int]) -> Floats:
        """The calls with what is usual among the others of their set in place of what `flagged` slices had."""
        odd, set_of = list(flagged), self._set_of[: len(self.keys)]
        of_odd = np.zeros(len(calls))
        of_odd[odd] = share[odd]
        others = calls.copy()
        others[odd] = 0.0
        whole = self._by_set(others) / (1.0 - np.minimum(self._by_set(of_odd), MOST_SHARE))
        others[odd] = share[odd] * whole[set_of[odd]]
        return others

    # ---- what is there now

    def sizes(self) -> dict[str, int]:
        """Slices of each dimension set."""
        counts = self._by_set(np.ones(len(self.keys)))
        return {name: int(counts[number]) for name, number in self._sets.items()}

    @property
    def ready(self) -> bool:
        return self._hours >= LEARN_HOURS

    def window(self, start: int, end: int) -> Window:
        """The sums of the closed minutes in [start, end), at most `RING` of them."""
        start, end = max(start, self._until - RING * MINUTE), min(end, self._until)
        columns = np.arange(start, end, MINUTE) // MINUTE % RING
        calls = self._ring[columns, : len(self.keys)].sum(0, dtype=np.int64).astype(float)
        roots = self._roots[columns]
        return Window(calls, self._by_set(calls), int(roots.sum()), self._usual_over(start, end, roots))

    def _usual_over(self, start: int, end: int, roots: npt.NDArray[np.int64]) -> Usual:
        """What is usual over minutes of one or more hours, each by its part of the calls."""
        hours: dict[int, int] = {}
        for minute, root in zip(range(start, end, MINUTE), roots.tolist(), strict=True):
            hours[minute // HOUR] = hours.get(minute // HOUR, 0) + root
        parts = [(self._usual(self._bucket(hour * HOUR)[0]), calls + 1e-9) for hour, calls in hours.items()]
        if len(parts) == 1:
            return parts[0][0]
        whole = sum(calls for _, calls in parts)
        return Usual(
            np.asarray(sum(usual.share * (calls / whole) for usual, calls in parts)),
            np.asarray(sum(usual.excess * (calls / whole) for usual, calls in parts)),
        )

    def above(self, window: Window, least: float) -> list[Slice]:
        """The slices with at least `least` calls more than are usual among the others of their set.

        What is expected of a slice follows from the calls of all other slices of its set (and one more: how many they
        are is not known to one), so its own excess does not raise it. Sets in which too many of the calls have no value
        yet are left out, and so are slices that are nearly the whole of their set.
        """
        usual = window.usual
        share = np.minimum(usual.share, MOST_SHARE)
        set_of = self._set_of[: len(self.keys)]
        rest = window.of_set[set_of] - window.calls + 1.0
        expected = share / (1.0 - share) * rest
        known = self._of_set.sum(1) / max(1.0, float(self._root.sum()))
        judged = window.of_set >= CLASSIFIED * known * window.root
        judged_too = judged[set_of] & (usual.share <= MOST_SHARE)
        found = np.flatnonzero((window.calls - expected >= least) & judged_too)
        if not len(found):
            return []
        excess = usual.excess[found] + 1.0 / rest[found]
        return [
            Slice(self.keys[i], int(window.calls[i]), float(expected[i]), float(more))
            for i, more in zip(found.tolist(), excess.tolist(), strict=True)
            if self.keys[i].told
        ]

    def of(self, window: Window, key: SliceKey) -> Slice:
        """One slice in a window, whatever it has."""
        number = self._index[key]
        usual = window.usual
        part = min(MOST_SHARE, float(usual.share[number]))
        rest = float(window.of_set[self._set_of[number]] - window.calls[number]) + 1.0
        excess = float(usual.excess[number]) + 1.0 / rest
        return Slice(key, int(window.calls[number]), part / (1.0 - part) * rest, excess)

    @property
    def nbytes(self) -> int:
        """Memory of the numbers kept, without the names."""
        arrays = (self._set_of, self._ring, self._hour_sums, self._learned, self._spread, self._of_set)
        return sum(array.nbytes for array in arrays)

    def set_of(self, key: SliceKey) -> int:
        """The number of a slice's set in `Window.of_set`."""
        return self._sets[key.dimension_set]

    # ---- state

    def pack(self) -> bytes:
        size = len(self.keys)
        if self._packed_learned is None:
            self._packed_learned = compress(self._learned[:size].tobytes(), 1)
        packed = _Packed(
            self.keys,
            compress(self._ring[:, :size].tobytes(), 1),
            self._roots.tobytes(),
            self._until,
            self._hour,
            self._hour_sums[:size].tobytes(),
            self._hour_root,
            self._packed_learned,
            {name: self._of_set[number].tobytes() for name, number in self._sets.items()},
            self._root.tobytes(),
            self._spread[:size].tobytes(),
            self._hours,
            self._day,
            self._flagged,
            self._pending,
        )
        return msgspec.msgpack.encode(packed)

    @classmethod
    def unpack(cls, zone: ZoneInfo, data: bytes, kinds: Weekdays = PLAIN) -> "Slices":
        packed = msgspec.msgpack.decode(data, type=_Packed)
        made, size = cls(zone, kinds), len(packed.keys)
        made._sets = {name: number for number, name in enumerate(packed.of_set)}
        made._of_set = np.array([np.frombuffer(row) for row in packed.of_set.values()]).reshape(-1, BUCKETS)
        for key in packed.keys:
            made._number(key)
        made._ring[:, :size] = np.frombuffer(decompress(packed.ring), np.uint16).reshape(RING, size)
        made._roots = np.frombuffer(packed.roots, np.int64).copy()
        made._hour_sums[:size] = np.frombuffer(packed.hour_sums)
        made._learned[:size] = np.frombuffer(decompress(packed.learned), np.float32).reshape(size, BUCKETS)
        made._root = np.frombuffer(packed.root).copy()
        made._spread[:size] = np.frombuffer(packed.spread, np.float32).reshape(size, 2)
        made._until, made._hour, made._hour_root = packed.until, packed.hour, packed.hour_root
        made._hours, made._day, made._pending = packed.hours, packed.day, packed.pending
        made._packed_learned, made._flagged = packed.learned, packed.flagged
        return made
