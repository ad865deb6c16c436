"""A row, the table it goes to, and how a two-part version becomes one number."""

from typing import Any, NamedTuple

DAY_MS = 86_400_000


class Table(NamedTuple):
    """A table by its name, and the columns its rows have, in order."""

    name: str
    columns: tuple[str, ...]


class Row(NamedTuple):
    """One row: its table, the day (days since 1970-01-01) that it is inserted with, its values.

    Instants are epoch ms, days are days since 1970-01-01.
    """

    table: Table
    day: int
    values: tuple[Any, ...]


def packed_version(version: tuple[int, int]) -> int:
    """(offset, clock ms) as one number that sorts the same: offset * 2^48 + clock."""
    offset, clock = version
    return (offset << 48) + clock
