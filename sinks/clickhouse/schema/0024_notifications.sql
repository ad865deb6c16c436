-- Who was told of which alert, when, why and with what result; what people thought of it; and each episode as a whole.

CREATE TABLE IF NOT EXISTS notifications
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `hotline` LowCardinality(String) COMMENT 'The hotline of the first alert in the message',
    `id` String COMMENT 'The message: the same for all its tries',
    `attempt` UInt32 COMMENT 'Which try it was, 1 is the first',
    `receiver` LowCardinality(String) COMMENT 'The person or desk; of a machine its target',
    `channel` LowCardinality(String) COMMENT 'Kind of channel: slack, pagerduty, webhook, ...',
    `target` LowCardinality(String) COMMENT 'The channel by the name it has in logs',
    `why` LowCardinality(String) COMMENT 'first, escalated, louder, overdue (it still fires although it was due to be over), repeated or resolved',
    `step` UInt32 COMMENT 'Place in the escalation chain, 1 is the first',
    `outcome` LowCardinality(String) COMMENT 'delivered: the service accepted it; retry, failed: it did not; given_up: nobody took it for a day; overtaken: over before the first try',
    `reason` LowCardinality(String) COMMENT 'Why it was not accepted; empty when it was',
    `at` DateTime64(3, 'UTC') COMMENT 'When that was known, UTC',
    `episodes` Array(String) COMMENT 'The episodes that the message tells of',
    `fingerprints` Array(String) COMMENT 'Their alerts',
    `rules` Array(LowCardinality(String)) COMMENT 'Their rules',
    `severities` Array(LowCardinality(String)) COMMENT 'How severe each was as it was told',
    `states` Array(LowCardinality(String)) COMMENT 'firing or resolved, each as it was told',
    `version` UInt64 COMMENT 'Offset in hotline.notifications'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(at)
ORDER BY (feed, hotline, receiver, id, attempt, at, outcome)
COMMENT 'Each try to tell somebody of alerts; read v_notifications';

CREATE OR REPLACE VIEW v_notifications
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `hotline` LowCardinality(String) COMMENT 'The hotline of the first alert in the message',
    `id` String COMMENT 'The message: the same for all its tries',
    `attempt` UInt32 COMMENT 'Which try it was, 1 is the first',
    `receiver` LowCardinality(String) COMMENT 'The person or desk; of a machine its target',
    `channel` LowCardinality(String) COMMENT 'Kind of channel: slack, pagerduty, webhook, ...',
    `target` LowCardinality(String) COMMENT 'The channel by the name it has in logs',
    `why` LowCardinality(String) COMMENT 'first, escalated, louder, overdue (it still fires although it was due to be over), repeated or resolved',
    `step` UInt32 COMMENT 'Place in the escalation chain, 1 is the first',
    `outcome` LowCardinality(String) COMMENT 'delivered: the service accepted it; retry, failed: it did not; given_up: nobody took it for a day; overtaken: over before the first try',
    `reason` LowCardinality(String) COMMENT 'Why it was not accepted; empty when it was',
    `at` DateTime64(3, 'UTC') COMMENT 'When that was known, UTC',
    `episodes` Array(String) COMMENT 'The episodes that the message tells of',
    `fingerprints` Array(String) COMMENT 'Their alerts',
    `rules` Array(LowCardinality(String)) COMMENT 'Their rules',
    `severities` Array(LowCardinality(String)) COMMENT 'How severe each was as it was told',
    `states` Array(LowCardinality(String)) COMMENT 'firing or resolved, each as it was told',
    `version` UInt64 COMMENT 'Offset in hotline.notifications'
)
AS
SELECT
    feed,
    hotline,
    id,
    attempt,
    receiver,
    channel,
    target,
    why,
    step,
    outcome,
    reason,
    at,
    episodes,
    fingerprints,
    rules,
    severities,
    states,
    version
FROM notifications FINAL
COMMENT 'Each try to tell somebody of alerts, and what came of it; two rows `delivered` of one id are a repetition';

CREATE TABLE IF NOT EXISTS alert_feedback
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `hotline` LowCardinality(String) COMMENT 'The hotline of the alert',
    `fingerprint` String COMMENT 'The alert; empty: one that was missed altogether',
    `episode` String COMMENT 'The episode; empty: one that was missed altogether',
    `rule` LowCardinality(String) COMMENT 'Name of the rule',
    `queue` LowCardinality(String) COMMENT 'Queue; empty: the whole hotline',
    `verdict` LowCardinality(String) COMMENT 'useful, noise, or missed: it came too late or not at all',
    `author` String COMMENT 'Who said it',
    `note` String COMMENT 'What else they said',
    `at` DateTime64(3, 'UTC') COMMENT 'When it was said, UTC',
    `version` UInt64 COMMENT 'Offset in hotline.alert-control; the last word of an author on an episode counts'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(at)
