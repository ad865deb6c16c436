"""The records of the state log: pure, without Kafka.

The state of an input partition is cut into shards. A shard has two slots, each a compaction key of its own; it is
written to the one that the last manifest does not name, so that what a manifest names stays until the next manifest
stands. After that, what only the last one named gets a tombstone. Keys:

    topic/partition                                 a signpost with the format (format 1: the whole state)
    topic/partition/epoch.owner/manifest            where the state stands and which shards it has
    topic/partition/epoch.owner/shard.slot/part     one shard, compressed

`epoch` counts the takings of the partition, and `owner` tells two apart that counted the same: nobody ever writes
over, or deletes, what a later owner's manifest names.
"""

from collections.abc import Mapping
from hashlib import blake2b
from importlib.metadata import version
from typing import NamedTuple
from zlib import crc32

import cramjam
import msgspec

FORMAT = 4
SHARD_BYTES = 512 * 1024
MANIFEST_BYTES = 900_000
SOFTWARE = version("hotline-monitor")

Place = tuple[str, int]
"""(input topic, partition)."""

Parts = Mapping[str, bytes]
Changes = Mapping[str, bytes | None]
"""Parts; None: as it was when it was written last."""

MANIFEST = "manifest"
"""A manifest's key after that of its taking (shards have a slash there)."""


class StateError(Exception):
    """A state that cannot be written or resumed from; the text says what to do."""


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """What the last applied record looked like: tells the log it was read from, from another of the same name."""

    timestamp: int
    crc: int

    @classmethod
    def of(cls, timestamp: int, value: bytes | None) -> "Mark":
        return cls(timestamp, crc32(value or b""))


class Stand(msgspec.Struct, frozen=True, kw_only=True):
    """Where a state stands: after `offset` (-1: nothing applied), at `clock` (ms).

    `read_to`: everything appended before this instant (ms) is in it. `cluster` and `mark` tell the input it was
    made from; `meaning` the settings its numbers depend on; `software` who wrote it.
    """

    offset: int
    clock: int
    cluster: str
    mark: Mark | None
    read_to: int = 0
    meaning: dict[str, str] = {}
    software: str = SOFTWARE


class State(NamedTuple):
    """The state of one input partition, as one owner left it."""

    place: Place
    epoch: int
    stand: Stand
    parts: dict[str, bytes]


class Shard(msgspec.Struct, frozen=True, array_like=True):
    """One shard as a manifest names it: its slot, and the digest of its bytes."""

    slot: int
    digest: bytes


Shards = dict[str, tuple[Shard, ...]]
"""part -> its shards in order."""


class Signpost(msgspec.Struct):
    """Stands at the key where format 1 kept its state, so that software which reads only that refuses to go on."""

    format: int
    software: str


class Manifest(msgspec.Struct, kw_only=True):
    format: int
    epoch: int
    stand: Stand
    shards: Shards


class FirstForm(msgspec.Struct, kw_only=True):
    """Format 1: the whole state in one record."""

    offset: int
    clock: int
    epoch: int
    cluster: str
    mark: Mark | None
    snapshot: bytes


class _Header(msgspec.Struct):
    format: int


_header = msgspec.msgpack.Decoder(_Header).decode
_manifest = msgspec.msgpack.Decoder(Manifest).decode
_first_form = msgspec.msgpack.Decoder(FirstForm).decode
encode = msgspec.msgpack.Encoder().encode


def compress(raw: bytes | memoryview) -> bytes:
    """The value of a shard's record."""
    return bytes(cramjam.zstd.compress(raw, level=3))


def digest(raw: bytes | memoryview) -> bytes:
    return blake2b(raw, digest_size=16).digest()


def decompress(record: bytes) -> bytes | None:
    """A shard's bytes; None if they are damaged."""
    try:
        return bytes(cramjam.zstd.decompress(record))
    except cramjam.DecompressionError:
        return None


def format_of(record: bytes) -> int:
    """Raises StateError for a format newer than ours, or for what is not ours."""
    try:
        number = _header(record).format
    except msgspec.DecodeError as error:
        raise _unreadable(error) from error
    if number > FORMAT:
        raise StateError(
            f"the state log was written by a newer Hotline (format {number}, this one reads up to {FORMAT}). "
            "Start the newer version again; nothing was changed"
        )
    return number


def manifest_of(record: bytes) -> Manifest:
    """Raises StateError as `format_of`."""
    format_of(record)
    try:
        return _manifest(record)
    except msgspec.DecodeError as error:
        raise _unreadable(error) from error


def first_form_of(record: bytes) -> FirstForm:
    """Raises StateError if the record cannot be read."""
    try:
        return _first_form(record)
    except msgspec.DecodeError as error:
        raise _unreadable(error) from error


def _unreadable(error: msgspec.DecodeError) -> StateError:
    return StateError(f"a record of the state log cannot be read ({error}): did something else write it?")


def signpost_key(place: Place) -> str:
    return f"{place[0]}/{place[1]}"


def place_of(key: bytes) -> Place | None:
    """The input partition that a record of the state log belongs to; None for what is not ours."""
    topic, _, rest = key.decode(errors="replace").partition("/")
    number = rest.partition("/")[0]
    return (topic, int(number)) if number.isdecimal() else None


def shard_tail(part: str, number: int, shard: Shard) -> str:
    """A shard's key after that of its taking."""
    return f"{number}.{shard.slot}/{part}"
