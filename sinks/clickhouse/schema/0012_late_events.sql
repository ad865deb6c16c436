-- Readable events that came after the allowed lateness: kept, counted, and in no cell.

CREATE TABLE IF NOT EXISTS late_events
(
    `feed` LowCardinality(String) COMMENT 'The feed the record named; empty: it could not be read',
    `topic` LowCardinality(String) COMMENT 'Input topic',
    `partition` UInt32 COMMENT 'Partition of the input topic',
    `offset` UInt64 COMMENT 'Offset in the partition; the record itself stays in the input topic only',
    `reason` LowCardinality(String) COMMENT 'Always late: appended later than the allowed lateness after the event',
    `field` LowCardinality(String) COMMENT 'The field that was wrong; empty: the record as a whole',
    `detail` String COMMENT 'What was wrong, digit runs masked',
    `preview` String COMMENT 'Beginning of the record, digit runs masked',
    `source` LowCardinality(String) COMMENT 'The system that sent it, if it could be read',
    `hotline` LowCardinality(String) COMMENT 'The hotline, if it could be read',
    `type` LowCardinality(String) COMMENT 'The event type, if it could be read',
    `event_time` Nullable(DateTime64(3, 'UTC')) COMMENT 'Time the event states, UTC; null: it could not be read',
    `append_time` DateTime64(3, 'UTC') COMMENT 'When the broker took it, UTC',
    `version` UInt64 COMMENT 'Offset of the entry in hotline.dead-letter; the highest of a position holds'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(append_time)
ORDER BY (feed, topic, partition, offset)
COMMENT 'Events that came too late, by position; read v_late_events';

CREATE OR REPLACE VIEW v_late_events
(
    `feed` LowCardinality(String) COMMENT 'The feed the record named; empty: it could not be read',
    `topic` LowCardinality(String) COMMENT 'Input topic',
    `partition` UInt32 COMMENT 'Partition of the input topic',
    `offset` UInt64 COMMENT 'Offset in the partition; the record itself stays in the input topic only',
    `reason` LowCardinality(String) COMMENT 'Always late: appended later than the allowed lateness after the event',
    `field` LowCardinality(String) COMMENT 'The field that was wrong; empty: the record as a whole',
    `detail` String COMMENT 'What was wrong, digit runs masked',
    `preview` String COMMENT 'Beginning of the record, digit runs masked',
    `source` LowCardinality(String) COMMENT 'The system that sent it, if it could be read',
    `hotline` LowCardinality(String) COMMENT 'The hotline, if it could be read',
    `type` LowCardinality(String) COMMENT 'The event type, if it could be read',
    `event_time` Nullable(DateTime64(3, 'UTC')) COMMENT 'Time the event states, UTC; null: it could not be read',
    `append_time` DateTime64(3, 'UTC') COMMENT 'When the broker took it, UTC',
    `version` UInt64 COMMENT 'Offset of the entry in hotline.dead-letter; the highest of a position holds'
)
AS
SELECT
    `feed`,
    `topic`,
    `partition`,
    `offset`,
    `reason`,
    `field`,
    `detail`,
    `preview`,
    `source`,
    `hotline`,
    `type`,
    `event_time`,
    `append_time`,
    `version`
FROM late_events FINAL
COMMENT 'Readable events that came after the allowed lateness and are in no cell';
