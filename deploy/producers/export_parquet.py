"""Reading a Parquet file batch by batch, only the columns that the mapping names."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deploy.producers.export_rows import Line, cell_text, header_of, not_installed
from deploy.producers.mapping import Mapping, MappingError

try:
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile
except ImportError as error:
    raise not_installed("reading Parquet", error) from error

_BATCH_ROWS = 20_000


class ParquetExport:
    """A Parquet file. Timestamps with a zone are instants; those without one are local times of the mapping's zone."""

    typed = True

    def __init__(self, path: Path, mapping: Mapping) -> None:
        self._path = path
        with self._open() as file:
            present = header_of(file.schema_arrow.names, mapping)
        self.header = tuple(name for name in present if name in mapping.used_columns())

    def __iter__(self) -> Iterator[Line]:
        number = 0
        with self._open() as file:
            for batch in file.iter_batches(_BATCH_ROWS, columns=list(self.header)):
                columns = [_texts(batch.column(name)) for name in self.header]
                for values in zip(*columns, strict=True):
                    number += 1
                    if any(values):
                        yield Line(number, values)

    def _open(self) -> Any:
        try:
            return ParquetFile(self._path)
        except pa.ArrowInvalid as error:
            raise MappingError(f"{self._path} is no Parquet file: {error}") from error


def _texts(column: Any) -> list[str]:
    kind = column.type
    # Python's times end at microseconds; a call's at milliseconds.
    if pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("ms", kind.tz), safe=False)
    elif pa.types.is_duration(kind):
        column = column.cast(pa.duration("ms"), safe=False)
    elif pa.types.is_time(kind):
        column = column.cast(pa.time32("ms"), safe=False)
    return [cell_text(value) for value in column.to_pylist()]
