"""A call is a join of its events: the facts told about it.

The same fact twice, or facts in another order, give the same call: each fact is kept once, attributes keep the
value with the latest event time. What a call's stays in queues were is a pure function of its facts: see `stays`.
"""

from bisect import bisect_left
from typing import NamedTuple

import msgspec

MAX_FACTS = 400

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
"""The types of a call's events, in the order that holds at one instant."""
KIND_OF = {name: kind for kind, name in enumerate(_TYPES)}
(
    ARRIVED,
    BLOCKED,
    QUEUED,
    ANSWERED,
    HELD,
    RESUMED,
    TRANSFERRED,
    FLOWED_OUT,
    CALLBACK_TAKEN,
    ABANDONED,
    ENDED,
    WRAPPED,
    CALLBACK_COMPLETED,
    RATED,
    RECLASSIFIED,
) = range(len(_TYPES))
FIRST_LATER = CALLBACK_COMPLETED
"""This kind and those after it are facts of their own: they may come days later, count in the minute of their own time
and open no visit."""
STAY_ATTRIBUTES = frozenset({"centre", "department", "skill"})
"""What belongs to a stay when its queue is named: kept as `name@queue`."""


class Fact(NamedTuple):
    """One distinct thing told about a call; facts sort by time, then kind (a place in `_TYPES`).

    `entry` 0 and `ms`/`hold_ms` -1: not stated; `rated` has its value in `ms`.
    """

    time: int
    kind: int
    queue: str = ""
    entry: int = 0
    ms: int = -1
    hold_ms: int = -1
    agent: str = ""

    @property
    def type(self) -> str:
        """The type of the event that told it."""
        return _TYPES[self.kind]


class Call(msgspec.Struct):
    """What is remembered of a call: facts in order, attributes (name -> (event time, value)) and its flag.

    Attributes that belong to a stay rather than to the call are named `name@queue`. `last_at`: event time
    of the latest fact, ms. `gone_at`: its source told all its open calls at that time (ms) without this one (0: never).
    """

    hotline: str
    facts: list[Fact] = msgspec.field(default_factory=list)
    attributes: dict[str, tuple[int, str]] = msgspec.field(default_factory=dict)
    flag: str = ""
    last_at: int = 0
    gone_at: int = 0

    def tell(self, fact: Fact) -> bool:
        """Take in a fact; whether it was new."""
        facts = self.facts
        if not facts or fact > facts[-1]:
            facts.append(fact)
        else:
            at = bisect_left(facts, fact)
            if facts[at] == fact:
                return False
            facts.insert(at, fact)
        self.last_at = max(self.last_at, fact.time)
        return True

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

    @property
    def has_later(self) -> bool:
        """Whether it has a rating, re-classification or completed callback."""
        return any(fact.kind >= FIRST_LATER for fact in self.facts)
