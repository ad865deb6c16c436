-- What do more people call about than three weeks ago?
-- 近来哪些诉求在增多？
-- The list of a day: callers of three days against the part of all callers that it had in the 21 days before; what has grown
-- most beyond chance comes first. A caller counts once a day, so redials do not; withheld numbers are left out. Of thousands
-- of terms chance alone lifts some by three deviations, hardly one by four.
-- @feed = live : the feed
-- @hotline = : the hotline; empty: all
-- @day = today : last of the three local days
-- @dimension = : category, district, category in district, subject or term; empty: all
-- @least = 5 : so many different callers at least
-- @beyond = 4 : so many deviations beyond chance at least; 0: whatever has grown
-- @limit = 20 : so many rows
SELECT hotline, place, dimension, value, callers, caller_days, usual, times, score, repeat_calls
FROM v_emerging
WHERE feed = {feed:String} AND {hotline:String} IN ('', hotline) AND day = {day:Date} AND callers >= {least:UInt32}
    AND {dimension:String} IN ('', dimension) AND score >= {beyond:Float64} AND times > 1
ORDER BY hotline, place
LIMIT {limit:UInt32}
