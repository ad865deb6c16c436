-- Every dimension an event can carry (part of the key: cells of two sources in one minute are two rows), how many of
-- the expected sources were heard, and the counters of agents, transfers, callbacks, ratings and sources.

ALTER TABLE cells
    ADD COLUMN IF NOT EXISTS
    `ticket_type` LowCardinality(String) COMMENT 'Type of the ticket',
    ADD COLUMN IF NOT EXISTS
    `served` LowCardinality(String) COMMENT 'Whom or what the call concerned',
    ADD COLUMN IF NOT EXISTS
    `origin` LowCardinality(String) COMMENT 'Where the call came from',
    ADD COLUMN IF NOT EXISTS
    `direction` LowCardinality(String) COMMENT 'inbound or outbound',
    ADD COLUMN IF NOT EXISTS
    `priority` LowCardinality(String) COMMENT 'Priority the source gave it',
    ADD COLUMN IF NOT EXISTS
    `skill` LowCardinality(String) COMMENT 'Skill asked for',
    ADD COLUMN IF NOT EXISTS
    `source` LowCardinality(String) COMMENT 'The system that sent the events',
    ADD COLUMN IF NOT EXISTS
    `sources_expected` UInt64 COMMENT 'Sources that send heartbeats for this hotline and were to be heard in the minute; 0: none is expected',
    ADD COLUMN IF NOT EXISTS
    `sources_heard` UInt64 COMMENT 'Of them, heard in the minute',
    ADD COLUMN IF NOT EXISTS
    `short_answered` UInt64 COMMENT 'Answered visits whose talk stayed within the short threshold, by arrival',
    ADD COLUMN IF NOT EXISTS
    `held` UInt64 COMMENT 'Answered visits with hold longer than 0 ms, by arrival',
    ADD COLUMN IF NOT EXISTS
    `transferred_out` UInt64 COMMENT 'Answered visits that ended in a transfer, by arrival',
    ADD COLUMN IF NOT EXISTS
    `transferred_in` UInt64 COMMENT 'Visits that a transfer led to, by arrival',
    ADD COLUMN IF NOT EXISTS
    `flowed_in` UInt64 COMMENT 'Visits that a flow-out of another queue led to, by arrival',
    ADD COLUMN IF NOT EXISTS
    `callback_completed` UInt64 COMMENT 'Callbacks completed, in the minute of their completion',
    ADD COLUMN IF NOT EXISTS
    `rated` Map(Int64, UInt64) COMMENT 'Ratings by value, in the minute of the rating: rating -> ratings',
    ADD COLUMN IF NOT EXISTS
    `agent_available_ms` UInt64 COMMENT 'Time agents were available, ms within the minute; in a queue: agents who serve it',
    ADD COLUMN IF NOT EXISTS
    `agent_ringing_ms` UInt64 COMMENT 'Time agents\' phones rang, ms within the minute',
    ADD COLUMN IF NOT EXISTS
    `agent_on_call_ms` UInt64 COMMENT 'Time agents talked, ms within the minute',
    ADD COLUMN IF NOT EXISTS
    `agent_hold_ms` UInt64 COMMENT 'Time agents had their caller on hold, ms within the minute',
    ADD COLUMN IF NOT EXISTS
    `agent_after_call_ms` UInt64 COMMENT 'Time of agents\' after-call work, ms within the minute',
    ADD COLUMN IF NOT EXISTS
    `agent_break_ms` UInt64 COMMENT 'Time agents were on a break, ms within the minute',
    ADD COLUMN IF NOT EXISTS
    `agent_ring_no_answer_ms` UInt64 COMMENT 'Time agents were set aside because they did not answer, ms within the minute',
    ADD COLUMN IF NOT EXISTS
    `agent_lost_track` UInt64 COMMENT 'Agents whose source told nothing more of them, in the minute they were given up',
    ADD COLUMN IF NOT EXISTS
    `ring_no_answer` UInt64 COMMENT 'Calls that an agent did not answer, in the minute it was told',
    ADD COLUMN IF NOT EXISTS
    `events` UInt64 COMMENT 'Records read, by event time (set `source` only)',
    ADD COLUMN IF NOT EXISTS
    `heartbeats` UInt64 COMMENT 'Of them, heartbeats (set `source` only)',
    ADD COLUMN IF NOT EXISTS
    `repeats` UInt64 COMMENT 'Of them, records that told nothing new (set `source` only)',
    MODIFY ORDER BY (feed, generation, hotline, dimension_set, minute, queue, category, centre, language, district, department, channel, ticket_type, served, origin, direction, priority, skill, source);

