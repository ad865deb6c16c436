"""The dashboard "Alert history": what fired, how soon somebody took it on, how long it lasted, what was silenced."""
# ruff: noqa: S608  (put together from constants; values come in as Grafana's quoted variables)

from deploy.grafana import frame, queries
from deploy.grafana.parts import (
    Json,
    override,
    promql_target,
    rows,
    said,
    seconds,
    sql_target,
    stat,
    table,
    thresholds,
    timeseries,
)
from deploy.grafana.values import SEVERITIES
from deploy.grafana.words import Text

UID = "hotline-alerts"

_EPISODES = f"SELECT * FROM v_alert_history WHERE {queries.HERE} AND $__timeFilter(fired_at)"

FIRED = f"SELECT count() AS value FROM ({_EPISODES})"
TAKEN_SHARE = f"SELECT count(acknowledged_at) / nullIf(count(), 0) AS value FROM ({_EPISODES})"
TO_TELL = f"SELECT quantileExactOrNull(0.5)(time_to_notify_s) AS value FROM ({_EPISODES})"
TO_TAKE = f"SELECT quantileExactOrNull(0.5)(time_to_acknowledge_s) AS value FROM ({_EPISODES})"
LENGTH = f"SELECT quantileExactOrNull(0.5)(duration_s) AS value FROM ({_EPISODES})"

EPISODES = f"""
SELECT
    fired_at AS "Fired",
    severity AS "Severity",
    rule AS "Rule",
    queue AS "Queue",
    time_to_notify_s AS "Time to tell",
    acknowledged_by AS "Acknowledged by",
    time_to_acknowledge_s AS "Time to acknowledge",
    resolved_at AS "Resolved",
    duration_s AS "Lasted",
    verdict AS "Verdict",
    summary['en'] AS "Summary"
FROM ({_EPISODES})
ORDER BY fired_at DESC, rule, queue
LIMIT 500
"""

BY_RULE = f"""
SELECT
    rule AS "Rule",
    count() AS "Episodes",
    countIf(resolved_at IS NULL) AS "Still firing",
    countIf(duration_s < 300) AS "Short",
    countIf(verdict = 'noise') AS "Noise",
    count(acknowledged_at) AS "Taken on",
    quantileExactOrNull(0.5)(time_to_acknowledge_s) AS "Time to acknowledge",
    quantileExactOrNull(0.5)(duration_s) AS "Median length"
FROM ({_EPISODES})
GROUP BY rule
ORDER BY "Episodes" DESC, rule
"""

# How many fired at each instant: +1 when an episode fires, -1 when it resolves, summed from the beginning on.
FIRING_OVER_TIME = f"""
SELECT time, max(firing) AS "firing"
FROM
(
    SELECT $__timeInterval(changed_at) AS time, sum(change) OVER (ORDER BY changed_at, change DESC) AS firing
    FROM
    (
        SELECT fired_at AS changed_at, 1 AS change FROM ({_EPISODES})
        UNION ALL
        SELECT assumeNotNull(resolved_at) AS changed_at, -1 AS change FROM ({_EPISODES}) WHERE resolved_at IS NOT NULL
    )
)
GROUP BY time
ORDER BY time
"""

NEVER_FIRED = f"""
SELECT rule AS "Rule", count() AS "Never fired", last_reason AS "Reason"
FROM
(
    SELECT fingerprint, episode, any(rule) AS rule, argMax(reason, {queries.LATEST}) AS last_reason
    FROM v_alerts
    WHERE {queries.HERE} AND $__timeFilter(started_at)
    GROUP BY fingerprint, episode
    HAVING countIf(state = 'firing') = 0
)
GROUP BY rule, last_reason
ORDER BY "Never fired" DESC, rule
"""

TOLD = f"""
SELECT
    at AS "At",
    receiver AS "Told",
    channel AS "Channel",
    why AS "Why",
    step AS "Step",
    length(episodes) AS "Alerts",
    outcome AS "Outcome",
    reason AS "Reason"
FROM v_notifications
WHERE {queries.HERE} AND $__timeFilter(at)
ORDER BY at DESC, id, attempt DESC
LIMIT 500
"""

SILENCES = """
SELECT
    at AS "Began",
    ends_at AS "Until",
    author AS "Author",
    arrayStringConcat(arrayMap(pair -> concat(pair.1, '=', pair.2), CAST(matchers, 'Array(Tuple(String, String))')), ' ') AS "Matches",
    note AS "Note"
FROM v_alert_controls
WHERE kind = 'silence' AND $__timeFilter(at)
ORDER BY at DESC
LIMIT 200
"""


