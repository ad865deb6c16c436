"""Quarter-hour slots of local days, and times as people read them."""

from datetime import datetime
from zoneinfo import ZoneInfo

SLOT = 900_000
"""Milliseconds of a slot. Offsets of all zones in use are multiples of it, so slots are cut in UTC."""
SLOTS = 96
"""Slots of a local day by wall clock (a day of 23 or 25 hours skips or repeats some)."""


def slot_of(at: int, zone: ZoneInfo) -> tuple[int, int]:
    """(ordinal of the local day, slot 0-95 by wall clock) of `at` (epoch ms)."""
    local = datetime.fromtimestamp(at / 1000, zone)
    return local.toordinal(), (local.hour * 60 + local.minute) // 15


def clock_text(at: int, zone: ZoneInfo) -> str:
    """`10:41`, local wall time."""
    return datetime.fromtimestamp(at / 1000, zone).strftime("%H:%M")
