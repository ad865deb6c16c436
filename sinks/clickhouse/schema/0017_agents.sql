-- Agents by state beside the other gauges.

ALTER TABLE gauges
    ADD COLUMN IF NOT EXISTS
    `agents` Map(LowCardinality(String), UInt64) COMMENT 'Agents by state (logged-out ones left out): state -> agents; an agent with three skills counts in three queues and once in the hotline',
    ADD COLUMN IF NOT EXISTS
    `breaks` Map(LowCardinality(String), UInt64) COMMENT 'Of those on a break, by reason: reason -> agents';

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
    `version` UInt64 COMMENT 'Offset in hotline.partials the values stand at; the highest of ten seconds holds',
    `agents` Map(LowCardinality(String), UInt64) COMMENT 'Agents by state (logged-out ones left out): state -> agents; an agent with three skills counts in three queues and once in the hotline',
    `breaks` Map(LowCardinality(String), UInt64) COMMENT 'Of those on a break, by reason: reason -> agents'
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
    version,
    agents,
    breaks
FROM gauges FINAL
COMMENT 'Gauges every ten seconds: who waits, for how long, who is in service; the row with the highest at is the present';

CREATE OR REPLACE VIEW v_agents
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `hotline` LowCardinality(String) COMMENT 'The hotline, as producers name it',
    `queue` LowCardinality(String) COMMENT 'Queue the agents serve; empty: the whole hotline, each agent once',
    `state` LowCardinality(String) COMMENT 'available, ringing, on_call, hold, after_call, break or ring_no_answer',
    `agents` UInt64 COMMENT 'Agents in that state',
    `at` DateTime64(3, 'UTC') COMMENT 'Clock of the engine it holds at, UTC'
)
AS
SELECT feed, hotline, queue, state, by_state[state] AS agents, at
FROM
(
    SELECT feed, hotline, queue, dimension_set, at, agents AS by_state
    FROM gauges FINAL
    ORDER BY slot DESC
    LIMIT 1 BY feed, hotline, dimension_set, queue
)
ARRAY JOIN
    arrayDistinct(arrayConcat(['available', 'ringing', 'on_call', 'hold', 'after_call', 'break', 'ring_no_answer'], mapKeys(by_state))) AS state
WHERE notEmpty(by_state)
COMMENT 'Agents by state now, per queue and hotline, zeros included; no rows where no agent is logged in or no source tells';
