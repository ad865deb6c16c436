"""When a rule is in force: hours of the week in a time zone, with days off and days on."""

from datetime import date, datetime, time
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from deploy.runtime.section import Section
from deploy.runtime.settings import TimeZone

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Schedule(Section):
    """In force on `days` from `begin` to before `end` (local time; an `end` not after `begin` is on the next day).

    `closed`: dates on which it is not (public holidays). `open`: dates on which it is whatever the day of
    the week (make-up working days). A span that passes midnight belongs to the date it begins on.
    """

    time_zone: TimeZone
    days: Annotated[tuple[Day, ...], Field(min_length=1)] = DAYS
    begin: time = time(0)
    end: time = time(0)
    closed: frozenset[date] = frozenset()
    open: frozenset[date] = frozenset()

    @model_validator(mode="after")
    def _local_times(self) -> Self:
        if self.begin.tzinfo or self.end.tzinfo:
            raise ValueError("begin and end are local times: write 08:00; the zone stands in time_zone")
        if both := sorted(self.closed & self.open):
            raise ValueError(f"{both[0]} is in closed and in open")
        return self

    def holds(self, at: int) -> bool:
        """Whether the rule is in force at `at` (epoch ms)."""
        local = datetime.fromtimestamp(at / 1000, ZoneInfo(self.time_zone))
        now, today = local.time(), local.date()
        if self.begin < self.end:
            return self.begin <= now < self.end and self._on(today)
        if now >= self.begin:
            return self._on(today)
        return now < self.end and self._on(date.fromordinal(today.toordinal() - 1))

    def _on(self, day: date) -> bool:
        return day in self.open or (day not in self.closed and DAYS[day.weekday()] in self.days)
