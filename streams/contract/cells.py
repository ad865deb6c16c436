"""What `hotline.cells` carries: merged base cells, gauges, forecasts and how far the engine is."""

from collections.abc import Mapping
from typing import Literal

import msgspec

MINUTE_MS = 60_000
"""The length of a cell."""

DIMENSIONS = (
    "centre",
    "queue",
    "language",
    "category",
    "district",
    "department",
    "channel",
    "ticket_type",
    "served",
    "origin",
    "direction",
    "priority",
    "skill",
    "source",
)
"""What a cell can be broken down by: columns of a cell, fields of an event."""

OTHER = "(other)"
"""Stands for all values of a dimension set beyond the most that are kept apart."""

COUNTERS: dict[str, str] = {
    "offered": "visits queued, by arrival",
    "answered": "visits answered, by arrival",
    "abandoned": "visits whose caller hung up while queued or ringing, by arrival",
    "flowed_out": "visits that left for another queue, by arrival",
    "callback_taken": "visits that asked to be called back, by arrival",
    "lost_track": "visits whose source never told the end of waiting, by arrival",
    "lost_track_talking": "answered visits whose source never told the end, by arrival",
    "lost_track_in_menu": "calls that reached no queue and whose end was never told, by arrival",
    "ended_in_menu": "calls that ended before any queue, by arrival",
    "blocked": "calls refused before any queue, by arrival",
    "phantom": "calls flagged as phantom, by arrival",
    "test": "calls flagged as test, by arrival",
    "nuisance": "calls flagged as nuisance, by arrival",
    "short_abandoned": "abandoned within the short threshold, by arrival",
    "short_answered": "answered visits whose talk stayed within the short threshold, by arrival",
    "held": "answered visits with hold longer than 0 ms, by arrival",
    "transferred_out": "answered visits that ended in a transfer, by arrival",
    "transferred_in": "visits that a transfer led to, by arrival",
    "flowed_in": "visits that a flow-out of another queue led to, by arrival",
    "callback_completed": "callbacks completed, in the minute of their completion",
    "rated": "ratings by value, in the minute of the rating",
    "calls_offered": "calls that reached a queue, in the minute of their first visit (set `hotline` only)",
    "calls_answered": "of those, answered in any visit",
    "calls_abandoned": "of those, never answered and abandoned in their last visit",
    "offered_by_outcome": "visits that got an outcome in this minute",
    "answered_by_outcome": "visits answered in this minute",
    "abandoned_by_outcome": "visits abandoned in this minute",
    "flowed_out_by_outcome": "visits that flowed out in this minute",
    "callback_taken_by_outcome": "callbacks taken in this minute",
    "lost_track_by_outcome": "visits that lost track while waiting in this minute",
    "wait_ms_sum": "sum of the waits of answered visits, ms, by arrival",
    "waited": "answered visits that waited longer than 0 ms, by arrival",
    "abandoned_wait_ms_sum": "sum of the waits of abandoned visits, ms, by arrival",
    "talk_ms_sum": "sum of talk time of answered visits, ms, by arrival",
    "talked": "answered visits with talk longer than 0 ms, by arrival",
    "hold_ms_sum": "sum of hold time of answered visits, ms, by arrival",
    "acw_ms_sum": "sum of after-call work of answered visits, ms, by arrival",
    "answered_wait": "answered visits by wait bucket (s), by arrival",
    "abandoned_wait": "abandoned visits by wait bucket (s), by arrival",
    "event_answered": "answered within threshold X (s), in the minute of the answer (event attribution)",
    "event_abandoned": "abandoned within threshold X (s), in the minute of hanging up",
    "event_left": "flowed out or callback taken within threshold X (s), in the minute of leaving",
    "event_expired": "still waiting when threshold X (s) passed, in the minute it passed",
    "agent_available_ms": "time agents were available, ms within the minute; in a queue: agents who serve it",
    "agent_ringing_ms": "time agents' phones rang, ms within the minute",
    "agent_on_call_ms": "time agents talked, ms within the minute",
    "agent_hold_ms": "time agents had their caller on hold, ms within the minute",
    "agent_after_call_ms": "time of agents' after-call work, ms within the minute",
    "agent_break_ms": "time agents were on a break, ms within the minute",
    "agent_ring_no_answer_ms": "time agents were set aside because they did not answer, ms within the minute",
    "agent_lost_track": "agents whose source told nothing more of them, in the minute they were given up",
    "ring_no_answer": "calls that an agent did not answer, in the minute it was told",
    "events": "records read, by event time (set `source` only)",
    "heartbeats": "of them, heartbeats (set `source` only)",
    "repeats": "of them, records that told nothing new; what a snapshot says is so still is none of them (set `source` only)",
}
"""Every counter of a cell and what it means. All are sums. A counter kept per bucket, threshold or value
is written `name.number`: `answered_wait.17`, `event_expired.15`, `rated.5`. Counters of agents stand in the sets
that are made of hotline, queue, centre and source alone."""
BY_NUMBER = (
    "answered_wait",
    "abandoned_wait",
    "event_answered",
    "event_abandoned",
    "event_left",
    "event_expired",
    "rated",
)
"""Counters kept per wait bucket, threshold or value, each as `name.number`."""

Counts = dict[str, int]


def add_counts(total: Counts, more: Mapping[str, int], sign: int = 1) -> None:
    """Add `more` (times `sign`) into `total` in place; a counter that becomes 0 is dropped."""
    known = total.get
    for name, number in more.items():
        value = known(name, 0) + sign * number
        if value:
            total[name] = value
        elif name in total:
            del total[name]


