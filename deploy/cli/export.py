"""`hotline export`: a view's rows of any range of days as a file."""

import os
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import click
from clickhouse_connect.driver.client import Client

from deploy.cli.access import filters_as
from deploy.cli.clickhouse import REFUSED, client, errors_for_people, feed_option, reading
from deploy.runtime.plurals import so_many
from deploy.runtime.settings import current

FORMATS = {"parquet": "Parquet", "csv": "CSVWithNames", "jsonl": "JSONEachRow"}

# view -> what a day of it is: a local day of the hotline, or the day (UTC) of an instant
DAYS = {
    "v_visits": "day",
    "v_cells": "day",
    "v_daily": "day",
    "v_hotline_daily": "day",
    "v_service_level": "day",
    "v_reclassified": "day",
    "v_answer_rate_24h_worst": "day",
    "v_gauges": "toDate(at, 'UTC')",
    "v_forecasts": "toDate(at, 'UTC')",
    "v_signals": "toDate(at, 'UTC')",
    "v_alerts": "toDate(at, 'UTC')",
    "v_alert_controls": "toDate(at, 'UTC')",
    "v_notifications": "toDate(at, 'UTC')",
    "v_alert_feedback": "toDate(at, 'UTC')",
    "v_alert_history": "toDate(fired_at, 'UTC')",
    "v_audit": "toDate(at, 'UTC')",
    "v_source_history": "toDate(at, 'UTC')",
    "v_dead_letters": "toDate(append_time, 'UTC')",
    "v_late_events": "toDate(append_time, 'UTC')",
}
_NO_FEED = frozenset({"v_alert_controls", "v_audit", "v_dead_letters"})
"""What people say of alerts belongs to no feed; of what could not be read the feed may not be known."""

_CHUNK = 1 << 20


def statement(view: str, *, hotline: bool) -> str:
    """SQL of the rows of a view; whatever is asked for is a parameter. `view` is one of `DAYS`."""
    feeds = "feed IN ('', {feed:String})" if view in _NO_FEED else "feed = {feed:String}"
    where = [feeds, f"{DAYS[view]} BETWEEN {{from:Date}} AND {{to:Date}}"]
    if hotline:
        where.append("hotline = {hotline:String}")
    return f"SELECT * FROM {view} WHERE {' AND '.join(where)} ORDER BY ALL"  # noqa: S608


def write(chunks: Iterable[bytes], target: Path) -> int:
    """Write a file whole or not at all: under another name first. Returns its size in bytes."""
    beside = target.with_name(f".{target.name}.part")
    try:
        with beside.open("wb") as file:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
    return target.stat().st_size


def _chunks(found: Client, query: str, parameters: dict[str, object], form: str, filters: str) -> Iterable[bytes]:
    with found.raw_stream(query, parameters, reading(filters), fmt=FORMATS[form]) as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk


def _count(found: Client, query: str, parameters: dict[str, object], filters: str) -> int:
    rows = found.query(f"SELECT count() FROM ({query})", parameters, reading(filters)).result_rows  # noqa: S608
    return int(rows[0][0])


@click.command("export", epilog=f"VIEW is one of {', '.join(DAYS)}.")
@click.argument("view", metavar="VIEW", type=click.Choice(list(DAYS)))
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), required=True, help="First day.")
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Last day, whole.")
@feed_option
@click.option("--hotline", default="", help="Only this hotline.")
@click.option("--as", "who", metavar="NAME", help="Only what web.access lets NAME see.")
@click.option(
    "--format", "form", type=click.Choice(list(FORMATS)), default="parquet", show_default=True, help="Of the file."
)
@click.option(
    "--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="The file; VIEW_FROM_TO.FORMAT unless told."
)
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
def command(
    *,
    view: str,
    first: date,
    last: date,
    feed: str,
    hotline: str,
    who: str | None,
    form: str,
    output: Path | None,
    force: bool,
) -> None:
    """Write the rows of VIEW of a range of days to a file: Parquet unless told.

    \b
    hotline export v_visits --from 2026-11-01 --to 2026-11-30
    hotline export v_cells --from 2026-11-17 --to 2026-11-17 --hotline 12345 --format csv -o cells.csv

    Days are local to the hotline for visits, cells and days, and of UTC for the rest. The file appears when it is whole.
    Exit codes: 0 written, 1 refused by ClickHouse, 2 usage, 3 not reachable.
    """
    begin, end = f"{first:%Y-%m-%d}", f"{last:%Y-%m-%d}"
    if end < begin:
        raise click.UsageError(f"--to {end} lies before --from {begin}")
    target = output or Path(f"{view}_{begin}_{end}.{form}")
    if target.exists() and not force:
        raise click.UsageError(f"{target} is there already: name another with -o, or replace it with --force")
    if hotline and view in {"v_alert_controls", "v_audit", "v_source_history"}:
        raise click.UsageError(f"{view} is not told apart by hotline: leave --hotline out")
    parameters: dict[str, object] = {"feed": feed, "hotline": hotline, "from": begin, "to": end}
    query = statement(view, hotline=bool(hotline))
    filters = filters_as(current(), who) if who is not None else ""
    with errors_for_people(), client() as found:
        number = _count(found, query, parameters, filters)
        try:
            size = write(_chunks(found, query, parameters, form, filters), target)
        except OSError as error:
            click.echo(f"hotline: {target} cannot be written: {error}", err=True)
            raise click.exceptions.Exit(REFUSED) from error
    click.echo(f"{target}: {so_many(number, 'row')}, {so_many(size, 'byte')}")
