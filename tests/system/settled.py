"""Waiting until a running Hotline has taken in everything that was sent, and asking its ClickHouse directly."""

from urllib.parse import urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from installation import Installation, eventually

Position = tuple[str, int]


def settled(hotline: Installation, within: float = 120) -> None:
    """Return when every event sent before is in ClickHouse: read, then merged, then stored."""
    eventually(lambda: _lags(hotline) == {0}, within=within)
    for topics in ({"hotline.partials"}, {"hotline.cells", "hotline.visits", "hotline.dead-letter"}):
        ends = {place: end for place, (_, end, _) in _read(hotline).items() if place[0] in topics}
        assert ends, f"nobody reads {topics}"
        eventually(lambda ends=ends: _reached(hotline, ends), within=within)


def _lags(hotline: Installation) -> set[int]:
    return {lag for (topic, _), (_, _, lag) in _read(hotline).items() if topic == "hotline.calls"}


def _reached(hotline: Installation, ends: dict[Position, int]) -> bool:
    now = _read(hotline)
    return all(place in now and now[place][0] >= end for place, end in ends.items())


def _read(hotline: Installation) -> dict[Position, tuple[int, int, int]]:
    """(topic, partition) -> (position, end, lag) of streams and sinks."""
    lines = hotline.status()["partitions"]
    return {
        (it["topic"], it["partition"]): (it["position"], it["end"], it["lag"])
        for it in lines
        if it["reader"] in {"streams", "sinks"}
    }


def clickhouse(hotline: Installation) -> Client:
    """A client of its ClickHouse, for views of more rows than `hotline sql` gives out."""
    url = urlsplit(hotline.status()["endpoints"]["clickhouse"])
    return clickhouse_connect.get_client(host=url.hostname, port=url.port, database="hotline", query_limit=0)
