"""The whole of detection as one pure object: cells, gauges and a clock in, signals and forecasts out."""

from collections.abc import Iterator
from zlib import compress, decompress

import msgspec
import numpy as np

from streams.contract import Cell, Forecast, Gauge, Signal, SignalKind, SourceStatus
from streams.detection import demand as demands
from streams.detection import outlook, words
from streams.detection.counts import band
from streams.detection.episode import Episode
from streams.detection.keys import MINUTE, Key, fingerprint
from streams.detection.rules import DetectionRules
from streams.detection.service import Promise
from streams.detection.waiting import Waiting

SMALL_STEP = 5_000
"""Between ticks at most so far apart the open minute is judged; further apart only minutes that are over."""
SLACK = 2_000
"""Counts may run ahead of the merged clock by this (or by what is told) and two ticks."""
FORECAST_EVERY = 5 * MINUTE


class _Packed(msgspec.Struct):
    feed: str
    now: int
    version: int
    forecast_at: int
    too_late: int
    demands: list[tuple[Key, demands.Packed]]
    promises: list[tuple[Key, Promise]]
    waiting: list[tuple[Key, Waiting]]


class Detection:
    """Judges one feed. Nothing is judged until `advance` is called; repeats of a cell or gauge change nothing.

    `too_late` counts changes of minutes that had already become history.
    """

    def __init__(self, rules: DetectionRules) -> None:
        self.rules = rules
        self.too_late = 0
        self._now = 0
        self._version = 0
        self._forecast_at = 0
        self._demands: dict[Key, demands.Demand] = {}
        self._promises: dict[Key, Promise] = {}
        self._waiting: dict[Key, Waiting] = {}
        self._learns = frozenset(rules.demand.learn_from) - {rules.feed}

    # ---- what comes in

    def cell(self, cell: Cell) -> None:
        """Set one minute of one key: absolute counts, which replace earlier ones.

        Only the judged feed, feeds to learn from, and the sets `hotline`, `queue` and `category_1` matter.
        """
        judged = cell.feed == self.rules.feed
        if not judged and cell.feed not in self._learns:
            return
        key = Key(cell.hotline, cell.dimension_set, cell.queue, cell.category)
        if not key.judged:
            return
        offered = cell.counts.get("offered", 0)
        demand = self._demands.get(key)
        if demand is None:
            if not offered and not judged:
                return
            demand = self._demands[key] = demands.Demand(self.rules.feed, self.rules.zone(cell.hotline))
        if not demand.put(cell.feed, cell.minute, offered):
            self.too_late += 1
        if judged and cell.dimension_set != "category_1":
            self._promise(key).put(cell.minute, cell.counts)

    def _promise(self, key: Key) -> Promise:
        promise = self._promises.get(key)
        if promise is None:
            promise = self._promises[key] = Promise(*self.rules.promise(key.hotline, key.queue))
        return promise

    def source(self, status: SourceStatus) -> None:
        """Set what is known of one source of the judged feed."""

    def gauge(self, gauge: Gauge) -> None:
        """Set what is so right now for one queue or hotline of the judged feed."""
        if gauge.feed != self.rules.feed:
            return
        key = Key(gauge.hotline, gauge.dimension_set, gauge.queue)
        if not key.judged:
            return
        waiting = self._waiting.get(key)
        if waiting is None:
            self._waiting[key] = Waiting(gauge)
        else:
            waiting.gauge = gauge

    def complete(self, feed: str, until: int) -> None:
        """Say that a feed to learn from will not change before `until` (epoch ms) any more: it is learned then.

        Call it as the feed's lowest clock moves (or when it ends); cells may come in any order until then.
        """
        if feed not in self._learns:
            return
        for demand in self._demands.values():
            demand.complete(feed, until)

    def forget(self, feed: str) -> None:
        """Drop what was learned from a feed, because a new generation of it begins; the judged one begins anew."""
        if feed in self._learns or feed == self.rules.feed:
            for demand in self._demands.values():
                demand.forget(feed)
        if feed == self.rules.feed:
            self._begin_anew()

    def _begin_anew(self) -> None:
        """Judge the feed of the rules from its own beginning, whatever its clock is."""
        self._now = self._forecast_at = 0
        self._promises.clear()
        self._waiting.clear()
        for demand in self._demands.values():
            demand.begin_anew(self.rules.feed)

    # ---- time

    def advance(self, now: int, version: int, ahead: int = 0) -> list[Signal | Forecast]:
        """Let the judged feed's clock come to `now` (epoch ms) and say what there is to tell.

        A clock or version below the last one is taken as the last one. Every minute border on the way is
        judged; the open minute too where ticks are close together. `ahead`: by how much (ms) some of what was told
        of may be later than `now`, where several clocks were merged into their lowest.
        """
        before, self._now = self._now, max(self._now, now)
        self._version = max(self._version, version)
        now = self._now
        told: list[Signal | Forecast] = []
        first = (before // MINUTE + 1) * MINUTE if before else now // MINUTE * MINUTE
        for minute in range(first, now + 1, MINUTE):
            told += self._minute(minute)
        if before < now <= before + SMALL_STEP:
            if now % MINUTE:
                for demand in self._demands.values():
                    demand.sample(now)
                told += self._judge(now, max(SLACK, ahead) + 2 * (now - before))
        elif now > before:
            for demand in self._demands.values():
                demand.forget_samples()
        elif before:
            # the clock stands while counts come in: nothing can be said of their pace
            told += self._judge_promises(now)
        return told

    def _minute(self, minute: int) -> Iterator[Signal | Forecast]:
        """All keys at the border where `minute` begins."""
        planned = {key for key, demand in self._demands.items() if demand.minute(minute)}
        yield from self._judge(minute, 0)
        everyone = minute - self._forecast_at >= FORECAST_EVERY
        if everyone:
            self._forecast_at = minute
        for key in sorted(self._demands) if everyone else sorted(planned):
            record = outlook.forecast(key, self._demands[key], minute, self._version)
            if record is not None:
                yield record

    def _judge(self, now: int, slack: int) -> Iterator[Signal]:
        keys = len(self._demands)
        for key, demand in sorted(self._demands.items()):
            changed = demand.judge(now, slack, keys, self.rules.demand)
            if demand.episode.due(now, changed=changed):
                yield self._demand_signal(key, demand, now, slack)
        yield from self._judge_promises(now)

    def _judge_promises(self, now: int) -> Iterator[Signal]:
        for key, promise in sorted(self._promises.items()):
            changed = promise.judge(now, self.rules.service_level)
            if promise.episode.due(now, changed=changed):
                yield self._service_signal(key, promise, now)
        for key, waiting in sorted(self._waiting.items()):
            changed = waiting.judge(now, self.rules.service_level.over_threshold_min)
            if waiting.episode.due(now, changed=changed):
                yield self._waiting_signal(key, waiting, now)

    # ---- what goes out

    def _signal(self, kind: SignalKind, key: Key, episode: Episode, now: int, value: float) -> Signal:
        hotline = self.rules.hotline(key.hotline)
        signal = Signal(
            fingerprint=fingerprint(kind, self.rules.feed, key),
            kind=kind,
            feed=self.rules.feed,
            hotline=key.hotline,
            dimension_set=key.dimension_set,
            queue=key.queue,
            category=key.category,
            active=episode.active,
            at=now,
            since=episode.since,
            version=self._version,
            value=value,
        )
        if not episode.active:
            ended = episode.calm_since or now
            signal.summary = words.over(kind, words.place(key, hotline), hotline, since=episode.since, at=ended)
        return signal

    def _demand_signal(self, key: Key, demand: demands.Demand, now: int, slack: int) -> Signal:
        seen = demand.departure(now, slack)
        signal = self._signal("demand_above_expectation", key, demand.episode, now, float(seen.calls))
        [lower], [upper] = band(np.array([seen.expected]), np.array([seen.excess]))
        signal.volume, signal.score = seen.calls, round(seen.score, 2)
        signal.expected, signal.lower, signal.upper = (
            round(seen.expected, 1),
            round(float(lower), 1),
            round(float(upper), 1),
        )
        signal.window_s = max(1, (now - seen.start) // 1000)
        if signal.active:
            hotline = self.rules.hotline(key.hotline)
            signal.summary = words.demand(
                words.place(key, hotline),
                hotline,
                since=demand.episode.since,
                start=seen.start,
                count=seen.calls,
                expected=seen.expected,
            )
        return signal

    def _service_signal(self, key: Key, promise: Promise, now: int) -> Signal:
        window_s = self.rules.service_level.window_s
        met, judged = promise.window(now, window_s)
        value = round(met / judged, 4) if judged else 1.0
        signal = self._signal("service_level_under_target", key, promise.episode, now, value)
        signal.volume, signal.target = judged, promise.target
        signal.threshold_s, signal.window_s = promise.threshold_s, window_s
        if signal.active:
            hotline = self.rules.hotline(key.hotline)
            signal.summary = words.service(
                words.place(key, hotline),
                hotline,
                since=promise.episode.since,
                met=met,
                judged=judged,
                threshold_s=promise.threshold_s,
                target=promise.target,
                window_s=window_s,
            )
        return signal

    def _waiting_signal(self, key: Key, waiting: Waiting, now: int) -> Signal:
        gauge = waiting.gauge
        over = gauge.waiting_over_threshold
        signal = self._signal("waiting_past_threshold", key, waiting.episode, now, float(over))
        signal.volume, signal.threshold_s = gauge.waiting, gauge.threshold_s
        signal.target = float(self.rules.service_level.over_threshold_min)
        if signal.active:
            hotline = self.rules.hotline(key.hotline)
            signal.summary = words.waiting(
                words.place(key, hotline),
                hotline,
                since=waiting.episode.since,
                over=over,
                threshold_s=gauge.threshold_s,
                oldest=gauge.oldest_queued_at,
            )
        return signal

    # ---- state

    def snapshot(self) -> bytes:
        """The whole state, packed; `restore` goes on as if it had never stopped."""
        packed = _Packed(
            self.rules.feed,
            self._now,
            self._version,
            self._forecast_at,
            self.too_late,
            [(key, demand.pack()) for key, demand in sorted(self._demands.items())],
            sorted(self._promises.items()),
            sorted(self._waiting.items()),
        )
        return compress(msgspec.msgpack.encode(packed), 6)

    @classmethod
    def restore(cls, rules: DetectionRules, data: bytes) -> "Detection":
        """A detection from its snapshot, under the rules of today (a changed promise applies from now on).

        If they judge another feed than the one before, that feed begins anew: the other's level, open conditions
        and clock say nothing of it.
        """
        packed = msgspec.msgpack.decode(decompress(data), type=_Packed)
        made = cls(rules)
        made._now, made._version = packed.now, packed.version
        made._forecast_at, made.too_late = packed.forecast_at, packed.too_late
        for key, state in packed.demands:
            made._demands[key] = demands.Demand.unpack(packed.feed, rules.zone(key.hotline), state)
        for key, promise in packed.promises:
            promise.threshold_s, promise.target = rules.promise(key.hotline, key.queue)
            made._promises[key] = promise
        made._waiting = dict(packed.waiting)
        if packed.feed != rules.feed:
            made._begin_anew()
        return made
