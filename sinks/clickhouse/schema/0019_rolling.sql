-- Rolling windows as of the feed's own clock: the SQL twin of window_bounds and rates in streams/contract/metrics.py
-- (a test compares). Local midnight is made from the offsets that settings' time zones have, since a view cannot take
-- the zone from a column.

ALTER TABLE hotlines
    ADD COLUMN IF NOT EXISTS
    `utc_offsets` Array(Tuple(Int64, Int32)) COMMENT 'From which instant (ms since the Unix epoch) on which offset from UTC holds (seconds), 1970 to 2060',
    ADD COLUMN IF NOT EXISTS
    `queue_threshold_s` Map(String, UInt32) COMMENT 'First threshold of each queue that has its own, seconds';

CREATE TABLE IF NOT EXISTS feed_clocks
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `at` DateTime64(3, 'UTC') COMMENT 'Up to where the feed is complete: its lowest partition clock, UTC',
    `version` UInt64 COMMENT 'Offset in hotline.partials it stands at; the highest holds'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY feed
COMMENT 'The clock of the feed live; read v_clocks';

CREATE OR REPLACE VIEW v_clocks
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `data_as_of` DateTime64(3, 'UTC') COMMENT 'Up to where the feed is complete, UTC: everything appended before it is in the numbers'
)
AS
SELECT feed, max(at) AS data_as_of
FROM
(
    SELECT feed, at FROM feed_clocks FINAL
    UNION ALL
    SELECT feed, at FROM v_feeds WHERE feed != 'live' AND (generation = 0 OR queryable_at IS NOT NULL)
)
GROUP BY feed
COMMENT 'Up to where each feed is complete';

CREATE OR REPLACE VIEW v_windows
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `hotline` LowCardinality(String) COMMENT 'The hotline, as producers name it',
    `window` LowCardinality(String) COMMENT '5m, 15m, 30m, 60m, today or 24h; the open minute is its last one',
    `begin` DateTime64(3, 'UTC') COMMENT 'First minute of the window, UTC; of today: local midnight',
    `end` DateTime64(3, 'UTC') COMMENT 'Minute after the last, UTC',
    `data_as_of` DateTime64(3, 'UTC') COMMENT 'Up to where the feed is complete, UTC'
)
AS
WITH
    (
        SELECT CAST((groupArray(hotline), groupArray(utc_offsets)), 'Map(String, Array(Tuple(Int64, Int32)))')
        FROM hotlines
        WHERE version = (SELECT max(version) FROM hotlines)
    ) AS zones,
    if(mapContains(zones, hotline), zones[hotline], zones['']) AS offsets,
    toUnixTimestamp64Milli(data_as_of) AS now_ms,
    intDiv(now_ms, 60000) * 60000 + 60000 AS end_ms,
    now_ms + arrayLast(known -> known.1 <= now_ms, offsets).2 * 1000 AS local_ms,
    local_ms - local_ms % 86400000 AS midnight_ms,
    arrayLast(known -> known.1 <= midnight_ms - 86400000, offsets).2 * 1000 AS before_ms,
    arrayLast(known -> known.1 <= midnight_ms + 86400000, offsets).2 * 1000 AS after_ms,
    -- where the clocks change at midnight: the first of two, and of none the instant the old offset gives
    if(
        arrayLast(known -> known.1 <= midnight_ms - before_ms, offsets).2 * 1000 != before_ms
            AND arrayLast(known -> known.1 <= midnight_ms - after_ms, offsets).2 * 1000 = after_ms,
        midnight_ms - after_ms,
        midnight_ms - before_ms
    ) AS today_ms
SELECT
    feed,
    hotline,
    span.1 AS `window`,
    fromUnixTimestamp64Milli(if(span.2 = 0, today_ms, end_ms - span.2 * 60000), 'UTC') AS begin,
    fromUnixTimestamp64Milli(end_ms, 'UTC') AS `end`,
    data_as_of
