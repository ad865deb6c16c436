-- What do more people call about than three weeks ago?
-- 近来哪些诉求在增多？
-- The list of a day: callers of three days against the part of all callers that it had in the 21 days before; what has grown
-- most beyond chance comes first. A caller counts once a day, so redials do not; withheld numbers are left out.
-- @feed = live : the feed
-- @hotline = : the hotline; empty: all
-- @day = today : last of the three local days
-- @least = 5 : so many different callers at least
-- @limit = 20 : so many rows
SELECT hotline, place, dimension, value, callers, caller_days, usual, times, score, repeat_calls
FROM v_emerging
WHERE feed = {feed:String} AND {hotline:String} IN ('', hotline) AND day = {day:Date} AND callers >= {least:UInt32}
    AND times > 1
ORDER BY hotline, place
LIMIT {limit:UInt32}
