"""The dashboard "Hotline": one hotline's calls by outcome, queue, category, district, department, language and day."""
# ruff: noqa: S608  (put together from constants; values come in as Grafana's quoted variables)

from deploy.grafana import frame, queries
from deploy.grafana.parts import (
    Json,
    bars,
    leads_to,
    rows,
    seconds,
    shares,
    sql_target,
    stat,
    table,
    timeseries,
)
from deploy.grafana.words import Text

UID = "hotline-detail"


def _sum(expression: str) -> str:
    return f"SELECT {expression} AS value FROM v_cells WHERE {queries.WHOLE} AND $__timeFilter(minute)"


_INBOUND = "(sum(offered) + sum(ended_in_menu) + sum(blocked))"


def breakdown(name: str, dimension_set: str, value: str) -> str:
    """A row per `value` of a set of dimensions, the busiest first; the column is called `name`."""
    return f"""
SELECT
    if(of = '', '–', of) AS "{name}",
    offered_visits AS "Offered",
    answered_visits AS "Answered",
    within / nullIf(offered_visits, 0) AS "Service level",
    abandoned_visits / nullIf(offered_visits, 0) AS "Abandonment rate",
    handled_s / nullIf(answered_visits, 0) AS "AHT"
FROM
(
    SELECT
        {value} AS of,
        sum(offered) AS offered_visits,
        sum(answered) AS answered_visits,
        sum(abandoned) AS abandoned_visits,
        {queries.WITHIN} AS within,
        sum(talk_ms_sum + hold_ms_sum + acw_ms_sum) / 1000 AS handled_s
    FROM v_cells
    WHERE {queries.HERE} AND dimension_set = '{dimension_set}' AND $__timeFilter(minute)
    GROUP BY of
)
WHERE offered_visits > 0
ORDER BY offered_visits DESC, of
LIMIT 100
"""


WORST_24H = f"""
SELECT
    day AS "Day",
    answer_rate_24h_worst AS "of 24 h, worst",
    begin AS "From",
    `end` AS "Until",
    answered AS "Answered",
    inbound AS "Visits"
FROM v_answer_rate_24h_worst
WHERE {queries.HERE} AND day IN ({queries.DAYS})
ORDER BY day DESC
LIMIT 62
"""


def waiting_times(where: str) -> str:
    """Visits by how long they waited, in steps of ten seconds; the last holds everything longer."""
    return f"""
SELECT
    if(step = 13, '> 120', concat(toString(step * 10 - 9), '–', toString(step * 10))) AS "Seconds",
    sumIf(visits, outcome = 'answered') AS "answered",
    sumIf(visits, outcome = 'abandoned') AS "abandoned"
FROM
(
    SELECT least(13, greatest(1, intDiv(wait.1 + 9, 10))) AS step, wait.2 AS visits, outcome
    FROM
    (
        SELECT 'answered' AS outcome, arrayJoin(CAST(sumMap(answered_wait), 'Array(Tuple(UInt32, UInt64))')) AS wait
        FROM v_cells
        WHERE {where} AND $__timeFilter(minute)
        UNION ALL
        SELECT 'abandoned' AS outcome, arrayJoin(CAST(sumMap(abandoned_wait), 'Array(Tuple(UInt32, UInt64))')) AS wait
        FROM v_cells
        WHERE {where} AND $__timeFilter(minute)
    )
)
GROUP BY step
ORDER BY step
"""


def wait_bars(where: str) -> Json:
    """How long people waited, for whatever `where` counts."""
    return bars(
        Text("How long they waited", "等待时长分布"),
        Text(
            "Answered and abandoned visits by their wait, seconds; 0 is in the first bar, the last holds everything above 120 s.",
            "接通与放弃的次数按等待秒数分布；0 秒计入首柱，末柱为 120 秒以上。",
        ),
        sql_target(waiting_times(where)),
        x="Seconds",
    )


