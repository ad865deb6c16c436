"""Why a number is what it is: the number as cells have it, and the very visits that made it. Builds SQL, asks nothing.

A key is a hotline, a queue of it, or values of dimensions that a set of cells is kept for. `adds` of a visit is its part
of the number (of a ratio: of what stands above the line), `of` its part of what stands below.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from deploy.runtime.settings import Settings
from sinks.clickhouse.traces import MEASURES, NOW, OF_CALLS, TRACES, Measure, Trace
from streams.contract import DIMENSIONS

DAY_MS = 86_400_000
LONGEST_S = 120
"""Longest threshold that is known to the second: longer waits are kept in steps of 5 %."""

TIMES = ("arrived_at", "queued_at", "answered_at", "ended_at")
COLUMNS = (
    "visit", "call", "queue", *TIMES, "outcome", "wait_ms", "talk_ms", "caller", "agent", "category", "district",
    "department", "rating", "source",
)  # fmt: skip
_LAST_OFFSET = "toUInt64(bitShiftRight(version, 48)) AS last_offset"


class WhyError(ValueError):
    """What was asked for cannot be traced to visits; the text says why, and what can."""


class Asked(NamedTuple):
    """Which number: a metric of a key in [start, end), ms (of what is so now: at `end`). `as_of`: how far the data is."""

    metric: str
    feed: str
    hotline: str
    dimensions: Mapping[str, str]
    start: int
    end: int
    threshold_s: int
    short_s: int
    as_of: int
    may: tuple[tuple[str, ...], Mapping[str, Any]] = ((), {})
    """Conditions on `v_visits` that whoever asks is held to, and their parameters."""


class Statement(NamedTuple):
    """SQL and its parameters: whatever was asked for travels as a parameter."""

    sql: str
    parameters: dict[str, Any]


def dimension_set(dimensions: Mapping[str, str], settings: Settings) -> str | None:
    """The set whose cells are broken down by these dimensions, a path or division code at its own depth."""
    if not dimensions:
        return "hotline"
    wanted = {f"{name}/{_depth(name, value)}" if _levels(name) else name for name, value in dimensions.items()}
    plain = set(dimensions)
    for exact in (wanted, plain):
        for name, parts in settings.cells.dimension_sets.items():
            if set(parts) == exact:
                return name
    return None


def _levels(dimension: str) -> bool:
    return dimension in {"category", "district"}


def _depth(dimension: str, value: str) -> int:
    if dimension == "category":
        return value.count("/") + 1
    return 1 if value.endswith("0000") else 2 if value.endswith("00") else 3


def require(asked: Asked) -> None:
    """Raise WhyError for what does not follow from visits."""
    if asked.metric not in MEASURES and asked.metric not in NOW:
        raise WhyError(f"{asked.metric} does not follow from visits; these do: {', '.join(sorted({*MEASURES, *NOW}))}")
    unknown = sorted(asked.dimensions.keys() - set(DIMENSIONS))
    if unknown:
        raise WhyError(f"{unknown[0]} is no dimension: there are {', '.join(DIMENSIONS)}")
    if asked.metric in MEASURES and asked.dimensions and OF_CALLS.intersection(MEASURES[asked.metric].counters):
        raise WhyError(f"{asked.metric} counts calls, of the whole hotline only: ask for it without a queue")
    if not 0 <= asked.threshold_s <= LONGEST_S:
        raise WhyError(f"threshold {asked.threshold_s} s: write 0 to {LONGEST_S}")


def _parameters(asked: Asked) -> dict[str, Any]:
    return {
        "feed": asked.feed,
        "hotline": asked.hotline,
        "start": asked.start,
        "end": asked.end,
        "threshold_s": asked.threshold_s,
        "short_s": asked.short_s,
        "as_of": asked.as_of,
        **{f"of_{name}": value for name, value in asked.dimensions.items()},
        **asked.may[1],
    }


def _instant(name: str) -> str:
    return f"fromUnixTimestamp64Milli({{{name}:Int64}}, 'UTC')"


def _in_span(column: str) -> str:
    return f"{column} >= {_instant('start')} AND {column} < {_instant('end')}"


def number(asked: Asked, settings: Settings) -> Statement | None:
    """`over` and `under` as cells have them (of what is so now: `over` and `at_ms`, the instant it was so); None: no
    cells are kept for these dimensions. Raises WhyError.
    """
    require(asked)
    kept = dimension_set(asked.dimensions, settings)
    if kept is None:
        return None
    where = ["feed = {feed:String}", "hotline = {hotline:String}", "dimension_set = {kept:String}"]
    where += [f"{name} = {{of_{name}:String}}" for name in asked.dimensions]
    parameters = _parameters(asked) | {"kept": kept}
    if asked.metric in NOW:
        if kept not in {"hotline", "queue"}:
            return None
        columns = f"toInt64({asked.metric}) AS over, toUnixTimestamp64Milli(at) AS at_ms, threshold_s AS x"
        span = f"at <= {_instant('end')} ORDER BY at DESC LIMIT 1"
        return Statement(f"SELECT {columns} FROM v_gauges WHERE {' AND '.join(where)} AND {span}", parameters)  # noqa: S608
    measure = MEASURES[asked.metric]
    columns = ", ".join(f"{_sum(counters)} AS {name}" for name, counters in _sides(measure).items())
    where.append(_in_span("minute"))
    return Statement(f"SELECT {columns} FROM v_cells WHERE {' AND '.join(where)}", parameters)  # noqa: S608


def _sides(measure: Measure) -> dict[str, Mapping[str, int]]:
    return {"over": measure.over} | ({"under": measure.under} if measure.under is not None else {})


def _sum(counters: Mapping[str, int]) -> str:
    return " + ".join(f"{sign} * toInt64(sum({TRACES[name].cells}))" for name, sign in counters.items())


def visits(asked: Asked, *, zone: str, limit: int | None = None, offset: int = 0) -> Statement:
    """The visits that make the number, in order of time (of who waits: the longest first), with times of a time zone.

    Raises WhyError.
    """
    adds, of, counted, order, parameters = _parts(asked)
    told = [*COLUMNS, _LAST_OFFSET, f"{adds} AS adds", *([f"{of} AS of"] if of else [])]
    page = " LIMIT {limit:UInt64} OFFSET {offset:UInt64}" if limit is not None else ""
    found = f"SELECT {', '.join(told)} FROM ({_source(asked)}) WHERE {counted} ORDER BY {order}, visit{page}"  # noqa: S608
    local = ", ".join(f"toTimeZone({name}, {{zone:String}}) AS {name}" for name in TIMES)
    parameters |= {"zone": zone} | ({"limit": limit, "offset": offset} if limit is not None else {})
    return Statement(f"SELECT * REPLACE ({local}) FROM ({found})", parameters)  # noqa: S608


def sums(asked: Asked) -> Statement:
    """`visits`, and the sums of `adds` and `of` over all of them. Raises WhyError."""
    adds, of, counted, _, parameters = _parts(asked)
    columns = [
        "count() AS visits",
        f"toInt64(sum({adds})) AS over",
        *([f"toInt64(sum({of})) AS under"] if of else []),
    ]
    return Statement(f"SELECT {', '.join(columns)} FROM ({_source(asked)}) WHERE {counted}", parameters)  # noqa: S608


def _parts(asked: Asked) -> tuple[str, str | None, str, str, dict[str, Any]]:
    """(adds, of, which visits, order, parameters)."""
    require(asked)
    if asked.metric in NOW:
        return (
            "toInt64(1)",
            None,
            f"({NOW[asked.metric].replace('{at}', _instant('end'))})",
            "queued_at",
            _parameters(asked),
        )
    measure = MEASURES[asked.metric]
    sides = [" + ".join(f"{sign} * {_part(name)}" for name, sign in side.items()) for side in _sides(measure).values()]
    counted = " OR ".join(f"({_counts(TRACES[name])})" for name in measure.counters)
    return sides[0], sides[1] if len(sides) > 1 else None, f"({counted})", "counted_at", _parameters(asked)


def _counts(trace: Trace) -> str:
    return f"{trace.where} AND {_in_span(trace.at)}"


def _part(name: str) -> str:
    trace = TRACES[name]
    return f"if(ifNull({_counts(trace)}, false), toInt64({trace.adds}), 0)"


def _source(asked: Asked) -> str:
    """The visits of the key that may count, with when waiting ended and, if calls are counted, what their calls became."""
    where = [
        "feed = {feed:String}",
        "hotline = {hotline:String}",
        *(_of(name) for name in asked.dimensions),
        *asked.may[0],
    ]
    arrival = f"counted_at < {_instant('end')} + INTERVAL 1 MINUTE"
    counters = MEASURES[asked.metric].counters if asked.metric in MEASURES else ()
    reaches = {TRACES[name].reach for name in counters} or {"outcome"}
    if "later" not in reaches:
        slack = DAY_MS if "outcome" in reaches else 0
        arrival += f" AND counted_at >= fromUnixTimestamp64Milli({{start:Int64}} - {slack}, 'UTC')"
        # whole local days: partitions are by day, and no zone is farther from UTC than this
        arrival += f" AND day >= toDate(fromUnixTimestamp64Milli({{start:Int64}} - {slack + DAY_MS}, 'UTC'))"
        arrival += f" AND day <= toDate({_instant('end')} + INTERVAL 1 DAY)"
    columns = "*, coalesce(answered_at, ended_at) AS left_at"
    if OF_CALLS.isdisjoint(counters):
        return f"SELECT {columns} FROM v_visits WHERE {' AND '.join((*where, arrival))}"  # noqa: S608
    of_call = "OVER (PARTITION BY generation, call ORDER BY queued_at, queue, entry ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)"
    whole = f"""
        visit = first_value(visit) {of_call} AND outcome NOT IN ('phantom', 'test', 'nuisance') AS first_of_call,
        max(outcome = 'answered') {of_call} AS call_answered,
        last_value(outcome) {of_call} AS last_outcome"""
    calls = f"SELECT call FROM v_visits WHERE {' AND '.join((*where, arrival))}"  # noqa: S608
    return f"SELECT {columns}, {whole} FROM v_visits WHERE {' AND '.join(where)} AND queued_at IS NOT NULL AND call IN ({calls})"  # noqa: S608


def _of(dimension: str) -> str:
    """The condition on one dimension; a path stands for all below it, a division code for its parts."""
    value = f"{{of_{dimension}:String}}"
    if dimension == "category":
        return f"(category_counted = {value} OR startsWith(category_counted, concat({value}, '/')))"
    if dimension == "district":
        within = f"startsWith(district, replaceRegexpOne({value}, '^([0-9]{{2}}|[0-9]{{4}})(00)+$', '\\\\1'))"
        return f"(district = {value} OR (match({value}, '^[0-9]{{6}}$') AND match(district, '^[0-9]{{6,12}}$') AND {within}))"
    return f"{dimension} = {value}"
