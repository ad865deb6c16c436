"""The dashboard "Service level and error budget": how much of what may be missed has been, and when it was spent.

The promise (target T) allows (1 - T) x offered visits to be missed: the budget. The burn rate is how fast it goes:
1 spends exactly the budget, 2 twice as much.
"""
# ruff: noqa: S608  (put together from constants; values come in as Grafana's quoted variables)

from deploy.grafana import frame, queries
from deploy.grafana.parts import (
    Json,
    override,
    query_variable,
    rows,
    seconds,
    shares,
    sql_target,
    stat,
    table,
    thresholds,
    timeseries,
)
from deploy.grafana.words import Text

UID = "hotline-promise"

TARGETS = """
SELECT arrayJoin(arrayDistinct(arrayConcat([target], [0.8, 0.9, 0.95]))) AS target
FROM v_promises
WHERE hotline IN ('', ${hotline:sqlstring})
ORDER BY hotline DESC
LIMIT 4
"""

_SUMS = f"""
SELECT {queries.WITHIN} AS within, sum(offered) AS visits
FROM v_cells
WHERE {queries.BY_QUEUE} AND $__timeFilter(minute)
"""
_MISSED = "(visits - within)"
_BUDGET = "((1 - ${target}) * visits)"

LEVEL = f"SELECT within / nullIf(visits, 0) AS value FROM ({_SUMS})"
LEFT = f"SELECT 1 - {_MISSED} / nullIf({_BUDGET}, 0) AS value FROM ({_SUMS})"
MISSED = f"SELECT {_MISSED} AS value FROM ({_SUMS})"
ALLOWED = f"SELECT {_BUDGET} AS value FROM ({_SUMS})"

LEVEL_OVER_TIME = f"""
SELECT
    $__timeInterval(minute) AS time,
    {queries.WITHIN} / nullIf(sum(offered), 0) AS "service level",
    ${{target}} AS "promise"
FROM v_cells
WHERE {queries.BY_QUEUE} AND $__timeFilter(minute)
GROUP BY time
ORDER BY time
"""

LEFT_OVER_TIME = f"""
SELECT
    time,
    1 - sum(missed) OVER so_far / nullIf((1 - ${{target}}) * sum(visits) OVER (), 0) AS "left"
FROM
(
    SELECT time, visits - within AS missed, visits
    FROM
    (
        SELECT $__timeInterval(minute) AS time, {queries.WITHIN} AS within, sum(offered) AS visits
        FROM v_cells
        WHERE {queries.BY_QUEUE} AND $__timeFilter(minute)
        GROUP BY time
    )
)
WINDOW so_far AS (ORDER BY time ROWS UNBOUNDED PRECEDING)
ORDER BY time
"""

BURN = f"""
SELECT
    concat(toString(hours), ' h') AS "Window",
    visits AS "Offered",
    {_MISSED} AS "Missed",
    within / nullIf(visits, 0) AS "Service level",
    {_MISSED} / nullIf({_BUDGET}, 0) AS "Burn rate"
FROM
(
    SELECT hours, {queries.WITHIN} AS within, sum(offered) AS visits
    FROM
    (
        SELECT arrayJoin([1, 6, 24, 72]) AS hours, minute, offered, answered_wait
        FROM v_cells
        WHERE {queries.BY_QUEUE} AND minute > $__toTime - toIntervalHour(72) AND minute <= $__toTime
    )
    WHERE minute > $__toTime - toIntervalHour(hours)
    GROUP BY hours
)
ORDER BY hours
"""

BY_QUEUE = f"""
SELECT
    queue AS "Queue",
    visits AS "Offered",
    {_MISSED} AS "Missed",
    within / nullIf(visits, 0) AS "Service level",
    {_MISSED} / nullIf({_BUDGET}, 0) AS "Spent",
    {_MISSED} / nullIf(sum(visits - within) OVER (), 0) AS "Share of misses"
FROM
(
    SELECT queue, {queries.WITHIN} AS within, sum(offered) AS visits
    FROM v_cells
    WHERE {queries.BY_QUEUE} AND $__timeFilter(minute)
    GROUP BY queue
)
ORDER BY "Missed" DESC, queue
"""

