-- Expected demand of each local day, as the demand model last said it.

CREATE TABLE IF NOT EXISTS forecasts
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `hotline` LowCardinality(String) COMMENT 'The hotline, as producers name it',
    `dimension_set` LowCardinality(String) COMMENT 'hotline or queue',
    `queue` LowCardinality(String) COMMENT 'Queue; empty: the whole hotline',
    `start` DateTime64(3, 'UTC') COMMENT 'Local midnight the forecast begins at, UTC',
    `step_s` UInt32 COMMENT 'Length of one step, seconds',
    `expected` Array(Float64) COMMENT 'Expected offered visits, one number per step',
    `lower` Array(Float64) COMMENT 'Lower end of the 90 % range, visits per step',
    `upper` Array(Float64) COMMENT 'Upper end of the 90 % range, visits per step',
    `days_learned` Float64 COMMENT 'How many days of history it rests on',
    `version` UInt64 COMMENT 'Offset in hotline.partials it stands at; the highest holds'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(start)
ORDER BY (feed, hotline, dimension_set, queue, start)
COMMENT 'Forecast of one local day per row; several versions until merged, read v_forecasts';

CREATE OR REPLACE VIEW v_forecasts
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `hotline` LowCardinality(String) COMMENT 'The hotline, as producers name it',
    `dimension_set` LowCardinality(String) COMMENT 'hotline or queue',
    `queue` LowCardinality(String) COMMENT 'Queue; empty: the whole hotline',
    `at` DateTime64(3, 'UTC') COMMENT 'Start of the step, UTC',
    `step_s` UInt32 COMMENT 'Length of the step, seconds',
    `expected` Float64 COMMENT 'Expected offered visits in the step',
    `lower` Float64 COMMENT 'Lower end of the 90 % range, visits in the step',
    `upper` Float64 COMMENT 'Upper end of the 90 % range, visits in the step',
    `days_learned` Float64 COMMENT 'How many days of history it rests on',
    `version` UInt64 COMMENT 'Offset in hotline.partials it stands at; the highest holds'
)
AS
SELECT
    feed,
    hotline,
    dimension_set,
    queue,
    addSeconds(start, (step - 1) * step_s) AS at,
    step_s,
    expected_in_step AS expected,
    lower_in_step AS lower,
    upper_in_step AS upper,
    days_learned,
    version
FROM (SELECT * FROM forecasts FINAL)
ARRAY JOIN
    arrayEnumerate(expected) AS step,
    expected AS expected_in_step,
    lower AS lower_in_step,
    upper AS upper_in_step
COMMENT 'Forecast of offered visits, one row per step of the day';