def _sums() -> list[tuple[int, int, Json]]:
    fired = Text(
        "Episodes that fired in the time range: a rule on its labels, from firing to resolved.",
        "时间范围内触发的告警次数：一条规则在其标签上由触发到恢复为一次。",
    )
    panels = [
        stat(Text("Fired", "已触发"), fired, sql_target(FIRED)),
        stat(
            Text("Firing now", "正在告警"),
            Text("Episodes whose last state is firing.", "最新状态为告警中的告警。"),
            sql_target(queries.ALERTS_FIRING),
            colors=thresholds("green", (1, "red")),
        ),
        stat(
            Text("Taken on", "确认比例"),
            Text("Share of the fired episodes that somebody acknowledged while they fired.", "触发期间有人确认的告警占比。"),
            sql_target(TAKEN_SHARE),
            **frame.SHARE,
        ),
        stat(
            Text("Time to tell, median", "送达用时中位数"),
            Text("From firing to the first person or machine that accepted it.", "由触发到首个人员或系统接收。"),
            sql_target(TO_TELL),
            unit="s",
        ),
        stat(
            Text("Time to acknowledge, median", "确认用时中位数"),
            Text("From firing to the first acknowledgement, over episodes that have one.", "由触发到首次确认，仅计有确认的告警。"),
            sql_target(TO_TAKE),
            unit="s",
        ),
        stat(
            Text("Length, median", "持续时长中位数"),
            Text("From firing to resolved, over episodes that have ended.", "由触发到恢复，仅计已结束的告警。"),
            sql_target(LENGTH),
            unit="s",
        ),
    ]  # fmt: skip
    return [(4, 4, panel) for panel in panels]


def _episodes() -> list[tuple[int, int, Json]]:
    episodes = table(
        Text("Alerts", "告警"),
        Text(
            "One line per episode that fired (v_alert_history): how soon it was told, who took it on and how soon, when it resolved, "
            "and what people thought of it.",
            "每次触发一行（v_alert_history）：多久送达、谁在多久后确认、何时恢复及事后评价。",
        ),
        sql_target(EPISODES),
        overrides=[
            override("Severity", mappings=said(SEVERITIES), custom__cellOptions={"type": "color-text"}),
            *seconds("Time to tell", "Time to acknowledge", "Lasted"),
        ],
    )
    return [(24, 11, episodes)]


def _people() -> list[tuple[int, int, Json]]:
    on_call = table(
        Text("On call now", "当前值班"),
        Text(
            "Whom each on-call schedule means now, overrides and calendars included (hotline alerts who says of every alert).",
            "各值班表当前所指之人，含调班与日历（hotline alerts who 可查每条告警会找谁）。",
        ),
        promql_target('sum by (schedule, receiver) (hotline_alerts_on_call{job="hotline"})', "", instant=True),
        overrides=[override(name, custom__hidden=True) for name in ("Time", "Value")],
    )
    told = table(
        Text("Who was told", "通知记录"),
        Text(
            "One line per try to tell a person or a machine (v_notifications): why, by which channel, and whether it was accepted.",
            "每次通知尝试一行（v_notifications）：缘由、渠道及是否被接收。",
        ),
        sql_target(TOLD),
    )
    return [(7, 9, on_call), (17, 9, told)]


def _over_time() -> list[tuple[int, int, Json]]:
    firing = timeseries(
        Text("Firing at a time", "同时告警数"),
        Text("Episodes of the time range that fired at once; the most of each step in which one changed.", "时间范围内同时处于告警中的次数；取有变化的步长内最大值。"),
        [sql_target(FIRING_OVER_TIME, result="timeseries")],
    )  # fmt: skip
    by_rule = table(
        Text("By rule", "按规则"),
        Text(
            "Episodes per rule; Short: resolved within five minutes of firing. A rule that is often short and never taken on is noise.",
            "各规则的告警次数；不足五分钟即恢复者单列。常常短促又无人确认的规则即为噪声。",
        ),
        sql_target(BY_RULE),
        overrides=seconds("Time to acknowledge", "Median length"),
    )
    return [(10, 9, firing), (14, 9, by_rule)]


def _quiet() -> list[tuple[int, int, Json]]:
    never = table(
        Text("Began and never fired", "未触发的告警"),
        Text("Episodes that began in the time range and ended before they fired, and why.", "时间范围内开始但未触发即结束的告警及原因。"),
        sql_target(NEVER_FIRED),
    )  # fmt: skip
    silences = table(
        Text("Silences", "静默"),
        Text(
            "What was silenced in the time range, on any hotline, by whom and why. Under paging: alertmanager silences live in "
            "Alertmanager.",
            "时间范围内的静默（不限热线）：由谁、为何。由 Alertmanager 呼叫时，静默在 Alertmanager 中。",
        ),
        sql_target(SILENCES),
    )
    return [(10, 8, never), (14, 8, silences)]


def alert_history() -> Json:
    """The dashboard as Grafana's classic JSON."""
    return frame.board(
        UID,
        Text("Alert history", "告警历史"),
        Text("What fired, who took it on and how soon, how long it lasted.", "触发了什么、谁在多久后确认、持续多久。"),
        since="now-7d",
        panels=rows(
            (Text("In the time range", "时间范围内"), [_sums(), _episodes()]),
            (Text("Who is called", "找谁"), [_people()]),
            (Text("How often", "频度"), [_over_time()]),
            (Text("What nobody heard of", "无人知晓的"), [_quiet()]),
        ),
    )
