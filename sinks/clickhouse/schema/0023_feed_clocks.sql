-- A feed other than live has a clock of its own, the highest event time read: its windows are as of that, so that
-- "today" of a replayed January is its last day. Of several generations the highest that can be queried tells.

ALTER TABLE feeds COMMENT COLUMN `at` 'How far the feed is by its own clock (of its events, not of the wall), UTC';

CREATE OR REPLACE VIEW v_feeds
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `generation` UInt64 COMMENT 'Which run of a replay: its start, ms since the Unix epoch; 0 for live and simulations',
    `state` LowCardinality(String) COMMENT 'running, or ended: every partition has ended and all its cells are published',
    `range_from` Nullable(DateTime64(3, 'UTC')) COMMENT 'First instant the feed declares to cover, UTC; null: from the beginning',
    `range_to` Nullable(DateTime64(3, 'UTC')) COMMENT 'Instant after the last the feed declares to cover, UTC; null: without end',
    `at` DateTime64(3, 'UTC') COMMENT 'How far the feed is by its own clock (of its events, not of the wall), UTC',
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

CREATE OR REPLACE VIEW v_clocks
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `data_as_of` DateTime64(3, 'UTC') COMMENT 'Up to where the feed is complete, UTC: live by the clock of its partitions, any other feed by its events'
)
AS
SELECT feed, argMax(at, generation) AS data_as_of
FROM
(
    SELECT feed, 0 AS generation, at FROM feed_clocks FINAL
    UNION ALL
    SELECT feed, generation, at FROM v_feeds WHERE feed != 'live' AND (generation = 0 OR queryable_at IS NOT NULL)
)
GROUP BY feed
COMMENT 'Up to where each feed is complete';
