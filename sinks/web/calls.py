"""`/api/v1/calls`: the calls behind a number of the board, page by page; callers are pseudonyms."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from deploy.runtime.settings import Settings
from sinks.clickhouse.traces import MEASURES, NOW
from sinks.clickhouse.why import Asked, WhyError, number, require, sums, visits
from sinks.web.limited_board import Readable
from sinks.web.past import Past
from sinks.web.rolling import WINDOWS, bounds
from sinks.web.sees import EVERYTHING, Sees, conditions
from sinks.web.summary import FARTHEST, LONGEST_PAGE, PARAMETERS, BadRequestError, given_of, iso, parse, whole_of
from streams.contract.metrics import ratio

OWN_PARAMETERS = ("metric", "window", "limit", "offset")
CALLS_PARAMETERS = (*OWN_PARAMETERS, *PARAMETERS)
PAGE = 50
LONGEST_FILE = 100_000
"""Rows that leave as CSV in one answer, at most."""


class Page(NamedTuple):
    """Which number, and which of its calls."""

    asked: Asked
    window: str | None
    limit: int
    offset: int


def read_page(
    parameters: Mapping[str, str],
    board: Readable,
    settings: Settings,
    now: int,
    *,
    as_file: bool,
    sees: Sees = EVERYTHING,
) -> Page:
    """Read the query string. Raises BadRequestError."""
    given = given_of(parameters, CALLS_PARAMETERS)
    metric = given.get("metric")
    if metric is None:
        raise BadRequestError(f"metric is missing: name one of {', '.join((*NOW, *MEASURES))}")
    as_of = board.clock or now
    query = parse({k: v for k, v in given.items() if k not in OWN_PARAMETERS}, board, settings, as_of)
    config = settings.hotline(query.hotline)
    window = next((name for name in WINDOWS if name == given.get("window")), None)
    if window is None and "window" in given:
        raise BadRequestError(f"window={given['window']!r}: there are {', '.join(WINDOWS)}")
    start, end = query.start or 0, query.end or as_of - as_of % 60_000 + 60_000
    if window is not None:
        start, end = bounds(as_of, config.zone)[window]
    if metric in NOW:
        end = as_of
    where, parameters_ = conditions(sees, config)
    threshold_s = query.threshold_s if "threshold_s" in given else config.thresholds(query.queue or "")[0]
    dimensions = {} if query.queue is None else {"queue": query.queue}
    asked = Asked(
        metric,
        query.feed,
        query.hotline,
        dimensions,
        start,
        end,
        threshold_s,
        config.short_abandon_s,
        as_of,
        (tuple(where), parameters_),
    )
    try:
        require(asked)
    except WhyError as error:
        raise BadRequestError(str(error)) from error
    longest = LONGEST_FILE if as_file else LONGEST_PAGE
    return Page(
        asked,
        window,
        whole_of(given, "limit", longest if as_file else PAGE, longest),
        whole_of(given, "offset", 0, FARTHEST),
    )


async def calls_behind(page: Page, past: Past, settings: Settings) -> dict[str, Any]:
    """The number by cells and by the calls it is made of, and a page of them. Raises AwayError."""
    asked = page.asked
    # cells are not cut down by every dimension: who may not see all compares nothing with them
    counted = number(asked, settings) if not asked.may[0] else None
    found = await past.ask(counted) if counted else []
    if asked.metric in NOW and found:
        asked = asked._replace(threshold_s=found[0]["x"])
    zone = settings.hotline(asked.hotline).time_zone
    [whole] = await past.ask(sums(asked))
    rows = await past.ask(visits(asked, zone=zone, limit=page.limit, offset=page.offset))
    following = page.offset + len(rows)
    return {
        "metric": asked.metric,
        "feed": asked.feed,
        "hotline": asked.hotline,
        "queue": asked.dimensions.get("queue"),
        "window": page.window,
        "from": None if asked.metric in NOW else iso(asked.start),
        "to": iso(asked.end),
        "data_as_of": iso(asked.as_of),
        "time_zone": zone,
        "threshold_s": asked.threshold_s,
        "cells": _number(asked, found[0]) if found else None,
        "sum_of_visits": _number(asked, whole),
        "visits": whole["visits"],
        "offset": page.offset,
        "next_offset": following if rows and following < whole["visits"] else None,
        "rows": rows,
    }


def _number(asked: Asked, row: Mapping[str, Any]) -> dict[str, Any]:
    over, under = int(row["over"]), row.get("under")
    if under is None:
        return {"value": over, "over": over, "under": None}
    return {"value": ratio(over / MEASURES[asked.metric].scale, int(under)), "over": over, "under": int(under)}
