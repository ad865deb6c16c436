"""Stored minutes played through detection and alert rules, one minute after the other, as if they came in now."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from alerts.core import Alerts
from alerts.promises import Promises
from alerts.rules import Rule
from alerts.watch import Watch
from deploy.backtest.trace import Trace
from deploy.runtime.processor import Processor, Record
from streams.contract import DIMENSIONS, AlertEvent, Cell, Signal
from streams.contract.cells import progress_to
from streams.detection import Detection, DetectionRules

MINUTE = 60_000

_MORE = set(DIMENSIONS) - {"queue", "category"}
_encode = msgspec.json.Encoder().encode
_event = msgspec.json.Decoder(AlertEvent)


class Fired(NamedTuple):
    """One alarm: what (kind of signal, or rule), of which key, told from `at` to `until` (None: still on), ms.

    `since`: when it says that what it tells of began. `summary`: its first sentence, English; `summary_zh`: Chinese.
    """

    what: str
    queue: str
    category: str
    more: str
    since: int
    at: int
    until: int | None
    summary: str
    summary_zh: str = ""


class _Alarms:
    """Alarms by what they are of: those that are on, and those that are over."""

    def __init__(self) -> None:
        self._on: dict[str, Fired] = {}
        self._over: list[Fired] = []

    def is_on(self, of: str) -> bool:
        return of in self._on

    def begin(self, of: str, fired: Fired) -> None:
        self._on[of] = fired

    def end(self, of: str, at: int) -> None:
        """It is over since `at` (ms), if it was on."""
        if of in self._on:
            self._over.append(self._on.pop(of)._replace(until=at))

    def in_order(self) -> list[Fired]:
        """All of them, in order of time."""
        return sorted((*self._over, *self._on.values()), key=lambda it: (it.at, it))


class SignalsPlay:
    """What detection would have told. Times are minutes' ends: live it looks every half second.

    `trace`, if there is one, is told what came and what was expected.
    """

    def __init__(self, rules: DetectionRules, trace: Trace | None = None) -> None:
        self.detection = Detection(rules)
        self.trace = trace
        self._alarms = _Alarms()

    def teach(self, cells: Iterable[Cell]) -> None:
        """What a feed to learn from tells; say `detection.complete` when it is whole."""
        for cell in cells:
            self.detection.cell(cell)

    def minute(self, minute: int, cells: Sequence[Cell]) -> list[Signal]:
        """The minute that begins at `minute` is over: everything that is told at its end."""
        if self.trace is not None:
            self.trace.begin(minute, self.detection)
            self.trace.count(minute, cells)
        for cell in cells:
            self.detection.cell(cell)
        told = [it for it in self.detection.advance(minute + MINUTE, minute // MINUTE) if isinstance(it, Signal)]
        for signal in told:
            if not signal.active:
                self._alarms.end(signal.fingerprint, signal.at)
            elif not self._alarms.is_on(signal.fingerprint):
                more = ", ".join(f"{name} {value}" for name, value in signal.dimensions.items())
                fired = Fired(
                    signal.kind,
                    signal.queue,
                    signal.category,
                    more or signal.source,
                    signal.since,
                    signal.at,
                    None,
                    signal.summary.get("en", ""),
                    signal.summary.get("zh", ""),
                )
                self._alarms.begin(signal.fingerprint, fired)
        return told

    @property
    def fired(self) -> list[Fired]:
        """All alarms so far in order of time."""
        return self._alarms.in_order()


class RulesPlay:
    """Which alerts rules would have made of cells and of signals."""

    def __init__(self, rules: Sequence[Rule], feed: str, promises: Promises, start: int) -> None:
        self._signals = Alerts(rules, feed)
        self._cells = Watch(rules, feed, promises, since=start)
        self._offset = 0
        self._alarms = _Alarms()

    def minute(self, minute: int, cells: Iterable[Cell], signals: Iterable[Signal]) -> None:
        """The minute that begins at `minute` is over: its cells, and what detection told of it."""
        now = minute + MINUTE
        both: tuple[Processor, ...] = (self._signals, self._cells)
        for processor in both:
            processor.tick(now, caught_up=True)
        self._signals.apply([self._record(now, _encode(signal)) for signal in signals])
        self._cells.apply([self._record(now, _encode(cell)) for cell in cells])
        self._cells.apply([self._record(now, _encode(progress_to(now)))])
        for processor in both:
            processor.tick(now, caught_up=True)
            for output in processor.outputs():
                self._take(_event.decode(output.value), now)

    def _record(self, now: int, value: bytes) -> Record:
        self._offset += 1
        return Record(self._offset, now, b"", value)

    def _take(self, event: AlertEvent, now: int) -> None:
        if event.state != "firing":
            self._alarms.end(event.fingerprint, now)
        elif not self._alarms.is_on(event.fingerprint):
            more = ", ".join(f"{name} {value}" for name, value in event.labels.items() if name in _MORE)
            fired = Fired(
                event.rule,
                event.queue,
                event.category,
                more,
                event.started_at,
                now,
                None,
                event.summary.get("en", ""),
                event.summary.get("zh", ""),
            )
            self._alarms.begin(event.fingerprint, fired)

    @property
    def fired(self) -> list[Fired]:
        """All alerts so far in order of time."""
        return self._alarms.in_order()
