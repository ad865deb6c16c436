"""Demand of one key: its history, plan, level and departures, brought forward minute by minute."""

from math import exp
from zoneinfo import ZoneInfo

import msgspec

from deploy.runtime.settings import Demand as DemandRules
from deploy.runtime.settings import QueueSilence
from streams.detection.announced import Lift, over
from streams.detection.calendar import local_day
from streams.detection.counts import deviance_root, deviation, low_score
from streams.detection.departure import (
    HALF_MINUTE,
    LEAST_ELAPSED,
    SAMPLE_EVERY,
    Look,
    Window,
    forecast,
    look,
    onset,
    out_of_band,
    required_score,
    windows,
)
from streams.detection.episode import Episode
from streams.detection.history import DAYS_KEPT, History
from streams.detection.keys import MINUTE
from streams.detection.level import Level, brought, doubt, loosened, observe, unknown
from streams.detection.plan import BEFORE, Curve, Plan, Readiness, plan_for, readiness
from streams.detection.profile import fit
from streams.detection.scale import CHECKED, LEAST_EXPECTED, Scales
from streams.detection.silence import Silence, silence_required

STEP = 5 * MINUTE
"""The level takes in counts in pieces of this length,"""
SETTLE = MINUTE
"""when they are this old;"""
LEVELS_KEPT = 15
"""so many states of it are kept: enough for the longest window."""
OPEN = 3 * 3_600_000
"""Minutes of the judged feed stay replaceable so long before they are folded into the history."""
PENDING_MINUTES = DAYS_KEPT * 1440
"""Minutes of a feed to learn from that wait at most for `complete`; then the older half is taken as it is. They wait
because partitions may be read days apart: until the last has told its share, a minute looks quieter than it was."""
DEAD_CALLS = 8.0
"""No call at all where so many were due: the line is closed or dead, which says nothing of how busy the day is."""
BAND_MINUTES = 5
DOUBTED = 2.5
"""So many deviations below a level that rose not long ago, demand may have come back from it."""
QUIET_DAYS = 8.0
"""-log10 p that a shortfall must reach beyond what the budget asks: holidays and half days that nobody told of are no
incidents, and hardly less rare than they."""
BELIEVED_FOR = 2 * 3_600_000
"""A departure that lasts longer is taken for the level of the day."""


class Packed(msgspec.Struct):
    history: bytes
    plan: Plan | None
    levels: list[Level]
    episode: Episode
    below: Episode
    silence: Silence
    flagged: list[tuple[int, int]]
    not_before: int
    blind_until: int
    first: int
    taught: bool
    samples: list[tuple[int, int]]
    changed: int
    scales: Scales = msgspec.field(default_factory=Scales)
    usual_level: Level | None = None


