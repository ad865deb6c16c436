-- What takes how long?
-- 各类诉求处理多久？
-- Answered visits by category: talk, hold, after-call work, in seconds; the longest mean first.
-- @feed = live : the feed
-- @hotline = : the hotline; empty: all
-- @from = month : first local day
-- @to = today : last local day
-- @level = 1 : levels of the category path that are told apart
-- @least = 1 : categories with fewer visits are left out
SELECT
    hotline,
    arrayStringConcat(arraySlice(splitByChar('/', toString(v.category)), 1, {level:UInt8}), '/') AS category,
    count() AS answered,
    sum(ifNull(talk_ms, 0)) / 1000 / answered AS att,
    sum(ifNull(hold_ms, 0)) / 1000 / answered AS hold_s,
    sum(ifNull(acw_ms, 0)) / 1000 / answered AS acw,
    att + hold_s + acw AS aht,
    quantileExact(0.9)(ifNull(talk_ms, 0)) / 1000 AS talk_p90_exact
FROM v_visits AS v
WHERE feed = {feed:String} AND {hotline:String} IN ('', hotline) AND day BETWEEN {from:Date} AND {to:Date}
    AND outcome = 'answered'
GROUP BY hotline, category
HAVING answered >= {least:UInt32}
ORDER BY aht DESC, hotline, category
