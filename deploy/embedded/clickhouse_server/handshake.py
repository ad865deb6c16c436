"""The one answer that the Go driver wants in the block form of its own protocol revision.

It sends `client_protocol_version` and first asks for name, version, revision and time zone. The engine
writes blocks of revision 0; so this answer is built by hand in the newer form and says `revision() = 0`,
after which the driver reads every block as revision 0.
"""

import re

_QUESTION = re.compile(
    rb"^\s*SELECT\s+displayName\(\)\s*,\s*version\(\)\s*,\s*revision\(\)\s*,\s*timezone\(\)\s*;?\s*$", re.IGNORECASE
)
_BLOCK_INFO = b"\x01\x00\x02\xff\xff\xff\xff\x00"
_FIRST_WITH_SERIALIZATION_BYTE = 54_454


def is_handshake(text: bytes, client_protocol_version: int) -> bool:
    """Whether this is that question, from a driver that reads the newer block form."""
    return client_protocol_version >= _FIRST_WITH_SERIALIZATION_BYTE and _QUESTION.match(text) is not None


def _string(text: str) -> bytes:
    raw = text.encode()
    assert len(raw) < 128
    return bytes([len(raw)]) + raw


def answer(display_name: str, version: str, time_zone: str) -> bytes:
    """A Native block of one row with block info and a serialization byte after each column's type."""
    columns = (
        ("displayName()", "String", _string(display_name)),
        ("version()", "String", _string(version)),
        ("revision()", "UInt32", b"\x00\x00\x00\x00"),
        ("timezone()", "String", _string(time_zone)),
    )
    block = _BLOCK_INFO + bytes([len(columns), 1])
    for name, kind, value in columns:
        block += _string(name) + _string(kind) + b"\x00" + value
    return block
