"""The dashboard "Agents": who is free now, how busy they are, how long calls take them, who leaves calls unanswered."""
# ruff: noqa: S608  (put together from constants; values come in as Grafana's quoted variables)

from deploy.grafana import frame, queries
from deploy.grafana.parts import Json, rows, seconds, shares, sql_target, stat, table, timeseries
from deploy.grafana.words import Text

UID = "hotline-agents"

_STATES = {
    "available": "available",
    "ringing": "ringing",
    "on_call": "on call",
    "hold": "hold",
    "after_call": "after-call",
    "break": "break",
    "ring_no_answer": "ring, no answer",
}
_BUSY = "sum(agent_on_call_ms + agent_hold_ms + agent_after_call_ms)"
OCCUPANCY = f"{_BUSY} / nullIf({_BUSY} + sum(agent_available_ms), 0)"

_COLUMNS = ",\n    ".join(f"max(agents['{state}']) AS \"{name}\"" for state, name in _STATES.items())
BY_STATE = f"""
SELECT
    $__timeInterval(at) AS time,
    {_COLUMNS}
FROM v_gauges
WHERE {queries.WHOLE} AND $__timeFilter(at)
GROUP BY time
ORDER BY time
"""

OCCUPANCY_OVER_TIME = f"""
SELECT $__timeInterval(minute) AS time, {OCCUPANCY} AS "occupancy"
FROM v_cells
WHERE {queries.WHOLE} AND $__timeFilter(minute)
GROUP BY time
ORDER BY time
"""

OCCUPANCY_NOW = f"SELECT {OCCUPANCY} AS value FROM v_cells WHERE {queries.WHOLE} AND $__timeFilter(minute)"

BREAKS = f"""
SELECT $__timeInterval(at) AS time, kind, max(people) AS most
FROM
(
    SELECT at, arrayJoin(CAST(breaks, 'Array(Tuple(String, UInt64))')) AS of_kind, if(of_kind.1 = '', '?', of_kind.1) AS kind, of_kind.2 AS people
    FROM v_gauges
    WHERE {queries.WHOLE} AND $__timeFilter(at)
)
GROUP BY time, kind
ORDER BY time, kind
"""

BY_QUEUE = f"""
SELECT
    queue AS "Queue",
    busy_h AS "on call",
    free_h AS "available",
    break_h AS "break",
    busy_h / nullIf(busy_h + free_h, 0) AS "Occupancy",
    unanswered AS "Ring, no answer"
FROM
(
    SELECT
        queue,
        {_BUSY} / 1000 AS busy_h,
        sum(agent_available_ms) / 1000 AS free_h,
        sum(agent_break_ms) / 1000 AS break_h,
        sum(ring_no_answer) AS unanswered
    FROM v_cells
    WHERE {queries.BY_QUEUE} AND $__timeFilter(minute)
    GROUP BY queue
)
WHERE busy_h + free_h + break_h > 0 OR unanswered > 0
ORDER BY "Occupancy" DESC, queue
"""

BY_AGENT = f"""
SELECT
    agent AS "Agent",
    count() AS "Answered",
    avg(talk_ms) / 1000 AS "Talk",
    avg(hold_ms) / 1000 AS "Hold",
    avg(acw_ms) / 1000 AS "Work after call",
    (sum(ifNull(talk_ms, 0)) + sum(ifNull(hold_ms, 0)) + sum(ifNull(acw_ms, 0))) / 1000 / count() AS "AHT",
    countIf(transferred) AS "Transferred",
    avg(rating) AS "Rating"
FROM v_visits
WHERE {queries.HERE} AND {queries.QUEUES} AND outcome = 'answered' AND agent != '' AND $__timeFilter(counted_at)
GROUP BY agent
ORDER BY "Answered" DESC, agent
LIMIT 500
"""

UNANSWERED = f"""
SELECT $__timeInterval(minute) AS time, sum(ring_no_answer) AS "ring, no answer"
FROM v_cells
WHERE {queries.WHOLE} AND $__timeFilter(minute)
GROUP BY time
ORDER BY time
"""


