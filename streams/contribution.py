"""What a call adds to cells: a pure function of the call and the clock.

Every cell is a sum of contributions, so an event adds `contribution(after) - contribution(before)`; a
category set at wrap-up moves the visit from one cell to another by itself. Definitions: the counters
in `streams.contract.cells.COUNTERS`.
"""

from collections.abc import Callable
from functools import lru_cache

import msgspec

from streams.calls import CALLBACK_COMPLETED, RATED, STAY_ATTRIBUTES, Call
from streams.cell_book import Contribution
from streams.contract.buckets import wait_bucket
from streams.contract.cells import MINUTE_MS, Counts
from streams.contract.events import FLAGS
from streams.dimensions import Dimensions, Place
from streams.stays import Stay, later_facts


class Promise(msgspec.Struct, frozen=True, array_like=True):
    """What is promised for a queue: thresholds in seconds, and what counts as a short abandon (ms)."""

    thresholds_s: tuple[int, ...]
    short_abandon_ms: int


class Terms(msgspec.Struct, frozen=True, array_like=True):
    """What promises and limits rest on. `promises`: hotline -> queue -> promise, `""` for queues without one of their
    own; `other`: of hotlines that settings do not name. Times in ms.
    """

    promises: dict[str, dict[str, Promise]]
    other: dict[str, Promise]
    lost_waiting_ms: int
    lost_talking_ms: int
    lateness_ms: int

    def promise(self, hotline: str, queue: str) -> Promise:
        its = self.promises.get(hotline, self.other)
        return its.get(queue) or its[""]


class Rules(msgspec.Struct, frozen=True):
    """What decides how calls and agents are counted. `promise(hotline, queue)`; times in ms.

    `terms`: the `Terms` as text, kept in the state: calls that were counted under others are counted anew.
    """

    promise: Callable[[str, str], Promise]
    dimensions: Dimensions
    lost_waiting_ms: int
    lost_talking_ms: int
    lost_agent_ms: int
    terms: str = ""

    def under(self, terms: str) -> "Rules | None":
        """These rules with the terms that a state was counted under; None if it does not tell them."""
        try:
            its = msgspec.json.decode(terms, type=Terms)
        except msgspec.MsgspecError:
            return None
        changes = {"lost_waiting_ms": its.lost_waiting_ms, "lost_talking_ms": its.lost_talking_ms, "terms": terms}
        return msgspec.structs.replace(self, promise=its.promise, **changes)


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
    times: list[int] = []
    for stay, lost in zip(stays, losts, strict=True):
        if lost is not None:
            times.append(lost)
        if stay.outcome == "open" and stay.queued_at is not None:
            times += [stay.queued_at + x * 1000 + 1 for x in rules.promise(call.hotline, stay.queue).thresholds_s]
    return times


class _Cells:
    """What a call adds in one place: `counts(time)` are the counts of the minute in which `time` (ms) lies."""

    __slots__ = ("_added", "_place")

    def __init__(self, added: Contribution, place: Place) -> None:
        self._added = added
        self._place = place

    def counts(self, time: int) -> Counts:
        key = (time - time % MINUTE_MS, self._place)
        known = self._added.get(key)
        if known is None:
            known = self._added[key] = {}
        return known


def _add(counts: Counts, name: str, number: int = 1) -> None:
    counts[name] = counts.get(name, 0) + number


def _answered(arrival: Counts, stay: Stay, promise: Promise) -> None:
    wait = stay.wait_ms or 0
    _add(arrival, "answered")
    _add(arrival, f"answered_wait.{wait_bucket(wait)}")
    if wait:
        _add(arrival, "wait_ms_sum", wait)
        _add(arrival, "waited")
    talk = stay.talk_ms
    if talk is not None:
        if talk:
            _add(arrival, "talk_ms_sum", talk)
            _add(arrival, "talked")
        if talk <= promise.short_abandon_ms:
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
_BY_OUTCOME = {name: f"{name}_by_outcome" for name in (*_EVENT, "lost_track")}


