"""What is expected of one key: its history, its plan of the day and its level, brought forward minute by minute."""

from math import exp, inf
from zoneinfo import ZoneInfo

import msgspec

from deploy.runtime.public_holidays import weekdays
from streams.contract.local_days import local_day
from streams.detection.announced import Lift, over
from streams.detection.counts import deviance_root, low_score
from streams.detection.departure import forecast
from streams.detection.history import DAYS_KEPT, History, LearnedDays
from streams.detection.incidents import Incidents
from streams.detection.keys import MINUTE
from streams.detection.level import Level, brought, loosened, observe, unknown
from streams.detection.plan import BEFORE, Curve, Plan, plan_for
from streams.detection.profile import fit

STEP = 5 * MINUTE
"""Length of the pieces in which the level takes in counts."""
SETTLE = MINUTE
"""How old counts have to be before the level takes them in."""
LEVELS_KEPT = 15
"""States of the level that are kept: enough for the longest window."""
OPEN = 3 * 3_600_000
"""How long minutes of the judged feed may still be replaced, before they are folded into the history."""
PENDING_MINUTES = DAYS_KEPT * 1440
"""Minutes of a feed to learn from that wait for `complete`, at most; beyond, the older half is taken as it is. They wait
because partitions may be read days apart: until the last has told its share, a minute looks quieter than it was."""
DEAD_CALLS = 8.0
"""Where so many calls were due and none came, the line is closed or dead: that says nothing of how busy the day is."""
DOUBTED = 2.5
"""Deviations below a level that rose not long ago, from which on demand may have come back from it."""


class Packed(msgspec.Struct):
    """All but what was learned. `plan`: where a former version kept it."""

    history: bytes
    plan: Plan | None
    levels: list[Level]
    usual_level: Level | None
    first: int
    taught: bool
    changed: int


class LearnedDemand(msgspec.Struct):
    """The days and the plan made of them: they change every quarter of an hour, all else with every call."""

    history: LearnedDays
    plan: Plan | None


