-- How busy are agents, hour by hour?
-- 座席各时段有多忙？
-- occupancy = (on call + hold + after-call) / (that + available), agents' time; per queue and local hour of the day.
-- An agent who serves three queues is in three rows; queue '' is the hotline with each agent once.
-- @feed = live : the feed
-- @hotline = : the hotline; empty: all
-- @from = month : first local day
-- @to = today : last local day
-- @zone = zone : time zone of the hours
SELECT
    hotline,
    queue,
    toHour(minute, {zone:String}) AS hour,
    (sum(agent_on_call_ms) + sum(agent_hold_ms) + sum(agent_after_call_ms)) / 3600000 AS busy_h,
    sum(agent_available_ms) / 3600000 AS available_h,
    sum(agent_break_ms) / 3600000 AS break_h,
    busy_h / nullIf(busy_h + available_h, 0) AS occupancy,
    sum(ring_no_answer) AS not_taken
FROM v_cells
WHERE feed = {feed:String} AND {hotline:String} IN ('', hotline) AND day BETWEEN {from:Date} AND {to:Date}
    AND (dimension_set = 'hotline' OR (dimension_set = 'queue' AND queue != ''))
GROUP BY hotline, queue, hour
HAVING busy_h + available_h > 0
ORDER BY hotline, queue, hour
