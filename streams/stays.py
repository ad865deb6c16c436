"""The stays of a call in queues: a pure function of the facts told about it."""

from collections.abc import Callable, Iterable
from itertools import pairwise

import msgspec

from streams.calls import (
    ABANDONED,
    ANSWERED,
    ARRIVED,
    BLOCKED,
    CALLBACK_COMPLETED,
    CALLBACK_TAKEN,
    ENDED,
    FIRST_LATER,
    FLOWED_OUT,
    HELD,
    QUEUED,
    RATED,
    RECLASSIFIED,
    RESUMED,
    TRANSFERRED,
    WRAPPED,
    Call,
    Fact,
)
from streams.contract.dead_letters import RepairKind
from streams.contract.visits import Outcome

NEXT_ENTRY_MS = 1_000
CLOCK_SKEW_MS = 5_000
HALF_DAY_MS = 12 * 3_600_000

_OUTCOMES = frozenset({ANSWERED, ABANDONED, FLOWED_OUT, CALLBACK_TAKEN})
_END_OF_TALK = frozenset({ENDED, TRANSFERRED, FLOWED_OUT})
_GO_ON = frozenset({"open", "answered"})
_ENDED, _BLOCKED, _ENDED_OR_ABANDONED = frozenset({ENDED}), frozenset({BLOCKED}), frozenset({ENDED, ABANDONED})
_OF_NO_STAY = frozenset({ARRIVED, BLOCKED, QUEUED, CALLBACK_COMPLETED, RATED, RECLASSIFIED})


class Stay(msgspec.Struct):
    """One stay in one queue (queue `""`: none was reached), as the facts known so far tell it.

    `left_at` is when waiting ended, whatever the outcome. Durations in ms, None where not known yet.
    """

    queue: str
    entry: int
    outcome: Outcome
    arrived_at: int | None = None
    queued_at: int | None = None
    left_at: int | None = None
    answered_at: int | None = None
    ended_at: int | None = None
    wrapped_at: int | None = None
    wait_ms: int | None = None
    talk_ms: int | None = None
    hold_ms: int | None = None
    acw_ms: int | None = None
    transferred_out: bool = False
    transferred_in: bool = False
    flowed_in: bool = False
    agent: str = ""
    repairs: tuple[RepairKind, ...] = ()

    @property
    def over(self) -> bool:
        """Whether nothing more is expected of it: it ended otherwise than by an answer, or is wrapped up."""
        return self.wrapped_at is not None or self.outcome not in _GO_ON


def _openings(ordered: list[Fact]) -> dict[str, list[tuple[int, int]]]:
    """When each entry of a queue was opened: queue -> [(time, entry)] in order of time."""
    openings: dict[str, list[tuple[int, int]]] = {}
    for fact in ordered:
        if fact.kind == QUEUED:
            opened = openings.setdefault(fact.queue, [])
            if fact.entry:
                if all(entry != fact.entry for _, entry in opened):
                    opened.append((fact.time, fact.entry))
            elif not opened:
                opened.append((fact.time, 1))
            elif fact.time > opened[-1][0] + NEXT_ENTRY_MS:
                opened.append((fact.time, opened[-1][1] + 1))
    return openings


def _entries(ordered: list[Fact]) -> dict[tuple[str, int], list[Fact]]:
    """Facts that name a queue, by stay.

    Where no entry is stated, a `queued` more than a second after the one that opened the present entry
    opens the next; other facts fall to the entry open at their time.
    """
    openings = _openings(ordered)
    stays: dict[tuple[str, int], list[Fact]] = {}
    for fact in ordered:
        if fact.kind >= FIRST_LATER or (not fact.queue and fact.kind != QUEUED):
            continue
        entry = fact.entry
        if not entry:
            opened = openings.get(fact.queue, [])
            before = [number for time, number in opened if time <= fact.time]
            entry = before[-1] if before else (opened[0][1] if opened else 1)
        stays.setdefault((fact.queue, entry), []).append(fact)
    return stays


def _first(facts: Iterable[Fact], kinds: frozenset[int]) -> Fact | None:
    return next((fact for fact in facts if fact.kind in kinds), None)


