"""A call is a join of its events: the set of facts told about it, and the stays that follow from them.

The same fact twice, or facts in another order, give the same call: facts are a set, attributes keep the
value with the latest event time. What a call's stays in queues were is a pure function of its facts.
"""

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import NamedTuple

import msgspec

from streams.contract.dead_letters import RepairKind
from streams.contract.visits import Outcome

MAX_FACTS = 400
NEXT_ENTRY_MS = 1_000
CLOCK_SKEW_MS = 5_000
HALF_DAY_MS = 12 * 3_600_000

_TYPES = (
    "arrived",
    "blocked",
    "queued",
    "answered",
    "held",
    "resumed",
    "transferred",
    "flowed_out",
    "callback_taken",
    "abandoned",
    "ended",
    "wrapped",
    "callback_completed",
    "rated",
    "reclassified",
)
CALL_TYPES = frozenset(_TYPES)
LATER = frozenset({"callback_completed", "rated", "reclassified"})
"""Facts of their own: they may come days later, count in the minute of their own time and open no visit."""
_RANK = {name: rank for rank, name in enumerate(_TYPES)}
_OUTCOMES = frozenset({"answered", "abandoned", "flowed_out", "callback_taken"})
_END_OF_TALK = frozenset({"ended", "transferred", "flowed_out"})
_OF_NO_STAY = LATER | {"arrived", "blocked", "queued"}


class Fact(NamedTuple):
    """One distinct thing told about a call. `entry` 0 and `ms`/`hold_ms` -1: not stated; `rated` has its value in `ms`."""

    time: int
    type: str
    queue: str = ""
    entry: int = 0
    ms: int = -1
    hold_ms: int = -1
    agent: str = ""


class Call(msgspec.Struct):
    """What is remembered of a call: facts, attributes (name -> (event time, value)) and its flag.

    Attributes that belong to a stay rather than to the call are named `name@queue`. `last_at`: event time
    of the latest fact, ms. `gone_at`: its source told all its open calls at that time (ms) without this one (0: never).
    """

    hotline: str
    facts: set[Fact] = msgspec.field(default_factory=set)
    attributes: dict[str, tuple[int, str]] = msgspec.field(default_factory=dict)
    flag: str = ""
    last_at: int = 0
    gone_at: int = 0

    def tell(self, fact: Fact) -> bool:
        """Take in a fact; whether it was new."""
        before = len(self.facts)
        self.facts.add(fact)
        self.last_at = max(self.last_at, fact.time)
        return len(self.facts) != before

    def describe(self, name: str, time: int, value: str) -> bool:
        """Take in an attribute; whether it changed anything. Ties in time go to the greater value."""
        known = self.attributes.get(name)
        if known is not None and known >= (time, value):
            return False
        self.attributes[name] = (time, value)
        return known is None or known[1] != value

    def attribute(self, name: str, queue: str = "") -> str:
        """The value of an attribute: the stay's own first, else the call's."""
        known = self.attributes.get(f"{name}@{queue}") or self.attributes.get(name)
        return known[1] if known else ""


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


def _order(fact: Fact) -> tuple[int, int, Fact]:
    return fact.time, _RANK[fact.type], fact


def _openings(ordered: list[Fact]) -> dict[str, list[tuple[int, int]]]:
    """When each entry of a queue was opened: queue -> [(time, entry)] in order of time."""
    openings: dict[str, list[tuple[int, int]]] = {}
    for fact in ordered:
        if fact.type == "queued":
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
        if fact.type in LATER or (not fact.queue and fact.type != "queued"):
            continue
        entry = fact.entry
        if not entry:
            opened = openings.get(fact.queue, [])
            before = [number for time, number in opened if time <= fact.time]
            entry = before[-1] if before else (opened[0][1] if opened else 1)
        stays.setdefault((fact.queue, entry), []).append(fact)
    return stays


def _first(facts: Iterable[Fact], types: frozenset[str] | tuple[str, ...]) -> Fact | None:
    return next((fact for fact in facts if fact.type in types), None)


def _spread(ordered: list[Fact], stays: dict[tuple[str, int], list[Fact]]) -> None:
    """Give each fact that names no queue to the stay it belongs to (in place).

    Ends of waiting go to the stay queued last before them; what follows an answer goes to the stay
    answered last before it; an end with no answer at all ends the waiting of the stay queued last.
    """
    loose = [fact for fact in ordered if not fact.queue and fact.type not in _OF_NO_STAY]
    if not stays and any(fact.type == "answered" for fact in loose):
        stays["", 1] = []
    if not stays:
        return
    starts = sorted((min(fact.time for fact in facts) if facts else 0, key) for key, facts in stays.items())

    def queued_before(time: int) -> tuple[str, int]:
        return next((key for start, key in reversed(starts) if start <= time), starts[0][1])

    for fact in loose:
        if fact.type in _OUTCOMES:
            stays[queued_before(fact.time)].append(fact)
    _spread_after_answer([fact for fact in loose if fact.type not in _OUTCOMES], stays, queued_before)


