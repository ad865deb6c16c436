"""Events in CloudEvents 1.0 envelopes count as the plain ones do; what is wrong with an envelope is said."""

import base64
import json
from typing import Any

import jsonschema
import msgspec
import pytest
from click.testing import CliRunner
from engine import Engine
from hypothesis import given
from hypothesis import strategies as st

from deploy.cli.main import cli
from streams.intake import Accepted, Rejection, read

AT = 1_795_312_721_000
EVENT = {"type": "queued", "time": AT, "call": "c1", "hotline": "h", "queue": "q", "source": "pbx-1"}


def envelope(data: Any = None, **attributes: Any) -> bytes:
    given_ = {
        "specversion": "1.0",
        "id": "e1",
        "source": "//pbx-1/acd",
        "type": "org.example.pbx.queued.v1",
        "data": data,
    }
    return msgspec.json.encode({name: value for name, value in (given_ | attributes).items() if value is not ...})


def accepted(value: bytes) -> Accepted:
    found = read(value, AT, 300_000, frozenset())
    assert isinstance(found, Accepted), found
    return found


def told(found: Accepted) -> dict[str, Any]:
    return msgspec.structs.asdict(found) | {"event": msgspec.structs.asdict(found.event)}


def rejected(value: bytes) -> Rejection:
    found = read(value, AT, 300_000, frozenset())
    assert isinstance(found, Rejection), found
    return found


def test_a_whole_event_as_data_is_that_event() -> None:
    plain = accepted(msgspec.json.encode(EVENT | {"id": "e1"}))
    assert told(accepted(envelope(EVENT))) == told(plain)
    packed = base64.b64encode(msgspec.json.encode(EVENT)).decode()
    assert told(accepted(envelope(..., data_base64=packed))) == told(plain)


def test_what_the_data_leaves_out_the_envelope_tells() -> None:
    found = accepted(envelope({"hotline": "h", "queue": "q"}, subject="c1", time="2026-11-22T09:58:41.500+08:00"))
    event = found.event
    assert (event.type, event.call, event.queue, event.id) == ("queued", "c1", "q", "e1")
    assert (event.source, found.time) == ("//pbx-1/acd", AT + 500)


def test_the_subject_of_an_agents_event_is_the_agent() -> None:
    found = accepted(
        envelope({"state": "available"}, type="org.example.agent_state", subject="4711", time="2026-11-22T02:00:00Z")
    )
    assert (found.event.type, found.event.agent, found.event.call) == ("agent_state", "4711", "")


def test_the_envelope_is_mended_and_its_extensions_are_named_as_in_a_plain_event() -> None:
    found = accepted(
        envelope(EVENT | {"queue": " q ", "colour": 1}, traceparent="00-1", datacontenttype="application/json")
    )
    assert found.event.queue == "q"
    assert found.repairs == ("whitespace",)
    assert set(found.unknown) == {"traceparent", "colour"}


@pytest.mark.parametrize(
    ("value", "reason", "field"),
    [
        (envelope(EVENT, specversion="0.3"), "schema", "specversion"),
        (envelope(EVENT, id=""), "schema", "id"),
        (envelope(EVENT, source=...), "schema", "source"),
        (envelope(EVENT, type=7), "schema", "type"),
        (envelope(EVENT, datacontenttype="application/xml"), "schema", "datacontenttype"),
        (envelope("words"), "schema", "data"),
        (envelope(..., data_base64="?"), "schema", "data_base64"),
        (envelope(..., data_base64="WzFd"), "schema", "data"),
        (envelope({"time": AT, "call": "c"}, type="org.example.vanished"), "schema", "type"),
        (envelope({"call": "c"}), "no_time", "time"),
        (envelope({"time": AT}), "no_call", "call"),
        (envelope(envelope(EVENT).decode()), "schema", "data"),
        (envelope(msgspec.json.decode(envelope(EVENT, type=...))), "no_time", "time"),
        (b'{"specversion":"1.0"', "not_json", ""),
    ],
)
def test_what_is_wrong_is_said(value: bytes, reason: str, field: str) -> None:
    found = rejected(value)
    assert (found.reason, found.field) == (reason, field)
    assert found.detail


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ({"type": "anwsered"}, "'anwsered' - at `$.type`; is answered meant?"),
        ({"flag": "fantom"}, "'fantom' - at `$.flag`; is phantom meant?"),
        ({"type": "asleep"}, "'asleep' - at `$.type`"),
        ({"type": "queue-13800138000"}, "'queue-***********' - at `$.type`"),
    ],
)
def test_a_name_written_wrong_is_refused_with_the_one_that_may_be_meant(wrong: dict[str, str], hint: str) -> None:
    told = read(json.dumps({"type": "queued", "time": 1, "call": "c", **wrong}).encode(), 1, 0, frozenset())
    assert isinstance(told, Rejection)
    assert told.detail == f"see `hotline schema`: Invalid enum value {hint}"


def test_a_plain_event_that_only_speaks_of_envelopes_is_plain() -> None:
    found = accepted(msgspec.json.encode(EVENT | {"text": 'what is "specversion"?', "colour": {"specversion": 1}}))
    assert found.unknown == ("colour",)


def test_a_call_told_in_envelopes_is_the_same_visit() -> None:
    events = [
        EVENT | {"type": kind, "time": AT + ms} for kind, ms in (("queued", 0), ("answered", 9_000), ("ended", 60_000))
    ]
    plain, wrapped = Engine(), Engine()
    plain.send(events, AT + 60_000)
    wrapped.send([envelope(event, id=str(n)) for n, event in enumerate(events)], AT + 60_000, key="c1")
    (one,), (other,) = plain.visits.values(), wrapped.visits.values()
    assert (
        (one.outcome, one.wait_ms, one.talk_ms)
        == (other.outcome, other.wait_ms, other.talk_ms)
        == ("answered", 9_000, 51_000)
    )


def test_the_schema_of_the_envelope_says_what_is_read() -> None:
    schema = json.loads(CliRunner().invoke(cli, ["schema", "calls-cloudevent"]).stdout)
    valid = jsonschema.Draft202012Validator(schema).is_valid
    for good in (envelope(EVENT), envelope({"queue": "q"}, subject="c1", time="2026-11-22T02:00:00Z")):
        assert valid(json.loads(good))
        accepted(good)
    for bad in (envelope(EVENT, id=""), envelope(EVENT, specversion="0.3"), envelope("words"), envelope({"queue": 7})):
        assert not valid(json.loads(bad))
        rejected(bad)


@pytest.mark.parametrize("deep", [b"[" * 60_000, b'{"a":' * 12_000, envelope(EVENT)[:-1] + b',"x":' + b"[" * 60_000])
def test_a_record_nested_deeper_than_can_be_read_is_rejected_and_stops_nothing(deep: bytes) -> None:
    assert rejected(deep).reason in {"schema", "not_json"}  # from Python 3.14 on it is read, to an end that is missing


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(
    st.sampled_from(["type", "time", "call", "id", "data", "specversion", "x"]) | st.text(), inner)), st.sampled_from(
    ["data", "type", "id", "source", "subject", "time", "datacontenttype", "data_base64", "specversion"]))  # fmt: skip
def test_whatever_stands_in_an_envelope_is_read_or_rejected(value: Any, attribute: str) -> None:
    assert isinstance(read(envelope(**{"data": EVENT, attribute: value}), AT, 1, frozenset()), Accepted | Rejection)
