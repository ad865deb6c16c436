"""The dashboard "Demand against expectation": is today like other days, when was it not, and what is it made of?"""
# ruff: noqa: S608  (put together from constants; values come in as Grafana's quoted variables)

from deploy.grafana import frame, queries
from deploy.grafana.parts import Json, override, rows, said, shares, sql_target, stat, table, timeseries
from deploy.grafana.values import SIGNAL_KINDS
from deploy.grafana.words import Text

UID = "hotline-demand"

# Steps of the forecast with what was offered in each; those that the feed has not passed yet are left out. A step is
# found by arithmetic, not by comparing each minute with each step: a month has 400 million such pairs.
_STEPS = f"""
SELECT f.at AS begin, f.expected AS expected_visits, f.lower AS low, f.upper AS high, c.visits AS visits
FROM
(
    SELECT * FROM v_forecasts
    WHERE {queries.WHOLE} AND $__timeFilter(at)
        AND at + toIntervalSecond(step_s) <= (SELECT max(data_as_of) FROM v_clocks WHERE feed = ${{feed:sqlstring}})
) AS f
LEFT JOIN
(
    SELECT intDiv(toUnixTimestamp(minute), step) * step AS begun, sum(offered) AS visits
    FROM
    (
        SELECT
            minute,
            offered,
            greatest(60, ifNull((SELECT max(step_s) FROM v_forecasts WHERE {queries.WHOLE} AND $__timeFilter(at)), 60)) AS step
        FROM v_cells
        WHERE {queries.WHOLE}
    )
    GROUP BY begun
) AS c ON c.begun = toUnixTimestamp(f.at)
"""

RATIO = f"SELECT sum(visits) / nullIf(sum(expected_visits), 0) AS value FROM ({_STEPS})"
EXPECTED_SO_FAR = f"SELECT sum(expected_visits) AS value FROM ({_STEPS})"
OFFERED_SO_FAR = f"SELECT sum(visits) AS value FROM ({_STEPS})"
OUTSIDE = f"SELECT countIf(visits < low OR visits > high) / nullIf(count(), 0) AS value FROM ({_STEPS})"

RATIO_OVER_TIME = f"""
SELECT $__timeInterval(begin) AS time, sum(visits) / nullIf(sum(expected_visits), 0) AS "ratio"
FROM ({_STEPS})
GROUP BY time
ORDER BY time
"""

WEEK_BEFORE = f"""
SELECT $__timeInterval(later) AS time, sum(visits) {queries.PER_MINUTE} AS "a week before"
FROM
(
    SELECT minute + toIntervalDay(7) AS later, offered AS visits
    FROM v_cells
    WHERE {queries.WHOLE}
)
WHERE $__timeFilter(later)
GROUP BY time
ORDER BY time
"""

UNLIKE = f"""
SELECT
    begin AS "Time",
    visits AS "Offered",
    expected_visits AS "Expected",
    low AS "lower end",
    high AS "upper end",
    if(visits > high, visits - high, visits - low) AS "Beyond"
FROM ({_STEPS})
WHERE visits > high OR visits < low
ORDER BY abs("Beyond") DESC, begin
LIMIT 100
"""

AHEAD = f"""
SELECT
    toStartOfHour(at) AS "From",
    sum(lower) AS "lower end",
    sum(expected) AS "Expected",
    sum(upper) AS "upper end"
FROM v_forecasts
WHERE {queries.WHOLE} AND at >= (SELECT max(data_as_of) FROM v_clocks WHERE feed = ${{feed:sqlstring}})
GROUP BY "From"
ORDER BY "From"
LIMIT 24
"""

CATEGORIES = f"""
SELECT
    if(of_category = '', '–', of_category) AS "Category",
    sumIf(visits, NOT before) AS "Offered",
    sumIf(visits, before) AS "Week before",
    "Offered" / nullIf("Week before", 0) AS "Value"
FROM
(
    SELECT category AS of_category, offered AS visits, false AS before
    FROM v_cells
    WHERE {queries.HERE} AND dimension_set = 'category_1' AND $__timeFilter(minute)
    UNION ALL
    SELECT of_category, visits, true AS before
    FROM
    (
        SELECT category AS of_category, offered AS visits, minute + toIntervalDay(7) AS later
        FROM v_cells
        WHERE {queries.HERE} AND dimension_set = 'category_1'
    )
    WHERE $__timeFilter(later)
)
GROUP BY of_category
ORDER BY "Offered" DESC, of_category
LIMIT 50
"""

LEFT_EARLY = f"""
SELECT
    $__timeInterval(minute) AS time,
    sum(calls_offered) {queries.PER_MINUTE} AS "calls offered",
    sum(ended_in_menu) {queries.PER_MINUTE} AS "ended in menu",
    sum(blocked) {queries.PER_MINUTE} AS "Blocked"
FROM v_cells
WHERE {queries.WHOLE} AND $__timeFilter(minute)
GROUP BY time
ORDER BY time
"""


def against_expectation(where: str) -> Json:
    """Offered visits on the model's band; for whatever `where` counts."""
    bare = {"custom__lineWidth": 0, "custom__fillOpacity": 0, "custom__hideFrom": {"legend": True}}
    return timeseries(
        Text("Offered against expectation", "请求人工与预测"),
        Text(
            "Visits queued per minute (mean over the step), by arrival, and what the demand model expected; the band is "
            "the model's 90 % range.",
            "每分钟进队次数（按步长平均，按来电时间归属）与需求模型的预测；色带为模型的 90% 区间。",
        ),
        [
            sql_target(queries.offered(where), result="timeseries"),
            sql_target(queries.expected(where), result="timeseries", ref="B"),
        ],
        overrides=[
            override("lower end", **bare),
            override("upper end", **(bare | {"custom__fillBelowTo": "lower end", "custom__fillOpacity": 12})),
            override("expectation", custom__lineStyle={"fill": "dash"}, custom__fillOpacity=0),
        ],
    )


