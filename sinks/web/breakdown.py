"""`/api/v1/breakdown`: one rolling window by category, district or department. Pure.

Rows are what the engine keeps apart; a level of a path is a set of its own, so rows of one level add up to the hotline's
visits that have one. Rates per 10,000 residents where the site's map says how many live there; below `FEW` calls a rate
is chance and is marked as such.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from deploy.runtime.settings import Settings
from sinks.web.districts import Outlines
from sinks.web.kinds import SETS, KindKey, KindSet, dimension_of
from sinks.web.limited_board import Readable
from sinks.web.rolling import WINDOWS, bounds
from sinks.web.summary import BadRequestError, given_of, hotline_of
from streams.contract.cells import MINUTE_MS, OTHER
from streams.contract.metrics import Window, rates, ratio, within_threshold

PARAMETERS = ("hotline", "by", "within", "window")
FEW = 5
PER = 10_000
SPARK_MS, SPARK_CELLS = 5 * MINUTE_MS, 24


class Asked(NamedTuple):
    """Which rows: values of a set (below `within`, if it names a category), in a rolling window."""

    hotline: str
    by: KindSet
    within: str
    window: Window


def read(parameters: Mapping[str, str], board: Readable, settings: Settings) -> Asked:
    """Read the query string. Raises BadRequestError."""
    given = given_of(parameters, PARAMETERS)
    by = next((name for name in SETS if name == given.get("by", "category_1")), None)
    if by is None:
        raise BadRequestError(f"by={given['by']!r}: there are {', '.join(SETS)}")
    window = next((name for name in WINDOWS if name == given.get("window", "60m")), None)
    if window is None:
        raise BadRequestError(f"window={given['window']!r}: there are {', '.join(WINDOWS)}")
    return Asked(hotline_of(given, board, settings), by, given.get("within", ""), window)


def breakdown(asked: Asked, board: Readable, settings: Settings, outlines: Outlines | None) -> dict[str, Any]:
    """The rows, the most calls first; districts of the map that nobody called from are rows of zeros."""
    config = settings.hotline(asked.hotline)
    clock = board.clock or 0
    span = bounds(clock, config.zone)[asked.window]
    today = bounds(clock, config.zone)["today"]
    end = clock - clock % SPARK_MS + SPARK_MS
    edges = [(end - n * SPARK_MS, end - (n - 1) * SPARK_MS) for n in range(SPARK_CELLS, 0, -1)]
    dimension = dimension_of(asked.by)
    mapped = {d.code: d for d in outlines.districts} if outlines and dimension == "district" else {}
    values = dict.fromkeys(board.kinds.values(asked.hotline, asked.by))
    values |= dict.fromkeys(code for code in mapped if asked.by == "district_3")
    alarmed: set[str] = set()
    if dimension == "category":
        alarmed = {alert.category for alert in board.firing(asked.hotline)}
        alarmed |= {signal.category for signal in board.active(asked.hotline)}
    rows: list[dict[str, Any]] = []
    for value in values:
        if not board.admits_kind(asked.hotline, asked.by, value):
            continue
        if asked.within and not value.startswith(asked.within + "/"):
            continue
        key = KindKey(asked.hotline, asked.by, value)
        counts = board.kinds.rolling(key, asked.window, span)
        district = mapped.get(value)
        offered = counts.get("offered", 0)
        found = rates(counts)
        threshold_s = config.thresholds("")[0]
        rows.append(
            {
                "value": value,
                "name": dict(config.labels.get(value) or (district.name if district else {})),
                "offered": offered,
                "answered": counts.get("answered", 0),
                "abandoned": counts.get("abandoned", 0),
                "answered_in_threshold": within_threshold(counts, "answered_wait", threshold_s),
                "service_level_offered": ratio(within_threshold(counts, "answered_wait", threshold_s), offered),
                "answer_rate_offered": found["answer_rate_offered"],
                "abandonment_rate": found["abandonment_rate"],
                "asa": found["asa"],
                "today": board.kinds.rolling(key, "today", today).get("offered", 0),
                "population": district.population if district else None,
                "per_10000": ratio(offered * PER, district.population) if district else None,
                "few": offered < FEW,
                "alarmed": value in alarmed,
                "spark": board.kinds.offered(key, edges),
            }
        )
    rows.sort(key=lambda row: (row["value"] in {"", OTHER}, -row["offered"], row["value"]))
    return {
        "hotline": asked.hotline,
        "by": asked.by,
        "within": asked.within,
        "window": asked.window,
        "from": span[0],
        "to": span[1],
        "time_zone": config.time_zone,
        "threshold_s": config.thresholds("")[0],
        "data_as_of": board.clock,
        "few_below": FEW,
        "rows": rows,
    }
