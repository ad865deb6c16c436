"""ClickHouse's own block compression (`compress=1`, `decompress=1`), which its Java and Go clients use unless told.

A block: 16 bytes of CityHash128 over what follows; a byte for the method; its length with these 9 bytes, and the length
of its content, both UInt32; the content. Integers are little-endian.
(ClickHouse, `src/Compression/CompressedReadBufferBase.cpp`)
"""

import struct
from typing import cast

import cramjam
from clickhouse_cityhash.cityhash import CityHash128

from deploy.embedded.clickhouse_server.errors import BAD_ARGUMENTS, NOT_IMPLEMENTED, ServerError

_LZ4, _NONE = 0x82, 0x02
_CHECKSUM = 16
_HEADER = struct.Struct("<BII")
_CONTENT = 1 << 20
"""Of a block that is written, bytes."""
_LARGEST = 1 << 30


def _checksum(block: bytes) -> bytes:
    first, second = divmod(cast("int", CityHash128(block)), 1 << 64)
    return struct.pack("<QQ", first, second)


def compress(data: bytes) -> bytes:
    """`data` as blocks of LZ4."""
    written = bytearray()
    for start in range(0, len(data), _CONTENT):
        content = data[start : start + _CONTENT]
        packed = bytes(cramjam.lz4.compress_block(content, store_size=False))
        block = _HEADER.pack(_LZ4, _HEADER.size + len(packed), len(content)) + packed
        written += _checksum(block) + block
    return bytes(written)


def decompress(data: bytes) -> bytes:
    """The content of blocks. Raises ServerError for what is cut off, damaged or packed by another method."""
    read = bytearray()
    start = 0
    while start < len(data):
        checksum = data[start : start + _CHECKSUM]
        start += _CHECKSUM
        if len(data) < start + _HEADER.size:
            raise ServerError(BAD_ARGUMENTS, "the body ends within the header of a compressed block")
        method, length, size = _HEADER.unpack_from(data, start)
        block = data[start : start + length]
        if len(block) < max(length, _HEADER.size) or size > _LARGEST:
            raise ServerError(BAD_ARGUMENTS, "the body ends within a compressed block")
        if _checksum(block) != checksum:
            raise ServerError(BAD_ARGUMENTS, "the checksum of a compressed block does not match")
        read += _content(method, block[_HEADER.size :], size)
        start += length
    return bytes(read)


def _content(method: int, packed: bytes, size: int) -> bytes:
    if method == _NONE:
        return packed
    if method != _LZ4:
        raise ServerError(NOT_IMPLEMENTED, f"compressed blocks of method {method:#x}: use LZ4 ({_LZ4:#x})")
    try:
        return bytes(cramjam.lz4.decompress_block(packed, output_len=size))
    except cramjam.DecompressionError as error:
        raise ServerError(BAD_ARGUMENTS, f"a compressed block cannot be unpacked: {error}") from error
