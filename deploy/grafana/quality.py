"""The dashboard "Data quality": which sources were heard, what was mended, what could not be read or came too late."""
# ruff: noqa: S608  (put together from constants; values come in as Grafana's quoted variables)

from deploy.grafana import frame, queries
from deploy.grafana.parts import Json, override, rows, said, shares, sql_target, stat, table, thresholds, timeseries
from deploy.grafana.values import FEED_STATES, YES_NO
from deploy.grafana.words import Text

UID = "hotline-quality"

_FEED = "feed = ${feed:sqlstring}"

COMPLETENESS = f"""
SELECT sum(sources_heard) / nullIf(sum(sources_expected), 0) AS value
FROM v_cells
WHERE {queries.WHOLE} AND $__timeFilter(minute)
"""

SILENT = f"SELECT countIf(silent_since IS NOT NULL) AS value FROM v_sources WHERE {_FEED} AND expected"
UNREAD = "SELECT count() AS value FROM v_dead_letters WHERE $__timeFilter(append_time)"
LATE = f"SELECT count() AS value FROM v_late_events WHERE {_FEED} AND $__timeFilter(append_time)"
LOST = f"""
SELECT sum(lost_track + lost_track_talking + lost_track_in_menu) AS value
FROM v_cells
WHERE {queries.WHOLE} AND $__timeFilter(minute)
"""
ASIDE = f"SELECT sum(phantom + test + nuisance) AS value FROM v_cells WHERE {queries.WHOLE} AND $__timeFilter(minute)"

SOURCES = f"""
SELECT
    source AS "Source",
    last_at AS "Last event",
    silent_since AS "Missing since",
    clock_offset_ms AS "Clock offset",
    events AS "Events",
    repeats AS "Repeats",
    doubled AS "Sent twice"
FROM v_sources
WHERE {_FEED}
ORDER BY silent_since IS NULL, source
"""

HEARD = f"""
SELECT
    source AS "Source",
    count() AS "Minutes",
    countIf(silent_since IS NULL) AS "Heard",
    "Heard" / "Minutes" AS "Completeness"
FROM v_source_history
WHERE {_FEED} AND expected AND $__timeFilter(at)
GROUP BY source
ORDER BY "Completeness", source
"""

COMPLETE_OVER_TIME = f"""
SELECT $__timeInterval(minute) AS time, sum(sources_heard) / nullIf(sum(sources_expected), 0) AS "Completeness"
FROM v_cells
WHERE {queries.WHOLE} AND $__timeFilter(minute)
GROUP BY time
ORDER BY time
"""

REPAIRS = f"""
SELECT arrayJoin(repairs) AS "Repair", count() AS "Visits", uniqExact(source) AS "Sources"
FROM v_visits
WHERE {queries.HERE} AND $__timeFilter(counted_at)
GROUP BY "Repair"
ORDER BY "Visits" DESC, "Repair"
"""

LEFT_OUT = f"""
SELECT
    $__timeInterval(append_time) AS time,
    countIf(kind = 'late') AS "late",
    countIf(kind = 'unread') AS "unread"
FROM
(
    SELECT append_time, 'late' AS kind FROM v_late_events WHERE {_FEED}
    UNION ALL
    SELECT append_time, 'unread' AS kind FROM v_dead_letters WHERE feed IN ('', ${{feed:sqlstring}})
)
WHERE $__timeFilter(append_time)
GROUP BY time
ORDER BY time
"""

LATE_TABLE = f"""
SELECT
    source AS "Source",
    type AS "Kind",
    count() AS "Events",
    max(append_time) AS "Last",
    argMax(concat(topic, '/', toString(partition), '/', toString(offset)), append_time) AS "Position"
FROM v_late_events
WHERE {_FEED} AND $__timeFilter(append_time)
GROUP BY source, type
ORDER BY "Events" DESC, source, type
LIMIT 200
"""

FEEDS = """
SELECT
    feed AS "Feed",
    generation AS "Generation",
    state AS "State",
    range_from AS "From",
    range_to AS "To",
    at AS "Counted up to",
    queryable_at AS "Queryable since"
FROM v_feeds
ORDER BY feed = 'live' DESC, generation DESC, feed
LIMIT 200
"""


def _sums() -> list[tuple[int, int, Json]]:
    panels = [
        stat(
            Text("Data complete", "数据完整率"),
            Text("Source-minutes heard / expected, of sources that send heartbeats. A dash: none is expected.", "发送心跳的数据源：收到的分钟 / 应有的分钟。短横：没有应有的数据源。"),
            sql_target(COMPLETENESS),
            **frame.SHARE,
        ),
        stat(
            Text("Sources silent now", "当前中断的数据源"),
            Text("Sources that send heartbeats and are not heard.", "发送心跳但当前收不到的数据源。"),
            sql_target(SILENT),
            colors=thresholds("green", (1, "red")),
        ),
        stat(
            Text("Could not be read", "无法读取"),
            Text("Dead letters appended in the time range, of every feed: the feed of such a record is often unknown.", "时间范围内写入的死信（所有数据流：此类记录往往不知其数据流）。"),
            sql_target(UNREAD),
            colors=thresholds("green", (1, "orange")),
        ),
        stat(
            Text("Too late", "迟到"),
            Text("Readable events appended later than the allowed lateness after they happened: kept, counted, in no cell.", "可读但晚于允许迟到时限写入的事件：保留、计数，不计入任何单元。"),
            sql_target(LATE),
        ),
        stat(
            Text("Lost track", "失去跟踪"),
            Text("Visits and calls whose source never told the end: waiting, talking or in the menu.", "数据源从未告知结束的来电：等待中、通话中或在语音导航。"),
            sql_target(LOST),
        ),
        stat(
            Text("Set aside", "另计"),
            Text("Calls flagged phantom, test or nuisance: counted apart, in no rate.", "标为虚假、测试或骚扰的来电：另计，不入任何比率。"),
            sql_target(ASIDE),
        ),
    ]  # fmt: skip
    return [(4, 4, panel) for panel in panels]


