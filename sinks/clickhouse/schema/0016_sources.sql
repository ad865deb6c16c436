-- What is known of each source: one row per minute, the last that was published in it.

CREATE TABLE IF NOT EXISTS sources
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `source` LowCardinality(String) COMMENT 'The system that sent the events',
    `hotline` LowCardinality(String) COMMENT 'The hotline its heartbeats name; empty: all of them',
    `slot` DateTime64(3, 'UTC') COMMENT 'Start of the minute the row stands for, UTC',
    `expected` Bool COMMENT 'It sends heartbeats, so silence means that it is cut off',
    `last_at` DateTime64(3, 'UTC') COMMENT 'Event time of its last record, UTC',
    `silent_since` Nullable(DateTime64(3, 'UTC')) COMMENT 'Nothing was heard since then, for longer than may be, UTC; null: it is heard',
    `clock_offset_ms` Nullable(Int64) COMMENT 'Least time between event and append in ten minutes, ms; below 0 its clock runs ahead',
    `events` UInt64 COMMENT 'Records of the last ten minutes',
    `repeats` UInt64 COMMENT 'Of them, those that told nothing new',
    `doubled` Bool COMMENT 'So many repeats that it seems to send everything twice',
    `at` DateTime64(3, 'UTC') COMMENT 'Clock of the engine the row holds at, UTC',
    `version` UInt64 COMMENT 'Offset in hotline.partials the row stands at; the highest of a minute holds'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(slot)
ORDER BY (feed, source, slot)
COMMENT 'Sources of each feed minute by minute; several versions until merged, read v_sources and v_source_history';

CREATE OR REPLACE VIEW v_source_history
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `source` LowCardinality(String) COMMENT 'The system that sent the events',
    `hotline` LowCardinality(String) COMMENT 'The hotline its heartbeats name; empty: all of them',
    `expected` Bool COMMENT 'It sends heartbeats, so silence means that it is cut off',
    `last_at` DateTime64(3, 'UTC') COMMENT 'Event time of its last record, UTC',
    `silent_since` Nullable(DateTime64(3, 'UTC')) COMMENT 'Nothing was heard since then, for longer than may be, UTC; null: it is heard',
    `clock_offset_ms` Nullable(Int64) COMMENT 'Least time between event and append in ten minutes, ms; below 0 its clock runs ahead',
    `events` UInt64 COMMENT 'Records of the last ten minutes',
    `repeats` UInt64 COMMENT 'Of them, those that told nothing new',
    `doubled` Bool COMMENT 'So many repeats that it seems to send everything twice',
    `at` DateTime64(3, 'UTC') COMMENT 'Clock of the engine the row holds at, UTC',
    `version` UInt64 COMMENT 'Offset in hotline.partials the row stands at; the highest of a minute holds'
)
AS
SELECT
    feed,
    source,
    hotline,
    expected,
    last_at,
    silent_since,
    clock_offset_ms,
    events,
    repeats,
    doubled,
    at,
    version
FROM sources FINAL
COMMENT 'What was known of each source, minute by minute';

CREATE OR REPLACE VIEW v_sources
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `source` LowCardinality(String) COMMENT 'The system that sent the events',
    `hotline` LowCardinality(String) COMMENT 'The hotline its heartbeats name; empty: all of them',
    `expected` Bool COMMENT 'It sends heartbeats, so silence means that it is cut off',
    `last_at` DateTime64(3, 'UTC') COMMENT 'Event time of its last record, UTC',
    `silent_since` Nullable(DateTime64(3, 'UTC')) COMMENT 'Nothing was heard since then, for longer than may be, UTC; null: it is heard',
    `clock_offset_ms` Nullable(Int64) COMMENT 'Least time between event and append in ten minutes, ms; below 0 its clock runs ahead',
    `events` UInt64 COMMENT 'Records of the last ten minutes',
    `repeats` UInt64 COMMENT 'Of them, those that told nothing new',
    `doubled` Bool COMMENT 'So many repeats that it seems to send everything twice',
    `at` DateTime64(3, 'UTC') COMMENT 'Clock of the engine the row holds at, UTC',
    `version` UInt64 COMMENT 'Offset in hotline.partials the row stands at; the highest of a minute holds'
)
AS
SELECT
    feed,
    source,
    hotline,
    expected,
    last_at,
    silent_since,
    clock_offset_ms,
    events,
    repeats,
    doubled,
    at,
    version
FROM sources FINAL
ORDER BY slot DESC
LIMIT 1 BY feed, source
COMMENT 'The last that is known of each source: heard or silent since when, its clock, whether it sends everything twice';
