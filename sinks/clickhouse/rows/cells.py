"""Base cells, gauges and forecasts as rows of `cells`, `gauges`, `forecasts`."""

from functools import cache
from operator import attrgetter

from sinks.clickhouse.days import DayOf
from sinks.clickhouse.rows.table import DAY_MS, Row, Table
from streams.contract.cells import BY_NUMBER, COUNTERS, DIMENSIONS, Cell, Forecast, Gauge

PLAIN = tuple(name for name in COUNTERS if name not in BY_NUMBER)
"""Counters with a column of a number; those of `BY_NUMBER` have a map column each."""

_TOLD = (
    "feed",
    "generation",
    "hotline",
    "dimension_set",
    *DIMENSIONS,
    "minute",
    "final",
    "sources_expected",
    "sources_heard",
    "version",
)
CELLS = Table("cells", (*_TOLD, "day", *PLAIN, *BY_NUMBER))
_told = attrgetter(*_TOLD)
_NOTHING: dict[int, int] = {}  # shared by all rows, never written to

GAUGE_SLOT_MS = 10_000
_GAUGE = (
    "feed",
    "hotline",
    "dimension_set",
    "queue",
    "at",
    "waiting",
    "waiting_over_threshold",
    "oldest_queued_at",
    "in_service",
    "threshold_s",
    "agents",
    "breaks",
    "version",
)
GAUGES = Table("gauges", (*_GAUGE, "slot"))
_gauge = attrgetter(*_GAUGE)

_FORECAST = (
    "feed",
    "hotline",
    "dimension_set",
    "queue",
    "start",
    "step_s",
    "expected",
    "lower",
    "upper",
    "days_learned",
    "version",
)
FORECASTS = Table("forecasts", _FORECAST)
_forecast = attrgetter(*_FORECAST)


@cache
def _place(counter: str) -> tuple[int, int]:
    """(index into PLAIN, -1) or (index into BY_NUMBER, number). Raises ValueError for any other name."""
    name, dot, number = counter.partition(".")
    if dot and name in BY_NUMBER:
        return BY_NUMBER.index(name), int(number)
    if not dot and name in PLAIN:
        return PLAIN.index(name), -1
    raise ValueError(f"counter {counter!r} has no column in the table cells")


def cell_row(cell: Cell, day_of: DayOf) -> Row:
    """Raises ValueError naming a counter that the table does not have: it may not be lost silently."""
    plain = [0] * len(PLAIN)
    by_number = [_NOTHING] * len(BY_NUMBER)
    for counter, count in cell.counts.items():
        index, number = _place(counter)
        if number < 0:
            plain[index] = count
        elif by_number[index] is _NOTHING:
            by_number[index] = {number: count}
        else:
            by_number[index][number] = count
    day = day_of(cell.hotline, cell.minute)
    return Row(CELLS, cell.minute // DAY_MS, (*_told(cell), day, *plain, *by_number))


def gauge_row(gauge: Gauge) -> Row:
    slot = gauge.at - gauge.at % GAUGE_SLOT_MS
    return Row(GAUGES, slot // DAY_MS, (*_gauge(gauge), slot))


def forecast_row(forecast: Forecast) -> Row:
    """Raises ValueError if its lists differ in length: its steps could not be told apart."""
    if not len(forecast.expected) == len(forecast.lower) == len(forecast.upper):
        raise ValueError("expected, lower and upper differ in length")
    return Row(FORECASTS, forecast.start // DAY_MS, _forecast(forecast))
