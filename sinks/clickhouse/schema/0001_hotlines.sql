-- What settings say of each hotline, so that views can apply the promised threshold.
-- Each refresh writes every hotline with one version; only the rows of the highest version hold.

CREATE TABLE IF NOT EXISTS hotlines
(
    `feed` LowCardinality(String) COMMENT 'Always empty: settings hold for every feed',
    `hotline` LowCardinality(String) COMMENT 'The hotline; empty: the defaults, which hold for every hotline that settings do not name',
    `time_zone` LowCardinality(String) COMMENT 'IANA time zone; days and hours of this hotline are local to it',
    `thresholds_s` Array(UInt32) COMMENT 'Thresholds of the promise, seconds, inclusive; the first is the one promised',
    `target` Float64 COMMENT 'Promised service level, fraction 0-1',
    `short_abandon_s` UInt32 COMMENT 'An abandoned visit that waited at most this long is a short abandon, seconds',
    `version` UInt64 COMMENT 'When settings were written here, ms since the Unix epoch; the highest is the one that holds'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (feed, hotline, version)
COMMENT 'Settings of each hotline: time zone, thresholds, target';
