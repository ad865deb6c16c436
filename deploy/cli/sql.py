"""`hotline sql`: ask ClickHouse."""

import sys

import click

from deploy.cli.clickhouse import FORMATS, ask, client, errors_for_people


def _show(query: str, form: str) -> None:
    with client() as found:
        click.echo(ask(found, query, form), nl=False)


def _prompt(form: str) -> None:
    """Read queries from the terminal, each ended by `;`, until end of input."""
    click.echo("The views are listed by SHOW TABLES; what columns mean by DESCRIBE v_cells. End a query with ';'.")
    lines: list[str] = []
    while True:
        try:
            lines.append(input("     -> " if lines else "hotline> "))
        except EOFError:
            click.echo()
            return
        except KeyboardInterrupt:
            click.echo()
            lines = []
            continue
        if lines[-1].rstrip().endswith(";"):
            query, lines = "\n".join(lines), []
            try:
                with errors_for_people():
                    _show(query, form)
            except click.exceptions.Exit:  # said already; the next query is another matter
                continue


@click.command("sql")
@click.argument("query", required=False)
@click.option("--format", "form", type=click.Choice(list(FORMATS)), default="table", show_default=True)
def command(query: str | None, form: str) -> None:
    r"""Ask ClickHouse: QUERY, or what stands on standard input, or query by query at a terminal.

    \b
    hotline sql "SELECT day, queue, offered, service_level_offered FROM v_daily WHERE feed = 'live'"
    hotline sql "SHOW TABLES LIKE 'v_%'"
    hotline sql "DESCRIBE v_cells" --format csv

    Queries may read only. Exit codes: 0 answered, 1 refused by ClickHouse, 2 usage, 3 not reachable.
    """
    if query is None and sys.stdin.isatty():
        _prompt(form)
        return
    text = query if query is not None else sys.stdin.read()
    if not text.strip().rstrip(";"):
        raise click.UsageError("the query is empty")
    with errors_for_people():
        _show(text, form)
