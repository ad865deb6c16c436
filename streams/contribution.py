"""What a call adds to cells: a pure function of the call and the clock.

Every cell is a sum of contributions, so an event adds `contribution(after) - contribution(before)`; a
category set at wrap-up moves the visit from one cell to another by itself. Definitions: the counters
in `streams.contract.cells.COUNTERS`.
"""

from collections.abc import Callable

import msgspec

from streams.calls import Call, Stay, later_facts
from streams.cell_book import MINUTE_MS, Contribution, Minutes
from streams.contract.buckets import wait_bucket
from streams.contract.cells import Counts, add_counts
from streams.dimensions import Dimensions, Place

FLAGS = frozenset({"phantom", "test", "nuisance"})
_LATER_COUNTERS = {"rated": "rated.{}", "callback_completed": "callback_completed"}


class Promise(msgspec.Struct, frozen=True):
    """What is promised for a queue: thresholds in seconds, and what counts as a short abandon (ms)."""

    thresholds_s: tuple[int, ...]
    short_abandon_ms: int


class Rules(msgspec.Struct, frozen=True):
    """What decides how calls and agents are counted. `promise(hotline, queue)`; times in ms."""

    promise: Callable[[str, str], Promise]
    dimensions: Dimensions
    lost_waiting_ms: int
    lost_talking_ms: int
    lost_agent_ms: int


def lost_at(call: Call, stay: Stay, rules: Rules) -> int | None:
    """When an open stay counts as lost: no event of its call for too long, or its source no longer has it.

    None if it is not open.
    """
    if stay.outcome == "open":
        lost = call.last_at + rules.lost_waiting_ms
    elif stay.outcome == "answered" and stay.ended_at is None:
        lost = call.last_at + rules.lost_talking_ms
    else:
        return None
    return min(lost, call.gone_at) if call.gone_at >= call.last_at else lost


def deadlines(call: Call, stays: list[Stay], losts: list[int | None], rules: Rules) -> list[int]:
    """The instants (ms) at which the contribution of the call changes without an event."""
    times = []
    for stay, lost in zip(stays, losts, strict=True):
        if lost is not None:
            times.append(lost)
        if stay.outcome == "open" and stay.queued_at is not None:
            times += [stay.queued_at + x * 1000 + 1 for x in rules.promise(call.hotline, stay.queue).thresholds_s]
    return times


def _add(cell: Counts, name: str, number: int = 1) -> None:
    cell[name] = cell.get(name, 0) + number


def _answered(arrival: Counts, stay: Stay, promise: Promise) -> None:
    wait = stay.wait_ms or 0
    _add(arrival, "answered")
    _add(arrival, f"answered_wait.{wait_bucket(wait)}")
    if wait:
        _add(arrival, "wait_ms_sum", wait)
        _add(arrival, "waited")
    if stay.talk_ms:
        _add(arrival, "talk_ms_sum", stay.talk_ms)
        _add(arrival, "talked")
    if stay.talk_ms is not None and stay.talk_ms <= promise.short_abandon_ms:
        _add(arrival, "short_answered")
    if stay.hold_ms:
        _add(arrival, "hold_ms_sum", stay.hold_ms)
        _add(arrival, "held")
    if stay.transferred_out:
        _add(arrival, "transferred_out")
    if stay.acw_ms:
        _add(arrival, "acw_ms_sum", stay.acw_ms)


def _abandoned(arrival: Counts, stay: Stay, promise: Promise) -> None:
    wait = stay.wait_ms or 0
    _add(arrival, "abandoned")
    _add(arrival, f"abandoned_wait.{wait_bucket(wait)}")
    if wait:
        _add(arrival, "abandoned_wait_ms_sum", wait)
    if wait <= promise.short_abandon_ms:
        _add(arrival, "short_abandoned")


_EVENT = {
    "answered": "event_answered",
    "abandoned": "event_abandoned",
    "flowed_out": "event_left",
    "callback_taken": "event_left",
}


def _apart(call: Call, stay: Stay, is_lost: bool, cells: Minutes) -> None:
    """A stay that is no visit: ended in the menu, blocked, flagged, or lost before any queue."""
    start = stay.arrived_at or stay.queued_at or min(fact.time for fact in call.facts)
    if stay.outcome != "open":
        _add(cells.at(start), stay.outcome)
    elif is_lost:
        _add(cells.at(start), "lost_track_in_menu")


