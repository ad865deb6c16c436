-- Which events are in no number, and why?
-- 哪些事件未计入，原因是什么？
-- Dead letters (could not be read) and late events by source and reason, with where the first one stands.
-- @feed = live : the feed; events whose feed could not be read are shown too
-- @from = today-7 : first day (UTC) of their arrival
-- @to = today : last day (UTC)
SELECT
    source,
    reason,
    field,
    count() AS events,
    min(append_time) AS first_at,
    max(append_time) AS last_at,
    argMin(concat(topic, '/', toString(partition), '/', toString(offset)), append_time) AS first_position,
    argMin(detail, append_time) AS first_detail
FROM
(
    SELECT feed, topic, partition, offset, reason, field, detail, source, append_time FROM v_dead_letters
    UNION ALL
    SELECT feed, topic, partition, offset, reason, field, detail, source, append_time FROM v_late_events
)
WHERE feed IN ('', {feed:String})
    AND append_time >= toDateTime({from:Date}, 'UTC') AND append_time < toDateTime({to:Date} + 1, 'UTC')
GROUP BY source, reason, field
ORDER BY events DESC, source, reason, field
