"""Tables as CSV (RFC 4180, UTF-8 with a byte order mark, so that spreadsheets read Chinese). Pure.

A text that a spreadsheet would take for a formula gets an apostrophe in front: names come from outside.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def to_csv(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Rows by name as CSV with a header; what is null is empty, numbers are exact, instants ISO with their offset."""
    text = io.StringIO()
    text.write("\ufeff")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(column)) for column in columns])
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value


def flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row whose values are numbers or texts; what is nested is left out."""
    return {name: value for name, value in row.items() if not isinstance(value, dict | list)}
