"""The bench measures what it says: our core finds the right totals, and a wrong cell is told."""

import sys
from pathlib import Path

import msgspec
import pytest

HERE = Path(__file__).parent
sys.path += [str(HERE), str(HERE / "engines")]  # behind our packages: a bench may have the name of one

import hotline_worker  # noqa: E402
import job_b  # noqa: E402
import load  # noqa: E402
import load_b  # noqa: E402
import partitioned  # noqa: E402
import report  # noqa: E402
import run  # noqa: E402
import told  # noqa: E402
from contestants import ENGINES_OF_A  # noqa: E402
from growth import PARTITIONS, Core  # noqa: E402

from deploy.runtime.processor import Record  # noqa: E402
from streams.contract import Cell, CellsRecord, murmur2_partition  # noqa: E402
from streams.contract.topics import CALLS, CELLS, PARTIALS, TOPICS  # noqa: E402

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


def test_the_core_finds_what_the_plain_loop_of_job_b_finds() -> None:
    made = load_b.make(EVENTS, PARTITIONS, calls_a_day=50_000)
    core = Core()
    now = max(minute for _, minute in made.records) + 3 * load_b.MINUTE_MS
    for partition, calls in enumerate(core.calls):
        its = [
            it
            for it in made.messages
            if partition == (murmur2_partition(it.key, PARTITIONS) if it.partition is None else it.partition)
        ]
        calls.apply([Record(n, now, it.key, it.value) for n, it in enumerate(its)])
        calls.tick(now, caught_up=True)
        bundles = [it for it in calls.outputs() if it.topic == PARTIALS]
        core._merger.apply([Record(partition * 1_000 + n, now, None, it.value) for n, it in enumerate(bundles)])
    decode = msgspec.json.Decoder(CellsRecord).decode
    cells = [decode(it.value) for it in core._merger.outputs() if it.topic == CELLS]
    told = {(it.dimension_set, it.queue or it.source, it.minute): it.counts for it in cells if isinstance(it, Cell)}
    for dimension_set, counter, expected in (
        ("queue", "offered", made.offered),
        ("queue", "answered_by_outcome", made.answered),
        ("source", "events", made.records),
    ):
        found = {
            key[1:]: counts[counter] for key, counts in told.items() if key[0] == dimension_set and counts.get(counter)
        }
        assert found == expected
    assert sum(made.answered.values()) > 100


def test_job_b_takes_another_number_of_partitions_for_calls_alone() -> None:
    changed = {
        it.name for it, was in zip(partitioned.topics(64), TOPICS, strict=True) if it.partitions != was.partitions
    }
    assert changed == {CALLS}


def test_behind_is_what_is_missing_before_the_ends() -> None:
    assert job_b.behind({("a", 0): 3, ("a", 1): 9}, {("a", 0): 5, ("a", 1): 7, ("b", 0): 4}) == 6
