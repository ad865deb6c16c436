-- At which hours do we keep the promise?
-- 各时段、各队列的服务水平如何？
-- Over all days of the span: a row per queue and local hour of the day.
-- @feed = live : the feed
-- @hotline = : the hotline; empty: all
-- @queue = : the queue; empty: each
-- @from = month : first local day
-- @to = today : last local day
-- @threshold_s = threshold : X of the service level, seconds, at most 120
-- @zone = zone : time zone of the hours
SELECT
    hotline,
    queue,
    toHour(minute, {zone:String}) AS hour,
    sum(offered) AS visits,
    sum(arraySum(mapValues(mapFilter((edge, number) -> edge <= {threshold_s:UInt32}, answered_wait)))) AS in_threshold,
    in_threshold / nullIf(visits, 0) AS service_level_offered,
    sum(abandoned) / nullIf(visits, 0) AS abandonment_rate,
    sum(wait_ms_sum) / 1000 / nullIf(sum(answered), 0) AS asa
FROM v_cells
WHERE feed = {feed:String} AND {hotline:String} IN ('', hotline) AND {queue:String} IN ('', queue) AND queue != ''
    AND day BETWEEN {from:Date} AND {to:Date} AND dimension_set = 'queue'
GROUP BY hotline, queue, hour
HAVING visits > 0
ORDER BY hotline, queue, hour
