"""Every counter as one small function of a visit: at which instants it counts, and how much.

Names and meanings: `streams.contract.cells.COUNTERS`. A counter kept per bucket, threshold or value gives a number
beside the amount. A visit comes here as it stands at the end of the log: one given up has the outcome `lost_track`.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from oracle.visits import Fact, Visit
from streams.contract.buckets import wait_bucket

FLAGS = {"phantom", "test", "nuisance"}


class Promise(NamedTuple):
    """Thresholds of a queue in seconds, and the short abandon in ms."""

    thresholds_s: tuple[int, ...]
    short_ms: int


class Count(NamedTuple):
    """So much of a counter (its `number`-th, if it is kept by number) at an instant (ms)."""

    at: int
    amount: int = 1
    number: int | None = None


Counter = Callable[[Visit, Promise, int], Iterable[Count]]
"""(visit, promise, clock at the end of the log) -> what it adds."""


def by_arrival(holds: Callable[[Visit], object], amount: Callable[[Visit], int] = lambda _: 1) -> Counter:
    """In the minute in which the visit was queued."""

    def count(visit: Visit, promise: Promise, clock: int) -> Iterable[Count]:
        return [Count(queued(visit), amount(visit))] if holds(visit) and amount(visit) else []

    return count


def by_outcome(*outcomes: str) -> Counter:
    """In the minute in which waiting ended so."""

    def count(visit: Visit, promise: Promise, clock: int) -> Iterable[Count]:
        return [Count(visit.left_at)] if visit.left_at is not None and visit.outcome in outcomes else []

    return count


def by_bucket(outcome: str) -> Counter:
    """Per wait bucket, in the minute in which the visit was queued."""

    def count(visit: Visit, promise: Promise, clock: int) -> Iterable[Count]:
        return [Count(queued(visit), 1, wait_bucket(visit.wait_ms or 0))] if visit.outcome == outcome else []

    return count


def within(*outcomes: str) -> Counter:
    """Per threshold: in the minute in which waiting ended so, if that was in time."""

    def count(visit: Visit, promise: Promise, clock: int) -> Iterable[Count]:
        if visit.outcome in outcomes and visit.left_at is not None:
            for x in promise.thresholds_s:
                if (visit.wait_ms or 0) <= x * 1000:
                    yield Count(visit.left_at, 1, x)

    return count


def expired(visit: Visit, promise: Promise, clock: int) -> Iterable[Count]:
    """Per threshold: in the minute in which it passed, if the visit waited longer (or still waits, or did until it was given up)."""
    for x in promise.thresholds_s:
        if visit.outcome in ("open", "lost_track"):
            missed = (visit.left_at or clock) > queued(visit) + x * 1000
        else:
            missed = (visit.wait_ms or 0) > x * 1000
        if missed:
            yield Count(queued(visit) + x * 1000, 1, x)


def short_abandoned(visit: Visit, promise: Promise, clock: int) -> Iterable[Count]:
    if visit.outcome == "abandoned" and (visit.wait_ms or 0) <= promise.short_ms:
        yield Count(queued(visit))


def short_answered(visit: Visit, promise: Promise, clock: int) -> Iterable[Count]:
    if answered(visit) and visit.talk_ms is not None and visit.talk_ms <= promise.short_ms:
        yield Count(queued(visit))


def queued(visit: Visit) -> int:
    assert visit.queued_at is not None
    return visit.queued_at


def was(outcome: str) -> Callable[[Visit], bool]:
    return lambda visit: visit.outcome == outcome


answered = was("answered")
LEFT = ("answered", "abandoned", "flowed_out", "callback_taken", "lost_track")

OF_VISITS: dict[str, Counter] = {
    "offered": by_arrival(lambda _: True),
    "answered": by_arrival(answered),
    "abandoned": by_arrival(was("abandoned")),
    "flowed_out": by_arrival(was("flowed_out")),
    "callback_taken": by_arrival(was("callback_taken")),
    "lost_track": by_arrival(was("lost_track")),
    "lost_track_talking": by_arrival(lambda visit: answered(visit) and visit.lost_talking),
    "short_abandoned": short_abandoned,
    "short_answered": short_answered,
    "held": by_arrival(lambda visit: answered(visit) and visit.hold_ms),
    "transferred_out": by_arrival(lambda visit: answered(visit) and visit.transferred_out),
    "transferred_in": by_arrival(lambda visit: visit.transferred_in),
    "flowed_in": by_arrival(lambda visit: visit.flowed_in),
    "offered_by_outcome": by_outcome(*LEFT),
    "answered_by_outcome": by_outcome("answered"),
    "abandoned_by_outcome": by_outcome("abandoned"),
    "flowed_out_by_outcome": by_outcome("flowed_out"),
    "callback_taken_by_outcome": by_outcome("callback_taken"),
    "lost_track_by_outcome": by_outcome("lost_track"),
    "wait_ms_sum": by_arrival(answered, lambda visit: visit.wait_ms or 0),
    "waited": by_arrival(lambda visit: answered(visit) and visit.wait_ms),
    "abandoned_wait_ms_sum": by_arrival(was("abandoned"), lambda visit: visit.wait_ms or 0),
    "talk_ms_sum": by_arrival(answered, lambda visit: visit.talk_ms or 0),
    "talked": by_arrival(lambda visit: answered(visit) and visit.talk_ms),
    "hold_ms_sum": by_arrival(answered, lambda visit: visit.hold_ms or 0),
    "acw_ms_sum": by_arrival(answered, lambda visit: visit.acw_ms or 0),
    "answered_wait": by_bucket("answered"),
    "abandoned_wait": by_bucket("abandoned"),
    "event_answered": within("answered"),
    "event_abandoned": within("abandoned"),
    "event_left": within("flowed_out", "callback_taken"),
    "event_expired": expired,
}
"""Counters of visits, in every dimension set."""


def apart(*outcomes: str) -> Callable[[Visit, int], Iterable[Count]]:
    """In the minute of the arrival; `begin`: the first thing told of the call, if its arrival was not."""

    def count(visit: Visit, begin: int) -> Iterable[Count]:
        if visit.outcome in outcomes:
            yield Count(visit.arrived_at if visit.arrived_at is not None else visit.queued_at or begin)

    return count


OF_CALLS_APART: dict[str, Callable[[Visit, int], Iterable[Count]]] = {
    "ended_in_menu": apart("ended_in_menu"),
    "blocked": apart("blocked"),
    "phantom": apart("phantom"),
    "test": apart("test"),
    "nuisance": apart("nuisance"),
    "lost_track_in_menu": apart("lost_track"),
}
"""Counters of what is no visit (no queue was reached, or the call is flagged), in every dimension set."""


def _first_of(visits: list[Visit]) -> Visit | None:
    """The first visit of a call that counts as one."""
    reached = [visit for visit in visits if visit.queued_at is not None]
    return reached[0] if reached and reached[0].outcome not in FLAGS else None


def calls_offered(visits: list[Visit]) -> Iterable[Count]:
    first = _first_of(visits)
    if first:
        yield Count(queued(first))


def calls_answered(visits: list[Visit]) -> Iterable[Count]:
    first = _first_of(visits)
    if first and any(answered(visit) for visit in visits):
        yield Count(queued(first))


def calls_abandoned(visits: list[Visit]) -> Iterable[Count]:
    first = _first_of(visits)
    if first and visits[-1].outcome == "abandoned" and not any(answered(visit) for visit in visits):
        yield Count(queued(first))


OF_CALLS: dict[str, Callable[[list[Visit]], Iterable[Count]]] = {
    "calls_offered": calls_offered,
    "calls_answered": calls_answered,
    "calls_abandoned": calls_abandoned,
}
"""Counters of whole calls, in the minute of their first visit, in the set `hotline` alone."""


def rated(later: Fact) -> Iterable[Count]:
    if later.type == "rated" and later.stated >= 0:
        yield Count(later.time, 1, later.stated)


def callback_completed(later: Fact) -> Iterable[Count]:
    if later.type == "callback_completed":
        yield Count(later.time)


OF_LATER: dict[str, Callable[[Fact], Iterable[Count]]] = {"rated": rated, "callback_completed": callback_completed}
"""Counters of what comes after a visit, in the minute of its own time, where its visit counts."""

OF_RECORDS = ("events", "heartbeats", "repeats")
"""Counters of records, in the minute of the event time, in the set `source` alone (`oracle.batch`)."""