FROM
(
    SELECT DISTINCT c.feed AS feed, c.hotline AS hotline, k.data_as_of AS data_as_of
    FROM (SELECT feed, hotline FROM cells WHERE dimension_set = 'hotline' GROUP BY feed, hotline) AS c
    INNER JOIN v_clocks AS k ON c.feed = k.feed
)
ARRAY JOIN CAST([('5m', 5), ('15m', 15), ('30m', 30), ('60m', 60), ('today', 0), ('24h', 1440)], 'Array(Tuple(String, Int64))') AS span
COMMENT 'The rolling windows of each hotline as of the clock of its feed';

CREATE OR REPLACE VIEW v_rolling
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `hotline` LowCardinality(String) COMMENT 'The hotline, as producers name it',
    `queue` LowCardinality(String) COMMENT 'Queue; empty: the whole hotline',
    `window` LowCardinality(String) COMMENT '5m, 15m, 30m, 60m, today or 24h; the open minute is its last one',
    `begin` DateTime64(3, 'UTC') COMMENT 'First minute of the window, UTC; of today: local midnight',
    `end` DateTime64(3, 'UTC') COMMENT 'Minute after the last, UTC',
    `data_as_of` DateTime64(3, 'UTC') COMMENT 'Up to where the feed is complete, UTC',
    `sources_expected` UInt64 COMMENT 'Sources that send heartbeats for this hotline and were to be heard in the minute; 0: none is expected',
    `sources_heard` UInt64 COMMENT 'Of them, heard in the minute',
    `offered` UInt64 COMMENT 'Visits queued, by arrival',
    `answered` UInt64 COMMENT 'Visits answered, by arrival',
    `abandoned` UInt64 COMMENT 'Visits whose caller hung up while queued or ringing, by arrival',
    `flowed_out` UInt64 COMMENT 'Visits that left for another queue, by arrival',
    `callback_taken` UInt64 COMMENT 'Visits that asked to be called back, by arrival',
    `lost_track` UInt64 COMMENT 'Visits whose source never told the end of waiting, by arrival',
    `lost_track_talking` UInt64 COMMENT 'Answered visits whose source never told the end, by arrival',
    `lost_track_in_menu` UInt64 COMMENT 'Calls that reached no queue and whose end was never told, by arrival',
    `ended_in_menu` UInt64 COMMENT 'Calls that ended before any queue, by arrival',
    `blocked` UInt64 COMMENT 'Calls refused before any queue, by arrival',
    `phantom` UInt64 COMMENT 'Calls flagged as phantom, by arrival',
    `test` UInt64 COMMENT 'Calls flagged as test, by arrival',
    `nuisance` UInt64 COMMENT 'Calls flagged as nuisance, by arrival',
    `short_abandoned` UInt64 COMMENT 'Abandoned within the short threshold, by arrival',
    `short_answered` UInt64 COMMENT 'Answered visits whose talk stayed within the short threshold, by arrival',
    `held` UInt64 COMMENT 'Answered visits with hold longer than 0 ms, by arrival',
    `transferred_out` UInt64 COMMENT 'Answered visits that ended in a transfer, by arrival',
    `transferred_in` UInt64 COMMENT 'Visits that a transfer led to, by arrival',
    `flowed_in` UInt64 COMMENT 'Visits that a flow-out of another queue led to, by arrival',
    `callback_completed` UInt64 COMMENT 'Callbacks completed, in the minute of their completion',
    `calls_offered` UInt64 COMMENT 'Calls that reached a queue, in the minute of their first visit (set `hotline` only)',
    `calls_answered` UInt64 COMMENT 'Of those, answered in any visit',
    `calls_abandoned` UInt64 COMMENT 'Of those, never answered and abandoned in their last visit',
    `offered_by_outcome` UInt64 COMMENT 'Visits that got an outcome in this minute',
    `answered_by_outcome` UInt64 COMMENT 'Visits answered in this minute',
    `abandoned_by_outcome` UInt64 COMMENT 'Visits abandoned in this minute',
    `flowed_out_by_outcome` UInt64 COMMENT 'Visits that flowed out in this minute',
    `callback_taken_by_outcome` UInt64 COMMENT 'Callbacks taken in this minute',
    `lost_track_by_outcome` UInt64 COMMENT 'Visits that lost track while waiting in this minute',
    `wait_ms_sum` UInt64 COMMENT 'Sum of the waits of answered visits, ms, by arrival',
    `waited` UInt64 COMMENT 'Answered visits that waited longer than 0 ms, by arrival',
    `abandoned_wait_ms_sum` UInt64 COMMENT 'Sum of the waits of abandoned visits, ms, by arrival',
    `talk_ms_sum` UInt64 COMMENT 'Sum of talk time of answered visits, ms, by arrival',
    `talked` UInt64 COMMENT 'Answered visits with talk longer than 0 ms, by arrival',
    `hold_ms_sum` UInt64 COMMENT 'Sum of hold time of answered visits, ms, by arrival',
    `acw_ms_sum` UInt64 COMMENT 'Sum of after-call work of answered visits, ms, by arrival',
    `agent_available_ms` UInt64 COMMENT 'Time agents were available, ms within the minute; in a queue: agents who serve it',
    `agent_ringing_ms` UInt64 COMMENT 'Time agents\' phones rang, ms within the minute',
    `agent_on_call_ms` UInt64 COMMENT 'Time agents talked, ms within the minute',
    `agent_hold_ms` UInt64 COMMENT 'Time agents had their caller on hold, ms within the minute',
    `agent_after_call_ms` UInt64 COMMENT 'Time of agents\' after-call work, ms within the minute',
    `agent_break_ms` UInt64 COMMENT 'Time agents were on a break, ms within the minute',
    `agent_ring_no_answer_ms` UInt64 COMMENT 'Time agents were set aside because they did not answer, ms within the minute',
    `agent_lost_track` UInt64 COMMENT 'Agents whose source told nothing more of them, in the minute they were given up',
    `ring_no_answer` UInt64 COMMENT 'Calls that an agent did not answer, in the minute it was told',
    `answered_wait` Map(UInt32, UInt64) COMMENT 'Answered visits by wait bucket (s), by arrival: bucket (upper edge, seconds) -> visits',
    `abandoned_wait` Map(UInt32, UInt64) COMMENT 'Abandoned visits by wait bucket (s), by arrival: bucket (upper edge, seconds) -> visits',
    `event_answered` Map(UInt32, UInt64) COMMENT 'Answered within threshold X (s), in the minute of the answer (event attribution): threshold (seconds) -> visits',
    `event_abandoned` Map(UInt32, UInt64) COMMENT 'Abandoned within threshold X (s), in the minute of hanging up: threshold (seconds) -> visits',
    `event_left` Map(UInt32, UInt64) COMMENT 'Flowed out or callback taken within threshold X (s), in the minute of leaving: threshold (seconds) -> visits',
    `event_expired` Map(UInt32, UInt64) COMMENT 'Still waiting when threshold X (s) passed, in the minute it passed: threshold (seconds) -> visits',
    `rated` Map(Int64, UInt64) COMMENT 'Ratings by value, in the minute of the rating: rating -> ratings',
    `inbound` UInt64 COMMENT 'Calls that reached the system: offered + ended_in_menu + blocked',
    `threshold_s` UInt32 COMMENT 'X, the first threshold of the queue, else of the hotline, seconds, inclusive',
    `answered_in_threshold` UInt64 COMMENT 'A_X: visits answered within X, by arrival',
    `abandoned_in_threshold` UInt64 COMMENT 'B_X: visits abandoned within X, by arrival',
    `service_level_offered` Nullable(Float64) COMMENT 'A_X / offered, fraction; null over nothing',
    `service_level_excluding_abandoned_in_threshold` Nullable(Float64) COMMENT 'A_X / (offered - B_X), fraction; null over nothing',
    `service_level_abandoned_in_threshold_met` Nullable(Float64) COMMENT '(A_X + B_X) / offered, fraction; null over nothing',
    `service_level_answered` Nullable(Float64) COMMENT 'A_X / answered, fraction; null over nothing',
    `service_level_excluding_short` Nullable(Float64) COMMENT 'A_X / (offered - short_abandoned), fraction; null over nothing',
    `answer_rate_inbound` Nullable(Float64) COMMENT 'answered / inbound, fraction; null over nothing',
    `answer_rate_offered` Nullable(Float64) COMMENT 'answered / offered, fraction; null over nothing',
    `answer_rate_talked` Nullable(Float64) COMMENT 'talked / offered: answered with talk longer than 0, fraction; null over nothing',
    `abandonment_rate` Nullable(Float64) COMMENT 'abandoned / offered, short abandons included, fraction; null over nothing',
    `asa` Nullable(Float64) COMMENT 'Mean wait of answered visits, zero waits included, seconds; null over nothing',
    `asa_waited` Nullable(Float64) COMMENT 'Mean wait of answered visits that waited, seconds; null over nothing',
    `att` Nullable(Float64) COMMENT 'Mean talk time of answered visits, seconds; null over nothing',
    `aht` Nullable(Float64) COMMENT 'Mean talk + hold + after-call work of answered visits, seconds; null over nothing',
    `abandonment_rate_excluding_short` Nullable(Float64) COMMENT '(abandoned - short_abandoned) / (offered - short_abandoned), fraction; null over nothing',
    `blocked_rate` Nullable(Float64) COMMENT 'blocked / inbound, fraction; null over nothing',
    `acw` Nullable(Float64) COMMENT 'Mean after-call work of answered visits, seconds; null over nothing',
    `occupancy` Nullable(Float64) COMMENT '(on call + hold + after-call) / (that + available), agents\' time, fraction; null over nothing',
    `rating_mean` Nullable(Float64) COMMENT 'Mean of the ratings; null: there are none',
    `completeness` Nullable(Float64) COMMENT 'Heard / expected minutes of the sources that send heartbeats, fraction; null: no source is expected',
    `service_level_event` Nullable(Float64) COMMENT 'Answered within X / (that + abandoned within X + X passed while waiting), each visit in the minute of the earliest of the three, fraction; null over nothing',
    `queue_time_p50` Nullable(UInt32) COMMENT 'Wait of rank ceil(0.5 n) over answered and abandoned visits, upper edge of its bucket, seconds; null over nothing',
    `queue_time_p90` Nullable(UInt32) COMMENT 'Wait of rank ceil(0.9 n) over answered and abandoned visits, upper edge of its bucket, seconds; null over nothing',
    `queue_time_p99` Nullable(UInt32) COMMENT 'Wait of rank ceil(0.99 n) over answered and abandoned visits, upper edge of its bucket, seconds; null over nothing'
)
AS
WITH
    (
        SELECT CAST((groupArray(hotline), groupArray((thresholds_s[1], queue_threshold_s))), 'Map(String, Tuple(UInt32, Map(String, UInt32)))')
        FROM hotlines
        WHERE version = (SELECT max(version) FROM hotlines)
    ) AS promised
