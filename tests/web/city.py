"""An invented morning of the demo's hotline, as records: what the wallboard's tests and screenshots show.

`records(now)` yields (record, record time). At `now` utilities are in breach, business is close to it,
foreign languages are quiet; demand of utilities has been high for half an hour.
"""

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from math import cos, exp, pi, sqrt
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import msgspec
import yaml

from deploy.runtime.settings import Settings
from sinks.web.board import Record
from streams.contract import AlertEvent, Cell, Forecast, Gauge, Progress, SourceStatus, add_counts
from streams.contract.cells import MINUTE_MS, Counts

HOTLINE = "12345"
ZONE = ZoneInfo("Asia/Shanghai")
DEMO = Path(__file__).parents[2] / "deploy" / "demo.yaml"
MORNING = int(datetime(2026, 3, 11, 10, 42, 18, tzinfo=ZONE).timestamp()) * 1000

# queue -> (calls in the peak hour, share answered in time now, waiting, over, oldest wait in s, in service)
QUEUES = {
    "utilities": (140, 0.58, 14, 11, 167, 9),
    "social-security": (260, 0.93, 1, 0, 8, 12),
    "business": (90, 0.83, 4, 2, 31, 6),
    "city-management": (200, 0.93, 2, 0, 12, 8),
    "transport": (150, 0.955, 1, 0, 9, 6),
    "housing": (135, 0.92, 0, 0, None, 5),
    "market": (105, 0.94, 1, 0, 6, 4),
    "foreign-languages": (6, 1.0, 0, 0, None, 0),
}


