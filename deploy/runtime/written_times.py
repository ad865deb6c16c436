"""Times as people write them, on the command line and in files."""

from datetime import datetime
from zoneinfo import ZoneInfo


def local_time(text: str, zone: ZoneInfo) -> datetime:
    """An ISO date and time; local in `zone` unless it has an offset. Raises ValueError."""
    told = datetime.fromisoformat(text.strip())
    return told if told.tzinfo else told.replace(tzinfo=zone)


def local_ms(text: str, zone: ZoneInfo) -> int:
    """The same as epoch ms. Raises ValueError."""
    return round(local_time(text, zone).timestamp() * 1000)
