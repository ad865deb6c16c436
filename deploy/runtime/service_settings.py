"""What a hotline promises its callers, at which hours, and when it is told that the promise is not kept."""

from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from deploy.runtime.section import Section
from streams.contract.metrics import Attribution, Formula, Leaving

Fraction = Annotated[float, Field(gt=0, le=1)]
Seconds = Annotated[int, Field(ge=0, le=86_400)]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Hours(Section):
    """What is promised on `days` from `begin` to before `end`, local time; `target` null: nothing.

    An `end` that is not after `begin` lies on the next day; such a span belongs to the day that it begins on.
    """

    days: Annotated[tuple[Day, ...], Field(min_length=1)] = DAYS
    begin: time = time(0)
    end: time = time(0)
    target: Fraction | None

    @model_validator(mode="after")
    def _local_times(self) -> Self:
        if self.begin.tzinfo or self.end.tzinfo:
            raise ValueError("begin and end are local times of the hotline: write 08:00")
        return self

    def hold(self, local: datetime) -> bool:
        return in_span(local, self.begin, self.end, lambda day: DAYS[day.weekday()] in self.days)


def in_span(local: datetime, begin: time, end: time, on: Callable[[date], bool]) -> bool:
    """Whether a local time lies from `begin` to before `end` of a day that is `on`.

    An `end` that is not after `begin` lies on the next day; such a span belongs to the day that it begins on.
    """
    now, today = local.time(), local.date()
    if begin < end:
        return begin <= now < end and on(today)
    if now >= begin:
        return on(today)
    return now < end and on(today - timedelta(days=1))


def target_at(hours: Iterable[Hours], local: datetime, otherwise: float) -> float | None:
    """What the first of `hours` that holds at `local` promises; None: nothing."""
    return next((span.target for span in hours if span.hold(local)), otherwise)


class Burn(Section):
    """When the error budget burns too fast: `factor` times what is allowed, surely, over any of `windows_s`, and still
    so over the last `still_s`. `min_volume`: visits that it must rest on.
    """

    windows_s: Annotated[tuple[Annotated[int, Field(ge=60, le=86_400)], ...], Field(min_length=1)]
    still_s: Annotated[int, Field(ge=60, le=86_400)]
    factor: Annotated[float, Field(ge=1, le=100)]
    min_volume: Annotated[int, Field(ge=1)]


class ServiceLevel(Section):
    """When the service level counts as under target: over `window_s`, by at least `min_volume` visits.

    `formula`, `attribution`: which of the definitions of metrics is judged. `flowed_out_and_callbacks`: whether a visit
    that left so in time is judged (null: by event it is ignored, by arrival it is a miss, as in `v_daily`).
    `budget_days`: the days over which the error budget, the share that may be missed, is kept. `fast` is set so that it
    tells within two minutes if half the callers are lost; a queue near its target has smaller bursts of its own.
    """

    window_s: Annotated[int, Field(ge=60, le=86_400)] = 900
    min_volume: Annotated[int, Field(ge=1)] = 20
    over_threshold_min: Annotated[int, Field(ge=1)] = 3
    formula: Formula = "service_level_offered"
    attribution: Attribution = "event"
    flowed_out_and_callbacks: Leaving | None = None
    budget_days: Annotated[int, Field(ge=1, le=28)] = 7
    fast: Burn = Burn(windows_s=(120, 300), still_s=60, factor=3.0, min_volume=10)
    slow: Burn = Burn(windows_s=(21_600,), still_s=1_800, factor=1.2, min_volume=100)
