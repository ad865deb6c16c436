"""Values that no hotline means: refused with what to write, or counted; they never end a process that would read them again."""

import json
from typing import Any

import msgspec
import pytest
from engine import Engine

from streams.contract.events import EARLIEST_MS, LATEST_MS, CallEvent

T = 1_700_000_000_000 - 1_700_000_000_000 % 60_000
S = 1_000
NUMBERS = {"time", "v", "entry", "generation", "rating", "range_from", "range_to"}
DURATIONS = {"wait_ms", "talk_ms", "hold_ms", "acw_ms"}
FAR = (-1, -(2**63), -(2**63) - 1, -(10**25), 2**53, 2**63 - 1, 2**63, 2**64, 10**25, 10**400)
KINDS = {"rating": "rated", "range_from": "feed_begin", "range_to": "feed_begin"}


def ev(second: float, kind: str, **fields: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "time": T + round(second * S),
        "hotline": "h",
        "call": "c1",
        "source": "pbx-1",
        "queue": "q",
    } | fields


def told(*events: dict[str, Any]) -> Engine:
    """An engine that has read them, told what follows, and started again from its state."""
    engine = Engine()
    for event in events:
        engine.send([json.dumps(event).encode()], T + 400 * S, key="c1")  # escapes, for lone surrogates are no UTF-8
    engine.tick(T + 401 * S)
    engine.restart()
    engine.tick(T + 600 * S)
    return engine


def test_all_numbers_of_an_event_are_tried() -> None:
    types = {field.name: str(field.type) for field in msgspec.structs.fields(CallEvent)}
    assert {name for name, kind in types.items() if "int" in kind.replace("hint", "")} == NUMBERS | DURATIONS


@pytest.mark.parametrize("feed", ["live", "replay-1"])
@pytest.mark.parametrize("number", FAR)
@pytest.mark.parametrize("name", sorted(NUMBERS | DURATIONS))
def test_a_number_far_away_is_refused_or_counted_and_the_next_event_too(name: str, number: int, feed: str) -> None:
    odd = ev(300, KINDS.get(name, "queued"), call="c2", feed=feed) | {name: number}
    engine = told(ev(0, "queued"), ev(5, "answered"), odd, ev(60, "ended"))
    assert engine.total()["answered"] == 1
    assert engine.total()["talked"] == 1
    refused = {letter.field for letter in engine.letters.values()}
    assert refused <= {name}
    in_place = {"v": FAR, "generation": (2**53,), **dict.fromkeys(DURATIONS, (-1,))}  # a little below 0 is mended
    assert bool(refused) == (number not in in_place.get(name, ()))


@pytest.mark.parametrize("kind", ["queued", "agent_state", "heartbeat", "snapshot", "feed_begin", "reclassified"])
@pytest.mark.parametrize("name", sorted(set(CallEvent.__struct_fields__) - NUMBERS - DURATIONS))
def test_odd_text_is_refused_or_counted_and_the_next_event_too(name: str, kind: str) -> None:
    for value in ("", "  ", "\0", "\ud800", "a/b@c//", "(other)", "\U0001f600" * 128, None, True, 1.5, [""], {}):
        odd = ev(300, kind, call="c2", agent="ann", state="available") | {name: value}
        engine = told(ev(0, "queued"), ev(5, "answered"), odd, ev(60, "ended"))
        assert engine.total()["talked"] == 1


@pytest.mark.parametrize("feed", ["", "  "])
def test_a_feed_that_is_empty_is_not_told(feed: str) -> None:
    engine = told(*(ev(second, kind, feed=feed) for second, kind in ((0, "queued"), (5, "answered"), (60, "ended"))))
    assert engine.total(feed="live")["answered"] == 1


@pytest.mark.parametrize(("rating", "counted"), [(0, True), (100, True), (101, False), (-1, False)])
def test_a_rating_is_a_number_up_to_a_hundred(rating: int, *, counted: bool) -> None:
    engine = told(ev(0, "queued"), ev(5, "answered"), ev(60, "ended"), ev(70, "rated", rating=rating))
    assert (engine.total().get(f"rated.{rating}") == 1) == counted
    assert {(letter.reason, letter.field) for letter in engine.letters.values()} == (
        set() if counted else {("schema", "rating")}
    )


@pytest.mark.parametrize(
    ("time", "counted"),
    [
        (T, True),
        (EARLIEST_MS, True),
        (LATEST_MS - 1, True),
        (LATEST_MS, False),
        (0, False),
        (-1, False),
        (T * 1_000, False),
        (T * 1_000_000, False),
        ("1969-12-31T23:59:59Z", False),
        ("2100-01-01T00:00:00Z", False),
        ("0001-01-01T00:00:00+14:00", False),
        ("9999-12-31T23:59:59-14:00", False),
    ],
)
def test_an_instant_in_another_unit_or_century_is_refused_with_what_to_write(time: int | str, *, counted: bool) -> None:
    engine = told(ev(0, "queued", feed="replay-1", time=time))
    reasons = [(letter.reason, letter.field, letter.detail) for letter in engine.letters.values()]
    if counted:
        assert reasons == []
    else:
        said = "write epoch milliseconds or RFC 3339 with an offset: it lies outside of 1970 to 2099"
        assert reasons == [("no_time", "time", said)]


def test_an_instant_in_seconds_is_late_for_live_and_told_what_to_write() -> None:
    engine = told(ev(0, "queued", time=T // 1_000), ev(0, "queued", time=T - 86_400 * S))
    assert [(letter.reason, letter.field, letter.detail) for letter in engine.letters.values()] == [
        (
            "late",
            "time",
            "write epoch milliseconds or RFC 3339 with an offset: it is of about 1970, as seconds would be",
        ),
        ("late", "time", ""),
    ]
