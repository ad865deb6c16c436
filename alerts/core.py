"""Signals in, changes of state out: the alerts of one partition of `hotline.signals`, without I/O."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from alerts.lifecycle import Entry, Time, drop, end_of_feed, forgettable, hear, held_back, newer, wait
from alerts.listening import Listening
from alerts.outage import Outage
from alerts.rules import Rule
from alerts.state_format import FORMAT, check
from deploy.runtime.processor import Output, Record
from streams.contract import AlertEvent, Signal
from streams.contract.topics import ALERTS, UNREADABLE

NOW_MS = 2_000
"""A record written so much later than the last tick: the time of that tick says nothing about it."""
SWEEP_MS = 60_000

Ignored = Literal["unreadable", "other_feed", "no_rule", "not_newer"]

_signal = msgspec.json.Decoder(Signal)
_event = msgspec.json.Encoder()


class _State(msgspec.Struct, kw_only=True):
    """`entries`: signal fingerprint -> rule name -> entry."""

    format: int = FORMAT
    clock: int = 0
    entries: dict[str, dict[str, Entry]] = {}
    outage: Outage = msgspec.field(default_factory=Outage)


class Alerts:
    """A `Processor` for `hotline.signals`. Signals of another feed than `feed` make no alerts.

    Outputs are `AlertEvent`s for `hotline.alerts`, key = fingerprint. `ignored` counts the signals that
    changed nothing, by reason, since the start of the process.
    """

    def __init__(self, rules: Sequence[Rule], feed: str, snapshot: Mapping[str, bytes] | None = None) -> None:
        self._feed = feed
        self._outputs: list[Output] = []
        self._listening = Listening()
        self._swept_at = 0
        self.ignored: dict[Ignored, int] = {"unreadable": 0, "other_feed": 0, "no_rule": 0, "not_newer": 0}
        state = _State() if snapshot is None else msgspec.msgpack.decode(snapshot["all"], type=_State)
        check("the alerts' state has", state.format)
        self._clock = state.clock
        self._entries = state.entries
        self._outage = state.outage
        self._leave_other_feeds()
        self.adopt(rules)

    def adopt(self, rules: Sequence[Rule]) -> None:
        """Go on with other rules; the alerts of those that are gone end."""
        self._rules = {rule.name: rule for rule in rules if rule.signal is not None}
        for by_rule in self._entries.values():
            for name in by_rule.keys() - self._rules.keys():
                by_rule[name], changes = drop(by_rule[name], self._listening.time)
                self._emit(changes)

    def _leave_other_feeds(self) -> None:
        """End what fires of a feed that made alerts before: its signals are not heard any more."""
        for by_rule in self._entries.values():
            for name, entry in by_rule.items():
                if entry.event is not None and entry.event.feed != self._feed:
                    by_rule[name], changes = drop(entry, None, "feed_changed")
                    self._emit(changes)

    @property
    def clock(self) -> int:
        return self._clock

    def apply(self, records: Sequence[Record]) -> None:
        signals = [(record, self._decode(record)) for record in records]
        last = {signal.fingerprint: index for index, (_, signal) in enumerate(signals) if signal}
        for index, (record, signal) in enumerate(signals):
            self._clock = max(self._clock, record.timestamp)
            if signal is None:
                continue
            # What a later record of the same chunk may take back must not page.
            time = self._listening.time
            current = time and record.timestamp <= time.now + NOW_MS and last[signal.fingerprint] == index
            self._hear(signal, record.timestamp, time if current else None)

    def tick(self, now: int, *, caught_up: bool) -> None:
        self._listening.tick(now, caught_up=caught_up)
        time = self._listening.time
        if time is None:
            return
        self._emit(self._outage.tick(now, caught_up=caught_up, source="signals"))
        self._clock = max(self._clock, now)
        for by_rule in self._entries.values():
            for name, entry in by_rule.items():
                if entry.state != "quiet" and name in self._rules:
                    by_rule[name], changes = wait(entry, self._rules[name], time)
                    self._emit(changes)
        if now - self._swept_at > SWEEP_MS:
            self._swept_at = now
            self._sweep(time)

    def outputs(self) -> list[Output]:
        outputs, self._outputs = self._outputs, []
        return outputs

    def snapshot(self) -> dict[str, bytes]:
        return {"all": msgspec.msgpack.encode(_State(clock=self._clock, entries=self._entries, outage=self._outage))}

    def firing(self) -> list[AlertEvent]:
        """The alerts that are firing, oldest first, with the last signal's numbers."""
        events = [e.event for e in self._all() if e.event is not None and e.event.state == "firing"]
        return sorted(events, key=lambda event: (event.started_at, event.fingerprint))

    def held_back(self) -> int:
        """How many alerts would fire were their last signal not too old; more than a few: look at the clocks."""
        time = self._listening.time
        if time is None:
            return 0
        pairs = ((name, entry) for by_rule in self._entries.values() for name, entry in by_rule.items())
        return sum(name in self._rules and held_back(entry, self._rules[name], time) for name, entry in pairs)

    def _all(self) -> list[Entry]:
        return [entry for by_rule in self._entries.values() for entry in by_rule.values()]

    def _decode(self, record: Record) -> Signal | None:
        try:
            signal = _signal.decode(record.value or b"")
        except UNREADABLE:
            self.ignored["unreadable"] += 1
            return None
        if signal.feed != self._feed:
            self.ignored["other_feed"] += 1
            return None
        return signal

    def _hear(self, signal: Signal, written_at: int, time: Time | None) -> None:
        by_rule = self._entries.get(signal.fingerprint, {})
        covered = False
        for name, rule in self._rules.items():
            entry = by_rule.get(name)
            if rule.covers(signal):
                covered = True
                before = entry or Entry()
                self.ignored["not_newer"] += not newer(before, signal)
                if signal.feed_ended and signal.version > before.version:
                    before, changes = end_of_feed(before, signal.at, signal.version, time)
                    self._emit(changes)
                by_rule[name], changes = hear(before, signal, written_at, rule, time)
                self._outage.hear(before, changes, rule, written_at, self._listening.time)
                self._emit(changes)
            elif entry is not None:
                by_rule[name], changes = drop(entry, time)
                self._emit(changes)
        if by_rule:
            self._entries[signal.fingerprint] = by_rule
        self.ignored["no_rule"] += not covered

    def _emit(self, changes: Sequence[AlertEvent]) -> None:
        self._outputs += [Output(ALERTS, event.fingerprint.encode(), _event.encode(event)) for event in changes]

    def _sweep(self, time: Time) -> None:
        for key, by_rule in list(self._entries.items()):
            kept = {name: entry for name, entry in by_rule.items() if not forgettable(entry, time)}
            if kept:
                self._entries[key] = kept
            else:
                del self._entries[key]
