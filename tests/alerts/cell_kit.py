"""Cells, gauges and clocks for the tests of window rules. Minutes are counted from T, a whole hour."""

from zoneinfo import ZoneInfo

import msgspec

from alerts.promises import Promise
from alerts.rules import Rule
from alerts.watch import Watch
from deploy.runtime.processor import Record
from streams.contract import AlertEvent, Cell, CellsRecord, FeedStatus, Forecast, Gauge, Progress

T = 1_699_999_200_000  # 2023-11-14 22:00 UTC
MINUTE = 60_000
BERLIN = ZoneInfo("Europe/Berlin")


def window_rule(expression, **fields):
    return Rule(**({"name": "Window", "expression": expression} | fields))


class Cells:
    """A Watch and the log it reads; `cell` and `clock` append, `events` takes what came of it."""

    def __init__(self, *rules, since=0, target=0.8, zone=BERLIN, feed="live"):
        self.promises = lambda hotline, queue, at: Promise(20, target(at) if callable(target) else target, zone)
        self.feed = feed
        self.core = Watch(rules, feed, self.promises, since=since)
        self.version = 0
        self.at = T

    def put(self, told: CellsRecord):
        self.version += 1
        self.core.apply([Record(self.version, self.at, b"k", msgspec.json.encode(told))])

    def cell(self, minute, queue="q", feed=None, generation=0, **counts):
        self.put(
            Cell(feed=feed or self.feed, generation=generation, hotline="h", dimension_set="queue", queue=queue, minute=T + minute * MINUTE,
                 version=self.version, counts={name.replace("__", "."): n for name, n in counts.items()})
        )  # fmt: skip

    def gauge(self, waiting, queue="q", oldest_queued_at=None):
        self.put(
            Gauge(feed=self.feed, hotline="h", dimension_set="queue", queue=queue, at=self.at, version=self.version,
                  waiting=waiting, oldest_queued_at=oldest_queued_at, threshold_s=20)
        )  # fmt: skip

    def ended(self, generation=0):
        """The feed is over."""
        self.put(
            FeedStatus(feed=self.feed, generation=generation, state="ended", at=self.at, version=self.version)
        )  # fmt: skip

    def forecast(self, expected, start=T, step_s=900):
        self.put(
            Forecast(feed="live", hotline="h", dimension_set="queue", queue="q", start=start, step_s=step_s,
                     expected=expected, lower=expected, upper=expected, days_learned=9, version=1)
        )  # fmt: skip

    def clock(self, minute, caught_up=True):
        """Let the data's clock, and ours, come to a minute."""
        self.at = T + round(minute * MINUTE)
        self.core.tick(self.at, caught_up=caught_up)
        self.put(
            Progress(data_as_of=self.at, partitions=[], repaired={}, rejected={}, misrouted={}, late={},
                     unknown_fields={}, missing=0, version=self.version)
        )  # fmt: skip

    def decoded(self):
        return [msgspec.json.decode(output.value, type=AlertEvent) for output in self.core.outputs()]

    def events(self):
        return [(event.state, event.queue) for event in self.decoded()]

    def restart(self, *rules):
        self.core = Watch(rules, self.feed, self.promises, self.core.snapshot())
