"""Local times as epoch ms, also in the hour that the clocks repeat and in the one that they leave out. Pure."""

from datetime import date, datetime, time, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from streams.contract import RepairKind

DAY_MS = 86_400_000
# How far a file in order of time may step back before a repeated hour is taken to have begun anew.
DISORDER_MS = 10 * 60_000
# A row says something about the next one only if the two are not further apart than this.
_NEIGHBOUR_MS = 3 * 3_600_000

Fold = Literal["first", "second", "by_order"]


class Instant(NamedTuple):
    """What a local time may mean, epoch ms: `first` and, in a repeated hour, `second` (else the same).

    A time that the clocks left out is `skipped`: it is read with the offset that held before the change, which
    moves it forward by as much as the clocks went forward (02:30 is 03:30).
    """

    first: int
    second: int
    skipped: bool = False

    @property
    def repeated(self) -> bool:
        """Whether the clocks showed this time twice."""
        return self.second != self.first

    def plus(self, ms: int) -> "Instant":
        """The same, so many milliseconds later."""
        return Instant(self.first + ms, self.second + ms, self.skipped)

    @property
    def repairs(self) -> tuple[RepairKind, ...]:
        """What reading it as one instant is counted as."""
        if self.skipped:
            return ("skipped_hour",)
        return ("repeated_hour",) if self.repeated else ()


def exact(ms: int) -> Instant:
    """An instant that leaves no choice (an epoch time, a time with an offset)."""
    return Instant(ms, ms)


class LocalClock:
    """Reads local times of one zone. Days without a change of the clocks are looked up."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._plain: dict[date, int | None] = {}

    def at(self, day: date, of_day: int) -> Instant:
        """The instant so many ms after midnight by the clocks of that day; raises OverflowError far out."""
        if day not in self._plain:
            noon = datetime.combine(day, time(12))
            edges = [noon - timedelta(hours=12), *(noon + timedelta(hours=h) for h in (-6, 0, 6, 12))]
            same = {edge.replace(tzinfo=self._zone, fold=fold).utcoffset() for edge in edges for fold in (0, 1)}
            self._plain[day] = self._epoch(edges[0], 0) if len(same) == 1 else None
        start = self._plain[day]
        if start is not None:
            return exact(start + of_day)
        return self._on_a_day_of_change(datetime.combine(day, time()) + timedelta(milliseconds=of_day))

    def of(self, local: datetime) -> Instant:
        """The instant of a local date and time."""
        of_day = ((local.hour * 60 + local.minute) * 60 + local.second) * 1_000 + round(local.microsecond / 1_000)
        return self.at(local.date(), of_day)

    def _on_a_day_of_change(self, local: datetime) -> Instant:
        first, second = self._epoch(local, 0), self._epoch(local, 1)
        return Instant(first, first, skipped=True) if second < first else Instant(first, second)

    def _epoch(self, local: datetime, fold: int) -> int:
        return round(local.replace(tzinfo=self._zone, fold=fold).timestamp() * 1_000)


class Chooser:
    """Decides which of the two a repeated time is. `by_order`: a file whose rows are in order of time shows it."""

    def __init__(self, fold: Fold) -> None:
        self._fold = fold
        self._before: int | None = None

    def follow(self, at: int) -> None:
        """The row that was read last began at `at` (epoch ms)."""
        self._before = at

    def first_of_row(self, found: Instant) -> int:
        """The first moment of a row.

        `by_order`: the first of the two that is not before the row before it (a disorder of ten minutes is
        allowed); without a row near by, the first.
        """
        if not found.repeated or self._fold == "first":
            return found.first
        if self._fold == "second":
            return found.second
        if self._before is None or abs(found.first - self._before) > _NEIGHBOUR_MS:
            return found.first
        return found.first if found.first >= self._before - DISORDER_MS else found.second

    def later_in_row(self, found: Instant, previous: int) -> int:
        """A later moment of a row: the first of the two that is not before the moment before it, whatever the rule."""
        return found.first if found.first >= previous or found.second < previous else found.second