def _now() -> list[tuple[int, int, Json]]:
    def agents(title: Text, state: str) -> Json:
        return stat(
            title,
            Text(
                "Agents of the hotline in this state at the newest instant of the time range; each counts once.",
                "时间范围末尾处于该状态的座席，每人只计一次。",
            ),
            sql_target(queries.gauge(f"agents['{state}']")),
        )

    panels = [
        agents(Text("Available", "空闲"), "available"),
        agents(Text("On call", "通话中"), "on_call"),
        agents(Text("After-call work", "话后处理"), "after_call"),
        agents(Text("On a break", "小休"), "break"),
        agents(Text("Set aside, no answer", "振铃未接停用"), "ring_no_answer"),
        stat(
            Text("Occupancy", "座席利用率"),
            Text(
                "(talk + hold + after-call) / (that + available), agents' time within the time range; ringing is left out.",
                "（通话 + 保持 + 话后）/（前者 + 空闲），时间范围内的座席时间；不含振铃。",
            ),
            sql_target(OCCUPANCY_NOW),
            **frame.SHARE,
        ),
    ]
    return [(4, 4, panel) for panel in panels]


def _over_time() -> list[tuple[int, int, Json]]:
    states = timeseries(
        Text("Agents by state", "座席状态"),
        Text("Agents of the hotline by state, each once; the most of each step.", "热线座席按状态的人数，每人只计一次；取每步长最大值。"),
        [sql_target(BY_STATE, result="timeseries")],
        stacked=True,
    )  # fmt: skip
    occupancy = timeseries(
        Text("Occupancy", "座席利用率"),
        Text(
            "(talk + hold + after-call) / (that + available), agents' time per step; ringing is left out.",
            "（通话 + 保持 + 话后）/（前者 + 空闲），每步长的座席时间；不含振铃。",
        ),
        [sql_target(OCCUPANCY_OVER_TIME, result="timeseries")],
        unit="percentunit",
        maximum=1,
        interval="15m",
    )
    return [(12, 8, states), (12, 8, occupancy)]


def handling_time(where: str = queries.WHOLE) -> Json:
    """What the AHT is made of, over time."""
    return timeseries(
        Text("Handling time", "处理时长"),
        Text(
            "Mean talk, hold and after-call work of answered visits, by arrival; together they are the AHT.",
            "接通次数的平均通话、保持与话后时长，按来电时间归属；三者之和为平均处理时长。",
        ),
        [sql_target(queries.handled(where), result="timeseries")],
        unit="s",
        interval="15m",
        stacked=True,
    )


def _work() -> list[tuple[int, int, Json]]:
    unanswered = timeseries(
        Text("Rang and nobody answered", "振铃未接"),
        Text("Calls that an agent did not answer, in the minute it was told.", "座席未接的来电，按被告知的分钟归属。"),
        [sql_target(UNANSWERED, result="timeseries")],
        interval="15m",
        stacked=True,
    )
    breaks = timeseries(
        Text("Breaks by reason", "小休原因"),
        Text("Agents on a break by the reason that was told; the most of each step.", "按原因的小休人数；取每步长最大值。"),
        [sql_target(BREAKS, result="timeseries")],
    )  # fmt: skip
    return [(8, 8, handling_time()), (8, 8, unanswered), (8, 8, breaks)]


def _who() -> list[tuple[int, int, Json]]:
    by_queue = table(
        Text("By queue", "按队列"),
        Text(
            "Agents' time on call (with hold and after-call work), available and on a break; an agent who serves three queues is "
            "in each of them.",
            "座席的通话（含保持与话后）、空闲与小休时间；服务三个队列的座席在三处都计。",
        ),
        sql_target(BY_QUEUE),
        overrides=[*seconds("on call", "available", "break"), *shares("Occupancy")],
    )
    by_agent = table(
        Text("By agent", "按座席"),
        Text(
            "Answered visits of the chosen queues, by arrival: means of talk, hold and after-call work, transfers, mean rating. Say "
            "to your people what it is for.",
            "所选队列的接通次数，按来电时间归属：通话、保持、话后的平均值，转出次数与平均评分。请向员工说明用途。",
        ),
        sql_target(BY_AGENT),
        overrides=seconds("Talk", "Hold", "Work after call", "AHT"),
    )
    return [(10, 10, by_queue), (14, 10, by_agent)]


def agents() -> Json:
    """The dashboard as Grafana's classic JSON."""
    return frame.board(
        UID,
        Text("Agents", "座席"),
        Text("Who is free, how busy they are, how long calls take them.", "谁空闲、多忙、处理多久。"),
        variables=[frame.FEED, frame.HOTLINE, frame.QUEUES],
        refresh="10s",
        since="now-12h",
        panels=rows(
            (Text("Now", "此刻"), [_now()]),
            (Text("Over time", "随时间"), [_over_time(), _work()]),
            (Text("Who", "人员与队列"), [_who()]),
        ),
    )
