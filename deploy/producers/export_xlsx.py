"""Reading a workbook (.xlsx) row by row; only its table of texts is held in memory."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from deploy.producers.export_rows import Line, cell_text, header_of, not_installed
from deploy.producers.mapping import Mapping, MappingError

try:
    import openpyxl
except ImportError as error:
    raise not_installed("reading .xlsx", error) from error


class XlsxExport:
    """One sheet: the one that the mapping names, else the first. Dates, times and durations are read as such."""

    typed = True

    def __init__(self, path: Path, mapping: Mapping) -> None:
        self._path = path
        self._mapping = mapping
        self.header: tuple[str, ...] = mapping.columns
        if not self.header:
            self.header = next(self._sheet_rows(header=True))

    def __iter__(self) -> Iterator[Line]:
        begins = self._mapping.skip_lines + (0 if self._mapping.columns else 1)
        width = len(self.header)
        for number, row in enumerate(self._sheet_rows(), 1):
            if number <= begins or not any(row):
                continue
            # A sheet's rows are as wide as it ever was: what is empty beyond the header is no column.
            beyond = row[width:] if any(row[width:]) else ()
            yield Line(number, (*row[:width], *[""] * (width - len(row)), *beyond))

    def _sheet_rows(self, *, header: bool = False) -> Iterator[tuple[str, ...]]:
        book = self._book()
        try:
            sheet = self._sheet(book)
            sheet.reset_dimensions()  # exporters write wrong ones, and rows would be cut
            if header:
                first = next(sheet.iter_rows(min_row=self._mapping.skip_lines + 1, values_only=True), ())
                if not any(first):
                    raise MappingError(
                        f"{self._path} is empty: row {self._mapping.skip_lines + 1} should name the columns"
                    )
                yield header_of(_without_empty_end(first), self._mapping)
                return
            for row in sheet.iter_rows(values_only=True):
                yield tuple(cell_text(value) for value in row)
        finally:
            book.close()

    def _book(self) -> Any:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # styles and extensions that it does not know: not ours
                return openpyxl.load_workbook(self._path, read_only=True, data_only=True, keep_links=False)
        except (BadZipFile, KeyError, ValueError) as error:
            raise MappingError(
                f"{self._path} is no .xlsx workbook ({error}): save it anew as .xlsx, or as CSV"
            ) from error

    def _sheet(self, book: Any) -> Any:
        names = [sheet.title for sheet in book.worksheets]
        if not names:
            raise MappingError(f"{self._path} has no sheet with rows")
        if self._mapping.sheet and self._mapping.sheet not in names:
            raise MappingError(f"{self._path} has no sheet {self._mapping.sheet!r}; it has: {', '.join(names)}")
        return book[self._mapping.sheet or names[0]]


def _without_empty_end(names: tuple[Any, ...]) -> tuple[Any, ...]:
    last = max((at for at, name in enumerate(names) if name is not None), default=-1)
    return names[: last + 1]
