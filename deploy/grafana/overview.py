"""The dashboard "Hotline overview": now, today, the last hours, queues, days, alerts, what is left out, the engine."""

from deploy.grafana import frame, queries
from deploy.grafana.demand import against_expectation, signal_table
from deploy.grafana.health import behind, lag, processes
from deploy.grafana.one_hotline import day_table, level_line, outcome_bars, queue_table, wait_lines
from deploy.grafana.parts import (
    Json,
    override,
    rows,
    said,
    seconds,
    shares,
    sql_target,
    stat,
    table,
    thresholds,
    timeseries,
)
from deploy.grafana.quality import unread_table
from deploy.grafana.values import ALERT_STATES, SEVERITIES
from deploy.grafana.wallboard import CALM
from deploy.grafana.words import Text

UID = "hotline-overview"


def _now() -> list[tuple[int, int, Json]]:
    panels = [
        stat(
            Text("Waiting", "等待中"),
            Text("Visits queued at the newest instant of the time range.", "时间范围末尾正在排队的次数。"),
            sql_target(queries.gauge("waiting")),
        ),
        stat(
            Text("Waiting past threshold", "超时等待"),
            Text("Of those waiting, the ones that wait longer than the promised threshold.", "正在排队且已超过承诺时限的次数。"),
            sql_target(queries.gauge("waiting_over_threshold")),
            colors=CALM,
        ),
        stat(
            Text("Oldest wait", "最长等待"),
            Text("Now minus queued, of the visit that waits longest. A dash: nobody waits.", "等待最久的一次：当前时间减进队时间。短横：无人等待。"),
            sql_target(queries.gauge("oldest_wait_s")),
            **frame.SECONDS,
        ),
        stat(
            Text("In service", "服务中"),
            Text("Visits being answered at that instant.", "该时刻正在接听的次数。"),
            sql_target(queries.gauge("in_service")),
        ),
        stat(
            Text("Data as of", "数据截至"),
            Text("The lowest partition clock: everything appended before it is in these numbers.", "最落后分区的时钟：此前写入的数据均已计入。"),
            sql_target(queries.gauge("toUnixTimestamp64Milli(at)")),
            unit="dateTimeFromNow",
        ),
        stat(
            Text("Alerts firing", "正在告警"),
            Text("Episodes whose last state is firing.", "最新状态为告警中的告警。"),
            sql_target(queries.ALERTS_FIRING),
            colors=thresholds("green", (1, "red")),
        ),
    ]  # fmt: skip
    return [(4, 4, panel) for panel in panels]


def _today() -> list[tuple[int, int, Json]]:
    panels = [
        stat(
            Text("Calls offered", "请求人工的来电"),
            Text("Calls that reached a queue on the local day the time range ends in.", "时间范围末尾所在的当地日进入队列的来电。"),
            sql_target(queries.today("calls_offered")),
        ),
        stat(
            Text("Answer rate (inbound)", "接通率（全部呼入）"),
            Text("answered / (offered + ended in menu + blocked), of the day, by arrival.", "当日接通 /（请求人工 + 止于语音导航 + 打不进），按来电时间归属。"),
            sql_target(queries.today("answer_rate_inbound")),
            **frame.SHARE,
        ),
        stat(
            Text("Service level (offered)", "服务水平（请求人工）"),
            Text(
                "Visits answered within X / offered, of the day, by arrival; abandoned within X counts as a miss. X is the variable at "
                "the top.",
                "当日时限 X 内接通 / 请求人工，按来电时间归属；时限内放弃计为未达标。X 为上方变量。",
            ),
            sql_target(queries.SERVICE_LEVEL_TODAY),
            **frame.SHARE,
        ),
        stat(
            Text("Abandonment rate", "放弃率"),
            Text("abandoned / offered, short abandons included, of the day, by arrival.", "当日放弃 / 请求人工，含短时放弃，按来电时间归属。"),
            sql_target(queries.today("abandonment_rate")),
            **frame.SHARE,
        ),
        stat(
            Text("ASA", "平均应答速度"),
            Text("Average speed of answer: mean wait of answered visits, zero waits included, of the day.", "当日接通次数的平均等待，含零等待。"),
            sql_target(queries.today("asa")),
            **frame.SECONDS,
        ),
        stat(
            Text("AHT", "平均处理时长"),
            Text("Average handling time: mean talk + hold + after-call work of answered visits of the day.", "当日接通次数的通话 + 保持 + 话后平均时长。"),
            sql_target(queries.today("aht")),
            **frame.SECONDS,
        ),
    ]  # fmt: skip
    return [(4, 4, panel) for panel in panels]