class Demand:
    """Pure state machine; times in epoch ms, `feed` is the judged one.

    `grain`: minutes within which counts are known only as a sum, where they are not told by the minute.
    """

    def __init__(self, feed: str, zone: ZoneInfo, grain: int = 1) -> None:
        self.feed, self.zone = feed, zone
        self._grain = grain
        self._step = max(STEP, grain * MINUTE)
        self.history = History()
        self.plan: Plan | None = None
        self.curve: Curve | None = None
        self.levels: list[Level] = []
        self.episode, self.below, self.silence = Episode(), Episode(), Silence()
        self.flagged: list[tuple[int, int]] = []
        self.not_before = 0
        self.blind_until = self.first = 0
        self._changed = 0
        """The earliest minute that came late, after the level had passed it (0: none)."""
        self._taught = False
        self._samples: list[tuple[int, int]] = []
        self._windows: tuple[int, list[Window]] = (-1, [])
        self.lifts: tuple[Lift, ...] = ()
        """Of all announced events."""
        self.scales = Scales()
        self.usual_level: Level | None = None
        """As it stood when demand last rose above expectation: what it will come back to."""
        self._minutes = self.history.minutes(feed)

    # ---- what comes in

    def put(self, feed: str, minute: int, count: int) -> bool:
        """Set the calls of a minute; False when it is too old to change anything."""
        if feed == self.feed:
            if self._minutes.get(minute) == count:
                return True
            if minute < self._windows[0]:
                self._windows = (-1, [])
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
        self._minutes = self.history.minutes(self.feed)

    def begin_anew(self, feed: str) -> None:
        """Judge `feed` from its beginning: what was learned stays, nothing of what was judged until now does."""
        self.history.leave(self.feed)
        self.history.leave(feed)
        self.feed, self._minutes = feed, self.history.minutes(feed)
        self.plan, self.curve, self.levels = None, None, []
        self.episode, self.below, self.silence = Episode(), Episode(), Silence()
        self.flagged, self.not_before, self.blind_until, self.first = [], 0, 0, 0
        self._samples, self._windows, self._changed = [], (-1, []), 0
        self.usual_level = None

    # ---- time

    def _in_incident(self, start: int, end: int) -> bool:
        open_since = [episode.since for episode in (self.episode, self.below, self.silence.episode) if episode.active]
        odd = any(end > since for since in open_since) or any(start < b and end > a for a, b in self.flagged)
        return odd or any(start < it.end and end > it.begin for it in self.lifts)

    def minute(self, now: int) -> bool:
        """A minute begins at `now`: fold, learn, plan, take in the level. True when there is a new plan."""
        if now % (15 * MINUTE) == 0:
            self.history.fold(self.feed, now - OPEN, self.zone, self._in_incident)
            self.flagged = [span for span in self.flagged if span[1] > now - 2 * OPEN]
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
                self._take_again(self._changed)
            self._changed = 0
            if (now - SETTLE) % self._step == 0:
                self._take_in(now - SETTLE)
        return planned

    def _make_plan(self, now: int, *, new_day: bool) -> bool:
        profile = fit(self.history.days(), self._grain)
        self.history.changed = self._taught = False
        if profile is None:
            return False
        day = local_day(now, self.zone)
        self.plan = plan_for(profile, self.history.parts.astype(float), day, self.zone, self.lifts)
        self.curve = Curve(self.plan)
        self._windows = (-1, [])
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
        known = min(self._minutes, default=done)
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
        count = sum(self._minutes.get(minute, 0) for minute in range(start, end, MINUTE))
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
            self.not_before = max(self.not_before, start)
            self._windows = (-1, [])
            before = back
        suspect = self._in_incident(start, end) and back is None
        if back is None and any(it.active and end - it.since > BELIEVED_FOR for it in (self.episode, self.below)):
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

    def _take_again(self, since: int) -> None:
        """Go back to the level before `since` (as far as levels are kept) and take in anew what came then."""
        kept = [level for level in self.levels if level.at <= since]
        done = self.levels[-1].at
        self.levels = kept or self.levels[:1]
        for end in range((self.levels[-1].at // self._step + 1) * self._step, done + 1, self._step):
            self._take_in(end)
        self._windows = (-1, [])

    def _at_level(self, level: Level) -> None:
        self.levels.append(level)
        del self.levels[:-LEVELS_KEPT]

    # ---- judgement

    def looks(self, now: int, slack: int) -> list[Look]:
        """All tests at `now`; `slack` ms are added to the elapsed part of the open minute."""
        plan, curve = self.plan, self.curve
        if plan is None or curve is None:
            return []
        minute, elapsed = now // MINUTE * MINUTE, now % MINUTE
        if self._windows[0] != minute:
            made = windows(
                minute,
                counts=self._minutes,
                plan=plan,
                curve=curve,
                levels=self.levels,
                not_before=self.not_before,
                scales=self.scales,
                grain=self._grain,
            )
            self._windows = (minute, made)
        opened, usual = self._open(now, slack)
        seen = [
            look(window, opened, usual, plan.spread.dispersion)
            for window in self._windows[1]
            if window.minutes or elapsed >= LEAST_ELAPSED
        ]
        return [*self._half_minute(now, slack), *seen] if elapsed else seen

    def check(self, minute: int) -> None:
        """Learn at the border where `minute` begins how far ordinary windows lie from their forecast."""
        plan = self.plan
        if minute % (CHECKED[0] * MINUTE) or plan is None or readiness(plan) is not Readiness.READY:
            return
        for seen in self.looks(minute, 0):
            length = seen.minutes * MINUTE
            if seen.minutes not in CHECKED or minute % length or seen.expected < LEAST_EXPECTED:
                continue
            if seen.start >= self.first > 0 and not self._in_incident(seen.start, minute):
                self.scales.put(seen.minutes, deviation(seen.calls, seen.expected, seen.excess))

    def sample(self, now: int) -> None:
        """Remember what stands in the open minute at this tick, for tests that begin inside a minute."""
        if not self._samples or now - self._samples[-1][0] >= SAMPLE_EVERY:
            self._samples.append((now, self._minutes.get(now // MINUTE * MINUTE, 0)))
            self._samples = [sample for sample in self._samples if now - sample[0] <= 2 * HALF_MINUTE]

    def forget_samples(self) -> None:
        """The clock jumped: what was sampled before says nothing of the pace since."""
        self._samples.clear()

    def _half_minute(self, now: int, slack: int) -> list[Look]:
        """The test over the last half minute, if a sample about that old exists."""
        plan, curve = self.plan, self.curve
        assert plan is not None
        assert curve is not None
        fitting = [s for s in self._samples if HALF_MINUTE - SAMPLE_EVERY < now - s[0] <= HALF_MINUTE]
        if not fitting or fitting[0][0] < self.not_before:
            return []
        at, before = fitting[0]
        minute, begun = now // MINUTE * MINUTE, at // MINUTE * MINUTE
        calls = self._minutes.get(minute, 0) - before
        if begun < minute:
            calls += self._minutes.get(begun, 0)
        pace = curve.minutes(minute, minute + MINUTE) / MINUTE
        [window, *_] = self._windows[1]
        window = window._replace(start=at, calls=calls, usual=pace * (now - at + slack))
        return [look(window, 0, 0.0, plan.spread.dispersion)]

    def judge(self, now: int, slack: int, keys: int, rules: DemandRules) -> bool:
        """Bring the episode of demand above expectation forward to `now`; True when it began or ended."""
        if readiness(self.plan) is not Readiness.READY:
            return self._stop(self.episode, now)
        looks = self.looks(now, slack)
        if not self.episode.active:
            margin, found = 0.0, None
            for seen in looks:
                above = seen.score - required_score(seen.minutes, keys, rules.false_alarms_per_week, self._grain)
                if above >= margin and seen.calls - seen.expected >= rules.min_excess:
                    margin, found = above, seen
            if found is not None:
                self._begin(self.episode, now, found)
            return found is not None
        return self._calm(self.episode, now, looks, rules)

    def judge_below(self, minute: int, keys: int, rules: DemandRules) -> bool:
        """Bring the episode of demand below expectation forward to the border where `minute` begins.

        Not before the first call of the feed; not while a source is silent, nor while the queue is: those explain
        it, and after a minute without any call they are given time to. Windows under five minutes are left out:
        what comes a little late is missing in them, and silence of a source is not known before that.
        """
        seen_from = max(self.blind_until, self.first)
        explained = minute <= self.blind_until or self.silence.episode.active
        if explained or readiness(self.plan) is not Readiness.READY:
            return self._stop(self.below, minute)
        looks = [seen for seen in self.looks(minute, 0) if seen.minutes >= BAND_MINUTES]
        if self.below.active:
            return self._calm(self.below, minute, looks, rules)
        if not self._minutes.get(minute - MINUTE, 0):
            return False
        margin, found = 0.0, None
        for seen in looks:
            required = required_score(seen.minutes, keys, rules.false_alarms_per_week, self._grain) + QUIET_DAYS
            above = seen.low_score - required
            short = seen.expected - seen.calls >= rules.min_shortfall
            if above >= margin and short and 0 < seen_from <= seen.start:
                margin, found = above, seen
        if found is None or self._is_back(found):
            return False
        self._begin(self.below, minute, found)
        return True

    def _is_back(self, seen: Look) -> bool:
        """Whether what looks like a shortfall is what was usual before demand rose."""
        if self.usual_level is None or self.plan is None:
            return False
        back = brought(self.usual_level, seen.start, self.plan.start, self.plan.spread)
        usual = seen.expected * exp(back.mean - forecast(self.levels, seen.start, seen.start, self.plan).mean)
        return low_score(seen.calls, usual, seen.excess) < QUIET_DAYS

    def judge_silence(self, minute: int, queues: int, rules: QueueSilence) -> bool:
        """Bring the silence forward to the border where `minute` begins, one settled minute behind."""
        silence, plan, curve = self.silence, self.plan, self.curve
        if plan is None or curve is None or readiness(self.plan) is not Readiness.READY:
            return self._stop(silence.episode, minute)
        settled = minute - SETTLE
        heard = any(self._minutes.get(at, 0) for at in range(max(silence.since, minute - OPEN), minute, MINUTE))
        if not (heard or silence.since):
            return False
        if heard or minute <= self.blind_until:
            silence.heard(minute, exp(self.levels[-1].mean), doubt(self.levels[-1], plan.spread) + plan.variance)
            return self._stop(silence.episode, minute)
        for at in range(max(silence.until, settled - 60 * MINUTE), settled, MINUTE):
            silence.nothing(at, curve.due(at))
        required = silence_required(7 * curve.day, queues, rules.false_alarms_per_week)
        return silence.judge(minute, rules, dispersion=plan.spread.dispersion, required=required)

    def blind(self, minute: int) -> None:
        """What came in the minute before `minute` cannot be seen whole: it teaches nothing, and nothing is missed."""
        begin = minute - MINUTE
        if self.flagged and self.flagged[-1][1] == self.blind_until == begin:
            begin = self.flagged.pop()[0]
        self.flagged.append((begin, minute))
        self.blind_until = minute

    def _calm(self, episode: Episode, now: int, looks: list[Look], rules: DemandRules) -> bool:
        """Whether an open episode ended because the last five minutes have been in the band for long enough."""
        band = [seen for seen in looks if seen.minutes <= max(BAND_MINUTES, self._grain)]
        calm = bool(band) and not out_of_band(band[-1], below=episode is self.below)
        if not episode.calm(now, calm=calm, needed=rules.clear_after_s * 1000):
            return False
        self._end(episode, episode.calm_since or now)
        return True

    def _stop(self, episode: Episode, now: int) -> bool:
        if not episode.active:
            return False
        self._end(episode, now)
        return True

    def _end(self, episode: Episode, at: int) -> None:
        episode.active = False
        self.flagged.append((episode.since, at))
        self.not_before = at // MINUTE * MINUTE
        self._samples.clear()
        self._windows = (-1, [])

    def _begin(self, episode: Episode, now: int, seen: Look) -> None:
        assert self.plan is not None
        assert self.curve is not None
        minute = now // MINUTE * MINUTE
        opened, usual = self._open(now, 0)
        gain = exp(forecast(self.levels, seen.start, (seen.start + now) // 2, self.plan).mean)
        first = max(seen.start // MINUTE * MINUTE - 15 * MINUTE, minute - 60 * MINUTE, self.not_before)
        closed = [
            (at, self._minutes.get(at, 0), gain * self.curve.minutes(at, at + MINUTE))
            for at in range(first, minute, MINUTE)
        ]
        below = episode is self.below
        episode.begin(onset(closed, minute, opened, gain * usual, now - minute, below=below))
        if not below and self.usual_level is None:
            known = [level for level in self.levels if level.at <= episode.since]
            self.usual_level = (known or self.levels[:1])[-1]
        self._take_again(episode.since)  # what the level has taken in of it counts for little now

    def departure(self, episode: Episode, now: int, slack: int) -> Look:
        """An episode as one look: from its first minute, at most the last hour."""
        plan, curve = self.plan, self.curve
        assert plan is not None
        assert curve is not None
        minute = now // MINUTE * MINUTE
        start = max(episode.since // MINUTE * MINUTE, minute - 60 * MINUTE)
        level = forecast(self.levels, start, (start + minute) // 2, plan)
        count = sum(self._minutes.get(at, 0) for at in range(start, minute, MINUTE))
        window = Window(
            start,
            (minute - start) // MINUTE,
            count,
            curve.minutes(start, minute),
            exp(level.mean),
            doubt(level, plan.spread) + plan.variance + curve.span(start, minute).uneven,
        )
        return look(window, *self._open(now, slack), plan.spread.dispersion)

    def _open(self, now: int, slack: int) -> tuple[int, float]:
        """(calls, usual calls) of the open minute so far; nothing at a minute's border."""
        assert self.curve is not None
        minute, elapsed = now // MINUTE * MINUTE, now % MINUTE
        if not elapsed:
            return 0, 0.0
        share = min(1.0, (elapsed + slack) / MINUTE)
        return self._minutes.get(minute, 0), self.curve.minutes(minute, minute + MINUTE) * share

    # ---- state

    def pack(self) -> Packed:
        return Packed(
            self.history.pack(),
            self.plan,
            self.levels,
            self.episode,
            self.below,
            self.silence,
            self.flagged,
            self.not_before,
            self.blind_until,
            self.first,
            self._taught,
            self._samples,
            self._changed,
            self.scales,
            self.usual_level,
        )

    @classmethod
    def unpack(cls, feed: str, zone: ZoneInfo, packed: Packed) -> "Demand":
        demand = cls(feed, zone)
        demand.history = History.unpack(packed.history)
        demand._minutes = demand.history.minutes(feed)
        demand.plan, demand.levels, demand.episode = packed.plan, packed.levels, packed.episode
        demand.curve = Curve(packed.plan) if packed.plan else None
        demand.below, demand.silence, demand.blind_until = packed.below, packed.silence, packed.blind_until
        demand.scales, demand.usual_level = packed.scales, packed.usual_level
        demand.first, demand._samples = packed.first, packed.samples
        demand.flagged, demand.not_before, demand._taught = packed.flagged, packed.not_before, packed.taught
        demand._changed = packed.changed
        return demand