def _sources() -> list[tuple[int, int, Json]]:
    now = table(
        Text("Sources now", "数据源现状"),
        Text(
            "The last event of each source, since when it is missing, how far its clock is off (below 0: behind), records that told "
            "nothing new, and whether it sends everything twice (no figure is changed by it).",
            "各数据源的最近事件、中断起点、时钟偏差（负为落后）、无新内容的重复记录，及是否整体重复发送（不影响任何数字）。",
        ),
        sql_target(SOURCES),
        overrides=[override("Clock offset", unit="ms"), override("Sent twice", mappings=said(YES_NO))],
    )
    heard = table(
        Text("Heard in the time range", "时间范围内收到的"),
        Text("Minutes in which a source that sends heartbeats was heard, of all that are known.", "发送心跳的数据源被收到的分钟，占已知分钟。"),
        sql_target(HEARD),
        overrides=shares("Completeness"),
    )  # fmt: skip
    return [(14, 8, now), (10, 8, heard)]


def _over_time() -> list[tuple[int, int, Json]]:
    complete = timeseries(
        Text("Data complete", "数据完整率"),
        Text("Source-minutes heard / expected per step. A gap: none is expected.", "每步长：收到的 / 应有的数据源分钟。断开：没有应有的数据源。"),
        [sql_target(COMPLETE_OVER_TIME, result="timeseries")],
        unit="percentunit",
        maximum=1,
    )  # fmt: skip
    left_out = timeseries(
        Text("Left out of the numbers", "未计入的事件"),
        Text("Events per step by the time the broker took them: too late, or not readable (also of an unknown feed).", "每步长按写入时间：迟到或无法读取的事件（含数据流未知的）。"),
        [sql_target(LEFT_OUT, result="timeseries")],
        stacked=True,
    )  # fmt: skip
    return [(12, 8, complete), (12, 8, left_out)]


def unread_table() -> Json:
    """What could not be read, by reason and source."""
    return table(
        Text("Could not be read", "无法读取"),
        Text(
            "Events that were refused, by the time the broker took them; the record itself stays in the input topic only. "
            "The feed of such a record is often unknown, so this table holds those of every feed.",
            "被拒绝的事件，按写入时间；原始记录只留在输入主题中。此类记录往往不知其数据流，故本表含所有数据流。",
        ),
        sql_target(queries.DEAD_LETTERS),
    )


def _left_out() -> list[tuple[int, int, Json]]:
    late = table(
        Text("Too late", "迟到"),
        Text(
            "Late events by source and type, with the position of the last: `hotline dead-letter show` reads the record.",
            "按数据源与类型的迟到事件及最后一条的位置：用 `hotline dead-letter show` 读取该记录。",
        ),
        sql_target(LATE_TABLE),
    )
    repairs = table(
        Text("Mended", "已修复"),
        Text("Visits with an event that was mended, by kind of repair, and how many sources send such.", "含被修复事件的进队次数，按修复种类，及涉及的数据源数。"),
        sql_target(REPAIRS),
    )  # fmt: skip
    return [(10, 9, unread_table()), (8, 9, late), (6, 9, repairs)]


def _feeds() -> list[tuple[int, int, Json]]:
    feeds = table(
        Text("Feeds", "数据流"),
        Text(
            "Where numbers come from: live, replays and simulations, with their range, how far they are, and since when a replay "
            "can be queried as a whole.",
            "数字来自何处：live、回放与模拟，其范围、进度及整体可查询的起点。",
        ),
        sql_target(FEEDS),
        overrides=[override("State", mappings=said(FEED_STATES))],
    )
    return [(24, 7, feeds)]


def quality() -> Json:
    """The dashboard as Grafana's classic JSON."""
    return frame.board(
        UID,
        Text("Data quality", "数据质量"),
        Text(
            "How far the numbers can be trusted: what was heard, mended, refused.",
            "数字可信到什么程度：收到的、修复的、拒绝的。",
        ),
        panels=rows(
            (Text("In the time range", "时间范围内"), [_sums()]),
            (Text("Sources", "数据源"), [_sources(), _over_time()]),
            (Text("What is not in the numbers", "未计入的"), [_left_out()]),
            (Text("Feeds", "数据流"), [_feeds()]),
        ),
    )
