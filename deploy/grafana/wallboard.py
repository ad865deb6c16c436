"""The dashboard "Wallboard": a screen on the wall, in Grafana's kiosk mode; figures as of the feed's own clock.

Whoever has the choice hangs up Hotline's own wallboard: this one is for a wall that Grafana already serves.
"""
# ruff: noqa: S608  (put together from constants; values come in as Grafana's quoted variables)

from deploy.grafana import frame, queries
from deploy.grafana.demand import against_expectation
from deploy.grafana.parts import (
    Json,
    coloured,
    leads_to,
    override,
    rows,
    said,
    sql_target,
    stat,
    table,
    thresholds,
)
from deploy.grafana.values import SEVERITIES
from deploy.grafana.words import Text

UID = "hotline-wallboard"


def rolling(column: str, window: str) -> str:
    """A column of v_rolling of the whole hotline."""
    return f"""
SELECT {column} AS value
FROM v_rolling
WHERE {queries.HERE} AND queue = '' AND window = '{window}'
"""


QUEUES_NOW = f"""
SELECT
    g.queue AS "Queue",
    g.last.1 AS "Waiting",
    g.last.2 AS "Waiting past threshold",
    g.last.3 AS "Oldest",
    g.last.4 AS "Agents free",
    quarter.offered AS "Offered",
    quarter.service_level_event AS "Service level (15 min)",
    today.service_level_offered AS "Service level (today)",
    today.answer_rate_offered AS "Answer rate (offered)",
    today.asa AS "ASA",
    today.queue_time_p90 AS "p90"
FROM
(
    SELECT queue, argMax((waiting, waiting_over_threshold, oldest_wait_s, agents['available']), at) AS last
    FROM v_gauges
    WHERE {queries.HERE} AND dimension_set = 'queue' AND queue != '' AND $__timeFilter(at)
    GROUP BY queue
) AS g
LEFT JOIN (SELECT * FROM v_rolling WHERE {queries.HERE} AND window = '15m') AS quarter ON g.queue = quarter.queue
LEFT JOIN (SELECT * FROM v_rolling WHERE {queries.HERE} AND window = 'today') AS today ON g.queue = today.queue
ORDER BY "Waiting past threshold" DESC, "Waiting" DESC, g.queue
"""

FIRING = f"""
SELECT
    min(started_at) AS "Since",
    argMax(severity, {queries.LATEST}) AS "Severity",
    any(queue) AS "Queue",
    any(rule) AS "Rule",
    argMax(summary['en'], {queries.LATEST}) AS "Summary"
FROM v_alerts
WHERE {queries.HERE}
GROUP BY fingerprint, episode
HAVING argMax(state, {queries.LATEST}) = 'firing'
ORDER BY "Since" DESC
LIMIT 20
"""

CALM = thresholds("green", (1, "orange"), (5, "red"))


