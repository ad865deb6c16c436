-- The answer rate over every continuous 24 hours, minute by minute (a gap in the cells is a minute of nothing), and its
-- worst of each day. Windows that begin before the feed's first minute are left out: they are not whole.

CREATE OR REPLACE VIEW v_answer_rate_24h_worst
(
    `feed` LowCardinality(String) COMMENT 'The stream of records this belongs to: live, a replay (replay-<8 hex>) or a simulation; filter on it',
    `hotline` LowCardinality(String) COMMENT 'The hotline, as producers name it',
    `day` Date COMMENT 'Local day the windows end on, in the time zone of the hotline',
    `answer_rate_24h_worst` Float64 COMMENT 'Least answer_rate_inbound (answered / (offered + ended_in_menu + blocked)) of all continuous 24 h windows that end on the day, fraction; of more days take the minimum',
    `begin` DateTime64(3, 'UTC') COMMENT 'First minute of the window it was reached in (the earliest of several), UTC',
    `end` DateTime64(3, 'UTC') COMMENT 'Minute after its last, UTC',
    `answered` UInt64 COMMENT 'Visits answered in that window, by arrival',
    `inbound` UInt64 COMMENT 'Calls that reached the system in it: offered + ended_in_menu + blocked'
)
AS
WITH
    (
        SELECT CAST((groupArray(hotline), groupArray(utc_offsets)), 'Map(String, Array(Tuple(Int64, Int32)))')
        FROM hotlines
        WHERE version = (SELECT max(version) FROM hotlines)
    ) AS zones
SELECT
    feed,
    hotline,
    day,
    min(rate) AS answer_rate_24h_worst,
    fromUnixTimestamp64Milli((argMin(number, (rate, number)) - 1439) * 60000, 'UTC') AS begin,
    fromUnixTimestamp64Milli((argMin(number, (rate, number)) + 1) * 60000, 'UTC') AS `end`,
    argMin(answered, (rate, number)) AS answered,
    argMin(inbound, (rate, number)) AS inbound
FROM
(
    SELECT
        feed,
        hotline,
        number,
        answered,
        inbound,
        answered / inbound AS rate,
        if(mapContains(zones, hotline), zones[hotline], zones['']) AS offsets,
        toDate32(intDiv(number * 60 + arrayLast(known -> known.1 <= number * 60000, offsets).2, 86400)) AS local_day,
        toDate(local_day) AS day
    FROM
    (
        SELECT
            feed,
            hotline,
            number,
            number - min(number) OVER (PARTITION BY feed, hotline) AS age,
            sum(answered_then) OVER (PARTITION BY feed, hotline ORDER BY number ROWS BETWEEN 1439 PRECEDING AND CURRENT ROW) AS answered,
            sum(inbound_then) OVER (PARTITION BY feed, hotline ORDER BY number ROWS BETWEEN 1439 PRECEDING AND CURRENT ROW) AS inbound
        FROM
        (
            SELECT feed, hotline, number, sum(answered_) AS answered_then, sum(inbound_) AS inbound_then
            FROM
            (
                SELECT
                    feed,
                    hotline,
                    intDiv(toUnixTimestamp64Milli(minute), 60000) AS number,
                    answered AS answered_,
                    offered + ended_in_menu + blocked AS inbound_
                FROM v_cells
                WHERE dimension_set = 'hotline'
                UNION ALL
                SELECT feed, hotline, arrayJoin(range(first, last)) AS number, 0 AS answered_, 0 AS inbound_
                FROM
                (
                    SELECT
                        feed,
                        hotline,
                        intDiv(toUnixTimestamp64Milli(min(minute)), 60000) AS first,
                        intDiv(toUnixTimestamp64Milli(max(minute)), 60000) AS last
                    FROM v_cells
                    WHERE dimension_set = 'hotline'
                    GROUP BY feed, hotline
                )
            )
            GROUP BY feed, hotline, number
        )
    )
    WHERE age >= 1439 AND inbound > 0
)
GROUP BY feed, hotline, day
COMMENT 'The worst answer rate over continuous 24 hours, per hotline and local day, with its time';
