"""Incidents: what goes wrong on purpose, when, and by how much."""

from collections.abc import Sequence
from typing import Literal, get_args
from zoneinfo import ZoneInfo

import msgspec

from deploy.producers.simulator.durations import parse_duration
from deploy.producers.simulator.profile import Site
from deploy.runtime.written_times import local_ms

IncidentKind = Literal["spike", "understaffed", "silence", "outage", "dead-feed", "doubled-feed"]
_KINDS: tuple[IncidentKind, ...] = get_args(IncidentKind)
_DEFAULT_FACTOR: dict[IncidentKind, float] = {"spike": 3.0, "understaffed": 0.5}
_OF_A_SOURCE = frozenset({"outage", "dead-feed", "doubled-feed"})
HOW = (
    f"write KIND:queue=NAME,start=+60s,for=10m,factor=4 with KIND one of {', '.join(_KINDS)} "
    "(the last three take source=NAME or centre=NAME in place of queue and factor)"
)


class Incident(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="incident", tag_field="kind"):
    """One incident, from `start` until before `end` (epoch ms). `queue` and `source` empty: all of them.

    spike: arrivals times `factor`; understaffed: agents times `factor`; silence: no arrivals at all;
    outage: no agent of the source's centre takes a call; dead-feed: nothing of the source is sent;
    doubled-feed: everything of the source is sent twice. `text`: what is noted of the calls that a spike adds.
    """

    incident: IncidentKind
    queue: str = ""
    source: str = ""
    start: int
    end: int
    factor: float
    text: str = ""

    @property
    def at(self) -> int:
        return self.start

    def holds(self, queue: str, at: int) -> bool:
        return self.start <= at < self.end and self.queue in {"", queue}

    def holds_for(self, source: str, at: int) -> bool:
        return self.start <= at < self.end and self.source in {"", source}


def parse_incident(
    text: str, *, begin: int, zone: ZoneInfo, queues: Sequence[str], sites: Sequence[Site] = ()
) -> Incident:
    """An incident as written on the command line; `start=+…` counts from `begin` (ms).

    Raises ValueError saying what is wrong and how to write it.
    """
    word, _, rest = text.partition(":")
    kind: IncidentKind | None = next((known for known in _KINDS if known == word), None)
    if kind is None:
        raise ValueError(f"incident {text!r}: {HOW}")
    given = dict(part.partition("=")[::2] for part in rest.split(",") if part)
    may = {"source", "centre", "start", "for"} if kind in _OF_A_SOURCE else {"queue", "start", "for", "factor"}
    if kind == "spike":
        may.add("text")
    unknown = given.keys() - may
    if unknown or "for" not in given:
        raise ValueError(f"incident {text!r}: {f'unknown {sorted(unknown)}' if unknown else 'for= is missing'}; {HOW}")
    queue = given.get("queue", "")
    if queue and queue not in queues:
        raise ValueError(f"incident {text!r}: no queue {queue!r}; there are {', '.join(queues)}")
    start = _start(given.get("start", "+0s"), begin, zone)
    try:
        factor = float(given["factor"]) if "factor" in given else _DEFAULT_FACTOR.get(kind, 0.0)
    except ValueError:
        factor = -1.0
    if not 0 <= factor <= 1_000 or (kind == "silence" and factor):
        raise ValueError(f"incident {text!r}: factor is a number from 0 to 1000 (silence has none)")
    length = parse_duration(given["for"])
    source = _source(text, given.get("source", ""), given.get("centre", ""), sites)
    said = given.get("text", "")
    if said and factor <= 1:
        raise ValueError(f"incident {text!r}: text is of the calls that are added, so factor is above 1")
    return Incident(
        incident=kind, queue=queue, source=source, start=start, end=start + length, factor=factor, text=said
    )


def _source(text: str, source: str, centre: str, sites: Sequence[Site]) -> str:
    """The source named, or the one of the centre named; empty if none was. Raises ValueError."""
    if not source and not centre:
        return ""
    for site in sites:
        if source in {"", site.source} and centre in {"", site.centre}:
            return site.source
    known = ", ".join(f"{site.source} (centre {site.centre or '-'})" for site in sites)
    raise ValueError(f"incident {text!r}: no such source or centre; there are {known}")


def _start(text: str, begin: int, zone: ZoneInfo) -> int:
    return begin + parse_duration(text[1:]) if text.startswith("+") else parse_time(text, zone)


def parse_time(text: str, zone: ZoneInfo) -> int:
    """Epoch ms of an ISO time; without an offset it is in `zone`. Raises ValueError saying how to write one."""
    try:
        return local_ms(text, zone)
    except ValueError:
        raise ValueError(f"{text!r} is no time: write 2026-11-22T10:41:30 or +90s") from None


def demand_factor(incidents: Sequence[Incident], queue: str, at: int) -> float:
    """By how much arrivals of a queue are multiplied at a time."""
    factor = 1.0
    for incident in incidents:
        if incident.incident in {"spike", "silence"} and incident.holds(queue, at):
            factor *= incident.factor
    return factor


def share_said(incident: Incident) -> float:
    """The part of the calls meanwhile that a spike has added: of them its text is noted."""
    return 1 - 1 / incident.factor


def staff_factor(incidents: Sequence[Incident], queue: str, at: int) -> float:
    """By how much the agents of a queue are multiplied at a time."""
    factor = 1.0
    for incident in incidents:
        if incident.incident == "understaffed" and incident.holds(queue, at):
            factor *= incident.factor
    return factor


def is_out(incidents: Sequence[Incident], source: str, at: int) -> bool:
    """Whether the agents of a source's centre are gone."""
    return any(incident.incident == "outage" and incident.holds_for(source, at) for incident in incidents)
