"""A snapshot in parts, each with the number of the update that changed it last.

So a screen that comes back with the id of the last update it saw gets exactly what changed since, and a
slow one skips what was overwritten meanwhile. Two levels: `tiles` and `sparks` change queue by queue.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import orjson

NESTED = ("tiles", "sparks")


class Message(NamedTuple):
    """One server-sent event: `name` is `snapshot` (everything) or `update` (what changed)."""

    name: str
    id: str
    data: bytes

    def encode(self) -> bytes:
        return b"event: %s\nid: %s\ndata: %s\n\n" % (self.name.encode(), self.id.encode(), self.data)


class _Part(NamedTuple):
    changed: int
    value: Any
    encoded: bytes


class Parts:
    """The latest snapshot. `boot` names this process, so that ids of an earlier one are known as such."""

    def __init__(self, boot: str) -> None:
        self._boot = boot
        self._number = 0
        self._parts: dict[tuple[str, ...], _Part] = {}
        self._made: dict[int, Message] = {}
        """From which update on -> the message, of the latest snapshot: screens side by side get the same one."""

    @property
    def id(self) -> str:
        return f"{self._boot}:{self._number}"

    def publish(self, snapshot: Mapping[str, Any]) -> bool:
        """Take over a snapshot; False if nothing changed."""
        new = dict(_flat(snapshot))
        changed = {path for path, value in new.items() if path not in self._parts or self._parts[path].value != value}
        gone = {path for path, part in self._parts.items() if path not in new and part.value is not None}
        if not changed and not gone:
            return False
        self._number += 1
        self._made.clear()
        for path in gone:
            self._parts[path] = _Part(self._number, None, b"null")
        for path in changed:
            self._parts[path] = _Part(self._number, new[path], orjson.dumps(new[path]))
        return True

    def since(self, last_id: str | None) -> Message | None:
        """What a screen that saw `last_id` misses; None: nothing. Unknown ids get everything."""
        boot, _, number = (last_id or "").rpartition(":")
        known = int(number) if boot == self._boot and number.isdecimal() and int(number) <= self._number else None
        if known == self._number:
            return None
        if known is None:
            return Message("snapshot", self.id, self._json(0))
        if known not in self._made:
            self._made[known] = Message("update", self.id, self._json(known))
        return self._made[known]

    def board(self) -> bytes:
        """The whole snapshot as JSON."""
        return self._json(0)

    def _json(self, after: int) -> bytes:
        top: dict[str, list[bytes]] = {} if after else {name: [] for name in NESTED}
        for path, part in self._parts.items():
            if part.changed > after:
                top.setdefault(path[0], []).append(
                    orjson.dumps(path[1]) + b":" + part.encoded if len(path) > 1 else part.encoded
                )
        fields = [
            orjson.dumps(name) + b":" + (b"{" + b",".join(values) + b"}" if name in NESTED else values[0])
            for name, values in top.items()
        ]
        return b"{" + b",".join(fields) + b"}"


def _flat(snapshot: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in snapshot.items():
        if name in NESTED:
            for inner, part in value.items():
                yield (name, inner), part
        else:
            yield (name,), value
