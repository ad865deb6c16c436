"""`hotline sql`: ask ClickHouse, in one's own words or by a saved query."""

import sys
from datetime import UTC, datetime

import click
import orjson

from deploy.cli.access import filters_as
from deploy.cli.clickhouse import ask, client, errors_for_people, format_option, print_rows
from deploy.cli.sql_words import described, read_catalogue
from deploy.embedded.clickhouse_server.tokens import Token, tokens
from deploy.runtime.settings import current
from sinks.clickhouse.saved_queries import QueryError, SavedQuery, saved_queries, saved_query, values, words_of


def _statements(text: str) -> list[str]:
    """The statements between `;`, without the comments around them."""
    sql = text.encode()
    found: list[list[Token]] = [[]]
    for token in tokens(sql):
        if (token.kind, token.text) == ("mark", ";"):
            found.append([])
        else:
            found[-1].append(token)
    return [sql[its[0].start : its[-1].end].decode() for its in found if its]


def _show(text: str, form: str, filters: str, parameters: dict[str, object] | None = None) -> None:
    """Ask one statement after the other; the first that is refused is the last."""
    with client() as found:
        for query in _statements(text):
            print_rows(ask(found, query, form, parameters, filters=filters), form, "no rows")


def _prompt(form: str, filters: str) -> None:
    """Query by query at the terminal."""
    from deploy.cli.sql_prompt import Prompt, history  # noqa: PLC0415  (nobody else needs the library)

    def query(text: str, form: str) -> None:
        with errors_for_people():
            _show(text, form, filters)

    def run(name: str, parameters: tuple[str, ...], form: str) -> None:
        with errors_for_people():
            _run(name, _given(parameters), form, filters)

    with errors_for_people(), client() as found:
        catalogue = read_catalogue(found)
    prompt = Prompt(catalogue, saved_queries(), query, run, form=form, kept=history(current().data_dir))
    prompt.loop(lambda: _list("table"), _describe)


def _what_there_is(name: str) -> None:
    with errors_for_people(), client() as found:
        catalogue = read_catalogue(found)
    try:
        click.echo(described(catalogue, name), nl=False)
    except LookupError as error:
        raise click.UsageError(str(error.args[0])) from error


def _list(form: str) -> None:
    """All saved queries: name and both titles."""
    found = saved_queries().values()
    if form in {"json", "jsonl"}:
        rows = [
            {"name": q.name, **q.titles, "about": q.about, "parameters": [p._asdict() for p in q.parameters]}
            for q in found
        ]
        click.echo("\n".join(orjson.dumps(row).decode() for row in rows) if form == "jsonl" else orjson.dumps(rows))
        return
    width = max(len(query.name) for query in found)
    for query in found:
        click.echo(f"{query.name:{width}}  {query.titles['en']} {query.titles['zh']}")
    click.echo("\nhotline sql --show NAME tells what may be set, hotline sql --run NAME --param k=v asks.")


def _describe(query: SavedQuery) -> None:
    """What it answers, what may be set, and its SQL."""
    click.echo(f"{query.name}: {query.titles['en']} {query.titles['zh']}\n{query.about}\n")
    for p in query.parameters:
        click.echo(f"  --param {p.name}={p.default or chr(39) * 2}  {p.meaning} ({p.type})")
    click.echo(f"\n{query.sql}")


def _given(parameters: tuple[str, ...]) -> dict[str, str]:
    given = {}
    for text in parameters:
        name, equals, value = text.partition("=")
        if not equals:
            raise click.UsageError(f"--param {text}: write name=value")
        given[name] = value
    return given


def _run(name: str, given: dict[str, str], form: str, filters: str) -> None:
    query = saved_query(name)
    words = words_of(current(), given.get("hotline", ""), datetime.now(UTC))
    _show(query.sql, form, filters, dict(values(query, given, words)))


@click.command("sql")
@click.argument("query", required=False)
@format_option
@click.option("--list", "listed", is_flag=True, help="List the saved queries.")
@click.option("--show", metavar="NAME", help="What a saved query answers, what may be set, its SQL.")
@click.option("--run", "name", metavar="NAME", help="Ask a saved query.")
@click.option("--as", "who", metavar="NAME", help="See only what web.access lets NAME see.")
@click.option("--param", "-p", "parameters", multiple=True, metavar="K=V", help="A parameter of the query ({K:Type}).")
def command(
    *,
    query: str | None,
    form: str,
    listed: bool,
    show: str | None,
    name: str | None,
    who: str | None,
    parameters: tuple[str, ...],
) -> None:
    """Ask ClickHouse: QUERY, or what stands on standard input, or query by query at a terminal; several are ended by ;

    \b
    hotline sql "SELECT day, queue, offered, service_level_offered FROM v_daily WHERE feed = 'live'"
    hotline sql "SELECT * FROM v_visits WHERE call = {call:String}" --param call=pbx1-0042
    hotline sql "\\d"
    hotline sql "\\d v_cells"
    hotline sql --list
    hotline sql --run worst-quarters --param from=2026-11-01 --param limit=5
    hotline sql --as chen "SELECT * FROM v_daily"

    Dates of saved queries may be today, today-7 or month (its first day), local to the hotline. Queries may read only.
    Exit codes: 0 answered, 1 refused by ClickHouse, 2 usage, 3 not reachable.
    """
    if sum((query is not None, listed, show is not None, name is not None)) > 1:
        raise click.UsageError("QUERY, --list, --show and --run are four ways: choose one")
    given = _given(parameters)
    filters = filters_as(current(), who) if who is not None else ""
    try:
        if listed:
            _list(form)
            return
        if show is not None:
            _describe(saved_query(show))
            return
        if name is not None:
            with errors_for_people():
                _run(name, given, form, filters)
            return
    except QueryError as error:
        raise click.UsageError(str(error)) from error
    if query is not None and query.split()[:1] == ["\\d"]:
        _what_there_is(query.strip().rstrip(";").removeprefix("\\d").strip())
        return
    if query is None and sys.stdin.isatty():
        _prompt(form, filters)
        return
    text = query if query is not None else sys.stdin.read()
    if not _statements(text):
        raise click.UsageError("the query is empty")
    with errors_for_people():
        _show(text, form, filters, dict(given))
