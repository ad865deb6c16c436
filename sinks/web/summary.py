"""`/api/v1/summary`: the figures of any span of whole minutes, named as in the view `v_daily`. Pure.

The counts come from memory or from ClickHouse; the formulas are those of `streams.contract.metrics`
either way, so the two cannot disagree.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from deploy.runtime.settings import Hotline, Settings
from sinks.web.board import KEPT_MS, Board, Key
from sinks.web.limited_board import Readable
from sinks.web.rolling import SOURCES_EXPECTED, SOURCES_HEARD, WINDOWS, measures
from sinks.web.snapshot import choose_hotline
from streams.contract.cells import BY_NUMBER, COUNTERS, MINUTE_MS, Counts
from streams.contract.events import LIVE
from streams.contract.local_days import local_day
from streams.contract.metrics import Window, buckets

PARAMETERS = ("feed", "hotline", "queue", "from", "to", "threshold_s")
ROLLING_PARAMETERS = ("feed", "hotline", "queue", "window")
OF_SOURCES = ("events", "heartbeats", "repeats")
SUMMED = (SOURCES_EXPECTED, SOURCES_HEARD, *(name for name in COUNTERS if name not in {*BY_NUMBER, *OF_SOURCES}))
LONGEST_THRESHOLD_S = 120
LONGEST_PAGE = 1_000
FARTHEST = 10_000_000


class BadRequestError(ValueError):
    """A request that cannot be answered; the text says what to write instead."""


class NotYoursError(PermissionError):
    """Something that whoever asks may not see."""


class Query(NamedTuple):
    """What is asked for: [start, end) in ms, whole minutes; None is open. `queue` None: the whole hotline.

    `queues`: the whole hotline is the sum of these (None: all there is).
    """

    feed: str
    hotline: str
    queue: str | None
    start: int | None
    end: int | None
    threshold_s: int
    queues: tuple[str, ...] | None = None


def given_of(parameters: Mapping[str, str], allowed: Sequence[str]) -> dict[str, str]:
    """The parameters that say something. Raises BadRequestError for one that is not `allowed`."""
    unknown = sorted(parameters.keys() - set(allowed))
    if unknown:
        raise BadRequestError(f"unknown parameter {unknown[0]!r}: there are {', '.join(allowed)}")
    return {name: value.strip() for name, value in parameters.items() if value.strip()}


def whole_of(given: Mapping[str, str], name: str, default: int, most: int) -> int:
    """The whole number given by that name. Raises BadRequestError for none from 0 to `most`."""
    text = given.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) < 9 and int(text) <= most):
        raise BadRequestError(f"{name}={text!r}: write a whole number from 0 to {most:,}")
    return int(text)


def hotline_of(given: Mapping[str, str], board: Readable, settings: Settings) -> str:
    """The hotline asked for, else the board's. Raises BadRequestError."""
    hotline = given.get("hotline") or choose_hotline(board, settings)
    if not hotline:
        raise BadRequestError("no hotline is in hotline.yaml, and no call has come yet: name one with hotline=")
    if not board.admits_hotline(hotline):
        raise NotYoursError(f"hotline {hotline} is not in your area: ask a supervisor")
    return hotline


def queue_of(given: Mapping[str, str], hotline: str, board: Readable) -> str | None:
    """The queue asked for; None: the whole hotline. Raises NotYoursError."""
    queue = given.get("queue")
    if queue is not None and not board.admits(hotline, queue):
        raise NotYoursError(f"queue {queue} is not in your area: ask a supervisor")
    return queue


def _key(given: Mapping[str, str], board: Readable, settings: Settings) -> tuple[str, str, str | None]:
    """(feed, hotline, queue) asked for, else the board's."""
    hotline = hotline_of(given, board, settings)
    return given.get("feed", board.feed), hotline, queue_of(given, hotline, board)


def _part(hotline: str, board: Readable, settings: Settings) -> tuple[str, ...] | None:
    """The queues that a whole is made of, for those who may not see all."""
    if isinstance(board, Board):
        return None
    known = dict.fromkeys((*settings.hotline(hotline).queues, *board.queues(hotline)))
    return tuple(queue for queue in known if board.admits(hotline, queue))


