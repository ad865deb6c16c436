"""When a rule is in force: hours of the week in a time zone, with days off and days on."""

from datetime import date, datetime, time
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from deploy.runtime.section import Section
from deploy.runtime.service_settings import DAYS, Day, in_span
from deploy.runtime.settings import TimeZone


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
        return in_span(datetime.fromtimestamp(at / 1000, ZoneInfo(self.time_zone)), self.begin, self.end, self._on)

    def _on(self, day: date) -> bool:
        return day in self.open or (day not in self.closed and DAYS[day.weekday()] in self.days)