ORDER BY (feed, hotline, fingerprint, episode, author, at)
COMMENT 'What people thought of alerts; read v_alert_feedback';

CREATE OR REPLACE VIEW v_alert_feedback
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `hotline` LowCardinality(String) COMMENT 'The hotline of the alert',
    `fingerprint` String COMMENT 'The alert; empty: one that was missed altogether',
    `episode` String COMMENT 'The episode; empty: one that was missed altogether',
    `rule` LowCardinality(String) COMMENT 'Name of the rule',
    `queue` LowCardinality(String) COMMENT 'Queue; empty: the whole hotline',
    `verdict` LowCardinality(String) COMMENT 'useful, noise, or missed: it came too late or not at all',
    `author` String COMMENT 'Who said it',
    `note` String COMMENT 'What else they said',
    `at` DateTime64(3, 'UTC') COMMENT 'When it was said, UTC',
    `version` UInt64 COMMENT 'Offset in hotline.alert-control; the last word of an author on an episode counts'
)
AS
SELECT
    feed,
    hotline,
    fingerprint,
    episode,
    rule,
    queue,
    verdict,
    author,
    note,
    at,
    version
FROM alert_feedback FINAL
ORDER BY version DESC
LIMIT 1 BY feed, hotline, fingerprint, episode, author, if(episode = '', toString(version), '')
COMMENT 'The last word of each person on each episode; of a miss without an alert every word';

CREATE OR REPLACE VIEW v_alert_history
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `hotline` LowCardinality(String) COMMENT 'The hotline',
    `fingerprint` String COMMENT 'Which rule on which labels',
    `episode` String COMMENT 'Tells one firing of a fingerprint from the next',
    `rule` LowCardinality(String) COMMENT 'Name of the rule',
    `severity` LowCardinality(String) COMMENT 'The highest it reached: info, warning or critical',
    `queue` LowCardinality(String) COMMENT 'Queue; empty: the whole hotline',
    `category` LowCardinality(String) COMMENT 'Category; empty: not broken down by category',
    `labels` Map(LowCardinality(String), String) COMMENT 'Labels of the alert',
    `started_at` DateTime64(3, 'UTC') COMMENT 'When it began by the clock of the data, UTC',
    `fired_at` DateTime64(3, 'UTC') COMMENT 'When it fired, by wall clock, UTC',
    `resolved_at` Nullable(DateTime64(3, 'UTC')) COMMENT 'When its end was decided, UTC; null: it fires',
    `end_reason` LowCardinality(String) COMMENT 'Why it ended; empty: it fires',
    `notified_at` Nullable(DateTime64(3, 'UTC')) COMMENT 'When the first person or machine had accepted it, UTC; null: nobody has',
    `notified` Array(String) COMMENT 'Who has accepted it as firing, in order of time',
    `acknowledged_at` Nullable(DateTime64(3, 'UTC')) COMMENT 'When somebody first took it on, UTC; null: nobody did',
    `acknowledged_by` String COMMENT 'Who; empty: nobody',
    `time_to_notify_s` Nullable(Float64) COMMENT 'From firing to the first acceptance, seconds',
    `time_to_acknowledge_s` Nullable(Float64) COMMENT 'From firing to the first acknowledgement, seconds',
    `duration_s` Nullable(Float64) COMMENT 'From firing to its end, seconds; null: it fires',
    `verdict` LowCardinality(String) COMMENT 'What people thought of it: useful, noise, missed; empty: nobody said',
    `value` Float64 COMMENT 'What was observed last',
    `expected` Nullable(Float64) COMMENT 'What the model expected of it',
    `target` Nullable(Float64) COMMENT 'The promise it is held against, fraction',
    `summary` Map(String, String) COMMENT 'One sentence per language'
)
AS
SELECT
    e.feed AS feed,
    e.hotline AS hotline,
    e.fingerprint AS fingerprint,
    e.episode AS episode,
    e.rule AS rule,
    e.severity AS severity,
    e.queue AS queue,
    e.category AS category,
    e.labels AS labels,
    e.started_at AS started_at,
    e.fired_at AS fired_at,
    e.resolved_at AS resolved_at,
    e.end_reason AS end_reason,
    n.first_at AS notified_at,
    n.receivers AS notified,
    a.first_at AS acknowledged_at,
    ifNull(a.author, '') AS acknowledged_by,
    dateDiff('millisecond', e.fired_at, n.first_at) / 1000 AS time_to_notify_s,
    dateDiff('millisecond', e.fired_at, a.first_at) / 1000 AS time_to_acknowledge_s,
    dateDiff('millisecond', e.fired_at, e.resolved_at) / 1000 AS duration_s,
    f.verdict AS verdict,
    e.value AS value,
    e.expected AS expected,
    e.target AS target,
    e.summary AS summary
