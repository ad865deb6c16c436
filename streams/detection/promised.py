"""The conditions that rest on what is promised of queues and hotlines: service level, waiting, agents, shares, answer rate."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from streams.contract import Cell, Gauge, Signal
from streams.detection.agent_shortage import AgentShortage
from streams.detection.announce import Announcer
from streams.detection.answer_rate import AnswerRate
from streams.detection.episode import Episode
from streams.detection.keys import MINUTE, Key
from streams.detection.rules import DetectionRules
from streams.detection.service import PACES, Promise
from streams.detection.shares import SHARES, Share, ShareKey, inbound
from streams.detection.stirred import Stirred
from streams.detection.waiting import Waiting


class Promised:
    """What is judged of each key, by condition; begins with what was packed.

    Between a minute's borders only keys are judged of which something was told, or of which time alone may change
    something: of a nation's queues most are quiet.
    """

    def __init__(
        self,
        promises: Iterable[tuple[Key, Promise]] = (),
        waiting: Iterable[tuple[Key, Waiting]] = (),
        shares: Iterable[tuple[ShareKey, Share]] = (),
        answer_rates: Iterable[tuple[Key, AnswerRate]] = (),
        shortages: Iterable[tuple[Key, AgentShortage]] = (),
    ) -> None:
        self.promises = dict(promises)
        self.waiting = dict(waiting)
        self.shares = dict(shares)
        self.answer_rates = dict(answer_rates)
        self.shortages = dict(shortages)
        self._stirred_promises: Stirred[Key] = Stirred()
        self._stirred_shares: Stirred[ShareKey] = Stirred()
        self._stirred_waiting: Stirred[Key] = Stirred()
        self._stirred_shortages: Stirred[Key] = Stirred()

    def promise_anew(self, rules: DetectionRules) -> None:
        """From now on what the rules of today promise."""
        for key, promise in self.promises.items():
            promise.threshold_s, promise.target = rules.promise(key.hotline, key.queue)

    def cell(self, key: Key, cell: Cell, rules: DetectionRules) -> None:
        """Set one minute of a queue or hotline."""
        promise = self.promises.get(key)
        if promise is None:
            promise = self.promises[key] = Promise(*rules.promise(key.hotline, key.queue))
        target = rules.target_at(key.hotline, key.queue, cell.minute)
        promise.put(cell.minute, cell.counts, rules.service_level, target)
        self._stirred_promises.add(key)
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
        for promise in self.promises.values():
            promise.minute(minute, rules.service_level)

    def clear(self) -> None:
        """Begin anew."""
        for judged in (
            self.promises,
            self.waiting,
            self.shares,
            self.answer_rates,
            self.shortages,
            self._stirred_promises,
            self._stirred_shares,
            self._stirred_waiting,
            self._stirred_shortages,
        ):
            judged.clear()

    def conditions(self, announce: Announcer) -> Iterator[tuple[Episode, Callable[[], Signal]]]:
        """Every condition, and what tells of it."""
        for key, promise in sorted(self.promises.items()):
            yield promise.episode, partial(announce.service, key, promise)
            for pace in PACES:
                yield promise.episode_of(pace), partial(announce.burn, pace, key, promise)
        for key, waiting in sorted(self.waiting.items()):
            yield waiting.episode, partial(announce.waiting, key, waiting)
        for key, shortage in sorted(self.shortages.items()):
            yield shortage.episode, partial(announce.agent_shortage, key, shortage)
        for (kind, key), share in sorted(self.shares.items()):
            yield share.episode, partial(announce.share, kind, key, share)
        for key, rate in sorted(self.answer_rates.items()):
            yield rate.episode, partial(announce.answer_rate, key, rate)
            yield rate.ahead, partial(announce.answer_rate_ahead, key, rate)

    def judge(self, now: int, rules: DetectionRules, announce: Announcer) -> Iterator[Signal]:
        """Bring every condition forward to `now` (ms); what there is to tell."""
        yield from self._judge_service(now, rules, announce)
        yield from self._judge_gauges(now, rules, announce)
        yield from self._judge_shares(now, rules, announce)

    def _judge_service(self, now: int, rules: DetectionRules, announce: Announcer) -> Iterator[Signal]:
        # By arrival a window ends where its queue's threshold is over, at some second of the minute.
        step = MINUTE if rules.service_level.attribution == "event" else 1_000
        for key in self._stirred_promises.due(self.promises.keys(), (now - 1) // step):
            promise = self.promises[key]
            changed = promise.judge(now, rules.service_level)
            if promise.episode.due(now, changed=changed):
                yield announce.service(key, promise)
            for pace in PACES:
                changed = promise.judge_burn(pace, now, rules.service_level)
                if promise.episode_of(pace).due(now, changed=changed):
                    yield announce.burn(pace, key, promise)
            if not promise.broken:
                self._stirred_promises.rest(key)

    def _judge_gauges(self, now: int, rules: DetectionRules, announce: Announcer) -> Iterator[Signal]:
        for key in self._stirred_waiting.due(self.waiting.keys(), 0):
            waiting = self.waiting[key]
            changed = waiting.judge(now, rules.service_level.over_threshold_min)
            if waiting.episode.due(now, changed=changed):
                yield announce.waiting(key, waiting)
            if not waiting.episode.active:
                self._stirred_waiting.rest(key)
        for key in self._stirred_shortages.due(self.shortages.keys(), 0):
            shortage = self.shortages[key]
            changed = shortage.judge(now, rules.no_agent.after_s)
            if shortage.episode.due(now, changed=changed):
                yield announce.agent_shortage(key, shortage)
            if shortage.since is None:
                self._stirred_shortages.rest(key)

    def _judge_shares(self, now: int, rules: DetectionRules, announce: Announcer) -> Iterator[Signal]:
        for kind, key in self._stirred_shares.due(self.shares.keys(), now // MINUTE):
            share = self.shares[kind, key]
            changed = share.judge(now, rules.share_limit(kind), rules.zone(key.hotline))
            if share.episode.due(now, changed=changed):
                yield announce.share(kind, key, share)
            if not share.episode.active:
                self._stirred_shares.rest((kind, key))
        for key, rate in sorted(self.answer_rates.items()):
            changed = rate.judge(now, rules.answer_rate, rules.zone(key.hotline))
            if rate.episode.due(now, changed=changed):
                yield announce.answer_rate(key, rate)
            changed = rate.judge_ahead(now, rules.answer_rate)
            if rate.ahead.due(now, changed=changed):
                yield announce.answer_rate_ahead(key, rate)
