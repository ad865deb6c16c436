"""Which state is resumed from, whatever happens between the records of a checkpoint: without a broker."""

import os

import msgspec
import pytest
from aiokafka.errors import KafkaError
from hypothesis import given
from hypothesis import strategies as st
from state_log_model import PLACE, Log, stand

from deploy.runtime.state_found import Found
from deploy.runtime.state_records import FORMAT, SHARD_BYTES, Mark, Stand, StateError, compress, place_of

encode, decode = msgspec.msgpack.encode, msgspec.msgpack.decode
BIG = {"a": os.urandom(SHARD_BYTES * 2 + 5), "b": b"small", "empty": b""}


@given(
    parts=st.dictionaries(st.text(max_size=20), st.binary(max_size=2_000), max_size=5), offset=st.integers(-1, 2**50)
)
async def test_what_is_written_comes_back(parts: dict[str, bytes], offset: int) -> None:
    log = Log()
    await log.write(log.take(), parts, offset)
    state = log.state()
    assert state is not None
    assert (state.place, state.epoch, state.stand, state.parts) == (PLACE, 1, stand(offset), parts)


async def test_a_part_larger_than_a_shard_is_cut() -> None:
    log = Log()
    tails = await log.write(log.take(), BIG)
    assert tails == ["0.0/a", "1.0/a", "2.0/a", "0.0/b", "0.0/empty", "manifest", "0"]
    assert log.records[-1][0] == b"in/0", "the signpost"
    assert log.state().parts == BIG
    assert all(len(value) < 600_000 for _, value in log.records)


async def test_only_shards_that_changed_are_written_again() -> None:
    log = Log()
    taking = log.take()
    await log.write(taking, BIG)
    assert await log.write(taking, BIG) == ["manifest"]
    changed = BIG | {"a": BIG["a"][:-1] + b"!"}
    assert await log.write(taking, changed) == ["2.1/a", "manifest", "2.0/a"]
    assert log.records[-1][1] is None, "the shard that was replaced gets a tombstone, after the manifest"
    assert log.state().parts == changed


async def test_parts_that_vanish_get_tombstones_after_the_manifest() -> None:
    log = Log()
    taking = log.take()
    await log.write(taking, BIG)
    manifest, *tombstones = await log.write(taking, {"a": BIG["a"][:SHARD_BYTES]})
    assert manifest == "manifest"
    assert set(tombstones) == {"1.0/a", "2.0/a", "0.0/b", "0.0/empty"}
    log.drop_tombstones()
    assert {key for key, _ in log.records} == {b"in/0", b"in/0/1.owner1/0.0/a", b"in/0/1.owner1/manifest"}


async def test_the_next_owner_deletes_what_earlier_ones_left_once_its_own_state_stands() -> None:
    log = Log()
    killed = log.take()
    await log.write(killed, BIG)
    with pytest.raises(KafkaError):
        await log.write(killed, {"a": os.urandom(SHARD_BYTES * 3)}, steps=2)
    await log.write(log.take(), {"b": b"new"})
    log.drop_tombstones()
    assert {key for key, _ in log.records} == {b"in/0", b"in/0/2.owner2/0.0/b", b"in/0/2.owner2/manifest"}


async def test_killed_before_the_first_manifest_nothing_was_there_and_the_epoch_is_used_up() -> None:
    log = Log()
    with pytest.raises(KafkaError):
        await log.write(log.take(), BIG, steps=3)
    assert log.state() is None
    assert not log.found().written
    assert log.take().epoch == 2


async def test_an_older_complete_state_is_taken_when_a_shard_of_the_newest_is_missing_or_damaged() -> None:
    log = Log()
    await log.write(log.take(), {"a": b"old"}, 5)
    before = len(log.records)
    await log.write(log.take(), BIG, 9)
    for damage in (b"no zstd", compress(b"something else"), None):
        damaged = [*log.records[: before + 1], (log.records[before][0], damage), *log.records[before + 1 : before + 6]]
        state, sure = log.found(damaged).resume()
        assert state is not None
        assert (state.epoch, state.stand.offset, sure) == (1, 5, False)