CREATE OR REPLACE VIEW v_cells
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `generation` UInt64 COMMENT 'Which run of a replay: its start, ms since the Unix epoch; 0 for live and simulations',
    `hotline` LowCardinality(String) COMMENT 'The hotline, as producers name it',
    `dimension_set` LowCardinality(String) COMMENT 'What the row is broken down by: hotline (nothing), queue, and the sets that settings name (category_1 is the first level of the category); use one set in a query, sums over sets count twice',
    `centre` LowCardinality(String) COMMENT 'Call centre or site that took the call',
    `queue` LowCardinality(String) COMMENT 'Queue; in the set queue, empty means: calls that never reached one',
    `language` LowCardinality(String) COMMENT 'Language of the conversation',
    `category` LowCardinality(String) COMMENT 'Category path, levels separated by /',
    `district` LowCardinality(String) COMMENT 'District code',
    `department` LowCardinality(String) COMMENT 'Department in charge',
    `channel` LowCardinality(String) COMMENT 'Channel: phone, web chat, ...',
    `minute` DateTime64(3, 'UTC') COMMENT 'Start of the minute, UTC',
    `final` Bool COMMENT 'No event on time can change the row any more; a late fact still may',
    `version` UInt64 COMMENT 'Offset in hotline.partials the row stands at; the highest version holds',
    `offered` UInt64 COMMENT 'Visits queued, by arrival',
    `answered` UInt64 COMMENT 'Visits answered, by arrival',
    `abandoned` UInt64 COMMENT 'Visits whose caller hung up while queued or ringing, by arrival',
    `flowed_out` UInt64 COMMENT 'Visits that left for another queue, by arrival',
    `callback_taken` UInt64 COMMENT 'Visits that asked to be called back, by arrival',
    `lost_track` UInt64 COMMENT 'Visits whose source never told the end of waiting, by arrival',
    `ended_in_menu` UInt64 COMMENT 'Calls that ended before any queue, by arrival',
    `blocked` UInt64 COMMENT 'Calls refused before any queue, by arrival',
    `phantom` UInt64 COMMENT 'Calls flagged as phantom, by arrival',
    `short_abandoned` UInt64 COMMENT 'Abandoned within the short threshold, by arrival',
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
    `talk_ms_sum` UInt64 COMMENT 'Sum of talk time of answered visits, ms, by arrival',
    `talked` UInt64 COMMENT 'Answered visits with talk longer than 0 ms, by arrival',
    `hold_ms_sum` UInt64 COMMENT 'Sum of hold time of answered visits, ms, by arrival',
    `acw_ms_sum` UInt64 COMMENT 'Sum of after-call work of answered visits, ms, by arrival',
    `answered_wait` Map(UInt32, UInt64) COMMENT 'Answered visits by wait bucket (s), by arrival: bucket (upper edge, seconds) -> visits',
    `abandoned_wait` Map(UInt32, UInt64) COMMENT 'Abandoned visits by wait bucket (s), by arrival: bucket (upper edge, seconds) -> visits',
    `lost_track_talking` UInt64 COMMENT 'Answered visits whose source never told the end, by arrival',
    `lost_track_in_menu` UInt64 COMMENT 'Calls that reached no queue and whose end was never told, by arrival',
    `test` UInt64 COMMENT 'Calls flagged as test, by arrival',
    `nuisance` UInt64 COMMENT 'Calls flagged as nuisance, by arrival',
    `abandoned_wait_ms_sum` UInt64 COMMENT 'Sum of the waits of abandoned visits, ms, by arrival',
    `event_answered` Map(UInt32, UInt64) COMMENT 'Answered within threshold X (s), in the minute of the answer (event attribution): threshold (seconds) -> visits',
    `event_abandoned` Map(UInt32, UInt64) COMMENT 'Abandoned within threshold X (s), in the minute of hanging up: threshold (seconds) -> visits',
    `event_left` Map(UInt32, UInt64) COMMENT 'Flowed out or callback taken within threshold X (s), in the minute of leaving: threshold (seconds) -> visits',
    `event_expired` Map(UInt32, UInt64) COMMENT 'Still waiting when threshold X (s) passed, in the minute it passed: threshold (seconds) -> visits',
    `completeness` Nullable(Float64) COMMENT 'sources_heard / sources_expected, fraction; null: no source is expected',
    `ticket_type` LowCardinality(String) COMMENT 'Type of the ticket',
    `served` LowCardinality(String) COMMENT 'Whom or what the call concerned',
    `origin` LowCardinality(String) COMMENT 'Where the call came from',
    `direction` LowCardinality(String) COMMENT 'inbound or outbound',
    `priority` LowCardinality(String) COMMENT 'Priority the source gave it',
    `skill` LowCardinality(String) COMMENT 'Skill asked for',
    `source` LowCardinality(String) COMMENT 'The system that sent the events',
    `sources_expected` UInt64 COMMENT 'Sources that send heartbeats for this hotline and were to be heard in the minute; 0: none is expected',
    `sources_heard` UInt64 COMMENT 'Of them, heard in the minute',
    `short_answered` UInt64 COMMENT 'Answered visits whose talk stayed within the short threshold, by arrival',
    `held` UInt64 COMMENT 'Answered visits with hold longer than 0 ms, by arrival',
    `transferred_out` UInt64 COMMENT 'Answered visits that ended in a transfer, by arrival',
    `transferred_in` UInt64 COMMENT 'Visits that a transfer led to, by arrival',
    `flowed_in` UInt64 COMMENT 'Visits that a flow-out of another queue led to, by arrival',
    `callback_completed` UInt64 COMMENT 'Callbacks completed, in the minute of their completion',
    `rated` Map(Int64, UInt64) COMMENT 'Ratings by value, in the minute of the rating: rating -> ratings',
    `agent_available_ms` UInt64 COMMENT 'Time agents were available, ms within the minute; in a queue: agents who serve it',
    `agent_ringing_ms` UInt64 COMMENT 'Time agents\' phones rang, ms within the minute',
    `agent_on_call_ms` UInt64 COMMENT 'Time agents talked, ms within the minute',
    `agent_hold_ms` UInt64 COMMENT 'Time agents had their caller on hold, ms within the minute',
    `agent_after_call_ms` UInt64 COMMENT 'Time of agents\' after-call work, ms within the minute',
    `agent_break_ms` UInt64 COMMENT 'Time agents were on a break, ms within the minute',
    `agent_ring_no_answer_ms` UInt64 COMMENT 'Time agents were set aside because they did not answer, ms within the minute',
    `agent_lost_track` UInt64 COMMENT 'Agents whose source told nothing more of them, in the minute they were given up',
    `ring_no_answer` UInt64 COMMENT 'Calls that an agent did not answer, in the minute it was told',
    `events` UInt64 COMMENT 'Records read, by event time (set `source` only)',
    `heartbeats` UInt64 COMMENT 'Of them, heartbeats (set `source` only)',
    `repeats` UInt64 COMMENT 'Of them, records that told nothing new (set `source` only)',
    `day` Date COMMENT 'Local day of the minute in the time zone of the hotline'
)
AS
WITH
    (
        SELECT CAST((groupArray(feed), groupArray(ranges)), 'Map(String, Array(Tuple(UInt64, DateTime64(3, \'UTC\'), DateTime64(3, \'UTC\'))))')
        FROM (SELECT feed, groupArray((generation, from_minute, to_minute)) AS ranges FROM shown_generations GROUP BY feed)
    ) AS shown
