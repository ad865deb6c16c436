"""Demand of one key: what departs from its expectation, above and below, and queues in which nobody calls at all."""

from collections.abc import Callable, Sequence
from math import exp
from zoneinfo import ZoneInfo

import msgspec

from deploy.runtime.detection_settings import Demand as DemandRules
from deploy.runtime.detection_settings import QueueSilence
from streams.detection import young
from streams.detection.announced import Lift
from streams.detection.counts import deviation, tail_score
from streams.detection.departure import (
    HALF_MINUTE,
    LEAST_ELAPSED,
    SAMPLE_EVERY,
    WINDOWS,
    Look,
    Window,
    forecast,
    look,
    onset,
    out_of_band,
    required_score,
    widths_of,
    windows,
)
from streams.detection.episode import Episode
from streams.detection.expectation import OPEN, SETTLE, Expectation
from streams.detection.expectation import Packed as PackedExpectation
from streams.detection.history import History
from streams.detection.incidents import Incidents
from streams.detection.keys import MINUTE
from streams.detection.level import Level, doubt, odd_day
from streams.detection.plan import Curve, Plan, Readiness, readiness
from streams.detection.scale import CHECKED, LEAST_EXPECTED, Scales
from streams.detection.silence import Silence, Stretches, silence_required

BAND_MINUTES = 5
QUIET_DAYS = 8.0
"""-log10 p that a shortfall must reach beyond what the budget asks: holidays and half days that nobody told of are about
as rare as incidents, and are none."""

WHOLE_WEEK = 6.5
"""Days to be learned before a shortfall is judged: by then the quietest day of the week was seen, or has begun."""

_NO_WINDOWS: tuple[int, int, list[Window]] = (-1, -1, [])


class PackedDemand(msgspec.Struct):
    expectation: PackedExpectation
    incidents: Incidents
    samples: list[tuple[int, int]]
    scales: Scales
    pace: float = 0.0
    stretches: Stretches = msgspec.field(default_factory=Stretches)