def _apart(call: Call, stay: Stay, is_lost: bool, cells: _Cells) -> None:
    """A stay that is no visit: ended in the menu, blocked, flagged, or lost before any queue."""
    start = stay.arrived_at or stay.queued_at or call.facts[0].time
    if stay.outcome != "open":
        _add(cells.counts(start), stay.outcome)
    elif is_lost:
        _add(cells.counts(start), "lost_track_in_menu")


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


def _event(stay: Stay, queued_at: int, promise: Promise, until: int, cells: _Cells) -> None:
    """Event attribution: by threshold, count in the minute of the earliest of answered, abandoned, left, threshold passed.

    `until`: the visit is known to have waited until then (ms), if it did not leave before.
    """
    wait, left_at = stay.wait_ms, stay.left_at
    for threshold_s in promise.thresholds_s:
        limit = threshold_s * 1000
        if wait is not None and left_at is not None and wait <= limit:
            _add(cells.counts(left_at), f"{_EVENT[stay.outcome]}.{threshold_s}")
        elif left_at is not None or until > queued_at + limit:
            _add(cells.counts(queued_at + limit), f"event_expired.{threshold_s}")


def _visit(call: Call, stay: Stay, lost: int | None, cells: _Cells, *, clock: int, rules: Rules) -> None:
    """The counters that one stay adds."""
    is_lost = lost is not None and clock >= lost
    queued_at, outcome = stay.queued_at, stay.outcome
    if queued_at is None or outcome in FLAGS:
        _apart(call, stay, is_lost, cells)
        return
    promise = rules.promise(call.hotline, stay.queue)
    arrival = cells.counts(queued_at)
    _add(arrival, "offered")
    if stay.transferred_in:
        _add(arrival, "transferred_in")
    if stay.flowed_in:
        _add(arrival, "flowed_in")
    left_at = stay.left_at
    if outcome != "open":
        _left(arrival, stay, promise, is_lost)
    elif is_lost:
        outcome, left_at = "lost_track", lost
        _add(arrival, "lost_track")
    if left_at is not None and outcome != "open":
        by_outcome = cells.counts(left_at)
        _add(by_outcome, "offered_by_outcome")
        _add(by_outcome, _BY_OUTCOME[outcome])
    _event(stay, queued_at, promise, clock if lost is None else min(clock, lost), cells)


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


@lru_cache(maxsize=65_536)
def _visit_place(hotline: str, told: tuple[str, ...]) -> Place:
    """One object for equal places: they are compared and hashed for every counter."""
    return Place("visit", hotline, told)


def _place(call: Call, queue: str, rules: Rules) -> Place:
    told = call.attributes
    values = []
    for name in rules.dimensions.needed:
        if name == "queue":
            values.append(queue)
            continue
        known = told.get(f"{name}@{queue}") if name in STAY_ATTRIBUTES else None
        known = known or told.get(name)
        values.append(known[1] if known else "")
    return _visit_place(call.hotline, tuple(values))


@lru_cache(maxsize=1_024)
def _calls_place(hotline: str) -> Place:
    return Place("calls", hotline)


def _later(call: Call, stays: list[Stay], rules: Rules, added: Contribution) -> None:
    """Ratings and completed callbacks, in the minute of their own time and the place of their visit."""
    for fact, stay in later_facts(call, stays):
        if fact.kind == CALLBACK_COMPLETED:
            counter = "callback_completed"
        elif fact.kind == RATED and fact.ms >= 0:
            counter = f"rated.{fact.ms}"
        else:
            continue
        place = _place(call, stay.queue if stay else fact.queue, rules)
        _add(_Cells(added, place).counts(fact.time), counter)


def contribution(call: Call, stays: list[Stay], losts: list[int | None], clock: int, rules: Rules) -> Contribution:
    """What the call adds to cells as of `clock` (partition clock, ms), by minute and place.

    `losts[i]`: when stay i counts as lost (`lost_at`).
    """
    added: Contribution = {}
    for stay, lost in zip(stays, losts, strict=True):
        _visit(call, stay, lost, _Cells(added, _place(call, stay.queue, rules)), clock=clock, rules=rules)
    if call.has_later:
        _later(call, stays, rules, added)
    whole = _calls(stays)
    if whole is not None:
        added[whole[0] - whole[0] % MINUTE_MS, _calls_place(call.hotline)] = whole[1]
    return added
