"""More calls of some kind than usual among the others: which slices, and the few of thousands that explain it."""

from math import log10
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from deploy.runtime.detection_settings import Concentration as Rules
from deploy.runtime.public_holidays import weekdays
from streams.detection.episode import Episode
from streams.detection.explain import Slice, SliceKey, smallest_set
from streams.detection.keys import MINUTE
from streams.detection.slices import RING, Slices

WINDOWS = (5, 15, 60)
"""Closed minutes that are looked at each minute."""
LOOKS = 4
"""How many times as many false alarms as disjoint windows bring, where a window is looked at every minute."""
WEEK_MINUTES = 7 * 24 * 60
CALM_MINUTES = 15
CALM_SCORE = 2.0
EXPLAINS = 3.0
"""-log10 p from which on a slice may explain a departure that is known already."""
MOST_PARTS = 3
ENOUGH = 0.8
"""Share of a departure from which on enough of it is explained."""
LEAST_PART = 0.1
REMEMBERED = (RING + 60) * MINUTE
"""How long an episode that is over is remembered: until its last hour was learned."""


class Concentration(msgspec.Struct):
    """An open episode of one slice: what it was like over `minutes` when it was last above chance."""

    key: SliceKey
    seen: Slice
    minutes: int
    episode: Episode = msgspec.field(default_factory=Episode)


class Part(NamedTuple):
    """A slice that explains `share` of a departure."""

    key: SliceKey
    share: float


class Over(NamedTuple):
    """An episode that ended: of a slice, from when to when."""

    key: SliceKey
    since: int
    until: int


class _Packed(msgspec.Struct):
    slices: bytes
    open: list[Concentration]
    over: list[Over]


class Concentrations:
    """The slices of one hotline and those that have more calls than usual among the others.

    `country`: whose public holidays are kept.
    """

    def __init__(self, zone: ZoneInfo, country: str = "") -> None:
        self.slices = Slices(zone, weekdays(country))
        self.open: dict[SliceKey, Concentration] = {}
        self.over: list[Over] = []

    def minute(self, minute: int, rules: Rules) -> list[Concentration]:
        """The minute before `minute` is over: bring all episodes forward. Those that began or ended."""
        self.over = [it for it in self.over if it.until > minute - REMEMBERED]
        now_on = [Over(it.key, it.episode.since, minute) for it in self.open.values()]
        self.slices.minute(minute, [*self.over, *now_on])
        if not self.slices.ready:
            return []
        ended = [it for it in self.open.values() if self._calm(it, minute, rules)]
        begun = self._begun(minute, rules)
        for it in ended:
            del self.open[it.key]
            self.over.append(Over(it.key, it.episode.since, minute))
        return [*ended, *begun]

    def _begun(self, minute: int, rules: Rules) -> list[Concentration]:
        begun: list[Concentration] = []
        for minutes in WINDOWS:
            start = minute - minutes * MINUTE
            window = self.slices.window(start, minute)
            above = self.slices.above(window, rules.min_excess)
            if not above:
                continue
            known = [self.slices.of(window, key) for key in (*self.open, *sorted(self._tails(start)))]
            required = self._required(minutes, rules)
            for found in smallest_set(above, required, rules.min_excess, known):
                made = Concentration(found.key, found, minutes)
                made.episode.begin(self._since(found.key, minute, minutes))
                self.open[found.key] = made
                begun.append(made)
        return begun

    def _tails(self, start: int) -> set[SliceKey]:
        """The slices whose episode ended after `start`: a window that long still holds calls of it."""
        return {it.key for it in self.over if it.until > start} - set(self.open)

    def _required(self, minutes: int, rules: Rules) -> dict[str, float]:
        """-log10 p that a slice of each set must reach: the hotline's weekly budget, shared evenly by sets, then slices."""
        sizes = self.slices.sizes()
        trials = len(sizes) * len(WINDOWS) * LOOKS * WEEK_MINUTES / minutes
        return {name: log10(size * trials / rules.false_alarms_per_week) for name, size in sizes.items()}

    def _since(self, key: SliceKey, minute: int, minutes: int) -> int:
        """The minute from which on most of the excess has gathered."""
        most, since = 0.0, minute - MINUTE
        for back in range(1, minutes + 1):
            seen = self.slices.of(self.slices.window(minute - back * MINUTE, minute), key)
            if seen.more > most + 0.5:
                most, since = seen.more, minute - back * MINUTE
        return since

    def _calm(self, it: Concentration, minute: int, rules: Rules) -> bool:
        since = max(it.episode.since, minute - 60 * MINUTE)
        it.seen = self.slices.of(self.slices.window(since, minute), it.key)
        it.minutes = max(1, (minute - since) // MINUTE)
        lately = self.slices.of(self.slices.window(minute - CALM_MINUTES * MINUTE, minute), it.key)
        return it.episode.calm(minute, calm=lately.score < CALM_SCORE, needed=rules.clear_after_s * 1000)

    def begin_anew(self) -> None:
        """The judged feed begins again: what was learned stays, nothing of what was judged does."""
        self.slices.begin_anew()
        self.open.clear()
        self.over.clear()

    def explain(self, since: int, minute: int, share: float) -> list[Part]:
        """The few slices that explain a departure of the whole since `since`, of which `share` of the calls are too many.

        Empty where none does: then all have more, or what is new about the calls is not known yet.
        """
        if not self.slices.ready or share <= 0:
            return []
        window = self.slices.window(max(since, minute - 60 * MINUTE), minute)
        parts: list[Part] = []
        for found in smallest_set(self.slices.above(window, 3), dict.fromkeys(self.slices.sizes(), EXPLAINS), 3):
            too_many = share * float(window.of_set[self.slices.set_of(found.key)])
            part = min(1.0, found.more / too_many)
            if part < LEAST_PART:
                continue
            parts.append(Part(found.key, part))
            if len(parts) == MOST_PARTS or sum(it.share for it in parts) >= ENOUGH:
                break
        return parts if sum(it.share for it in parts) >= 0.5 else []

    def pack(self) -> bytes:
        return msgspec.msgpack.encode(_Packed(self.slices.pack(), list(self.open.values()), self.over))

    @classmethod
    def unpack(cls, zone: ZoneInfo, data: bytes, country: str = "") -> "Concentrations":
        packed = msgspec.msgpack.decode(data, type=_Packed)
        made = cls(zone)
        made.slices = Slices.unpack(zone, packed.slices, weekdays(country))
        made.open, made.over = {it.key: it for it in packed.open}, packed.over
        return made
