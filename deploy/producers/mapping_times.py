"""Reading times and durations of an export: local times, wraps at midnight, sentinels, steps back, Excel serials."""

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from deploy.producers.local_times import DAY_MS, Chooser, Instant, LocalClock, exact
from deploy.producers.mapping_parts import TimeFormat
from streams.contract import RepairKind
from streams.stays import CLOCK_SKEW_MS, HALF_DAY_MS

_LATEST_MS = 253_402_300_799_000  # the end of the year 9999
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?", re.ASCII)
_LENGTH = re.compile(r"(-?)(\d{1,6}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?", re.ASCII)
_TYPED = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?([+-]\d{2}:\d{2})?", re.ASCII)
_UNIT_MS = {"ms": 1, "s": 1_000, "min": 60_000, "day": DAY_MS}
# Excel counts days from here; true for dates from March 1900 (its 1900 has a 29 February).
EXCEL_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001  # serials are local times
_EXCEL_SERIALS = (61.0, 2_958_466.0)


class UnreadableError(ValueError):
    """A value that is no time, date or duration; the text says why, with digits masked: it may be misplaced."""

    def __init__(self, value: str, problem: str) -> None:
        super().__init__(f"{masked(value)} {problem}")


def masked(value: str) -> str:
    """The beginning of a value as a message may show it: quoted, digits masked."""
    return repr(re.sub(r"\d", "#", value[:24]))


def step_back(step: int) -> tuple[RepairKind, ...]:
    """How a length of time (ms) that should not be negative is named; empty if it needs no repair."""
    if step >= 0:
        return ()
    return ("clock_skew",) if step >= -CLOCK_SKEW_MS else ("order",)


def _clock_ms(text: str) -> int:
    """Milliseconds since midnight of `H:MM`, `H:MM:SS` or `H:MM:SS.fff`."""
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise UnreadableError(text, "is no time of day")
    hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
    if hour > 23 or minute > 59 or second > 59:
        raise UnreadableError(text, "is no time of day")
    return ((hour * 60 + minute) * 60 + second) * 1_000 + int((match[4] or "").ljust(3, "0")[:3])


def _length_ms(text: str) -> int | None:
    """Milliseconds of a length written `H:MM` or `H:MM:SS`, of any number of hours; None if it is none."""
    match = _LENGTH.fullmatch(text)
    if match is None or int(match[3]) > 59 or int(match[4] or 0) > 59:
        return None
    seconds = (int(match[2]) * 60 + int(match[3])) * 60 + int(match[4] or 0)
    ms = seconds * 1_000 + int((match[5] or "").ljust(3, "0")[:3])
    return -ms if match[1] else ms


def duration_ms(text: str, unit: str) -> int:
    """A stated duration in ms, rounded; may be negative (the caller mends it). Raises UnreadableError.

    `H:MM:SS` is read whatever the unit: it says its own (and is how a workbook's durations arrive).
    """
    length = _length_ms(text)
    if length is not None:
        return length
    if unit == "clock":
        raise UnreadableError(text, "is no H:MM:SS")
    try:
        value = float(text)
    except ValueError:
        raise UnreadableError(text, "is no number") from None
    if not -1e12 < value < 1e12:
        raise UnreadableError(text, "is no duration")
    return round(value * _UNIT_MS[unit])


def _excel(text: str) -> datetime | None:
    """The local time of an Excel serial (days since the end of 1899), to the ms; None if it cannot be one."""
    try:
        serial = float(text)
    except ValueError:
        return None
    if not _EXCEL_SERIALS[0] <= serial < _EXCEL_SERIALS[1]:
        return None
    return EXCEL_EPOCH + timedelta(milliseconds=round(serial * DAY_MS))


def _typed_cell(text: str) -> datetime | None:
    """What a date cell (of a workbook, of Parquet) or a serial says; None for text that people wrote."""
    return datetime.fromisoformat(text) if _TYPED.fullmatch(text) else _excel(text)


def _pattern(pattern: str) -> Callable[[str], datetime]:
    # Without a zone of its own a time is in the mapping's.
    return lambda text: datetime.strptime(text, pattern)  # noqa: DTZ007


