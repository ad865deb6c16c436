"""Reading one row of an export: its shape is mended where only one way is possible, else it is rejected. Pure."""

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Dict
from itertools import combinations, islice
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from deploy.producers.mapping import Mapping
from deploy.producers.mapping_calls import CallRow
from deploy.producers.mapping_log import LogRow
from deploy.producers.mapping_times import TimeReader
from deploy.producers.mapping_values import RejectedError, Values
from streams.contract import CallEvent, RejectionKind, RepairKind
from streams.contract.events import MAX_EVENT_BYTES

LEFT_OUT = "left_out"
_MAX_WAYS = 200


class Rejection(NamedTuple):
    """Why a row could not be read, as `streams.intake.Rejection` says it of an event; `detail` holds no personal data."""

    reason: RejectionKind
    detail: str


class ReadRow(NamedTuple):
    """The events of one row in order of happening, what it counts as, what was mended or not understood (columns).

    `outcome`: the call's (a row per call), the event's type (an event log), `ignored`, or `left_out` by `where`.
    """

    outcome: str
    events: tuple[CallEvent, ...]
    repairs: frozenset[RepairKind] = frozenset()
    not_understood: frozenset[str] = frozenset()


class RowReader:
    """Reads rows by a mapping; every event carries the given feed and generation.

    `header` names the columns of the rows in order (for jsonl: the keys that are read). `typed`: the rows come
    from a workbook or Parquet, where dates are dates. Raises MappingError if a column that the mapping needs is
    missing.
    """

    def __init__(
        self, mapping: Mapping, header: Sequence[str], *, feed: str, generation: int, typed: bool = False
    ) -> None:
        mapping.check_header(header)
        self._mapping = mapping
        self._header = tuple(header)
        self._times = TimeReader(mapping.time, ZoneInfo(mapping.zone), typed=typed)
        common: dict[str, Any] = {
            "hotline": mapping.hotline,
            "feed": feed,
            "generation": generation,
        }
        self._row = (CallRow if mapping.events is None else LogRow)(mapping, self._times, common)

    def read(self, values: Sequence[str]) -> ReadRow | Rejection:
        """The values of a row's columns -> events, or why not.

        A row that is short of columns because a blank stands in place of a separator is mended if
        exactly one way to part it can be read.
        """
        width = len(self._header)
        if self._mapping.events is not None:
            # A log's lines end where they have nothing more to say; what goes beyond the columns is not read.
            values = [*values[:width], *[""] * (width - len(values))]
        if len(values) == width:
            return self._followed(self._read(values))
        wrong = Rejection("schema", f"{len(values)} columns instead of {width}")
        if len(values) < width:
            return self._followed(self._read_shifted(values, wrong))
        if any(value.strip() for value in values[width:]):
            return wrong
        return self._followed(_mended(self._read(values[:width])))

    def _followed(self, row: ReadRow | Rejection) -> ReadRow | Rejection:
        """Let the times of the next row be read after this one's."""
        if isinstance(row, ReadRow) and row.events:
            self._times.follow(int(row.events[0].time))
        return row

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
        row = Values(self._mapping, dict(zip(self._header, values, strict=True)))
        try:
            if not row.wanted():
                return ReadRow(LEFT_OUT, ())
            outcome, events = self._row.read(row)
        except RejectedError as error:
            return Rejection(error.reason, str(error))
        if events and len(msgspec.json.encode(events[0])) > MAX_EVENT_BYTES:
            return Rejection("too_large", f"more than {MAX_EVENT_BYTES} bytes")
        return ReadRow(outcome, tuple(events), frozenset(row.repairs), frozenset(row.not_understood))


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
