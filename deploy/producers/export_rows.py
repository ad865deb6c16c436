"""What every reader of exports shares: a row, a cell as text, a header, the extra that has to be installed."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

import msgspec

from deploy.producers.mapping import Mapping, MappingError
from deploy.producers.mapping_rows import Rejection

_EXACT = 1e15  # whole numbers below are exact in a cell


class Line(NamedTuple):
    """One row: the `number` of the line (or sheet row) where it ends, its values or why there are none, and whether its line
    ended in CR LF.
    """

    number: int
    values: Sequence[str] | Rejection
    carriage_return: bool = False


def cell_text(value: Any) -> str:
    """A cell as text: dates in ISO 8601, durations as `H:MM:SS`, whole numbers without a fraction."""
    if isinstance(value, str):
        return value
    write = next((write for kinds, write in _WRITERS if isinstance(value, kinds)), str)
    return write(value)


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < _EXACT else str(value)


def _length(value: timedelta) -> str:
    ms = round(value / timedelta(milliseconds=1))
    seconds, rest = divmod(abs(ms), 1_000)
    text = f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return ("-" if ms < 0 else "") + (f"{text}.{rest:03d}" if rest else text)


# In this order: a bool is an int, a datetime is a date.
_WRITERS: tuple[tuple[Any, Callable[[Any], str]], ...] = (
    (type(None), lambda _: ""),
    (bool, lambda value: "true" if value else "false"),
    (float, _number),
    ((datetime, time), lambda value: value.isoformat()),
    (date, lambda value: f"{value}T00:00:00"),
    (timedelta, _length),
    ((dict, list), lambda value: msgspec.json.encode(value, enc_hook=str).decode()),
    (bytes, lambda value: value.decode("utf-8", "surrogateescape")),
)


def header_of(names: Iterable[Any], mapping: Mapping) -> tuple[str, ...]:
    """The names of the columns, checked against the mapping; raises MappingError."""
    header = tuple(cell_text(name).strip().removeprefix("\ufeff") for name in names)
    mapping.check_header(header)
    return header


def not_installed(what: str, error: ImportError) -> MappingError:
    """What to say where a library of the extra is missing."""
    return MappingError(f"{what} needs {error.name}: pip install 'hotline-monitor[formats]'")
