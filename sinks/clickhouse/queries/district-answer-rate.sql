-- Where in the city is the line not answered?
-- 各区接通率如何？
-- answer_rate_offered (answered / offered, visits, by arrival) per district.
-- @feed = live : the feed
-- @hotline = : the hotline; empty: all
-- @from = month : first local day
-- @to = today : last local day
-- @least = 1 : districts with fewer visits are left out
SELECT
    hotline,
    district,
    count() AS offered,
    countIf(outcome = 'answered') AS answered,
    countIf(outcome = 'abandoned') AS abandoned,
    answered / offered AS answer_rate_offered,
    avgIf(wait_ms, outcome = 'answered') / 1000 AS asa
FROM v_visits
WHERE feed = {feed:String} AND {hotline:String} IN ('', hotline) AND day BETWEEN {from:Date} AND {to:Date}
    AND queued_at IS NOT NULL AND outcome NOT IN ('phantom', 'test', 'nuisance')
GROUP BY hotline, district
HAVING offered >= {least:UInt32}
ORDER BY answer_rate_offered, offered DESC, hotline, district
