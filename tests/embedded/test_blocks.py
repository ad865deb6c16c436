"""ClickHouse's own block compression: what is written can be read, and what is damaged is refused with a reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.embedded.clickhouse_server.blocks import compress, decompress
from deploy.embedded.clickhouse_server.errors import ServerError


@given(st.binary(max_size=5_000), st.integers(0, 3))
def test_what_is_written_can_be_read(data: bytes, times: int) -> None:
    assert decompress(compress(data * 10**times)) == data * 10**times


def test_a_block_is_method_lengths_and_content() -> None:
    assert (
        compress(b"1\n")[16:] == b"\x82\x0c\x00\x00\x00\x02\x00\x00\x00\x201\n"
    )  # checksums: the real drivers read them


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda block: block[:20], "within the header"),
        (lambda block: block[:-1], "within a compressed block"),
        (lambda block: bytes([block[0] ^ 1]) + block[1:], "checksum"),
        (lambda block: block[:-1] + bytes([block[-1] ^ 1]), "checksum"),
        (lambda block: block[:17] + b"\xff\xff\xff\x7f" + block[21:], "within a compressed block"),
        (lambda block: block[:17] + b"\x00\x00\x00\x00" + block[21:], "within a compressed block"),
    ],
)
def test_what_is_damaged_is_refused(damage, says: str) -> None:
    with pytest.raises(ServerError, match=says) as refused:
        decompress(damage(compress(b"some rows\n" * 20)))
    assert refused.value.code == 36
