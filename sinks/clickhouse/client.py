"""How to reach ClickHouse: one client for every use, by address, from the settings."""

import logging
from urllib.parse import urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import OperationalError

from deploy.runtime.settings import ClickHouse, SettingsError

UNKNOWN_DATABASE = 81


class ClickHouseAway(Exception):  # noqa: N818  (a state of the world, not an error of the program)
    """ClickHouse cannot be reached or refuses to work; the text says where, and what it answered."""


def connect(settings: ClickHouse, *, database: bool = True) -> Client:
    """A client that works in `settings.database` (`database=False`: in none, to create it).

    It holds no server session, so that a query cut off does not block the next. Raises SettingsError
    without an address, ClickHouseAway if nothing answers, and the driver's DatabaseError for
    what the server refuses (user, password, an unknown database).
    """
    if not settings.url:
        raise SettingsError("clickhouse.url is not set: start `hotline up` or set HOTLINE_CLICKHOUSE__URL")
    url = urlsplit(settings.url)
    for name in ("clickhouse_connect", "urllib3"):  # what they warn of is raised too, and said by whoever asked
        logging.getLogger(name).setLevel(logging.CRITICAL)
    secure = url.scheme == "https"
    try:
        return clickhouse_connect.get_client(
            interface=url.scheme,
            host=url.hostname,
            port=url.port or (8443 if secure else 8123),
            username=settings.user,
            password=settings.password.get_secret_value(),
            database=settings.database if database else "__default__",
            verify=settings.verify,
            ca_cert=str(settings.ca_file) if settings.ca_file else None,
            autogenerate_session_id=False,
            compress=False,  # mostly loopback or one switch away: bytes are cheaper than their compression
            query_limit=0,
            connect_timeout=5,
        )
    except OperationalError as error:
        raise ClickHouseAway(f"ClickHouse does not answer at {settings.url}: {short(error)}") from error


def short(error: BaseException) -> str:
    """One line: what the server said, or else what lies at the bottom of a failure to talk to it."""
    said = next((line for line in str(error).splitlines() if "DB::Exception:" in line), None)
    if said is not None:
        return said.rpartition("DB::Exception:")[2].strip()
    root = error
    while (cause := root.__cause__ or root.__context__) is not None:
        root = cause
    return next(iter(str(root).splitlines()), "") or type(root).__name__
