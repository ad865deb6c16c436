-- What people have said about alerts: who took one on and when, and what was silenced.

CREATE TABLE IF NOT EXISTS alert_controls
(
    `feed` LowCardinality(String) COMMENT 'Always empty: what people say about alerts belongs to no feed',
    `kind` LowCardinality(String) COMMENT 'acknowledgement or silence',
    `id` String COMMENT 'Id of the silence; empty for an acknowledgement',
    `fingerprint` String COMMENT 'The alert that was taken on; empty for a silence',
    `matchers` Map(LowCardinality(String), String) COMMENT 'Labels that a silence matches: label -> shell pattern',
    `author` String COMMENT 'Who said it',
    `note` String COMMENT 'What they do about it; of a silence: the reason',
    `at` DateTime64(3, 'UTC') COMMENT 'When it was said, UTC',
    `ends_at` Nullable(DateTime64(3, 'UTC')) COMMENT 'When the silence ends, UTC; null for an acknowledgement',
    `version` UInt64 COMMENT 'Offset in hotline.alert-control; the highest of an id holds'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(at)
ORDER BY (feed, kind, id, fingerprint, at)
COMMENT 'Acknowledgements and silences of alerts; read v_alert_controls';

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
    `ends_at` Nullable(DateTime64(3, 'UTC')) COMMENT 'When the silence ends, UTC; null for an acknowledgement',
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
