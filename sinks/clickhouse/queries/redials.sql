-- Do more people call, or the same people more often?
-- 是来电的人多了，还是同一批人反复拨打？
-- Calls and different callers of each quarter of an hour, and the same quarter `days_before` earlier. A redial follows within
-- 30 min a call of the same caller that was abandoned or blocked: they grow when nobody gets through.
-- @feed = live : the feed
-- @hotline = : the hotline; empty: all
-- @day = today : the local day
-- @days_before = 7 : what it is compared with
SELECT
    now.hotline AS hotline,
    now.quarter AS quarter,
    now.attempts AS attempts,
    now.callers AS callers,
    now.redials AS redials,
    now.attempts_per_caller AS attempts_per_caller,
    before.attempts AS attempts_before,
    before.callers AS callers_before
FROM v_attempts AS now
LEFT JOIN
(
    SELECT hotline, quarter + toIntervalDay({days_before:UInt16}) AS quarter, attempts, callers
    FROM v_attempts
    WHERE feed = {feed:String} AND day = {day:Date} - {days_before:UInt16}
) AS before ON before.hotline = now.hotline AND before.quarter = now.quarter
WHERE now.feed = {feed:String} AND {hotline:String} IN ('', now.hotline) AND now.day = {day:Date}
ORDER BY hotline, quarter
