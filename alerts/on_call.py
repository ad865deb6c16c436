"""Who is on call when: rotations with handovers, overrides, and shifts of a calendar. Pure; `now` in ms.

```yaml
schedules:
  - name: engineers                    # a chain may name it like a receiver
    time_zone: Asia/Shanghai
    rotations:                         # the last one that is in force at an hour decides
      - {people: [li, wang], begin: "2026-11-02T09:00", every: week}
      - {people: [night-desk], begin: "2026-11-02T21:00", every: day, hours: "21:00-09:00"}
    overrides: [{person: chen, begin: "2026-11-22T09:00", end: "2026-11-22T18:00"}]
    calendar: {url_file: /run/secrets/on-call-ics}     # its events are named after receivers; it stands over rotations
    otherwise: chief                   # when nobody else is
```

Times without an offset are local. A handover keeps its wall-clock time when the clocks change.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import Annotated, Any, Literal, NamedTuple, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from alerts.channels.settings import secrets_from_files
from deploy.runtime.address import SecretAddress
from deploy.runtime.section import Section
from deploy.runtime.service_settings import in_span
from deploy.runtime.settings import TimeZone

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")]


def _local(at: datetime) -> datetime:
    if at.tzinfo is not None:
        raise ValueError("write local time without an offset; the zone stands in time_zone")
    return at


LocalTime = Annotated[datetime, AfterValidator(_local)]


class Rotation(Section):
    """`people` in turn, each for a day or a week, from `begin` on; `hours`: only then (`21:00-09:00`)."""

    people: Annotated[tuple[Name, ...], Field(min_length=1)]
    begin: LocalTime
    every: Literal["day", "week"] = "week"
    hours: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$")] | None = None

    def person(self, local: datetime) -> str | None:
        """Who it names at a local time, if it is in force."""
        if local < self.begin or not self._in_force(local):
            return None
        turns = (local - self.begin).days // (7 if self.every == "week" else 1)
        return self.people[turns % len(self.people)]

    def _in_force(self, local: datetime) -> bool:
        if self.hours is None:
            return True
        begin, end = (time.fromisoformat(part) for part in self.hours.split("-"))
        return in_span(local, begin, end, lambda _day: True)


class Override(Section):
    """One person instead of whoever it would be, from `begin` to before `end`."""

    person: Name
    begin: LocalTime
    end: LocalTime

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.begin >= self.end:
            raise ValueError("an override ends after it begins")
        return self


class Calendar(Section):
    """An iCalendar address: a secret, since whoever has it may read."""

    url: SecretAddress

    @model_validator(mode="before")
    @classmethod
    def _from_file(cls, data: Any) -> Any:
        return secrets_from_files(data)


class Schedule(Section):
    """Who of several is called. `otherwise`: a receiver, for hours that nobody has."""

    name: Name
    time_zone: TimeZone
    rotations: tuple[Rotation, ...] = ()
    overrides: tuple[Override, ...] = ()
    calendar: Calendar | None = None
    otherwise: Name

    def people(self) -> set[str]:
        """Everybody it can name, the calendar aside."""
        rotating = {person for rotation in self.rotations for person in rotation.people}
        return rotating | {override.person for override in self.overrides} | {self.otherwise}


class Shift(NamedTuple):
    """One event of a calendar, [begin, end) in ms."""

    person: str
    begin: int
    end: int


MINUTE_MS = 60_000
LOOK_AHEAD_MS = 14 * 86_400_000


class OnCall:
    """Answers who is meant by a name in a chain; `shifts` of calendars are brought in from outside."""

    def __init__(self, schedules: Sequence[Schedule]) -> None:
        self._schedules = {schedule.name: schedule for schedule in schedules}
        self.shifts: Mapping[str, Sequence[Shift]] = {}

    def receiver(self, name: str, now: int) -> str:
        """The receiver that a chain's `name` means now: itself, or whoever is on call in the schedule of that name."""
        schedule = self._schedules.get(name)
        return name if schedule is None else self._person(schedule, now)

    def everybody(self, now: int) -> dict[str, str]:
        """Schedule -> the receiver that it means now."""
        return {name: self._person(schedule, now) for name, schedule in self._schedules.items()}

    def handover(self, name: str, now: int) -> int | None:
        """When somebody else is meant by `name` (ms, a whole minute); None: in the next two weeks nobody else is."""
        person, first = self.receiver(name, now), now - now % MINUTE_MS + MINUTE_MS
        minutes = range(first, now + LOOK_AHEAD_MS, MINUTE_MS)
        return next((at for at in minutes if self.receiver(name, at) != person), None)

    def _person(self, schedule: Schedule, now: int) -> str:
        local = datetime.fromtimestamp(now / 1000, ZoneInfo(schedule.time_zone)).replace(tzinfo=None)
        for override in reversed(schedule.overrides):
            if override.begin <= local < override.end:
                return override.person
        shifts = [shift for shift in self.shifts.get(schedule.name, ()) if shift.begin <= now < shift.end]
        if shifts:
            return max(shifts, key=lambda shift: (shift.begin, shift.person)).person
        for rotation in reversed(schedule.rotations):
            person = rotation.person(local)
            if person is not None:
                return person
        return schedule.otherwise