SELECT
    `feed`,
    `generation`,
    `hotline`,
    `dimension_set`,
    `centre`,
    `queue`,
    `language`,
    `category`,
    `district`,
    `department`,
    `channel`,
    `minute`,
    `final`,
    `version`,
    `offered`,
    `answered`,
    `abandoned`,
    `flowed_out`,
    `callback_taken`,
    `lost_track`,
    `ended_in_menu`,
    `blocked`,
    `phantom`,
    `short_abandoned`,
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
    `talk_ms_sum`,
    `talked`,
    `hold_ms_sum`,
    `acw_ms_sum`,
    `answered_wait`,
    `abandoned_wait`,
    `lost_track_talking`,
    `lost_track_in_menu`,
    `test`,
    `nuisance`,
    `abandoned_wait_ms_sum`,
    `event_answered`,
    `event_abandoned`,
    `event_left`,
    `event_expired`,
    sources_heard / nullIf(sources_expected, 0) AS completeness,
    `ticket_type`,
    `served`,
    `origin`,
    `direction`,
    `priority`,
    `skill`,
    `source`,
    `sources_expected`,
    `sources_heard`,
    `short_answered`,
    `held`,
    `transferred_out`,
    `transferred_in`,
    `flowed_in`,
    `callback_completed`,
    `rated`,
    `agent_available_ms`,
    `agent_ringing_ms`,
    `agent_on_call_ms`,
    `agent_hold_ms`,
    `agent_after_call_ms`,
    `agent_break_ms`,
    `agent_ring_no_answer_ms`,
    `agent_lost_track`,
    `ring_no_answer`,
    `events`,
    `heartbeats`,
    `repeats`,
    `day`
FROM cells FINAL
WHERE generation = 0
    OR generation = arrayMax(range -> if(minute >= range.2 AND minute < range.3, range.1, 0), shown[feed])
COMMENT 'Base cells of one minute, last version of each; of replays the highest generation that can be queried';
