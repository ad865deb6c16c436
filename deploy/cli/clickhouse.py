"""What the commands that ask ClickHouse share: a client, output formats, and errors for people."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import click
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from deploy.runtime.run_file import Part, resolve
from deploy.runtime.settings import current
from sinks.clickhouse.client import ClickHouseAway, connect, short
from sinks.clickhouse.migrate import SchemaError
from streams.contract.events import LIVE

_NEED: tuple[Part, ...] = ("clickhouse",)  # an analyst has no Kafka to name
_MOST_NAMES = 20
REFUSED = 1
NOT_REACHABLE = 3

FORMATS = {
    "table": "PrettyCompactMonoBlock",
    "csv": "CSVWithNames",
    "json": "JSONEachRow",
    "jsonl": "JSONEachRow",
}
format_option = click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    default="table",
    show_default=True,
    help="How rows are printed.",
)
feed_option = click.option(
    "--feed", default=LIVE, show_default=True, help="Whose numbers: live, or the name of a replay."
)
_FORMAT = re.compile(r"\bFORMAT\s+(?!ASC$|DESC$)\w+$", re.IGNORECASE)
_AS_WRITTEN = {
    "output_format_pretty_color": 0,
    "output_format_pretty_row_numbers": 0,
    "output_format_pretty_single_large_number_tip_threshold": 0,
}


def _end(message: str, code: int) -> NoReturn:
    click.echo(f"hotline: {message}", err=True)
    raise click.exceptions.Exit(code)


@contextmanager
def errors_for_people() -> Iterator[None]:
    """Turn what may go wrong into one line and an exit code: 1 refused, 3 not reachable."""
    try:
        yield
    except ClickHouseAway as error:
        _end(str(error), NOT_REACHABLE)
    except SchemaError as error:
        _end(str(error), REFUSED)
    except ClickHouseError as error:
        _end(refusal(error), REFUSED)


def refusal(error: ClickHouseError) -> str:
    """One line: what ClickHouse said, and what to set if it does not know us."""
    text = short(error)
    if "AUTHENTICATION_FAILED" not in text:
        return text
    return (
        f"{text}: set HOTLINE_CLICKHOUSE__USER and HOTLINE_CLICKHOUSE__PASSWORD (or HOTLINE_CLICKHOUSE__PASSWORD_FILE)"
    )


@contextmanager
def client() -> Iterator[Client]:
    """A client for the ClickHouse that settings name, or the one of the running `hotline up`."""
    with connect(resolve(current(), need=_NEED).clickhouse) as found:
        yield found


def reading(filters: str = "") -> dict[str, object]:
    """Settings of a query that may read only; with `filters` (of tables), what they leave."""
    return {"additional_table_filters": filters, "readonly": 1} if filters else {"readonly": 2}


def ask(found: Client, query: str, form: str, parameters: dict[str, object] | None = None, *, filters: str = "") -> str:
    """The answer to a query as text in one of `FORMATS`; the query may read only, and only what `filters` leave."""
    settings: dict[str, object] = {**_AS_WRITTEN, **reading(filters)}
    if form == "json":
        settings["output_format_json_array_of_rows"] = 1
    text = query.strip().rstrip(";").rstrip()
    if named := _FORMAT.search(text):
        raise click.UsageError(f"leave {named[0]} out: --format says how the answer is written ({', '.join(FORMATS)})")
    return bytes(found.raw_query(text, parameters, settings, fmt=FORMATS[form])).decode("utf-8", "replace")


def print_rows(text: str, form: str, nothing: str) -> None:
    """Print an answer; where a table has no row, what that means goes to stderr."""
    click.echo(text, nl=False)
    if form == "table" and not text:
        click.echo(nothing, err=True)


def not_known(found: Client, feed: str, hotline: str, queue: str = "") -> str:
    """Why nothing is counted for a hotline, or a queue of it: the feed never named it; else empty."""
    name, wanted = ("queue", queue) if queue else ("hotline", hotline)
    rows = found.query(
        f"SELECT DISTINCT {name} FROM v_cells WHERE feed = {{feed:String}} AND dimension_set = {{name:String}} "  # noqa: S608
        f"{'AND hotline = {hotline:String} ' if queue else ''}ORDER BY {name}",
        {"feed": feed, "name": name, "hotline": hotline},
    ).result_rows
    known = [str(value) for (value,) in rows if value]
    if wanted in known:
        return ""
    shown = ", ".join(known[:_MOST_NAMES]) + (", …" if len(known) > _MOST_NAMES else "")
    return f"nothing was told of {name} {wanted} in feed {feed}; there are: {shown or 'none'}"
