"""What leaves for `hotline.visits`: the visits of a call, and later facts of a call none of whose visits is remembered."""

from typing import Any, Protocol

from streams.calls import CALLBACK_COMPLETED, RATED, STAY_ATTRIBUTES, Call, Fact
from streams.contract.keys import visit_id
from streams.contract.visits import CallFact, Visit
from streams.stays import Stay, later_facts

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
EXTRA = "extra."
_OF_VISIT = frozenset(CALL_ATTRIBUTES)


class _OfFeed(Protocol):
    feed: str
    generation: int


def _has_row(stay: Stay, *, is_lost: bool) -> bool:
    """A call that is still in the menu is no visit yet."""
    return stay.queued_at is not None or stay.outcome != "open" or is_lost


def row_ids(call_id: str, call: Call, stays: list[Stay], losts: list[int | None], clock: int) -> list[str]:
    """The ids of the rows that `rows_of` makes."""
    ids = [
        visit_id(call_id, stay.queue, stay.entry)
        for stay, lost in zip(stays, losts, strict=True)
        if _has_row(stay, is_lost=lost is not None and clock >= lost)
    ]
    if call.has_later:
        ids += [_fact_id(call_id, fact) for fact, stay in later_facts(call, stays) if stay is None]
    return ids


def _fact_id(call_id: str, fact: Fact) -> str:
    return f"{call_id}/{fact.type}/{fact.time}"


def rows_of(
    feed: _OfFeed, call_id: str, call: Call, stays: list[Stay], losts: list[int | None], *, clock: int
) -> dict[str, Visit | CallFact]:
    """The rows of a call by id as of `clock`, without version; `losts[i]`: when stay i counts as lost (ms)."""
    later = later_facts(call, stays) if call.has_later else []
    rows: dict[str, Visit | CallFact] = {}
    for fact, stay in later:
        if stay is None:
            rows[_fact_id(call_id, fact)] = _fact(feed, call_id, call, fact)
    attributes: dict[str, Any] = {}
    extra: dict[str, str] = {}
    for name, value in call.attributes.items():
        if name in _OF_VISIT:
            attributes[name] = value[1]
        elif name.startswith(EXTRA):
            extra[name.removeprefix(EXTRA)] = value[1]
    for stay, lost in zip(stays, losts, strict=True):
        is_lost = lost is not None and clock >= lost
        waiting_lost = is_lost and stay.outcome == "open"
        if not _has_row(stay, is_lost=is_lost):
            continue
        number = visit_id(call_id, stay.queue, stay.entry)
        for name in STAY_ATTRIBUTES:
            attributes[name] = call.attribute(name, stay.queue)
        ratings = [fact for fact, its in later if its is stay and fact.kind == RATED and fact.ms >= 0] if later else []
        completed = [fact for fact, its in later if its is stay and fact.kind == CALLBACK_COMPLETED] if later else []
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
        type=fact.type,  # type: ignore[arg-type]  # one of those after FIRST_LATER
        at=fact.time,
        queue=fact.queue,
        source=call.attribute("source"),
        rating=fact.ms if fact.kind == RATED and fact.ms >= 0 else None,
        category=call.attribute("category"),
        version=(0, 0),
    )
