"""The SQL that dashboards share, on the views alone (`v_*`), always for one feed and one hotline.

The texts are for Grafana: `${name:sqlstring}` is a dashboard variable, quoted and escaped (several values become a
list), `$__…` are the ClickHouse plugin's macros. Counts are by arrival unless a name says otherwise; ratios are of
sums; a ratio over nothing is null. Any whole-second threshold works backwards over history, because waits are kept in
one-second buckets.
"""
# ruff: noqa: S608  (these texts are put together from constants; values come in as Grafana's quoted variables)

HERE = "feed = ${feed:sqlstring} AND hotline = ${hotline:sqlstring}"
QUEUES = "queue IN (${queue:sqlstring})"
WHOLE = f"{HERE} AND dimension_set = 'hotline'"
BY_QUEUE = f"{HERE} AND dimension_set = 'queue' AND {QUEUES}"
ONE_QUEUE = f"{HERE} AND dimension_set = 'queue' AND queue = ${{queue:sqlstring}}"

# The local days, in the hotline's own zone, that the time range touches; the last of them is "today".
DAYS = f"SELECT day FROM v_cells WHERE {WHOLE} AND $__timeFilter(minute)"
TODAY = f"day = (SELECT max(day) FROM ({DAYS}))"

WITHIN = "arraySum(mapValues(mapFilter((edge, visits) -> edge <= ${threshold_s}, sumMap(answered_wait))))"
PER_MINUTE = "/ ($__interval_s / 60)"

# The last change of an episode: changes decided at the same instant go pending, firing, resolved.
LATEST = "(at, state != 'pending', state = 'resolved')"


def percentile(fraction: float) -> str:
    """Upper edge, seconds, of the bucket that holds rank ceil(p n) of the waits in the map `waits`; null over nothing."""
    return (
        "if(empty(waits), NULL, mapKeys(waits)[arrayFirstIndex(visits -> "
        f"visits >= ceil({fraction} * arraySum(mapValues(waits))), arrayCumSum(mapValues(waits)))])"
    )


FEEDS = "SELECT feed FROM v_cells WHERE dimension_set = 'hotline' GROUP BY feed ORDER BY feed = 'live' DESC, feed"

HOTLINES = """
SELECT hotline FROM v_cells
WHERE feed = ${feed:sqlstring} AND dimension_set = 'hotline'
GROUP BY hotline ORDER BY hotline
"""

QUEUE_NAMES = f"""
SELECT queue FROM v_cells
WHERE {HERE} AND dimension_set = 'queue' AND queue != ''
GROUP BY queue ORDER BY queue
"""

THRESHOLDS = f"""
SELECT arrayJoin(arrayDistinct(arrayConcat(groupUniqArray(threshold_s), [15, 20, 30, 60, 120]))) AS threshold_s
FROM v_hotline_daily
WHERE {HERE}
"""

ALERT_MARKS = f"""
SELECT
    min(started_at) AS time,
    max(ended_at) AS timeEnd,
    any(rule) AS title,
    argMax(summary['en'], at) AS text,
    concat(argMax(severity, at), ',', any(queue)) AS tags
FROM v_alerts
WHERE {HERE}
GROUP BY fingerprint, episode
HAVING has(groupArray(state), 'firing') AND $__timeFilter(time)
"""


def gauge(column: str, where: str = WHOLE) -> str:
    """The newest value of a gauge (of the whole hotline) in the time range."""
    return f"""
SELECT {column} AS value
FROM v_gauges
WHERE {where} AND $__timeFilter(at)
ORDER BY at DESC
LIMIT 1
"""


def today(column: str) -> str:
    """A column of v_hotline_daily on the local day the time range ends in."""
    return f"SELECT {column} AS value FROM v_hotline_daily WHERE {HERE} AND {TODAY}"


SERVICE_LEVEL_TODAY = f"""
SELECT within / nullIf(visits, 0) AS value
FROM
(
    SELECT {WITHIN} AS within, sum(offered) AS visits
    FROM v_cells
    WHERE {WHOLE} AND {TODAY}
)
"""

