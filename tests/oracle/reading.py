"""From a record of `hotline.calls` to what it tells, or the reason why it is refused: with the standard library's
JSON and nothing of the engine's."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, get_args

import msgspec

from streams.contract.events import MAX_EVENT_BYTES, AgentState, CallEvent

NAMES = ("call", "queue", "hotline", "source", "agent", "caller", "feed", "category", "district", "language")
DURATIONS = ("wait_ms", "talk_ms", "hold_ms", "acw_ms")
OF_A_SOURCE = {"heartbeat", "snapshot_begin", "snapshot", "snapshot_end"}
OF_NO_CALL = OF_A_SOURCE | {"agent_state", "feed_begin", "feed_end"}
AGENT_STATES = set(get_args(AgentState))
CLOCK_SKEW_MS, HALF_DAY_MS = 5_000, 12 * 3_600_000


class Input(NamedTuple):
    """One record of the input topic; `appended`: the broker's time in ms."""

    partition: int
    offset: int
    appended: int
    value: bytes | None


@dataclass
class Told:
    """An event that was read: `time` in ms, what was mended in it, kept unknown fields."""

    event: CallEvent
    time: int
    mended: set[str]
    extra: dict[str, str]


@dataclass(frozen=True)
class Refused:
    """Why a record is no event."""

    reason: str
    source: str = ""


def span(ms: int) -> tuple[int, str]:
    """A duration as it counts, and what was mended: never below 0; below -12 h it passed midnight."""
    if ms >= 0:
        return ms, ""
    if ms < -HALF_DAY_MS:
        return max(0, ms + 2 * HALF_DAY_MS), "midnight"
    return 0, "clock_skew" if ms >= -CLOCK_SKEW_MS else "order"


def instant(time: int | str) -> int | None:
    """Epoch ms; None for text that is no instant with an offset."""
    if isinstance(time, int):
        return time
    try:
        at = datetime.fromisoformat(time.strip())
    except ValueError:
        return None
    return None if at.tzinfo is None else round(at.timestamp() * 1000)


def read(record: Input, future_ms: int, keep: frozenset[str] = frozenset()) -> Told | Refused:
    """What a record tells. `future_ms`: an event of `live` further ahead of its append time is refused."""
    fields, reason = _fields(record.value or b"")
    source = fields.get("source", "")
    source = source if isinstance(source, str) else ""
    if reason:
        return Refused(reason, source)
    event = msgspec.convert(fields, CallEvent)
    mended = _mend(event)
    time = instant(event.time)
    lacking = _lacking(event)
    if lacking or time is None:
        return Refused(lacking or "no_time", source)
    if event.feed == "live" and time > record.appended + future_ms:
        return Refused("future", source)
    return Told(event, time, mended, {name: str(fields[name]) for name in fields if name in keep})


def _fields(value: bytes) -> tuple[dict[str, Any], str]:
    """The JSON object that a record is, and why it is no event (empty: it is one)."""
    fields: object = {}
    try:
        fields = json.loads(value.decode())
    except UnicodeDecodeError:
        reason = "encoding"
    except ValueError:
        reason = "not_json"
    else:
        reason = _reason(fields)
    return fields if isinstance(fields, dict) else {}, "too_large" if len(value) > MAX_EVENT_BYTES else reason


def _lacking(event: CallEvent) -> str:
    """Why an event cannot be told to belong anywhere; empty: it can."""
    if not event.call and event.type not in OF_NO_CALL:
        return "no_call"
    if event.type in OF_A_SOURCE and not event.source:
        return "schema"
    of_agent = event.type == "agent_state" or (event.type == "snapshot" and not event.call)
    return "schema" if of_agent and not (event.agent and event.state in AGENT_STATES) else ""


def _reason(fields: object) -> str:
    """Why these fields are no event; empty: they are one."""
    if isinstance(fields, dict) and "type" not in fields:
        return "no_type"
    if isinstance(fields, dict) and not isinstance(fields.get("time"), int | str):
        return "no_time"
    try:
        msgspec.convert(fields, CallEvent)
    except msgspec.ValidationError:
        return "schema"
    return ""


def _mend(event: CallEvent) -> set[str]:
    """Take white space off names and let no stated duration be negative (in place); what was mended."""
    mended = set()
    for name in NAMES:
        text = getattr(event, name)
        if text != text.strip():
            setattr(event, name, text.strip())
            mended.add("whitespace")
    for name in DURATIONS:
        ms = getattr(event, name)
        if ms is not None and ms < 0:
            ms, kind = span(ms)
            setattr(event, name, ms)
            mended.add(kind)
    return mended
