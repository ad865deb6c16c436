"""An invented city's calls, as the cells that the merger would hand to detection."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from detection_kit import tell

from deploy.runtime.detection_settings import Demand
from deploy.runtime.settings import Hotline, Queue
from streams.contract import Signal
from streams.detection import Detection, DetectionRules

MINUTE = 60_000
DAY = 1440 * MINUTE
ZONE = ZoneInfo("Asia/Shanghai")
MONDAY = int(datetime(2026, 6, 1, tzinfo=ZONE).timestamp() * 1000)

HOURS = [6, 4, 3, 2, 2, 4, 10, 30, 75, 100, 98, 85, 60, 62, 88, 95, 90, 78, 58, 46, 38, 30, 20, 11]


@dataclass
class City:
    """Queues with calls a day; the level of each day is lognormal, the same for all queues up to a part of its own."""

    seed: int
    volumes: dict[str, float]
    level_sd: float = 0.09

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(self.seed)
        hours = np.array([*HOURS, HOURS[0]], float)
        shape = np.interp((np.arange(1440) + 0.5) / 60, np.arange(25), hours)
        self.shape = shape / shape.sum()

    def day(self, start: int) -> dict[str, np.ndarray]:
        """Expected calls per minute of a local day, by queue."""
        weekday = datetime.fromtimestamp(start / 1000, ZONE).weekday()
        common = self.random.normal(0, self.level_sd)
        return {
            queue: volume
            * self.shape
            * (0.6 if weekday >= 5 else 1.0 - 0.02 * weekday)
            * np.exp(common + self.random.normal(0, self.level_sd / 3))
            for queue, volume in self.volumes.items()
        }

    def counts(self, start: int) -> dict[str, np.ndarray]:
        return {queue: self.random.poisson(rate) for queue, rate in self.day(start).items()}

    def rules(self, **demand: object) -> DetectionRules:
        line = Hotline(
            name={"en": "Linjiang 12345", "zh": "临江市 12345 热线"},
            time_zone="Asia/Shanghai",
            thresholds_s=(15,),
            queues={"transport": Queue(name={"en": "Transport", "zh": "交通出行"})},
        )
        return DetectionRules(demand=Demand(**demand), hotlines={"12345": line})

    def tell(self, detection: Detection, feed: str, minute: int, counts: dict[str, int]) -> None:
        """One minute of every queue, and the hotline as their sum."""
        for queue, count in counts.items():
            if count:
                tell(detection, feed, "12345", "queue", queue, minute, {"offered": int(count)})
        tell(detection, feed, "12345", "hotline", "", minute, {"offered": int(sum(counts.values()))})

    def teach(self, detection: Detection, days: int, until: int = MONDAY) -> None:
        """`days` of history up to `until`, from the feed `history`."""
        for start in range(until - days * DAY, until, DAY):
            counts = self.counts(start)
            for i in range(1440):
                self.tell(detection, "history", start + i * MINUTE, {q: c[i] for q, c in counts.items()})
            detection.complete("history", start + DAY)

    def seconds(
        self, start: int, rate: dict[str, np.ndarray], first: int, minutes: int
    ) -> Iterator[tuple[int, dict[str, int]]]:
        """Second by second (its end in ms, calls of each queue in it)."""
        for i in range(first, first + minutes):
            for second in range(60):
                calls = {q: int(self.random.poisson(r[i] / 60)) for q, r in rate.items()}
                yield start + i * MINUTE + (second + 1) * 1000, calls


@pytest.fixture(scope="session")
def make_city():
    return City


def active(records: list, kind: str = "demand_above_expectation") -> list[Signal]:
    return [r for r in records if isinstance(r, Signal) and r.kind == kind and r.active]


@pytest.fixture
def active_signals():
    return active


@pytest.fixture(scope="session")
def monday() -> int:
    return MONDAY
