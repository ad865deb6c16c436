"""Reading CSV, TSV and JSON lines: encoding, line ends and columns."""

import codecs
import csv
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from deploy.producers.export_rows import Line, cell_text, header_of
from deploy.producers.mapping import Mapping, MappingError
from deploy.producers.mapping_rows import Rejection

# A byte order mark says what the file is written in, whatever the mapping expects (Excel writes both kinds).
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"\x84\x31\x95\x33", "gb18030"),
)


class TextExport:
    """A text file, read line by line. `header` names the columns; iterating gives its rows, blank lines left out."""

    typed = False

    def __init__(self, path: Path, mapping: Mapping) -> None:
        self._path = path
        self._mapping = mapping
        self._quoting = csv.QUOTE_NONE if mapping.format == "tsv" else csv.QUOTE_MINIMAL
        self._encoding = self._written_in()
        self.header: tuple[str, ...] = mapping.columns
        if mapping.format == "jsonl":
            self.header = tuple(mapping.used_columns())
        elif not self.header:
            with self._open() as file:
                first = next(csv.reader(file, **self._dialect()), None)
            if first is None:
                raise MappingError(f"{path} is empty: its first line should name the columns")
            mapping.check_delimiter(first)
            self.header = header_of(first, mapping)

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
        skipped = self._mapping.skip_lines
        if not self._mapping.columns:
            next(reader, None)
        while True:
            try:
                values = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Line(skipped + reader.line_num, Rejection("too_large", str(error)), ends.carriage_return)
                continue
            if any(value.strip() for value in values):
                yield Line(skipped + reader.line_num, values, ends.carriage_return)

    def _object(self, line: str) -> Sequence[str] | Rejection:
        try:
            found = msgspec.json.decode(line)
        except UnicodeEncodeError:
            return Rejection("encoding", f"the line is not {self._encoding}")
        except msgspec.DecodeError:
            return Rejection("not_json", "the line is no JSON object")
        if not isinstance(found, dict):
            return Rejection("not_json", "the line is no JSON object")
        return [cell_text(found.get(name)) for name in self.header]

    def _written_in(self) -> str:
        with self._path.open("rb") as file:
            begins = file.read(4)
        return next((name for mark, name in _MARKS if begins.startswith(mark)), self._mapping.encoding)

    def _open(self) -> Any:
        # Bytes that the encoding does not know become lone surrogates: their row is rejected, not the file.
        file = self._path.open(encoding=self._encoding, errors="surrogateescape", newline="")
        for _ in islice(file, self._mapping.skip_lines):
            pass  # titles above the names of the columns
        return file

    def _dialect(self) -> dict[str, Any]:
        return {"delimiter": self._mapping.separator, "quoting": self._quoting}


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