def _spread(ordered: list[Fact], stays: dict[tuple[str, int], list[Fact]]) -> None:
    """Give each fact that names no queue to the stay it belongs to (in place).

    Ends of waiting go to the stay queued last before them; what follows an answer goes to the stay
    answered last before it; an end with no answer at all ends the waiting of the stay queued last.
    """
    loose = [fact for fact in ordered if not fact.queue and fact.kind not in _OF_NO_STAY]
    if not stays and any(fact.kind == ANSWERED for fact in loose):
        stays["", 1] = []
    if not stays:
        return
    starts = sorted((min(fact.time for fact in facts) if facts else 0, key) for key, facts in stays.items())

    def queued_before(time: int) -> tuple[str, int]:
        return next((key for start, key in reversed(starts) if start <= time), starts[0][1])

    for fact in loose:
        if fact.kind in _OUTCOMES:
            stays[queued_before(fact.time)].append(fact)
    _spread_after_answer([fact for fact in loose if fact.kind not in _OUTCOMES], stays, queued_before)


def _spread_after_answer(
    loose: list[Fact],
    stays: dict[tuple[str, int], list[Fact]],
    queued_before: Callable[[int], tuple[str, int]],
) -> None:
    answers = sorted((fact.time, key) for key, facts in stays.items() for fact in facts if fact.kind == ANSWERED)
    for fact in loose:
        if answers:
            key = next((key for time, key in reversed(answers) if time <= fact.time), answers[0][1])
            stays[key].append(fact)
        elif fact.kind == ENDED:
            key = queued_before(fact.time)
            if not any(known.kind in _OUTCOMES for known in stays[key]):
                stays[key].append(fact)


def _only_stay(ordered: list[Fact]) -> tuple[str, list[Fact]] | None:  # noqa: C901 - one pass, for every event
    """Queue and facts of the stay of a call that was in one queue once, as most are; None: look more carefully.

    The same as `_entries` and `_spread` make of it: what names no queue can only belong to that stay.
    """
    queue: str | None = None
    queued = answered = left = False
    loose = False
    for _, kind, named, entry, _, _, _ in ordered:
        if entry:
            return None
        if kind >= FIRST_LATER:
            loose = True
            continue
        if named or kind == QUEUED:
            if queue is None:
                queue = named
            elif queue != named:
                return None
            if kind == QUEUED:
                if queued:
                    return None
                queued = True
        else:
            loose = True
        if kind in _OUTCOMES:
            left = True
            answered = answered or kind == ANSWERED
    if queue is None:
        return None
    if not loose:
        return queue, ordered
    return queue, [
        fact
        for fact in ordered
        if fact.kind < FIRST_LATER
        and (
            fact.queue
            or fact.kind in _OUTCOMES
            or fact.kind == QUEUED
            or (fact.kind > QUEUED and (answered or (fact.kind == ENDED and not left)))
        )
    ]


def mend_span(ms: int, repairs: list[RepairKind]) -> int:
    """A duration in ms, never below 0; a negative one is mended and named.

    Below -12 h it passed midnight (a day is added); to -5 s it is `clock_skew`, else `order` (both 0).
    """
    if ms >= 0:
        return ms
    if ms < -HALF_DAY_MS:
        repairs.append("midnight")
        return max(0, ms + 2 * HALF_DAY_MS)
    repairs.append("clock_skew" if ms >= -CLOCK_SKEW_MS else "order")
    return 0


def _held(facts: list[Fact], ended_at: int, repairs: list[RepairKind]) -> int:
    """Milliseconds on hold from held/resumed pairs; a hold that never resumed ends with the talk."""
    total, since = 0, None
    for fact in facts:
        if fact.kind == HELD and since is None:
            since = fact.time
        elif fact.kind == RESUMED and since is not None:
            total += fact.time - since
            since = None
    if since is not None:
        total += mend_span(ended_at - since, repairs)
    return total


def _stay(  # noqa: C901 - one pass, for every event
    queue: str, entry: int, facts: list[Fact], arrived_at: int | None
) -> Stay:
    """The stay that its facts, in order, tell of. The first of a kind holds, of agents the last."""
    repairs: list[RepairKind] = []
    left: Fact | None = None
    queued_at: int | None = None
    agent = ""
    for fact in facts:
        kind = fact.kind
        if kind == QUEUED:
            if queued_at is None:
                queued_at = fact.time
        elif left is None and kind in _OUTCOMES:
            left = fact
        if fact.agent:
            agent = fact.agent
    if queued_at is None:
        queued_at = facts[0].time
    stay = Stay(queue, entry, "open", arrived_at, queued_at, agent=agent)
    if left is None:
        # Where a stay just ends, its caller hung up while waiting; what the end states is no wait.
        ended = _first(facts, _ENDED)
        if ended is None:
            return stay
        left = ended._replace(kind=ABANDONED, ms=-1)
    stay.outcome = left.type  # type: ignore[assignment]  # one of _OUTCOMES
    stay.left_at = left.time
    stated = left.ms
    if stated < 0:
        stated = next((fact.ms for fact in facts if fact.kind == left.kind and fact.ms >= 0), -1)
    stay.wait_ms = stated if stated >= 0 else mend_span(left.time - queued_at, repairs)
    if left.kind == ANSWERED:
        _talk(stay, left, facts, repairs)
    else:
        stay.ended_at = left.time
    if repairs:
        stay.repairs = tuple(dict.fromkeys(repairs))
    return stay