class Demand:
    """Pure state machine; times in epoch ms, `feed` is the judged one. `grain` and `country` as in `Expectation`."""

    def __init__(self, feed: str, zone: ZoneInfo, grain: int = 1, country: str = "") -> None:
        self._grain = grain
        self.incidents = Incidents()
        self.expectation = Expectation(feed, zone, self.incidents, grain, country)
        self.scales = Scales()
        self.stretches = Stretches()
        self._samples: list[tuple[int, int]] = []
        self._windows = _NO_WINDOWS
        self._at_border: tuple[list[Window], list[Look]] = ([], [])
        self._widths = widths_of(self.scales)
        self.pace = 0.0
        """Calls a minute that were expected when `episode` began on a young key (0: it was not young)."""

    @property
    def feed(self) -> str:
        return self.expectation.feed

    @property
    def history(self) -> History:
        return self.expectation.history

    @property
    def plan(self) -> Plan | None:
        return self.expectation.plan

    @property
    def curve(self) -> Curve | None:
        return self.expectation.curve

    @property
    def levels(self) -> list[Level]:
        return self.expectation.levels

    @property
    def lifts(self) -> tuple[Lift, ...]:
        return self.expectation.lifts

    @property
    def episode(self) -> Episode:
        return self.incidents.episode

    @property
    def below(self) -> Episode:
        return self.incidents.below

    @property
    def silence(self) -> Silence:
        return self.incidents.silence

    def put(self, feed: str, minute: int, count: int) -> bool:
        """Set the calls of a minute; False when it is too old to change anything."""
        if feed == self.feed and minute < self._windows[0] and self.expectation.minutes.get(minute) != count:
            self._windows = _NO_WINDOWS
        return self.expectation.put(feed, minute, count)

    def begin_anew(self, feed: str) -> None:
        """Judge `feed` from its beginning: what was learned stays, nothing of what was judged until now does."""
        self.incidents = Incidents()
        self.expectation.incidents = self.incidents
        self.expectation.begin_anew(feed)
        self._samples, self._windows, self.pace = [], _NO_WINDOWS, 0.0

    # ---- judgement

    def looks(self, now: int, slack: int) -> list[Look]:
        """All tests at `now`; `slack` ms are added to the elapsed part of the open minute."""
        plan, curve = self.plan, self.curve
        if plan is None or curve is None:
            return []
        minute, elapsed = now // MINUTE * MINUTE, now % MINUTE
        if self._windows[:2] != (minute, self.expectation.revision):
            made = windows(
                minute,
                counts=self.expectation.minutes,
                plan=plan,
                curve=curve,
                levels=self.levels,
                not_before=self.incidents.not_before,
                widths=self._widths,
                grain=self._grain,
            )
            self._windows = (minute, self.expectation.revision, made)
        tests = self._windows[2]
        if not elapsed:
            if self._at_border[0] is not tests:  # asked for by everybody who judges there
                closed = [look(window, 0, 0.0, plan.spread.dispersion) for window in tests if window.minutes]
                self._at_border = tests, closed
            return self._at_border[1]
        opened, usual = self._open(now, slack)
        seen = [
            look(window, opened, usual, plan.spread.dispersion)
            for window in tests
            if window.minutes or elapsed >= LEAST_ELAPSED
        ]
        return [*self._half_minute(now, slack), *seen]

    def check(self, minute: int) -> None:
        """Learn at the border where `minute` begins how far ordinary windows lie from their forecast."""
        plan = self.plan
        if minute % (CHECKED[0] * MINUTE) or plan is None or readiness(plan) is not Readiness.READY:
            return
        for seen in self.looks(minute, 0):
            length = seen.minutes * MINUTE
            if seen.minutes not in CHECKED or minute % length or seen.expected < LEAST_EXPECTED:
                continue
            if seen.start >= self.expectation.first > 0 and not self.expectation.unusual(seen.start, minute):
                self.scales.put(seen.minutes, deviation(seen.calls, seen.expected, seen.excess))
                self._widths = widths_of(self.scales)

    def sample(self, now: int) -> None:
        """Remember what stands in the open minute at this tick, for tests that begin inside a minute."""
        if not self._samples or now - self._samples[-1][0] >= SAMPLE_EVERY:
            self._samples.append((now, self.expectation.minutes.get(now // MINUTE * MINUTE, 0)))
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
        if not fitting or fitting[0][0] < self.incidents.not_before:
            return []
        at, before = fitting[0]
        minute, begun = now // MINUTE * MINUTE, at // MINUTE * MINUTE
        calls = self.expectation.minutes.get(minute, 0) - before
        if begun < minute:
            calls += self.expectation.minutes.get(begun, 0)
        pace = curve.minutes(minute, minute + MINUTE) / MINUTE
        [window, *_] = self._windows[2]
        window = window._replace(start=at, calls=calls, usual=pace * (now - at + slack))
        return [look(window, 0, 0.0, plan.spread.dispersion)]

    def judge(self, now: int, slack: int, keys: int, rules: DemandRules, whole: "Demand | None" = None) -> bool:
        """Bring the episode of demand above expectation forward to `now`; True when it began or ended.

        `whole`: the hotline's demand, whose day a young key is taken to follow.
        """
        if readiness(self.plan) is not Readiness.READY:
            return now % MINUTE == 0 and self._judge_young(now, keys, rules, whole)
        if not self.episode.active and not self._called(now, WINDOWS[-1], rules.min_excess):
            return False
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

    def _called(self, now: int, minutes: int, least: int) -> bool:
        """Whether at least `least` calls came in the open minute and so many before it."""
        minute, calls = now // MINUTE * MINUTE, 0
        for at in range(minute, minute - (minutes + 1) * MINUTE, -MINUTE):
            calls += self.expectation.minutes.get(at, 0)
            if calls >= least:
                return True
        return False

    def young_looks(self, minute: int, whole: "Demand | None" = None) -> list[Look]:
        """What can be told, at the border where `minute` begins, of a key that has not learned enough."""
        if not self.expectation.first:
            return []
        return young.looks(
            self.expectation.minutes,
            minute,
            since=max(self.expectation.first, self.incidents.not_before),
            shapes=self._shapes(whole),
            zone=self.expectation.zone,
            grain=self._grain,
        )

    def _shapes(self, whole: "Demand | None") -> Sequence[Curve]:
        """The days that a young key may go like: its own, as far as one was seen, and the hotline's."""
        own = self.curve if self.plan is not None and self.plan.days_learned >= young.WHOLE_DAY else None
        of_whole = whole.curve if whole is not None and readiness(whole.plan) is Readiness.READY else None
        return [curve for curve in (own, of_whole) if curve is not None]

    def _judge_young(self, minute: int, keys: int, rules: DemandRules, whole: "Demand | None") -> bool:
        if self.episode.active:
            if not self.pace or self.incidents.lasting(minute):
                return self._stop(self.episode, minute)
            band = self._at_pace(minute - max(BAND_MINUTES, self._grain) * MINUTE, minute)
            return self._calm(self.episode, minute, [band], rules)
        for seen in self.young_looks(minute, whole):
            gross = seen.score >= required_score(seen.minutes, keys, rules.false_alarms_per_week, self._grain)
            if gross and seen.calls - seen.expected >= rules.min_excess:
                self._begin_young(minute, seen)
                return True
        return False

    def _begin_young(self, minute: int, seen: Look) -> None:
        self.pace = seen.expected / seen.minutes
        minutes = range(seen.start, minute, MINUTE)
        closed = [(at, self.expectation.minutes.get(at, 0), self.pace) for at in minutes]
        self.episode.begin(onset(closed, minute, 0, 0.0, 0))
        if self.levels:
            self.expectation.rose(self.episode.since, above=True)

    def _at_pace(self, start: int, minute: int) -> Look:
        """The calls of [start, minute) against the pace that was expected when the episode of a young key began."""
        expected = self.pace * (minute - start) / MINUTE
        calls = sum(self.expectation.minutes.get(at, 0) for at in range(start, minute, MINUTE))
        excess = young.RESTLESS
        return Look(start, (minute - start) // MINUTE, calls, expected, excess, tail_score(calls, expected, excess))

    def judge_below(self, minute: int, keys: int, rules: DemandRules) -> bool:
        """Bring the episode of demand below expectation forward to the border where `minute` begins.

        Not before the first call of the feed; not while a source is silent, nor while the queue is: those explain
        it, and after a minute without any call they are given time to. Not in the first week: what a quiet day is like
        has to be seen once. Windows under five minutes are left out:
        what comes a little late is missing in them, and silence of a source is not known before that.
        """
        seen_from = max(self.incidents.blind_until, self.expectation.first)
        explained = minute <= self.incidents.blind_until or self.silence.episode.active
        plan = self.plan
        if explained or plan is None or readiness(plan) is not Readiness.READY or plan.days_learned < WHOLE_WEEK:
            return self._stop(self.below, minute)
        if not self.below.active and not self.expectation.minutes.get(minute - MINUTE, 0):
            return False
        looks = [seen for seen in self.looks(minute, 0) if seen.minutes >= BAND_MINUTES]
        if self.below.active:
            return self._calm(self.below, minute, looks, rules)
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
        score = self.expectation.low_score_of_usual(seen.calls, seen.expected, seen.excess, seen.start)
        return score < QUIET_DAYS

    def judge_silence(
        self, minute: int, keys: int, rules: QueueSilence, explained: Callable[[], float], *, silenced: bool = False
    ) -> bool:
        """Bring the silence forward to the border where `minute` begins, one settled minute behind.

        `keys`: of which silence is judged. `explained`: the part of the calls that are missed for a reason told elsewhere.
        `silenced`: all are, as nobody calls the hotline.
        True when there is something to tell.
        """
        silence, plan, curve = self.silence, self.plan, self.curve
        known = plan is not None and curve is not None and readiness(plan) is Readiness.READY
        if plan is None or curve is None or not (known or silence.gone):
            silence.unknown(minute)
            return self._stop(silence.episode, minute)
        settled = minute - SETTLE
        heard = self._called(minute - MINUTE, (minute - max(silence.since, minute - OPEN)) // MINUTE - 1, 1)
        if not (heard or silence.since):
            return False
        if heard or minute <= self.incidents.blind_until:
            ended = silence.episode.active
            if silence.gone:
                self._end(silence.episode, minute)
            elif heard:
                silence.ended(self.stretches, plan.spread.dispersion)
            level = exp(self.levels[-1].mean), doubt(self.levels[-1], plan.spread) + plan.variance
            if silenced and not heard:
                silence.explained(minute, *level)
            else:
                silence.heard(minute, *level)
            return ended
        if not known:
            silence.unknown(minute)
            return self._stop(silence.episode, minute)
        for at in range(max(silence.until, settled - 60 * MINUTE), settled, MINUTE):
            silence.nothing(at, curve.due(at))
        required = silence_required(7 * curve.day, keys, rules.false_alarms_per_week)
        return silence.judge(
            minute,
            rules,
            dispersion=plan.spread.dispersion,
            stretches=self.stretches,
            required=required,
            explained=explained,
        )

    def blind(self, minute: int, since: int) -> None:
        """What came from `since` to the border where `minute` begins cannot be seen whole."""
        self.incidents.blind(minute, since)

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
        self.incidents.end(episode, at, teaches=episode is self.episode and self.pace > 0)
        self._samples.clear()
        self._windows = _NO_WINDOWS

    def _begin(self, episode: Episode, now: int, seen: Look) -> None:
        assert self.plan is not None
        assert self.curve is not None
        minute = now // MINUTE * MINUTE
        opened, usual = self._open(now, 0)
        gain = exp(forecast(self.levels, seen.start, (seen.start + now) // 2, self.plan).mean)
        first = max(seen.start // MINUTE * MINUTE - 15 * MINUTE, minute - 60 * MINUTE, self.incidents.not_before)
        closed = [
            (at, self.expectation.minutes.get(at, 0), gain * self.curve.minutes(at, at + MINUTE))
            for at in range(first, minute, MINUTE)
        ]
        below = episode is self.below
        if not below:
            self.pace = 0.0
        episode.begin(onset(closed, minute, opened, gain * usual, now - minute, below=below))
        self.expectation.rose(episode.since, above=not below)

    def departure(self, episode: Episode, now: int, slack: int) -> Look:
        """An episode as one look: from its first minute, at most the last hour."""
        minute = now // MINUTE * MINUTE
        start = max(episode.since // MINUTE * MINUTE, minute - 60 * MINUTE)
        if self.pace and episode is self.episode:
            return self._at_pace(start, minute)
        plan, curve = self.plan, self.curve
        assert plan is not None
        assert curve is not None
        level = forecast(self.levels, start, (start + minute) // 2, plan)
        count = sum(self.expectation.minutes.get(at, 0) for at in range(start, minute, MINUTE))
        window = Window(
            start,
            (minute - start) // MINUTE,
            count,
            curve.minutes(start, minute),
            exp(level.mean),
            level.variance + plan.variance + curve.span(start, minute).uneven,
            doubt=odd_day(level, plan.spread),
        )
        return look(window, *self._open(now, slack), plan.spread.dispersion)

    def _open(self, now: int, slack: int) -> tuple[int, float]:
        """(calls, usual calls) of the open minute so far; nothing at a minute's border."""
        assert self.curve is not None
        minute, elapsed = now // MINUTE * MINUTE, now % MINUTE
        if not elapsed:
            return 0, 0.0
        share = min(1.0, (elapsed + slack) / MINUTE)
        return self.expectation.minutes.get(minute, 0), self.curve.minutes(minute, minute + MINUTE) * share

    # ---- state

    def pack(self) -> PackedDemand:
        return PackedDemand(
            self.expectation.pack(), self.incidents, self._samples, self.scales, self.pace, self.stretches
        )

    @classmethod
    def unpack(
        cls, feed: str, zone: ZoneInfo, packed: PackedDemand, learned: bytes | None, country: str = ""
    ) -> "Demand":
        """`learned`: by `Expectation.learned`; None where a former version packed it with the rest."""
        demand = cls(feed, zone)
        demand.incidents = packed.incidents
        demand.expectation = Expectation.unpack(
            feed, zone, packed.incidents, packed.expectation, learned=learned, country=country
        )
        demand._samples, demand.scales, demand.pace = packed.samples, packed.scales, packed.pace
        demand._widths = widths_of(demand.scales)
        demand.stretches = packed.stretches
        return demand