def choose(parameters: Mapping[str, str], board: Readable, settings: Settings) -> tuple[Query, Window | None]:
    """The key and the rolling window asked for (None: all of them). Raises BadRequestError."""
    given = given_of(parameters, ROLLING_PARAMETERS)
    feed, hotline, queue = _key(given, board, settings)
    name = next((name for name in WINDOWS if name == given.get("window")), None)
    if name is None and "window" in given:
        raise BadRequestError(f"window={given['window']!r}: there are {', '.join(WINDOWS)}")
    threshold_s = settings.hotline(hotline).thresholds(queue or "")[0]
    return Query(feed, hotline, queue, None, None, threshold_s, _part(hotline, board, settings)), name


def parse(parameters: Mapping[str, str], board: Readable, settings: Settings, now: int, *, days: int = 1) -> Query:
    """Read the query string of a span. An empty parameter is an absent one; of `live` the last local `days` (today
    is one of them) are meant unless told. Raises BadRequestError.
    """
    given = given_of(parameters, PARAMETERS)
    feed, hotline, queue = _key(given, board, settings)
    config = settings.hotline(hotline)
    first_day = _first_day(now, days, config) if feed == LIVE else None
    start = _instant(given["from"], "from", settings, hotline, last=False) if "from" in given else first_day
    end = _instant(given["to"], "to", settings, hotline, last=True) if "to" in given else None
    if start is not None and end is not None and end <= start:
        raise BadRequestError("to lies before from: dates include the whole day, instants end before themselves")
    return Query(
        feed=feed,
        hotline=hotline,
        queue=queue,
        start=start,
        end=end,
        threshold_s=_threshold(given, config.thresholds("")[0]),
        queues=_part(hotline, board, settings),
    )


def _first_day(now: int, days: int, config: Hotline) -> int:
    """When the first of the last local days began: on each of them it was noon once."""
    noon = datetime.fromtimestamp(now / 1000, config.zone).replace(hour=12, minute=0) - timedelta(days=days - 1)
    return local_day(int(noon.timestamp()) * 1000, config.zone).start


def _threshold(given: Mapping[str, str], promised: int) -> int:
    return whole_of(given, "threshold_s", 0, LONGEST_THRESHOLD_S) if "threshold_s" in given else promised


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


def in_memory(query: Query, board: Readable, known_from: int | None) -> Counts | None:
    """The counts from memory; None if memory does not hold the whole span.

    `known_from` (ms): the instant from which on all records have been read (None: still reading). Only
    of the feed `live` is it known that its minutes are as old as their records.
    """
    if query.feed != board.feed or board.feed != LIVE or board.clock is None or known_from is None:
        return None
    oldest = max(known_from, board.clock - KEPT_MS)
    if query.start is None or query.start < oldest:
        return None
    end = board.clock - board.clock % MINUTE_MS + MINUTE_MS  # the running minute included
    return board.window(Key(query.hotline, query.queue), query.start, min(end, query.end or end))


def heading(query: Query, config: Hotline) -> dict[str, Any]:
    """What an answer begins with: of what and of which span it is."""
    return {
        "feed": query.feed,
        "hotline": query.hotline,
        "queue": query.queue,
        "from": iso(query.start),
        "to": iso(query.end),
        "time_zone": config.time_zone,
    }


def answer(query: Query, counts: Mapping[str, int], settings: Settings, *, source: str) -> dict[str, Any]:
    """The answer: the counts and everything made from them; a rate over nothing is null."""
    return {
        **heading(query, settings.hotline(query.hotline)),
        "source": source,
        **named(counts),
        **measures(counts, query.threshold_s),
    }


def named(counts: Mapping[str, int]) -> dict[str, Any]:
    """Every plain counter by its name, zeros included, and the ratings by value."""
    return {name: counts.get(name, 0) for name in SUMMED} | {
        "rated": {str(value): number for value, number in sorted(buckets(counts, "rated").items())}
    }


def iso(instant: int | None) -> str | None:
    return None if instant is None else datetime.fromtimestamp(instant / 1000, UTC).isoformat().replace("+00:00", "Z")
