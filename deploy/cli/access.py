"""`hotline access`: who may see what at the wallboard, and the same for ClickHouse and Grafana."""

import click
import yaml

from deploy.runtime.settings import Settings, current
from sinks.web.people import Person, everyone
from sinks.web.row_filters import as_policies, as_setting, row_filters


def somebody(settings: Settings, name: str) -> Person:
    """Whom settings name so. Raises UsageError for nobody."""
    known = everyone(settings.web.access)
    if name not in known:
        raise click.UsageError(f"web.access names no {name!r}; it names: {', '.join(known) or 'nobody'}")
    return known[name]


def filters_as(settings: Settings, name: str) -> str:
    """`additional_table_filters` of somebody."""
    return as_setting(row_filters(somebody(settings, name), settings), settings.clickhouse.database)


@click.group("access")
def command() -> None:
    """Who may see what: at the wallboard by settings (web.access), in ClickHouse and Grafana by what stands here.

    \b
    hotline access list
    hotline access clickhouse chen | clickhouse-client --user admin --multiquery
    hotline access grafana group:water-desk > provisioning/datasources/water-desk.yaml
    hotline sql --as chen "SELECT * FROM v_daily"
    """


@command.command("list")
def show() -> None:
    """List who is named, and what they may see.

    One line each: name, role, limits.
    """
    for name, one in everyone(current().web.access).items():
        limits = [
            f"{what}: {', '.join(sorted(values))}" for what, values in one.sees._asdict().items() if values is not None
        ]
        click.echo(f"{name}  {one.role}  {'; '.join(limits) or 'everything'}")


@command.command()
@click.argument("name")
def clickhouse(name: str) -> None:
    """Print the SQL of a role for your ClickHouse.

    The role has a row policy on every table, by what NAME (a person, group:…, everybody) may see.

    Give the role, and the profile hotline_reader, to the user that this person, or Grafana for them, logs in as. What a
    later run prints replaces it: run it again when web.access or a queue's centre changed.
    """
    settings = current()
    filters = row_filters(somebody(settings, name), settings)
    where = settings.clickhouse
    for statement in as_policies(filters, where.database, f"hotline_{name}", where.cluster):
        click.echo(f"{statement};")


@command.command()
@click.argument("name")
@click.option("--url", default="http://127.0.0.1:8123", show_default=True, help="The embedded ClickHouse.")
@click.option("--organisation", default=2, show_default=True, help="Grafana's organisation of those who may see this.")
def grafana(name: str, url: str, organisation: int) -> None:
    """Print a data source for Grafana.

    It asks the embedded ClickHouse with the filter of NAME (a person, group:…, everybody).

    Whoever may use a data source may send it any SQL, so those with another filter need an organisation, and a data
    source, of their own. With your own ClickHouse name a user with the role of `hotline access clickhouse` instead.
    """
    settings = current()
    host, _, port = url.rpartition("://")[2].rstrip("/").partition(":")
    source = {
        "name": "Hotline ClickHouse",
        "uid": "hotline-clickhouse",
        "orgId": organisation,
        "type": "grafana-clickhouse-datasource",
        "isDefault": True,
        "editable": False,
        "jsonData": {
            "version": "4.20.0",
            "host": host,
            "port": int(port or 8123),
            "protocol": "http",
            "secure": False,
            "username": "reader",
            "defaultDatabase": settings.clickhouse.database,
            "customSettings": [{"setting": "additional_table_filters", "value": filters_as(settings, name)}],
        },
    }
    click.echo(
        yaml.safe_dump({"apiVersion": 1, "datasources": [source]}, sort_keys=False, allow_unicode=True), nl=False
    )
