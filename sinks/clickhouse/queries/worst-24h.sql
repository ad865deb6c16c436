-- Which 24 hours were answered worst?
-- 连续 24 小时接通率何时最低？
-- The minimum of answer_rate_inbound over all continuous 24 hours that end on each day (GB/T 33358 asks for 95 %).
-- @feed = live : the feed
-- @hotline = : the hotline; empty: all
-- @from = month : first local day
-- @to = today : last local day
-- @zone = zone : time zone that times are shown in
SELECT
    hotline,
    day,
    answer_rate_24h_worst,
    toTimeZone(begin, {zone:String}) AS window_begin,
    toTimeZone(`end`, {zone:String}) AS window_end,
    answered,
    inbound
FROM v_answer_rate_24h_worst
WHERE feed = {feed:String} AND {hotline:String} IN ('', hotline) AND day BETWEEN {from:Date} AND {to:Date}
ORDER BY answer_rate_24h_worst, day, hotline
