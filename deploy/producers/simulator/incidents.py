"""Incidents: what goes wrong on purpose, when, and by how much."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, get_args
from zoneinfo import ZoneInfo

import msgspec

from deploy.producers.simulator.durations import parse_duration

IncidentKind = Literal["spike", "understaffed", "silence"]
_KINDS: tuple[IncidentKind, ...] = get_args(IncidentKind)
_DEFAULT_FACTOR: dict[IncidentKind, float] = {"spike": 3.0, "understaffed": 0.5, "silence": 0.0}
HOW = "write KIND:queue=NAME,start=+60s,for=10m,factor=4 with KIND one of spike, understaffed, silence"


class Incident(msgspec.Struct, frozen=True, kw_only=True, tag="incident", tag_field="kind"):
    """One incident, from `start` until before `end` (epoch ms). `queue` empty: all queues.

    spike: arrivals times `factor`; understaffed: agents times `factor`; silence: no arrivals at all.
    """

    incident: IncidentKind
    queue: str = ""
    start: int
    end: int
    factor: float

    def holds(self, queue: str, at: int) -> bool:
        return self.start <= at < self.end and self.queue in {"", queue}


def parse_incident(text: str, *, begin: int, zone: ZoneInfo, queues: Sequence[str]) -> Incident:
    """An incident as written on the command line; `start=+…` counts from `begin` (ms).

    Raises ValueError saying what is wrong and how to write it.
    """
    word, _, rest = text.partition(":")
    kind: IncidentKind | None = next((known for known in _KINDS if known == word), None)
    if kind is None:
        raise ValueError(f"incident {text!r}: {HOW}")
    given = dict(part.partition("=")[::2] for part in rest.split(",") if part)
    unknown = given.keys() - {"queue", "start", "for", "factor"}
    if unknown or "for" not in given:
        raise ValueError(f"incident {text!r}: {f'unknown {sorted(unknown)}' if unknown else 'for= is missing'}; {HOW}")
    queue = given.get("queue", "")
    if queue and queue not in queues:
        raise ValueError(f"incident {text!r}: no queue {queue!r}; there are {', '.join(queues)}")
    start = _start(given.get("start", "+0s"), begin, zone)
    try:
        factor = float(given["factor"]) if "factor" in given else _DEFAULT_FACTOR[kind]
    except ValueError:
        factor = -1.0
    if not 0 <= factor <= 1_000 or (kind == "silence" and factor):
        raise ValueError(f"incident {text!r}: factor is a number from 0 to 1000 (silence has none)")
    length = parse_duration(given["for"])
    return Incident(incident=kind, queue=queue, start=start, end=start + length, factor=factor)


def _start(text: str, begin: int, zone: ZoneInfo) -> int:
    return begin + parse_duration(text[1:]) if text.startswith("+") else parse_time(text, zone)


def parse_time(text: str, zone: ZoneInfo) -> int:
    """Epoch ms of an ISO time; without an offset it is in `zone`. Raises ValueError saying how to write one."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no time: write 2026-11-22T10:41:30 or +90s") from None
    return round((at if at.tzinfo else at.replace(tzinfo=zone)).timestamp() * 1000)


def demand_factor(incidents: Sequence[Incident], queue: str, at: int) -> float:
    """By how much arrivals of a queue are multiplied at a time."""
    factor = 1.0
    for incident in incidents:
        if incident.incident != "understaffed" and incident.holds(queue, at):
            factor *= incident.factor
    return factor


def staff_factor(incidents: Sequence[Incident], queue: str, at: int) -> float:
    """By how much the agents of a queue are multiplied at a time."""
    factor = 1.0
    for incident in incidents:
        if incident.incident == "understaffed" and incident.holds(queue, at):
            factor *= incident.factor
    return factor
