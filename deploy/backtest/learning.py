"""What the days before a backtest were worth: few of them, or days that were not ordinary, and incidents are missed."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from math import sqrt
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from deploy.backtest.against import Label
from deploy.backtest.play import Fired

ENOUGH_DAYS = 28
"""Four of each weekday: of fewer how much such days differ is hardly known."""
FEW_ODD_DAYS = 2
"""Departures that even the best of lines has."""

Row = TypeVar("Row")


class Learning(NamedTuple):
    """`days`: those with calls that were learned from. `odd`: those of them on which an alarm was told, or a known
    incident lay; early ones are not seen, as little is expected by then.
    """

    days: int
    odd: int

    @property
    def short(self) -> bool:
        return self.days < ENOUGH_DAYS

    def departed(self, allowed: float) -> bool:
        """Whether they hold more departures than chance brings where so many false alarms a week are allowed."""
        due = allowed * self.days / 7
        return self.odd > max(FEW_ODD_DAYS, due + 2 * sqrt(due))


class Learned:
    """Notes which days before `start` (ms) had calls, and whether any came after it (`judged`), as they are read."""

    def __init__(self, zone: ZoneInfo, start: int) -> None:
        self._zone, self._start = zone, start
        self._days: set[date] = set()
        self.judged = False

    def days_of(self, rows: Iterable[tuple[int, Row]]) -> Iterator[tuple[int, Row]]:
        """The same rows, each of them a time (ms) and what came then, if anything."""
        for at, came in rows:
            if came and at < self._start:
                self._days.add(self._day(at))
            elif came:
                self.judged = True
            yield at, came

    def worth(self, fired: Sequence[Fired], labels: Sequence[Label]) -> Learning:
        """What they were worth, by what fired in them and what is known of them."""
        odd = {self._day(it.at) for it in fired} | {self._day(it.begin) for it in labels}
        return Learning(len(self._days), len(odd & self._days))

    def _day(self, at: int) -> date:
        return datetime.fromtimestamp(at / 1000, self._zone).date()
