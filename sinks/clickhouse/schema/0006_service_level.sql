-- The five service levels of each queue and day at every whole second to 120, from the wait buckets.

CREATE OR REPLACE VIEW v_service_level
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `hotline` LowCardinality(String) COMMENT 'The hotline, as producers name it',
    `queue` LowCardinality(String) COMMENT 'Queue; empty: calls that never reached one',
    `day` Date COMMENT 'Local day in the time zone of the hotline',
    `threshold_s` UInt32 COMMENT 'X, seconds, inclusive: one row for each of 0 to 120',
    `answered_in_threshold` UInt64 COMMENT 'A_X: visits answered within X, by arrival',
    `abandoned_in_threshold` UInt64 COMMENT 'B_X: visits abandoned within X, by arrival',
    `service_level_offered` Nullable(Float64) COMMENT 'A_X / offered, fraction; null over nothing',
    `service_level_excluding_abandoned_in_threshold` Nullable(Float64) COMMENT 'A_X / (offered - B_X), fraction; null over nothing',
    `service_level_abandoned_in_threshold_met` Nullable(Float64) COMMENT '(A_X + B_X) / offered, fraction; null over nothing',
    `service_level_answered` Nullable(Float64) COMMENT 'A_X / answered, fraction; null over nothing',
    `service_level_excluding_short` Nullable(Float64) COMMENT 'A_X / (offered - short_abandoned), fraction; null over nothing',
    `offered` UInt64 COMMENT 'Visits queued, by arrival',
    `answered` UInt64 COMMENT 'Visits answered, by arrival',
    `short_abandoned` UInt64 COMMENT 'Abandoned within the short threshold, by arrival'
)
AS
SELECT
    feed,
    hotline,
    queue,
    day,
    threshold_s,
    answered_in_threshold,
    abandoned_in_threshold,
    answered_in_threshold / nullIf(offered, 0) AS service_level_offered,
    answered_in_threshold / nullIf(offered - abandoned_in_threshold, 0) AS service_level_excluding_abandoned_in_threshold,
    (answered_in_threshold + abandoned_in_threshold) / nullIf(offered, 0) AS service_level_abandoned_in_threshold_met,
    answered_in_threshold / nullIf(answered, 0) AS service_level_answered,
    answered_in_threshold / nullIf(offered - short_abandoned, 0) AS service_level_excluding_short,
    offered,
    answered,
    short_abandoned
FROM
(
    SELECT
        feed,
        hotline,
        queue,
        day,
        offered,
        answered,
        short_abandoned,
        arrayCumSum(arrayMap(second -> answered_wait[second], range(toUInt32(121)))) AS answered_by_second,
        arrayCumSum(arrayMap(second -> abandoned_wait[second], range(toUInt32(121)))) AS abandoned_by_second
    FROM daily
    WHERE dimension_set = 'queue'
)
ARRAY JOIN
    range(toUInt32(121)) AS threshold_s,
    answered_by_second AS answered_in_threshold,
    abandoned_by_second AS abandoned_in_threshold
COMMENT 'Each queue, local day and threshold of 0 to 120 whole seconds: the five service levels, by arrival';
