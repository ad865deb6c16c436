"""What the wallboard remembers of one feed: a day of base cells and the latest of everything else.

Pure: records go in, the highest version of each key stays. Nothing here knows Kafka or the time.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

from sinks.web.kinds import SETS, Kinds, KindSet
from sinks.web.rolling import SOURCES_EXPECTED, SOURCES_HEARD, Minute, Rolling, shown
from sinks.web.said import Said
from streams.contract import (
    LIVE,
    AlertEvent,
    Announcement,
    Cell,
    CellsRecord,
    FeedStatus,
    Forecast,
    Gauge,
    Progress,
    Signal,
    SourceStatus,
)
from streams.contract.alerts import Acknowledgement, ControlRecord, Feedback, Silence
from streams.contract.announcements import Announcements, in_time
from streams.contract.cells import MINUTE_MS, Counts
from streams.contract.metrics import Window, window

KEPT_MS = 26 * 3_600_000
"""A rolling day and a little more: today's beginning stays in memory on a day of 25 hours."""
SIGNAL_LOST_MS = 60_000
"""An active signal is repeated about every 10 s; one not heard of for so long (by the data's clock) is over."""

Record = CellsRecord | Signal | AlertEvent | ControlRecord | Announcement
FeedRecord = Cell | Gauge | Forecast | FeedStatus | SourceStatus | Signal | AlertEvent
Applied = Literal["applied", "other_feed", "other_set", "older_version", "too_old"]


class Key(NamedTuple):
    """One row of figures: a whole hotline (`queue` None) or one of its queues."""

    hotline: str
    queue: str | None = None