SELECT
    feed,
    hotline,
    queue,
    `window`,
    begin,
    `end`,
    data_as_of,
    `sources_expected`,
    `sources_heard`,
    `offered`,
    `answered`,
    `abandoned`,
    `flowed_out`,
    `callback_taken`,
    `lost_track`,
    `lost_track_talking`,
    `lost_track_in_menu`,
    `ended_in_menu`,
    `blocked`,
    `phantom`,
    `test`,
    `nuisance`,
    `short_abandoned`,
    `short_answered`,
    `held`,
    `transferred_out`,
    `transferred_in`,
    `flowed_in`,
    `callback_completed`,
    `calls_offered`,
    `calls_answered`,
    `calls_abandoned`,
    `offered_by_outcome`,
    `answered_by_outcome`,
    `abandoned_by_outcome`,
    `flowed_out_by_outcome`,
    `callback_taken_by_outcome`,
    `lost_track_by_outcome`,
    `wait_ms_sum`,
    `waited`,
    `abandoned_wait_ms_sum`,
    `talk_ms_sum`,
    `talked`,
    `hold_ms_sum`,
    `acw_ms_sum`,
    `agent_available_ms`,
    `agent_ringing_ms`,
    `agent_on_call_ms`,
    `agent_hold_ms`,
    `agent_after_call_ms`,
    `agent_break_ms`,
    `agent_ring_no_answer_ms`,
    `agent_lost_track`,
    `ring_no_answer`,
    `answered_wait`,
    `abandoned_wait`,
    `event_answered`,
    `event_abandoned`,
    `event_left`,
    `event_expired`,
    `rated`,
    offered + ended_in_menu + blocked AS inbound,
    threshold_s,
    answered_in_threshold,
    abandoned_in_threshold,
    answered_in_threshold / nullIf(offered, 0) AS service_level_offered,
    answered_in_threshold / nullIf(offered - abandoned_in_threshold, 0) AS service_level_excluding_abandoned_in_threshold,
    (answered_in_threshold + abandoned_in_threshold) / nullIf(offered, 0) AS service_level_abandoned_in_threshold_met,
    answered_in_threshold / nullIf(answered, 0) AS service_level_answered,
    answered_in_threshold / nullIf(offered - short_abandoned, 0) AS service_level_excluding_short,
    answered / nullIf(offered + ended_in_menu + blocked, 0) AS answer_rate_inbound,
    answered / nullIf(offered, 0) AS answer_rate_offered,
    talked / nullIf(offered, 0) AS answer_rate_talked,
    abandoned / nullIf(offered, 0) AS abandonment_rate,
    wait_ms_sum / 1000 / nullIf(answered, 0) AS asa,
    wait_ms_sum / 1000 / nullIf(waited, 0) AS asa_waited,
    talk_ms_sum / 1000 / nullIf(answered, 0) AS att,
    (talk_ms_sum + hold_ms_sum + acw_ms_sum) / 1000 / nullIf(answered, 0) AS aht,
    (abandoned - short_abandoned) / nullIf(offered - short_abandoned, 0) AS abandonment_rate_excluding_short,
    blocked / nullIf(offered + ended_in_menu + blocked, 0) AS blocked_rate,
    acw_ms_sum / 1000 / nullIf(answered, 0) AS acw,
    (agent_on_call_ms + agent_hold_ms + agent_after_call_ms) / nullIf(agent_on_call_ms + agent_hold_ms + agent_after_call_ms + agent_available_ms, 0) AS occupancy,
    arraySum((value, ratings) -> value * toInt64(ratings), mapKeys(rated), mapValues(rated)) / nullIf(arraySum(mapValues(rated)), 0) AS rating_mean,
    sources_heard / nullIf(sources_expected, 0) AS completeness,
    event_answered[threshold_s] / nullIf(toUInt64(event_answered[threshold_s] + event_abandoned[threshold_s] + event_expired[threshold_s]), 0) AS service_level_event,
    if(empty(waits), NULL, mapKeys(waits)[arrayFirstIndex(visits -> visits >= ceil(0.5 * arraySum(mapValues(waits))), arrayCumSum(mapValues(waits)))])
        AS queue_time_p50,
    if(empty(waits), NULL, mapKeys(waits)[arrayFirstIndex(visits -> visits >= ceil(0.9 * arraySum(mapValues(waits))), arrayCumSum(mapValues(waits)))])
        AS queue_time_p90,
    if(empty(waits), NULL, mapKeys(waits)[arrayFirstIndex(visits -> visits >= ceil(0.99 * arraySum(mapValues(waits))), arrayCumSum(mapValues(waits)))])
        AS queue_time_p99
