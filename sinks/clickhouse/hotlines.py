"""What settings say of each hotline, as rows: views apply the promised threshold by them."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from clickhouse_connect.driver.client import Client

from deploy.runtime.settings import Hotline, Settings

COLUMNS = (
    "feed",
    "hotline",
    "time_zone",
    "thresholds_s",
    "target",
    "short_abandon_s",
    "utc_offsets",
    "queue_threshold_s",
    "version",
)
_FIRST_YEAR, _LAST_YEAR = 1970, 2060
_DAY_S = 86_400


@lru_cache
def utc_offsets(zone: ZoneInfo) -> tuple[tuple[int, int], ...]:
    """(from this instant on, ms; offset from UTC, s) of a time zone, in order, 1970 to 2060."""

    def offset(instant: int) -> int:
        away = datetime.fromtimestamp(instant, zone).utcoffset()
        return round(away.total_seconds()) if away else 0

    first, last = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (_FIRST_YEAR, _LAST_YEAR))
    found = [(first * 1000, offset(first))]
    for day in range(first + _DAY_S, last, _DAY_S):
        held = found[-1][1]
        if offset(day) != held:
            before, after = day - _DAY_S, day
            while after - before > 1:
                middle = (before + after) // 2
                before, after = (middle, after) if offset(middle) == held else (before, middle)
            found.append((after * 1000, offset(after)))
    return tuple(found)


def _row(name: str, hotline: Hotline, version: int) -> tuple[Any, ...]:
    own = {queue: hotline.thresholds(queue)[0] for queue in hotline.queues}
    return (
        "",
        name,
        hotline.time_zone,
        list(hotline.thresholds_s),
        hotline.target,
        hotline.short_abandon_s,
        list(utc_offsets(hotline.zone)),
        {queue: seconds for queue, seconds in own.items() if seconds != hotline.thresholds_s[0]},
        version,
    )


def hotline_rows(settings: Settings, version: int) -> Sequence[tuple[Any, ...]]:
    """One row per hotline that settings name, and one with an empty name for all others."""
    named = {"": settings.hotline_defaults} | dict(settings.known_hotlines())
    return [_row(name, hotline, version) for name, hotline in named.items()]


def write_hotlines(client: Client, settings: Settings) -> None:
    """Make the table `hotlines` say what settings say; writes only if something differs."""
    query = (
        f"SELECT {', '.join(COLUMNS[:-1])} FROM hotlines "  # noqa: S608  (the names are ours)
        "WHERE version = (SELECT max(version) FROM hotlines) ORDER BY hotline"
    )
    stored = [tuple(row) for row in client.query(query).result_rows]
    rows = sorted(hotline_rows(settings, time.time_ns() // 1_000_000), key=lambda row: str(row[1]))
    if stored != [row[:-1] for row in rows]:
        client.insert("hotlines", rows, COLUMNS)