def _sums() -> list[tuple[int, int, Json]]:
    passed = Text(
        "Over the forecast's steps in the time range that the feed's clock has passed.",
        "统计时间范围内、数据时钟已越过的预测步长。",
    )
    panels = [
        stat(Text("Offered", "请求人工"), passed, sql_target(OFFERED_SO_FAR)),
        stat(Text("Expected", "预测"), passed, sql_target(EXPECTED_SO_FAR)),
        stat(
            Text("Offered / expected", "实际÷预测"),
            Text(
                "Visits offered / visits expected, sums over the steps that the feed's clock has passed.",
                "已过步长的进队次数合计 ÷ 预测合计。",
            ),
            sql_target(RATIO),
            unit="percentunit",
            decimals=1,
        ),
        stat(
            Text("Steps outside the range", "超出区间的步长"),
            Text(
                "Share of steps whose offered visits lie outside the model's 90 % range; one in ten is to be expected.",
                "进队次数落在模型 90% 区间之外的步长占比；约十分之一属正常。",
            ),
            sql_target(OUTSIDE),
            **frame.SHARE,
        ),
    ]
    return [(6, 4, panel) for panel in panels]


def _over_time() -> list[tuple[int, int, Json]]:
    ratio = timeseries(
        Text("Offered / expected", "实际÷预测"),
        Text(
            "Visits offered / visits expected per step; 100 % is a day like others.",
            "每步长进队次数 ÷ 预测；100% 为与平日相同。",
        ),
        [sql_target(RATIO_OVER_TIME, result="timeseries")],
        unit="percentunit",
        interval="15m",
    )
    week = timeseries(
        Text("Beside the week before", "与上周同时段"),
        Text(
            "Visits queued per minute now and exactly 168 hours earlier.",
            "每分钟进队次数与恰好 168 小时之前。",
        ),
        [
            sql_target(queries.offered(), result="timeseries"),
            sql_target(WEEK_BEFORE, result="timeseries", ref="B"),
        ],
        overrides=[override("a week before", custom__lineStyle={"fill": "dash"}, custom__fillOpacity=0)],
        interval="15m",
    )
    return [(12, 8, ratio), (12, 8, week)]


def _when() -> list[tuple[int, int, Json]]:
    unlike = table(
        Text("Unlike expectation", "超出预测的时段"),
        Text(
            "Steps of the forecast whose offered visits lie outside its 90 % range, the farthest first.",
            "进队次数超出 90% 区间的步长，偏离最大的在前。",
        ),
        sql_target(UNLIKE),
        overrides=_BAND,
    )
    ahead = table(
        Text("The hours ahead", "未来数小时"),
        Text(
            "Visits that the model expects in each coming hour, and the sums of the ends of its 90 % range.",
            "模型对未来每小时进队次数的预测，及 90% 区间两端之和。",
        ),
        sql_target(AHEAD),
        overrides=_BAND,
    )
    return [(14, 9, unlike), (10, 9, ahead)]


_BAND = [override(name, decimals=1) for name in ("Expected", "lower end", "upper end", "Beyond")]


def signal_table() -> Json:
    """What the engine sees, with and without an alert; also a panel of the overview."""
    return table(
        Text("Signals that hold", "当前信号"),
        Text(
            "Conditions the engine saw at the end of the time range, whether or not a rule makes an alert of them. Value: "
            "visits, a fraction for the service level, or visits waiting past the threshold.",
            "时间范围末尾引擎所见的状况，无论是否有规则据此告警。值：次数；服务水平为比例；或超时等待的次数。",
        ),
        sql_target(queries.SIGNAL_TABLE),
        overrides=[override("Kind", mappings=said(SIGNAL_KINDS))],
    )


def _what() -> list[tuple[int, int, Json]]:
    categories = table(
        Text("What it is made of", "来电构成"),
        Text(
            "Visits offered by the first level of the category, the same exactly 168 hours earlier, and their ratio.",
            "按诉求一级类别的进队次数、恰好 168 小时前的同期值及其比值。",
        ),
        sql_target(CATEGORIES),
        overrides=shares("Value"),
    )
    return [(12, 9, categories), (12, 9, signal_table())]


def _left_early() -> list[tuple[int, int, Json]]:
    early = timeseries(
        Text("Calls that reached the system", "呼入去向"),
        Text(
            "Calls per minute (mean over the step), by arrival: reached a queue, ended in the menu, refused before any queue.",
            "每分钟来电（按步长平均，按来电时间归属）：请求人工、止于语音导航、进队前被拒（打不进）。",
        ),
        [sql_target(LEFT_EARLY, result="timeseries")],
        stacked=True,
        interval="15m",
    )
    return [(24, 8, early)]


def demand() -> Json:
    """The dashboard as Grafana's classic JSON."""
    return frame.board(
        UID,
        Text("Demand against expectation", "需求与预测"),
        Text(
            "Is today like other days? The demand model learns from the weeks before; its range holds nine steps in ten.",
            "今天与平日是否相同？需求模型由此前数周学得，其区间涵盖十分之九的步长。",
        ),
        panels=rows(
            (Text("In the time range", "时间范围内"), [_sums()]),
            (Text("Over time", "随时间"), [[(24, 9, against_expectation(queries.WHOLE))], _over_time()]),
            (Text("When", "何时"), [_when()]),
            (Text("What", "为何"), [_what(), _left_early()]),
        ),
    )
