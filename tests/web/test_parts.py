"""The stream's bookkeeping: a screen that comes back gets what it missed, never less."""

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from sinks.web.parts import NESTED, Parts

values = st.integers(0, 3)
snapshots = st.fixed_dictionaries(
    {
        "head": values,
        "order": st.lists(values, max_size=3),
        **{n: st.dictionaries(st.sampled_from("abc"), values) for n in NESTED},
    }
)


def merge(board: dict[str, Any], update: dict[str, Any]) -> dict[str, Any]:
    """What the page does with an update (`merge` in stream.js)."""
    merged = board | update
    for name in NESTED:
        both = board.get(name, {}) | update.get(name, {})
        merged[name] = {queue: value for queue, value in both.items() if value is not None}
    return merged


@given(st.lists(snapshots, min_size=1, max_size=8), st.data())
def test_updates_since_any_id_lead_to_the_latest_snapshot(shots: list[dict], data: st.DataObject) -> None:
    parts, seen = Parts("boot"), []
    for shot in shots:
        parts.publish(shot)
        seen.append((parts.id, shot))
    known_id, known = data.draw(st.sampled_from(seen))
    message = parts.since(known_id)
    if message is None:
        assert known == shots[-1]
    else:
        assert message.name == "update"
        assert merge(known, orjson.loads(message.data)) == shots[-1]


def test_a_stranger_gets_everything() -> None:
    parts = Parts("new")
    parts.publish({"head": 1, "tiles": {"a": 1}, "sparks": {}})
    for stranger in (None, "", "old:1", "new:99", "new:x", "new:²"):
        message = parts.since(stranger)
        assert message is not None
        assert message.name == "snapshot"
        assert orjson.loads(message.data) == {"head": 1, "tiles": {"a": 1}, "sparks": {}}


def test_nothing_new_is_no_update() -> None:
    parts = Parts("boot")
    assert parts.publish({"head": 1, "tiles": {"a": 1}})
    assert not parts.publish({"head": 1, "tiles": {"a": 1}})
    assert parts.publish({"head": 1, "tiles": {}})
    assert not parts.publish({"head": 1, "tiles": {}})
    assert parts.since(parts.id) is None


def test_an_event_is_three_lines_whatever_is_in_it() -> None:
    parts = Parts("boot")
    parts.publish({"head": "line\nline\r\ndata: x"})
    message = parts.since(None)
    assert message is not None
    assert message.encode().count(b"\n") == 4
