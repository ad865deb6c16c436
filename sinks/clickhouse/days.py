"""The local day of an instant as a number, in the time zone of its hotline: the day that a row is stored with."""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from streams.contract.cells import MINUTE_MS

_EPOCH = datetime(1970, 1, 1).toordinal()  # noqa: DTZ001  (an ordinal has no zone)

DayOf = Callable[[str, int], int]
"""(hotline, epoch ms) -> local day, as days since 1970-01-01."""


def days_by(zone_of: Callable[[str], ZoneInfo]) -> DayOf:
    """What tells the local day of an instant, by the time zone of its hotline, `zone_of(hotline)`.

    Offsets from UTC are whole minutes for every zone since 1972, so instants of a minute share a day.
    Raises OverflowError or ValueError for an instant outside the years 1 to 9999.
    """

    @lru_cache(maxsize=65_536)
    def of_minute(hotline: str, minute: int) -> int:
        return datetime.fromtimestamp(minute * 60, zone_of(hotline)).toordinal() - _EPOCH

    return lambda hotline, time_ms: of_minute(hotline, time_ms // MINUTE_MS)
