"""The bench measures what it says: our core finds the right totals, and a wrong cell is told."""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path += [str(HERE), str(HERE / "engines")]  # behind our packages: a bench may have the name of one

import hotline_worker  # noqa: E402
import load  # noqa: E402
import report  # noqa: E402
import run  # noqa: E402
import told  # noqa: E402
from contestants import ENGINES_OF_A  # noqa: E402

from deploy.runtime.processor import Record  # noqa: E402

EVENTS = 4_000


@pytest.fixture(scope="module")
def loaded() -> load.Load:
    return load.make(EVENTS)


def test_our_core_finds_the_totals_that_a_plain_loop_finds(loaded: load.Load, tmp_path: Path) -> None:
    out = tmp_path / "told.json"
    core = hotline_worker.JobA(told.Run(["", "", "topic", str(len(loaded.records)), str(out)]), None)
    records = [Record(n, at, key, value) for n, (key, value, at) in enumerate(loaded.records)]
    for first in range(0, len(records), 300):
        core.apply(records[first : first + 300])
    assert core.done.is_set()
    run.compare("ours", {f"{queue} {minute}": cell for (queue, minute), cell in core.cells.items()}, loaded.totals)
    assert sum(cell[0] for cell in loaded.totals.values()) == EVENTS


def test_values_of_more_or_less_than_one_line_are_decoded_one_by_one() -> None:
    values = [b'{"type":"queued",\n"time":1}', b'{"type":"ended","time":2}']
    events = hotline_worker.decoded([Record(n, 0, None, value) for n, value in enumerate(values)])
    assert [event.time for event in events] == [1, 2]


@pytest.mark.parametrize("change", [[0, 0, 0, 0, 0], None])
def test_a_wrong_cell_is_told(loaded: load.Load, change: list[int] | None) -> None:
    key = next(iter(loaded.totals))
    found = {**loaded.totals, key: change} if change else {k: v for k, v in loaded.totals.items() if k != key}
    with pytest.raises(AssertionError, match="1 of"):
        run.compare("theirs", found, loaded.totals)


def test_ratios_are_within_a_round() -> None:
    def figures(ours: float, drain: float) -> list[report.Figure]:
        return [
            report.Figure("hotline", 100, 100 / ours, 1, "x"),
            report.Figure("aiokafka drain", 100, 100 / drain, 1, "y"),
        ]

    result = report.Result(
        "a machine", "today", [figures(20, 10), figures(60, 20), figures(50, 20)], {"Pathway": "why"}
    )
    table = report.table(result, ENGINES_OF_A)
    assert "| aiokafka drain (y) | 20 | 100 | 2.00, **2.50**, 3.00 |" in table
    assert "| Pathway | not run | | | | why |" in table