FROM
(
    SELECT
        *,
        if(mapContains(promised, hotline), promised[hotline], promised['']) AS thresholds,
        if(mapContains(thresholds.2, queue), thresholds.2[queue], thresholds.1) AS threshold_s,
        arraySum(mapValues(mapFilter((edge, visits) -> edge <= threshold_s, answered_wait))) AS answered_in_threshold,
        arraySum(mapValues(mapFilter((edge, visits) -> edge <= threshold_s, abandoned_wait))) AS abandoned_in_threshold,
        mapSort(mapAdd(answered_wait, abandoned_wait)) AS waits
    FROM
    (
        SELECT
            c.feed AS feed,
            c.hotline AS hotline,
            c.queue AS queue,
            w.`window` AS `window`,
            w.begin AS begin,
            w.`end` AS `end`,
            w.data_as_of AS data_as_of,
            sumIf(c.`sources_expected`, c.minute >= w.begin AND c.minute < w.end) AS `sources_expected`,
            sumIf(c.`sources_heard`, c.minute >= w.begin AND c.minute < w.end) AS `sources_heard`,
            sumIf(c.`offered`, c.minute >= w.begin AND c.minute < w.end) AS `offered`,
            sumIf(c.`answered`, c.minute >= w.begin AND c.minute < w.end) AS `answered`,
            sumIf(c.`abandoned`, c.minute >= w.begin AND c.minute < w.end) AS `abandoned`,
            sumIf(c.`flowed_out`, c.minute >= w.begin AND c.minute < w.end) AS `flowed_out`,
            sumIf(c.`callback_taken`, c.minute >= w.begin AND c.minute < w.end) AS `callback_taken`,
            sumIf(c.`lost_track`, c.minute >= w.begin AND c.minute < w.end) AS `lost_track`,
            sumIf(c.`lost_track_talking`, c.minute >= w.begin AND c.minute < w.end) AS `lost_track_talking`,
            sumIf(c.`lost_track_in_menu`, c.minute >= w.begin AND c.minute < w.end) AS `lost_track_in_menu`,
            sumIf(c.`ended_in_menu`, c.minute >= w.begin AND c.minute < w.end) AS `ended_in_menu`,
            sumIf(c.`blocked`, c.minute >= w.begin AND c.minute < w.end) AS `blocked`,
            sumIf(c.`phantom`, c.minute >= w.begin AND c.minute < w.end) AS `phantom`,
            sumIf(c.`test`, c.minute >= w.begin AND c.minute < w.end) AS `test`,
            sumIf(c.`nuisance`, c.minute >= w.begin AND c.minute < w.end) AS `nuisance`,
            sumIf(c.`short_abandoned`, c.minute >= w.begin AND c.minute < w.end) AS `short_abandoned`,
            sumIf(c.`short_answered`, c.minute >= w.begin AND c.minute < w.end) AS `short_answered`,
            sumIf(c.`held`, c.minute >= w.begin AND c.minute < w.end) AS `held`,
            sumIf(c.`transferred_out`, c.minute >= w.begin AND c.minute < w.end) AS `transferred_out`,
            sumIf(c.`transferred_in`, c.minute >= w.begin AND c.minute < w.end) AS `transferred_in`,
            sumIf(c.`flowed_in`, c.minute >= w.begin AND c.minute < w.end) AS `flowed_in`,
            sumIf(c.`callback_completed`, c.minute >= w.begin AND c.minute < w.end) AS `callback_completed`,
            sumIf(c.`calls_offered`, c.minute >= w.begin AND c.minute < w.end) AS `calls_offered`,
            sumIf(c.`calls_answered`, c.minute >= w.begin AND c.minute < w.end) AS `calls_answered`,
            sumIf(c.`calls_abandoned`, c.minute >= w.begin AND c.minute < w.end) AS `calls_abandoned`,
            sumIf(c.`offered_by_outcome`, c.minute >= w.begin AND c.minute < w.end) AS `offered_by_outcome`,
            sumIf(c.`answered_by_outcome`, c.minute >= w.begin AND c.minute < w.end) AS `answered_by_outcome`,
            sumIf(c.`abandoned_by_outcome`, c.minute >= w.begin AND c.minute < w.end) AS `abandoned_by_outcome`,
            sumIf(c.`flowed_out_by_outcome`, c.minute >= w.begin AND c.minute < w.end) AS `flowed_out_by_outcome`,
            sumIf(c.`callback_taken_by_outcome`, c.minute >= w.begin AND c.minute < w.end) AS `callback_taken_by_outcome`,
            sumIf(c.`lost_track_by_outcome`, c.minute >= w.begin AND c.minute < w.end) AS `lost_track_by_outcome`,
            sumIf(c.`wait_ms_sum`, c.minute >= w.begin AND c.minute < w.end) AS `wait_ms_sum`,
            sumIf(c.`waited`, c.minute >= w.begin AND c.minute < w.end) AS `waited`,
            sumIf(c.`abandoned_wait_ms_sum`, c.minute >= w.begin AND c.minute < w.end) AS `abandoned_wait_ms_sum`,
            sumIf(c.`talk_ms_sum`, c.minute >= w.begin AND c.minute < w.end) AS `talk_ms_sum`,
            sumIf(c.`talked`, c.minute >= w.begin AND c.minute < w.end) AS `talked`,
            sumIf(c.`hold_ms_sum`, c.minute >= w.begin AND c.minute < w.end) AS `hold_ms_sum`,
            sumIf(c.`acw_ms_sum`, c.minute >= w.begin AND c.minute < w.end) AS `acw_ms_sum`,
            sumIf(c.`agent_available_ms`, c.minute >= w.begin AND c.minute < w.end) AS `agent_available_ms`,
            sumIf(c.`agent_ringing_ms`, c.minute >= w.begin AND c.minute < w.end) AS `agent_ringing_ms`,
            sumIf(c.`agent_on_call_ms`, c.minute >= w.begin AND c.minute < w.end) AS `agent_on_call_ms`,
            sumIf(c.`agent_hold_ms`, c.minute >= w.begin AND c.minute < w.end) AS `agent_hold_ms`,
            sumIf(c.`agent_after_call_ms`, c.minute >= w.begin AND c.minute < w.end) AS `agent_after_call_ms`,
            sumIf(c.`agent_break_ms`, c.minute >= w.begin AND c.minute < w.end) AS `agent_break_ms`,
            sumIf(c.`agent_ring_no_answer_ms`, c.minute >= w.begin AND c.minute < w.end) AS `agent_ring_no_answer_ms`,
            sumIf(c.`agent_lost_track`, c.minute >= w.begin AND c.minute < w.end) AS `agent_lost_track`,
            sumIf(c.`ring_no_answer`, c.minute >= w.begin AND c.minute < w.end) AS `ring_no_answer`,
            sumMapIf(c.`answered_wait`, c.minute >= w.begin AND c.minute < w.end) AS `answered_wait`,
            sumMapIf(c.`abandoned_wait`, c.minute >= w.begin AND c.minute < w.end) AS `abandoned_wait`,
            sumMapIf(c.`event_answered`, c.minute >= w.begin AND c.minute < w.end) AS `event_answered`,
            sumMapIf(c.`event_abandoned`, c.minute >= w.begin AND c.minute < w.end) AS `event_abandoned`,
            sumMapIf(c.`event_left`, c.minute >= w.begin AND c.minute < w.end) AS `event_left`,
            sumMapIf(c.`event_expired`, c.minute >= w.begin AND c.minute < w.end) AS `event_expired`,
            sumMapIf(c.`rated`, c.minute >= w.begin AND c.minute < w.end) AS `rated`
        FROM
        (
            -- the minutes of the longest day first: only they are read
            SELECT * FROM v_cells
            WHERE (feed, minute) IN
                (
                    SELECT feed, arrayJoin(arrayMap(ago -> toStartOfMinute(data_as_of) - toIntervalMinute(ago), range(1561)))
                    FROM v_clocks
                )
                AND (dimension_set = 'hotline' OR (dimension_set = 'queue' AND queue != ''))
        ) AS c
        INNER JOIN v_windows AS w ON c.feed = w.feed AND c.hotline = w.hotline
        GROUP BY feed, hotline, c.dimension_set, queue, `window`, begin, `end`, data_as_of
    )
)
COMMENT 'Each hotline and queue in its rolling windows, as of the clock of its feed: counts by arrival, and the ratios made from them';
