"""Everything told of one call, put together."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from oracle.counters import Promise
from oracle.reading import Told
from oracle.visits import LATER, Fact, Visit, visit_of, visits_of
from streams.contract.keys import visit_id

OF_CALL = (
    "source", "caller", "category", "district", "ticket_type", "served", "language", "channel", "origin", "direction",
    "priority", "subject", "place", "text",
)  # fmt: skip
OF_VISIT = ("centre", "department", "skill")


@dataclass(frozen=True)
class Rules:
    """What decides how a log is counted. Times in ms; `promise(hotline, queue)`; `pseudonym`: key id and key.

    `sets`: dimension set -> (dimension, level; 0: as told).
    """

    promise: Callable[[str, str], Promise]
    lateness_ms: int
    future_ms: int
    lost_waiting_ms: int
    lost_talking_ms: int
    lost_agent_ms: int
    pseudonym: tuple[str, bytes]
    sets: dict[str, tuple[tuple[str, int], ...]]
    keep_fields: frozenset[str] = frozenset()
    default_hotline: str = ""


@dataclass
class Call:
    """What was told of a call until it was forgotten. `seen_at`: its source named it as open at that time (ms);

    `gone_at`: its source named its open calls without it.
    """

    hotline: str = ""
    flag: str = ""
    facts: set[Fact] = field(default_factory=set)
    told: dict[str, tuple[int, str]] = field(default_factory=dict)
    seen_at: int = 0
    gone_at: int = 0

    def take(self, it: Told, rules: Rules) -> bool:
        """Take in an event; whether it told anything new."""
        event = it.event
        said = {name: getattr(event, name) for name in OF_CALL}
        said["caller"] = pseudonym(rules, event.caller)
        said |= {f"{name}@{event.queue}" if event.queue else name: getattr(event, name) for name in OF_VISIT}
        said |= {f"extra.{name}": value for name, value in it.extra.items()}
        told = dict(self.told)
        for name, value in said.items():
            if value:
                told[name] = max(told.get(name, (it.time, "")), (it.time, value))
        hotline, flag = max(self.hotline, event.hotline or rules.default_hotline), max(self.flag, event.flag or "")
        values = {name: value for name, (_, value) in told.items()}
        known = {name: value for name, (_, value) in self.told.items()}
        new = fact_of(it) not in self.facts or (hotline, flag, values) != (self.hotline, self.flag, known)
        self.facts.add(fact_of(it))
        self.hotline, self.flag, self.told = hotline, flag, told
        return new

    def last_at(self) -> int:
        return max(self.seen_at, *(fact.time for fact in self.facts))

    def visits(self) -> list[Visit]:
        return visits_of(self.facts, self.flag)

    def lost_at(self, visit: Visit, rules: Rules) -> int | None:
        """When a visit is given up that nothing ended: no event for too long, or its source no longer has it."""
        if visit.outcome == "open":
            lost = self.last_at() + rules.lost_waiting_ms
        elif visit.outcome == "answered" and visit.ended_at is None:
            lost = self.last_at() + rules.lost_talking_ms
        else:
            return None
        return min(lost, self.gone_at) if self.gone_at >= self.last_at() else lost

    def over_at(self, rules: Rules) -> int:
        """When the call was over: with its last event, or when it was given up."""
        lost = [at for visit in self.visits() if (at := self.lost_at(visit, rules)) is not None]
        return max([self.last_at(), *lost])

    def attribute(self, name: str, queue: str = "") -> str:
        """The latest value; one that was told of the visit's own queue comes first."""
        return (self.told.get(f"{name}@{queue}") or self.told.get(name) or (0, ""))[1]

    def visits_at(self, clock: int, rules: Rules) -> list[Visit]:
        """The visits as they stand at `clock`: one given up has the outcome `lost_track`, or lost its talk."""
        visits = self.visits()
        for visit in visits:
            lost = self.lost_at(visit, rules)
            if lost is not None and clock >= lost:
                if visit.outcome == "open":
                    visit.outcome, visit.left_at, visit.ended_at = "lost_track", lost, lost
                else:
                    visit.lost_talking = True
        return visits

    def later(self) -> list[Fact]:
        return sorted(fact for fact in self.facts if fact.type in LATER)


def fact_of(it: Told) -> Fact:
    event = it.event
    stated = event.wait_ms
    if event.type == "wrapped":
        stated = event.acw_ms
    elif event.type in {"ended", "transferred"}:
        stated = event.talk_ms
    elif event.type == "rated":
        stated = event.rating
    hold = -1 if event.hold_ms is None else event.hold_ms
    return Fact(it.time, event.type, event.queue, event.entry or 0, -1 if stated is None else stated, hold, event.agent)


def pseudonym(rules: Rules, caller: str) -> str:
    if not caller:
        return ""
    key_id, key = rules.pseudonym
    return f"{key_id}:{hmac.new(key, caller.encode(), hashlib.sha256).hexdigest()[:24]}"


def rows_of(call: Call, call_id: str, visits: list[Visit]) -> dict[str, dict[str, Any]]:
    """What `hotline.visits` says of a call, by id: fields that are empty or None are left out."""
    rows: dict[str, dict[str, Any]] = {}
    later = [(fact, visit_of(fact, visits)) for fact in call.later()]
    for fact, its in later:
        if its is None:  # it came when its visit was no longer remembered: a row of its own
            rows[f"{call_id}/{fact.type}/{fact.time}"] = {
                "hotline": call.hotline, "call": call_id, "type": fact.type, "at": fact.time, "queue": fact.queue,
                "source": call.attribute("source"), "category": call.attribute("category"),
                "rating": fact.stated if fact.type == "rated" and fact.stated >= 0 else None,
            }  # fmt: skip
    for visit in visits:
        if visit.queued_at is None and visit.outcome == "open":
            continue  # still in the menu
        row: dict[str, Any] = {
            "hotline": call.hotline, "call": call_id, "queue": visit.queue, "entry": visit.entry, "agent": visit.agent,
            "arrived_at": visit.arrived_at, "queued_at": visit.queued_at, "answered_at": visit.answered_at,
            "ended_at": visit.ended_at, "wrapped_at": visit.wrapped_at, "outcome": visit.outcome,
            "lost_talking": visit.lost_talking, "wait_ms": visit.wait_ms, "talk_ms": visit.talk_ms,
            "hold_ms": visit.hold_ms, "acw_ms": visit.acw_ms, "transferred": visit.transferred_out,
            "repairs": tuple(visit.mended),
        }  # fmt: skip
        row |= {name: call.attribute(name) for name in OF_CALL}
        row |= {name: call.attribute(name, visit.queue) for name in OF_VISIT}
        row["extra"] = {k.removeprefix("extra."): v[1] for k, v in call.told.items() if k.startswith("extra.")}
        for fact, its in later:
            if its is visit and fact.type == "rated" and fact.stated >= 0:
                row |= {"rating": fact.stated, "rated_at": fact.time}
            elif its is visit and fact.type == "callback_completed":
                row["callback_completed_at"] = fact.time
        rows[visit_id(call_id, visit.queue, visit.entry)] = row
    return {
        key: {name: it for name, it in row.items() if it not in (None, "", (), {}, False)} for key, row in rows.items()
    }
