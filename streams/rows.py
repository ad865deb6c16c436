"""What leaves for `hotline.visits`: the visits of a call, and facts that came when no visit was remembered."""

from typing import Any, Protocol

from streams.calls import LATER, Call, Fact, Stay, later_facts
from streams.contract.keys import visit_id
from streams.contract.visits import CallFact, Visit

CALL_ATTRIBUTES = (
    "source",
    "caller",
    "category",
    "district",
    "ticket_type",
    "served",
    "language",
    "channel",
    "origin",
    "direction",
    "priority",
    "subject",
    "place",
    "text",
)
STAY_ATTRIBUTES = ("centre", "department", "skill")
EXTRA = "extra."
_OF_VISIT = frozenset(CALL_ATTRIBUTES)


class _OfFeed(Protocol):
    feed: str
    generation: int


def rows_of(
    feed: _OfFeed, call_id: str, call: Call, stays: list[Stay], losts: list[int | None], *, clock: int
) -> dict[str, Visit | CallFact]:
    """The rows of a call by id as of `clock`, without version; `losts[i]`: when stay i counts as lost (ms)."""
    later = later_facts(call, stays) if any(fact.type in LATER for fact in call.facts) else []
    rows: dict[str, Visit | CallFact] = {}
    for fact, stay in later:
        if stay is None:
            rows[f"{call_id}/{fact.type}/{fact.time}"] = _fact(feed, call_id, call, fact)
    attributes: dict[str, Any] = {name: value[1] for name, value in call.attributes.items() if name in _OF_VISIT}
    extra = {k.removeprefix(EXTRA): v[1] for k, v in call.attributes.items() if k.startswith(EXTRA)}
    for stay, lost in zip(stays, losts, strict=True):
        is_lost = lost is not None and clock >= lost
        waiting_lost = is_lost and stay.outcome == "open"
        if stay.queued_at is None and stay.outcome == "open" and not is_lost:
            continue
        number = visit_id(call_id, stay.queue, stay.entry)
        attributes.update((name, call.attribute(name, stay.queue)) for name in STAY_ATTRIBUTES)
        ratings = [fact for fact, its in later if its is stay and fact.type == "rated" and fact.ms >= 0]
        completed = [fact for fact, its in later if its is stay and fact.type == "callback_completed"]
        rows[number] = Visit(
            feed=feed.feed,
            generation=feed.generation,
            hotline=call.hotline,
            visit=number,
            call=call_id,
            queue=stay.queue,
            entry=stay.entry,
            agent=stay.agent,
            extra=extra,
            arrived_at=stay.arrived_at,
            queued_at=stay.queued_at,
            answered_at=stay.answered_at,
            ended_at=lost if waiting_lost else stay.ended_at,
            wrapped_at=stay.wrapped_at,
            outcome="lost_track" if waiting_lost else stay.outcome,
            lost_talking=is_lost and stay.outcome == "answered",
            wait_ms=stay.wait_ms,
            talk_ms=stay.talk_ms,
            hold_ms=stay.hold_ms,
            acw_ms=stay.acw_ms,
            transferred=stay.transferred_out,
            rating=ratings[-1].ms if ratings else None,
            rated_at=ratings[-1].time if ratings else None,
            callback_completed_at=completed[-1].time if completed else None,
            repairs=stay.repairs,
            version=(0, 0),
            **attributes,
        )
    return rows


def _fact(feed: _OfFeed, call_id: str, call: Call, fact: Fact) -> CallFact:
    return CallFact(
        feed=feed.feed,
        generation=feed.generation,
        hotline=call.hotline,
        call=call_id,
        type=fact.type,  # type: ignore[arg-type]  # one of LATER
        at=fact.time,
        queue=fact.queue,
        source=call.attribute("source"),
        rating=fact.ms if fact.type == "rated" and fact.ms >= 0 else None,
        category=call.attribute("category"),
        version=(0, 0),
    )
