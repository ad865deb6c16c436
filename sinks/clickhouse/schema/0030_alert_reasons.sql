-- An alert also ends because alerts are made of another feed now.

ALTER TABLE alert_events
    COMMENT COLUMN IF EXISTS `reason` 'Why it changed: condition_met, held_long_enough, condition_cleared, cleared_before_firing, signal_lost, severity_changed, rule_removed, feed_changed, outside_schedule, would_have_fired, shadow_ended or back_after_outage';

CREATE OR REPLACE VIEW v_alerts
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `hotline` LowCardinality(String) COMMENT 'The hotline, as producers name it',
    `fingerprint` String COMMENT 'Which rule on which labels',
    `episode` String COMMENT 'Tells one firing of a fingerprint from the next',
    `rule` LowCardinality(String) COMMENT 'Name of the rule',
    `state` LowCardinality(String) COMMENT 'State after the change: pending, firing or resolved',
    `reason` LowCardinality(String) COMMENT 'Why it changed: condition_met, held_long_enough, condition_cleared, cleared_before_firing, signal_lost, severity_changed, rule_removed, feed_changed, outside_schedule, would_have_fired, shadow_ended or back_after_outage',
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
    `version` UInt64 COMMENT 'Version of the signal the change rests on',
    `signal` LowCardinality(String) COMMENT 'Kind of the signal the alert is about; empty: a rule over windows of cells'
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
    `version`,
    `signal`
FROM alert_events FINAL
COMMENT 'Each change of state of each alert; an episode runs from pending or firing to resolved';
