"""Local days and their quarter-hour slots; the only place of detection that knows time zones."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

SLOT = 900_000
"""Milliseconds of a slot. Offsets of all zones in use are multiples of it, so slots are cut in UTC."""
SLOTS = 96
"""Slots of a local day by wall clock (a day of 23 or 25 hours skips or repeats some)."""


class LocalDay(NamedTuple):
    """A local calendar day: [start, end) in epoch ms, and its ordinal (`date.toordinal`)."""

    start: int
    end: int
    ordinal: int


@lru_cache(maxsize=256)
def _bounds(ordinal: int, zone: ZoneInfo) -> LocalDay:
    date = datetime.fromordinal(ordinal)
    midnights = (date.replace(tzinfo=zone), (date + timedelta(days=1)).replace(tzinfo=zone))
    start, end = (int(midnight.astimezone(UTC).timestamp()) * 1000 for midnight in midnights)
    return LocalDay(start, end, ordinal)


def local_day(at: int, zone: ZoneInfo) -> LocalDay:
    """The local day that `at` (epoch ms) falls into."""
    return _bounds(datetime.fromtimestamp(at / 1000, zone).toordinal(), zone)


def slot_of(at: int, zone: ZoneInfo) -> tuple[int, int]:
    """(ordinal of the local day, slot 0-95 by wall clock) of `at` (epoch ms)."""
    local = datetime.fromtimestamp(at / 1000, zone)
    return local.toordinal(), (local.hour * 60 + local.minute) // 15


def clock_text(at: int, zone: ZoneInfo) -> str:
    """`10:41`, local wall time."""
    return datetime.fromtimestamp(at / 1000, zone).strftime("%H:%M")