class Cell(msgspec.Struct, kw_only=True, omit_defaults=True, tag="cell", tag_field="kind"):
    """One key, one minute, merged over all partitions: absolute, replaces every lower version.

    `minute` is the start in epoch ms. `version` is the offset in `hotline.partials` it stands at.
    `final`: no event on time can change it any more (a late fact may still raise its version).
    `counts` is sparse: an absent counter is 0. `sources_heard` of `sources_expected`: how many of the sources that
    send heartbeats for this hotline were heard in this minute (0 of 0: none is expected).
    """

    feed: str
    generation: int = 0
    hotline: str
    dimension_set: str
    centre: str = ""
    queue: str = ""
    language: str = ""
    category: str = ""
    district: str = ""
    department: str = ""
    channel: str = ""
    ticket_type: str = ""
    served: str = ""
    origin: str = ""
    direction: str = ""
    priority: str = ""
    skill: str = ""
    source: str = ""
    minute: int
    final: bool = False
    sources_expected: int = 0
    sources_heard: int = 0
    version: int
    counts: Counts


class Gauge(msgspec.Struct, kw_only=True, omit_defaults=True, tag="gauge", tag_field="kind"):
    """What is so right now for one hotline (queue `""`) or one queue, as of `at` (lowest partition clock).

    `oldest_queued_at` is when the visit that waits longest was queued (None: nobody waits). `agents`: state -> agents
    now (logged-out ones left out); an agent with three skills counts in three queues and once in the hotline.
    `breaks`: of those on a break, reason -> agents.
    """

    feed: str
    hotline: str
    dimension_set: Literal["hotline", "queue"]
    queue: str = ""
    at: int
    version: int
    waiting: int = 0
    waiting_over_threshold: int = 0
    oldest_queued_at: int | None = None
    in_service: int = 0
    threshold_s: int
    agents: dict[str, int] = msgspec.field(default_factory=dict)
    breaks: dict[str, int] = msgspec.field(default_factory=dict)


class Forecast(msgspec.Struct, kw_only=True, omit_defaults=True, tag="forecast", tag_field="kind"):
    """Expected offered visits of one key for one local day, per step; `lower`/`upper`: 90 % range.

    `start` is the local midnight in epoch ms; lists have one number per `step_s` of that day.
    `days_learned` says how much history it rests on.
    """

    feed: str
    hotline: str
    dimension_set: Literal["hotline", "queue"]
    queue: str = ""
    start: int
    step_s: int
    expected: list[float]
    lower: list[float]
    upper: list[float]
    days_learned: float
    version: int


class FeedStatus(msgspec.Struct, kw_only=True, omit_defaults=True, tag="feed", tag_field="kind"):
    """One generation of a feed: running, or ended on every partition with all its cells before this record.

    `at`: how far it is by its own clock (ms): the lowest of its partitions, told anew as it goes on; at the end its last
    event, within the range.
    """

    feed: str
    generation: int
    state: Literal["running", "ended"]
    range_from: int | None = None
    range_to: int | None = None
    at: int
    version: int


class SourceStatus(msgspec.Struct, kw_only=True, omit_defaults=True, tag="source", tag_field="kind"):
    """What is known of one source of a feed, as of `at` (lowest partition clock); times in ms.

    `expected`: it sends heartbeats, so silence means that it is cut off; `hotline` is what its heartbeats name (empty:
    all). `last_at`: event time of the last record. `silent_since`: nothing was heard since then for longer than it
    may be (None: it is heard). `clock_offset_ms`: the least time between event and append in the last ten minutes;
    below 0 the source's clock runs ahead. `events`, `repeats`: records of the last ten minutes and how many of them
    told nothing new (a snapshot says what is so still: it is none of them); `doubled`: so many that the source seems to
    send everything twice.
    """

    feed: str
    source: str
    hotline: str = ""
    expected: bool = False
    last_at: int
    silent_since: int | None = None
    clock_offset_ms: int | None = None
    events: int = 0
    repeats: int = 0
    doubled: bool = False
    at: int
    version: int


class PartitionProgress(msgspec.Struct, kw_only=True):
    """How far one partition of `hotline.calls` is: offset included, and its clock (`live`) in ms."""

    partition: int
    offset: int
    clock: int


class Progress(msgspec.Struct, kw_only=True, tag="progress", tag_field="kind"):
    """How far the engine is and what it had to mend or refuse; absolute numbers since the beginning.

    `data_as_of` is the lowest partition clock (None until every partition has reported).
    `repaired`, `rejected`: kind -> source -> count. `misrouted`, `late`, `superseded`: by source (superseded: events of a
    lower generation than the feed's present one). `unknown_fields`: by name. `missing`: records that the input topic no
    longer had when they were to be read.
    """

    data_as_of: int | None
    partitions: list[PartitionProgress]
    repaired: dict[str, dict[str, int]]
    rejected: dict[str, dict[str, int]]
    misrouted: dict[str, int]
    late: dict[str, int]
    unknown_fields: dict[str, int]
    missing: int
    version: int
    superseded: dict[str, int] = msgspec.field(default_factory=dict)


def progress_to(data_as_of: int | None, version: int = 0) -> Progress:
    """The progress of an engine that is so far (ms) and had nothing to mend or refuse."""
    return Progress(
        data_as_of=data_as_of,
        partitions=[],
        repaired={},
        rejected={},
        misrouted={},
        late={},
        unknown_fields={},
        missing=0,
        version=version,
    )


CellsRecord = Cell | Gauge | Forecast | FeedStatus | SourceStatus | Progress