def _talk(  # noqa: C901 - one pass, for every event
    stay: Stay, answered: Fact, facts: list[Fact], repairs: list[RepairKind]
) -> None:
    """What came after the answer, into the stay."""
    stay.answered_at = answered.time
    end: Fact | None = None
    wrapped: Fact | None = None
    talk = hold = -1
    for fact in facts:
        kind = fact.kind
        if kind in _END_OF_TALK:
            if end is None:
                end = fact
            if talk < 0:
                talk = fact.ms
            if kind == TRANSFERRED:
                stay.transferred_out = True
        elif kind == WRAPPED and wrapped is None:
            wrapped = fact
        if hold < 0:
            hold = fact.hold_ms
    if end is not None:
        stay.ended_at = end.time
        stay.hold_ms = hold if hold >= 0 else _held(facts, end.time, repairs)
        stay.talk_ms = talk if talk >= 0 else max(0, mend_span(end.time - answered.time, repairs) - stay.hold_ms)
    if wrapped is not None:
        stay.wrapped_at = wrapped.time
        if wrapped.ms >= 0:
            stay.acw_ms = wrapped.ms
        elif end is not None:
            stay.acw_ms = mend_span(wrapped.time - end.time, repairs)


def _menu_stay(ordered: list[Fact], arrived_at: int | None, flagged: bool) -> list[Stay]:
    """The one stay of a call that reached no queue; none if nothing tells that a call arrived at all."""
    blocked, ended = _first(ordered, _BLOCKED), _first(ordered, _ENDED_OR_ABANDONED)
    if blocked is None and arrived_at is None and not flagged:
        return []
    outcome: Outcome = "blocked" if blocked else "ended_in_menu" if ended else "open"
    last = blocked or ended
    return [Stay(queue="", entry=1, outcome=outcome, arrived_at=arrived_at, ended_at=last.time if last else None)]


def stays_of(call: Call) -> list[Stay]:
    """The stays of a call in order of their start: a pure function of its facts and flag.

    A flagged call (phantom, test, nuisance) has its flag as the outcome of every stay. A call that is
    still in the menu has one stay in queue `""` with outcome `open`.
    """
    ordered = call.facts
    arrived_at = next((fact.time for fact in ordered if fact.kind == ARRIVED), None)
    only = _only_stay(ordered)
    if only is not None:
        stays = [_stay(only[0], 1, only[1], arrived_at)]
    else:
        by_stay = _entries(ordered)
        _spread(ordered, by_stay)
        stays = [_stay(*key, sorted(facts), arrived_at) for key, facts in by_stay.items() if facts]
        if not stays:
            stays = _menu_stay(ordered, arrived_at, bool(call.flag))
        stays.sort(key=lambda stay: (stay.queued_at or 0, stay.queue, stay.entry))
        for before, entered in pairwise(stays):
            entered.transferred_in = before.transferred_out
            entered.flowed_in = before.outcome == "flowed_out"
    if call.flag:
        for stay in stays:
            stay.outcome = call.flag  # type: ignore[assignment]  # the contract's flags are outcomes
    return stays


def later_facts(call: Call, stays: list[Stay]) -> list[tuple[Fact, Stay | None]]:
    """Ratings, re-classifications and completed callbacks in order of time, each with the visit that it belongs to.

    That is the visit answered last before it, else the one queued last before it, of the queue it names if it names
    one; None where no visit is remembered.
    """
    found: list[tuple[Fact, Stay | None]] = []
    for fact in [fact for fact in call.facts if fact.kind >= FIRST_LATER]:
        its = [stay for stay in stays if stay.queued_at is not None and fact.queue in {"", stay.queue}]
        answered = [stay for stay in its if stay.answered_at is not None and stay.answered_at <= fact.time]
        queued = [stay for stay in its if (stay.queued_at or 0) <= fact.time]
        best = answered or queued or its
        found.append((fact, best[-1] if best else None))
    return found
