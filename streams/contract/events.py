"""What a producer sends to `hotline.calls`: one JSON object per event."""

from typing import Annotated, Literal, get_args

import msgspec

EventType = Literal[
    "arrived",
    "queued",
    "answered",
    "abandoned",
    "flowed_out",
    "transferred",
    "callback_taken",
    "callback_completed",
    "blocked",
    "held",
    "resumed",
    "ended",
    "wrapped",
    "rated",
    "reclassified",
    "agent_state",
    "heartbeat",
    "snapshot_begin",
    "snapshot",
    "snapshot_end",
    "feed_begin",
    "feed_end",
]

Flag = Literal["phantom", "test", "nuisance"]
FLAGS: frozenset[Flag] = frozenset(get_args(Flag))
"""A call that is flagged is no visit, whatever else is told of it."""

AgentState = Literal["logged_out", "available", "ringing", "on_call", "hold", "after_call", "break", "ring_no_answer"]
LONGEST_NAME, LONGEST_PLACE, LONGEST_TEXT = 256, 4_096, 32_768
"""Characters of an id or name, of a subject or place, and of a text."""
LONGEST_MS = 7 * 86_400_000
"""Longest duration that an event may state."""
Name = Annotated[str, msgspec.Meta(max_length=LONGEST_NAME)]
Duration = Annotated[
    int,
    msgspec.Meta(ge=-86_400_000, le=LONGEST_MS, description="milliseconds; below 0 is repaired to 0 and counted"),
]
Time = Annotated[
    int | str,
    msgspec.Meta(description="epoch milliseconds, or RFC 3339 text with an offset: 2026-11-22T10:41:30.250+08:00"),
]

EARLIEST_MS = 86_400_000
"""The second day of 1970: ClickHouse has no `Date` for the evening before the first, and 0 is no time."""
LATEST_MS = 4_102_444_800_000
"""The year 2100: an instant told in microseconds lies beyond, and so do days that ClickHouse has no `Date` for."""
IN_SECONDS_BEFORE_MS = 100_000_000_000
"""Before it (March 1973) no call was; read as seconds it is in the year 5138."""
Instant = Annotated[int, msgspec.Meta(ge=0, le=LATEST_MS)]
Rating = Annotated[int, msgspec.Meta(ge=0, le=100)]
MAX_EVENT_BYTES = 64 * 1024
LIVE = "live"
"""The feed of what happens now; every other feed (a replay, a simulation) has a name and a clock of its own."""


class CallEvent(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One thing that happened to a call (or an agent, a source, a feed).

    The record key is `call` (the agent's id for `agent_state`, the source for `heartbeat`). An event
    may state the duration that it ends: `wait_ms` on answered, abandoned, flowed_out and
    callback_taken; `talk_ms` and `hold_ms` on ended; `acw_ms` on wrapped. A stated duration is the
    measure; differences of times are used only where none is stated. `entry` says which
    stay of the call in this queue it is about (1: the first), where the source knows; else that follows from the
    times. `generation`: which replay of `feed` it belongs to; a higher one replaces a lower one.
    """

    type: EventType
    time: Time
    call: Name = ""
    v: int = 1
    id: Name = ""
    hotline: Name = ""
    entry: Annotated[int, msgspec.Meta(ge=1, le=10_000)] | None = None
    queue: Name = ""
    caller: Name = ""
    agent: Name = ""
    source: Name = ""
    feed: Name = LIVE
    generation: Annotated[int, msgspec.Meta(ge=0, le=2**53)] = 0
    centre: Name = ""
    department: Name = ""
    category: Name = ""
    district: Name = ""
    ticket_type: Name = ""
    served: Name = ""
    language: Name = ""
    channel: Name = ""
    origin: Name = ""
    direction: Name = ""
    priority: Name = ""
    skill: Name = ""
    subject: Annotated[str, msgspec.Meta(max_length=LONGEST_PLACE)] = ""
    place: Annotated[str, msgspec.Meta(max_length=LONGEST_PLACE)] = ""
    text: Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)] = ""
    flag: Flag | None = None
    wait_ms: Duration | None = None
    talk_ms: Duration | None = None
    hold_ms: Duration | None = None
    acw_ms: Duration | None = None
    rating: Rating | None = None
    state: Annotated[Name, msgspec.Meta(description="agent_state, snapshot: one of the agent states")] = ""
    reason: Annotated[Name, msgspec.Meta(description="agent_state: why the agent is on a break")] = ""
    skills: (
        Annotated[list[Name], msgspec.Meta(max_length=64, description="agent_state: the queues served from now on")]
        | None
    ) = None
    range_from: (
        Annotated[Instant, msgspec.Meta(description="feed_begin: first millisecond the feed declares")] | None
    ) = None
    range_to: (
        Annotated[Instant, msgspec.Meta(description="feed_begin: millisecond after the last the feed declares")] | None
    ) = None
