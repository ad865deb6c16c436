-- What was the spike made of?
-- 高峰由什么构成？
-- Visits of a day (or some hours of it) against the same hours `days_before` earlier, by every dimension; what grew most
-- comes first. `share` is of the growth of the whole.
-- @feed = live : the feed
-- @hotline = : the hotline; empty: all
-- @day = today : the local day
-- @hour_from = 0 : first local hour
-- @hour_to = 24 : hour after the last
-- @days_before = 7 : what it is compared with
-- @zone = zone : time zone of the hours
-- @limit = 20 : so many rows
WITH
    (
        SELECT toInt64(countIf(day = {day:Date})) - countIf(day != {day:Date})
        FROM v_visits
        WHERE feed = {feed:String} AND {hotline:String} IN ('', hotline)
            AND day IN ({day:Date}, {day:Date} - {days_before:UInt16})
            AND toHour(counted_at, {zone:String}) >= {hour_from:UInt8} AND toHour(counted_at, {zone:String}) < {hour_to:UInt8}
            AND queued_at IS NOT NULL AND outcome NOT IN ('phantom', 'test', 'nuisance')
    ) AS growth
SELECT
    part.1 AS dimension,
    part.2 AS value,
    countIf(day = {day:Date}) AS visits,
    countIf(day != {day:Date}) AS before,
    toInt64(visits) - before AS more,
    more / nullIf(growth, 0) AS share,
    uniqExactIf(caller, day = {day:Date} AND caller != '') AS callers
FROM v_visits
ARRAY JOIN [
    ('queue', toString(queue)), ('category', splitByChar('/', category)[1]), ('district', toString(district)),
    ('department', toString(department)), ('centre', toString(centre)), ('channel', toString(channel)),
    ('language', toString(language)), ('origin', toString(origin)), ('source', toString(source)),
    ('ticket_type', toString(ticket_type)), ('served', toString(served)), ('priority', toString(priority))
] AS part
WHERE feed = {feed:String} AND {hotline:String} IN ('', hotline)
    AND day IN ({day:Date}, {day:Date} - {days_before:UInt16})
    AND toHour(counted_at, {zone:String}) >= {hour_from:UInt8} AND toHour(counted_at, {zone:String}) < {hour_to:UInt8}
    AND queued_at IS NOT NULL AND outcome NOT IN ('phantom', 'test', 'nuisance') AND part.2 != ''
GROUP BY dimension, value
ORDER BY more DESC, visits DESC, dimension, value
LIMIT {limit:UInt32}
