"""Who calls, how often, how patient they are and how long they talk: the numbers of the invented hotline.

Times in seconds. Shapes are weights per local hour; they are normalised. What may happen besides being called and
answered stands in `habits`.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from deploy.producers.simulator.habits import EVERYTHING, NOTHING_BESIDES, Habits

_OFFICE = (6, 4, 3, 2, 3, 6, 14, 34, 70, 98, 100, 88, 62, 60, 82, 90, 84, 70, 52, 44, 38, 30, 20, 11)
_EVENING = (10, 6, 4, 3, 4, 9, 28, 55, 66, 70, 70, 68, 64, 60, 62, 66, 72, 84, 96, 100, 92, 70, 42, 22)
_WORKDAYS = (1.18, 1.10, 1.06, 1.05, 1.08, 0.80, 0.73)
_ALL_DAYS = (1.03, 1.00, 0.99, 0.98, 1.01, 1.00, 0.99)
_CLOSED_WEEKEND = (1.30, 1.22, 1.17, 1.14, 1.17, 0.55, 0.45)


class QueueProfile(NamedTuple):
    """One queue. `share` is its part of all calls (relative to the other queues)."""

    name: str
    share: float
    hours: tuple[int, ...]
    week: tuple[float, ...]
    talk_s: float
    talk_sigma: float
    acw_s: float
    patience_s: float
    department: str
    categories: tuple[tuple[str, float], ...]
    languages: tuple[tuple[str, float], ...] = (("zh", 1.0),)


class Site(NamedTuple):
    """A telephone system that sends events, and the centre whose agents log in to it."""

    source: str
    centre: str


SITES = (Site("PBX-1", "east"), Site("PBX-2", "west"))
PLAIN_SITE = Site("simulator", "")
_COMFORT_OF_ONE_SKILL = 2.2
_CENTRES = ("east", "west", "north", "south")


def named(sites: Sequence[Site], site: Site, separator: str, name: str) -> str:
    """The name of a call or an agent at `site`: with its source, so that runs with other sources name others.

    At the sites that are there unless told it stands alone.
    """
    return name if tuple(sites) == SITES else f"{site.source}{separator}{name}"


class Profile(NamedTuple):
    """A hotline: calls per day in all, and its queues. `zone` is an IANA name."""

    hotline: str
    zone: str
    rate: float
    queues: tuple[QueueProfile, ...]
    sites: tuple[Site, ...] = SITES
    habits: Habits = EVERYTHING
    menu_s: float = 18.0
    menu_end: float = 0.06
    redial: float = 0.45
    redial_after_s: float = 150.0
    city_sigma: float = 0.07
    queue_sigma: float = 0.05
    drift: float = 0.04
    comfort: float = 1.2  # agents with several skills cover for each other
    withheld: float = 0.03
    # GB/T 2260 gives no province 99: these six-digit district codes belong to nobody.
    districts: tuple[tuple[str, float], ...] = (
        ("990102", 24),
        ("990103", 20),
        ("990104", 16),
        ("990105", 14),
        ("990106", 11),
        ("990111", 8),
        ("990112", 5),
        ("990113", 2),
        ("990202", 6),
        ("990203", 3),
        ("990281", 1),
    )


_LANGUAGES = (("en", 52.0), ("ja", 14.0), ("ko", 12.0), ("ru", 7.0), ("fr", 5.0), ("de", 4.0), ("es", 3.0), ("ar", 3.0))
_THIRD_WEIGHTS = (5, 3, 2, 1)


def _paths(queue: str, thirds: str, **weights: float) -> tuple[tuple[str, float], ...]:
    """Category paths of three levels: queue, each name of `weights`, each word of `thirds` (the first most often)."""
    return tuple(
        (f"{queue}/{name.replace('_', '-')}/{third}", weight * part)
        for name, weight in weights.items()
        for third, part in zip(thirds.split(), _THIRD_WEIGHTS, strict=False)
    )


_CITY: tuple[QueueProfile, ...] = (
    QueueProfile(
        "utilities", 20, _EVENING, _ALL_DAYS, 210, 0.65, 40, 150, "utilities-bureau",
        _paths("utilities", "outage leak bill meter", water=34, electricity=26, gas=14, heating=18, telecom=8),
    ),
    QueueProfile(
        "social-security", 18, _OFFICE, _CLOSED_WEEKEND, 290, 0.7, 55, 210, "social-security-bureau",
        _paths("social-security", "entitlement payment record",
               pension=34, medical_insurance=38, unemployment=12, injury=6, card=10),
    ),
    QueueProfile(
        "business", 9, _OFFICE, _CLOSED_WEEKEND, 320, 0.7, 70, 180, "business-bureau",
        _paths("business", "procedure deadline refusal", registration=36, tax=30, licences=22, subsidies=12),
    ),
    QueueProfile(
        "city-management", 15, _EVENING, _ALL_DAYS, 200, 0.6, 60, 140, "city-management-bureau",
        _paths("city-management", "complaint repair request",
               noise=34, street_trading=18, refuse=20, street_lights=12, parks=6, parking=10),
    ),
    QueueProfile(
        "transport", 12, _EVENING, _ALL_DAYS, 180, 0.6, 35, 110, "transport-bureau",
        _paths("transport", "delay lost-property conduct fare", bus=30, metro=20, taxi=26, road_works=14, licence=10),
    ),
    QueueProfile(
        "housing", 13, _OFFICE, _WORKDAYS, 280, 0.7, 65, 170, "housing-bureau",
        _paths("housing", "dispute inspection contract",
               property_management=44, leaks=18, rent=16, building_safety=12, purchase=10),
    ),
    QueueProfile(
        "market", 10, _OFFICE, _WORKDAYS, 260, 0.65, 70, 160, "market-regulation",
        _paths("market", "online shop service", refund=40, quality=24, prepaid_cards=18, food=12, prices=6),
    ),
    QueueProfile(
        "foreign-languages", 3, _OFFICE, _WORKDAYS, 330, 0.75, 50, 220, "foreign-affairs",
        _paths("foreign-languages", "question appointment", visa=40, residence=26, driving=12, health=14, other=8),
        _LANGUAGES,
    ),
)  # fmt: skip
_KNOWN = {queue.name: queue for queue in _CITY}


def profile_of(
    hotline: str, zone: str, rate: float, queues: Sequence[str] = (), shares: Mapping[str, float] | None = None
) -> Profile:
    """The profile of a hotline with these queues (none: the eight of the demo's city).

    A queue that the city does not have behaves like an average one. `rate` is calls per day over all of
    them, as the mean over a week, redials not counted.
    """
    names = list(queues) or list(_KNOWN)
    chosen = []
    for name in names:
        known = _KNOWN.get(name) or _KNOWN["housing"]._replace(
            name=name, share=10, categories=_paths(name, "new repeated", question=60, complaint=25, report=15)
        )
        chosen.append(known._replace(share=(shares or {}).get(name, known.share)))
    return Profile(hotline, zone, rate, tuple(chosen))


def calls_only(profile: Profile) -> Profile:
    """The same callers on one site of which only calls are told: called, waited, answered, ended, wrapped."""
    return profile._replace(sites=(PLAIN_SITE,), habits=NOTHING_BESIDES, comfort=_COMFORT_OF_ONE_SKILL)


def sites_of(sources: Sequence[str]) -> tuple[Site, ...]:
    """A site per source, each with a centre of its own."""
    named = [*_CENTRES, *(f"centre-{number + 1}" for number in range(len(_CENTRES), len(sources)))]
    return tuple(Site(source, centre) for source, centre in zip(sources, named, strict=False))