COSTLY = f"""
SELECT
    quarter AS "Time",
    visits AS "Offered",
    {_MISSED} AS "Missed",
    within / nullIf(visits, 0) AS "Service level",
    {_MISSED} / nullIf(sum(visits - within) OVER (), 0) AS "Share of misses"
FROM
(
    SELECT toStartOfInterval(minute, INTERVAL 15 MINUTE) AS quarter, {queries.WITHIN} AS within, sum(offered) AS visits
    FROM v_cells
    WHERE {queries.BY_QUEUE} AND $__timeFilter(minute)
    GROUP BY quarter
)
ORDER BY "Missed" DESC, quarter
LIMIT 30
"""

DEFINITIONS = f"""
SELECT
    within / nullIf(visits, 0) AS "Service level (offered)",
    within / nullIf(visits - gone_within, 0) AS "Excluding abandoned in X",
    (within + gone_within) / nullIf(visits, 0) AS "Abandoned in X met",
    within / nullIf(answered_visits, 0) AS "Of answered",
    within / nullIf(visits - short, 0) AS "Excluding short abandons"
FROM
(
    SELECT
        {queries.WITHIN} AS within,
        arraySum(mapValues(mapFilter((edge, n) -> edge <= ${{threshold_s}}, sumMap(abandoned_wait)))) AS gone_within,
        sum(offered) AS visits,
        sum(answered) AS answered_visits,
        sum(short_abandoned) AS short
    FROM v_cells
    WHERE {queries.BY_QUEUE} AND $__timeFilter(minute)
)
"""


def _sums() -> list[tuple[int, int, Json]]:
    panels = [
        stat(
            Text("Service level (offered)", "服务水平（请求人工）"),
            Text("Visits answered within X / offered, over the chosen queues and the time range, by arrival.", "所选队列、时间范围内：时限 X 内接通 / 请求人工，按来电时间归属。"),
            sql_target(LEVEL),
            **frame.SHARE,
        ),
        stat(
            Text("Budget left", "剩余预算"),
            Text("1 - missed / ((1 - target) x offered). Below 0: the promise is broken over this time range.", "1 − 未达标 /（(1 − 目标) × 请求人工）。小于 0：该时间范围内承诺已破。"),
            sql_target(LEFT),
            colors=thresholds("red", (0, "orange"), (0.25, "green")),
            **frame.SHARE,
        ),
        stat(
            Text("Missed", "未达标"),
            Text("Visits offered and not answered within X: late, abandoned, flowed out, callbacks.", "请求人工而未在时限 X 内接通：接通过晚、放弃、溢出、登记回呼。"),
            sql_target(MISSED),
        ),
        stat(
            Text("May be missed", "允许未达标"),
            Text("The budget: (1 - target) x offered.", "预算：(1 − 目标) × 请求人工。"),
            sql_target(ALLOWED),
        ),
    ]  # fmt: skip
    return [(6, 4, panel) for panel in panels]


def _over_time() -> list[tuple[int, int, Json]]:
    level = timeseries(
        Text("Service level and promise", "服务水平与承诺"),
        Text("Visits answered within X / offered per step, by arrival, beside the target. A gap: nothing was offered.", "每步长时限 X 内接通 / 请求人工（按来电时间归属）与目标。断开：无人进队。"),
        [sql_target(LEVEL_OVER_TIME, result="timeseries")],
        unit="percentunit",
        maximum=1,
        interval="15m",
        overrides=[override("promise", custom__lineStyle={"fill": "dash"}, custom__fillOpacity=0)],
    )  # fmt: skip
    left = timeseries(
        Text("Budget left", "剩余预算"),
        Text(
            "1 - missed so far / ((1 - target) x offered in the whole time range): where it falls steeply the promise was broken.",
            "1 − 截至此刻的未达标 /（(1 − 目标) × 整个时间范围的请求人工）：陡降之处即承诺被打破之时。",
        ),
        [sql_target(LEFT_OVER_TIME, result="timeseries")],
        unit="percentunit",
        minimum=None,
        interval="15m",
    )
    return [(12, 8, level), (12, 8, left)]


