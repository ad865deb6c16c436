"""The whole of detection as one pure object: cells, gauges and a clock in, signals and forecasts out."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from zlib import compress, decompress

import msgspec

from streams.contract import Cell, Forecast, Gauge, Signal, SourceStatus
from streams.contract.signals import FEED_ENDED
from streams.detection import lack, outlook
from streams.detection.agent_shortage import AgentShortage
from streams.detection.announced import Announced, Lift
from streams.detection.answer_rate import AnswerRate
from streams.detection.concentrations import Concentration, Concentrations
from streams.detection.demand import Demand, PackedDemand
from streams.detection.departure import LEAST_ELAPSED
from streams.detection.episode import Episode
from streams.detection.explain import SliceKey
from streams.detection.feeds import SourceWatch
from streams.detection.keys import DAY, HOUR, MINUTE, Key
from streams.detection.promised import Promised
from streams.detection.rules import DetectionRules
from streams.detection.service import ErrorBudget
from streams.detection.shares import Share, ShareKey
from streams.detection.signals import Signals, slice_as_key
from streams.detection.waiting import Waiting

SMALL_STEP = 5_000
"""The open minute is judged where ticks are at most so far apart; else only minutes that are over."""
SLACK = 2_000
"""By how much counts may run ahead of the merged clock at least, beside two ticks."""
NEAR = 8 * DAY
"""Of all announced events, which may span years, only those at most so far from a minute are weighed for it."""
FORECAST_EVERY = 5 * MINUTE
WEEK = 7 * DAY


class _Packed(msgspec.Struct):
    feed: str
    now: int
    version: int
    forecast_at: int
    too_late: int
    demands: list[tuple[Key, PackedDemand]]
    promises: list[tuple[Key, ErrorBudget]]
    waiting: list[tuple[Key, Waiting]]
    shares: list[tuple[ShareKey, Share]]
    answer_rates: list[tuple[Key, AnswerRate]]
    shortages: list[tuple[Key, AgentShortage]]
    sources: list[tuple[Key, SourceWatch]]
    concentrations: list[tuple[str, bytes]] = []
    gauges: list[tuple[Key, Gauge]] = []
    over: bool = False
    stirred: list[Key] | None = None


def _pack(state: object) -> bytes:
    return compress(msgspec.msgpack.encode(state), 6)


class Detection:
    """Judges one feed. Nothing is judged until `advance` is called; repeats of a cell or gauge change nothing.

    Gauges are as of the clock that `advance` is told next: the minutes on the way there are judged by those before.
    `too_late` counts changes of minutes that had already become history.
    """

    def __init__(self, rules: DetectionRules) -> None:
        self.rules = rules
        self.too_late = 0
        self._now = 0
        self._version = 0
        self._forecast_at = 0
        self._over = False
        self._demands: dict[Key, Demand] = {}
        self._stirred: set[Key] = set()
        """Keys whose calls were told of since their open minute was judged, and those with an episode that goes on."""
        self._promised = Promised()
        self._gauges: dict[Key, Gauge] = {}
        self._sources: dict[Key, SourceWatch] = {}
        self._concentrations: dict[str, Concentrations] = {}
        self._learned: list[tuple[Key, bytes]] = []
        self._packed_learned = _pack(self._learned)
        self._learns = frozenset(rules.demand.learn_from) - {rules.feed}

    # ---- what comes in

    def cell(self, cell: Cell) -> None:
        """Set one minute of one key: absolute counts, which replace earlier ones.

        Only the judged feed, feeds to learn from, and the sets `hotline`, `queue`, `category_1` and those in which calls
        may concentrate matter.
        """
        judged = cell.feed == self.rules.feed
        if not judged and cell.feed not in self._learns:
            return
        self._slice(cell, judged=judged)
        key = Key(cell.hotline, cell.dimension_set, cell.queue, cell.category)
        if not key.judged:
            return
        offered = cell.counts.get("offered", 0)
        demand = self._demands.get(key)
        if demand is None:
            if not offered and not judged:
                return
            hotline = self.rules.hotline(cell.hotline)
            demand = Demand(self.rules.feed, hotline.zone, country=hotline.country)
            self._demands[key] = demand
        if not demand.put(cell.feed, cell.minute, offered):
            self.too_late += 1
        if judged:
            self._stirred.add(key)
        if judged and cell.dimension_set != "category_1":
            self._promised.cell(key, cell, self.rules)

    def _slice(self, cell: Cell, *, judged: bool) -> None:
        dimensions = self.rules.slices.get(cell.dimension_set)
        key = None
        if dimensions is not None:
            values = tuple((name, getattr(cell, name)) for name in dimensions)
            if not all(value for _, value in values):
                return
            key = SliceKey(cell.dimension_set, values)
        elif cell.dimension_set != "hotline":
            return
        of = self._concentrations.get(cell.hotline)
        if of is None:
            hotline = self.rules.hotline(cell.hotline)
            of = self._concentrations[cell.hotline] = Concentrations(hotline.zone, hotline.country)
        offered = cell.counts.get("offered", 0)
        if judged:
            of.slices.put(cell.minute, key, offered)
        else:
            of.slices.teach(cell.feed, cell.minute, key, offered)

    def source(self, status: SourceStatus) -> None:
        """Set what is known of one source of the judged feed."""
        if status.feed != self.rules.feed:
            return
        key = Key(status.hotline, "source", source=status.source)
        watch = self._sources.get(key)
        if watch is None:
            self._sources[key] = SourceWatch(status)
        else:
            watch.status = status

    def gauge(self, gauge: Gauge) -> None:
        """Set what is so right now for one queue or hotline of the judged feed."""
        if gauge.feed != self.rules.feed:
            return
        key = Key(gauge.hotline, gauge.dimension_set, gauge.queue)
        if not key.judged:
            return
        self._gauges[key] = gauge

    def complete(self, feed: str, until: int) -> None:
        """Say that a feed to learn from will not change before `until` (epoch ms) any more: it is learned then.

        Call it as the feed's lowest clock moves (or when it ends); cells may come in any order until then.
        """
        if feed not in self._learns:
            return
        for demand in self._demands.values():
            demand.expectation.complete(feed, until)
        for of in self._concentrations.values():
            of.slices.complete(feed, until)

    def forget(self, feed: str) -> None:
        """Drop what was learned from a feed, because a new generation of it begins; the judged one begins anew."""
        if feed in self._learns or feed == self.rules.feed:
            for demand in self._demands.values():
                demand.expectation.forget(feed)
            for of in self._concentrations.values():
                of.slices.forget(feed)
        if feed == self.rules.feed:
            self._begin_anew()

    def _begin_anew(self) -> None:
        """Judge the feed of the rules from its own beginning, whatever its clock is."""
        self._now = self._forecast_at = 0
        self._over = False
        self._stirred.clear()
        self._promised.clear()
        self._gauges.clear()
        self._sources.clear()
        for demand in self._demands.values():
            demand.begin_anew(self.rules.feed)
        for of in self._concentrations.values():
            of.begin_anew()

    def ahead(self, start: int, minutes: int) -> Iterator[tuple[Key, outlook.Ahead | None]]:
        """Of each key with a demand of its own what [start, start + minutes) (ms) should bring, by what is known now."""
        for key, demand in self._demands.items():
            yield key, outlook.ahead(demand, start, minutes)

    def announce(self, events: Iterable[Announced]) -> None:
        """From the next minute on these are the events that were announced, and no others."""
        self.rules = replace(self.rules, announced=tuple(events))

    # ---- time

    def advance(self, now: int, version: int, ahead: int = 0) -> list[Signal | Forecast]:
        """Let the judged feed's clock come to `now` (epoch ms) and say what there is to tell.

        A clock or version below the last one is taken as the last one. Every key is judged at every minute border on
        the way; those of which calls were told since in the open minute too, where ticks are close together. `ahead`: by
        how much (ms) some of what was told of may be later than `now`, where several clocks were merged into their
        lowest. A clock that leaps over days in which nobody called takes them in longer steps.
        """
        before, self._now = self._now, max(self._now, now)
        self._version = max(self._version, version)
        now = self._now
        told: list[Signal | Forecast] = []
        first = (before // MINUTE + 1) * MINUTE if before else now // MINUTE * MINUTE
        if not before:
            self._take_gauges()
        for minute in self._borders(first, now):
            told += self._minute(minute)
        self._take_gauges()
        if before < now <= before + SMALL_STEP:
            if now % MINUTE:
                for demand in self._demands.values():
                    demand.sample(now)
                told += self._judge_open(now, max(SLACK, ahead) + 2 * (now - before))
        elif now > before:
            for demand in self._demands.values():
                demand.forget_samples()
        elif before:
            # the clock stands while counts come in: nothing can be said of their pace
            told += self._judge_promises(now)
        return told

    def end(self, version: int) -> list[Signal]:
        """The judged feed is over: what still goes on is told once more, as ended with it; nothing is judged any more."""
        if self._over:
            return []
        self._over, self._version = True, max(self._version, version)
        told = []
        for episode, tell in self._conditions(Signals(self.rules, self._now, self._version)):
            if episode.active:
                signal = tell()
                summary = {language: signal.summary[language] + FEED_ENDED[language] for language in signal.summary}
                told.append(msgspec.structs.replace(signal, active=False, feed_ended=True, summary=summary))
        return told

    def _conditions(self, signals: Signals) -> Iterator[tuple[Episode, Callable[[], Signal]]]:
        """Every condition that is judged, and what tells of it."""
        for key, demand in sorted(self._demands.items()):
            yield demand.episode, partial(signals.demand, key, demand, 0, None)
            yield demand.below, partial(signals.shortfall, key, demand)
            if demand.silence.told:
                yield demand.silence.episode, partial(signals.silence, key, demand)
        for hotline, of in sorted(self._concentrations.items()):
            for it in of.open.values():
                key = slice_as_key(hotline, it.key)
                if key not in self._demands:
                    yield it.episode, partial(signals.concentration, key, it)
        yield from self._promised.conditions(signals)
        for key, watch in sorted(self._sources.items()):
            yield watch.dead, partial(signals.dead_feed, key, watch)
            yield watch.doubled, partial(signals.doubled_feed, key, watch)

    def _take_gauges(self) -> None:
        """From now on the gauges that were set last hold."""
        for key, gauge in self._gauges.items():
            self._promised.gauge(key, gauge)
        self._gauges.clear()

    def _borders(self, first: int, now: int) -> Iterator[int]:
        """The minute borders from `first` to `now` at which to judge: all, but where nobody calls for longer than a day
        those of hours, and beyond a week the last alone: Hotline itself was off then, and learns nothing of it.
        """
        if now - first <= DAY:
            yield from range(first, now + 1, MINUTE)
            return
        minutes = (it for demand in self._demands.values() for it in demand.expectation.minutes.items())
        called = {minute for minute, calls in minutes if calls and first <= minute <= now}
        at = first
        for next_at in (*sorted(called), now // MINUTE * MINUTE):
            by_hour, leap = at + DAY, at + WEEK
            while at <= next_at:
                yield at
                if at < by_hour or at == next_at:
                    at += MINUTE
                elif at < leap:
                    at = min(at // HOUR * HOUR + HOUR, next_at)
                else:
                    at = next_at
                    for demand in self._demands.values():
                        demand.expectation.leap(at)

    def _minute(self, minute: int) -> Iterator[Signal | Forecast]:
        """All keys at the border where `minute` begins."""
        near = [it for it in self.rules.announced if it.begin < minute + NEAR and it.end > minute - NEAR]
        for key, demand in self._demands.items():
            demand.expectation.lifts = self._lifts(key, near)
        planned = {key for key, demand in self._demands.items() if demand.expectation.minute(minute)}
        self._promised.minute(minute, self.rules)
        yield from lack.judge(
            minute, self._demands, self._sources.values(), self.rules, Signals(self.rules, minute, self._version)
        )
        yield from self._judge(minute, 0, self._demands)
        for demand in self._demands.values():
            demand.check(minute)
        for hotline, of in sorted(self._concentrations.items()):
            yield from self._concentrated(minute, hotline, of.minute(minute, self.rules.concentration), changed=True)
        everyone = minute - self._forecast_at >= FORECAST_EVERY
        if everyone:
            self._forecast_at = minute
        for key in sorted(self._demands) if everyone else sorted(planned):
            record = outlook.forecast(key, self._demands[key], minute, self._version)
            if record is not None:
                yield record

    def _lifts(self, key: Key, events: Iterable[Announced]) -> tuple[Lift, ...]:
        """What announced events do to a key; of a category nobody says how much of an event's calls it has."""
        if key.dimension_set == "category_1":
            return ()
        found = []
        for event in events:
            lift = event.lift_of(key.hotline, key.queue, self._part(key.hotline, event.queue))
            if lift is not None:
                found.append(lift)
        return tuple(found)

    def _part(self, hotline: str, queue: str) -> float:
        """A queue's part of the calls of its hotline, in tenths: all where that is not known.

        In tenths, so that it stays the same from one minute to the next.
        """
        of, whole = (self._demands.get(Key(hotline, *key)) for key in (("queue", queue), ("hotline",)))
        if not queue or of is None or whole is None or not whole.history.weight():
            return 1.0
        return min(1.0, round(of.history.weight() / whole.history.weight(), 1))

    def _concentrated(
        self, now: int, hotline: str, seen: Iterable[Concentration], *, changed: bool
    ) -> Iterator[Signal]:
        """Episodes of slices; those of keys with an expectation of their own (queues, categories) are told by that."""
        signals = Signals(self.rules, now, self._version)
        for it in seen:
            key = slice_as_key(hotline, it.key)
            if key not in self._demands and it.episode.due(now, changed=changed):
                yield signals.concentration(key, it)

    def _judge_open(self, now: int, slack: int) -> Iterator[Signal]:
        """Judge the open minute of keys of which something was told: without news no key can be above what is expected."""
        yield from self._judge(now, slack, self._stirred)
        if now % MINUTE >= LEAST_ELAPSED:  # before that not every test is made
            self._stirred = {key for key in self._stirred if self._demands[key].episode.active}

    def _judge(self, now: int, slack: int, judged: Iterable[Key]) -> Iterator[Signal]:
        keys = len(self._demands)
        signals = Signals(self.rules, now, self._version)
        for key in sorted(judged):
            demand = self._demands[key]
            changed = demand.judge(now, slack, keys, self.rules.demand, self._whole(key))
            if demand.episode.active:
                self._stirred.add(key)
            if demand.episode.due(now, changed=changed):
                yield signals.demand(key, demand, slack, self._concentrations.get(key.hotline))
        for hotline, of in sorted(self._concentrations.items()):
            yield from self._concentrated(now, hotline, of.open.values(), changed=False)
        yield from self._judge_promises(now)

    def _whole(self, key: Key) -> Demand | None:
        """The demand of the hotline that a key is a part of."""
        return self._demands.get(Key(key.hotline, "hotline")) if key.dimension_set != "hotline" else None

    def _judge_promises(self, now: int) -> Iterator[Signal]:
        signals = Signals(self.rules, now, self._version)
        yield from self._promised.judge(now, self.rules, signals)
        for key, watch in sorted(self._sources.items()):
            changed = watch.judge_dead(now)
            if watch.dead.due(now, changed=changed):
                yield signals.dead_feed(key, watch)
            changed = watch.judge_doubled(now)
            if watch.doubled.due(now, changed=changed):
                yield signals.doubled_feed(key, watch)

    # ---- state

    def snapshot(self) -> dict[str, bytes]:
        """The whole state, packed in named parts; `restore` goes on as if it had never stopped.

        `learned` is most of it, and stays the same for a quarter of an hour.
        """
        learned = [(key, demand.expectation.learned()) for key, demand in sorted(self._demands.items())]
        if learned != self._learned:
            self._learned, self._packed_learned = learned, _pack(learned)
        packed = _Packed(
            self.rules.feed,
            self._now,
            self._version,
            self._forecast_at,
            self.too_late,
            [(key, demand.pack()) for key, demand in sorted(self._demands.items())],
            sorted(self._promised.budgets.items()),
            sorted(self._promised.waiting.items()),
            sorted(self._promised.shares.items()),
            sorted(self._promised.answer_rates.items()),
            sorted(self._promised.shortages.items()),
            sorted(self._sources.items()),
            [(hotline, of.pack()) for hotline, of in sorted(self._concentrations.items())],
            sorted(self._gauges.items()),
            self._over,
            sorted(self._stirred),
        )
        return {"detection": _pack(packed), "detection/learned": self._packed_learned}

    @classmethod
    def restore(cls, rules: DetectionRules, parts: Mapping[str, bytes]) -> "Detection":
        """A detection from its snapshot, under the rules of today (a changed promise applies from now on).

        If they judge another feed than the one before, that feed begins anew: the other's level, open conditions
        and clock say nothing of it.
        """
        packed = msgspec.msgpack.decode(decompress(parts["detection"]), type=_Packed)
        made = cls(rules)
        if "detection/learned" in parts:  # a former version packed it with the rest
            made._packed_learned = parts["detection/learned"]
            made._learned = msgspec.msgpack.decode(decompress(made._packed_learned), type=list[tuple[Key, bytes]])
        learned = dict(made._learned)
        made._now, made._version = packed.now, packed.version
        made._forecast_at, made.too_late = packed.forecast_at, packed.too_late
        made._over = packed.over
        for key, state in packed.demands:
            made._demands[key] = Demand.unpack(
                packed.feed, rules.zone(key.hotline), state, learned.get(key), rules.hotline(key.hotline).country
            )
        made._promised = Promised(packed.promises, packed.waiting, packed.shares, packed.answer_rates, packed.shortages)
        made._promised.promise_anew(rules)
        made._stirred = set(made._demands) if packed.stirred is None else set(packed.stirred)  # older states have none
        made._sources, made._gauges = dict(packed.sources), dict(packed.gauges)
        for hotline, of in packed.concentrations:
            told = rules.hotline(hotline)
            made._concentrations[hotline] = Concentrations.unpack(told.zone, of, told.country)
        if packed.feed != rules.feed:
            made._begin_anew()
        return made