def _spread_after_answer(
    loose: list[Fact],
    stays: dict[tuple[str, int], list[Fact]],
    queued_before: Callable[[int], tuple[str, int]],
) -> None:
    answers = sorted((fact.time, key) for key, facts in stays.items() for fact in facts if fact.type == "answered")
    for fact in loose:
        if answers:
            key = next((key for time, key in reversed(answers) if time <= fact.time), answers[0][1])
            stays[key].append(fact)
        elif fact.type == "ended":
            key = queued_before(fact.time)
            if not any(known.type in _OUTCOMES for known in stays[key]):
                stays[key].append(fact)


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


def _stated(facts: Iterable[Fact], types: frozenset[str] | tuple[str, ...]) -> int | None:
    return next((fact.ms for fact in facts if fact.type in types and fact.ms >= 0), None)


def _held(facts: list[Fact], ended_at: int | None, repairs: list[RepairKind]) -> int:
    """Milliseconds on hold from held/resumed pairs; a hold that never resumed ends with the talk."""
    total, since = 0, None
    for fact in facts:
        if fact.type == "held" and since is None:
            since = fact.time
        elif fact.type == "resumed" and since is not None:
            total += fact.time - since
            since = None
    if since is not None and ended_at is not None:
        total += mend_span(ended_at - since, repairs)
    return total


def _hung_up(facts: list[Fact]) -> Fact | None:
    """Where a stay just ends, its caller hung up while waiting; what the end states is no wait."""
    ended = _first(facts, ("ended",))
    return ended._replace(type="abandoned", ms=-1) if ended else None


def _stay(queue: str, entry: int, facts: list[Fact], arrived_at: int | None) -> Stay:
    facts.sort(key=_order)
    repairs: list[RepairKind] = []
    queued = _first(facts, ("queued",))
    left = _first(facts, _OUTCOMES) or _hung_up(facts)
    stay = Stay(queue=queue, entry=entry, outcome="open", arrived_at=arrived_at)
    stay.queued_at = queued.time if queued else facts[0].time
    stay.agent = next((fact.agent for fact in reversed(facts) if fact.agent), "")
    if left is not None:
        stay.outcome = left.type  # type: ignore[assignment]  # one of _OUTCOMES
        stay.left_at = left.time
        stated = _stated(facts, (left.type,))
        stay.wait_ms = stated if stated is not None else mend_span(left.time - stay.queued_at, repairs)
    if stay.outcome == "answered" and left is not None:
        stay.answered_at = left.time
        end = _first((fact for fact in facts if fact is not left), _END_OF_TALK)
        wrapped = _first(facts, ("wrapped",))
        if end is not None:
            stay.ended_at = end.time
            stay.transferred_out = any(fact.type == "transferred" for fact in facts)
            hold = next((fact.hold_ms for fact in facts if fact.hold_ms >= 0), None)
            stay.hold_ms = hold if hold is not None else _held(facts, end.time, repairs)
            talk = _stated(facts, tuple(_END_OF_TALK))
            if talk is None:
                talk = max(0, mend_span(end.time - left.time, repairs) - stay.hold_ms)
            stay.talk_ms = talk
        if wrapped is not None:
            stay.wrapped_at = wrapped.time
            stay.acw_ms = wrapped.ms if wrapped.ms >= 0 else None
            if stay.acw_ms is None and stay.ended_at is not None:
                stay.acw_ms = mend_span(wrapped.time - stay.ended_at, repairs)
    else:
        stay.ended_at = stay.left_at
    stay.repairs = tuple(dict.fromkeys(repairs))
    return stay


def _menu_stay(ordered: list[Fact], arrived_at: int | None, flagged: bool) -> list[Stay]:
    """The one stay of a call that reached no queue; none if nothing tells that a call arrived at all."""
    blocked, ended = _first(ordered, ("blocked",)), _first(ordered, ("ended", "abandoned"))
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
    ordered = sorted(call.facts, key=_order)
    arrivals = [fact.time for fact in ordered if fact.type == "arrived"]
    arrived_at = arrivals[0] if arrivals else None
    by_stay = _entries(ordered)
    _spread(ordered, by_stay)
    stays = [_stay(queue, entry, facts, arrived_at) for (queue, entry), facts in by_stay.items() if facts]
    if not stays:
        stays = _menu_stay(ordered, arrived_at, bool(call.flag))
    stays.sort(key=lambda stay: (stay.queued_at or 0, stay.queue, stay.entry))
    for left, entered in pairwise(stays):
        entered.transferred_in = left.transferred_out
        entered.flowed_in = left.outcome == "flowed_out"
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
    for fact in sorted(fact for fact in call.facts if fact.type in LATER):
        its = [stay for stay in stays if stay.queued_at is not None and fact.queue in {"", stay.queue}]
        answered = [stay for stay in its if stay.answered_at is not None and stay.answered_at <= fact.time]
        queued = [stay for stay in its if (stay.queued_at or 0) <= fact.time]
        best = answered or queued or its
        found.append((fact, best[-1] if best else None))
    return found
