-- Which quarter hours were the worst?
-- 哪些一刻钟最差？
-- By service_level_offered (answered within the threshold / offered, by arrival), per queue.
-- @feed = live : the feed
-- @hotline = : the hotline; empty: all
-- @from = month : first local day
-- @to = today : last local day
-- @threshold_s = threshold : X of the service level, seconds, at most 120
-- @least = 10 : quarter hours with fewer offered visits are left out
-- @zone = zone : time zone that times are shown in
-- @limit = 20 : so many rows
SELECT
    hotline,
    queue,
    toDateTime(toStartOfInterval(minute, INTERVAL 15 MINUTE, {zone:String}), {zone:String}) AS quarter,
    sum(offered) AS visits,
    sum(arraySum(mapValues(mapFilter((edge, number) -> edge <= {threshold_s:UInt32}, answered_wait)))) AS in_threshold,
    sum(abandoned) AS gave_up,
    in_threshold / visits AS service_level_offered
FROM v_cells
WHERE feed = {feed:String} AND {hotline:String} IN ('', hotline) AND day BETWEEN {from:Date} AND {to:Date}
    AND dimension_set = 'queue' AND queue != ''
GROUP BY hotline, queue, quarter
HAVING visits >= {least:UInt32}
ORDER BY service_level_offered, visits DESC, quarter, queue
LIMIT {limit:UInt32}
