"""`/api/v1/call`: one call from its arrival to its end, and the calls its caller made in the day before."""

from collections.abc import Mapping
from typing import Any

from deploy.runtime.settings import Hotline, Settings
from sinks.clickhouse.why import COLUMNS, TIMES, Statement
from sinks.web.limited_board import Readable
from sinks.web.past import Past
from sinks.web.sees import EVERYTHING, Sees, conditions
from sinks.web.summary import BadRequestError, given_of, hotline_of
from streams.contract.keys import murmur2_partition
from streams.contract.topics import CALLS, TOPICS

PARAMETERS = ("feed", "hotline", "call")
BEFORE = 20
LONGEST_ID = 256


def statement(feed: str, hotline: str, call: str, config: Hotline, sees: Sees) -> Statement:
    """The visits of a call and those of its caller that began in the 24 hours before it, the oldest first."""
    where, parameters = conditions(sees, config)
    may = "".join(f" AND {condition}" for condition in where)
    own = f"SELECT * FROM v_visits WHERE feed = {{feed:String}} AND hotline = {{hotline:String}} AND call = {{call:String}}{may}"  # noqa: S608
    began = f"(SELECT min(coalesce(arrived_at, queued_at)) FROM ({own}))"  # noqa: S608
    local = ", ".join(f"toTimeZone({name}, {{zone:String}}) AS {name}" for name in (*TIMES, "wrapped_at"))
    columns = ", ".join(
        (*COLUMNS, "wrapped_at", "hold_ms", "acw_ms", "language", "transferred", "entry", "lost_talking")
    )
    sql = f"""
SELECT * REPLACE ({local}) FROM
(
    SELECT {columns}, call = {{call:String}} AS own, toUInt64(bitShiftRight(version, 48)) AS last_offset
    FROM v_visits
    WHERE feed = {{feed:String}} AND hotline = {{hotline:String}}{may} AND
    (
        call = {{call:String}}
        OR
        (
            caller != '' AND caller IN (SELECT caller FROM ({own}))
            AND counted_at >= {began} - INTERVAL 1 DAY AND counted_at < {began}
        )
    )
    ORDER BY own, coalesce(queued_at, arrived_at) DESC
    LIMIT {{most:UInt32}}
)
ORDER BY own, coalesce(arrived_at, queued_at), queued_at
"""  # noqa: S608
    asked = {"feed": feed, "hotline": hotline, "call": call, "zone": config.time_zone, "most": 100}
    return Statement(sql, parameters | asked)


async def one_call(
    parameters: Mapping[str, str], board: Readable, settings: Settings, past: Past, sees: Sees = EVERYTHING
) -> dict[str, Any] | None:
    """The call; None if nothing is known of it (or none of it may be seen). Raises BadRequestError, AwayError."""
    given = given_of(parameters, PARAMETERS)
    hotline, feed, call = hotline_of(given, board, settings), given.get("feed", board.feed), given.get("call", "")
    if not 0 < len(call) <= LONGEST_ID:
        raise BadRequestError(
            f"call is missing or longer than {LONGEST_ID} characters: name one as /api/v1/calls has it"
        )
    config = settings.hotline(hotline)
    rows = await past.ask(statement(feed, hotline, call, config, sees))
    own = [row for row in rows if row["own"]]
    if not own:
        return None
    partitions = next(topic.partitions for topic in TOPICS if topic.name == CALLS)
    return {
        "feed": feed,
        "hotline": hotline,
        "call": call,
        "time_zone": config.time_zone,
        "data_as_of": board.clock,
        "topic": CALLS,
        "partition": murmur2_partition(call.encode(), partitions),
        "last_offset": max(row["last_offset"] for row in own),
        "visits": [row | {"threshold_s": config.thresholds(row["queue"])[0]} for row in own],
        "earlier": [row for row in rows if not row["own"]][-BEFORE:],
    }
