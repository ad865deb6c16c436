"""Whatever stands in a row: it gives the events of one call, or a rejection; nothing else."""

import msgspec
from bank_rows import AGENT, HEADER, bank_reader, bank_row
from hypothesis import given
from hypothesis import strategies as st

from deploy.producers.mapping_rows import ReadRow, Rejection
from streams.contract import CallEvent

_READER = bank_reader()
_CELL = st.one_of(
    st.sampled_from(
        [*AGENT, "0:00:00", "HANG", "PHANTOM", "", " ", "-5", "23:59:59", "24:00:00", "1e99", "nan", "000230"]
    ),
    st.text(max_size=30),
    st.text("0123456789: .-+eE", max_size=12),
)
_DECODE = msgspec.json.Decoder(CallEvent)


def check(row: ReadRow | Rejection) -> None:
    if isinstance(row, Rejection):
        assert row.detail
        return
    assert row.events[0].type == "arrived"
    assert len({event.call for event in row.events}) == 1
    for event in row.events:
        assert _DECODE.decode(msgspec.json.encode(event)) == event
        assert all(ms is None or ms >= 0 for ms in (event.wait_ms, event.talk_ms, event.hold_ms, event.acw_ms))


@given(st.lists(_CELL, max_size=len(HEADER) + 2))
def test_any_row_is_read_or_rejected(values: list[str]) -> None:
    check(_READER.read(values))


@given(st.dictionaries(st.integers(0, len(HEADER) - 1), _CELL, max_size=3))
def test_any_change_to_a_good_row_is_read_or_rejected(changes: dict[int, str]) -> None:
    check(_READER.read([changes.get(at, value) for at, value in enumerate(AGENT)]))


@given(st.integers(0, 86_399), st.lists(st.integers(0, 1_800), min_size=5, max_size=5))
def test_times_that_go_forward_survive_any_midnight(start: int, steps: list[int]) -> None:
    moments, at = [start], start
    for step in steps:
        at += step
        moments.append(at)
    clock = [f"{t // 3600 % 24}:{t // 60 % 60:02d}:{t % 60:02d}" for t in moments]
    if "0:00:00" in clock[1:]:
        return  # the file's word for "never"
    names = ("vru_entry", "vru_exit", "q_start", "q_exit", "ser_start", "ser_exit")
    row = _READER.read(bank_row(**dict(zip(names, clock, strict=True))))
    assert isinstance(row, ReadRow)
    passed = [(event.time - row.events[0].time) // 1000 for event in row.events]
    assert passed == [0, sum(steps[:2]), sum(steps[:4]), sum(steps)]
    assert ("midnight" in row.repairs) == (moments[-1] >= 86_400)
