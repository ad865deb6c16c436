"""Records of every kind, made from the contract's types: the least that each may hold, and everything that it may hold.

`python tests/core/contract_samples.py contract_3` writes those of this version, with their schemas, to that folder: done
once, when a version is released or a record of a new kind has come.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect

from deploy.cli.schema import ENVELOPED, RECORDS

FOLDERS = sorted(Path(__file__).parent.glob("contract_[0-9]*"))
KINDS = {name: kind for name, kind in RECORDS.items() if name != ENVELOPED}


def samples(kind: Any) -> list[Any]:
    """Records of a type (or of each type of a union) as JSON has them."""
    records = [record for struct in _structs(inspect.type_info(kind)) for record in _records(struct)]
    return [msgspec.json.decode(msgspec.json.encode(record)) for record in records]


def _structs(info: inspect.Type) -> list[inspect.StructType]:
    if isinstance(info, inspect.UnionType):
        return [struct for it in info.types for struct in _structs(it)]
    assert isinstance(info, inspect.StructType), info
    return [info]


def _records(struct: inspect.StructType) -> Iterator[Any]:
    """The least; then all fields, as often as the longest choice of a field has values."""
    yield struct.cls(**{field.name: _values(field.type)[0] for field in struct.fields if field.required})
    choices = {field.name: _values(field.type) for field in struct.fields}
    for number in range(max(map(len, choices.values()), default=0)):
        yield struct.cls(**{name: values[number % len(values)] for name, values in choices.items()})


_PLAIN = {
    inspect.StrType: ["some text"],
    inspect.BoolType: [True],
    inspect.IntType: [7],
    inspect.FloatType: [0.5],
    inspect.NoneType: [],
}


def _values(info: inspect.Type) -> list[Any]:  # noqa: PLR0911  (one for each kind of type)
    """Some values of a type, none of them a likely default."""
    match info:
        case inspect.Metadata():
            return _values(info.type)
        case inspect.LiteralType():
            return sorted(info.values, key=repr)
        case inspect.UnionType():
            return [value for it in info.types for value in _values(it)]
        case inspect.StructType():
            return list(_records(info))
        case inspect.TupleType():
            return [tuple(_values(it)[0] for it in info.item_types)]
        case inspect.VarTupleType() | inspect.ListType():
            return [_values(info.item_type)]
        case inspect.DictType():
            return [{_values(info.key_type)[0]: _values(info.value_type)[0]}]
    return _PLAIN[type(info)]


def write(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name, kind in KINDS.items():
        lines = [msgspec.json.encode(record) for record in samples(kind)]
        (folder / f"{name}.jsonl").write_bytes(b"\n".join(lines) + b"\n")
        schema = msgspec.json.format(msgspec.json.encode(msgspec.json.schema(kind)), indent=1)
        (folder / f"{name}.schema.json").write_bytes(schema + b"\n")


if __name__ == "__main__":
    write(Path(__file__).parent / sys.argv[1])
