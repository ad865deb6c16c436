"""`hotline sinks`: what streams and alerts publish becomes rows in ClickHouse."""

import gc
import sys
from collections.abc import Mapping, Sequence

import structlog
from clickhouse_connect.driver.exceptions import DatabaseError

from deploy.runtime.processor import Record
from deploy.runtime.settings import Settings, SettingsError
from deploy.runtime.sink import Retry, run_sink
from sinks.clickhouse.client import ClickHouseAway, connect, short
from sinks.clickhouse.days import days_by
from sinks.clickhouse.hotlines import write_hotlines
from sinks.clickhouse.inserter import Inserter
from sinks.clickhouse.migrate import SchemaError, check_schema
from sinks.clickhouse.records import GROUP, row_functions
from sinks.clickhouse.term_words import terms_by
from sinks.clickhouse.writer import Writer

LINGER_S = 0.1
EVERY_S = 1.0
"""An insert costs the server 15 ms, and 4 ms more for a thousand rows: of a busy topic one a second."""
# Rows are short-lived and hold no cycles: looking through them for cycles took a third of the writer's time.
GC_THRESHOLD = 100_000

_log = structlog.get_logger()


class CannotStart(Exception):  # noqa: N818  (said to a person, not handled by a program)
    """ClickHouse is away or its schema is another version's; the text says what to do."""


def prepare(settings: Settings) -> None:
    """Check the schema and bring the table of hotlines up to date. Raises CannotStart."""
    try:
        with connect(settings.clickhouse) as client:
            check_schema(client)
            write_hotlines(client, settings)
    except DatabaseError as error:
        raise CannotStart(f"ClickHouse at {settings.clickhouse.url}: {short(error)}") from error
    except (ClickHouseAway, SchemaError) as error:
        raise CannotStart(str(error)) from error


def run(settings: Settings) -> None:
    """Run the writer until SIGTERM; ends with exit code 1 if ClickHouse is away or of another version at start."""
    try:
        terms = terms_by(settings.terms)
        prepare(settings)
    except (CannotStart, SettingsError) as error:
        _log.error("the ClickHouse writer cannot start", reason=str(error))
        sys.exit(1)
    gc.set_threshold(GC_THRESHOLD)

    def inserter() -> Inserter:
        try:
            return Inserter(connect(settings.clickhouse))
        except DatabaseError as error:
            raise ClickHouseAway(short(error)) from error
        except SettingsError as error:  # it was right a moment ago, in `prepare`
            raise ClickHouseAway(str(error)) from error

    functions = row_functions(days_by(lambda hotline: settings.hotline(hotline).zone), terms)
    writer = Writer(functions, inserter)

    async def handle(topic: str, records: Mapping[int, Sequence[Record]]) -> None:
        try:
            await writer.store(topic, records)
        except ClickHouseAway as error:
            raise Retry(str(error)) from error

    run_sink(
        GROUP,
        settings,
        dict.fromkeys(functions, handle),
        health_port=settings.health.sinks_port,
        linger_s=LINGER_S,
        every_s=EVERY_S,
    )