def _queues_live() -> list[tuple[int, int, Json]]:
    waiting = timeseries(
        Text("Waiting by queue", "各队列等待"),
        Text("Visits queued; the most of each step.", "正在排队的次数；取每步长最大值。"),
        [sql_target(queries.WAITING, result="timeseries")],
        interval="10s",
    )
    oldest = timeseries(
        Text("Oldest wait by queue", "各队列最长等待"),
        Text(
            "Age of the visit that waits longest; the highest of each step. A gap: nobody waited.",
            "等待最久者的等待时长；取每步长最大值。断开：无人等待。",
        ),
        [sql_target(queries.OLDEST_WAIT, result="timeseries")],
        unit="s",
        interval="10s",
    )
    return [(12, 8, waiting), (12, 8, oldest)]


def _days() -> list[tuple[int, int, Json]]:
    by_queue = table(
        Text("Queues by day", "各队列各日"),
        Text(
            "v_daily: each queue and local day; the promised threshold; ratios of the day's sums.",
            "v_daily：各队列各当地日；承诺时限；按日合计之比。",
        ),
        sql_target(queries.QUEUE_DAYS),
        overrides=[*shares("Service level (offered)", "Answer rate (offered)"), *seconds("ASA")],
    )
    return [(12, 8, day_table()), (12, 8, by_queue)]


def _alerts() -> list[tuple[int, int, Json]]:
    alerts = table(
        Text("Alerts", "告警"),
        Text(
            "One line per episode that began in the time range: its last state and why it got there.",
            "时间范围内开始的每次告警一行：最新状态及其原因。",
        ),
        sql_target(queries.ALERT_TABLE),
        overrides=[
            override("State", mappings=said(ALERT_STATES), custom__cellOptions={"type": "color-text"}),
            override("Severity", mappings=said(SEVERITIES), custom__cellOptions={"type": "color-text"}),
        ],
    )
    return [(12, 8, alerts), (12, 8, signal_table())]


def _left_out() -> list[tuple[int, int, Json]]:
    late = timeseries(
        Text("Too late", "迟到"),
        Text(
            "Readable events appended later than the allowed lateness after they happened: kept, counted, in no cell.",
            "可读但晚于允许迟到时限写入的事件：保留、计数，不计入任何单元。",
        ),
        [sql_target(queries.LATE_EVENTS, result="timeseries")],
    )
    return [(12, 8, unread_table()), (12, 8, late)]


def overview() -> Json:
    """The dashboard as Grafana's classic JSON."""
    whole = queries.WHOLE
    return frame.board(
        UID,
        Text("Hotline overview", "热线总览"),
        Text(
            "What a supervisor asks first. Every panel's description holds the definition of its numbers.",
            "值班长最先要问的。各面板说明中写有数字的定义。",
        ),
        variables=[frame.FEED, frame.HOTLINE, frame.QUEUES, frame.THRESHOLD],
        refresh="10s",
        since="now-6h",
        panels=rows(
            (Text("Now", "此刻"), [_now()]),
            (Text("Today", "今日"), [_today()]),
            (
                Text("The last hours", "最近数小时"),
                [
                    [(12, 8, against_expectation(whole)), (12, 8, level_line(whole))],
                    [(12, 8, outcome_bars(whole)), (12, 8, wait_lines(whole))],
                ],
            ),
            (Text("Queues", "队列"), [_queues_live(), [(24, 9, queue_table())]]),
            (Text("Days", "各日"), [_days()]),
            (Text("Alerts and signals", "告警与信号"), [_alerts()]),
            (Text("What is not in the numbers", "未计入的"), [_left_out()]),
            (Text("The engine", "引擎"), [[(8, 7, processes()), (8, 7, lag()), (8, 7, behind())]]),
        ),
    )
