-- Which sources were heard, and when not?
-- 各数据源数据完整吗？
-- Minutes in which a source that sends heartbeats was heard, of all that are known; its clock and its repeats.
-- @feed = live : the feed
-- @from = today : first day (UTC)
-- @to = today : last day (UTC)
SELECT
    source,
    count() AS minutes,
    countIf(silent_since IS NULL) AS heard,
    heard / minutes AS completeness,
    min(silent_since) AS first_silent_since,
    max(dateDiff('second', silent_since, at)) AS longest_silence_s,
    min(clock_offset_ms) AS least_clock_offset_ms,
    max(doubled) AS sent_twice
FROM v_source_history
WHERE feed = {feed:String} AND expected AND at >= toDateTime({from:Date}, 'UTC') AND at < toDateTime({to:Date} + 1, 'UTC')
GROUP BY source
ORDER BY completeness, source
