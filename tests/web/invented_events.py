"""Announced events for tests: times as people write them, and any number of events."""

from datetime import datetime

import city

from streams.contract import Announcement

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


def local(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=city.ZONE).timestamp() * 1000)


def many(begin: int, number: int) -> list[Announcement]:
    """So many events, one beginning each quarter of an hour and lasting two."""
    return [
        Announcement(id=f"e{i}", revision=1, name=f"Works {i}", begin=at, end=at + 2 * 15 * MINUTE, lift=2.0,
                     hotline=city.HOTLINE, queue="utilities", author="Li", at=0)
        for i, at in enumerate(range(begin, begin + number * 15 * MINUTE, 15 * MINUTE))
    ]  # fmt: skip
