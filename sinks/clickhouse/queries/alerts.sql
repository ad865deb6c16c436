-- Which alerts fired, and how soon did somebody take them on?
-- 有哪些告警，多久有人确认？
-- One row per episode; `to_acknowledge_s` is from firing to the first acknowledgement, null: nobody did.
-- @feed = live : the feed
-- @hotline = : the hotline; empty: all
-- @from = today-7 : first day (UTC)
-- @to = today : last day (UTC)
-- @zone = zone : time zone that times are shown in
SELECT
    e.rule AS rule,
    e.severity AS severity,
    e.hotline AS hotline,
    e.queue AS queue,
    e.category AS category,
    toTimeZone(e.fired_at, {zone:String}) AS fired,
    if(e.resolved, dateDiff('second', e.fired_at, e.resolved_at), NULL) AS lasted_s,
    toTimeZone(minOrNullIf(a.at, a.at >= e.fired_at AND (NOT e.resolved OR a.at <= e.resolved_at)), {zone:String}) AS acknowledged,
    argMinOrNullIf(a.author, a.at, a.at >= e.fired_at AND (NOT e.resolved OR a.at <= e.resolved_at)) AS acknowledged_by,
    dateDiff('second', e.fired_at, acknowledged) AS to_acknowledge_s
FROM
(
    SELECT
        feed,
        hotline,
        fingerprint,
        episode,
        any(rule) AS rule,
        argMax(severity, (at, version)) AS severity,
        any(queue) AS queue,
        any(category) AS category,
        minIf(v.at, state = 'firing') AS fired_at,
        maxIf(v.at, state = 'resolved') AS resolved_at,
        countIf(state = 'resolved') > 0 AS resolved
    FROM v_alerts AS v
    WHERE feed = {feed:String} AND {hotline:String} IN ('', hotline)
    GROUP BY feed, hotline, fingerprint, episode
    HAVING countIf(state = 'firing') > 0
        AND fired_at >= toDateTime({from:Date}, 'UTC') AND fired_at < toDateTime({to:Date} + 1, 'UTC')
) AS e
LEFT JOIN (SELECT fingerprint, at, author FROM v_alert_controls WHERE kind = 'acknowledgement') AS a ON e.fingerprint = a.fingerprint
GROUP BY ALL
ORDER BY fired, rule, queue
