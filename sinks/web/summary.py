"""`/api/v1/summary`: the figures of any span of whole minutes, named as in the view `v_daily`. Pure.

The counts come from memory or from ClickHouse; the formulas are those of `streams.contract.metrics`
either way, so the two cannot disagree.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from deploy.runtime.settings import Settings
from sinks.web.board import KEPT_MS, MINUTE_MS, Board, Key
from sinks.web.snapshot import choose_hotline, local_day
from streams.contract.cells import COUNTERS, Counts
from streams.contract.metrics import rates, service_levels, within_threshold

PARAMETERS = ("feed", "hotline", "queue", "from", "to", "threshold_s")
BUCKETED = ("answered_wait", "abandoned_wait")
SUMMED = tuple(name for name in COUNTERS if name not in BUCKETED and not name.startswith("event_"))
LONGEST_THRESHOLD_S = 120


class BadRequestError(ValueError):
    """A request that cannot be answered; the text says what to write instead."""


class Query(NamedTuple):
    """What is asked for: [start, end) in ms, whole minutes; None is open. `queue` None: the whole hotline."""

    feed: str
    hotline: str
    queue: str | None
    start: int | None
    end: int | None
    threshold_s: int


def parse(parameters: Mapping[str, str], board: Board, settings: Settings, now: int) -> Query:
    """Read the query string. An empty parameter is an absent one. Raises BadRequestError."""
    unknown = sorted(parameters.keys() - set(PARAMETERS))
    if unknown:
        raise BadRequestError(f"unknown parameter {unknown[0]!r}: there are {', '.join(PARAMETERS)}")
    given = {name: value.strip() for name, value in parameters.items() if value.strip()}
    feed = given.get("feed", board.feed)
    hotline = given.get("hotline") or choose_hotline(board, settings)
    if not hotline:
        raise BadRequestError("no hotline has been seen yet: name one with hotline=")
    config = settings.hotline(hotline)
    today = local_day(now, config).start if feed == "live" else None
    start = _instant(given["from"], "from", settings, hotline, last=False) if "from" in given else today
    end = _instant(given["to"], "to", settings, hotline, last=True) if "to" in given else None
    if start is not None and end is not None and end <= start:
        raise BadRequestError("to lies before from: dates include the whole day, instants end before themselves")
    return Query(
        feed=feed,
        hotline=hotline,
        queue=given.get("queue"),
        start=start,
        end=end,
        threshold_s=_threshold(given, config.thresholds("")[0]),
    )


def _threshold(given: Mapping[str, str], promised: int) -> int:
    text = given.get("threshold_s")
    if text is None:
        return promised
    if not text.isdecimal() or int(text) > LONGEST_THRESHOLD_S:
        raise BadRequestError(f"threshold_s={text!r}: write whole seconds from 0 to {LONGEST_THRESHOLD_S}")
    return int(text)


def _instant(text: str, name: str, settings: Settings, hotline: str, *, last: bool) -> int:
    """A local date (`last`: its end) or an ISO instant with its offset, in ms."""
    zone = settings.hotline(hotline).zone
    wanted = (
        f"{name}={text!r}: write a local date (1999-01-31, the whole day counts) or an instant on a whole minute "
        "with its offset (1999-01-31T08:00Z; a + in an address is written %2B)"
    )
    try:
        if len(text) == len("1999-01-31"):
            day = date.fromisoformat(text) + timedelta(days=1 if last else 0)
            moment = datetime(day.year, day.month, day.day, tzinfo=zone)
        else:
            moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise BadRequestError(wanted)
        instant = int(moment.astimezone(UTC).timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        raise BadRequestError(wanted) from error
    if instant % MINUTE_MS:
        raise BadRequestError(wanted)
    return instant


def in_memory(query: Query, board: Board, known_from: int | None) -> Counts | None:
    """The counts from memory; None if memory does not hold the whole span.

    `known_from` (ms): the instant from which on all records have been read (None: still reading). Only
    of the feed `live` is it known that its minutes are as old as their records.
    """
    if query.feed != board.feed or board.feed != "live" or board.clock is None or known_from is None:
        return None
    oldest = max(known_from, board.clock - KEPT_MS)
    if query.start is None or query.start < oldest:
        return None
    end = board.clock - board.clock % MINUTE_MS + MINUTE_MS  # the running minute included
    return board.window(Key(query.hotline, query.queue), query.start, min(end, query.end or end))


def answer(query: Query, counts: Mapping[str, int], settings: Settings, *, source: str) -> dict[str, Any]:
    """The answer: the counts and everything made from them; a rate over nothing is null."""
    get = counts.get
    return {
        "feed": query.feed,
        "hotline": query.hotline,
        "queue": query.queue,
        "from": _iso(query.start),
        "to": _iso(query.end),
        "time_zone": settings.hotline(query.hotline).time_zone,
        "source": source,
        **{name: get(name, 0) for name in SUMMED},
        "inbound": get("offered", 0) + get("ended_in_menu", 0) + get("blocked", 0),
        "threshold_s": query.threshold_s,
        "answered_in_threshold": within_threshold(counts, "answered_wait", query.threshold_s),
        "abandoned_in_threshold": within_threshold(counts, "abandoned_wait", query.threshold_s),
        **service_levels(counts, query.threshold_s),
        **rates(counts),
    }


def _iso(instant: int | None) -> str | None:
    return None if instant is None else datetime.fromtimestamp(instant / 1000, UTC).isoformat().replace("+00:00", "Z")
