"""`hotline report`: a day or a week of a hotline as a page to read or print."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import click

from deploy.cli.clickhouse import client, errors_for_people, feed_option, not_known
from deploy.cli.export import write
from deploy.runtime.plurals import so_many
from deploy.runtime.settings import Settings, current
from sinks.report.figures import Span, read
from sinks.report.page import Page
from sinks.report.words import Language


def _week(text: str) -> date:
    """The Monday of an ISO week (2026-W47)."""
    try:
        return datetime.strptime(f"{text}-1", "%G-W%V-%u").replace(tzinfo=UTC).date()
    except ValueError as error:
        raise click.UsageError(f"--week {text}: write an ISO week, 2026-W47") from error


def hotline_of(settings: Settings, told: str) -> str:
    """The hotline that is meant: the one told, else the only one. Raises UsageError."""
    found = told or settings.only_hotline
    if not found:
        known = ", ".join(settings.hotlines) or "none"
        raise click.UsageError(f"--hotline says of which one; settings name {known}")
    return found


@click.command("report")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="A local day of the hotline.")
@click.option("--week", metavar="YYYY-Www", help="An ISO week, Monday to Sunday.")
@click.option("--hotline", default="", help="Which hotline; the one of settings if there is one.")
@feed_option
@click.option("--language", type=click.Choice(["en", "zh"]), default="en", show_default=True, help="Of the page.")
@click.option(
    "--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="The file; HOTLINE_DAY.html unless told."
)
def command(
    *, day: datetime | None, week: str | None, hotline: str, feed: str, language: Language, output: Path | None
) -> None:
    """Write a summary as one HTML file: what came in, was the promise kept, where not, and which alerts fired.

    \b
    hotline report --day 2026-11-17 --hotline 12345
    hotline report --week 2026-W47 --hotline 12345 --language zh -o week.html

    Figures are those of v_hotline_daily and v_daily; a week's ratios are of its sums. Nothing in the file is fetched from
    elsewhere; print it from the browser. Exit codes: 0 written, 1 refused by ClickHouse, 2 usage, 3 not reachable.
    """
    if (day is None) == (week is None):
        raise click.UsageError("say --day or --week")
    settings = current()
    name = hotline_of(settings, hotline)
    promised = settings.hotline(name)
    first = day.date() if day is not None else _week(week or "")
    last = first if day is not None else first + timedelta(days=6)
    span = Span(feed, name, first, last, promised.time_zone)
    with errors_for_people(), client() as found:
        report = read(found, span, promised.thresholds_s[0], promised.target)
        if not report.total.calls and name not in settings.hotlines and (why := not_known(found, feed, name)):
            raise click.UsageError(why)
    names = {queue: told.name.get(language, "") for queue, told in promised.queues.items()}
    page = Page(report, names | {"": promised.name.get(language, "")}, language).html(datetime.now(UTC))
    target = output or Path(f"{name}_{first if day is not None else week}.html".replace("/", "_"))
    try:
        write([page.encode()], target)
    except OSError as error:
        raise click.UsageError(f"{target} cannot be written: {error.strerror}") from error
    click.echo(f"{target}: {so_many(report.total.calls, 'call')} offered")
