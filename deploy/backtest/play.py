"""Stored minutes played through detection and alert rules, one minute after the other, as if they came in now."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from alerts.core import Alerts
from alerts.promises import Promises
from alerts.rules import Rule
from alerts.watch import Watch
from deploy.runtime.processor import Processor, Record
from streams.contract import DIMENSIONS, AlertEvent, Cell, Progress, Signal
from streams.detection import Detection, DetectionRules

MINUTE = 60_000

_MORE = set(DIMENSIONS) - {"queue", "category"}
_encode = msgspec.json.Encoder().encode
_event = msgspec.json.Decoder(AlertEvent)
_progress = Progress(
    data_as_of=0,
    partitions=[],
    repaired={},
    rejected={},
    misrouted={},
    late={},
    unknown_fields={},
    missing=0,
    version=0,
)


class Fired(NamedTuple):
    """One alarm: what (kind of signal, or rule), of which key, told from `at` to `until` (None: still on), ms.

    `since`: when it says that what it tells of began. `summary`: its first sentence, English.
    """

    what: str
    queue: str
    category: str
    more: str
    since: int
    at: int
    until: int | None
    summary: str


class SignalsPlay:
    """What detection would have told. Times are minutes' ends: live it looks every half second."""

    def __init__(self, rules: DetectionRules) -> None:
        self.detection = Detection(rules)
        self._open: dict[str, Fired] = {}
        self._over: list[Fired] = []

    def teach(self, cells: Iterable[Cell]) -> None:
        """What a feed to learn from tells; say `detection.complete` when it is whole."""
        for cell in cells:
            self.detection.cell(cell)

    def minute(self, minute: int, cells: Iterable[Cell]) -> list[Signal]:
        """The minute that begins at `minute` is over: everything that is told at its end."""
        for cell in cells:
            self.detection.cell(cell)
        told = [it for it in self.detection.advance(minute + MINUTE, minute // MINUTE) if isinstance(it, Signal)]
        for signal in told:
            known = self._open.get(signal.fingerprint)
            if signal.active and known is None:
                more = ", ".join(f"{name} {value}" for name, value in signal.dimensions.items())
                self._open[signal.fingerprint] = Fired(
                    signal.kind,
                    signal.queue,
                    signal.category,
                    more or signal.source,
                    signal.since,
                    signal.at,
                    None,
                    signal.summary.get("en", ""),
                )
            elif not signal.active and known is not None:
                self._over.append(known._replace(until=signal.at))
                del self._open[signal.fingerprint]
        return told

    @property
    def fired(self) -> list[Fired]:
        """All alarms so far in order of time."""
        return sorted((*self._over, *self._open.values()), key=lambda it: (it.at, it))


class RulesPlay:
    """Which alerts rules would have made of cells and of signals."""

    def __init__(self, rules: Sequence[Rule], feed: str, promises: Promises, start: int) -> None:
        self._signals = Alerts(rules, feed)
        self._cells = Watch(rules, feed, promises, since=start)
        self._offset = 0
        self._open: dict[str, Fired] = {}
        self._over: list[Fired] = []

    def minute(self, minute: int, cells: Iterable[Cell], signals: Iterable[Signal]) -> None:
        """The minute that begins at `minute` is over: its cells, and what detection told of it."""
        now = minute + MINUTE
        both: tuple[Processor, ...] = (self._signals, self._cells)
        for processor in both:
            processor.tick(now, caught_up=True)
        self._signals.apply([self._record(now, _encode(signal)) for signal in signals])
        self._cells.apply([self._record(now, _encode(cell)) for cell in cells])
        self._cells.apply([self._record(now, _encode(msgspec.structs.replace(_progress, data_as_of=now)))])
        for processor in both:
            processor.tick(now, caught_up=True)
            for output in processor.outputs():
                self._take(_event.decode(output.value), now)

    def _record(self, now: int, value: bytes) -> Record:
        self._offset += 1
        return Record(self._offset, now, b"", value)

    def _take(self, event: AlertEvent, now: int) -> None:
        known = self._open.get(event.fingerprint)
        if event.state == "firing" and known is None:
            more = ", ".join(f"{name} {value}" for name, value in event.labels.items() if name in _MORE)
            self._open[event.fingerprint] = Fired(
                event.rule, event.queue, event.category, more, event.started_at, now, None, event.summary.get("en", "")
            )
        elif event.state != "firing" and known is not None:
            self._over.append(known._replace(until=now))
            del self._open[event.fingerprint]

    @property
    def fired(self) -> list[Fired]:
        """All alerts so far in order of time."""
        return sorted((*self._over, *self._open.values()), key=lambda it: (it.at, it))
