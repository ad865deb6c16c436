"""An export file, whatever it is written in, as rows of text. One bad row never stops the file; no file is loaded whole.

Which reader: `.xlsx`/`.xlsm` and `.parquet`/`.pq` by the file's name; any other name by the mapping's `format`.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from deploy.producers.export_rows import Line
from deploy.producers.export_text import TextExport
from deploy.producers.mapping import Format, Mapping, MappingError

_CHUNK = 1 << 20
_BY_NAME: dict[str, Format] = {".xlsx": "xlsx", ".xlsm": "xlsx", ".parquet": "parquet", ".pq": "parquet"}
# What a file begins with that is not what its name says.
_SIGNS: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "it is a zip file, perhaps a workbook: name it .xlsx, or write format: xlsx in the mapping"),
    (b"\xd0\xcf\x11\xe0", "it is an old Excel workbook (.xls): save it as .xlsx or CSV"),
    (b"PAR1", "it is a Parquet file: name it .parquet, or write format: parquet in the mapping"),
    (b"\x1f\x8b", "it is compressed: unpack it first (gunzip)"),
)


class Reader(Protocol):
    """One open export. `typed`: its cells are dates and numbers themselves, not text."""

    header: tuple[str, ...]
    typed: bool

    def __iter__(self) -> Iterator[Line]:
        """Its rows, blank ones left out."""


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def format_of(path: Path, mapping: Mapping) -> Format:
    """How the file is read."""
    return _BY_NAME.get(path.suffix.lower(), mapping.format)


def open_export(path: Path, mapping: Mapping) -> Reader:
    """The file, ready to be read.

    Raises MappingError (columns missing, not what its name says, its library not installed), OSError.
    """
    match format_of(path, mapping):
        case "xlsx":
            # Their libraries are large and an extra: loaded when such a file is read.
            from deploy.producers.export_xlsx import XlsxExport  # noqa: PLC0415

            return XlsxExport(path, mapping)
        case "parquet":
            from deploy.producers.export_parquet import ParquetExport  # noqa: PLC0415

            return ParquetExport(path, mapping)
        case _:
            _refuse_binary(path)
            return TextExport(path, mapping)


def _refuse_binary(path: Path) -> None:
    with path.open("rb") as file:
        begins = file.read(4)
    for sign, advice in _SIGNS:
        if begins.startswith(sign):
            raise MappingError(f"{path} is no text: {advice}")
