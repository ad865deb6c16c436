"""The local day of an instant: what `today` means, in every process the same."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo


class LocalDay(NamedTuple):
    """A local calendar day: [start, end) in epoch ms, and its ordinal (`date.toordinal`)."""

    start: int
    end: int
    ordinal: int


def local_day(at: int, zone: ZoneInfo) -> LocalDay:
    """The local day that `at` (epoch ms) falls into: of 23 or 25 hours where the clocks change."""
    return _day(datetime.fromtimestamp(at / 1000, zone).toordinal(), zone)


@lru_cache(maxsize=256)
def _day(ordinal: int, zone: ZoneInfo) -> LocalDay:
    date = datetime.fromordinal(ordinal)
    midnights = (date.replace(tzinfo=zone), (date + timedelta(days=1)).replace(tzinfo=zone))
    start, end = (int(midnight.astimezone(UTC).timestamp()) * 1000 for midnight in midnights)
    return LocalDay(start, end, ordinal)
