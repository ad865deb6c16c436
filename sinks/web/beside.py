"""What stands beside today's figures and only ClickHouse knows: the same time last week, and the wait to expect. Pure.

- `/api/v1/last_week`: the local day a week ago, per quarter of an hour and as figures up to the same time of day.
- `/api/v1/estimated_wait`: what somebody who queues now will wait: the wait of the last one served. Beside it how far
  such a guess was off in the last hour: each visit answered since against the last one answered before it queued.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from deploy.runtime.settings import Hotline, Settings
from sinks.clickhouse.why import Statement
from sinks.web.limited_board import Readable
from sinks.web.past import in_steps
from sinks.web.rolling import shown
from sinks.web.sees import Sees, conditions
from sinks.web.snapshot import DAY_STEP_MS
from sinks.web.summary import BadRequestError, Query, choose, given_of, heading, iso
from streams.contract.cells import MINUTE_MS, Counts
from streams.contract.local_days import local_day

PARAMETERS = ("hotline", "queue")
WEEK = timedelta(days=7)
LOOKED_BACK_MS = 60 * MINUTE_MS
"""The wait of somebody who was served longer ago says nothing of now."""


def week_before(instant: int, config: Hotline) -> int:
    """The same time of day a week ago, by the hotline's clocks (ms)."""
    local = datetime.fromtimestamp(instant / 1000, config.zone)
    return int((local - WEEK).timestamp() * 1000)


def last_week(parameters: Mapping[str, str], board: Readable, settings: Settings, now: int) -> Query:
    """The span [midnight, same time of day) a week ago; whole minutes. Raises BadRequestError."""
    query, _ = choose(given_of(parameters, PARAMETERS), board, settings)
    config = settings.hotline(query.hotline)
    clock = board.clock or now
    start = week_before(local_day(clock, config.zone).start, config)
    end = week_before(clock - clock % MINUTE_MS + MINUTE_MS, config)
    return query._replace(start=start, end=max(end, start + MINUTE_MS))


def day_of(query: Query, config: Hotline) -> Statement:
    """Visits by quarter of an hour of the whole day that the span begins."""
    assert query.start is not None
    return in_steps(query._replace(end=local_day(query.start, config.zone).end), DAY_STEP_MS)


def week_answer(
    query: Query, counts: Counts, steps: Sequence[Mapping[str, Any]], config: Hotline, clock: int
) -> dict[str, Any]:
    """`offered` is of today's quarters, each beside the same time of day a week ago; None: nothing is known of that day."""
    today = local_day(clock, config.zone)
    came = {row["step_ms"]: int(row["offered"]) for row in steps}
    known = bool(steps)
    quarters = range(today.start, today.end, DAY_STEP_MS)
    return {
        **heading(query, config),
        "start": today.start,
        "step_s": DAY_STEP_MS // 1000,
        "offered": [came.get(week_before(quarter, config), 0) if known else None for quarter in quarters],
        "figures": shown(counts, query.threshold_s) if known else None,
    }


def waits(
    parameters: Mapping[str, str], board: Readable, settings: Settings, now: int, sees: Sees
) -> tuple[Query, Statement]:
    """What to ask for one queue. Raises BadRequestError where none is named."""
    query, _ = choose(given_of(parameters, PARAMETERS), board, settings)
    if query.queue is None:
        raise BadRequestError("queue is missing: a wait is expected in one queue")
    as_of = board.clock or now
    where, may = conditions(sees, settings.hotline(query.hotline))
    conditions_ = " AND ".join(
        (
            "feed = {feed:String} AND hotline = {hotline:String} AND queue = {queue:String} AND outcome = 'answered'",
            "queued_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC') - INTERVAL 2 HOUR",
            "answered_at > fromUnixTimestamp64Milli({since:Int64}, 'UTC')",
            "answered_at <= fromUnixTimestamp64Milli({as_of:Int64}, 'UTC')",
            *where,
        )
    )
    sql = f"""
WITH served AS (SELECT queue, queued_at, answered_at, wait_ms FROM v_visits WHERE {conditions_})
SELECT
    argMax(wait_ms, answered_at) / 1000 AS wait_s,
    toUnixTimestamp64Milli(max(answered_at)) AS served_ms,
    count() AS served,
    (SELECT avg(abs(later.wait_ms - earlier.wait_ms)) / 1000 FROM served AS later
        ASOF JOIN served AS earlier ON later.queue = earlier.queue AND later.queued_at >= earlier.answered_at) AS mean_error_s
FROM served
"""  # noqa: S608
    parameters_ = {
        "feed": query.feed,
        "hotline": query.hotline,
        "queue": query.queue,
        "as_of": as_of,
        "since": as_of - LOOKED_BACK_MS,
    }
    return query, Statement(sql, parameters_ | may)


def wait_answer(query: Query, row: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Seconds; None where nobody was served within the hour, or none of them queued after another was."""
    error = row["mean_error_s"]
    return {
        "feed": query.feed,
        "hotline": query.hotline,
        "queue": query.queue,
        "time_zone": settings.hotline(query.hotline).time_zone,
        "estimated_wait_s": row["wait_s"] if row["served"] else None,
        "served_at": iso(row["served_ms"]) if row["served"] else None,
        "mean_error_s": None if error is None or error != error else error,  # noqa: PLR0124  (a mean of nothing)
        "served": row["served"],
    }
