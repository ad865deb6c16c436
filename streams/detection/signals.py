"""From a condition to the `Signal` that tells of it: the numbers of its kind, and the sentence."""

from collections.abc import Sequence

import numpy as np

from deploy.runtime.public_holidays import weekdays
from deploy.runtime.settings import Hotline
from streams.contract import Signal, SignalKind
from streams.contract.local_days import local_day
from streams.contract.metrics import WINDOW_MINUTES
from streams.detection import words
from streams.detection.agent_shortage import AgentShortage
from streams.detection.announced import over
from streams.detection.answer_rate import AnswerRate
from streams.detection.concentrations import Concentration, Concentrations, Part
from streams.detection.counts import band
from streams.detection.demand import Demand
from streams.detection.episode import Episode
from streams.detection.explain import SliceKey
from streams.detection.feeds import SourceWatch
from streams.detection.keys import MINUTE, Key, fingerprint
from streams.detection.rules import DetectionRules
from streams.detection.service import ErrorBudget, Pace, Spent
from streams.detection.shares import Share
from streams.detection.waiting import Waiting


class Signals:
    """Makes the signals of one step: `now` is the clock (ms), `version` the offset they rest on."""

    def __init__(self, rules: DetectionRules, now: int, version: int) -> None:
        self._rules, self._now, self._version = rules, now, version

    def _signal(self, kind: SignalKind, key: Key, episode: Episode, value: float) -> Signal:
        signal = Signal(
            fingerprint=fingerprint(kind, self._rules.feed, key),
            kind=kind,
            feed=self._rules.feed,
            hotline=key.hotline,
            dimension_set=key.dimension_set,
            queue=key.queue,
            category=key.category,
            source=key.source,
            dimensions=dict(key.more),
            active=episode.active,
            at=self._now,
            since=episode.since,
            version=self._version,
            value=value,
        )
        if not episode.active:
            ended = episode.calm_since or self._now
            signal.summary = words.over(kind, *self._where(key), since=episode.since, at=ended)
        return signal

    def _where(self, key: Key) -> tuple[words.Sentences, Hotline]:
        """What a sentence about a key begins with: the name of the key, and the hotline it is of."""
        hotline = self._rules.hotline(key.hotline)
        return words.place(key, hotline), hotline

    def demand(self, key: Key, demand: Demand, slack: int, of: Concentrations | None) -> Signal:
        """`of`: the slices that may explain what a whole hotline has too much of."""
        signal, start = self._of_demand("demand_above_expectation", key, demand, demand.episode, slack)
        if signal.active:
            signal.summary = words.demand(
                *self._where(key),
                since=signal.since,
                start=start,
                count=signal.volume,
                expected=signal.expected or 0.0,
            )
            if demand.pace:
                _add(signal, words.YOUNG)
            self._name_events(signal, demand, start)
            if key.dimension_set == "hotline" and of is not None:
                share = 1.0 - (signal.expected or 0.0) / max(1, signal.volume)
                hotline = self._rules.hotline(key.hotline)
                self._explained(signal, hotline, of.explain(start, self._now // MINUTE * MINUTE, share))
        return signal

    @staticmethod
    def _explained(signal: Signal, hotline: Hotline, parts: Sequence[Part]) -> None:
        signal.explained_by = {
            ", ".join(f"{name}={value}" for name, value in part.key.values): round(part.share, 2) for part in parts
        }
        told = [(words.slice_name(part.key.values, hotline), part.share) for part in parts]
        _add(signal, words.explained(told))

    def concentration(self, key: Key, it: Concentration) -> Signal:
        signal = self._signal("demand_concentrated", key, it.episode, float(it.seen.calls))
        signal.volume, signal.expected = it.seen.calls, round(it.seen.expected, 1)
        signal.window_s, signal.score = it.minutes * 60, round(it.seen.score, 2)
        if signal.active:
            signal.summary = words.concentration(
                *self._where(key),
                since=signal.since,
                minutes=it.minutes,
                count=it.seen.calls,
                expected=it.seen.expected,
                score=signal.score,
            )
        return signal

    def shortfall(self, key: Key, demand: Demand) -> Signal:
        signal, start = self._of_demand("demand_below_expectation", key, demand, demand.below, 0)
        if signal.active:
            signal.summary = words.shortfall(
                *self._where(key),
                since=signal.since,
                start=start,
                count=signal.volume,
                expected=signal.expected or 0.0,
            )
            self._name_events(signal, demand, start)
        return signal

    def _of_demand(
        self, kind: SignalKind, key: Key, demand: Demand, episode: Episode, slack: int
    ) -> tuple[Signal, int]:
        """The signal, and where the stretch that it counts begins."""
        seen = demand.departure(episode, self._now, slack)
        signal = self._signal(kind, key, episode, float(seen.calls))
        [lower], [upper] = band(np.array([seen.expected]), np.array([seen.excess]))
        signal.volume = seen.calls
        signal.score = round(seen.score if episode is demand.episode else seen.low_score, 2)
        signal.expected, signal.lower, signal.upper = (
            round(seen.expected, 1),
            round(float(lower), 1),
            round(float(upper), 1),
        )
        signal.window_s = max(1, (self._now - seen.start) // 1000)
        return signal, seen.start

    def _name_events(self, signal: Signal, demand: Demand, start: int) -> None:
        """Say which events were announced for the stretch from `start` on, and that it is a holiday."""
        hotline = self._rules.hotline(signal.hotline)
        holiday = weekdays(hotline.country).names(local_day(start, hotline.zone).ordinal)
        _add(signal, words.holiday(holiday))
        events = [(it.name, it.factor) for it in over(demand.lifts, start, self._now)]
        _add(signal, words.announced(events))

    def silence(self, key: Key, demand: Demand) -> Signal:
        silence = demand.silence
        signal = self._signal("queue_silence", key, silence.episode, 0.0)
        if signal.active:
            signal.expected = round(silence.due, 1)
            signal.window_s = max(1, (self._now - silence.since) // 1000)
            dispersion = demand.plan.spread.dispersion if demand.plan else 1.0
            signal.score = round(demand.stretches.score(silence.score(dispersion)), 2)
            signal.summary = words.silence(*self._where(key), since=silence.episode.since, expected=silence.due)
        return signal

    def service(self, key: Key, budget: ErrorBudget) -> Signal:
        rules = self._rules.service_level
        spent = budget.window(budget.decided(self._now, rules), rules.window_s)
        value = round(1 - spent.missed / spent.judged, 4) if spent.judged > 0 else 1.0
        signal = self._signal("service_level_under_target", key, budget.episode, value)
        self._promised(signal, budget, spent, rules.window_s)
        if signal.active:
            signal.summary = words.service(
                *self._where(key),
                since=budget.episode.since,
                met=spent.judged - spent.missed,
                judged=spent.judged,
                threshold_s=budget.threshold_s,
                target=signal.target or budget.target,
                window_s=rules.window_s,
            )
        return signal

    def burn(self, pace: Pace, key: Key, budget: ErrorBudget) -> Signal:
        spent, window_s = budget.burning(pace, self._now, self._rules.service_level)
        kind: SignalKind = "error_budget_fast_burn" if pace == "fast" else "error_budget_slow_burn"
        signal = self._signal(kind, key, budget.episode_of(pace), round(spent.burn, 2))
        self._promised(signal, budget, spent, window_s)
        if signal.active:
            signal.summary = words.burn(
                *self._where(key),
                since=signal.since,
                spent=spent,
                threshold_s=budget.threshold_s,
                window_s=window_s,
                left=signal.budget_left,
                days=self._rules.service_level.budget_days,
            )
        return signal

    def _promised(self, signal: Signal, budget: ErrorBudget, spent: Spent, window_s: int) -> None:
        signal.volume, signal.threshold_s, signal.window_s = spent.judged, budget.threshold_s, window_s
        signal.target = round(1 - spent.share_allowed, 4) if spent.judged > 0 else budget.target
        left = budget.left(self._now, self._rules.service_level.budget_days)
        signal.budget_left = round(left, 4) if left is not None else None

    def waiting(self, key: Key, waiting: Waiting) -> Signal:
        gauge = waiting.gauge
        over = gauge.waiting_over_threshold
        signal = self._signal("waiting_past_threshold", key, waiting.episode, float(over))
        signal.volume, signal.threshold_s = gauge.waiting, gauge.threshold_s
        signal.target = float(self._rules.service_level.over_threshold_min)
        if signal.active:
            signal.summary = words.waiting(
                *self._where(key),
                since=waiting.episode.since,
                over=over,
                threshold_s=gauge.threshold_s,
                oldest=gauge.oldest_queued_at,
            )
        return signal

    def agent_shortage(self, key: Key, shortage: AgentShortage) -> Signal:
        gauge = shortage.gauge
        signal = self._signal("no_agent_available", key, shortage.episode, float(gauge.waiting))
        signal.volume = gauge.waiting
        if signal.active:
            signal.summary = words.agent_shortage(
                *self._where(key),
                since=shortage.episode.since,
                waiting=gauge.waiting,
                agents=sum(gauge.agents.values()),
                available=gauge.agents.get("available", 0),
                on_break=gauge.agents.get("break", 0),
            )
        return signal

    def share(self, kind: SignalKind, key: Key, share: Share) -> Signal:
        limit = self._rules.share_limit(kind)
        part, whole = share.window(limit.window, self._now, self._rules.zone(key.hotline))
        signal = self._signal(kind, key, share.episode, round(part / whole, 4) if whole else 0.0)
        signal.volume, signal.target, signal.window_s = whole, limit.limit, WINDOW_MINUTES[limit.window] * 60
        if signal.active:
            signal.summary = words.share(
                kind,
                *self._where(key),
                since=share.episode.since,
                part=part,
                whole=whole,
                limit=limit.limit,
                minutes=WINDOW_MINUTES[limit.window],
            )
        return signal

    def answer_rate(self, key: Key, rate: AnswerRate) -> Signal:
        answered, came = rate.sums(self._now, self._rules.zone(key.hotline))
        value = round(answered / came, 4) if came else 1.0
        signal = self._signal("answer_rate_below_target", key, rate.episode, value)
        signal.volume, signal.target, signal.window_s = came, self._rules.answer_rate.target, 1440 * MINUTE // 1000
        if signal.active:
            signal.summary = words.answer_rate(
                *self._where(key),
                since=rate.episode.since,
                answered=answered,
                came=came,
                target=self._rules.answer_rate.target,
                worst=(rate.worst.rate, rate.worst.at) if rate.worst else None,
            )
        return signal

    def answer_rate_ahead(self, key: Key, rate: AnswerRate) -> Signal:
        rules, hotline = self._rules.answer_rate, self._rules.hotline(key.hotline)
        answered, came = rate.sums(self._now, hotline.zone)
        now = round(answered / came, 4) if came else 1.0
        signal = self._signal("answer_rate_breach_predicted", key, rate.ahead, now)
        signal.volume, signal.target, signal.window_s = came, rules.target, 1440 * MINUTE // 1000
        signal.breach_at = rate.breach_at
        if signal.active and rate.breach_at is not None:
            signal.summary = words.answer_rate_ahead(
                *self._where(key),
                rate=now,
                recent=rate.recent(self._now // MINUTE * MINUTE, rules),
                minutes=rules.recent_s // 60,
                target=rules.target,
                breach_at=rate.breach_at,
            )
        return signal

    def dead_feed(self, key: Key, watch: SourceWatch) -> Signal:
        since = watch.status.silent_since
        silent_s = (self._now - since) // 1000 if since is not None else 0
        signal = self._signal("dead_feed", key, watch.dead, float(max(0, silent_s)))
        if signal.active:
            hotline = self._rules.hotline(key.hotline)
            signal.summary = words.dead_feed(key.source, hotline, since=watch.dead.since)
        return signal

    def doubled_feed(self, key: Key, watch: SourceWatch) -> Signal:
        events, repeats = watch.status.events, watch.status.repeats
        signal = self._signal("doubled_feed", key, watch.doubled, round(repeats / events, 4) if events else 0.0)
        signal.volume, signal.window_s = events, 600
        if signal.active:
            hotline = self._rules.hotline(key.hotline)
            signal.summary = words.doubled_feed(
                key.source, hotline, since=watch.doubled.since, repeats=repeats, events=events
            )
        return signal


def _add(signal: Signal, sentences: words.Sentences) -> None:
    """Say one more thing, in each language."""
    for language, sentence in sentences.items():
        signal.summary[language] += sentence


def slice_as_key(hotline: str, key: SliceKey) -> Key:
    """A slice as the key of its signal."""
    told = dict(key.values)
    own = {name: told.pop(name, "") for name in ("queue", "category", "source")}
    return Key(hotline, key.dimension_set, **own, more=tuple(told.items()))
