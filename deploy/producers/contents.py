"""What an export holds: events in order of time, and what became of each row."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec

from deploy.producers.export import open_export
from deploy.producers.export_rows import Line
from deploy.producers.mapping import Mapping
from deploy.producers.mapping_rows import ReadRow, Rejection, RowReader
from deploy.producers.sorting import RUN_EVENTS, Sorted, Timed
from deploy.runtime.plurals import so_many

VISIT_OUTCOMES = ("answered", "abandoned", "flowed_out", "callback_taken")
_LISTED = 1_000
_CALLS_REMEMBERED = 400_000
_encode = msgspec.json.Encoder().encode


class CallsSeen:
    """Counts the rows that tell of the call of an earlier row, where a row is a call."""

    def __init__(self) -> None:
        self.again = 0
        self._seen: set[int] = set()  # hashes, as ids may be long

    def take(self, row: ReadRow) -> None:
        """Take in one row; ignored ones have no events."""
        if not row.events:
            return
        call = hash(row.events[0].call)
        self.again += call in self._seen
        if len(self._seen) < _CALLS_REMEMBERED:
            self._seen.add(call)

    def notes(self) -> list[str]:
        """What whoever made the mapping should know of it."""
        what = f"{so_many(self.again, 'row')} with the call of an earlier row: together they are one call"
        todo = "if they are calls of their own, name columns in `call` that tell them apart, such as [day, number]"
        return [f"{what}; {todo}"] if self.again else []


class Contents:
    """Counts of rows by outcome, repairs and rejections (the first thousand with their line), and the events."""

    def __init__(self, run_events: int = RUN_EVENTS) -> None:
        self.read = 0
        self.events = Sorted(run_events)
        self.outcomes: Counter[str] = Counter()
        self.repaired: Counter[str] = Counter()
        self.not_understood: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.rejected: list[tuple[int, Rejection]] = []
        self.calls = CallsSeen()

    @property
    def visits(self) -> int:
        return sum(self.outcomes[outcome] for outcome in VISIT_OUTCOMES)

    def take(self, line: Line, row: ReadRow | Rejection) -> None:
        """Take in what a line was read as."""
        self.read += 1
        if isinstance(row, Rejection):
            self.refused[row.reason] += 1
            if len(self.rejected) < _LISTED:
                self.rejected.append((line.number, row))
            return
        self.outcomes[row.outcome] += 1
        self.repaired.update(row.repairs)
        self.not_understood.update(row.not_understood)
        if line.carriage_return and row.events:
            self.repaired["line_end"] += 1
        for event in row.events:
            self.events.add(Timed(int(event.time), (event.call or event.agent).encode(), _encode(event)))


def rows_of(path: Path, mapping: Mapping, *, feed: str, generation: int) -> Iterator[tuple[Line, ReadRow | Rejection]]:
    """Each row of the file with what it was read as.

    Raises MappingError if columns are missing or the file is not what its name says, OSError if it cannot be read.
    """
    export = open_export(path, mapping)
    reader = RowReader(mapping, export.header, feed=feed, generation=generation, typed=export.typed)
    for line in export:
        yield line, line.values if isinstance(line.values, Rejection) else reader.read(line.values)


def read(path: Path, mapping: Mapping, *, feed: str, generation: int, run_events: int = RUN_EVENTS) -> Contents:
    """The whole file; beyond `run_events` (about 400 bytes each) the events wait on disk. Raises as `rows_of`."""
    contents = Contents(run_events)
    for line, row in rows_of(path, mapping, feed=feed, generation=generation):
        contents.take(line, row)
        if mapping.events is None and not isinstance(row, Rejection):
            contents.calls.take(row)
    return contents