class Expectation:
    """Times in epoch ms, `feed` is the judged one; `incidents` is shared with whoever judges by this.

    `grain`: minutes within which counts are known only as a sum, where they are not told by the minute. `country`:
    whose public holidays are kept.
    """

    def __init__(self, feed: str, zone: ZoneInfo, incidents: Incidents, grain: int = 1, country: str = "") -> None:
        self.feed, self.zone, self.incidents = feed, zone, incidents
        self._weekdays = weekdays(country)
        self._grain = grain
        self._step = max(STEP, grain * MINUTE)
        self.history = History()
        self.plan: Plan | None = None
        self.curve: Curve | None = None
        self.levels: list[Level] = []
        self.usual_level: Level | None = None
        """As it stood when demand last rose above expectation: what it will come back to."""
        self.lifts: tuple[Lift, ...] = ()
        """What the announced events do to this key."""
        self.first = 0
        """The first minute with a call (0: none yet)."""
        self.minutes = self.history.minutes(feed)
        """Minute -> calls, as far as they may still change."""
        self.revision = 0
        """Counts up whenever what is expected of minutes that are over changes."""
        self._changed = 0
        """The earliest minute that came late, after the level had passed it (0: none)."""
        self._taught = False
        self._packed: tuple[bytes, Plan | None, bytes] = (b"", None, b"")

    # ---- what comes in

    def put(self, feed: str, minute: int, count: int) -> bool:
        """Set the calls of a minute; False when it is too old to change anything."""
        if feed == self.feed:
            if self.minutes.get(minute) == count:
                return True
            if count and not 0 < self.first <= minute:
                self.first = minute
            if self.levels and minute < self.levels[-1].at:
                self._changed = min(self._changed or minute, minute)
        taken = self.history.put(feed, minute, count)
        if feed != self.feed and len(self.history.minutes(feed)) > PENDING_MINUTES:
            self.complete(feed, max(self.history.minutes(feed)) - PENDING_MINUTES // 2 * MINUTE)
        return taken

    def complete(self, feed: str, until: int) -> None:
        """Nothing of a feed to learn from changes before `until` any more."""
        if self.history.fold(feed, until, self.zone, lambda _start, _end: False):
            self._taught = True

    def forget(self, feed: str) -> None:
        self.history.forget(feed)
        self.minutes = self.history.minutes(self.feed)

    def begin_anew(self, feed: str) -> None:
        """Follow `feed` from its beginning: what was learned stays."""
        self.history.leave(self.feed)
        self.history.leave(feed)
        self.feed, self.minutes = feed, self.history.minutes(feed)
        self.plan, self.curve, self.levels, self.usual_level = None, None, [], None
        self.first = self._changed = 0
        self.revision += 1

    # ---- time

    def unusual(self, start: int, end: int) -> bool:
        """Whether an incident or an announced event covers any of [start, end)."""
        return self.incidents.cover(start, end) or any(start < it.end and end > it.begin for it in self.lifts)

    def minute(self, now: int) -> bool:
        """A minute begins at `now`: fold, learn, plan, take in the level. True when there is a new plan."""
        if now % (15 * MINUTE) == 0:
            self.history.fold(self.feed, now - OPEN, self.zone, self.unusual)
            self.incidents.forget(now - 2 * OPEN)
        new_day = self.plan is not None and now >= self.plan.end
        # a history is learned as it comes in; from the judged feed itself only once a day
        learned = self.history.changed and (self.plan is None or self._taught)
        announced = self.plan is not None and self.plan.lifts != over(
            self.lifts, self.plan.start - BEFORE, self.plan.end
        )
        planned = False
        if new_day or learned or announced:
            planned = self._make_plan(now, new_day=new_day)
        if self.plan is not None:
            if self._changed and self.levels:
                self.take_again(self._changed)
            self._changed = 0
            if (now - SETTLE) % self._step == 0:
                self._take_in(now - SETTLE)
        return planned

    def leap(self, until: int) -> None:
        """Nothing is known of the time before `until`: no call came for long, and nobody looked."""
        self.history.leap(self.feed, until)

    def _make_plan(self, now: int, *, new_day: bool) -> bool:
        profile = fit(self.history.days(self._weekdays), self._grain)
        self.history.changed = self._taught = False
        if profile is None:
            return False
        day = local_day(now, self.zone)
        self.plan = plan_for(
            profile, self.history.parts.astype(float), day, self.zone, self.lifts, kinds=self._weekdays
        )
        self.curve = Curve(self.plan)
        self.revision += 1
        if new_day:
            self.usual_level = None
        if not (new_day and self.levels):
            self._restart_level(now)
        return True

    def _restart_level(self, now: int) -> None:
        """Begin the level again against a changed profile, with the minutes that are still open."""
        assert self.plan is not None
        done = (now - SETTLE) // self._step * self._step
        first = max(self.plan.start, done - OPEN + self._step)
        self.levels = [unknown(min(first, done), self.plan.spread)]
        known = min(self.minutes, default=done)
        for end in range(first + self._step, done + 1, self._step):
            if end - self._step >= known:
                self._take_in(end)

    def _take_in(self, end: int) -> None:
        """Let the level see the counts of [end - self._step, end)."""
        plan, curve = self.plan, self.curve
        assert plan is not None
        assert curve is not None
        start = end - self._step
        if self.levels[-1].at >= end:
            return
        count = sum(self.minutes.get(minute, 0) for minute in range(start, end, MINUTE))
        before = brought(self.levels[-1], end, plan.start, plan.spread)
        span = curve.span(start, end)
        usual = span.usual
        unheard = not 0 < self.first <= start
        if unheard or (not count and usual * exp(before.mean) >= DEAD_CALLS):
            self._at_level(before)
            return
        back = self._came_back(before, count, usual)
        if back is not None:
            self.levels, self.usual_level = [], None
            self.incidents.not_before = max(self.incidents.not_before, start)
            self.revision += 1
            before = back
        suspect = self.unusual(start, end) and back is None
        if back is None and self.incidents.lasting(end):
            before, suspect = loosened(before, plan.spread), False
        self._at_level(observe(before, count, usual, plan.spread, suspect=suspect, uneven=span.uneven))

    def _came_back(self, level: Level, count: int, usual: float) -> Level | None:
        """The level from before demand rose, if `count` fits it and not the one of now, which learned the rise."""
        if self.usual_level is None or self.plan is None:
            return None
        back = brought(self.usual_level, level.at, self.plan.start, self.plan.spread)
        high, low = usual * exp(level.mean), usual * exp(back.mean)
        unsure = level.variance + self.plan.spread.drift**2
        fits = abs(deviance_root(count, low, unsure)) < -deviance_root(count, high, unsure)
        return back if fits and deviance_root(count, high, unsure) < -DOUBTED else None

    def take_again(self, since: int) -> None:
        """Go back to the level before `since` (as far as levels are kept) and take in anew what came then."""
        kept = [level for level in self.levels if level.at <= since]
        done = self.levels[-1].at
        self.levels = kept or self.levels[:1]
        for end in range((self.levels[-1].at // self._step + 1) * self._step, done + 1, self._step):
            self._take_in(end)
        self.revision += 1

    def _at_level(self, level: Level) -> None:
        self.levels.append(level)
        del self.levels[:-LEVELS_KEPT]

    def rose(self, since: int, *, above: bool) -> None:
        """A departure began: what the level has taken in of it counts for little now."""
        if above and self.usual_level is None:
            known = [level for level in self.levels if level.at <= since]
            self.usual_level = (known or self.levels[:1])[-1]
        self.take_again(since)

    def low_score_of_usual(self, calls: int, expected: float, excess: float, start: int) -> float:
        """-log10 p of so few calls since `start` if demand is back where it was before it last rose.

        `expected`: at the level of now. What never rose cannot come back: then it is impossible.
        """
        if self.usual_level is None or self.plan is None:
            return inf
        back = brought(self.usual_level, start, self.plan.start, self.plan.spread)
        usual = expected * exp(back.mean - forecast(self.levels, start, start, self.plan).mean)
        return low_score(calls, usual, excess)

    # ---- state

    def pack(self) -> Packed:
        """All but what was learned."""
        return Packed(self.history.pack(), None, self.levels, self.usual_level, self.first, self._taught, self._changed)

    def learned(self) -> bytes:
        """What was learned, packed; the same object until that changes."""
        learned = LearnedDemand(self.history.learned(), self.plan)
        slots, plan, packed = self._packed
        if slots is not learned.history.slots or plan is not self.plan:
            packed = msgspec.msgpack.encode(learned)
            self._packed = learned.history.slots, self.plan, packed
        return packed

    @classmethod
    def unpack(
        cls,
        feed: str,
        zone: ZoneInfo,
        incidents: Incidents,
        packed: Packed,
        *,
        learned: bytes | None,
        country: str = "",
    ) -> "Expectation":
        """`learned`: None where a former version packed it with the rest."""
        made = cls(feed, zone, incidents, country=country)
        known = _decode(learned) if learned is not None else None
        made.history = History.unpack(packed.history, known.history if known else None)
        made.minutes = made.history.minutes(feed)
        made.plan, made.levels, made.usual_level = (
            known.plan if known else packed.plan,
            packed.levels,
            packed.usual_level,
        )
        made.curve = Curve(made.plan) if made.plan else None
        made.first, made._taught, made._changed = packed.first, packed.taught, packed.changed
        return made


_decode = msgspec.msgpack.Decoder(LearnedDemand).decode