def _left(arrival: Counts, stay: Stay, promise: Promise, is_lost: bool) -> None:
    """By-arrival counters of a visit that is no longer waiting."""
    if stay.outcome == "answered":
        _answered(arrival, stay, promise)
        if is_lost:
            _add(arrival, "lost_track_talking")
    elif stay.outcome == "abandoned":
        _abandoned(arrival, stay, promise)
    else:
        _add(arrival, stay.outcome)


def _event(stay: Stay, queued_at: int, threshold_s: int, clock: int, cells: Minutes) -> None:
    """Event attribution: the minute of the earliest of answered, abandoned, left, threshold passed."""
    limit = threshold_s * 1000
    if stay.wait_ms is not None and stay.left_at is not None and stay.wait_ms <= limit:
        _add(cells.at(stay.left_at), f"{_EVENT[stay.outcome]}.{threshold_s}")
    elif stay.left_at is not None or clock > queued_at + limit:
        _add(cells.at(queued_at + limit), f"event_expired.{threshold_s}")


def _by_minute(call: Call, stay: Stay, lost: int | None, clock: int, rules: Rules) -> Minutes:
    """The counters that one stay adds, by minute; the same in each dimension set."""
    cells = Minutes()
    is_lost = lost is not None and clock >= lost
    if stay.queued_at is None or stay.outcome in FLAGS:
        _apart(call, stay, is_lost, cells)
        return cells
    promise = rules.promise(call.hotline, stay.queue)
    arrival = cells.at(stay.queued_at)
    _add(arrival, "offered")
    if stay.transferred_in:
        _add(arrival, "transferred_in")
    if stay.flowed_in:
        _add(arrival, "flowed_in")
    outcome, left_at = (stay.outcome, stay.left_at) if stay.outcome != "open" else ("lost_track", lost)
    if stay.outcome != "open":
        _left(arrival, stay, promise, is_lost)
    elif is_lost:
        _add(arrival, "lost_track")
    if left_at is not None and (stay.outcome != "open" or is_lost):
        _add(cells.at(left_at), "offered_by_outcome")
        _add(cells.at(left_at), f"{outcome}_by_outcome")
    for threshold_s in promise.thresholds_s:
        _event(stay, stay.queued_at, threshold_s, clock, cells)
    return cells


def _calls(stays: list[Stay]) -> tuple[int, Counts] | None:
    """Whole-call counters and the instant they belong to: the start of the first stay in a queue."""
    queued = [stay for stay in stays if stay.queued_at is not None]
    if not queued or queued[0].outcome in FLAGS:
        return None
    counts = {"calls_offered": 1}
    if any(stay.outcome == "answered" for stay in queued):
        counts["calls_answered"] = 1
    elif queued[-1].outcome == "abandoned":
        counts["calls_abandoned"] = 1
    return queued[0].queued_at or 0, counts


def _place(call: Call, queue: str, rules: Rules) -> Place:
    told = tuple(queue if name == "queue" else call.attribute(name, queue) for name in rules.dimensions.needed)
    return Place("visit", call.hotline, told)


def _later(call: Call, stays: list[Stay], rules: Rules, cells: Contribution) -> None:
    """Ratings and completed callbacks, in the minute of their own time and the place of their visit."""
    if all(fact.type not in _LATER_COUNTERS for fact in call.facts):
        return
    for fact, stay in later_facts(call, stays):
        if fact.type in _LATER_COUNTERS and not (fact.type == "rated" and fact.ms < 0):
            place = _place(call, stay.queue if stay else fact.queue, rules)
            _add(cells.setdefault(place, Minutes()).at(fact.time), _LATER_COUNTERS[fact.type].format(fact.ms))


def contribution(call: Call, stays: list[Stay], losts: list[int | None], clock: int, rules: Rules) -> Contribution:
    """What the call adds to cells as of `clock` (partition clock, ms), by place and minute.

    `losts[i]`: when stay i counts as lost (`lost_at`).
    """
    cells: Contribution = {}
    for stay, lost in zip(stays, losts, strict=True):
        minutes = _by_minute(call, stay, lost, clock, rules)
        if not minutes:
            continue
        place = _place(call, stay.queue, rules)
        known = cells.get(place)
        if known is None:
            cells[place] = minutes
        else:
            for minute, counts in minutes.items():
                add_counts(known.at(minute), counts)
    _later(call, stays, rules, cells)
    whole = _calls(stays)
    if whole is not None:
        cells[Place("calls", call.hotline)] = Minutes({whole[0] - whole[0] % MINUTE_MS: whole[1]})
    return cells
