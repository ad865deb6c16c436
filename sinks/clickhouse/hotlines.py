"""What settings say of each hotline, as rows: views apply the promised threshold by them."""

import time
from collections.abc import Sequence
from typing import Any

from clickhouse_connect.driver.client import Client

from deploy.runtime.settings import Hotline, Settings

COLUMNS = ("feed", "hotline", "time_zone", "thresholds_s", "target", "short_abandon_s", "version")


def _row(name: str, hotline: Hotline, version: int) -> tuple[Any, ...]:
    thresholds = list(hotline.thresholds_s)
    return "", name, hotline.time_zone, thresholds, hotline.target, hotline.short_abandon_s, version


def hotline_rows(settings: Settings, version: int) -> Sequence[tuple[Any, ...]]:
    """One row per hotline that settings name, and one with an empty name for all others."""
    named = {"": settings.hotline_defaults} | dict(settings.known_hotlines())
    return [_row(name, hotline, version) for name, hotline in named.items()]


def write_hotlines(client: Client, settings: Settings) -> None:
    """Make the table `hotlines` say what settings say; writes only if something differs."""
    query = "SELECT * EXCEPT version FROM hotlines WHERE version = (SELECT max(version) FROM hotlines) ORDER BY hotline"
    stored = [tuple(row) for row in client.query(query).result_rows]
    rows = sorted(hotline_rows(settings, time.time_ns() // 1_000_000), key=lambda row: str(row[1]))
    if stored != [row[:-1] for row in rows]:
        client.insert("hotlines", rows, COLUMNS)
