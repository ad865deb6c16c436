-- What was promised, for people and dashboards: the settings that hold now.

CREATE OR REPLACE VIEW v_promises
(
    `feed` LowCardinality(String) COMMENT 'Always empty: promises hold for every feed',
    `hotline` LowCardinality(String) COMMENT 'The hotline; empty: the defaults, which hold for every hotline that settings do not name',
    `time_zone` LowCardinality(String) COMMENT 'IANA time zone; days and hours of this hotline are local to it',
    `threshold_s` UInt32 COMMENT 'The promised threshold, seconds, inclusive: the first of its thresholds',
    `thresholds_s` Array(UInt32) COMMENT 'All of its thresholds, seconds',
    `target` Float64 COMMENT 'Promised service level, fraction 0-1',
    `short_abandon_s` UInt32 COMMENT 'An abandoned visit that waited at most this long is a short abandon, seconds'
)
AS
SELECT feed, hotline, time_zone, thresholds_s[1] AS threshold_s, thresholds_s, target, short_abandon_s
FROM hotlines FINAL
WHERE version = (SELECT max(version) FROM hotlines)
COMMENT 'The promise of each hotline: threshold, target, time zone';