async def test_when_nothing_is_complete_the_state_is_known_to_be_missing() -> None:
    log = Log()
    await log.write(log.take(), BIG)
    found = log.found([record for record in log.records if not record[0].endswith(b"/a")])
    assert found.resume() == (None, False)
    assert found.written
    assert log.found([(b"in/0", log.records[-1][1])]).written, "the signpost alone says that a state was there"


async def test_too_many_parts_for_a_manifest_are_refused_with_what_to_do() -> None:
    log = Log()
    with pytest.raises(StateError, match=r"more partitions.*shorten intake.allowed_lateness_s"):
        await log.write(log.take(), {f"part {n}": b"" for n in range(40_000)})
    assert log.records == []


FIRST = {
    "format": 1,
    "topic": "in",
    "partition": 0,
    "offset": 41,
    "clock": 1_700_000_000_000,
    "epoch": 7,
    "cluster": "here",
    "mark": [1_700_000_000_000, 123],
    "snapshot": compress(b"the whole state"),
}


async def test_the_first_form_is_read_as_one_part_and_replaced_by_a_signpost() -> None:
    log = Log()
    log.records.append((b"in/0", encode(FIRST)))
    state = log.state()
    assert state is not None
    assert (state.epoch, state.parts) == (7, {"all": b"the whole state"})
    assert state.stand == Stand(
        offset=41, clock=1_700_000_000_000, cluster="here", mark=Mark(1_700_000_000_000, 123), software=""
    )
    taking = log.take()
    assert taking.epoch == 8
    await log.write(taking, {"all": b"next"})
    assert log.found(log.records[:-1]).resume().state.parts == {"all": b"next"}, "also before the signpost stands"
    log.compact()
    assert decode(dict(log.records)[b"in/0"])["format"] == FORMAT, "software that reads format 1 refuses to go on"


async def test_an_older_hotline_that_writes_on_meanwhile_does_not_win() -> None:
    log = Log()
    log.records.append((b"in/0", encode(FIRST)))
    await log.write(log.take(), {"a": b"ours"}, 40)
    log.records.append((b"in/0", encode(FIRST | {"offset": 99})))
    assert log.state().parts == {"a": b"ours"}


@pytest.mark.parametrize("key", [b"in/0", b"in/0/3.someone/manifest"])
def test_a_newer_format_is_refused_whatever_else_it_holds(key: bytes) -> None:
    with pytest.raises(StateError, match=rf"newer Hotline \(format {FORMAT + 1}.*Start the newer version again"):
        Found(PLACE).take(key, encode({"format": FORMAT + 1, "other": "things"}))


@pytest.mark.parametrize("key", [b"in/0", b"in/0/3.someone/manifest"])
@pytest.mark.parametrize("value", [b"", b"{}", b"\x80", encode({"format": 1})])
def test_what_something_else_wrote_is_refused(key: bytes, value: bytes) -> None:
    found = Found(PLACE)

    def read() -> None:
        found.take(key, value)
        found.resume()

    with pytest.raises(StateError, match="did something else write it"):
        read()


def test_a_key_that_nobody_writes_is_refused_unless_a_signpost_says_more() -> None:
    found = Found(PLACE)
    found.take(b"in/0/strange", b"")
    with pytest.raises(StateError, match=r"in/0/strange.*did something else write it"):
        found.resume()
    with pytest.raises(StateError, match="newer Hotline"):
        found.take(b"in/0", encode({"format": FORMAT + 1}))


@pytest.mark.parametrize(
    ("key", "place"),
    [(b"in/0", ("in", 0)), (b"in/12/3.x/0.1/a/b", ("in", 12)), (b"in", None), (b"in/x", None), (b"\xff/1x", None)],
)
def test_a_key_tells_its_input_partition(key: bytes, place: tuple[str, int] | None) -> None:
    assert place_of(key) == place
