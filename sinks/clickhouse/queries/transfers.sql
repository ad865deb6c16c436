-- From which queue to which are calls passed on?
-- 来电在哪些队列之间转接？
-- `how` is transfer (an agent passed it on) or flow_out (it left the queue unanswered); per pair of queues.
-- @feed = live : the feed
-- @hotline = : the hotline; empty: all
-- @from = month : first local day
-- @to = today : last local day
SELECT
    hotline,
    queue AS from_queue,
    next.1 AS to_queue,
    if(outcome = 'flowed_out', 'flow_out', 'transfer') AS how,
    count() AS visits,
    countIf(next.2 = 'answered') AS answered_there,
    avg(next.3) / 1000 AS wait_there_s
FROM
(
    SELECT
        hotline,
        queue,
        outcome,
        transferred,
        day,
        leadInFrame((queue, outcome, wait_ms)) OVER (
            PARTITION BY hotline, generation, call ORDER BY queued_at, queue, entry
            ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
        ) AS next
    FROM v_visits
    WHERE feed = {feed:String} AND {hotline:String} IN ('', hotline)
        AND day BETWEEN {from:Date} AND {to:Date} + 1 AND queued_at IS NOT NULL
)
WHERE (transferred OR outcome = 'flowed_out') AND next.1 != '' AND day <= {to:Date}
GROUP BY hotline, from_queue, to_queue, how
ORDER BY visits DESC, hotline, from_queue, to_queue, how
