"""Waiting until a feed's generation can be asked for by SQL: `queryable_at` in `v_feeds`."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError

from deploy.producers.publisher import NotReachableError
from deploy.runtime.settings import ClickHouse
from sinks.clickhouse import client
from sinks.clickhouse.client import ClickHouseAway

_POLL_S = 0.5


class TookTooLongError(NotReachableError):
    """The time given to wait is over."""


class ReplacedError(NotReachableError):
    """The feed has been replayed again."""


def connect(settings: ClickHouse) -> Client:
    """A client for ClickHouse. Raises NotReachableError, SettingsError for an address that is none."""
    try:
        return client.connect(settings)
    except ClickHouseAway as error:
        raise NotReachableError(f"{error}: start `hotline up`, or check HOTLINE_CLICKHOUSE__URL") from error
    except ClickHouseError as error:
        raise NotReachableError(f"ClickHouse at {settings.url} refuses: {client.short(error)}") from error


def queryable_at(found: Client, feed: str, generation: int) -> datetime | None:
    """When the generation became queryable (UTC); None if it is not yet. Raises NotReachableError."""
    query = "SELECT queryable_at FROM v_feeds WHERE feed = {feed:String} AND generation = {generation:UInt64}"
    rows = _rows(found, query, feed=feed, generation=generation)
    return next((at for (at,) in rows if at is not None), None)


def replaced_by(found: Client, feed: str, generation: int) -> int | None:
    """The later replay of the same feed that is queryable in its place, if there is one. Raises NotReachableError."""
    query = (
        "SELECT max(generation) FROM v_feeds "
        "WHERE feed = {feed:String} AND generation > {generation:UInt64} AND queryable_at IS NOT NULL"
    )
    [[later]] = _rows(found, query, feed=feed, generation=generation)
    return later or None


def is_complete(found: Client, feed: str) -> bool:
    """Whether a feed without generations has ended, or is one of replays. Raises NotReachableError."""
    query = "SELECT count() FROM v_feeds WHERE feed = {feed:String} AND (generation > 0 OR state = 'ended')"
    [[count]] = _rows(found, query, feed=feed)
    return bool(count)


def _rows(found: Client, query: str, **parameters: Any) -> Sequence[Sequence[Any]]:
    try:
        return found.query(query, parameters=parameters).result_rows
    except (OperationalError, OSError) as error:
        raise NotReachableError(
            f"ClickHouse does not answer any more ({client.short(error)}): is it running?"
        ) from error
    except ClickHouseError as error:
        said = client.short(error)
        raise NotReachableError(f"v_feeds cannot be read ({said}): is the schema there? `hotline migrate`") from error


def wait_until_queryable(
    found: Client, feed: str, generation: int, *, timeout_s: float, progress: Callable[[float], None]
) -> datetime:
    """Poll until the generation is queryable; `progress` is told the seconds waited.

    Raises TookTooLongError after `timeout_s`, ReplacedError if a later replay of the feed is queryable in its place,
    NotReachableError if ClickHouse goes away.
    """
    started = time.monotonic()
    while (waited := time.monotonic() - started) < timeout_s:
        at = queryable_at(found, feed, generation)
        if at is not None:
            return at
        if (later := replaced_by(found, feed, generation)) is not None:
            raise ReplacedError(
                f"feed {feed} was replayed once more meanwhile: generation {later} is there in place of {generation}"
            )
        progress(waited)
        time.sleep(_POLL_S)
    raise TookTooLongError(
        f"feed {feed} generation {generation} was published but is not queryable after {timeout_s:.0f} s: "
        "look at `hotline status` for the lag of streams and sinks"
    )