def _sums() -> list[tuple[int, int, Json]]:
    panels = [
        stat(
            Text("Calls offered", "请求人工的来电"),
            Text("Calls that reached a queue in the time range; a call with several visits counts once.", "时间范围内进入队列的来电；多次进队只计一次。"),
            sql_target(_sum("sum(calls_offered)")),
        ),
        stat(
            Text("Calls answered", "接通的来电"),
            Text("Of them, answered in any visit.", "其中任意一次进队被接通的来电。"),
            sql_target(_sum("sum(calls_answered)")),
        ),
        stat(
            Text("Answer rate (inbound)", "接通率（全部呼入）"),
            Text("answered / (offered + ended in menu + blocked), by arrival.", "接通 /（请求人工 + 止于语音导航 + 打不进），按来电时间归属。"),
            sql_target(_sum(f"sum(answered) / nullIf({_INBOUND}, 0)")),
            **frame.SHARE,
        ),
        stat(
            Text("Abandonment rate", "放弃率"),
            Text("abandoned / offered, short abandons included, by arrival.", "放弃 / 请求人工，含短时放弃，按来电时间归属。"),
            sql_target(_sum("sum(abandoned) / nullIf(sum(offered), 0)")),
            **frame.SHARE,
        ),
        stat(
            Text("Blocked rate", "打不进率"),
            Text("Calls refused before any queue / (offered + ended in menu + blocked).", "进队前被拒的来电 /（请求人工 + 止于语音导航 + 打不进）。"),
            sql_target(_sum(f"sum(blocked) / nullIf({_INBOUND}, 0)")),
            **frame.SHARE,
        ),
        stat(
            Text("Data complete", "数据完整率"),
            Text("Minutes in which the expected sources were heard / all of them; a dash: no source sends heartbeats.", "应有数据源被收到的分钟 / 全部；短横：没有数据源发送心跳。"),
            sql_target(_sum("sum(sources_heard) / nullIf(sum(sources_expected), 0)")),
            **frame.SHARE,
        ),
    ]  # fmt: skip
    return [(4, 4, panel) for panel in panels]


def outcome_bars(where: str) -> Json:
    """What became of visits over time."""
    return timeseries(
        Text("Outcomes", "结果"),
        Text(
            "Visits per minute (mean over the step) by the minute of their outcome, not of their arrival.",
            "每分钟次数（按步长平均），按结果发生的分钟归属，而非来电时间。",
        ),
        [sql_target(queries.outcomes(where), result="timeseries")],
        stacked=True,
        interval="15m",
    )


def wait_lines(where: str) -> Json:
    """ASA and p90 over time."""
    return timeseries(
        Text("Waits", "等待"),
        Text(
            "ASA: mean wait of answered visits, zero waits included. p90: nine in ten answered or abandoned visits waited "
            "at most this long (rank ceil(0.9 n), upper edge of its bucket). By arrival.",
            "平均应答速度：接通次数的平均等待，含零等待。九成等待：十分之九的接通或放弃等待不超过此值"
            "（第 ceil(0.9 n) 位，取所在桶上沿）。按来电时间归属。",
        ),
        [sql_target(queries.waits(where), result="timeseries")],
        unit="s",
        interval="5m",
    )


def level_line(where: str) -> Json:
    """The service level over time."""
    return timeseries(
        Text("Service level (offered)", "服务水平（请求人工）"),
        Text(
            "Visits answered within X / offered, by arrival, per step. X is the variable at the top. A gap: nothing was "
            "offered.",
            "时限 X 内接通 / 请求人工，按来电时间归属，每步长。X 为上方变量。断开：无人进队。",
        ),
        [sql_target(queries.service_level(where), result="timeseries")],
        unit="percentunit",
        maximum=1,
        interval="5m",
    )


_BREAKDOWNS = (
    (Text("By category", "按诉求分类"), "Category", "category_2", "category"),
    (Text("By district", "按区域"), "District", "district_2", "district"),
    (Text("By department", "按承办单位"), "Department", "department", "department"),
    (Text("By language", "按语言"), "Language", "queue_language", "language"),
    (Text("By channel", "按渠道"), "Channel", "channel", "channel"),
)


