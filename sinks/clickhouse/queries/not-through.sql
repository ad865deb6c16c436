-- Who did not even reach a queue?
-- 有多少来电打不进或止于语音导航？
-- Calls that were blocked (trunks full) or ended in the menu, by local hour of the day.
-- @feed = live : the feed
-- @hotline = : the hotline; empty: all
-- @from = month : first local day
-- @to = today : last local day
-- @zone = zone : time zone of the hours
SELECT
    hotline,
    toHour(minute, {zone:String}) AS hour,
    sum(offered) + sum(ended_in_menu) + sum(blocked) AS inbound,
    sum(blocked) AS refused,
    sum(ended_in_menu) AS in_menu,
    sum(lost_track_in_menu) AS lost,
    refused / nullIf(inbound, 0) AS blocked_rate,
    sum(answered) / nullIf(inbound, 0) AS answer_rate_inbound
FROM v_cells
WHERE feed = {feed:String} AND {hotline:String} IN ('', hotline) AND day BETWEEN {from:Date} AND {to:Date}
    AND dimension_set = 'hotline'
GROUP BY hotline, hour
HAVING inbound > 0
ORDER BY hotline, hour
