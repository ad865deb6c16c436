"""The dashboard "Queue": one queue now, over time, its waits, its agents' work, and the longest waits one by one."""
# ruff: noqa: S608  (put together from constants; values come in as Grafana's quoted variables)

from deploy.grafana import frame, queries
from deploy.grafana.agents import handling_time
from deploy.grafana.demand import against_expectation
from deploy.grafana.one_hotline import level_line, outcome_bars, wait_bars, wait_lines
from deploy.grafana.parts import (
    Json,
    leads_to,
    override,
    rows,
    said,
    seconds,
    shares,
    sql_target,
    stat,
    table,
    timeseries,
)
from deploy.grafana.values import OUTCOMES
from deploy.grafana.wallboard import CALM
from deploy.grafana.words import Text

UID = "hotline-queue"
WHERE = queries.ONE_QUEUE

LONGEST = f"""
SELECT
    queued_at AS "Queued",
    wait_ms / 1000 AS "Wait",
    outcome AS "State",
    talk_ms / 1000 AS "Talk",
    category AS "Category",
    district AS "District",
    agent AS "Agent",
    `call` AS "Call"
FROM v_visits
WHERE {queries.HERE} AND queue = ${{queue:sqlstring}} AND $__timeFilter(counted_at) AND wait_ms IS NOT NULL
ORDER BY wait_ms DESC, visit
LIMIT 100
"""

QUEUE_DAYS = f"""
SELECT
    day AS "Day",
    offered AS "Offered",
    answered AS "Answered",
    abandoned AS "Abandoned",
    threshold_s AS "Threshold",
    service_level_offered AS "Service level (offered)",
    answer_rate_offered AS "Answer rate (offered)",
    asa AS "ASA",
    aht AS "AHT"
FROM v_daily
WHERE {queries.HERE} AND queue = ${{queue:sqlstring}} AND day IN ({queries.DAYS})
ORDER BY day DESC
LIMIT 62
"""

SERVED = f"""
SELECT $__timeInterval(at) AS time, max(waiting) AS "Waiting", max(in_service) AS "on call", max(agents['available']) AS "available"
FROM v_gauges
WHERE {WHERE} AND $__timeFilter(at)
GROUP BY time
ORDER BY time
"""


def _now() -> list[tuple[int, int, Json]]:
    def gauge(title: Text, meaning: Text, column: str, **more: object) -> Json:
        return stat(title, meaning, sql_target(queries.gauge(column, WHERE)), **more)  # type: ignore[arg-type]

    panels = [
        gauge(
            Text("Waiting", "等待中"),
            Text("Visits queued at the newest instant of the time range.", "时间范围末尾正在排队的次数。"),
            "waiting",
        ),
        gauge(
            Text("Waiting past threshold", "超时等待"),
            Text("Of those waiting, the ones that wait longer than the queue's promised threshold.", "正在排队且已超过该队列承诺时限的次数。"),
            "waiting_over_threshold",
            colors=CALM,
        ),
        gauge(
            Text("Oldest wait", "最长等待"),
            Text("Now minus queued, of the visit that waits longest. A dash: nobody waits.", "等待最久的一次：当前时间减进队时间。短横：无人等待。"),
            "oldest_wait_s",
            **frame.SECONDS,
        ),
        gauge(
            Text("In service", "服务中"),
            Text("Visits being answered at that instant.", "该时刻正在接听的次数。"),
            "in_service",
        ),
        gauge(
            Text("Agents free", "空闲座席"),
            Text("Agents of this queue who are available; one who serves three queues is in each of them.", "该队列的空闲座席；服务三个队列的座席在三处都计。"),
            "agents['available']",
        ),
        gauge(
            Text("Threshold", "时限"),
            Text("The promised threshold of this queue, seconds, inclusive.", "该队列的承诺时限（秒，含）。"),
            "threshold_s",
            **frame.SECONDS,
        ),
    ]  # fmt: skip
    return [(4, 4, panel) for panel in panels]


def _served() -> list[tuple[int, int, Json]]:
    served = timeseries(
        Text("Waiting, in service, agents free", "等待、服务中与空闲座席"),
        Text("The most of each step: visits queued, visits being answered, agents available.", "每步长的最大值：排队次数、接听中次数、空闲座席。"),
        [sql_target(SERVED, result="timeseries")],
        interval="10s",
    )  # fmt: skip
    return [(12, 8, served), (12, 8, handling_time(WHERE))]


def _visits() -> list[tuple[int, int, Json]]:
    longest = table(
        Text("Longest waits", "等待最久的来电"),
        Text(
            "Visits of the time range with the longest waits; the wallboard shows all calls behind its numbers.",
            "时间范围内等待最久的次数；大屏可查看数字背后的全部来电。",
        ),
        sql_target(LONGEST),
        overrides=[*seconds("Wait", "Talk"), override("State", mappings=said(OUTCOMES))],
    )
    days = table(
        Text("Days", "各日"),
        Text(
            "v_daily of this queue: local days, the promised threshold, ratios of the day's sums.",
            "该队列的 v_daily：当地日、承诺时限、按日合计之比。",
        ),
        sql_target(QUEUE_DAYS),
        overrides=[
            *shares("Service level (offered)", "Answer rate (offered)"),
            *seconds("Threshold", "ASA", "AHT"),
            leads_to("Day", Text("Open the hotline", "打开热线详情"), frame.OPEN_HOTLINE),
        ],
    )
    return [(14, 10, longest), (10, 10, days)]


def one_queue() -> Json:
    """The dashboard as Grafana's classic JSON."""
    return frame.board(
        UID,
        Text("Queue in detail", "队列详情"),
        Text(
            "One queue: now, over time, and the visits that waited longest.", "一个队列：此刻、走势与等待最久的来电。"
        ),
        variables=[frame.FEED, frame.HOTLINE, frame.ONE_QUEUE, frame.THRESHOLD],
        refresh="10s",
        since="now-6h",
        panels=rows(
            (Text("Now", "此刻"), [_now()]),
            (
                Text("Over time", "随时间"),
                [
                    [(12, 8, against_expectation(WHERE)), (12, 8, level_line(WHERE))],
                    [(12, 8, wait_lines(WHERE)), (12, 8, outcome_bars(WHERE))],
                    _served(),
                ],
            ),
            (Text("Waits and visits", "等待与来电"), [[(24, 8, wait_bars(WHERE))], _visits()]),
        ),
    )
