-- When was demand not what was expected?
-- 何时来电超出预测区间？
-- Steps of the forecast whose offered visits lie outside its 90 % range, the farthest first.
-- @feed = live : the feed
-- @hotline = : the hotline; empty: all
-- @queue = : the queue; empty: the hotline as a whole
-- @from = today-7 : first local day
-- @to = today : last local day
-- @zone = zone : time zone of the days and times
-- @limit = 20 : so many rows
SELECT
    f.hotline AS hotline,
    f.queue AS queue,
    toTimeZone(f.at, {zone:String}) AS begin,
    f.step_s AS step_s,
    sum(c.offered) AS offered,
    f.expected AS expected,
    f.lower AS lower,
    f.upper AS upper,
    if(offered > f.upper, offered - f.upper, offered - f.lower) AS beyond
FROM
(
    SELECT * FROM v_forecasts
    WHERE feed = {feed:String} AND {hotline:String} IN ('', hotline) AND queue = {queue:String}
        AND dimension_set = if({queue:String} = '', 'hotline', 'queue')
        AND toDate(at, {zone:String}) BETWEEN {from:Date} AND {to:Date}
        AND at + toIntervalSecond(step_s) <= (SELECT max(data_as_of) FROM v_clocks WHERE feed = {feed:String})
) AS f
LEFT JOIN
(
    SELECT hotline, queue, minute, c.offered FROM v_cells AS c
    WHERE feed = {feed:String} AND {hotline:String} IN ('', hotline) AND queue = {queue:String}
        AND dimension_set = if({queue:String} = '', 'hotline', 'queue') AND day BETWEEN {from:Date} AND {to:Date}
) AS c ON c.hotline = f.hotline AND c.queue = f.queue AND c.minute >= f.at
    AND c.minute < f.at + toIntervalSecond(f.step_s)
GROUP BY f.hotline, f.queue, f.at, f.step_s, f.expected, f.lower, f.upper
HAVING offered > f.upper OR offered < f.lower
ORDER BY abs(beyond) DESC, begin, hotline
LIMIT {limit:UInt32}
