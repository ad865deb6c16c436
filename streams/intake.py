"""From a record's bytes to an event that counts: validate, repair, or reject with the reason.

A record is rejected only when its call, type or time cannot be read, when it lies in the future or is
too large, or when it breaks the schema; everything unambiguous is repaired and named.
"""

import re
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple, get_args

import msgspec

from deploy.runtime.yaml_text import meant
from streams.cloudevents import EnvelopeError, unwrap
from streams.contract.dead_letters import RejectionKind, RepairKind
from streams.contract.events import (
    EARLIEST_MS,
    IN_SECONDS_BEFORE_MS,
    LATEST_MS,
    LIVE,
    MAX_EVENT_BYTES,
    AgentState,
    CallEvent,
    EventType,
    Flag,
)
from streams.privacy import mask_preview, mask_text
from streams.stays import mend_span

NOT_OF_A_CALL = frozenset(
    {"agent_state", "heartbeat", "snapshot_begin", "snapshot", "snapshot_end", "feed_begin", "feed_end"}
)
_OF_A_SOURCE = frozenset({"heartbeat", "snapshot_begin", "snapshot", "snapshot_end"})
_STATES = frozenset(get_args(AgentState))
_WITH_ID = ("call", "queue", "hotline", "source", "agent", "caller", "feed", "category", "district", "language")
_DURATIONS = ("wait_ms", "talk_ms", "hold_ms", "acw_ms")
_WRITE_TIME = "write epoch milliseconds or RFC 3339 with an offset"
_IN_ERROR = re.compile(r"`\$\.?([^`]*)`")
_WRONG_NAME = re.compile(r"Invalid enum value '(.{1,64})' - at")
_NAMES = {"type": get_args(EventType), "flag": get_args(Flag)}
_MISSING = re.compile(r"missing required field `(\w+)`")