def _breakdowns() -> list[list[tuple[int, int, Json]]]:
    meaning = Text(
        "Visits by arrival in the time range, the busiest first. Service level: answered within X / offered. A dash: not stated.",
        "时间范围内的进队次数，按来电时间归属，多的在前。服务水平：时限 X 内接通 / 请求人工。短横：未注明。",
    )
    panels = [
        table(
            title,
            meaning,
            sql_target(breakdown(name, dimension_set, value)),
            overrides=[*shares("Service level", "Abandonment rate"), *seconds("AHT")],
        )
        for title, name, dimension_set, value in _BREAKDOWNS
    ]
    worst = table(
        Text("Worst 24 hours of each day", "每日最差的连续 24 小时"),
        Text(
            "The least answered / (offered + ended in menu + blocked) of all continuous 24 h windows that end on the local "
            "day, and when. Visits: what came in within that window.",
            "截止于当地该日的所有连续 24 小时窗口中最低的 接通 /（请求人工 + 止于语音导航 + 打不进）及其时间。进队次数列为该窗口的全部呼入。",
        ),
        sql_target(WORST_24H),
        overrides=shares("of 24 h, worst"),
    )
    return [[(12, 9, panels[0]), (12, 9, panels[1])], [(8, 8, panel) for panel in panels[2:]], [(24, 8, worst)]]


def queue_table() -> Json:
    """A row per chosen queue, which leads to it."""
    return table(
        Text("Queues in the time range", "时间范围内各队列"),
        Text(
            "Visits by arrival. Service level: answered within X / offered. Answer rate: answered / offered. ASA: mean "
            "wait of answered visits. p90: of answered and abandoned visits. AHT: mean talk + hold + after-call work.",
            "按来电时间归属的次数。服务水平：时限 X 内接通 / 请求人工。接通率：接通 / 请求人工。平均应答速度：接通次数的平均等待。"
            "九成等待：接通与放弃合计。平均处理时长：通话 + 保持 + 话后的平均。",
        ),
        sql_target(queries.QUEUE_TABLE),
        overrides=[
            leads_to("Queue", Text("Open this queue", "打开该队列"), frame.OPEN_QUEUE),
            *shares("Service level", "Answer rate"),
            *seconds("ASA", "p90", "AHT"),
        ],
    )


def day_table() -> Json:
    """A row per local day of the whole hotline."""
    return table(
        Text("Days in the time range", "时间范围内各日"),
        Text(
            "Local days of the hotline's own time zone. Calls: a call with several visits counts once. Threshold and "
            "service level are the promised ones; the ratios are those of v_hotline_daily.",
            "热线所在时区的当地日。来电：多次进队只计一次。时限与服务水平为所承诺的；比例同 v_hotline_daily。",
        ),
        sql_target(queries.DAY_TABLE),
        overrides=[*shares("Answer rate (inbound)", "Service level (offered)"), *seconds("Threshold", "ASA")],
    )


def one_hotline() -> Json:
    """The dashboard as Grafana's classic JSON."""
    where = queries.WHOLE
    return frame.board(
        UID,
        Text("Hotline in detail", "热线详情"),
        Text(
            "One hotline: how many called, what became of them, and where they belong.",
            "一条热线：多少来电、结果如何、属于何处。",
        ),
        variables=[frame.FEED, frame.HOTLINE, frame.QUEUES, frame.THRESHOLD],
        panels=rows(
            (Text("In the time range", "时间范围内"), [_sums()]),
            (
                Text("Over time", "随时间"),
                [[(12, 8, outcome_bars(where)), (12, 8, level_line(where))], [(12, 8, wait_lines(where)), (12, 8, wait_bars(where))]],
            ),
            (Text("Queues", "队列"), [[(24, 9, queue_table())]]),
            (Text("Broken down", "分项"), _breakdowns()),
            (Text("Days", "各日"), [[(24, 8, day_table())]]),
        ),
    )  # fmt: skip
