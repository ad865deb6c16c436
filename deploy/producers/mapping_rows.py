"""Reading one row of an export: its shape is mended where only one way is possible, else it is rejected. Pure."""

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Dict
from itertools import combinations, islice
from typing import NamedTuple
from zoneinfo import ZoneInfo

from deploy.producers.mapping import Mapping, RowOutcome
from deploy.producers.mapping_events import RejectedError, Row
from deploy.producers.mapping_times import TimeReader
from streams.contract import CallEvent, RejectionKind, RepairKind

_MAX_WAYS = 200


class Rejection(NamedTuple):
    """Why a row could not be read; `reason` holds no personal data."""

    kind: RejectionKind
    reason: str


class ReadRow(NamedTuple):
    """The events of one call in order of happening, what the row is counted as, and what was mended."""

    outcome: RowOutcome
    events: tuple[CallEvent, ...]
    repairs: frozenset[RepairKind]


class RowReader:
    """Reads rows by a mapping; every event carries the given feed and generation.

    `header` names the columns of the rows in order (for jsonl: the keys that are read). Raises
    MappingError if one that the mapping needs is missing.
    """

    def __init__(self, mapping: Mapping, header: Sequence[str], *, feed: str, generation: int) -> None:
        mapping.check_header(header)
        self._mapping = mapping
        self._header = tuple(header)
        self._words = {word.strip().casefold(): meaning for word, meaning in mapping.outcome.words.items()}
        self._times = TimeReader(mapping.time, ZoneInfo(mapping.zone))
        self._feed = feed
        self._generation = generation

    def read(self, values: Sequence[str]) -> ReadRow | Rejection:
        """The values of a row's columns -> events, or why not.

        A row that is short of columns because a blank stands in place of a separator is mended if
        exactly one way to part it can be read.
        """
        width = len(self._header)
        if len(values) == width:
            return self._read(values)
        wrong = Rejection("schema", f"{len(values)} columns instead of {width}")
        if len(values) < width:
            return self._read_shifted(values, wrong)
        if any(value.strip() for value in values[width:]):
            return wrong
        return _mended(self._read(values[:width]))

    def _read_shifted(self, values: Sequence[str], wrong: Rejection) -> ReadRow | Rejection:
        ways = list(islice(_ways_to_part(values, len(self._header) - len(values)), _MAX_WAYS + 1))
        if len(ways) > _MAX_WAYS:
            return wrong
        readings: list[ReadRow] = []
        for way in ways:
            row = self._read(way)
            if isinstance(row, ReadRow) and all(row.events != other.events for other in readings):
                readings.append(row)
        return _mended(readings[0]) if len(readings) == 1 else wrong

    def _read(self, values: Sequence[str]) -> ReadRow | Rejection:
        row = Row(self._mapping, self._times, dict(zip(self._header, values, strict=True)))
        try:
            outcome, events = row.read(self._words, self._feed, self._generation)
        except RejectedError as error:
            return Rejection(error.kind, str(error))
        return ReadRow(outcome, events, frozenset(row.repairs))


def _mended(row: ReadRow | Rejection) -> ReadRow | Rejection:
    return row._replace(repairs=row.repairs | {"whitespace"}) if isinstance(row, ReadRow) else row


def _ways_to_part(values: Sequence[str], short_of: int) -> Iterator[list[str]]:
    """Every way to take `short_of` blanks inside values as separators."""
    blanks = [(at, place) for at, value in enumerate(values) for place, sign in enumerate(value) if sign == " "]
    for chosen in combinations(blanks, short_of):
        cuts: Dict[int, list[int]] = {}
        for at, place in chosen:
            cuts = {**cuts, at: [*cuts.get(at, []), place]}
        way: list[str] = []
        for at, value in enumerate(values):
            start = 0
            for place in cuts.get(at, []):
                way.append(value[start:place])
                start = place + 1
            way.append(value[start:])
        yield way