class _Strict(CallEvent, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """The event as it should be: the quick way in. What it refuses is read again, more carefully."""


class Rejection(msgspec.Struct):
    """Why a record is no event: reason, the field at fault, and what to do (digits masked)."""

    reason: RejectionKind
    field: str = ""
    detail: str = ""
    preview: str = ""
    source: str = ""


class Accepted(msgspec.Struct):
    """An event that can be counted: `time` in ms, what was mended, unknown fields (kept ones with value)."""

    event: CallEvent
    time: int
    repairs: tuple[RepairKind, ...] = ()
    unknown: tuple[str, ...] = ()
    extra: dict[str, str] = msgspec.field(default_factory=dict)


_strict = msgspec.json.Decoder(_Strict)
_lenient = msgspec.json.Decoder(CallEvent)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_any = msgspec.json.Decoder()
_KNOWN = frozenset(CallEvent.__struct_fields__)


def _rejection(value: bytes, reason: RejectionKind, field: str, advice: str, error: str = "") -> Rejection:
    source = ""
    try:
        raw = _any.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raw = None
    if isinstance(raw, dict) and isinstance(raw.get("source"), str):
        source = raw["source"][:256]
    return Rejection(
        reason=reason,
        field=mask_preview(field),
        detail=f"{advice}: {mask_preview(error)}" if error else advice,
        preview=mask_preview(value[: 4 * MAX_EVENT_BYTES].decode("utf-8", "replace")),
        source=mask_text(source),
    )


def _unreadable(value: bytes, error: msgspec.DecodeError) -> Rejection:
    """The reason for which a value is no event, from the decoder's error."""
    text = str(error)
    if not isinstance(error, msgspec.ValidationError):
        return _rejection(value, "not_json", "", "send one JSON object in UTF-8", text)
    missing = _MISSING.search(text)
    if missing and missing.group(1) == "type":
        return _rejection(value, "no_type", "type", "say what happened: `type` is missing")
    if missing and missing.group(1) == "time":
        return _rejection(value, "no_time", "time", "say when it happened: `time` is missing")
    where = _IN_ERROR.search(text)
    field = where.group(1) if where else ""
    if field == "time":
        return _rejection(value, "no_time", field, _WRITE_TIME, text)
    wrong = _WRONG_NAME.match(text)
    hint = _meant(field, wrong.group(1)) if wrong and field in _NAMES else ""
    return _rejection(value, "schema", field, "see `hotline schema`", text + hint)


@lru_cache(maxsize=256)  # whoever writes a name wrong does so in every record
def _meant(field: str, name: str) -> str:
    return meant(name, _NAMES[field])


def _time(time: int | str) -> int | str:
    """Epoch ms of an event's time; if it is none (no date, no offset, out of range), a text that says what to write."""
    if isinstance(time, str):
        try:
            at = datetime.fromisoformat(time.strip())
        except ValueError:
            return _WRITE_TIME
        if at.tzinfo is None:
            return _WRITE_TIME
        time = round(at.timestamp() * 1000)
    return time if EARLIEST_MS <= time < LATEST_MS else f"{_WRITE_TIME}: it lies outside of 1970 to 2099"


def advice_on_seconds(time: int) -> str:
    """What to do about an event's time (ms) that seems to be seconds by mistake; empty if it does not."""
    return f"{_WRITE_TIME}: it is of about 1970, as seconds would be" if time < IN_SECONDS_BEFORE_MS else ""


def _text_of(raw: msgspec.Raw) -> str:
    value = _any.decode(raw)
    return mask_text(value if isinstance(value, str) else msgspec.json.encode(value).decode())


def _may_need_trim(value: bytes) -> bool:
    """False only if no string in the value can begin or end with white space: none of the bytes that takes is there."""
    if b" " not in value and b"\\" not in value and value.isascii():
        return False  # most values, in a fifth of the time
    return (
        b'" ' in value
        or b' "' in value
        or b"\\" in value
        or b"\xc2" in value
        or b"\xe2\x80" in value
        or b"\xe3\x80\x80" in value
    )


def _trim(event: CallEvent) -> bool:
    """Take surrounding white space off ids and names (in place); whether there was any."""
    trimmed = False
    for name in _WITH_ID:
        text: str = getattr(event, name)
        if text and (text[0].isspace() or text[-1].isspace()):
            setattr(event, name, text.strip())
            trimmed = True
    return trimmed


def _repair(value: bytes, event: CallEvent) -> tuple[RepairKind, ...]:
    """Mend what is unambiguous (in place) and mask text; what was mended."""
    repairs: list[RepairKind] = []
    if _may_need_trim(value) and _trim(event):
        repairs.append("whitespace")
    if b":-" in value or b": -" in value:
        for name in _DURATIONS:
            ms: int | None = getattr(event, name)
            if ms is not None and ms < 0:
                setattr(event, name, mend_span(ms, repairs))
    if event.text or event.subject or event.place:
        event.text, event.subject, event.place = map(mask_text, (event.text, event.subject, event.place))
    return tuple(dict.fromkeys(repairs)) if repairs else ()


def _incomplete(value: bytes, event: CallEvent) -> Rejection | None:
    """What an event of its type lacks, if anything."""
    kind = event.type
    if kind not in NOT_OF_A_CALL:
        if event.call:
            return None
        return _rejection(value, "no_call", "call", f"an event `{kind}` names its call in `call`")
    if kind in _OF_A_SOURCE and not event.source:
        return _rejection(value, "schema", "source", f"an event `{kind}` names its source in `source`")
    of_agent = kind == "agent_state" or (kind == "snapshot" and not event.call)
    if of_agent and not event.agent:
        return _rejection(value, "schema", "agent", f"an event `{kind}` names its agent in `agent`")
    if of_agent and event.state not in _STATES:
        return _rejection(value, "schema", "state", f"a state is one of {', '.join(sorted(_STATES))}")
    return None


class _Again(NamedTuple):
    event: CallEvent
    unknown: tuple[str, ...]
    extra: dict[str, str]
    value: bytes


def _read_again(value: bytes, keep_fields: frozenset[str]) -> _Again | Rejection:
    """The event in a value that is not exactly as it should be: in an envelope, or with fields of its own."""
    try:
        plain = unwrap(value) or value
        event = _lenient.decode(plain)
        fields = _fields.decode(plain)
        unknown = tuple(mask_preview(name) for name in fields if name not in _KNOWN)
        extra = {name: _text_of(fields[name]) for name in fields if name in keep_fields and name not in _KNOWN}
    except EnvelopeError as error:
        return _rejection(value, "schema", error.attribute, str(error))
    except UnicodeDecodeError as error:
        return _rejection(value, "encoding", "", "send UTF-8", error.reason)
    except RecursionError:
        return _too_deep(value)
    except msgspec.DecodeError as error:
        return _unreadable(value, error)
    return _Again(event, unknown, extra, plain)


def _too_deep(value: bytes) -> Rejection:
    return _rejection(value, "schema", "", "nested too deep to be read: an event is one flat JSON object")


def read(  # noqa: PLR0911 - one return per reason
    value: bytes | None, append_time: int, future_ms: int, keep_fields: frozenset[str]
) -> Accepted | Rejection:
    """The event in a record's value, or why there is none.

    `append_time`: the broker's time of the record in ms; events of `live` more than `future_ms` ahead
    of it are refused. `keep_fields`: unknown fields that are kept (masked); others are only named.
    """
    if not value:
        return Rejection(reason="not_json", detail="the record has no value: send one JSON object")
    if len(value) > MAX_EVENT_BYTES:
        return _rejection(value, "too_large", "", f"{len(value)} bytes: an event has at most {MAX_EVENT_BYTES}")
    unknown: tuple[str, ...] = ()
    extra: dict[str, str] = {}
    event: CallEvent
    try:
        event = _strict.decode(value)
    except UnicodeDecodeError as error:
        return _rejection(value, "encoding", "", "send UTF-8", error.reason)
    except RecursionError:
        return _too_deep(value)
    except msgspec.DecodeError:
        again = _read_again(value, keep_fields)
        if isinstance(again, Rejection):
            return again
        event, unknown, extra, value = again
    repairs = _repair(value, event)
    event.feed = event.feed or LIVE  # what is empty is not told
    incomplete = _incomplete(value, event)
    if incomplete is not None:
        return incomplete
    time = _time(event.time)
    if isinstance(time, str):
        return _rejection(value, "no_time", "time", time)
    if event.feed == LIVE and time > append_time + future_ms:
        ahead = (time - append_time) // 1000
        return _rejection(value, "future", "time", f"{ahead} s ahead of the broker's clock: set the source's clock")
    return Accepted(event=event, time=time, repairs=repairs, unknown=unknown, extra=extra)
