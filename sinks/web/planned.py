"""Announced events as the board shows them. Pure."""

from collections.abc import Mapping
from typing import Any

from deploy.runtime.settings import Settings
from sinks.web.seen import Readable
from sinks.web.sees import Sees
from sinks.web.summary import BadRequestError, iso

DAY_MS = 86_400_000
PAST_MS = 60 * DAY_MS
"""Events that were over longer ago are not listed."""


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
