-- Which categories were corrected afterwards?
-- 哪些诉求分类后来被更正？
-- What cells and v_visits differ by: the cells keep what was known when the call was over.
-- @feed = live : the feed
-- @hotline = : the hotline; empty: all
-- @from = month : first local day
-- @to = today : last local day
SELECT
    hotline,
    category_counted,
    category,
    count() AS visits,
    max(reclassified_at) AS last_at
FROM v_reclassified
WHERE feed = {feed:String} AND {hotline:String} IN ('', hotline) AND day BETWEEN {from:Date} AND {to:Date}
GROUP BY hotline, category_counted, category
ORDER BY visits DESC, hotline, category_counted, category
