-- Feeds, their generations, and which of them views show.
-- A generation of a replay becomes visible as a whole, when its end and all its marks are stored; from
-- then on it stands for every minute of its range, in place of lower generations.

CREATE TABLE IF NOT EXISTS feeds
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `generation` UInt64 COMMENT 'Which run of a replay: its start, ms since the Unix epoch; 0 for live and simulations',
    `state` LowCardinality(String) COMMENT 'running, or ended: every partition has ended and all its cells are published',
    `range_from` Nullable(DateTime64(3, 'UTC')) COMMENT 'First instant the feed declares to cover, UTC; null: from the beginning',
    `range_to` Nullable(DateTime64(3, 'UTC')) COMMENT 'Instant after the last the feed declares to cover, UTC; null: without end',
    `at` DateTime64(3, 'UTC') COMMENT 'When this state was reached by the clock of the engine, UTC',
    `version` UInt64 COMMENT 'Offset in hotline.partials this state stands at; the highest holds',
    `stored_at` DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the writer stored this row, UTC'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (feed, generation)
COMMENT 'State of each generation of each feed';

CREATE TABLE IF NOT EXISTS feed_marks
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `generation` UInt64 COMMENT 'Which run of a replay: its start, ms since the Unix epoch; 0 for live and simulations',
    `source_partition` UInt32 COMMENT 'Partition of hotline.calls whose visits are complete',
    `partition` UInt32 COMMENT 'Partition of hotline.visits this mark was written to',
    `of` UInt32 COMMENT 'How many marks the generation has when all are stored',
    `version` UInt128 COMMENT 'Offset in hotline.calls times 2^48 plus the partition clock, ms; the highest holds',
    `stored_at` DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the writer stored this row, UTC; every visit before it was stored earlier'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (feed, generation, source_partition, partition)
COMMENT 'Marks in hotline.visits: everything of a generation before them is stored';

CREATE OR REPLACE VIEW v_feeds
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `generation` UInt64 COMMENT 'Which run of a replay: its start, ms since the Unix epoch; 0 for live and simulations',
    `state` LowCardinality(String) COMMENT 'running, or ended: every partition has ended and all its cells are published',
    `range_from` Nullable(DateTime64(3, 'UTC')) COMMENT 'First instant the feed declares to cover, UTC; null: from the beginning',
    `range_to` Nullable(DateTime64(3, 'UTC')) COMMENT 'Instant after the last the feed declares to cover, UTC; null: without end',
    `at` DateTime64(3, 'UTC') COMMENT 'When this state was reached by the clock of the engine, UTC',
    `marks` UInt64 COMMENT 'Marks stored: how many (calls partition, visits partition) pairs are complete',
    `marks_expected` UInt64 COMMENT 'Marks the generation has in all; 0 while none is stored',
    `queryable_at` Nullable(DateTime64(3, 'UTC')) COMMENT 'When the last part of an ended generation was stored, UTC; null: not everything is stored yet',
    `version` UInt64 COMMENT 'Offset in hotline.partials this state stands at'
)
AS
SELECT
    f.feed AS feed,
    f.generation AS generation,
    f.state AS state,
    f.range_from AS range_from,
    f.range_to AS range_to,
    f.at AS at,
    m.marks AS marks,
    m.marks_expected AS marks_expected,
    if(f.state = 'ended' AND m.marks > 0 AND m.marks >= m.marks_expected, greatest(f.stored_at, m.last_stored_at), NULL)
        AS queryable_at,
    f.version AS version
FROM (SELECT * FROM feeds FINAL) AS f
LEFT JOIN
(
    SELECT feed, generation, count() AS marks, max(`of`) AS marks_expected, max(stored_at) AS last_stored_at
    FROM feed_marks FINAL
    GROUP BY feed, generation
) AS m ON f.feed = m.feed AND f.generation = m.generation
COMMENT 'Each generation of each feed: running or ended, its range, and since when it can be queried';

CREATE OR REPLACE VIEW shown_generations
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `generation` UInt64 COMMENT 'A generation whose cells and visits are all stored',
    `from_minute` DateTime64(3, 'UTC') COMMENT 'First minute it covers, UTC',
    `to_minute` DateTime64(3, 'UTC') COMMENT 'Minute after the last it covers, UTC'
)
AS
SELECT
    feed,
    generation,
    if(range_from IS NULL, toDateTime64(0, 3, 'UTC'), toDateTime64(toStartOfMinute(assumeNotNull(range_from)), 3, 'UTC'))
        AS from_minute,
    if(
        range_to IS NULL,
        toDateTime64('2299-12-31 00:00:00', 3, 'UTC'),
        toDateTime64(toStartOfMinute(addMilliseconds(assumeNotNull(range_to), 59999)), 3, 'UTC')
    ) AS to_minute
FROM v_feeds
WHERE generation > 0 AND queryable_at IS NOT NULL
COMMENT 'Generations of replays that can be queried, with their ranges in whole minutes; v_visits and v_cells read it';
