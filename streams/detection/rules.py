"""What detection is told: which feed it judges, whom it learns from, and the promises of each hotline."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from deploy.runtime.detection_settings import (
    Abandonment,
    AnswerRate,
    Blocked,
    Concentration,
    Demand,
    NoAgent,
    QueueSilence,
    RingNoAnswer,
    ShareLimit,
)
from deploy.runtime.service_settings import ServiceLevel
from deploy.runtime.settings import Cells, Hotline, Settings
from streams.contract import LIVE, SignalKind
from streams.detection.announced import Announced


@dataclass(frozen=True)
class DetectionRules:
    """`feed` is judged; `learn_from` feeds (and the judged one itself) teach what is usual.

    `slices`: the dimension sets in which calls may concentrate, each with its dimensions. A hotline that is not in
    `hotlines` gets `default`.
    """

    feed: str = LIVE
    demand: Demand = field(default_factory=Demand)
    service_level: ServiceLevel = field(default_factory=ServiceLevel)
    concentration: Concentration = field(default_factory=Concentration)
    slices: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: slices_of(Cells(), Concentration()))
    queue_silence: QueueSilence = field(default_factory=QueueSilence)
    abandonment: Abandonment = field(default_factory=Abandonment)
    blocked: Blocked = field(default_factory=Blocked)
    ring_no_answer: RingNoAnswer = field(default_factory=RingNoAnswer)
    answer_rate: AnswerRate = field(default_factory=AnswerRate)
    no_agent: NoAgent = field(default_factory=NoAgent)
    announced: tuple[Announced, ...] = ()
    hotlines: Mapping[str, Hotline] = field(default_factory=dict)
    default: Hotline = field(default_factory=Hotline)

    def hotline(self, name: str) -> Hotline:
        return self.hotlines.get(name, self.default)

    def zone(self, hotline: str) -> ZoneInfo:
        return self.hotline(hotline).zone

    def share_limit(self, kind: SignalKind) -> ShareLimit:
        """The limit of one of the shares; raises KeyError for a kind that is none."""
        limits: dict[SignalKind, ShareLimit] = {
            "abandonment_above_limit": self.abandonment,
            "blocked_above_limit": self.blocked,
            "ring_no_answer": self.ring_no_answer,
        }
        return limits[kind]

    def promise(self, hotline: str, queue: str) -> tuple[int, float]:
        """(threshold in seconds, target as a fraction) that `queue` (`""`: the whole hotline) promised."""
        settings = self.hotline(hotline)
        return settings.thresholds(queue)[0], settings.target_of(queue)

    def target_at(self, hotline: str, queue: str, minute: int) -> float | None:
        """What is promised in that minute (epoch ms), as a fraction; None: nothing."""
        return self.hotline(hotline).target_at(queue, minute)


def slices_of(cells: Cells, concentration: Concentration) -> Mapping[str, tuple[str, ...]]:
    """Of the sets that `concentration` names those that are counted, each with its dimensions."""
    counted = cells.dimension_sets | {"source": ("source",)}
    return {
        name: tuple(part.partition("/")[0] for part in counted[name])
        for name in concentration.dimension_sets
        if name in counted
    }


def rules_from(settings: Settings) -> DetectionRules:
    """The rules that `settings` state."""
    return DetectionRules(
        feed=settings.alerts.feed,
        demand=settings.demand,
        service_level=settings.service_level,
        concentration=settings.concentration,
        slices=slices_of(settings.cells, settings.concentration),
        queue_silence=settings.queue_silence,
        abandonment=settings.abandonment,
        blocked=settings.blocked,
        ring_no_answer=settings.ring_no_answer,
        answer_rate=settings.answer_rate,
        no_agent=settings.no_agent,
        hotlines=dict(settings.known_hotlines()),
        default=settings.hotline_defaults,
    )
