-- What is told of a call after it was forgotten (ratings, re-classifications, completed callbacks) stands in call_facts;
-- v_visits joins it to the visit it belongs to: that answered last before it, else that queued last before it, of the
-- queue the fact names if it names one. A re-classification is the whole call's. Only calls that have such facts are
-- looked up for that, so without any the join costs nothing.

ALTER TABLE visits
    ADD COLUMN IF NOT EXISTS
    `transferred` Bool COMMENT 'It ended in a transfer',
    ADD COLUMN IF NOT EXISTS
    `rating` Nullable(Int64) COMMENT 'The last rating told of it',
    ADD COLUMN IF NOT EXISTS
    `rated_at` Nullable(DateTime64(3, 'UTC')) COMMENT 'When it was rated, UTC',
    ADD COLUMN IF NOT EXISTS
    `callback_completed_at` Nullable(DateTime64(3, 'UTC')) COMMENT 'When the callback was completed, UTC';

CREATE TABLE IF NOT EXISTS call_facts
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `generation` UInt64 COMMENT 'Which run of a replay: its start, ms since the Unix epoch; 0 for live and simulations',
    `hotline` LowCardinality(String) COMMENT 'The hotline, as producers name it',
    `call` String COMMENT 'Id of the call',
    `type` LowCardinality(String) COMMENT 'rated, reclassified or callback_completed',
    `at` DateTime64(3, 'UTC') COMMENT 'When it happened, UTC',
    `queue` LowCardinality(String) COMMENT 'Queue it names; empty: none',
    `source` LowCardinality(String) COMMENT 'The system that sent it',
    `rating` Nullable(Int64) COMMENT 'rated: the rating',
    `category` LowCardinality(String) COMMENT 'reclassified: category path, levels separated by /',
    `retracted` Bool COMMENT 'Taken back: it holds no more; views leave it out',
    `version` UInt128 COMMENT 'Input offset times 2^48 plus the partition clock, ms; the highest version of a fact holds'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(at)
ORDER BY (feed, generation, call, type, at)
COMMENT 'What came after a call was forgotten; v_visits shows it at the visit it belongs to';

CREATE OR REPLACE VIEW later_facts
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `generation` UInt64 COMMENT 'Which run of a replay: its start, ms since the Unix epoch; 0 for live and simulations',
    `visit` String COMMENT 'Id of the visit: call/queue/entry',
    `rating` Nullable(Int64) COMMENT 'The last rating told after the call was forgotten',
    `rated_at` Nullable(DateTime64(3, 'UTC')) COMMENT 'When, UTC',
    `callback_completed_at` Nullable(DateTime64(3, 'UTC')) COMMENT 'When the callback was completed, told after the call was forgotten, UTC',
    `category` Nullable(String) COMMENT 'The last re-classification told after the call was forgotten; null: none',
    `reclassified_at` Nullable(DateTime64(3, 'UTC')) COMMENT 'When it was re-classified, UTC'
)
AS
SELECT
    feed,
    generation,
    visit,
    argMaxOrNullIf(assumeNotNull(rating), at, type = 'rated' AND its) AS rating,
    maxOrNullIf(at, type = 'rated' AND its) AS rated_at,
    maxOrNullIf(at, type = 'callback_completed' AND its) AS callback_completed_at,
    argMaxOrNullIf(category, at, type = 'reclassified') AS category,
    maxOrNullIf(at, type = 'reclassified') AS reclassified_at
FROM
(
    SELECT
        f.feed AS feed,
        f.generation AS generation,
        v.visit AS visit,
        f.type AS type,
        f.at AS at,
        f.rating AS rating,
        toString(f.category) AS category,
        v.visit = last_value(v.visit) OVER (
            PARTITION BY f.feed, f.generation, f.call, f.type, f.at
            ORDER BY
                v.queued_at IS NOT NULL,
                v.answered_at IS NOT NULL AND v.answered_at <= f.at,
                v.queued_at IS NOT NULL AND v.queued_at <= f.at,
                v.queued_at,
                v.queue,
                v.entry
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AND v.queued_at IS NOT NULL AS its
    FROM (SELECT * FROM call_facts FINAL WHERE NOT retracted AND (type != 'rated' OR rating IS NOT NULL)) AS f
    INNER JOIN
    (
        SELECT feed, generation, call, visit, queue, entry, queued_at, answered_at
        FROM visits FINAL
        WHERE NOT retracted AND (feed, generation, call) IN (SELECT feed, generation, call FROM call_facts)
    ) AS v ON f.feed = v.feed AND f.generation = v.generation AND f.call = v.call
    WHERE f.type = 'reclassified' OR f.queue = '' OR f.queue = v.queue
)
GROUP BY feed, generation, visit
COMMENT 'What was told of visits after their calls were forgotten, one row per visit; v_visits reads it';

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
    `reclassified_at` Nullable(DateTime64(3, 'UTC')) COMMENT 'When the category was changed after that, UTC; null: it was not'
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
    l.reclassified_at AS reclassified_at
FROM visits AS v FINAL
LEFT JOIN later_facts AS l ON v.feed = l.feed AND v.generation = l.generation AND v.visit = l.visit
WHERE NOT v.retracted AND (v.generation = 0
    OR v.generation = arrayMax(range -> if(v.counted_at >= range.2 AND v.counted_at < range.3, range.1, 0), shown[v.feed]))
COMMENT 'Visits, last version of each; of replays the highest generation that can be queried';

CREATE OR REPLACE VIEW v_reclassified
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `generation` UInt64 COMMENT 'Which run of a replay: its start, ms since the Unix epoch; 0 for live and simulations',
    `hotline` LowCardinality(String) COMMENT 'The hotline, as producers name it',
    `visit` String COMMENT 'Id of the visit: call/queue/entry',
    `call` String COMMENT 'Id of the call',
    `queue` LowCardinality(String) COMMENT 'Queue the visit stood in',
    `counted_at` DateTime64(3, 'UTC') COMMENT 'Instant it is counted at by arrival, UTC',
    `day` Date COMMENT 'Local day of counted_at in the time zone of the hotline',
    `outcome` LowCardinality(String) COMMENT 'As in v_visits',
    `category_counted` LowCardinality(String) COMMENT 'The category the cells have counted it under',
    `category` LowCardinality(String) COMMENT 'The category it was given later',
    `reclassified_at` Nullable(DateTime64(3, 'UTC')) COMMENT 'When it was given that, UTC'
)
AS
SELECT feed, generation, hotline, visit, call, queue, counted_at, day, outcome, category_counted, category, reclassified_at
FROM v_visits
WHERE category != category_counted
COMMENT 'Visits whose category was changed after the cells had counted them: what cells and v_visits differ by';
