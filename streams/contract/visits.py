"""What `hotline.visits` carries: one stay of a call in a queue, absolute and versioned."""

from typing import Literal

import msgspec

Outcome = Literal[
    "answered",
    "abandoned",
    "flowed_out",
    "callback_taken",
    "ended_in_menu",
    "blocked",
    "phantom",
    "test",
    "nuisance",
    "lost_track",
    "open",
]


class Visit(msgspec.Struct, kw_only=True, omit_defaults=True, tag="visit", tag_field="kind"):
    """One stay in one queue (queue `""`: the call never reached one).

    `version` is (input offset included, partition clock in ms): of two records for one visit the
    higher one holds. `lost_track` as an outcome means lost while waiting; a visit lost while talking
    stays `answered` with `lost_talking` set. `retracted`: later events showed that there was no such visit (a
    call that seemed to end in the menu had been queued): views leave it out. `transferred`: it ended in a transfer.
    `repairs` lists what was mended (`RepairKind`). `entry`: 1 for the call's first stay in this queue, 2 for the next.
    """

    feed: str
    generation: int = 0
    hotline: str
    visit: str
    call: str
    queue: str = ""
    entry: int = 1
    source: str = ""
    caller: str = ""
    agent: str = ""
    centre: str = ""
    department: str = ""
    category: str = ""
    district: str = ""
    ticket_type: str = ""
    served: str = ""
    language: str = ""
    channel: str = ""
    origin: str = ""
    direction: str = ""
    priority: str = ""
    skill: str = ""
    subject: str = ""
    place: str = ""
    text: str = ""
    extra: dict[str, str] = msgspec.field(default_factory=dict)
    arrived_at: int | None = None
    queued_at: int | None = None
    answered_at: int | None = None
    ended_at: int | None = None
    wrapped_at: int | None = None
    outcome: Outcome
    lost_talking: bool = False
    wait_ms: int | None = None
    talk_ms: int | None = None
    hold_ms: int | None = None
    acw_ms: int | None = None
    transferred: bool = False
    rating: int | None = None
    rated_at: int | None = None
    callback_completed_at: int | None = None
    repairs: tuple[str, ...] = ()
    retracted: bool = False
    version: tuple[int, int]


class CallFact(msgspec.Struct, kw_only=True, omit_defaults=True, tag="fact", tag_field="kind"):
    """A rating, re-classification or completed callback of a call that was no longer remembered when it came.

    One of a remembered call stands in its visits instead. `at` is its own time (ms); `version` and `retracted` as
    for a visit; the key is (feed, generation, call, type, at).
    """

    feed: str
    generation: int = 0
    hotline: str = ""
    call: str
    type: Literal["rated", "reclassified", "callback_completed"]
    at: int
    queue: str = ""
    source: str = ""
    rating: int | None = None
    category: str = ""
    retracted: bool = False
    version: tuple[int, int]


class VisitMark(msgspec.Struct, kw_only=True, omit_defaults=True, tag="mark", tag_field="kind"):
    """Everything that calls partition `source_partition` had to say of a feed stands before this record.

    Written to every partition of the topic when the feed ends there; when all `of` marks of a
    generation are stored, its visits are queryable.
    """

    feed: str
    generation: int
    source_partition: int
    partition: int
    of: int
    version: tuple[int, int]


VisitsRecord = Visit | CallFact | VisitMark
