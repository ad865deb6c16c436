"""What a call's visits were, from all that was told of it: written for reading, not for speed.

Everything here looks at the whole list of a call's facts at once; nothing is kept from event to event.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from oracle.reading import span

LIFE = (
    "arrived", "blocked", "queued", "answered", "held", "resumed", "transferred", "flowed_out", "callback_taken",
    "abandoned", "ended", "wrapped", "callback_completed", "rated", "reclassified",
)  # fmt: skip
"""Events of one instant happened in this order."""
ENDS_WAITING = {"answered", "abandoned", "flowed_out", "callback_taken"}
ENDS_TALK = {"ended", "transferred", "flowed_out"}
LATER = {"rated", "reclassified", "callback_completed"}
"""Facts of their own: they belong to no time of a visit."""
OF_NO_STAY = {"arrived", "blocked", "queued"}
NEXT_ENTRY_MS = 1_000


class Fact(NamedTuple):
    """One distinct thing told of a call. `entry` 0, `stated` and `hold` -1: not said."""

    time: int
    type: str
    queue: str
    entry: int
    stated: int
    hold: int
    agent: str


@dataclass
class Visit:
    """One stay in one queue; queue `""` with no `queued_at`: the call reached none."""

    queue: str
    entry: int = 1
    outcome: str = "open"
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
    agent: str = ""
    lost_talking: bool = False
    transferred_out: bool = False
    transferred_in: bool = False
    flowed_in: bool = False
    mended: list[str] = field(default_factory=list)

    def length(self, begin: int, end: int) -> int:
        """The time from one to the other, mended if need be."""
        ms, kind = span(end - begin)
        if kind and kind not in self.mended:
            self.mended.append(kind)
        return ms


def visits_of(facts: set[Fact], flag: str) -> list[Visit]:
    """The visits of a call in order of their start."""
    ordered = sorted(facts, key=lambda fact: (fact.time, LIFE.index(fact.type), fact))
    arrived_at = next((fact.time for fact in ordered if fact.type == "arrived"), None)
    told = _by_visit(ordered)
    if told:
        visits = [_measured(queue, entry, told[queue, entry], arrived_at) for queue, entry in told]
    else:
        visits = _in_the_menu(ordered, arrived_at, flag)
    visits.sort(key=lambda visit: (visit.queued_at or 0, visit.queue, visit.entry))
    for left, entered in pairwise(visits):
        entered.transferred_in = left.transferred_out
        entered.flowed_in = left.outcome == "flowed_out"
    for visit in visits:
        visit.outcome = flag or visit.outcome
    return visits


def visit_of(later: Fact, visits: list[Visit]) -> Visit | None:
    """The visit that a rating or a completed callback belongs to: the one answered last before it, else queued last."""
    its = [visit for visit in visits if visit.queued_at is not None and later.queue in {"", visit.queue}]
    answered = [visit for visit in its if visit.answered_at is not None and visit.answered_at <= later.time]
    before = [visit for visit in its if visit.queued_at is not None and visit.queued_at <= later.time]
    return next(reversed(answered or before or its), None)


def _by_visit(ordered: list[Fact]) -> dict[tuple[str, int], list[Fact]]:
    """Which facts tell of which visit (queue, entry)."""
    opened = _opened(ordered)
    told: dict[tuple[str, int], list[Fact]] = {}
    for fact in ordered:
        if fact.type not in LATER and (fact.queue or fact.type == "queued"):
            entry = fact.entry or _open_at(opened.get(fact.queue, []), fact.time)
            told.setdefault((fact.queue, entry), []).append(fact)
    nameless = [f for f in ordered if not f.queue and f.type not in LATER | OF_NO_STAY]
    if not told and any(fact.type == "answered" for fact in nameless):
        told["", 1] = []
    if told:
        _share_out(nameless, told)
    return {visit: facts for visit, facts in told.items() if facts}


def _share_out(nameless: list[Fact], told: dict[tuple[str, int], list[Fact]]) -> None:
    """Give the facts that name no queue to visits (in place)."""
    starts = sorted((min((fact.time for fact in facts), default=0), visit) for visit, facts in told.items())
    for fact in nameless:  # what ends waiting speaks of the visit that began last before it
        if fact.type in ENDS_WAITING:
            told[_last_before(starts, fact.time)].append(fact)
    answers = sorted((fact.time, visit) for visit, facts in told.items() for fact in facts if fact.type == "answered")
    for fact in nameless:  # what follows an answer speaks of the visit answered last before it
        if fact.type in ENDS_WAITING:
            continue
        if answers:
            told[_last_before(answers, fact.time)].append(fact)
        elif fact.type == "ended":  # nobody answered
            facts = told[_last_before(starts, fact.time)]
            if not any(known.type in ENDS_WAITING for known in facts):
                facts.append(fact)


def _opened(ordered: list[Fact]) -> dict[str, list[tuple[int, int]]]:
    """When each entry of a queue began: queue -> [(time, entry)].

    Where no entry is said, a `queued` more than a second after the one that opened the last entry opens the next.
    """
    opened: dict[str, list[tuple[int, int]]] = {}
    for fact in ordered:
        if fact.type != "queued":
            continue
        entries = opened.setdefault(fact.queue, [])
        if fact.entry:
            if fact.entry not in [entry for _, entry in entries]:
                entries.append((fact.time, fact.entry))
        elif not entries:
            entries.append((fact.time, 1))
        elif fact.time - entries[-1][0] > NEXT_ENTRY_MS:
            entries.append((fact.time, entries[-1][1] + 1))
    return opened


def _open_at(entries: list[tuple[int, int]], time: int) -> int:
    """The entry that was open at a time: the last begun, else the first that was to come."""
    begun = [entry for begin, entry in entries if begin <= time]
    return begun[-1] if begun else entries[0][1] if entries else 1


def _last_before(times: list[tuple[int, tuple[str, int]]], time: int) -> tuple[str, int]:
    before = [visit for at, visit in times if at <= time]
    return before[-1] if before else times[0][1]


def _measured(queue: str, entry: int, facts: list[Fact], arrived_at: int | None) -> Visit:
    """The times, durations and outcome of a visit."""
    facts = sorted(facts, key=lambda fact: (fact.time, LIFE.index(fact.type), fact))
    queued = [fact for fact in facts if fact.type == "queued"]
    leaving = _leaving(facts)
    visit = Visit(queue, entry, arrived_at=arrived_at, queued_at=(queued or facts)[0].time)
    visit.agent = next((fact.agent for fact in reversed(facts) if fact.agent), "")
    if not leaving:
        return visit
    left = leaving[0]
    visit.outcome, visit.left_at = left.type, left.time
    visit.wait_ms = _stated(facts, {left.type})
    if visit.wait_ms is None:
        visit.wait_ms = visit.length(visit.queued_at or 0, left.time)
    if left.type != "answered":
        visit.ended_at = left.time
        return visit
    visit.answered_at = left.time
    ends = [fact for fact in facts if fact.type in ENDS_TALK]
    if ends:
        visit.ended_at = ends[0].time
        visit.transferred_out = any(fact.type == "transferred" for fact in facts)
        visit.hold_ms = next((fact.hold for fact in facts if fact.hold >= 0), None)
        if visit.hold_ms is None:
            visit.hold_ms = _held(visit, facts)
        visit.talk_ms = _stated(facts, ENDS_TALK)
        if visit.talk_ms is None:
            visit.talk_ms = max(0, visit.length(left.time, ends[0].time) - visit.hold_ms)
    wrapped = [fact for fact in facts if fact.type == "wrapped"]
    if wrapped:
        visit.wrapped_at = wrapped[0].time
        if wrapped[0].stated >= 0:
            visit.acw_ms = wrapped[0].stated
        elif visit.ended_at is not None:
            visit.acw_ms = visit.length(visit.ended_at, visit.wrapped_at)
    return visit


def _leaving(facts: list[Fact]) -> list[Fact]:
    """What ended waiting, in order; where nothing says so and the visit just ends, the caller hung up while waiting."""
    ended = [fact._replace(type="abandoned", stated=-1) for fact in facts if fact.type == "ended"]
    return [fact for fact in facts if fact.type in ENDS_WAITING] or ended


def _stated(facts: list[Fact], types: set[str]) -> int | None:
    return next((fact.stated for fact in facts if fact.type in types and fact.stated >= 0), None)


def _held(visit: Visit, facts: list[Fact]) -> int:
    """Time on hold, from each `held` to the next `resumed`; a hold that was not resumed ends with the talk."""
    total, since = 0, None
    for fact in facts:
        if fact.type == "held" and since is None:
            since = fact.time
        elif fact.type == "resumed" and since is not None:
            total, since = total + fact.time - since, None
    return total + (visit.length(since, visit.ended_at or 0) if since is not None else 0)


def _in_the_menu(ordered: list[Fact], arrived_at: int | None, flag: str) -> list[Visit]:
    """A call that reached no queue; nothing, if nobody said that it came at all."""
    blocked = [fact.time for fact in ordered if fact.type == "blocked"]
    ended = [fact.time for fact in ordered if fact.type in {"ended", "abandoned"}]
    if not blocked and arrived_at is None and not flag:
        return []
    outcome = "blocked" if blocked else "ended_in_menu" if ended else "open"
    return [Visit("", outcome=outcome, arrived_at=arrived_at, ended_at=next(iter(blocked or ended), None))]