ALERTS_FIRING = f"""
SELECT countIf(last_state = 'firing') AS value
FROM
(
    SELECT argMax(state, {LATEST}) AS last_state
    FROM v_alerts
    WHERE {HERE}
    GROUP BY fingerprint, episode
)
"""


def offered(where: str = WHOLE) -> str:
    """Visits queued, per minute."""
    return f"""
SELECT $__timeInterval(minute) AS time, sum(offered) {PER_MINUTE} AS "offered"
FROM v_cells
WHERE {where} AND $__timeFilter(minute)
GROUP BY time
ORDER BY time
"""


def expected(where: str = WHOLE) -> str:
    """What was expected per minute, with the ends of its 90 % range."""
    return f"""
SELECT
    $__timeInterval(at) AS time,
    avg(lower * 60 / step_s) AS "lower end",
    avg(upper * 60 / step_s) AS "upper end",
    avg(expected * 60 / step_s) AS "expectation"
FROM v_forecasts
WHERE {where} AND $__timeFilter(at)
GROUP BY time
ORDER BY time
"""


def service_level(where: str = WHOLE) -> str:
    """Answered within X of offered, per step."""
    return f"""
SELECT $__timeInterval(minute) AS time, {WITHIN} / nullIf(sum(offered), 0) AS "service level"
FROM v_cells
WHERE {where} AND $__timeFilter(minute)
GROUP BY time
ORDER BY time
"""


def outcomes(where: str = WHOLE) -> str:
    """What became of visits, per minute."""
    return f"""
SELECT
    $__timeInterval(minute) AS time,
    sum(answered_by_outcome) {PER_MINUTE} AS "answered",
    sum(abandoned_by_outcome) {PER_MINUTE} AS "abandoned",
    sum(flowed_out_by_outcome) {PER_MINUTE} AS "flowed out",
    sum(callback_taken_by_outcome) {PER_MINUTE} AS "callback taken"
FROM v_cells
WHERE {where} AND $__timeFilter(minute)
GROUP BY time
ORDER BY time
"""


def waits(where: str = WHOLE) -> str:
    """ASA and p90, per step."""
    return f"""
SELECT time, wait_s / nullIf(answered_visits, 0) AS "ASA", {percentile(0.9)} AS "p90"
FROM
(
    SELECT
        $__timeInterval(minute) AS time,
        sum(wait_ms_sum) / 1000 AS wait_s,
        sum(answered) AS answered_visits,
        sumMap(mapAdd(answered_wait, abandoned_wait)) AS waits
    FROM v_cells
    WHERE {where} AND $__timeFilter(minute)
    GROUP BY time
)
ORDER BY time
"""


def handled(where: str = WHOLE) -> str:
    """Mean talk, hold and after-call work of answered visits, per step."""
    return f"""
SELECT
    time,
    talk_s / nullIf(visits, 0) AS "talk",
    hold_s / nullIf(visits, 0) AS "hold",
    acw_s / nullIf(visits, 0) AS "after-call"
FROM
(
    SELECT
        $__timeInterval(minute) AS time,
        sum(answered) AS visits,
        sum(talk_ms_sum) / 1000 AS talk_s,
        sum(hold_ms_sum) / 1000 AS hold_s,
        sum(acw_ms_sum) / 1000 AS acw_s
    FROM v_cells
    WHERE {where} AND $__timeFilter(minute)
    GROUP BY time
)
ORDER BY time
"""


WAITING = f"""
SELECT $__timeInterval(at) AS time, queue, max(waiting) AS most
FROM v_gauges
WHERE {BY_QUEUE} AND $__timeFilter(at)
GROUP BY time, queue
ORDER BY time, queue
"""

OLDEST_WAIT = f"""
SELECT $__timeInterval(at) AS time, queue, max(oldest_wait_s) AS oldest
FROM v_gauges
WHERE {BY_QUEUE} AND $__timeFilter(at)
GROUP BY time, queue
ORDER BY time, queue
"""

