"""Reading times and durations of an export: local clock times, wraps at midnight, sentinels, steps back."""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from deploy.producers.mapping import TimeFormat
from streams.contract import RepairKind

CLOCK_SKEW_MS = 5_000
HALF_DAY_MS = 12 * 3_600_000
DAY_MS = 86_400_000
_LATEST_MS = 253_402_300_799_000  # the end of the year 9999
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?", re.ASCII)
_UNIT_MS = {"ms": 1, "s": 1_000, "min": 60_000}


class UnreadableError(ValueError):
    """A value that is no time, date or duration; the text says why, with digits masked: it may be misplaced."""

    def __init__(self, value: str, problem: str) -> None:
        super().__init__(f"{re.sub(r'[0-9]', '#', value[:24])!r} {problem}")


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


def duration_ms(text: str, unit: str) -> int:
    """A stated duration in ms, rounded; may be negative (the caller mends it). Raises UnreadableError."""
    if unit == "clock":
        return _clock_ms(text)
    try:
        value = float(text)
    except ValueError:
        raise UnreadableError(text, "is no number") from None
    if not -1e12 < value < 1e12:
        raise UnreadableError(text, "is no duration")
    return round(value * _UNIT_MS[unit])


class _Days:
    """Local dates and times as epoch ms. Days without a change of the clocks are looked up."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._plain: dict[date, int | None] = {}

    def _epoch(self, local: datetime, fold: int = 0) -> int:
        return round(local.replace(tzinfo=self._zone, fold=fold).timestamp() * 1_000)

    def at(self, day: date, of_day: int, fold: int) -> int:
        if day not in self._plain:
            start, end = (self._epoch(datetime.combine(d, time())) for d in (day, day + timedelta(days=1)))
            self._plain[day] = start if end - start == DAY_MS else None
        start_or_none = self._plain[day]
        if start_or_none is not None:
            return start_or_none + of_day
        return self._epoch(datetime.combine(day, time()) + timedelta(milliseconds=of_day), fold)

    def of(self, local: datetime, fold: int) -> int:
        return self._epoch(local, fold)


class TimeReader:
    """Reads the times of one row after another in the order in which they happen."""

    def __init__(self, spec: TimeFormat, zone: ZoneInfo) -> None:
        self._spec = spec
        self._days = _Days(zone)
        self._dates: dict[str, date] = {}
        self._never = frozenset(spec.never)

    def is_never(self, text: str) -> bool:
        return text in self._never

    def day(self, text: str) -> date:
        """The date of a row; raises UnreadableError."""
        known = self._dates.get(text)
        if known is None:
            try:
                known = datetime.strptime(text, self._spec.date_format).date()  # noqa: DTZ007  # a date has no zone
            except ValueError:
                raise UnreadableError(text, f"is no date as in {self._spec.date_format}") from None
            self._dates[text] = known
        return known

    def first(self, text: str, day: date | None) -> int:
        """The time of the first moment of a row, epoch ms; raises UnreadableError."""
        return self._at(text, day, 0, 0)

    def next(self, text: str, day: date | None, previous: int) -> tuple[int, tuple[RepairKind, ...]]:
        """The time of a later moment, epoch ms, and what had to be mended.

        A step of less than -12 h is a wrap at midnight and puts the time on the next day. Any other step
        back keeps the time as it stands: it is only named, durations made of it are 0.
        """
        found = self._at(text, day, 0, 0)
        if found < previous:
            again = self._at(text, day, 0, 1)  # the second of the two hours when clocks go back
            if again >= previous:
                return again, ()
        step = found - previous
        if step >= -HALF_DAY_MS:
            return found, step_back(step)
        if day is None and step < -HALF_DAY_MS - DAY_MS:
            return found, ("order",)  # the date itself is another one
        found = self._at(text, day, -((step + HALF_DAY_MS) // DAY_MS), 0)
        return found, ("midnight", *step_back(found - previous))

    def _at(self, text: str, day: date | None, days: int, fold: int) -> int:
        try:
            if day is not None:
                found = self._days.at(day + timedelta(days=days), _clock_ms(text), fold)
            else:
                found = self._with_date(text, fold) + days * DAY_MS
        except (OverflowError, OSError):
            raise UnreadableError(text, "is out of range") from None
        if not 0 <= found <= _LATEST_MS:
            raise UnreadableError(text, "is out of range")
        return found

    def _with_date(self, text: str, fold: int) -> int:
        kind = self._spec.format
        try:
            if kind in {"epoch_s", "epoch_ms"}:
                return round(float(text) * (1_000 if kind == "epoch_s" else 1))
            # Without a zone of its own a time is in the mapping's, below.
            found = datetime.fromisoformat(text) if kind == "iso" else datetime.strptime(text, kind)  # noqa: DTZ007
        except ValueError:
            raise UnreadableError(text, f"is no time as in {kind}") from None
        if found.tzinfo is not None:
            return round(found.astimezone(UTC).timestamp() * 1_000)
        return self._days.of(found, fold)


def one_digit_hour(text: str) -> bool:
    """Whether a clock time is written with an hour of one digit."""
    return text[1:2] == ":"
