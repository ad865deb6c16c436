"""Reading an export line by line: encoding, line ends and columns. One bad line never stops the file."""

import csv
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from deploy.producers.mapping import Mapping, MappingError
from deploy.producers.mapping_rows import Rejection

_CHUNK = 1 << 20


class Line(NamedTuple):
    """One row: where it ends in the file, its values (or why there are none), whether its line end had a CR."""

    number: int
    values: Sequence[str] | Rejection
    carriage_return: bool


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


class Export:
    """An export file. `header` names the columns; iterating gives its rows, blank lines left out."""

    def __init__(self, path: Path, mapping: Mapping) -> None:
        self._path = path
        self._mapping = mapping
        self.header: tuple[str, ...] = mapping.columns
        if mapping.format == "jsonl":
            self.header = tuple(mapping.used_columns())
        elif not self.header:
            with self._open() as file:
                first = next(csv.reader(file, **self._dialect()), None)
            if first is None:
                raise MappingError(f"{path} is empty: its first line should name the columns")
            self.header = tuple(name.strip() for name in first)
            mapping.check_header(self.header)

    def __iter__(self) -> Iterator[Line]:
        with self._open() as file:
            if self._mapping.format == "jsonl":
                for number, line in enumerate(file, 1):
                    if line.strip():
                        yield Line(number, self._object(line), line.endswith("\r\n"))
            else:
                yield from self._rows(file)

    def _rows(self, file: Any) -> Iterator[Line]:
        ends = _LineEnds(file)
        reader = csv.reader(ends, **self._dialect())
        if not self._mapping.columns:
            next(reader, None)
        while True:
            try:
                values = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Line(reader.line_num, Rejection("too_large", str(error)), ends.carriage_return)
                continue
            if any(value.strip() for value in values):
                yield Line(reader.line_num, values, ends.carriage_return)

    def _object(self, line: str) -> Sequence[str] | Rejection:
        try:
            found = msgspec.json.decode(line)
        except UnicodeEncodeError:
            return Rejection("encoding", f"the line is not {self._mapping.encoding}")
        except msgspec.DecodeError:
            return Rejection("not_json", "the line is no JSON object")
        if not isinstance(found, dict):
            return Rejection("not_json", "the line is no JSON object")
        return [_text(found.get(name)) for name in self.header]

    def _open(self) -> Any:
        # Bytes that the encoding does not know become lone surrogates: their row is rejected, not the file.
        return self._path.open(encoding=self._mapping.encoding, errors="surrogateescape", newline="")

    def _dialect(self) -> dict[str, Any]:
        quoting = csv.QUOTE_NONE if self._mapping.format == "tsv" else csv.QUOTE_MINIMAL
        return {"delimiter": self._mapping.separator, "quoting": quoting}


class _LineEnds:
    """Hands lines on and remembers whether the last one ended in CR LF."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.carriage_return = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.carriage_return = line.endswith("\r\n")
        return line


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return msgspec.json.encode(value).decode() if isinstance(value, (dict, list)) else str(value)
