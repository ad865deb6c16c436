-- How does a day compare with the one a week before?
-- 与上周同日相比如何？
-- Per queue: visits, service_level_offered by the first threshold, and ASA of both days.
-- @feed = live : the feed
-- @hotline = : the hotline; empty: all
-- @day = today : the local day
-- @days_before = 7 : what it is compared with
SELECT
    hotline,
    queue,
    sumIf(d.offered, d.day = {day:Date}) AS visits,
    sumIf(d.offered, d.day != {day:Date}) AS visits_before,
    (visits - visits_before) / nullIf(visits_before, 0) AS growth,
    sumIf(answered_in_threshold, d.day = {day:Date}) / nullIf(visits, 0) AS service_level_offered,
    sumIf(answered_in_threshold, d.day != {day:Date}) / nullIf(visits_before, 0) AS service_level_before,
    sumIf(wait_ms_sum, d.day = {day:Date}) / 1000 / nullIf(sumIf(answered, d.day = {day:Date}), 0) AS asa_then,
    sumIf(wait_ms_sum, d.day != {day:Date}) / 1000 / nullIf(sumIf(answered, d.day != {day:Date}), 0) AS asa_before
FROM v_daily AS d
WHERE feed = {feed:String} AND {hotline:String} IN ('', hotline) AND queue != ''
    AND d.day IN ({day:Date}, {day:Date} - {days_before:UInt16})
GROUP BY hotline, queue
ORDER BY visits DESC, hotline, queue
