"""`hotline terms`: which words of a text are terms, and the terms of stored visits made anew."""

from datetime import datetime

import click

from deploy.cli.clickhouse import client, errors_for_people
from deploy.runtime.plurals import so_many
from deploy.runtime.settings import SettingsError, current
from sinks.clickhouse.remade_terms import remake
from sinks.clickhouse.term_words import terms_by
from sinks.clickhouse.terms import Terms

USAGE = 2


@click.group("terms")
def command() -> None:
    """Terms are what `v_emerging` counts of the text of calls.

    The settings `terms.dictionary` and `terms.stop_words` name words that always are terms, or never.
    """


@command.command("of")
@click.argument("text")
def of(text: str) -> None:
    """Print the terms of TEXT, one a line.

    A trial of the settings: nothing is stored.
    """
    for term in _terms()(text):
        click.echo(term)


@command.command("remake")
@click.option("--from", "first", required=True, type=click.DateTime(["%Y-%m-%d"]), help="First local day.")
@click.option("--to", "last", required=True, type=click.DateTime(["%Y-%m-%d"]), help="Last local day.")
def remake_(first: datetime, last: datetime) -> None:
    """Make the terms of stored visits anew.

    For when the words of the settings were changed; restart `hotline sinks` first.
    """
    if last < first:
        raise click.UsageError("--to is before --from")
    terms = _terms()
    with errors_for_people(), client() as found:
        done = remake(found, terms, first.date(), last.date())
    click.echo(f"{so_many(done.looked_at, 'visit')} with a text, {done.changed:,} with other terms now")


def _terms() -> Terms:
    try:
        return terms_by(current().terms)
    except SettingsError as error:
        click.echo(f"hotline terms: {error}", err=True)
        raise click.exceptions.Exit(USAGE) from error
