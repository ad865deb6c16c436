"""Announced events as the board shows them. Pure."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, get_args

from deploy.runtime.settings import Settings
from sinks.web.limited_board import Readable
from sinks.web.sees import Sees
from sinks.web.summary import FARTHEST, LONGEST_PAGE, BadRequestError, given_of, iso, whole_of
from streams.contract import Announcement

DAY_MS = 86_400_000
PAST_MS = 60 * DAY_MS
"""Events that were over longer ago are not listed."""
PARAMETERS = ("on", "name", "event", "limit", "offset")

State = Literal["now", "coming", "past"]
STATES: tuple[State, ...] = get_args(State)
"""In the order in which they are listed."""


class Page(NamedTuple):
    """Which events are asked for: those of a state, those whose name has `name` in it, one; and which part of them."""

    on: State | None = None
    name: str = ""
    event: str = ""
    limit: int | None = None
    offset: int = 0


def place_of(hotline: str, queue: str, board: Readable, settings: Settings) -> None:
    """Whether there are such a hotline and queue. Raises BadRequestError with those that there are."""
    hotlines = list(dict.fromkeys((*settings.known_hotlines(), *board.hotlines())))
    if hotline and hotline not in hotlines:
        raise BadRequestError(f"hotline: there are {', '.join(hotlines)}")
    within = [hotline] if hotline else hotlines
    queues = dict.fromkeys(name for one in within for name in (*settings.hotline(one).queues, *board.queues(one)))
    if queue and queue not in queues:
        raise BadRequestError(f"queue: there are {', '.join(queues)}")


def read_events(parameters: Mapping[str, str]) -> Page:
    """Read the query string; without a limit all of them are meant. Raises BadRequestError."""
    given = given_of(parameters, PARAMETERS)
    on = next((state for state in STATES if state == given.get("on")), None)
    if on is None and "on" in given:
        raise BadRequestError(f"on={given['on']!r}: there are {', '.join(STATES)}")
    return Page(
        on,
        given.get("name", "").casefold(),
        given.get("event", ""),
        whole_of(given, "limit", 0, LONGEST_PAGE) if "limit" in given else None,
        whole_of(given, "offset", 0, FARTHEST),
    )


def events_answer(page: Page, board: Readable, sees: Sees, settings: Settings, now: int) -> dict[str, Any]:
    """`/api/v1/events`: what is on now, then what comes, then what has been, the latest first.

    `numbers`: how many there are of each; `total`: how many fit, of which the page shows those from `offset` on.
    `changes`: whoever asks sees all that an event bears on, so it is theirs to change.
    """
    found: dict[State, list[Announcement]] = {state: [] for state in STATES}
    for it in board.events():
        if it.end > now - PAST_MS and page.name in it.name.casefold() and page.event in {"", it.id}:
            found[_on(it, now)].append(it)
    found["past"].sort(key=lambda it: (it.end, it.begin, it.id), reverse=True)
    listed = [it for state in STATES if page.on in {None, state} for it in found[state]]
    end = len(listed) if page.limit is None else page.offset + page.limit
    return {
        "now": now,
        "numbers": {state: len(events) for state, events in found.items()},
        "total": len(listed),
        "offset": page.offset,
        "events": [
            {
                "id": it.id,
                "revision": it.revision,
                "name": it.name,
                "on": _on(it, now),
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
            for it in listed[page.offset : end]
        ],
    }


def _on(event: Announcement, now: int) -> State:
    return "past" if event.end <= now else "now" if event.begin <= now else "coming"


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
