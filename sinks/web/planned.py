"""Announced events as the board shows them, and as people write them: times local to the hotline. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from deploy.runtime.local_times import local_time
from deploy.runtime.settings import Settings
from sinks.web.seen import Readable
from sinks.web.sees import Sees
from sinks.web.summary import BadRequestError, iso

DAY_MS = 86_400_000
PAST_MS = 60 * DAY_MS
"""Events that were over longer ago are not listed."""
LONGEST_MS = 366 * DAY_MS
YEARS = (2000, 2200)


class Span(NamedTuple):
    """From `begin` to before `end` (ms)."""

    begin: int
    end: int


def span_of(begin: str, end: str, hotline: str, settings: Settings) -> Span:
    """The span that two times tell, local to the hotline. Raises BadRequestError."""
    zone_of = hotline or settings.only_hotline
    found = Span(*(_moment(name, text, zone_of, settings) for name, text in (("begin", begin), ("end", end))))
    if found.end <= found.begin:
        raise BadRequestError("end: write a time after the begin")
    if found.end - found.begin > LONGEST_MS:
        raise BadRequestError("end: an event lasts a year at most")
    return found


def _moment(name: str, text: str, hotline: str, settings: Settings) -> int:
    told = settings.hotline(hotline)
    try:
        at = local_time(text, told.zone)
    except ValueError:
        raise BadRequestError(f"{name}: write date and time as 2026-06-25T08:00") from None
    if not YEARS[0] <= at.year <= YEARS[1]:
        raise BadRequestError(f"{name}: write a year from {YEARS[0]} to {YEARS[1]}")
    moment = at.timestamp()
    if datetime.fromtimestamp(moment, at.tzinfo).replace(tzinfo=None) != at.replace(tzinfo=None):
        raise BadRequestError(f"{name}: there is no such time in {told.time_zone}, clocks are put forward then")
    return round(moment * 1000)


def place_of(hotline: str, queue: str, board: Readable, settings: Settings) -> None:
    """Whether there are such a hotline and queue. Raises BadRequestError with those that there are."""
    hotlines = list(dict.fromkeys((*settings.known_hotlines(), *board.hotlines())))
    if hotline and hotline not in hotlines:
        raise BadRequestError(f"hotline: there are {', '.join(hotlines)}")
    within = [hotline] if hotline else hotlines
    queues = dict.fromkeys(name for one in within for name in (*settings.hotline(one).queues, *board.queues(one)))
    if queue and queue not in queues:
        raise BadRequestError(f"queue: there are {', '.join(queues)}")


def events_answer(board: Readable, sees: Sees, settings: Settings, now: int) -> dict[str, Any]:
    """`/api/v1/events`: `on` is past, now or coming; `changes`: whoever asks sees all that it bears on, so it is theirs too."""
    return {
        "now": now,
        "events": [
            {
                "id": it.id,
                "revision": it.revision,
                "name": it.name,
                "on": "past" if it.end <= now else "now" if it.begin <= now else "coming",
                "begin": it.begin,
                "end": it.end,
                "lift": it.lift,
                "hotline": it.hotline,
                "queue": it.queue,
                "time_zone": settings.hotline(it.hotline or settings.only_hotline).time_zone,
                "author": it.author,
                "at": it.at or None,
                "changes": it.revision > 0 and sees.announces(it.hotline, it.queue, settings),
            }
            for it in board.events()
            if it.end > now - PAST_MS
        ],
    }


def events_rows(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The same as rows of a table."""
    left_out = {"changes", "revision"}
    return [
        {
            name: iso(value) if name in {"begin", "end", "at"} and value is not None else value
            for name, value in event.items()
            if name not in left_out
        }
        for event in answer["events"]
    ]
