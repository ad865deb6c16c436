"""The conditions that rest on what is promised: service level, waiting, agents, shares of calls, answer rate."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from streams.contract import Cell, Gauge, Signal
from streams.detection.agent_shortage import AgentShortage
from streams.detection.answer_rate import AnswerRate
from streams.detection.episode import Episode
from streams.detection.keys import MINUTE, Key
from streams.detection.rules import DetectionRules
from streams.detection.service import PACES, ErrorBudget
from streams.detection.shares import SHARES, Share, ShareKey, inbound
from streams.detection.signals import Signals
from streams.detection.stirred import Stirred
from streams.detection.waiting import Waiting


class Promised:
    """The state of each condition, by key; begins with what was packed.

    Inside a minute only those keys are judged of which something was told, or of which time alone may change something:
    of a nation's queues most are quiet.
    """

    def __init__(
        self,
        budgets: Iterable[tuple[Key, ErrorBudget]] = (),
        waiting: Iterable[tuple[Key, Waiting]] = (),
        shares: Iterable[tuple[ShareKey, Share]] = (),
        answer_rates: Iterable[tuple[Key, AnswerRate]] = (),
        shortages: Iterable[tuple[Key, AgentShortage]] = (),
    ) -> None:
        self.budgets = dict(budgets)
        self.waiting = dict(waiting)
        self.shares = dict(shares)
        self.answer_rates = dict(answer_rates)
        self.shortages = dict(shortages)
        self._stirred_budgets: Stirred[Key] = Stirred()
        self._stirred_shares: Stirred[ShareKey] = Stirred()
        self._stirred_waiting: Stirred[Key] = Stirred()
        self._stirred_shortages: Stirred[Key] = Stirred()

    def promise_anew(self, rules: DetectionRules) -> None:
        """From now on what the rules of today promise."""
        for key, budget in self.budgets.items():
            budget.threshold_s, budget.target = rules.promise(key.hotline, key.queue)

    def cell(self, key: Key, cell: Cell, rules: DetectionRules) -> None:
        """Set one minute of a queue or hotline."""
        budget = self.budgets.get(key)
        if budget is None:
            budget = self.budgets[key] = ErrorBudget(*rules.promise(key.hotline, key.queue))
        target = rules.target_at(key.hotline, key.queue, cell.minute)
        budget.put(cell.minute, cell.counts, rules.service_level, target)
        self._stirred_budgets.add(key)
        for kind, parts, sets in SHARES:
            if key.dimension_set not in sets:
                continue
            seen = parts(cell.counts)
            if seen[1] or (kind, key) in self.shares:
                self.shares.setdefault((kind, key), Share()).rolling.put(cell.minute, seen)
                self._stirred_shares.add((kind, key))
        if key.dimension_set == "hotline":
            rate = self.answer_rates.setdefault(key, AnswerRate())
            rate.put(cell.minute, (cell.counts.get("answered", 0), inbound(cell.counts)))

    def gauge(self, key: Key, gauge: Gauge) -> None:
        """From now on this gauge of a queue or hotline holds."""
        waiting = self.waiting.get(key)
        if waiting is None:
            self.waiting[key] = Waiting(gauge)
        else:
            waiting.gauge = gauge
        self.shortages.setdefault(key, AgentShortage(gauge)).put(gauge)
        self._stirred_waiting.add(key)
        self._stirred_shortages.add(key)

    def minute(self, minute: int, rules: DetectionRules) -> None:
        """A minute (ms) begins."""
        for key, rate in self.answer_rates.items():
            rate.minute(minute, rules.answer_rate, rules.zone(key.hotline))
        for budget in self.budgets.values():
            budget.minute(minute, rules.service_level)

    def clear(self) -> None:
        """Begin anew."""
        for judged in (
            self.budgets,
            self.waiting,
            self.shares,
            self.answer_rates,
            self.shortages,
            self._stirred_budgets,
            self._stirred_shares,
            self._stirred_waiting,
            self._stirred_shortages,
        ):
            judged.clear()

    def conditions(self, signals: Signals) -> Iterator[tuple[Episode, Callable[[], Signal]]]:
        """Every condition, and what tells of it."""
        for key, budget in sorted(self.budgets.items()):
            yield budget.episode, partial(signals.service, key, budget)
            for pace in PACES:
                yield budget.episode_of(pace), partial(signals.burn, pace, key, budget)
        for key, waiting in sorted(self.waiting.items()):
            yield waiting.episode, partial(signals.waiting, key, waiting)
        for key, shortage in sorted(self.shortages.items()):
            yield shortage.episode, partial(signals.agent_shortage, key, shortage)
        for (kind, key), share in sorted(self.shares.items()):
            yield share.episode, partial(signals.share, kind, key, share)
        for key, rate in sorted(self.answer_rates.items()):
            yield rate.episode, partial(signals.answer_rate, key, rate)
            yield rate.ahead, partial(signals.answer_rate_ahead, key, rate)

    def judge(self, now: int, rules: DetectionRules, signals: Signals) -> Iterator[Signal]:
        """Bring every condition forward to `now` (ms); what there is to tell."""
        yield from self._judge_service(now, rules, signals)
        yield from self._judge_gauges(now, rules, signals)
        yield from self._judge_shares(now, rules, signals)

    def _judge_service(self, now: int, rules: DetectionRules, signals: Signals) -> Iterator[Signal]:
        # By arrival a window ends where its queue's threshold is over, at some second of the minute.
        step = MINUTE if rules.service_level.attribution == "event" else 1_000
        for key in self._stirred_budgets.due(self.budgets.keys(), (now - 1) // step):
            budget = self.budgets[key]
            changed = budget.judge(now, rules.service_level)
            if budget.episode.due(now, changed=changed):
                yield signals.service(key, budget)
            for pace in PACES:
                changed = budget.judge_burn(pace, now, rules.service_level)
                if budget.episode_of(pace).due(now, changed=changed):
                    yield signals.burn(pace, key, budget)
            if not budget.broken:
                self._stirred_budgets.rest(key)

    def _judge_gauges(self, now: int, rules: DetectionRules, signals: Signals) -> Iterator[Signal]:
        for key in self._stirred_waiting.due(self.waiting.keys(), 0):
            waiting = self.waiting[key]
            changed = waiting.judge(now, rules.service_level.over_threshold_min)
            if waiting.episode.due(now, changed=changed):
                yield signals.waiting(key, waiting)
            if not waiting.episode.active:
                self._stirred_waiting.rest(key)
        for key in self._stirred_shortages.due(self.shortages.keys(), 0):
            shortage = self.shortages[key]
            changed = shortage.judge(now, rules.no_agent.after_s)
            if shortage.episode.due(now, changed=changed):
                yield signals.agent_shortage(key, shortage)
            if shortage.since is None:
                self._stirred_shortages.rest(key)

    def _judge_shares(self, now: int, rules: DetectionRules, signals: Signals) -> Iterator[Signal]:
        for kind, key in self._stirred_shares.due(self.shares.keys(), now // MINUTE):
            share = self.shares[kind, key]
            changed = share.judge(now, rules.share_limit(kind), rules.zone(key.hotline))
            if share.episode.due(now, changed=changed):
                yield signals.share(kind, key, share)
            if not share.episode.active:
                self._stirred_shares.rest((kind, key))
        for key, rate in sorted(self.answer_rates.items()):
            changed = rate.judge(now, rules.answer_rate, rules.zone(key.hotline))
            if rate.episode.due(now, changed=changed):
                yield signals.answer_rate(key, rate)
            changed = rate.judge_ahead(now, rules.answer_rate)
            if rate.ahead.due(now, changed=changed):
                yield signals.answer_rate_ahead(key, rate)