class Board:
    """The state of one feed. `apply` takes records in any order of keys and with any repeats."""

    def __init__(self, feed: str) -> None:
        self.feed = feed
        self.generation = 0
        self.clock: int | None = None
        """How far the feed's data is complete (ms): the lowest partition clock."""
        self.clock_moved_at: int | None = None
        """Record time (wall, ms) of the record that moved the clock last."""
        self.since: int | None = None
        """The first minute that is known; what lies before is missing, not zero."""
        self.progress: Progress | None = None
        self.gauges: dict[Key, Gauge] = {}
        self.minutes: dict[Key, dict[int, Minute]] = {}
        self.sources: dict[str, SourceStatus] = {}
        self.forecasts: dict[Key, dict[int, Forecast]] = {}
        self.alerts: dict[str, AlertEvent] = {}
        self.signals: dict[str, Signal] = {}
        self.kinds = Kinds()
        """By category, district and department."""
        self.said = Said()
        self.announced = Announcements()
        """What people know to come; past events too."""
        self.of_file: Sequence[Announcement] = ()
        """The same from the file of announced events."""
        self._rolling: dict[Key, Rolling] = {}
        self._pruned_at = 0

    def apply(self, record: Record, at: int) -> Applied:
        """Take in one record; `at` is the record's own time in Kafka (ms)."""
        if isinstance(record, Progress):
            return self._progress(record, at)
        if isinstance(record, Acknowledgement | Silence | Feedback):  # people speak of alerts, not of feeds
            self.said.take(record)
            return "applied"
        if isinstance(record, Announcement):
            return "applied" if self.announced.take(record) else "older_version"
        return self._of_feed(record, at) if record.feed == self.feed else "other_feed"

    def _of_feed(self, record: FeedRecord, at: int) -> Applied:
        applied: Applied
        match record:
            case Cell():
                applied = self._cell(record)
            case Gauge():
                applied = self._gauge(record, at)
            case Forecast():
                applied = self._forecast(record)
            case SourceStatus():
                applied = self._source(record)
            case FeedStatus():
                applied = self._feed(record, at)
            case Signal():
                applied = self._signal(record)
            case AlertEvent():
                applied = self._alert(record)
        return applied

    def events(self) -> list[Announcement]:
        """All announced events, past ones too, in order of time."""
        entered = self.announced.holding()
        return sorted((*entered, *self.of_file), key=in_time) if self.of_file else entered

    def admits(self, hotline: str, queue: str) -> bool:
        """Whether a queue may be shown: all of them (`LimitedBoard` is the board of those who may not see all)."""
        del hotline, queue
        return True

    def admits_kind(self, hotline: str, kind: KindSet, value: str) -> bool:
        """Whether a category, district or department may be shown."""
        del hotline, kind, value
        return True

    def admits_hotline(self, hotline: str) -> bool:
        """Whether anything of a hotline may be shown."""
        del hotline
        return True

    def hotlines(self) -> list[str]:
        """The hotlines seen, in the order of their first record."""
        return list(dict.fromkeys(key.hotline for key in (*self.gauges, *self.minutes)))

    def queues(self, hotline: str) -> list[str]:
        """The queues seen of a hotline, by name."""
        return sorted({key.queue for key in (*self.gauges, *self.minutes) if key.hotline == hotline and key.queue})

    def window(self, key: Key, start: int, end: int) -> Counts:
        """The counts of [start, end): whole minutes, ms."""
        return window(minute.counts for minute in self._between(key, start, end))

    def rolling(self, key: Key, name: Window, bounds: tuple[int, int]) -> Counts:
        """The counts of a rolling window at its bounds: what `window` gives, kept from one look to the next."""
        found = self._rolling.get(key)
        return found.counts(name, *bounds) if found else {}

    def shown(self, key: Key, name: Window, bounds: tuple[int, int], threshold_s: int) -> dict[str, Any]:
        """The figures of a rolling window that a screen shows."""
        found = self._rolling.get(key)
        return found.shown(name, *bounds, threshold_s) if found else shown({}, threshold_s)

    def total(self, key: Key, counter: str, start: int, end: int) -> int:
        """One counter of [start, end); cheaper than `window`."""
        return sum(minute.counts.get(counter, 0) for minute in self._between(key, start, end))

    def firing(self, hotline: str) -> list[AlertEvent]:
        """The alerts of a hotline that are firing, the newest first."""
        found = [alert for alert in self.alerts.values() if alert.state == "firing" and alert.hotline == hotline]
        return sorted(found, key=lambda alert: (alert.started_at, alert.fingerprint), reverse=True)

    def active(self, hotline: str) -> list[Signal]:
        """The signals of a hotline that hold now, the newest first."""
        latest = (self.clock or 0) - SIGNAL_LOST_MS
        found = [s for s in self.signals.values() if s.active and s.hotline == hotline and s.at >= latest]
        return sorted(found, key=lambda signal: (signal.since, signal.fingerprint), reverse=True)

    def prune(self) -> None:
        """Forget what the clock has left behind by more than `KEPT_MS`; cheap to call often."""
        if self.clock is None or self.clock - self._pruned_at < MINUTE_MS:
            return
        self._pruned_at = self.clock
        oldest = self.clock - KEPT_MS
        for rolling in self._rolling.values():
            rolling.forget_before(oldest)
        self.kinds.forget_before(oldest)
        for days in self.forecasts.values():
            for day in [day for day in days if day < oldest - KEPT_MS]:
                del days[day]
        if self.since is not None:
            self.since = max(self.since, oldest - oldest % MINUTE_MS)

    def _between(self, key: Key, start: int, end: int) -> Iterable[Minute]:
        minutes = self.minutes.get(key)
        if not minutes:
            return
        for minute in range(start, end, MINUTE_MS):
            found = minutes.get(minute)
            if found is not None:
                yield found

    def _move_clock(self, clock: int, at: int) -> None:
        if self.clock is None or clock > self.clock:
            self.clock = clock
            self.clock_moved_at = at

    def _progress(self, progress: Progress, at: int) -> Applied:
        if self.progress is not None and progress.version < self.progress.version:
            return "older_version"
        self.progress = progress
        if self.feed == LIVE and progress.data_as_of is not None:  # partition clocks are those of `live`
            self._move_clock(progress.data_as_of, at)
        return "applied"

    def _is_of_this_run(self, generation: int) -> bool:
        """Whether it is of no earlier generation of the feed; with a later one all begins anew, its clock too.

        Gauges stay: of the new generation only those are told that differ.
        """
        if generation > self.generation:
            self.generation = generation
            self.minutes.clear()
            self._rolling.clear()
            self.kinds.clear()
            self.signals.clear()
            self.since = self.clock = self.clock_moved_at = None
            self._pruned_at = 0
        return generation == self.generation

    def _feed(self, status: FeedStatus, at: int) -> Applied:
        if not self._is_of_this_run(status.generation):
            return "older_version"
        if self.feed != LIVE:
            self._move_clock(status.at, at)
        return "applied"

    def _cell(self, cell: Cell) -> Applied:
        of_kinds = cell.dimension_set not in {"hotline", "queue"}
        if of_kinds and cell.dimension_set not in SETS:
            return "other_set"
        if not self._is_of_this_run(cell.generation):
            return "older_version"
        if self.clock is not None and cell.minute < self.clock - KEPT_MS:
            return "too_old"
        if of_kinds:
            return self.kinds.take(cell)
        key = Key(cell.hotline, cell.queue if cell.dimension_set == "queue" else None)
        minutes = self.minutes.setdefault(key, {})
        known = minutes.get(cell.minute)
        if known is not None and known.version > cell.version:
            return "older_version"
        counts = cell.counts
        if cell.sources_expected:
            counts = counts | {SOURCES_EXPECTED: cell.sources_expected, SOURCES_HEARD: cell.sources_heard}
        self._rolling.setdefault(key, Rolling(minutes)).put(cell.minute, Minute(cell.version, counts))
        if self.since is None or cell.minute < self.since:
            self.since = cell.minute
        return "applied"

    def _gauge(self, gauge: Gauge, at: int) -> Applied:
        key = Key(gauge.hotline, gauge.queue if gauge.dimension_set == "queue" else None)
        known = self.gauges.get(key)
        if known is not None and known.version > gauge.version:
            return "older_version"
        self.gauges[key] = gauge
        self._move_clock(gauge.at, at)
        return "applied"

    def _source(self, status: SourceStatus) -> Applied:
        known = self.sources.get(status.source)
        if known is not None and known.version > status.version:
            return "older_version"
        self.sources[status.source] = status
        return "applied"

    def _forecast(self, forecast: Forecast) -> Applied:
        key = Key(forecast.hotline, forecast.queue if forecast.dimension_set == "queue" else None)
        days = self.forecasts.setdefault(key, {})
        known = days.get(forecast.start)
        if known is not None and known.version > forecast.version:
            return "older_version"
        days[forecast.start] = forecast
        return "applied"

    def _signal(self, signal: Signal) -> Applied:
        known = self.signals.get(signal.fingerprint)
        if known is not None and known.version > signal.version:
            return "older_version"
        self.signals[signal.fingerprint] = signal
        return "applied"

    def _alert(self, alert: AlertEvent) -> Applied:
        known = self.alerts.get(alert.fingerprint)
        if known is not None and (known.at, known.version) > (alert.at, alert.version):
            return "older_version"
        self.alerts[alert.fingerprint] = alert
        self.said.fires(alert)
        return "applied"
