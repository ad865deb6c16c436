"""A state that another version wrote is gone on from, and that version can go on from ours if its format is the same.

Each folder `state_N` holds what a version wrote (`state_samples.py`); it is never changed. A change that falls here needs
fields with defaults at the end of what is packed, or another format (`deploy/runtime/state_records.py`), which is refused
with what to do.
"""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from engine import Engine
from state_samples import FOLDERS, OF_THIS_FORMAT, PARTITIONS, Sample, read, states, tell

from model.traffic import HOUR, MINUTE
from model.world import settings
from oracle.batch import compute
from oracle.compare import differences
from oracle.reading import Input
from oracle.rules import rules_of
from oracle.told import answer_of


def finished(engine: Engine, sample: Sample) -> list[str]:
    """What differs from the oracle when everything is read and over."""
    now = sample.then[-1].at
    while now < sample.then[-1].at + 4 * HOUR:
        now += 30 * MINUTE
        engine.tick(now)
    records: list[Input] = []
    for it in sample.first + sample.then:
        offset = sum(record.partition == it.partition for record in records)
        records.append(Input(it.partition, offset, it.at, it.value))
    told = answer_of([*engine.visits.values(), *engine.facts.values()], engine.cells.values(), engine.letters.values())
    truth = compute(records, rules_of(engine.settings), now)
    assert len(truth.visits) > 30
    return differences(told, truth)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_after_an_upgrade_nothing_is_lost_or_counted_twice(folder: Path) -> None:
    sample = read(folder)
    engine = Engine(settings(), PARTITIONS)
    tell(engine, sample.first)
    engine.take_up(sample.calls, sample.merger)
    tell(engine, sample.then)
    assert finished(engine, sample) == []


def alike(ours: Any, known: Any) -> bool:
    """Whether what a version reads that wrote `known` is in ours where it was: of an array, its first elements."""
    if isinstance(ours, list) and isinstance(known, list):
        return all(alike(it, was) for it, was in zip(ours, known, strict=False))
    if isinstance(ours, dict) and isinstance(known, dict):
        return all(alike(ours[name], was) for name, was in known.items() if name in ours)
    return None in (ours, known) or type(ours) is type(known)


@pytest.mark.parametrize("folder", OF_THIS_FORMAT, ids=lambda folder: folder.name)
def test_after_a_roll_back_that_version_finds_in_our_state_what_it_wrote_itself(folder: Path) -> None:
    sample = read(folder)
    engine = Engine(settings(), PARTITIONS)
    tell(engine, sample.first)
    calls, merger = states(engine)
    for ours, its in zip([*calls, merger], [*sample.calls, sample.merger], strict=True):
        assert ours.keys() == its.keys()
        for part, packed in its.items():
            if part.startswith(("calls/", "detection")):  # packed in ways of their own
                assert part.startswith("detection") or ours[part] == packed, part
                continue
            was, now = (msgspec.msgpack.decode(it, strict=False) for it in (packed, ours[part]))
            assert alike(now, was), part
            if part == "head":
                assert len(now) >= len(was)
