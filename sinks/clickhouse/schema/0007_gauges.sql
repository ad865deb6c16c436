-- What was so at an instant: one row per ten seconds, the last that was published in them.

CREATE TABLE IF NOT EXISTS gauges
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `hotline` LowCardinality(String) COMMENT 'The hotline, as producers name it',
    `dimension_set` LowCardinality(String) COMMENT 'hotline or queue',
    `queue` LowCardinality(String) COMMENT 'Queue; empty: the whole hotline',
    `slot` DateTime64(3, 'UTC') COMMENT 'Start of the ten seconds the row stands for, UTC',
    `at` DateTime64(3, 'UTC') COMMENT 'Clock of the engine the values hold at, UTC',
    `waiting` UInt64 COMMENT 'Visits queued at that instant',
    `waiting_over_threshold` UInt64 COMMENT 'Of them, waiting longer than threshold_s',
    `oldest_queued_at` Nullable(DateTime64(3, 'UTC')) COMMENT 'When the visit that waits longest was queued, UTC; null: nobody waits',
    `in_service` UInt64 COMMENT 'Visits being answered at that instant',
    `threshold_s` UInt32 COMMENT 'First threshold of the queue, seconds',
    `version` UInt64 COMMENT 'Offset in hotline.partials the values stand at; the highest of ten seconds holds'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(slot)
ORDER BY (feed, hotline, dimension_set, queue, slot)
COMMENT 'Gauges: waiting, oldest wait, in service; several versions until merged, read v_gauges';

CREATE OR REPLACE VIEW v_gauges
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `hotline` LowCardinality(String) COMMENT 'The hotline, as producers name it',
    `dimension_set` LowCardinality(String) COMMENT 'hotline or queue',
    `queue` LowCardinality(String) COMMENT 'Queue; empty: the whole hotline',
    `at` DateTime64(3, 'UTC') COMMENT 'Clock of the engine the values hold at, UTC',
    `waiting` UInt64 COMMENT 'Visits queued at that instant',
    `waiting_over_threshold` UInt64 COMMENT 'Of them, waiting longer than threshold_s',
    `oldest_queued_at` Nullable(DateTime64(3, 'UTC')) COMMENT 'When the visit that waits longest was queued, UTC; null: nobody waits',
    `oldest_wait_s` Nullable(Float64) COMMENT 'Age of the oldest wait, seconds; null: nobody waits',
    `in_service` UInt64 COMMENT 'Visits being answered at that instant',
    `threshold_s` UInt32 COMMENT 'First threshold of the queue, seconds',
    `version` UInt64 COMMENT 'Offset in hotline.partials the values stand at; the highest of ten seconds holds'
)
AS
SELECT
    feed,
    hotline,
    dimension_set,
    queue,
    at,
    waiting,
    waiting_over_threshold,
    oldest_queued_at,
    dateDiff('millisecond', oldest_queued_at, at) / 1000 AS oldest_wait_s,
    in_service,
    threshold_s,
    version
FROM gauges FINAL
COMMENT 'Gauges every ten seconds: who waits, for how long, who is in service; the row with the highest at is the present';
