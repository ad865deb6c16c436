-- Whom did we promise to call back, and have not?
-- 哪些回呼尚未完成？
-- The oldest first; `age_h` is as of the feed's clock.
-- @feed = live : the feed
-- @hotline = : the hotline; empty: all
-- @from = today-30 : first local day
-- @to = today : last local day
-- @zone = zone : time zone that times are shown in
-- @limit = 100 : so many rows
WITH (SELECT max(data_as_of) FROM v_clocks WHERE feed = {feed:String}) AS now
SELECT
    hotline,
    queue,
    toTimeZone(ended_at, {zone:String}) AS taken,
    dateDiff('second', ended_at, now) / 3600 AS age_h,
    caller,
    category,
    call
FROM v_visits
WHERE feed = {feed:String} AND {hotline:String} IN ('', hotline) AND day BETWEEN {from:Date} AND {to:Date}
    AND outcome = 'callback_taken' AND callback_completed_at IS NULL
ORDER BY ended_at, visit
LIMIT {limit:UInt32}
