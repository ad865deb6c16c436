"""What detection is told: which feed it judges, whom it learns from, and the promises of each hotline."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from deploy.runtime.settings import Demand, Hotline, ServiceLevel, Settings


@dataclass(frozen=True)
class DetectionRules:
    """`feed` is judged; `learn_from` feeds (and the judged one itself) teach what is usual.

    A hotline that is not in `hotlines` gets `default`.
    """

    feed: str = "live"
    demand: Demand = field(default_factory=Demand)
    service_level: ServiceLevel = field(default_factory=ServiceLevel)
    hotlines: Mapping[str, Hotline] = field(default_factory=dict)
    default: Hotline = field(default_factory=Hotline)

    def hotline(self, name: str) -> Hotline:
        return self.hotlines.get(name, self.default)

    def zone(self, hotline: str) -> ZoneInfo:
        return self.hotline(hotline).zone

    def promise(self, hotline: str, queue: str) -> tuple[int, float]:
        """(threshold in seconds, target as a fraction) that `queue` (`""`: the whole hotline) promised."""
        settings = self.hotline(hotline)
        return settings.thresholds(queue)[0], settings.target_of(queue)


def rules_from(settings: Settings) -> DetectionRules:
    """The rules that `settings` state."""
    return DetectionRules(
        feed=settings.alerts.feed,
        demand=settings.demand,
        service_level=settings.service_level,
        hotlines=dict(settings.known_hotlines()),
        default=settings.hotline_defaults,
    )
