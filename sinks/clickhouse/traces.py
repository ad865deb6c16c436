"""How each counter of a cell follows from visits, as SQL: the way back from a number to what made it.

The engine counts in `streams/contribution.py`; here the same is said of the columns of `v_visits`, and a test holds the
two against each other. Nothing a person says becomes part of the SQL: values are the parameters `threshold_s`,
`short_s` and `as_of`.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

from streams.contract.events import Flag

VISIT = "queued_at IS NOT NULL AND outcome NOT IN ('phantom', 'test', 'nuisance')"
_ANSWERED = f"{VISIT} AND outcome = 'answered'"
_ABANDONED = f"{VISIT} AND outcome = 'abandoned'"
_IN_TIME = "wait_ms <= {threshold_s:UInt32} * 1000"
_SHORT = "{short_s:UInt32} * 1000"
_EXPIRES = "addSeconds(queued_at, {threshold_s:UInt32})"
_WITHIN = "arraySum(mapValues(mapFilter((edge, number) -> edge <= {{threshold_s:UInt32}}, {})))"

Reach = Literal["arrival", "outcome", "later"]
"""How long after its arrival a visit may still count: not at all, as long as it lasts, or for ever."""


class Trace(NamedTuple):
    """One counter: which visits (`where`), at which instant (`at`), how much each adds; and its sum over cells."""

    where: str
    cells: str
    at: str = "counted_at"
    adds: str = "1"
    reach: Reach = "arrival"


def _of(name: str, where: str, adds: str = "1") -> dict[str, Trace]:
    return {name: Trace(where, name, adds=adds)}


def _left(outcome: str, where: str) -> dict[str, Trace]:
    name = f"{outcome}_by_outcome"
    return {name: Trace(where, name, "left_at", reach="outcome")}


TRACES: dict[str, Trace] = {
    **_of("offered", VISIT),
    **_of("answered", _ANSWERED),
    **_of("abandoned", _ABANDONED),
    **_of("flowed_out", f"{VISIT} AND outcome = 'flowed_out'"),
    **_of("callback_taken", f"{VISIT} AND outcome = 'callback_taken'"),
    **_of("lost_track", f"{VISIT} AND outcome = 'lost_track'"),
    **_of("lost_track_talking", f"{_ANSWERED} AND lost_talking"),
    **_of("lost_track_in_menu", "queued_at IS NULL AND outcome = 'lost_track'"),
    **{
        name: trace for kind in ("ended_in_menu", "blocked") for name, trace in _of(kind, f"outcome = '{kind}'").items()
    },
    **{name: trace for flag in get_args(Flag) for name, trace in _of(flag, f"outcome = '{flag}'").items()},
    **_of("short_abandoned", f"{_ABANDONED} AND wait_ms <= {_SHORT}"),
    **_of("short_answered", f"{_ANSWERED} AND talk_ms <= {_SHORT}"),
    **_of("held", f"{_ANSWERED} AND hold_ms > 0"),
    **_of("transferred_out", f"{_ANSWERED} AND transferred"),
    **_of("waited", f"{_ANSWERED} AND wait_ms > 0"),
    **_of("talked", f"{_ANSWERED} AND talk_ms > 0"),
    **_of("wait_ms_sum", _ANSWERED, "ifNull(wait_ms, 0)"),
    **_of("abandoned_wait_ms_sum", _ABANDONED, "ifNull(wait_ms, 0)"),
    **_of("talk_ms_sum", _ANSWERED, "ifNull(talk_ms, 0)"),
    **_of("hold_ms_sum", _ANSWERED, "ifNull(hold_ms, 0)"),
    **_of("acw_ms_sum", _ANSWERED, "ifNull(acw_ms, 0)"),
    "answered_in_threshold": Trace(f"{_ANSWERED} AND {_IN_TIME}", _WITHIN.format("answered_wait")),
    "abandoned_in_threshold": Trace(f"{_ABANDONED} AND {_IN_TIME}", _WITHIN.format("abandoned_wait")),
    **_left("offered", f"{VISIT} AND outcome != 'open'"),
    **_left("answered", _ANSWERED),
    **_left("abandoned", _ABANDONED),
    **_left("flowed_out", f"{VISIT} AND outcome = 'flowed_out'"),
    **_left("callback_taken", f"{VISIT} AND outcome = 'callback_taken'"),
    **_left("lost_track", f"{VISIT} AND outcome = 'lost_track'"),
    "event_answered": Trace(
        f"{_ANSWERED} AND {_IN_TIME}", "event_answered[{threshold_s:UInt32}]", "left_at", reach="outcome"
    ),
    "event_abandoned": Trace(
        f"{_ABANDONED} AND {_IN_TIME}", "event_abandoned[{threshold_s:UInt32}]", "left_at", reach="outcome"
    ),
    "event_expired": Trace(
        f"{VISIT} AND if(wait_ms IS NULL, {_EXPIRES} < fromUnixTimestamp64Milli({{as_of:Int64}}), NOT {_IN_TIME})",
        "event_expired[{threshold_s:UInt32}]",
        _EXPIRES,
        reach="outcome",
    ),
    "callback_completed": Trace(
        "callback_completed_at IS NOT NULL", "callback_completed", "callback_completed_at", reach="later"
    ),
    "rated": Trace("rating IS NOT NULL", "arraySum(mapValues(rated))", "rated_at", reach="later"),
    "rating_sum": Trace(
        "rating IS NOT NULL",
        "arraySum((value, number) -> value * toInt64(number), mapKeys(rated), mapValues(rated))",
        "rated_at",
        "rating",
        "later",
    ),
    "calls_offered": Trace("first_of_call", "calls_offered"),
    "calls_answered": Trace("first_of_call AND call_answered", "calls_answered"),
    "calls_abandoned": Trace("first_of_call AND NOT call_answered AND last_outcome = 'abandoned'", "calls_abandoned"),
}
OF_CALLS = frozenset({"calls_offered", "calls_answered", "calls_abandoned"})
"""These count calls and stand in the cells of the whole hotline only."""


class Measure(NamedTuple):
    """A number on a screen: counters by their sign; with `under` it is over / under / `scale`."""

    over: Mapping[str, int]
    under: Mapping[str, int] | None = None
    scale: float = 1

    @property
    def counters(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.over, *(self.under or {}))))


_INBOUND = {"offered": 1, "ended_in_menu": 1, "blocked": 1}
_IN = "answered_in_threshold"
_GAVE_UP_IN = "abandoned_in_threshold"
_ANSWERS = {"answered": 1}
_HANDLED = {"talk_ms_sum": 1, "hold_ms_sum": 1, "acw_ms_sum": 1}

MEASURES: dict[str, Measure] = {
    **{name: Measure({name: 1}) for name in TRACES},
    "inbound": Measure(_INBOUND),
    "service_level_offered": Measure({_IN: 1}, {"offered": 1}),
    "service_level_excluding_abandoned_in_threshold": Measure({_IN: 1}, {"offered": 1, _GAVE_UP_IN: -1}),
    "service_level_abandoned_in_threshold_met": Measure({_IN: 1, _GAVE_UP_IN: 1}, {"offered": 1}),
    "service_level_answered": Measure({_IN: 1}, _ANSWERS),
    "service_level_excluding_short": Measure({_IN: 1}, {"offered": 1, "short_abandoned": -1}),
    "service_level_event": Measure(
        {"event_answered": 1}, {"event_answered": 1, "event_abandoned": 1, "event_expired": 1}
    ),
    "answer_rate_inbound": Measure(_ANSWERS, _INBOUND),
    "answer_rate_offered": Measure(_ANSWERS, {"offered": 1}),
    "answer_rate_talked": Measure({"talked": 1}, {"offered": 1}),
    "abandonment_rate": Measure({"abandoned": 1}, {"offered": 1}),
    "abandonment_rate_excluding_short": Measure(
        {"abandoned": 1, "short_abandoned": -1}, {"offered": 1, "short_abandoned": -1}
    ),
    "blocked_rate": Measure({"blocked": 1}, _INBOUND),
    "asa": Measure({"wait_ms_sum": 1}, _ANSWERS, 1000),
    "asa_waited": Measure({"wait_ms_sum": 1}, {"waited": 1}, 1000),
    "att": Measure({"talk_ms_sum": 1}, _ANSWERS, 1000),
    "acw": Measure({"acw_ms_sum": 1}, _ANSWERS, 1000),
    "aht": Measure(_HANDLED, _ANSWERS, 1000),
    "rating_mean": Measure({"rating_sum": 1}, {"rated": 1}),
}

NOW: dict[str, str] = {
    "waiting": f"{VISIT} AND queued_at <= {{at}} AND (left_at IS NULL OR left_at > {{at}})",
    "waiting_over_threshold": f"{VISIT} AND {_EXPIRES} < {{at}} AND (left_at IS NULL OR left_at > {{at}})",
    "in_service": f"{_ANSWERED} AND answered_at <= {{at}} AND (ended_at IS NULL OR ended_at > {{at}}) AND NOT lost_talking",
}
"""What is so at one instant (`{at}`), as `v_gauges` counts it."""
