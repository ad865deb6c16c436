-- Which rules wake us, and how often for nothing much?
-- 哪些规则告警最多？
-- Episodes per rule; `short` ended within `short_s` of firing, `quiet` never fired at all.
-- @feed = live : the feed
-- @hotline = : the hotline; empty: all
-- @from = today-30 : first day (UTC)
-- @to = today : last day (UTC)
-- @short_s = 300 : an episode of so many seconds is short
SELECT
    rule,
    hotline,
    countIf(fired) AS firings,
    countIf(NOT fired) AS quiet,
    countIf(fired AND resolved AND dateDiff('second', fired_at, resolved_at) <= {short_s:UInt32}) AS short,
    uniqExactIf(fingerprint, fired) AS places,
    quantileExactIf(0.5)(dateDiff('second', fired_at, resolved_at), fired AND resolved) / 60 AS median_min,
    countIf(fired AND NOT resolved) AS still_firing
FROM
(
    SELECT
        any(rule) AS rule,
        hotline,
        fingerprint,
        countIf(state = 'firing') > 0 AS fired,
        countIf(state = 'resolved') > 0 AS resolved,
        minIf(v.at, state = 'firing') AS fired_at,
        maxIf(v.at, state = 'resolved') AS resolved_at
    FROM v_alerts AS v
    WHERE feed = {feed:String} AND {hotline:String} IN ('', hotline)
        AND v.at >= toDateTime({from:Date}, 'UTC') AND v.at < toDateTime({to:Date} + 1, 'UTC')
    GROUP BY hotline, fingerprint, episode
)
GROUP BY rule, hotline
ORDER BY firings DESC, rule, hotline
