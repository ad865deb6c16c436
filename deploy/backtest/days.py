"""Local days of a backtest: its midnights, and the weeks it is shown in."""

from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo


class Days(NamedTuple):
    """The calendar of a hotline; times are epoch ms."""

    zone: ZoneInfo

    def local(self, at: int) -> datetime:
        return datetime.fromtimestamp(at / 1000, self.zone)

    def day(self, at: int) -> date:
        return self.local(at).date()

    def week(self, at: int) -> str:
        """The ISO week, 2026-W10."""
        day = self.day(at).isocalendar()
        return f"{day.year}-W{day.week:02}"

    def clock(self, at: int, beside: int | None = None) -> str:
        """Local date and time; the time alone where the date is that of `beside`."""
        same = beside is not None and self.day(beside) == self.day(at)
        return f"{self.local(at):%H:%M}" if same else f"{self.local(at):%Y-%m-%d %H:%M}"

    def each(self, start: int, end: int) -> list[tuple[int, int]]:
        """[start, end) cut at every local midnight."""
        return list(pairwise(self._borders(start, end)))

    def weeks(self, start: int, end: int) -> list[tuple[int, int]]:
        """[start, end) in pieces of seven days, from its first day on."""
        borders = self._borders(start, end)
        return list(pairwise([*borders[:-1:7], borders[-1]]))

    def span(self, start: int, end: int) -> str:
        """From the first to the last day of [start, end)."""
        first, last = self.day(start), self.day(end - 1)
        return f"{first}" if first == last else f"{first} – {last}"

    def _borders(self, start: int, end: int) -> list[int]:
        found, day = [start], self.day(start) + timedelta(days=1)
        while (at := round(datetime.combine(day, time(), self.zone).timestamp() * 1000)) < end:
            found.append(at)
            day += timedelta(days=1)
        return [*found, end]