class TimeReader:
    """Reads the times of one row after another in the order in which they happen.

    `typed`: the file has cells that are dates themselves (workbook, Parquet), or their serials: they are read
    whatever format the mapping names. Call `follow` with the first moment of each row that was read.
    """

    def __init__(self, spec: TimeFormat, zone: ZoneInfo, *, typed: bool = False) -> None:
        self._spec = spec
        self._clock = LocalClock(zone)
        self._chooser = Chooser(spec.fold)
        self._typed = typed or spec.names("excel")
        self._dates: dict[str, date] = {}
        self._never = frozenset(spec.never)
        self._epoch_ms = 1_000 if spec.names("epoch_s") else 1 if spec.names("epoch_ms") else 0
        self._readers = [
            datetime.fromisoformat if name == "iso" else _pattern(name)
            for name in spec.format
            if name == "iso" or "%" in name
        ]
        self.follow = self._chooser.follow

    def is_never(self, text: str) -> bool:
        return text in self._never

    def day(self, text: str) -> date:
        """The date of a row; raises UnreadableError."""
        known = self._dates.get(text)
        if known is None:
            try:
                known = datetime.strptime(text, self._spec.date_format).date()  # noqa: DTZ007  # a date has no zone
            except ValueError:
                cell = _typed_cell(text) if self._typed else None
                if cell is None:
                    raise UnreadableError(text, f"is no date as in {self._spec.date_format}") from None
                known = cell.date()
            self._dates[text] = known
        return known

    def first(self, text: str, day: date | None) -> tuple[int, tuple[RepairKind, ...]]:
        """The time of the first moment of a row, epoch ms, and what had to be mended; raises UnreadableError."""
        found = self._at(text, day, 0)
        return self._chooser.first_of_row(found), found.repairs

    def next(self, text: str, day: date | None, previous: int) -> tuple[int, tuple[RepairKind, ...]]:
        """The time of a later moment, epoch ms, and what had to be mended.

        A step of less than -12 h is a wrap at midnight and puts the time on the next day. Any other step
        back keeps the time as it stands: it is only named, durations made of it are 0.
        """
        instant = self._at(text, day, 0)
        found = self._chooser.later_in_row(instant, previous)
        step = found - previous
        if step >= -HALF_DAY_MS:
            return found, (*instant.repairs, *step_back(step))
        if day is None and step < -HALF_DAY_MS - DAY_MS:
            return found, ("order",)  # the date itself is another one
        instant = self._at(text, day, -((step + HALF_DAY_MS) // DAY_MS))
        found = self._chooser.later_in_row(instant, previous)
        return found, ("midnight", *instant.repairs, *step_back(found - previous))

    def _at(self, text: str, day: date | None, days: int) -> Instant:
        try:
            if day is not None:
                found = self._clock.at(day + timedelta(days=days), self._of_day(text))
            else:
                found = self._with_date(text).plus(days * DAY_MS)
        except (OverflowError, OSError):
            raise UnreadableError(text, "is out of range") from None
        if not 0 <= found.first <= _LATEST_MS:
            raise UnreadableError(text, "is out of range")
        return found

    def _of_day(self, text: str) -> int:
        if self._typed and ":" not in text:
            try:
                fraction = float(text)
            except ValueError:
                fraction = -1.0
            if 0 <= fraction < 1:
                return round(fraction * DAY_MS)
        return _clock_ms(text)

    def _with_date(self, text: str) -> Instant:
        if self._epoch_ms and not (self._typed and _TYPED.fullmatch(text)):
            return exact(round(self._number(text) * self._epoch_ms))
        found = self._written(text)
        if found.tzinfo is not None:
            return exact(round(found.astimezone(UTC).timestamp() * 1_000))
        return self._clock.of(found)

    def _number(self, text: str) -> float:
        try:
            found = float(text)
        except ValueError:
            raise UnreadableError(text, f"is no time as in {self._spec.named}") from None
        if not math.isfinite(found):
            raise UnreadableError(text, "is out of range")
        return found

    def _written(self, text: str) -> datetime:
        if self._typed and (cell := _typed_cell(text)) is not None:
            return cell
        for read in self._readers:
            try:
                return read(text)
            except ValueError:
                continue
        raise UnreadableError(text, f"is no time as in {self._spec.named}")


def one_digit_hour(text: str) -> bool:
    """Whether a clock time is written with an hour of one digit."""
    return text[1:2] == ":"
