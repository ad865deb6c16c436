"""Visits as rows of `visits`, what comes after them as rows of `call_facts`."""

from collections.abc import Callable
from operator import attrgetter

from sinks.clickhouse.days import DayOf
from sinks.clickhouse.rows.table import DAY_MS, Row, Table, packed_version
from streams.contract.events import FLAGS
from streams.contract.visits import CallFact, Visit

TermsOf = Callable[[str], tuple[str, ...]]

_AS_THEY_ARE = (
    "feed",
    "generation",
    "hotline",
    "visit",
    "call",
    "queue",
    "entry",
    "source",
    "caller",
    "agent",
    "centre",
    "department",
    "category",
    "district",
    "ticket_type",
    "served",
    "language",
    "channel",
    "origin",
    "direction",
    "priority",
    "skill",
    "subject",
    "place",
    "text",
    "extra",
    "arrived_at",
    "queued_at",
    "answered_at",
    "ended_at",
    "wrapped_at",
    "outcome",
    "lost_talking",
    "wait_ms",
    "talk_ms",
    "hold_ms",
    "acw_ms",
    "transferred",
    "rating",
    "rated_at",
    "callback_completed_at",
    "repairs",
    "retracted",
)
VISITS = Table("visits", (*_AS_THEY_ARE, "terms", "counted_at", "day", "version"))

_FACT = tuple(name for name in CallFact.__struct_fields__ if name != "version")
CALL_FACTS = Table("call_facts", (*_FACT, "version"))

_values = attrgetter(*_AS_THEY_ARE)
_fact = attrgetter(*_FACT)


def counted_at(visit: Visit) -> int:
    """The instant (epoch ms) a visit is counted at by arrival.

    A visit of a queue: when it was queued; all others: when the call arrived; if the source told
    neither, the earliest instant known of it (the clock of its version if there is none).
    """
    if visit.queued_at is not None and visit.outcome not in FLAGS:
        return visit.queued_at
    if visit.arrived_at is not None:
        return visit.arrived_at
    known = [t for t in (visit.queued_at, visit.answered_at, visit.ended_at, visit.wrapped_at) if t is not None]
    return min(known, default=visit.version[1])


def visit_row(visit: Visit, day_of: DayOf, terms_of: TermsOf) -> Row:
    time = counted_at(visit)
    day = day_of(visit.hotline, time)
    return Row(VISITS, day, (*_values(visit), terms_of(visit.text), time, day, packed_version(visit.version)))


def fact_row(fact: CallFact) -> Row:
    return Row(CALL_FACTS, fact.at // DAY_MS, (*_fact(fact), packed_version(fact.version)))