QUEUE_TABLE = f"""
SELECT
    queue AS "Queue",
    offered_visits AS "Offered",
    answered_visits AS "Answered",
    abandoned_visits AS "Abandoned",
    within AS "Within X",
    within / nullIf(offered_visits, 0) AS "Service level",
    answered_visits / nullIf(offered_visits, 0) AS "Answer rate",
    wait_s / nullIf(answered_visits, 0) AS "ASA",
    {percentile(0.9)} AS "p90",
    handled_s / nullIf(answered_visits, 0) AS "AHT"
FROM
(
    SELECT
        queue,
        sum(offered) AS offered_visits,
        sum(answered) AS answered_visits,
        sum(abandoned) AS abandoned_visits,
        {WITHIN} AS within,
        sum(wait_ms_sum) / 1000 AS wait_s,
        sum(talk_ms_sum + hold_ms_sum + acw_ms_sum) / 1000 AS handled_s,
        sumMap(mapAdd(answered_wait, abandoned_wait)) AS waits
    FROM v_cells
    WHERE {BY_QUEUE} AND $__timeFilter(minute)
    GROUP BY queue
)
ORDER BY offered_visits DESC
"""

DAY_TABLE = f"""
SELECT
    day AS "Day",
    calls_offered AS "Calls offered",
    calls_answered AS "Calls answered",
    calls_abandoned AS "Calls abandoned",
    ended_in_menu AS "Ended in menu",
    blocked AS "Blocked",
    answer_rate_inbound AS "Answer rate (inbound)",
    threshold_s AS "Threshold",
    service_level_offered AS "Service level (offered)",
    asa AS "ASA"
FROM v_hotline_daily
WHERE {HERE} AND day IN ({DAYS})
ORDER BY day DESC
"""

QUEUE_DAYS = f"""
SELECT
    day AS "Day",
    queue AS "Queue",
    offered AS "Offered",
    service_level_offered AS "Service level (offered)",
    answer_rate_offered AS "Answer rate (offered)",
    asa AS "ASA"
FROM v_daily
WHERE {HERE} AND {QUEUES} AND day IN ({DAYS})
ORDER BY day DESC, queue
LIMIT 500
"""

ALERT_TABLE = f"""
SELECT
    min(started_at) AS "Began",
    max(ended_at) AS "Ended",
    argMax(state, {LATEST}) AS "State",
    argMax(severity, {LATEST}) AS "Severity",
    any(rule) AS "Rule",
    any(queue) AS "Queue",
    argMax(summary['en'], {LATEST}) AS "Summary",
    argMax(reason, {LATEST}) AS "Reason"
FROM v_alerts
WHERE {HERE} AND $__timeFilter(started_at)
GROUP BY fingerprint, episode
ORDER BY "Began" DESC
LIMIT 200
"""

SIGNAL_TABLE = f"""
SELECT
    began AS "Since",
    signal AS "Kind",
    of_queue AS "Queue",
    of_category AS "Category",
    last.1 AS "Value",
    last.2 AS "Expected",
    last.3 AS "Summary"
FROM
(
    SELECT
        argMax(since, version) AS began,
        any(kind) AS signal,
        any(queue) AS of_queue,
        any(category) AS of_category,
        argMax((value, expected, summary['en'], active), version) AS last
    FROM v_signals
    WHERE {HERE} AND at <= $__toTime
    GROUP BY fingerprint
)
WHERE last.4
ORDER BY began DESC
"""

DEAD_LETTERS = """
SELECT
    reason AS "Reason",
    field AS "Field",
    source AS "Source",
    count() AS "Events",
    max(append_time) AS "Last",
    argMax(preview, append_time) AS "Last preview, masked"
FROM v_dead_letters
WHERE $__timeFilter(append_time)
GROUP BY reason, field, source
ORDER BY "Events" DESC
LIMIT 200
"""

LATE_EVENTS = """
SELECT $__timeInterval(append_time) AS time, if(source = '', 'unknown source', source) AS sender, count() AS events
FROM v_late_events
WHERE feed = ${feed:sqlstring} AND $__timeFilter(append_time)
GROUP BY time, sender
ORDER BY time, sender
"""
