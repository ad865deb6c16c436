-- How are we rated, by category?
-- 各类诉求评分如何？
-- Ratings told of visits of these days, also days later; `low` are those at most `low_is`.
-- @feed = live : the feed
-- @hotline = : the hotline; empty: all
-- @from = month : first local day
-- @to = today : last local day
-- @low_is = 2 : a rating up to here is low
-- @level = 1 : levels of the category path that are told apart
SELECT
    hotline,
    arrayStringConcat(arraySlice(splitByChar('/', toString(v.category)), 1, {level:UInt8}), '/') AS category,
    count() AS answered,
    count(rating) AS ratings,
    ratings / answered AS rated_share,
    avg(rating) AS rating_mean,
    countIf(rating <= {low_is:Int64}) AS low,
    low / nullIf(ratings, 0) AS low_share
FROM v_visits AS v
WHERE feed = {feed:String} AND {hotline:String} IN ('', hotline) AND day BETWEEN {from:Date} AND {to:Date}
    AND outcome = 'answered'
GROUP BY hotline, category
ORDER BY rating_mean IS NULL, rating_mean, answered DESC, hotline, category
