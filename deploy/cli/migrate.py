"""`hotline migrate`: bring the ClickHouse schema up to date."""

import click

from deploy.cli.clickhouse import client, errors_for_people
from deploy.runtime.run_file import resolve
from deploy.runtime.settings import current
from sinks.clickhouse.migrate import check_schema, migrate


@click.command("migrate")
@click.option(
    "--check", is_flag=True, help="Change nothing; exit 1 and say what to do if the schema is not up to date."
)
def command(check: bool) -> None:
    """Create the database and apply the migrations that are not applied yet; safe to repeat."""
    with errors_for_people():
        if check:
            with client() as found:
                check_schema(found)
            click.echo("the schema is up to date")
            return
        names = migrate(resolve(current(), need=["clickhouse"]))
        click.echo("\n".join(f"applied {name}" for name in names) or "the schema is up to date")