FROM
(
    SELECT
        v.feed AS feed,
        v.hotline AS hotline,
        v.fingerprint AS fingerprint,
        v.episode AS episode,
        any(v.rule) AS rule,
        argMax(v.severity, indexOf(['info', 'warning', 'critical'], v.severity)) AS severity,
        any(v.queue) AS queue,
        any(v.category) AS category,
        argMax(v.labels, (v.at, v.version)) AS labels,
        min(v.started_at) AS started_at,
        minIf(v.at, v.state = 'firing') AS fired_at,
        maxOrNullIf(v.at, v.state = 'resolved') AS resolved_at,
        argMaxIf(v.reason, v.at, v.state = 'resolved') AS end_reason,
        argMax(v.value, (v.at, v.version)) AS value,
        argMax(v.expected, (v.at, v.version)) AS expected,
        argMax(v.target, (v.at, v.version)) AS target,
        argMax(v.summary, (v.at, v.version)) AS summary
    FROM v_alerts AS v
    GROUP BY v.feed, v.hotline, v.fingerprint, v.episode
    HAVING countIf(v.state = 'firing') > 0
) AS e
LEFT JOIN
(
    SELECT episode, toNullable(min(at)) AS first_at, arrayDistinct(arrayMap(x -> x.2, arraySort(groupArray((at, receiver))))) AS receivers
    FROM v_notifications
    ARRAY JOIN episodes AS episode, states AS state
    WHERE outcome = 'delivered' AND state = 'firing'
    GROUP BY episode
) AS n ON n.episode = e.episode
LEFT JOIN
(
    SELECT w.episode AS episode, toNullable(min(c.at)) AS first_at, toNullable(argMin(c.author, c.at)) AS author
    FROM
    (
        SELECT episode, any(fingerprint) AS fingerprint, minIf(at, state = 'firing') AS fired_at,
            maxOrNullIf(at, state = 'resolved') AS resolved_at
        FROM v_alerts
        GROUP BY episode
        HAVING countIf(state = 'firing') > 0
    ) AS w
    INNER JOIN (SELECT fingerprint, at, author FROM v_alert_controls WHERE kind = 'acknowledgement') AS c
        ON c.fingerprint = w.fingerprint
    WHERE c.at > w.fired_at AND (w.resolved_at IS NULL OR c.at <= w.resolved_at)
    GROUP BY w.episode
) AS a ON a.episode = e.episode
LEFT JOIN
(
    SELECT episode, argMax(verdict, version) AS verdict FROM v_alert_feedback WHERE episode != '' GROUP BY episode
) AS f ON f.episode = e.episode
COMMENT 'Each episode that fired: who was told, who took it on and how soon, how long it lasted, what people thought of it';

CREATE OR REPLACE VIEW v_rule_precision
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `hotline` LowCardinality(String) COMMENT 'The hotline',
    `rule` LowCardinality(String) COMMENT 'Name of the rule',
    `fired` UInt64 COMMENT 'Episodes that fired',
    `judged` UInt64 COMMENT 'Of them those that somebody called useful or noise',
    `useful` UInt64 COMMENT 'Of them useful',
    `noise` UInt64 COMMENT 'Of them noise',
    `missed` UInt64 COMMENT 'Words `missed`: it came too late or not at all',
    `precision` Nullable(Float64) COMMENT 'useful / judged, fraction; null: nobody has judged one',
    `recall` Nullable(Float64) COMMENT 'useful / (useful + missed), fraction; null: neither was said',
    `acknowledged` UInt64 COMMENT 'Episodes that somebody took on',
    `time_to_acknowledge_median_s` Nullable(Float64) COMMENT 'Median over them, seconds'
)
AS
SELECT
    feed,
    hotline,
    rule,
    sum(one) AS fired,
    sum(is_useful + is_noise) AS judged,
    sum(is_useful) AS useful,
    sum(is_noise) AS noise,
    sum(is_missed) AS missed,
    if(judged = 0, NULL, useful / judged) AS precision,
    if(useful + missed = 0, NULL, useful / (useful + missed)) AS recall,
    sum(taken) AS acknowledged,
    quantileExactOrNullIf(0.5)(took_s, took_s IS NOT NULL) AS time_to_acknowledge_median_s
FROM
(
    SELECT feed, hotline, rule, 1 AS one, verdict = 'useful' AS is_useful, verdict = 'noise' AS is_noise,
        verdict = 'missed' AS is_missed, acknowledged_at IS NOT NULL AS taken, time_to_acknowledge_s AS took_s
    FROM v_alert_history
    UNION ALL
    SELECT feed, hotline, rule, 0, 0, 0, 1, 0, NULL FROM v_alert_feedback WHERE episode = '' AND verdict = 'missed'
)
GROUP BY feed, hotline, rule
COMMENT 'How far each rule can be trusted, by what people said of its alerts';
