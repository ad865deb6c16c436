"""The board as one person may see it: the same questions, fewer answers, totals made of what is left. Pure."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from deploy.runtime.settings import Settings
from sinks.web.board import Board, Key
from sinks.web.kinds import KindSet
from sinks.web.rolling import Minute, shown
from sinks.web.sees import Sees
from streams.contract import AlertEvent, Announcement, Forecast, Gauge, Progress, Signal, SourceStatus
from streams.contract.alerts import Silence
from streams.contract.announcements import touching
from streams.contract.cells import Counts, add_counts
from streams.contract.metrics import Window


class LimitedBoard:
    """A look at a board through a filter; made anew for each look. The whole of a hotline is the sum of its visible queues."""

    def __init__(self, board: Board, sees: Sees, settings: Settings) -> None:
        self._board, self._sees, self._settings = board, sees, settings
        self.feed, self.generation, self.since = board.feed, board.generation, board.since
        self.clock, self.clock_moved_at = board.clock, board.clock_moved_at
        self.said, self.kinds, self.announced = board.said, board.kinds, board.announced

    def events(self) -> list[Announcement]:
        events = self._board.events()
        places = {(it.hotline, it.queue) for it in events}
        may = {place for place in places if self._sees.announcement(*place, self._settings)}
        return [it for it in events if (it.hotline, it.queue) in may]

    @property
    def sources(self) -> Mapping[str, SourceStatus]:
        return self._board.sources

    @property
    def progress(self) -> Progress | None:
        return self._board.progress

    def admits(self, hotline: str, queue: str) -> bool:
        return self._sees.queue(hotline, queue, self._settings.hotline(hotline))

    def admits_kind(self, hotline: str, kind: KindSet, value: str) -> bool:
        return self._sees.kind(hotline, kind, value)

    def admits_hotline(self, hotline: str) -> bool:
        return self._sees.hotline(hotline)

    def hotlines(self) -> list[str]:
        return [hotline for hotline in self._board.hotlines() if self._sees.hotline(hotline)]

    def queues(self, hotline: str) -> list[str]:
        return [queue for queue in self._board.queues(hotline) if self.admits(hotline, queue)]

    @property
    def minutes(self) -> Mapping[Key, Mapping[int, Minute]]:
        return {key: found for key, found in self._board.minutes.items() if key.queue and self.admits(*key)}  # type: ignore[arg-type]

    @cached_property
    def gauges(self) -> Mapping[Key, Gauge]:
        """Of the visible queues, and their sum; agents are not added: one with two skills would count twice."""
        found = {
            key: gauge for key, gauge in self._board.gauges.items() if key.queue and self.admits(key.hotline, key.queue)
        }
        for hotline in {key.hotline for key in found}:
            own = [gauge for key, gauge in found.items() if key.hotline == hotline]
            waits = [gauge.oldest_queued_at for gauge in own if gauge.oldest_queued_at is not None]
            found[Key(hotline)] = Gauge(
                feed=self.feed,
                hotline=hotline,
                dimension_set="hotline",
                at=max(gauge.at for gauge in own),
                version=max(gauge.version for gauge in own),
                waiting=sum(gauge.waiting for gauge in own),
                waiting_over_threshold=sum(gauge.waiting_over_threshold for gauge in own),
                oldest_queued_at=min(waits, default=None),
                in_service=sum(gauge.in_service for gauge in own),
                threshold_s=self._settings.hotline(hotline).thresholds("")[0],
            )
        return found

    @property
    def forecasts(self) -> Mapping[Key, Mapping[int, Forecast]]:
        """Of the visible queues; a range of a sum does not follow from ranges, so the sum has none."""
        return {key: days for key, days in self._board.forecasts.items() if key.queue and self.admits(*key)}  # type: ignore[arg-type]

    @property
    def alerts(self) -> Mapping[str, AlertEvent]:
        return {name: alert for name, alert in self._board.alerts.items() if self._may(alert)}

    def window(self, key: Key, start: int, end: int) -> Counts:
        return self._summed([self._board.window(own, start, end) for own in self._keys(key)])

    def rolling(self, key: Key, name: Window, bounds: tuple[int, int]) -> Counts:
        return self._summed([self._board.rolling(own, name, bounds) for own in self._keys(key)])

    def shown(self, key: Key, name: Window, bounds: tuple[int, int], threshold_s: int) -> dict[str, Any]:
        return shown(self.rolling(key, name, bounds), threshold_s)

    def total(self, key: Key, counter: str, start: int, end: int) -> int:
        counter = counter.removeprefix("calls_")  # calls are counted per hotline only: of a part, its visits
        return sum(self._board.total(own, counter, start, end) for own in self._keys(key))

    def firing(self, hotline: str) -> list[AlertEvent]:
        return [alert for alert in self._board.firing(hotline) if self._may(alert)]

    def active(self, hotline: str) -> list[Signal]:
        return [signal for signal in self._board.active(hotline) if self._may(signal)]

    def _may(self, found: AlertEvent | Signal) -> bool:
        return self._sees.condition(found, self._settings.hotline(found.hotline))

    def _keys(self, key: Key) -> list[Key]:
        if key.queue is not None:
            return [key] if self.admits(key.hotline, key.queue) else []
        return [Key(key.hotline, queue) for queue in self.queues(key.hotline)]

    def _summed(self, parts: list[Counts]) -> Counts:
        total: Counts = {}
        for counts in parts:
            add_counts(total, counts)
        if "offered" in total:
            total["calls_offered"] = total["offered"]
        return total


Readable = Board | LimitedBoard


def limited(board: Board, sees: Sees, settings: Settings) -> Readable:
    """What somebody may see of the board: the board itself for those who may see all of it."""
    return board if sees == Sees() else LimitedBoard(board, sees, settings)


def silences(board: Readable, now: int) -> list[Silence]:
    """Those in force at `now` (ms). Whoever may not see everything sees those that name a queue of theirs."""
    return [
        silence
        for silence in board.said.active(now)
        if board.admits(silence.matchers.get("hotline", ""), silence.matchers.get("queue", ""))
    ]


def events_of_day(
    events: Iterable[Announcement], hotline: str, queue: str | None, start: int, end: int
) -> list[dict[str, Any]]:
    """Those that bear on a queue (None: on anything of the hotline) in [start, end), for the chart of its demand."""
    return [
        {"name": it.name, "begin": it.begin, "end": it.end, "lift": it.lift, "queue": it.queue}
        for it in touching(events, start, end)
        if it.hotline in {"", hotline} and (queue is None or it.queue in {"", queue})
    ]
