-- Who hangs up, and after how long?
-- 谁放弃了，等了多久？
-- Per queue and band of waiting: `still_waiting` waited at least until the band began, `gave_up` hung up in it.
-- @feed = live : the feed
-- @hotline = : the hotline; empty: all
-- @queue = : the queue; empty: each
-- @from = month : first local day
-- @to = today : last local day
SELECT
    hotline,
    queue,
    band.1 AS from_s,
    if(band.2 = 4294967295, NULL, band.2) AS to_s,
    countIf(wait_ms >= band.1 * 1000) AS still_waiting,
    countIf(outcome = 'abandoned' AND wait_ms >= band.1 * 1000 AND wait_ms < toUInt64(band.2) * 1000) AS gave_up,
    gave_up / nullIf(still_waiting, 0) AS share
FROM v_visits
ARRAY JOIN [(0, 5), (5, 15), (15, 30), (30, 60), (60, 120), (120, 300), (300, 4294967295)] AS band
WHERE feed = {feed:String} AND {hotline:String} IN ('', hotline) AND {queue:String} IN ('', queue)
    AND day BETWEEN {from:Date} AND {to:Date} AND queued_at IS NOT NULL AND wait_ms IS NOT NULL
    AND outcome NOT IN ('phantom', 'test', 'nuisance')
GROUP BY hotline, queue, band
ORDER BY hotline, queue, from_s
