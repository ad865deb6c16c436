-- Terms: the words of a call's text, made as its visits are stored. They stand in the row of the text that they are of, so
-- whoever may not see one does not see the other. v_emerging ranks them with categories, districts and subjects, and shows
-- them too only when three callers have used them. Its score takes into account now how much there was before: in the
-- first week chance alone lifted terms by more than four deviations.

ALTER TABLE visits
    ADD COLUMN IF NOT EXISTS
    `terms` Array(LowCardinality(String)) COMMENT 'Words of the text that carry its matter, each once; names, numbers and codes left out';

CREATE OR REPLACE VIEW v_visits
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `generation` UInt64 COMMENT 'Which run of a replay: its start, ms since the Unix epoch; 0 for live and simulations',
    `hotline` LowCardinality(String) COMMENT 'The hotline, as producers name it',
    `visit` String COMMENT 'Id of the visit: call/queue/entry',
    `call` String COMMENT 'Id of the call',
    `queue` LowCardinality(String) COMMENT 'Queue (skill group) the visit stood in; empty: the call never reached one',
    `entry` UInt32 COMMENT 'Which stay of the call in this queue, from 1',
    `source` LowCardinality(String) COMMENT 'The system that sent the events',
    `caller` String COMMENT 'Keyed hash of the caller''s number, key id in front; empty: withheld',
    `agent` LowCardinality(String) COMMENT 'Agent who answered',
    `centre` LowCardinality(String) COMMENT 'Call centre or site that took the call',
    `department` LowCardinality(String) COMMENT 'Department in charge',
    `category` LowCardinality(String) COMMENT 'Category path, levels separated by /: the last one told, also after the cells were counted',
    `district` LowCardinality(String) COMMENT 'District code',
    `language` LowCardinality(String) COMMENT 'Language of the conversation',
    `channel` LowCardinality(String) COMMENT 'Channel: phone, web chat, ...',
    `arrived_at` Nullable(DateTime64(3, 'UTC')) COMMENT 'When the call reached the system, UTC',
    `queued_at` Nullable(DateTime64(3, 'UTC')) COMMENT 'When the visit began: offered to the queue, UTC',
    `answered_at` Nullable(DateTime64(3, 'UTC')) COMMENT 'When an agent answered, UTC',
    `ended_at` Nullable(DateTime64(3, 'UTC')) COMMENT 'When the conversation or the wait ended, UTC',
    `wrapped_at` Nullable(DateTime64(3, 'UTC')) COMMENT 'When after-call work ended, UTC',
    `outcome` LowCardinality(String) COMMENT 'answered, abandoned, flowed_out, callback_taken, ended_in_menu, blocked, phantom, test, nuisance, lost_track (while waiting) or open',
    `wait_ms` Nullable(UInt64) COMMENT 'Wait from queued to the outcome, ms: as stated by the source, else the difference of times',
    `talk_ms` Nullable(UInt64) COMMENT 'Talk time, ms',
    `hold_ms` Nullable(UInt64) COMMENT 'Hold time, ms',
    `acw_ms` Nullable(UInt64) COMMENT 'After-call work, ms',
    `repairs` Array(LowCardinality(String)) COMMENT 'What was mended in its events: clock_skew, order, midnight, whitespace, line_end, sentinel_time, one_digit_hour',
    `version` UInt128 COMMENT 'Input offset times 2^48 plus the partition clock, ms; the highest version of a visit holds',
    `ticket_type` LowCardinality(String) COMMENT 'Type of the ticket',
    `served` LowCardinality(String) COMMENT 'Whom or what the call concerned',
    `origin` LowCardinality(String) COMMENT 'Where the call came from',
    `direction` LowCardinality(String) COMMENT 'inbound or outbound',
    `priority` LowCardinality(String) COMMENT 'Priority the source gave it',
    `skill` LowCardinality(String) COMMENT 'Skill asked for',
    `subject` String COMMENT 'Subject, digit runs masked',
    `place` String COMMENT 'Place, digit runs masked',
    `text` String COMMENT 'Text, digit runs masked',
    `extra` Map(String, String) COMMENT 'Listed unknown fields, digit runs masked',
    `lost_talking` Bool COMMENT 'Answered, and the source never told the end of the conversation',
    `counted_at` DateTime64(3, 'UTC') COMMENT 'Instant it is counted at by arrival, UTC: queued, else arrived, else its earliest event',
    `day` Date COMMENT 'Local day of counted_at in the time zone of the hotline',
    `transferred` Bool COMMENT 'It ended in a transfer',
    `rating` Nullable(Int64) COMMENT 'The last rating told of it',
    `rated_at` Nullable(DateTime64(3, 'UTC')) COMMENT 'When it was rated, UTC',
    `callback_completed_at` Nullable(DateTime64(3, 'UTC')) COMMENT 'When the callback was completed, UTC',
    `category_counted` LowCardinality(String) COMMENT 'The category the cells have counted it under: what was known when the call was forgotten',
    `reclassified_at` Nullable(DateTime64(3, 'UTC')) COMMENT 'When the category was changed after that, UTC; null: it was not',
    `terms` Array(LowCardinality(String)) COMMENT 'Words of the text that carry its matter, each once; names, numbers and codes left out'
)
AS
WITH
    (
        SELECT CAST((groupArray(feed), groupArray(ranges)), 'Map(String, Array(Tuple(UInt64, DateTime64(3, \'UTC\'), DateTime64(3, \'UTC\'))))')
        FROM (SELECT feed, groupArray((generation, from_minute, to_minute)) AS ranges FROM shown_generations GROUP BY feed)
    ) AS shown
