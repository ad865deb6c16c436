-- Conditions that went on when their feed ended.

ALTER TABLE signals
    ADD COLUMN IF NOT EXISTS
    `feed_ended` Bool COMMENT 'No more active because the feed is over, not the condition';

CREATE OR REPLACE VIEW v_signals
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `hotline` LowCardinality(String) COMMENT 'The hotline, as producers name it',
    `fingerprint` String COMMENT 'Which condition on which key',
    `kind` LowCardinality(String) COMMENT 'demand_above_expectation, demand_below_expectation, demand_concentrated, queue_silence, service_level_under_target, error_budget_fast_burn, error_budget_slow_burn, waiting_past_threshold, abandonment_above_limit, answer_rate_below_target, answer_rate_breach_predicted, blocked_above_limit, no_agent_available, ring_no_answer, dead_feed or doubled_feed',
    `dimension_set` LowCardinality(String) COMMENT 'What the key is broken down by: hotline, queue, source or a set that settings name',
    `queue` LowCardinality(String) COMMENT 'Queue; empty: not broken down by queue',
    `category` LowCardinality(String) COMMENT 'Category; empty: not broken down by category',
    `active` Bool COMMENT 'The condition holds',
    `at` DateTime64(3, 'UTC') COMMENT 'Clock it was judged at, UTC',
    `since` DateTime64(3, 'UTC') COMMENT 'When the condition began, UTC',
    `value` Float64 COMMENT 'What was observed: visits, calls or agents; a fraction for rates; seconds of silence; how many times as fast as it may an error budget is spent',
    `volume` UInt64 COMMENT 'How many visits the value rests on',
    `expected` Nullable(Float64) COMMENT 'What the model expected of the value',
    `lower` Nullable(Float64) COMMENT 'Lower end of the range the model expected',
    `upper` Nullable(Float64) COMMENT 'Upper end of the range the model expected',
    `target` Nullable(Float64) COMMENT 'The promise the value is held against, fraction',
    `threshold_s` Nullable(UInt32) COMMENT 'Threshold of the promise, seconds',
    `window_s` Nullable(UInt32) COMMENT 'Length of the window the value is taken over, seconds',
    `score` Nullable(Float64) COMMENT '-log10 of the probability of the value if nothing had changed',
    `summary` Map(String, String) COMMENT 'One sentence per language',
    `version` UInt64 COMMENT 'Offset in hotline.partials it was made from; the highest of a fingerprint is the present state',
    `source` LowCardinality(String) COMMENT 'Source; empty: the signal is not about one',
    `budget_left` Nullable(Float64) COMMENT 'What is left of the error budget of the days that settings name, fraction; below 0: overspent',
    `breach_at` Nullable(DateTime64(3, 'UTC')) COMMENT 'When the promise will be broken if things go on as they do, UTC',
    `dimensions` Map(LowCardinality(String), String) COMMENT 'Values of the key beyond hotline, queue, category and source: district, channel, ...',
    `explained_by` Map(String, Float64) COMMENT 'The few slices that a departure is made of (district=440305, category=water), each with its share of what is too much, fraction',
    `feed_ended` Bool COMMENT 'No more active because the feed is over, not the condition'
)
AS
SELECT
    `feed`,
    `hotline`,
    `fingerprint`,
    `kind`,
    `dimension_set`,
    `queue`,
    `category`,
    `active`,
    `at`,
    `since`,
    `value`,
    `volume`,
    `expected`,
    `lower`,
    `upper`,
    `target`,
    `threshold_s`,
    `window_s`,
    `score`,
    `summary`,
    `version`,
    `source`,
    `budget_left`,
    `breach_at`,
    `dimensions`,
    `explained_by`,
    `feed_ended`
FROM signals FINAL
COMMENT 'Each state of each signal; the highest version of a fingerprint is the present one';
