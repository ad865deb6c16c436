-- An acknowledgement can be taken back: then nobody had the alert.

CREATE OR REPLACE VIEW v_alert_controls
(
    `feed` LowCardinality(String) COMMENT 'Always empty: what people say about alerts belongs to no feed',
    `kind` LowCardinality(String) COMMENT 'acknowledgement or silence',
    `id` String COMMENT 'Id of the silence; empty for an acknowledgement',
    `fingerprint` String COMMENT 'The alert that was taken on; empty for a silence',
    `matchers` Map(LowCardinality(String), String) COMMENT 'Labels that a silence matches: label -> shell pattern',
    `author` String COMMENT 'Who said it',
    `note` String COMMENT 'What they do about it; of a silence: the reason',
    `at` DateTime64(3, 'UTC') COMMENT 'When it was said, UTC',
    `ends_at` Nullable(DateTime64(3, 'UTC')) COMMENT 'When the silence ends, or the acknowledgement was taken back, UTC; null: it was not',
    `version` UInt64 COMMENT 'Offset in hotline.alert-control; the highest of an id holds'
)
AS
SELECT
    feed,
    kind,
    id,
    fingerprint,
    matchers,
    author,
    note,
    at,
    ends_at,
    version
FROM alert_controls FINAL
COMMENT 'Who took which alert on and when, and what was silenced until when';

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
    INNER JOIN (SELECT fingerprint, at, author FROM v_alert_controls WHERE kind = 'acknowledgement' AND ends_at IS NULL) AS c
        ON c.fingerprint = w.fingerprint
    WHERE c.at > w.fired_at AND (w.resolved_at IS NULL OR c.at <= w.resolved_at)
    GROUP BY w.episode
) AS a ON a.episode = e.episode
LEFT JOIN
(
    SELECT episode, argMax(verdict, version) AS verdict FROM v_alert_feedback WHERE episode != '' GROUP BY episode
) AS f ON f.episode = e.episode
COMMENT 'Each episode that fired: who was told, who took it on and how soon, how long it lasted, what people thought of it';