AGENTS = {queue: talking + talking // 3 + 2 for queue, (*_, talking) in QUEUES.items()}


def agents(queue: str, talking: int) -> dict[str, int]:
    """Who serves a queue: free where nobody waits, none where many do."""
    free = {"utilities": 0, "business": 1}.get(queue, 3)
    return {"available": free, "ringing": 1, "on_call": talking, "after_call": max(1, talking // 4), "break": 2}


DEMO_SETTINGS = yaml.safe_load(DEMO.read_text(encoding="utf-8"))


def demo_settings(**overrides) -> Settings:
    """The demo's settings without reading the environment's; alerts are acknowledged elsewhere unless told."""
    told = DEMO_SETTINGS | {"demo": True, "paging": "alertmanager"}
    told["web"] = told["web"] | {"map": DEMO.with_name("demo-districts.geojson")} | overrides.pop("web", {})
    return Settings(**(told | overrides))


def level(hour: float) -> float:
    """The shape of a day: quiet night, a peak before noon, a lower one in the afternoon (peak = 1)."""
    return (
        0.03 + exp(-((hour - 10.8) ** 2) / 5) + 0.65 * exp(-((hour - 15.7) ** 2) / 7) + 0.02 * cos(hour / 24 * 2 * pi)
    )


def poisson(random: Random, mean: float) -> int:
    count, spent = 0, random.expovariate(1)
    while spent < mean:
        count, spent = count + 1, spent + random.expovariate(1)
    return count


def midnight(now: int) -> int:
    return (
        int(datetime.fromtimestamp(now / 1000, ZONE).replace(hour=0, minute=0, second=0, microsecond=0).timestamp())
        * 1000
    )


def forecasts(now: int) -> Iterator[Forecast]:
    for start in (midnight(now) - 86_400_000, midnight(now)):
        sums = [0.0] * 96
        for queue, (peak, *_) in QUEUES.items():
            expected = [peak / 4 * level((step + 0.5) / 4) for step in range(96)]
            sums = [a + b for a, b in zip(sums, expected, strict=True)]
            yield _forecast(queue, start, expected)
        yield _forecast("", start, sums)


def _forecast(queue: str, start: int, expected: list[float]) -> Forecast:
    width = [1.645 * sqrt(e + (0.12 * e) ** 2) for e in expected]
    return Forecast(
        feed="live", hotline=HOTLINE, dimension_set="queue" if queue else "hotline", queue=queue, start=start, step_s=900,
        expected=expected, lower=[max(0.0, e - w) for e, w in zip(expected, width, strict=True)],
        upper=[e + w for e, w in zip(expected, width, strict=True)], days_learned=28.0, version=1,
    )  # fmt: skip


def cell_counts(random: Random, offered: int, in_time: float, threshold_s: int) -> Counts:
    counts: Counts = {}
    for _ in range(offered):
        fate = random.random()
        if fate < in_time:
            wait, name = random.randint(0, threshold_s), "answered"
            add_counts(counts, {f"event_answered.{s}": 1 for s in {threshold_s, 15}})
        else:
            name = "answered" if random.random() < 0.62 else "abandoned"
            wait = threshold_s + random.randint(1, 100)
            add_counts(counts, {f"event_expired.{s}": 1 for s in {threshold_s, 15}})
        add_counts(counts, {"offered": 1, name: 1, f"{name}_wait.{wait}": 1})
        if name == "answered":
            talk = random.randint(60_000, 300_000)
            add_counts(counts, {"wait_ms_sum": wait * 1000, "waited": int(wait > 0), "talk_ms_sum": talk, "talked": 1})
    return counts


def cells(now: int, seed: int = 11) -> Iterator[Cell]:
    random = Random(seed)
    for minute in range(midnight(now) - 90 * MINUTE_MS, now, MINUTE_MS):
        hour = ((minute - midnight(now)) / 3_600_000) % 24
        total: Counts = {}
        for queue, (peak, in_time, *_) in QUEUES.items():
            near = now - minute < 25 * MINUTE_MS
            factor = 1.75 if queue == "utilities" and near else 1.0
            share = min(1.0, (now - minute) / MINUTE_MS)
            offered = poisson(random, peak / 60 * level(hour) * factor * share)
            usual = 0.94 if queue != "foreign-languages" else 1.0
            counts = cell_counts(
                random, offered, in_time if near else usual, 30 if queue == "foreign-languages" else 15
            )
            if counts:
                add_counts(total, counts)
                yield _cell("queue", queue, minute, counts)
            people = AGENTS[queue] * 60_000
            add_counts(total, {"agent_on_call_ms": int(people * 0.7), "agent_available_ms": int(people * 0.2)})
        if total.get("offered"):
            add_counts(
                total,
                {"acw_ms_sum": total.get("answered", 0) * 21_000, "rated.5": 2, "rated.3": int(random.random() < 0.5)},
            )
            calls = {f"calls_{name}": total.get(name, 0) for name in ("offered", "answered", "abandoned")}
            menu = {"ended_in_menu": int(random.random() < 0.2), "callback_taken": int(random.random() < 0.05)}
            yield _cell("hotline", "", minute, total | calls | menu)


def _cell(dimension_set: str, queue: str, minute: int, counts: Counts, **fields) -> Cell:
    return Cell(
        feed="live", hotline=HOTLINE, dimension_set=dimension_set, queue=queue, minute=minute, version=minute // MINUTE_MS,
        counts=counts, sources_expected=2, sources_heard=2, **fields,
    )  # fmt: skip


SECOND = {
    "utilities": {"heating": 9, "water": 5, "electricity": 3, "gas": 1},
    "social-security": {"pension": 5, "medical-insurance": 6, "card": 1},
    "city-management": {"noise": 5, "refuse": 3, "parking": 2},
    "transport": {"bus": 4, "metro": 3, "taxi": 3},
}
DISTRICTS = {
    "990102": 24, "990103": 20, "990104": 22, "990105": 14, "990106": 11, "990111": 8, "990112": 5, "990113": 2,
    "990202": 6, "990203": 3,
}  # fmt: skip


def kind_cells(now: int, seed: int = 5) -> Iterator[Cell]:
    """The same visits by category (two levels), district and department: each visit falls to one of each."""
    random = Random(seed)
    for cell in cells(now):
        if cell.dimension_set != "queue":
            continue
        split: dict[tuple[str, str], Counts] = {}
        for n in range(cell.counts.get("offered", 0)):
            outcome = "answered" if n < cell.counts.get("answered", 0) else "abandoned"
            one: Counts = {"offered": 1, outcome: 1, f"{outcome}_wait.{9 if outcome == 'answered' else 40}": 1}
            names = SECOND.get(cell.queue, {"other": 1})
            second = f"{cell.queue}/{random.choices(list(names), list(names.values()))[0]}"
            district = random.choices(list(DISTRICTS), list(DISTRICTS.values()))[0]
            for key in (
                ("category_1", cell.queue), ("category_2", second), ("district_3", district),
                ("department", f"{cell.queue}-bureau"),
            ):  # fmt: skip
                add_counts(split.setdefault(key, {}), one)
        for (kind, value), counts in split.items():
            yield _cell(kind, "", cell.minute, counts, **{kind.partition("_")[0]: value})


def gauges(now: int, version: int = 1) -> Iterator[Gauge]:
    waiting = over = service = 0
    since = []
    everybody: dict[str, int] = {}
    for queue, (_, _, queued, past, oldest, talking) in QUEUES.items():
        waiting, over, service = waiting + queued, over + past, service + talking
        start = None if oldest is None else now - oldest * 1000
        since += [] if start is None else [start]
        crew = agents(queue, talking)
        everybody = {state: everybody.get(state, 0) + number for state, number in crew.items()}
        yield gauge(queue, now, queued, past, start, talking, version, agents=crew, breaks={"lunch": 1, "training": 1})
    breaks = {"lunch": 9, "training": everybody["break"] - 9}
    yield gauge("", now, waiting, over, min(since), service, version, agents=everybody, breaks=breaks)


def gauge(  # noqa: PLR0917
    queue: str, now: int, waiting: int, over: int, oldest: int | None, talking: int, version: int, **fields
) -> Gauge:
    return Gauge(
        feed="live", hotline=HOTLINE, dimension_set="queue" if queue else "hotline", queue=queue, at=now, version=version,
        waiting=waiting, waiting_over_threshold=over, oldest_queued_at=oldest, in_service=talking, threshold_s=15,
        **fields,
    )  # fmt: skip


def source(now: int, name: str = "PBX-1", version: int = 1, **fields) -> SourceStatus:
    return SourceStatus(feed="live", source=name, expected=True, last_at=now, at=now, version=version, **fields)


def progress(now: int, version: int = 1) -> Progress:
    return Progress(
        data_as_of=now, partitions=[], repaired={}, rejected={}, misrouted={}, late={}, unknown_fields={}, missing=0,
        version=version,
    )  # fmt: skip


def alert(now: int, queue: str = "utilities", rule: str = "ServiceLevelUnderTarget", **fields) -> AlertEvent:
    given = {
        "fingerprint": f"{rule}-{queue}", "episode": "1", "rule": rule, "state": "firing", "reason": "held_long_enough",
        "signal": "service_level_under_target", "severity": "warning", "feed": "live", "hotline": HOTLINE, "queue": queue, "at": now - 660_000,
        "started_at": now - 690_000, "version": 1, "value": 0.61, "target": 0.8,
        "labels": {"alertname": rule, "hotline": HOTLINE, "queue": queue},
        "summary": {"en": "Utilities: service level under target", "zh": "水电气热：服务水平低于目标"},
        "runbook": "https://wiki.example.org/water",
    }  # fmt: skip
    return AlertEvent(**(given | fields))


def demand_alert(now: int) -> AlertEvent:
    return alert(
        now,
        rule="DemandAboveExpectation",
        signal="demand_above_expectation",
        value=118.0,
        expected=69.0,
        target=None,
        started_at=now - 900_000,
    )


def records(now: int = MORNING) -> Iterator[tuple[Record, int]]:
    """Made anew each time, so that what a board does with them is no other test's."""
    for kind, told in _encoded(now):
        yield msgspec.json.decode(told, type=kind), now


@lru_cache(maxsize=1)
def _encoded(now: int) -> list[tuple[type[Record], bytes]]:
    """Drawing the morning takes many times as long as reading it."""
    drawn = (
        progress(now),
        *forecasts(now),
        *cells(now),
        *kind_cells(now),
        *gauges(now),
        source(now),
        source(now, "PBX-2"),
        alert(now),
        demand_alert(now),
    )
    return [(type(record), msgspec.json.encode(record)) for record in drawn]
