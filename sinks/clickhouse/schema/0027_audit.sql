-- What people did at the wallboard.

CREATE TABLE IF NOT EXISTS audit_events
(
    `feed` LowCardinality(String) COMMENT 'Always empty: what people do belongs to no feed',
    `id` String COMMENT 'Id of the deed',
    `at` DateTime64(3, 'UTC') COMMENT 'When, UTC',
    `action` LowCardinality(String) COMMENT 'login, login_failed, logout, calls (looked at), export (a table taken away), acknowledge, silence or refused',
    `name` String COMMENT 'Who; empty: no logins are configured',
    `role` LowCardinality(String) COMMENT 'viewer, supervisor, analyst or admin; empty: not known',
    `address` String COMMENT 'Whence: the address asked from, or what a trusted proxy says it is',
    `what` String COMMENT 'What it was about: the address with its parameters, or the alert',
    `version` UInt64 COMMENT 'Offset in hotline.audit; the highest of an id holds'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(at)
ORDER BY (feed, at, id)
COMMENT 'Deeds of people at the wallboard; read v_audit';

CREATE OR REPLACE VIEW v_audit
(
    `feed` LowCardinality(String) COMMENT 'Always empty: what people do belongs to no feed',
    `id` String COMMENT 'Id of the deed',
    `at` DateTime64(3, 'UTC') COMMENT 'When, UTC',
    `action` LowCardinality(String) COMMENT 'login, login_failed, logout, calls (looked at), export (a table taken away), acknowledge, silence or refused',
    `name` String COMMENT 'Who; empty: no logins are configured',
    `role` LowCardinality(String) COMMENT 'viewer, supervisor, analyst or admin; empty: not known',
    `address` String COMMENT 'Whence: the address asked from, or what a trusted proxy says it is',
    `what` String COMMENT 'What it was about: the address with its parameters, or the alert',
    `version` UInt64 COMMENT 'Offset in hotline.audit; the highest of an id holds'
)
AS
SELECT
    feed,
    id,
    at,
    action,
    name,
    role,
    address,
    what,
    version
FROM audit_events FINAL
COMMENT 'Who logged in, looked at calls, took tables away and acted on alerts, and from where';
