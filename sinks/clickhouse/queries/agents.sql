-- What did each agent handle?
-- 每位座席处理了多少来电？
-- Answered visits, mean talk, hold and after-call work in seconds, transfers and ratings. Say to your people what it is for.
-- @feed = live : the feed
-- @hotline = : the hotline; empty: all
-- @queue = : the queue; empty: all
-- @from = today : first local day
-- @to = today : last local day
SELECT
    hotline,
    agent,
    count() AS answered,
    avg(talk_ms) / 1000 AS att,
    avg(hold_ms) / 1000 AS hold_s,
    avg(acw_ms) / 1000 AS acw,
    (sum(ifNull(talk_ms, 0)) + sum(ifNull(hold_ms, 0)) + sum(ifNull(acw_ms, 0))) / 1000 / answered AS aht,
    countIf(transferred) AS transferred_out,
    count(rating) AS ratings,
    avg(rating) AS rating_mean
FROM v_visits
WHERE feed = {feed:String} AND {hotline:String} IN ('', hotline) AND {queue:String} IN ('', queue)
    AND day BETWEEN {from:Date} AND {to:Date} AND outcome = 'answered' AND agent != ''
GROUP BY hotline, agent
ORDER BY answered DESC, hotline, agent
