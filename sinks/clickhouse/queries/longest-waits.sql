-- Who waited longest?
-- 谁等得最久？
-- Visits by their wait, whatever became of them; callers are pseudonyms.
-- @feed = live : the feed
-- @hotline = : the hotline; empty: all
-- @queue = : the queue; empty: each
-- @from = today : first local day
-- @to = today : last local day
-- @zone = zone : time zone that times are shown in
-- @limit = 20 : so many rows
SELECT
    hotline,
    queue,
    toTimeZone(queued_at, {zone:String}) AS queued,
    wait_ms / 1000 AS wait_s,
    outcome,
    caller,
    category,
    district,
    call
FROM v_visits
WHERE feed = {feed:String} AND {hotline:String} IN ('', hotline) AND {queue:String} IN ('', queue)
    AND day BETWEEN {from:Date} AND {to:Date} AND queued_at IS NOT NULL AND wait_ms IS NOT NULL
    AND outcome NOT IN ('phantom', 'test', 'nuisance')
ORDER BY wait_ms DESC, queued_at, visit
LIMIT {limit:UInt32}
