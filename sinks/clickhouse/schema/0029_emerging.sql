-- Do more people call, or the same people more often? And what do more people call about than three weeks ago?

CREATE OR REPLACE VIEW v_attempts
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `hotline` LowCardinality(String) COMMENT 'The hotline, as producers name it',
    `day` Date COMMENT 'Local day, in the time zone of the hotline',
    `quarter` DateTime64(3, 'UTC') COMMENT 'Quarter of an hour in which the calls began, UTC',
    `attempts` UInt64 COMMENT 'Calls that began, whatever became of them: blocked and ended in the menu too',
    `callers` UInt64 COMMENT 'Different callers among them, by pseudonym; withheld numbers are none. Not additive: count other windows from v_visits',
    `withheld` UInt64 COMMENT 'Calls with a withheld number',
    `redials` UInt64 COMMENT 'Calls within 30 min after a call of the same caller that was abandoned or blocked',
    `attempts_per_caller` Nullable(Float64) COMMENT 'Calls with a number / callers: it rises when the same people call again, not when more people do'
)
AS
SELECT
    feed,
    hotline,
    day,
    toDateTime64(toStartOfFifteenMinutes(at), 3, 'UTC') AS quarter,
    count() AS attempts,
    uniqExactIf(caller, caller != '') AS callers,
    countIf(caller = '') AS withheld,
    countIf(caller != '' AND lost_before AND at <= before_at + toIntervalMinute(30)) AS redials,
    (attempts - withheld) / nullIf(callers, 0) AS attempts_per_caller
FROM
(
    SELECT
        feed,
        hotline,
        caller,
        day,
        at,
        lagInFrame(toNullable(at)) OVER (PARTITION BY feed, hotline, caller ORDER BY at, call ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS before_at,
        lagInFrame(lost) OVER (PARTITION BY feed, hotline, caller ORDER BY at, call ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS lost_before
    FROM
    (
        SELECT
            feed,
            hotline,
            call,
            any(v.caller) AS caller,
            min(v.day) AS day,
            min(counted_at) AS at,
            max(outcome IN ('abandoned', 'blocked')) AND NOT max(outcome IN ('answered', 'callback_taken')) AS lost
        FROM v_visits AS v
        WHERE outcome NOT IN ('phantom', 'test', 'nuisance')
        GROUP BY feed, hotline, call
    )
)
GROUP BY feed, hotline, day, quarter
COMMENT 'Calls and callers per quarter of an hour: redials told apart from more people';

CREATE OR REPLACE VIEW v_emerging
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `hotline` LowCardinality(String) COMMENT 'The hotline, as producers name it',
    `day` Date COMMENT 'Last of the three local days that are looked at',
    `place` UInt64 COMMENT 'Place in the list of that day: 1 has grown most beyond chance',
    `dimension` LowCardinality(String) COMMENT 'category (each level of the path), district, category in district, or subject',
    `value` String COMMENT 'Its value; category and district joined by a comma',
    `callers` UInt64 COMMENT 'Different callers of the three days, by pseudonym, withheld numbers left out; at least 3',
    `caller_days` UInt64 COMMENT 'Different callers of each of the three days, added: a redial counts nothing',
    `usual` Float64 COMMENT 'caller_days if its part of all callers were that of the 21 days before',
    `times` Float64 COMMENT 'caller_days / usual',
    `score` Float64 COMMENT 'How far beyond chance, in deviations of a Poisson count: 2 (sqrt(caller_days + 3/8) - sqrt(usual + 3/8))',
    `repeat_calls` UInt64 COMMENT 'Calls about it within 72 h after an answered call of the same caller about it; redials after an abandon are none'
)
AS
SELECT
    feed,
    hotline,
    day,
    row_number() OVER (PARTITION BY feed, hotline, day ORDER BY score DESC, dimension, value) AS place,
    dimension,
    value,
    callers,
    caller_days,
    (before + 0.5) * all_recent / all_before AS usual,
    caller_days / usual AS times,
    2 * (sqrt(caller_days + 0.375) - sqrt(usual + 0.375)) AS score,
    repeat_calls
FROM
(
    SELECT
        feed,
        hotline,
        dimension,
        value,
        day,
        uniqExactMerge(of_day) OVER (PARTITION BY feed, hotline, dimension, value ORDER BY number RANGE BETWEEN 2 PRECEDING AND CURRENT ROW) AS callers,
        sum(day_callers) OVER (PARTITION BY feed, hotline, dimension, value ORDER BY number RANGE BETWEEN 2 PRECEDING AND CURRENT ROW) AS caller_days,
        sum(day_callers) OVER (PARTITION BY feed, hotline, dimension, value ORDER BY number RANGE BETWEEN 23 PRECEDING AND 3 PRECEDING) AS before,
        sum(day_repeats) OVER (PARTITION BY feed, hotline, dimension, value ORDER BY number RANGE BETWEEN 2 PRECEDING AND CURRENT ROW) AS repeat_calls,
        sum(day_callers) OVER (PARTITION BY feed, hotline, dimension ORDER BY number RANGE BETWEEN 2 PRECEDING AND CURRENT ROW) AS all_recent,
        sum(day_callers) OVER (PARTITION BY feed, hotline, dimension ORDER BY number RANGE BETWEEN 23 PRECEDING AND 3 PRECEDING) AS all_before
    FROM
    (
        SELECT
            feed,
            hotline,
            dimension,
            value,
            day,
            toInt32(toUInt16(day)) AS number,
            uniqExactState(caller) AS of_day,
            uniqExact(caller) AS day_callers,
            countIf(at <= answered_before + toIntervalHour(72)) AS day_repeats
        FROM
        (
            SELECT
                feed,
                hotline,
                caller,
                day,
                at,
                dimension,
                value,
                max(if(answered, toNullable(at), NULL)) OVER (
                    PARTITION BY feed, hotline, dimension, value, caller ORDER BY at, call ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
                ) AS answered_before
            FROM
            (
                SELECT feed, hotline, call, caller, day, at, answered, part.1 AS dimension, part.2 AS value
                FROM
                (
                    SELECT
                        feed,
                        hotline,
                        call,
                        any(v.caller) AS caller,
                        min(v.day) AS day,
                        min(counted_at) AS at,
                        max(outcome = 'answered') AS answered,
                        splitByChar('/', argMax(toString(v.category), counted_at)) AS path,
                        argMax(toString(v.district), counted_at) AS district,
                        argMax(v.subject, counted_at) AS subject
                    FROM v_visits AS v
                    WHERE outcome NOT IN ('phantom', 'test', 'nuisance') AND v.caller != ''
                    GROUP BY feed, hotline, call
                )
                ARRAY JOIN arrayFilter(part -> part.2 != '', arrayConcat(
                    arrayMap(level -> ('category', if(path[1] = '', '', arrayStringConcat(arraySlice(path, 1, level), '/'))), range(1, length(path) + 1)),
                    [
                        ('district', district),
                        ('category in district', if(path[1] = '' OR district = '', '', concat(path[1], ', ', district))),
                        ('subject', subject)
                    ]
                )) AS part
            )
        )
        GROUP BY feed, hotline, dimension, value, day
    )
)
WHERE callers >= 3 AND all_before > 0
COMMENT 'What more people call about than before: per day a ranked list of categories, districts and subjects';
