-- Who calls again about the same thing?
-- 哪类诉求重复来电最多？
-- An answered call that the same caller follows with another of the same category within `hours` was no solution.
-- Withheld numbers are left out; a redial after hanging up is no repeat; the last `hours` are provisional.
-- @feed = live : the feed
-- @hotline = : the hotline; empty: all
-- @from = month : first local day
-- @to = today : last local day
-- @hours = 24 : so soon
-- @level = 1 : levels of the category path that are told apart
SELECT
    hotline,
    category,
    count() AS calls,
    uniqExact(caller) AS callers,
    uniqExactIf(caller, repeated) AS repeat_callers,
    countIf(repeated) AS repeat_calls,
    repeat_calls / nullIf(countIf(answered), 0) AS share
FROM
(
    SELECT
        hotline,
        caller,
        category,
        answered,
        leadInFrame(toNullable(at)) OVER (
            PARTITION BY hotline, caller, category ORDER BY at ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
        ) AS next_at,
        ifNull(answered AND next_at <= at + toIntervalHour({hours:UInt32}), false) AS repeated
    FROM
    (
        SELECT
            hotline,
            call,
            any(v.caller) AS caller,
            arrayStringConcat(arraySlice(splitByChar('/', argMax(v.category, counted_at)), 1, {level:UInt8}), '/') AS category,
            max(outcome = 'answered') AS answered,
            min(counted_at) AS at
        FROM v_visits AS v
        WHERE feed = {feed:String} AND {hotline:String} IN ('', hotline) AND day BETWEEN {from:Date} AND {to:Date}
            AND v.caller != '' AND queued_at IS NOT NULL AND outcome NOT IN ('phantom', 'test', 'nuisance')
        GROUP BY hotline, call
    )
)
GROUP BY hotline, category
ORDER BY repeat_calls DESC, hotline, category
