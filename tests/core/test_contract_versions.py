"""Versions of Hotline run side by side while one is upgraded or rolled back: each reads what the other writes.

Each folder `contract_N` holds records and schemas as a version wrote them (`contract_samples.py`); they are never changed.
A change that falls here needs another way: a new field with a default, a new record, or a new topic.
"""

from pathlib import Path

import msgspec
import pytest
from contract_samples import FOLDERS, KINDS, samples
from jsonschema import Draft202012Validator

PAIRS = [
    pytest.param(folder, name, id=f"{folder.name}-{name}")
    for folder in FOLDERS
    for name in KINDS
    if (folder / f"{name}.jsonl").exists()  # what came later, that version did not have
]


def test_records_of_every_kind_are_kept() -> None:
    assert {path.name.removesuffix(".jsonl") for path in FOLDERS[-1].glob("*.jsonl")} == set(KINDS)


@pytest.mark.parametrize(("folder", "name"), PAIRS)
def test_this_version_reads_what_that_one_wrote_and_loses_nothing_of_it(folder: Path, name: str) -> None:
    lines = (folder / f"{name}.jsonl").read_bytes().splitlines()
    assert len(lines) > 1
    for line in lines:
        written = msgspec.json.decode(line)
        again = msgspec.json.decode(msgspec.json.encode(msgspec.json.decode(line, type=KINDS[name])))
        assert {field: again.get(field) for field in written} == written


@pytest.mark.parametrize(("folder", "name"), PAIRS)
def test_that_version_reads_what_this_one_writes(folder: Path, name: str) -> None:
    validator = Draft202012Validator(msgspec.json.decode((folder / f"{name}.schema.json").read_bytes()))
    for record in samples(KINDS[name]):
        problems = [error.message for error in validator.iter_errors(record)]
        assert problems == [], record


@pytest.mark.parametrize("name", KINDS)
def test_a_field_that_this_version_does_not_know_is_passed_over(name: str) -> None:
    for record in samples(KINDS[name]):
        line = msgspec.json.encode(record | {"invented_later": {"a": [1]}})
        assert msgspec.json.decode(msgspec.json.encode(msgspec.json.decode(line, type=KINDS[name]))) == record
