"""What a report says, read from the views: sums of days, hours, queues, departments, and the alerts that fired."""
# ruff: noqa: S608  (put together from constants; what is asked for travels as parameters)

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from clickhouse_connect.driver.client import Client


class Sums(NamedTuple):
    """Counts of `v_hotline_daily` or `v_daily`, summed; ratios are of these sums. Seconds for waits and handling.

    `calls` count a call once, the rest visits by arrival. `within`: answered within the promised threshold.
    """

    calls: int = 0
    calls_answered: int = 0
    calls_abandoned: int = 0
    offered: int = 0
    answered: int = 0
    abandoned: int = 0
    inbound: int = 0
    within: int = 0
    blocked: int = 0
    ended_in_menu: int = 0
    wait_s: float = 0.0
    handled_s: float = 0.0

    @property
    def service_level(self) -> float | None:
        """service_level_offered: within / offered."""
        return _share(self.within, self.offered)

    @property
    def answer_rate(self) -> float | None:
        """answer_rate_inbound: answered / (offered + ended in menu + blocked)."""
        return _share(self.answered, self.inbound)

    @property
    def abandonment_rate(self) -> float | None:
        return _share(self.abandoned, self.offered)

    @property
    def asa(self) -> float | None:
        return _share(self.wait_s, self.answered)

    @property
    def aht(self) -> float | None:
        return _share(self.handled_s, self.answered)

    def __add__(self, other: object) -> "Sums":
        assert isinstance(other, Sums)
        return Sums._make(a + b for a, b in zip(self, other, strict=True))


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


class Hour(NamedTuple):
    """One local hour of the day, over all days of the report; `expected` is None where nothing was forecast."""

    hour: int
    answered: int
    abandoned: int
    other: int
    expected: float | None


class Alert(NamedTuple):
    """One alert that fired. Times are UTC."""

    rule: str
    severity: str
    queue: str
    fired_at: datetime
    resolved_at: datetime | None
    acknowledged_by: str
    to_acknowledge_s: float | None
    summary: dict[str, str]


class Span(NamedTuple):
    """Which days of what a report is about, both included, local to the hotline."""

    feed: str
    hotline: str
    first: date
    last: date
    zone: str


class Report(NamedTuple):
    """All figures of one report; `before`: the same number of days before it."""

    span: Span
    threshold_s: int
    target: float
    days: dict[date, Sums]
    before: Sums
    queues: dict[str, Sums]
    departments: dict[str, Sums]
    hours: list[Hour]
    alerts: list[Alert]

    @property
    def total(self) -> Sums:
        return sum(self.days.values(), Sums())


_VISITS = """
    sum(t.offered) AS offered, sum(t.answered) AS answered, sum(t.abandoned) AS abandoned, sum(t.inbound) AS inbound,
    sum(t.answered_in_threshold) AS within, sum(t.blocked) AS blocked, sum(t.ended_in_menu) AS ended_in_menu,
    sum(t.wait_ms_sum) / 1000 AS wait_s, sum(t.talk_ms_sum + t.hold_ms_sum + t.acw_ms_sum) / 1000 AS handled_s
"""
_HERE = "feed = {feed:String} AND hotline = {hotline:String}"
_SPAN = f"{_HERE} AND day BETWEEN {{first:Date}} AND {{last:Date}}"

_DAYS = f"""
SELECT day, sum(t.calls_offered) AS calls, sum(t.calls_answered) AS calls_answered,
    sum(t.calls_abandoned) AS calls_abandoned, {_VISITS}
FROM v_hotline_daily AS t
WHERE {_SPAN}
GROUP BY day
ORDER BY day
"""
_QUEUES = f"SELECT queue, {_VISITS} FROM v_daily AS t WHERE {_SPAN} AND queue != '' GROUP BY queue ORDER BY offered DESC, queue"
_DEPARTMENTS = f"""
SELECT
    department, sum(t.offered) AS offered, sum(t.answered) AS answered, sum(t.abandoned) AS abandoned,
    sum(t.offered + t.ended_in_menu + t.blocked) AS inbound,
    arraySum(mapValues(mapFilter((edge, n) -> edge <= {{threshold_s:UInt32}}, sumMap(t.answered_wait)))) AS within,
    sum(t.blocked) AS blocked, sum(t.ended_in_menu) AS ended_in_menu,
    sum(t.wait_ms_sum) / 1000 AS wait_s, sum(t.talk_ms_sum + t.hold_ms_sum + t.acw_ms_sum) / 1000 AS handled_s
FROM v_cells AS t
WHERE {_SPAN} AND dimension_set = 'department'
GROUP BY department
HAVING offered > 0
ORDER BY offered DESC, department
"""
_HOURS = f"""
SELECT toHour(minute, {{zone:String}}) AS hour, sum(t.answered) AS answered, sum(t.abandoned) AS abandoned,
    sum(t.offered - t.answered - t.abandoned) AS other
FROM v_cells AS t
WHERE {_SPAN} AND dimension_set = 'hotline'
GROUP BY hour
"""
_EXPECTED = f"""
SELECT toHour(at, {{zone:String}}) AS hour, sum(t.expected) AS expected
FROM v_forecasts AS t
WHERE {_HERE} AND dimension_set = 'hotline' AND toDate(at, {{zone:String}}) BETWEEN {{first:Date}} AND {{last:Date}}
GROUP BY hour
"""
_ALERTS = f"""
SELECT rule, severity, queue, fired_at, resolved_at, acknowledged_by, time_to_acknowledge_s AS to_acknowledge_s, summary
FROM v_alert_history
WHERE {_HERE} AND toDate(fired_at, {{zone:String}}) BETWEEN {{first:Date}} AND {{last:Date}}
ORDER BY fired_at, rule, queue
LIMIT 200
"""


def _rows(client: Client, query: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    return list(client.query(query, parameters=parameters, query_tz="UTC", tz_mode="aware").named_results())


def _by(client: Client, query: str, parameters: dict[str, Any], key: str) -> dict[Any, Sums]:
    return {row.pop(key): Sums(**row) for row in _rows(client, query, parameters)}


def _hour(hour: int, counts: Mapping[str, int], expected: float | None) -> Hour:
    return Hour(hour, counts.get("answered", 0), counts.get("abandoned", 0), counts.get("other", 0), expected)


def read(client: Client, span: Span, threshold_s: int, target: float) -> Report:
    """Everything the report of `span` says; `threshold_s` and `target` are the hotline's promise."""
    told = span._asdict() | {"threshold_s": threshold_s}
    length = span.last - span.first
    one = date.resolution
    before = told | {"first": span.first - length - one, "last": span.first - one}
    hours = {row["hour"]: row for row in _rows(client, _HOURS, told)}
    expected = {row["hour"]: row["expected"] for row in _rows(client, _EXPECTED, told)}
    return Report(
        span=span,
        threshold_s=threshold_s,
        target=target,
        days=_by(client, _DAYS, told, "day"),
        before=sum(_by(client, _DAYS, before, "day").values(), Sums()),
        queues=_by(client, _QUEUES, told, "queue"),
        departments=_by(client, _DEPARTMENTS, told, "department"),
        hours=[_hour(hour, hours.get(hour, {}), expected.get(hour)) for hour in range(24)],
        alerts=[Alert(**row) for row in _rows(client, _ALERTS, told)],
    )
