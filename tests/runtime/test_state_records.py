"""Which state is resumed from, whatever happens between the records of a checkpoint: without a broker."""

import os

from hypothesis import given
from hypothesis import strategies as st
from state_log_model import PLACE, Log, stand

from deploy.runtime.state_records import SHARD_BYTES

BIG = {"a": os.urandom(SHARD_BYTES * 2 + 5), "b": b"small", "empty": b""}


@given(
    parts=st.dictionaries(st.text(max_size=20), st.binary(max_size=2_000), max_size=5), offset=st.integers(-1, 2**50)
)
def test_what_is_written_comes_back(parts: dict[str, bytes], offset: int) -> None:
    log = Log()
    log.write(log.take(), parts, offset)
    state = log.state()
    assert state is not None
    assert (state.place, state.epoch, state.stand, state.parts) == (PLACE, 1, stand(offset), parts)


def test_a_part_larger_than_a_shard_is_cut() -> None:
    log = Log()
    keys = log.write(log.take(), BIG)
    assert keys[:5] == [f"in/0/1.owner1/{tail}".encode() for tail in ("0.0/a", "1.0/a", "2.0/a", "0.0/b", "0.0/empty")]
    assert log.state().parts == BIG
    assert all(len(value or b"") < 600_000 for _, value in log.records)


def test_only_shards_that_changed_are_written_again() -> None:
    log = Log()
    taking = log.take()
    log.write(taking, BIG)
    assert log.write(taking, BIG) == [b"in/0/1.owner1/manifest"]
    changed = BIG | {"a": BIG["a"][:-1] + b"!"}
    assert log.write(taking, changed) == [b"in/0/1.owner1/2.1/a", b"in/0/1.owner1/manifest", b"in/0/1.owner1/2.0/a"]
    assert log.records[-1][1] is None, "the shard that was replaced gets a tombstone, after the manifest"
    assert log.state().parts == changed


def test_parts_that_vanish_get_tombstones_after_the_manifest() -> None:
    log = Log()
    taking = log.take()
    log.write(taking, BIG)
    manifest, *tombstones = log.write(taking, {"a": BIG["a"][:SHARD_BYTES]})
    assert manifest == b"in/0/1.owner1/manifest"
    assert set(tombstones) == {f"in/0/1.owner1/{tail}".encode() for tail in ("1.0/a", "2.0/a", "0.0/b", "0.0/empty")}
    log.drop_tombstones()
    assert {key for key, _ in log.records} == {b"in/0", b"in/0/1.owner1/0.0/a", b"in/0/1.owner1/manifest"}
