"""Which chunks are applied: nothing twice, nothing left out, whatever a fetch before a seek still brings."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from deploy.runtime.chunks import CHUNK_RECORDS, Chunk, Position, SliceSize, Verdict, cut
from deploy.runtime.processor import Record


def records(*offsets: int) -> list[Record]:
    return [Record(offset, 0, b"key", b"value") for offset in offsets]


def chunk(first: int, last: int) -> Chunk:
    return Chunk(first, records(*range(first, last + 1)))


def test_a_fetch_is_cut_into_chunks_that_join_up() -> None:
    chunks = list(cut(records(10, 11, 12, 13, 14), size=2))
    assert [[r.offset for r in c.records] for c in chunks] == [[10, 11], [12, 13], [14]]
    assert [c.start for c in chunks] == [10, 12, 14]


def test_offsets_without_records_inside_a_fetch_are_no_hole() -> None:
    first, second = cut(records(10, 11, 20, 21), size=2)
    position = Position(10)
    position.advance(first.last)
    assert (second.start, position.judge(second)) == (12, Verdict.APPLY)


def test_what_was_applied_is_passed_over_and_an_overlap_is_trimmed() -> None:
    position = Position(15)
    assert position.judge(chunk(10, 14)) is Verdict.REPEATED
    overlapping = chunk(12, 17)
    assert position.judge(overlapping) is Verdict.APPLY
    assert [r.offset for r in position.unseen(overlapping)] == [15, 16, 17]


def test_a_chunk_above_the_next_offset_is_read_again_and_believed_the_second_time() -> None:
    position = Position(100)
    assert position.judge(chunk(500, 599)) is Verdict.SEEK_BACK
    assert position.judge(chunk(600, 699)) is Verdict.SEEK_BACK
    assert position.judge(chunk(500, 599)) is Verdict.HOLE


def test_a_hole_that_reading_again_fills_is_forgotten() -> None:
    position = Position(100)
    assert position.judge(chunk(500, 599)) is Verdict.SEEK_BACK
    assert position.judge(chunk(100, 199)) is Verdict.APPLY
    position.advance(199)
    assert position.judge(chunk(500, 599)) is Verdict.SEEK_BACK


@given(data=st.data(), length=st.integers(1, 60), start=st.integers(0, 20))
def test_every_record_is_applied_once_and_in_order(data: st.DataObject, length: int, start: int) -> None:
    """Fetches begin where the last seek put them; some that were begun before arrive late."""
    applied: list[int] = []
    position = Position(start)
    fetch_at = start
    stale: list[Chunk] = []

    def take(arrived: Sequence[Chunk]) -> bool:
        sought = False
        for one in arrived:
            verdict = position.judge(one)
            assert verdict is not Verdict.HOLE, "the log has no holes"
            if verdict is Verdict.APPLY:
                applied.extend(record.offset for record in position.unseen(one))
                position.advance(one.last)
            sought = sought or verdict is Verdict.SEEK_BACK
        return sought

    while position.next < start + length:
        begin = max(start, fetch_at - data.draw(st.integers(0, 3), label="read again"))
        end = min(start + length, begin + data.draw(st.integers(1, 10), label="fetched"))
        fetched = (
            list(cut(records(*range(begin, end)), size=data.draw(st.integers(1, 4), label="chunk")))
            if begin < end
            else []
        )
        fetch_at = end
        if data.draw(st.booleans(), label="held up"):
            stale.extend(fetched)
            fetch_at = position.next
            continue
        if take(fetched) or (stale and data.draw(st.booleans(), label="late") and take(stale)):
            fetch_at = position.next
            stale.clear()
    assert applied == list(range(start, start + length))


def test_slices_shrink_when_the_core_is_slow_and_grow_when_it_is_fast() -> None:
    size = SliceSize()
    for _ in range(50):
        size.learn(100, 1.0)
    assert size.records < 30
    for _ in range(100):
        size.learn(1_000, 0.001)
    assert size.records == CHUNK_RECORDS