def _now() -> list[tuple[int, int, Json]]:
    panels = [
        stat(
            Text("Waiting", "等待中"),
            Text("Visits queued at the newest instant of the time range.", "时间范围末尾正在排队的次数。"),
            sql_target(queries.gauge("waiting")),
        ),
        stat(
            Text("Waiting past threshold", "超时等待"),
            Text(
                "Of those waiting, the ones that wait longer than the promised threshold.",
                "正在排队且已超过承诺时限的次数。",
            ),
            sql_target(queries.gauge("waiting_over_threshold")),
            colors=CALM,
        ),
        stat(
            Text("Oldest wait", "最长等待"),
            Text(
                "Now minus queued, of the visit that waits longest. A dash: nobody waits.",
                "等待最久的一次：当前时间减进队时间。短横：无人等待。",
            ),
            sql_target(queries.gauge("oldest_wait_s")),
            **frame.SECONDS,
        ),
        stat(
            Text("Service level, 15 min", "服务水平（15 分钟）"),
            Text(
                "Answered within the promised threshold / visits judged, in the 15 minutes up to the feed's clock. A visit "
                "counts in the minute of the earliest of answered, hung up, threshold passed (event attribution).",
                "截至数据时钟的 15 分钟内：承诺时限内接通 / 已判定次数。按接通、放弃、超时三者最早的一刻计入（事件归属）。",
            ),
            sql_target(rolling("service_level_event", "15m")),
            **frame.SHARE,
        ),
        stat(
            Text("Service level, today", "服务水平（今日）"),
            Text(
                "Answered within the promised threshold / offered, of the hotline's local day, by arrival; abandoned "
                "within it counts as a miss (service_level_offered).",
                "热线当地今日：承诺时限内接通 / 请求人工，按来电时间归属；时限内放弃计为未达标（service_level_offered）。",
            ),
            sql_target(rolling("service_level_offered", "today")),
            **frame.SHARE,
        ),
        stat(
            Text("Answer rate, today", "接通率（今日）"),
            Text(
                "answered / (offered + ended in menu + blocked), of the hotline's local day, by arrival.",
                "热线当地今日：接通 /（请求人工 + 止于语音导航 + 打不进），按来电时间归属。",
            ),
            sql_target(rolling("answer_rate_inbound", "today")),
            **frame.SHARE,
        ),
    ]
    return [(4, 7, panel) for panel in panels]


def _queues() -> list[tuple[int, int, Json]]:
    queues = table(
        Text("Queues, most urgent first", "各队列（最紧急在前）"),
        Text(
            "Waiting, past the threshold, oldest and free agents at the newest instant; Offered and service level (event "
            "attribution) of the last 15 minutes; service level (offered), answer rate (offered), ASA and p90 of the local "
            "day, all as of the feed's clock.",
            "等待、超时、最长等待与空闲座席为最新时刻；请求人工与服务水平（事件归属）为最近 15 分钟；"
            "其余为当地今日，均截至数据时钟。",
        ),
        sql_target(QUEUES_NOW),
        overrides=[
            leads_to("Queue", Text("Open this queue", "打开该队列"), frame.OPEN_QUEUE),
            coloured("Waiting past threshold", thresholds("transparent", (1, "orange"), (5, "red"))),
            *(override(name, **frame.SHARE) for name in ("Service level (15 min)", "Service level (today)")),
            override("Answer rate (offered)", **frame.SHARE),
            *(override(name, **frame.SECONDS) for name in ("Oldest", "ASA", "p90")),
        ],
    )
    return [(24, 11, queues)]


def _bottom() -> list[tuple[int, int, Json]]:
    firing = table(
        Text("Alerts firing", "正在告警"),
        Text("Episodes whose last state is firing, the newest first.", "最新状态为告警中的告警，新的在前。"),
        sql_target(FIRING),
        overrides=[
            override("Severity", mappings=said(SEVERITIES), custom__cellOptions={"type": "color-text"}),
            leads_to("Rule", Text("Open the history of alerts", "打开告警历史"), frame.OPEN_ALERTS),
        ],
    )
    as_of = stat(
        Text("Data as of", "数据截至"),
        Text(
            "The lowest partition clock: everything appended before it is in these numbers.",
            "最落后分区的时钟：此前写入的数据均已计入。",
        ),
        sql_target(queries.gauge("toUnixTimestamp64Milli(at)")),
        unit="dateTimeFromNow",
    )
    return [(12, 8, against_expectation(queries.WHOLE)), (9, 8, firing), (3, 8, as_of)]


def wallboard() -> Json:
    """The dashboard as Grafana's classic JSON; open it with `?kiosk`."""
    return frame.board(
        UID,
        Text("Hotline wallboard", "热线大屏"),
        Text(
            "For a wall: open it with ?kiosk. Every panel's description holds the definition of its numbers.",
            "挂墙使用：地址加 ?kiosk。各面板说明中写有数字的定义。",
        ),
        panels=rows((Text("Now", "此刻"), [_now()]), (Text("Queues", "队列"), [_queues(), _bottom()])),
        refresh="5s",
        since="now-3h",
    )
