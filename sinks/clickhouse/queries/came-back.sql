-- Did those who hung up get through later?
-- 放弃的来电后来打通了吗？
-- Callers who abandoned and whose next calls within `minutes` were answered (`recovered`) or not (`lost`).
-- Withheld numbers are counted apart: nobody can say.
-- @feed = live : the feed
-- @hotline = : the hotline; empty: all
-- @from = month : first local day
-- @to = today : last local day
-- @minutes = 30 : so soon
SELECT
    hotline,
    queue,
    count() AS abandoned,
    countIf(caller = '') AS withheld,
    countIf(caller != '' AND later_at <= gave_up_at + toIntervalMinute({minutes:UInt32})) AS recovered,
    abandoned - withheld - recovered AS lost,
    recovered / nullIf(abandoned - withheld, 0) AS share
FROM
(
    SELECT
        hotline,
        queue,
        caller,
        outcome,
        day,
        ifNull(ended_at, counted_at) AS gave_up_at,
        min(if(outcome = 'answered', answered_at, NULL)) OVER (
            PARTITION BY hotline, caller ORDER BY counted_at, visit ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        ) AS later_at
    FROM v_visits
    WHERE feed = {feed:String} AND {hotline:String} IN ('', hotline)
        AND day BETWEEN {from:Date} AND {to:Date} + 1 AND queued_at IS NOT NULL
)
WHERE outcome = 'abandoned' AND day <= {to:Date}
GROUP BY hotline, queue
ORDER BY abandoned DESC, hotline, queue
