"""The board's figures as Prometheus gauges: what is so now, per hotline and queue."""

from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sinks.web.board import Board
from sinks.web.reader import Reader

_LABELS = ("feed", "hotline", "queue")


class Figures(Collector):
    """Read at scrape time. `screens()`: how many streams are open."""

    def __init__(self, board: Board, reader: Reader, screens: Callable[[], int]) -> None:
        self._board, self._reader, self._screens = board, reader, screens

    def collect(self) -> Iterator[Metric]:
        yield from self._now()
        board = self._board
        firing = GaugeMetricFamily("hotline_alerts_firing", "Alerts that fire", labels=("feed", "hotline"))
        for hotline in board.hotlines():
            firing.add_metric((board.feed, hotline), len(board.firing(hotline)))
        yield firing
        if board.clock is not None:
            yield GaugeMetricFamily(
                "hotline_data_as_of_seconds", "Instant up to which the board's data is complete", board.clock / 1000
            )
        yield GaugeMetricFamily("hotline_web_screens", "Open event streams", self._screens())
        records = CounterMetricFamily(
            "hotline_web_records", "Records read, by what became of them", labels=("topic", "became")
        )
        for (topic, became), number in self._reader.intake.applied.items():
            records.add_metric((topic, became), number)
        yield records

    def _now(self) -> Iterator[Metric]:
        board = self._board
        waiting = GaugeMetricFamily("hotline_waiting", "Visits queued now", labels=_LABELS)
        over = GaugeMetricFamily("hotline_waiting_over_threshold", "Of them past the promise", labels=_LABELS)
        oldest = GaugeMetricFamily("hotline_oldest_wait_seconds", "Longest wait now; 0: nobody waits", labels=_LABELS)
        service = GaugeMetricFamily("hotline_in_service", "Visits talking or on hold now", labels=_LABELS)
        for key, gauge in board.gauges.items():
            labels = (board.feed, key.hotline, key.queue or "")
            since = gauge.oldest_queued_at
            waiting.add_metric(labels, gauge.waiting)
            over.add_metric(labels, gauge.waiting_over_threshold)
            oldest.add_metric(labels, max(0, (board.clock or gauge.at) - since) / 1000 if since is not None else 0)
            service.add_metric(labels, gauge.in_service)
        yield from (waiting, over, oldest, service)


__all__ = ["Figures"]
