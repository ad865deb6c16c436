-- Every change of state of every alert.

CREATE TABLE IF NOT EXISTS alert_events
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `hotline` LowCardinality(String) COMMENT 'The hotline, as producers name it',
    `fingerprint` String COMMENT 'Which rule on which labels',
    `episode` String COMMENT 'Tells one firing of a fingerprint from the next',
    `rule` LowCardinality(String) COMMENT 'Name of the rule',
    `state` LowCardinality(String) COMMENT 'State after the change: pending, firing or resolved',
    `reason` LowCardinality(String) COMMENT 'Why it changed: condition_met, held_long_enough, condition_cleared, cleared_before_firing, signal_lost or severity_changed',
    `severity` LowCardinality(String) COMMENT 'info, warning or critical',
    `queue` LowCardinality(String) COMMENT 'Queue; empty: the whole hotline',
    `category` LowCardinality(String) COMMENT 'Category; empty: not broken down by category',
    `at` DateTime64(3, 'UTC') COMMENT 'When the change was decided, UTC',
    `started_at` DateTime64(3, 'UTC') COMMENT 'When the episode began by the clock of the data, UTC',
    `ended_at` Nullable(DateTime64(3, 'UTC')) COMMENT 'When the episode ended by the clock of the data, UTC; null: it has not',
    `value` Float64 COMMENT 'What was observed',
    `expected` Nullable(Float64) COMMENT 'What the model expected of the value',
    `target` Nullable(Float64) COMMENT 'The promise the value is held against, fraction',
    `labels` Map(LowCardinality(String), String) COMMENT 'Labels of the alert',
    `summary` Map(String, String) COMMENT 'One sentence per language',
    `version` UInt64 COMMENT 'Version of the signal the change rests on'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(at)
ORDER BY (feed, hotline, fingerprint, episode, version, state, reason)
COMMENT 'Changes of state of alerts; read v_alerts';

CREATE OR REPLACE VIEW v_alerts
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `hotline` LowCardinality(String) COMMENT 'The hotline, as producers name it',
    `fingerprint` String COMMENT 'Which rule on which labels',
    `episode` String COMMENT 'Tells one firing of a fingerprint from the next',
    `rule` LowCardinality(String) COMMENT 'Name of the rule',
    `state` LowCardinality(String) COMMENT 'State after the change: pending, firing or resolved',
    `reason` LowCardinality(String) COMMENT 'Why it changed: condition_met, held_long_enough, condition_cleared, cleared_before_firing, signal_lost or severity_changed',
    `severity` LowCardinality(String) COMMENT 'info, warning or critical',
    `queue` LowCardinality(String) COMMENT 'Queue; empty: the whole hotline',
    `category` LowCardinality(String) COMMENT 'Category; empty: not broken down by category',
    `at` DateTime64(3, 'UTC') COMMENT 'When the change was decided, UTC',
    `started_at` DateTime64(3, 'UTC') COMMENT 'When the episode began by the clock of the data, UTC',
    `ended_at` Nullable(DateTime64(3, 'UTC')) COMMENT 'When the episode ended by the clock of the data, UTC; null: it has not',
    `value` Float64 COMMENT 'What was observed',
    `expected` Nullable(Float64) COMMENT 'What the model expected of the value',
    `target` Nullable(Float64) COMMENT 'The promise the value is held against, fraction',
    `labels` Map(LowCardinality(String), String) COMMENT 'Labels of the alert',
    `summary` Map(String, String) COMMENT 'One sentence per language',
    `version` UInt64 COMMENT 'Version of the signal the change rests on'
)
AS
SELECT
    `feed`,
    `hotline`,
    `fingerprint`,
    `episode`,
    `rule`,
    `state`,
    `reason`,
    `severity`,
    `queue`,
    `category`,
    `at`,
    `started_at`,
    `ended_at`,
    `value`,
    `expected`,
    `target`,
    `labels`,
    `summary`,
    `version`
FROM alert_events FINAL
COMMENT 'Each change of state of each alert; an episode runs from pending or firing to resolved';