def _where() -> list[tuple[int, int, Json]]:
    burn = table(
        Text("Burn rate", "消耗速度"),
        Text(
            "Up to the end of the time range. Burn rate: missed / ((1 - target) x offered); 1 spends exactly the budget.",
            "截至时间范围末尾。消耗速度：未达标 /（(1 − 目标) × 请求人工）；1 恰好用完预算。",
        ),
        sql_target(BURN),
        overrides=[*shares("Service level"), override("Burn rate", decimals=2)],
    )
    by_queue = table(
        Text("Where it was missed", "未达标在哪些队列"),
        Text("Each chosen queue: its own budget spent, and its share of all misses.", "所选各队列：自身预算的消耗，及其占全部未达标的比例。"),
        sql_target(BY_QUEUE),
        overrides=shares("Service level", "Spent", "Share of misses"),
    )  # fmt: skip
    return [(9, 8, burn), (15, 8, by_queue)]


def _when() -> list[tuple[int, int, Json]]:
    costly = table(
        Text("Quarter hours that cost most", "代价最大的一刻钟"),
        Text("The quarter hours with the most misses, and their share of all misses of the time range.", "未达标最多的一刻钟，及其占时间范围内全部未达标的比例。"),
        sql_target(COSTLY),
        overrides=shares("Service level", "Share of misses"),
    )  # fmt: skip
    days = table(
        Text("Days in the time range", "时间范围内各日"),
        Text(
            "v_daily of the chosen queues: local days, the promised threshold, ratios of the day's sums.",
            "所选队列的 v_daily：当地日、承诺时限、按日合计之比。",
        ),
        sql_target(queries.QUEUE_DAYS),
        overrides=[*shares("Service level (offered)", "Answer rate (offered)"), *seconds("ASA")],
    )
    return [(12, 9, costly), (12, 9, days)]


def _definitions() -> list[tuple[int, int, Json]]:
    names = (
        "Service level (offered)", "Excluding abandoned in X", "Abandoned in X met", "Of answered", "Excluding short abandons",
    )  # fmt: skip
    five = table(
        Text("The same by each definition", "五种定义之下"),
        Text(
            "A: answered within X, B: abandoned within X, S: short abandons. A / offered; A / (offered - B); (A + B) / offered; "
            "A / answered; A / (offered - S). Compare with a vendor's figure only by the same one.",
            "A：时限内接通；B：时限内放弃；S：短时放弃。A/请求人工；A/(请求人工−B)；(A+B)/请求人工；A/接通；A/(请求人工−S)。与他处比较须用同一定义。",
        ),
        sql_target(DEFINITIONS),
        overrides=shares(*names),
    )
    return [(24, 4, five)]


def promise() -> Json:
    """The dashboard as Grafana's classic JSON."""
    target = query_variable(
        "target",
        Text("Target", "目标"),
        TARGETS,
        description=Text("The promised share, a fraction. The promised one comes first.", "承诺的比例（小数）。首个为所承诺的目标。"),
    )  # fmt: skip
    return frame.board(
        UID,
        Text("Service level and error budget", "服务水平与误差预算"),
        Text(
            "How much of what the promise allows to be missed has been missed, where and when.",
            "承诺允许的未达标已用去多少，用在何处、何时。",
        ),
        variables=[frame.FEED, frame.HOTLINE, frame.QUEUES, frame.THRESHOLD, target],
        since="now-7d",
        panels=rows(
            (Text("In the time range", "时间范围内"), [_sums(), _definitions()]),
            (Text("Over time", "随时间"), [_over_time()]),
            (Text("Where and when", "何处与何时"), [_where(), _when()]),
        ),
    )
