"""What people write of an event, on the wallboard and on the command line: a name that can be read, times that there are."""

import unicodedata
from datetime import datetime
from typing import NamedTuple

from deploy.runtime.settings import Settings
from deploy.runtime.written_times import local_time

LONGEST_NAME = 200
LONGEST_MS = 366 * 86_400_000
YEARS = (2000, 2200)

_BREAKING = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Categories of control characters, halves of characters, and ends of lines."""
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Turn the direction of whatever is written after them, in the page, in a terminal and in a message."""


class Span(NamedTuple):
    """From `begin` to before `end` (ms)."""

    begin: int
    end: int


def readable(name: str) -> bool:
    """Whether a name can be seen where it is written, and changes nothing of what stands around it."""
    seen = any(unicodedata.category(char)[0] not in "CZ" for char in name)
    return seen and not any(char in _TURNING or unicodedata.category(char) in _BREAKING for char in name)


def span_of(begin: str, end: str, hotline: str, settings: Settings) -> Span:
    """The span that two times tell, local to the hotline. Raises ValueError with what to write."""
    zone_of = hotline or settings.only_hotline
    return checked(Span(*(moment(name, text, zone_of, settings) for name, text in (("begin", begin), ("end", end)))))


def checked(span: Span) -> Span:
    """The span itself, if an event can last so long. Raises ValueError with what to write."""
    if span.end <= span.begin:
        raise ValueError("end: write a time after the begin")
    if span.end - span.begin > LONGEST_MS:
        raise ValueError("end: an event lasts a year at most")
    return span


def moment(name: str, text: str, hotline: str, settings: Settings) -> int:
    """A time (ms), local to the hotline unless it has an offset. Raises ValueError that begins with `name`."""
    config = settings.hotline(hotline)
    try:
        at = local_time(text, config.zone)
    except ValueError:
        raise ValueError(f"{name}: write date and time as 2026-06-25T08:00") from None
    if not YEARS[0] <= at.year <= YEARS[1]:
        raise ValueError(f"{name}: write a year from {YEARS[0]} to {YEARS[1]}")
    found = at.timestamp()
    if datetime.fromtimestamp(found, at.tzinfo).replace(tzinfo=None) != at.replace(tzinfo=None):
        raise ValueError(f"{name}: there is no such time in {config.time_zone}, clocks are put forward then")
    return round(found * 1000)