SELECT
    v.`feed` AS `feed`,
    v.`generation` AS `generation`,
    v.`hotline` AS `hotline`,
    v.`visit` AS `visit`,
    v.`call` AS `call`,
    v.`queue` AS `queue`,
    v.`entry` AS `entry`,
    v.`source` AS `source`,
    v.`caller` AS `caller`,
    v.`agent` AS `agent`,
    v.`centre` AS `centre`,
    v.`department` AS `department`,
    if(l.category IS NULL, v.category, toLowCardinality(assumeNotNull(l.category))) AS `category`,
    v.`district` AS `district`,
    v.`language` AS `language`,
    v.`channel` AS `channel`,
    v.`arrived_at` AS `arrived_at`,
    v.`queued_at` AS `queued_at`,
    v.`answered_at` AS `answered_at`,
    v.`ended_at` AS `ended_at`,
    v.`wrapped_at` AS `wrapped_at`,
    v.`outcome` AS `outcome`,
    v.`wait_ms` AS `wait_ms`,
    v.`talk_ms` AS `talk_ms`,
    v.`hold_ms` AS `hold_ms`,
    v.`acw_ms` AS `acw_ms`,
    v.`repairs` AS `repairs`,
    v.`version` AS `version`,
    v.`ticket_type` AS `ticket_type`,
    v.`served` AS `served`,
    v.`origin` AS `origin`,
    v.`direction` AS `direction`,
    v.`priority` AS `priority`,
    v.`skill` AS `skill`,
    v.`subject` AS `subject`,
    v.`place` AS `place`,
    v.`text` AS `text`,
    v.`extra` AS `extra`,
    v.`lost_talking` AS `lost_talking`,
    v.`counted_at` AS `counted_at`,
    v.`day` AS `day`,
    v.transferred AS transferred,
    if(l.rating IS NULL OR v.rated_at > l.rated_at, v.rating, l.rating) AS rating,
    if(l.rating IS NULL OR v.rated_at > l.rated_at, v.rated_at, l.rated_at) AS rated_at,
    if(l.callback_completed_at IS NULL, v.callback_completed_at, l.callback_completed_at) AS callback_completed_at,
    v.category AS category_counted,
    l.reclassified_at AS reclassified_at,
    v.terms AS terms
FROM visits AS v FINAL
LEFT JOIN later_facts AS l ON v.feed = l.feed AND v.generation = l.generation AND v.visit = l.visit
WHERE NOT v.retracted AND (v.generation = 0
    OR v.generation = arrayMax(range -> if(v.counted_at >= range.2 AND v.counted_at < range.3, range.1, 0), shown[v.feed]))
COMMENT 'Visits, last version of each; of replays the highest generation that can be queried';

CREATE OR REPLACE VIEW v_emerging
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `hotline` LowCardinality(String) COMMENT 'The hotline, as producers name it',
    `day` Date COMMENT 'Last of the three local days that are looked at',
    `place` UInt64 COMMENT 'Place in the list of that day: 1 has grown most beyond chance',
    `dimension` LowCardinality(String) COMMENT 'category (each level of the path), district, category in district, subject, or term (a word of the text)',
    `value` String COMMENT 'Its value; category and district joined by a comma',
    `callers` UInt64 COMMENT 'Different callers of the three days, by pseudonym, withheld numbers left out; at least 3',
    `caller_days` UInt64 COMMENT 'Different callers of each of the three days, added: a redial counts nothing',
    `usual` Float64 COMMENT 'caller_days if its part of all callers were that of the 21 days before',
    `times` Float64 COMMENT 'caller_days / usual',
    `score` Float64 COMMENT 'How far beyond chance, in deviations of the difference of two Poisson counts: 2 (sqrt(caller_days + 3/8) - sqrt(usual + 3/8)) / sqrt(1 + callers of the three days / callers of those before)',
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
    2 * (sqrt(caller_days + 0.375) - sqrt(usual + 0.375)) / sqrt(1 + all_recent / all_before) AS score,
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
                        argMax(v.subject, counted_at) AS subject,
                        argMax(v.terms, counted_at) AS terms
                    FROM v_visits AS v
                    WHERE outcome NOT IN ('phantom', 'test', 'nuisance') AND v.caller != ''
                    GROUP BY feed, hotline, call
                )
                ARRAY JOIN arrayFilter(part -> part.2 != '', arrayConcat(
                    arrayMap(level -> ('category', if(path[1] = '', '', arrayStringConcat(arraySlice(path, 1, level), '/'))), range(1, length(path) + 1)),
                    arrayMap(term -> ('term', toString(term)), terms),
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
COMMENT 'What more people call about than before: per day a ranked list of categories, districts, subjects and terms';
