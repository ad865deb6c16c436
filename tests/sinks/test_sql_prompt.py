r"""`hotline sql` at a terminal: what is completed, what `\d` tells, and a whole conversation."""

from collections.abc import Callable

import click
import pytest
from click.testing import CliRunner
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

import deploy.cli.clickhouse
import deploy.cli.sql
from deploy.cli.main import cli
from deploy.cli.sql_prompt import Prompt, _Words, history
from deploy.cli.sql_words import Catalogue, Column, described, read_catalogue, suggestions
from sinks.clickhouse.saved_queries import saved_queries

CATALOGUE = Catalogue(
    {"v_cells": "one row per minute and key", "v_visits": "one row per stay"},
    {
        "v_cells": (Column("minute", "DateTime", "start of the minute"), Column("offered", "UInt64", "visits queued")),
        "v_visits": (Column("visit", "String", "its id"), Column("outcome", "String", "what became of it")),
    },
)


def words(before: str, after: str = "") -> list[str]:
    return [found.word for found in suggestions(before, before + after, CATALOGUE, saved_queries(), "en")]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("SELECT * FROM v_", "", ["v_cells", "v_visits"]),
        ("SELECT * FROM ", "", ["v_cells", "v_visits"]),
        ("select x from v_cells join v_v", "", ["v_visits"]),
        ("SELECT off", " FROM v_cells", ["offered"]),
        ("SELECT off", " FROM v_visits", []),
        ("SELECT out", "", ["outcome"]),
        ("SELECT v_cells.min", " FROM v_cells", ["minute", "min("]),
        ("SELECT uniq", " FROM v_cells", ["uniqExact("]),
        ("SELECT offered FROM v_cells WH", "", ["WHERE", "WHEN"]),
        ("SELECT ", "", []),
        ("\\", "", ["\\d", "\\l", "\\s", "\\r", "\\f", "\\?", "\\q"]),
        ("\\d v_c", "", ["v_cells"]),
        ("\\r worst", "", ["worst-24h", "worst-quarters"]),
        ("\\f j", "", ["json", "jsonl"]),
    ],
)
def test_what_may_come_next(before: str, after: str, expected: list[str]) -> None:
    assert sorted(words(before, after)) == sorted(expected)


def test_of_a_saved_query_what_may_be_set() -> None:
    names = {parameter.name for parameter in saved_queries()["spike"].parameters}
    assert {word.rstrip("=") for word in words("\\r spike ")} == names
    assert words("\\r spike ho") == [name for name in ("hotline=", "hour_from=", "hour_to=") if name[:-1] in names]


def test_a_word_says_what_it_means_and_replaces_what_was_begun() -> None:
    document = Document("SELECT off FROM v_cells", cursor_position=len("SELECT off"))
    [found] = _Words(CATALOGUE, {}, "en").get_completions(document, CompleteEvent())
    assert (found.text, found.start_position) == ("offered", -3)
    assert found.display_meta_text == "UInt64  visits queued"


def test_a_view_is_told_column_by_column() -> None:
    assert described(CATALOGUE, "") == "v_cells   one row per minute and key\nv_visits  one row per stay\n"
    lines = described(CATALOGUE, "v_cells").splitlines()
    assert lines == [
        "v_cells: one row per minute and key",
        "minute   DateTime  start of the minute",
        "offered  UInt64    visits queued",
    ]
    with pytest.raises(LookupError, match="there are v_visits"):
        described(CATALOGUE, "visits")


def test_what_was_asked_is_kept_for_its_owner_alone(tmp_path) -> None:
    kept = history(tmp_path)
    kept.store_string("SELECT 1;")
    assert list(history(tmp_path).load_history_strings()) == ["SELECT 1;"]
    assert (tmp_path / "sql-history").stat().st_mode & 0o077 == 0
    assert list(history(tmp_path / "absent").load_history_strings()) == []


def talk(typed: str, ask: Callable[[str, str], None], run=lambda *_: None) -> None:
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        keys.send_text(typed)
        prompt = Prompt(CATALOGUE, saved_queries(), ask, run, form="table")
        prompt.loop(lambda: click.echo("LISTED"), lambda query: click.echo(f"SHOWN {query.name}"))


def test_a_conversation(capsys) -> None:
    asked: list[tuple[str, str]] = []
    ran: list[tuple[str, tuple[str, ...], str]] = []
    typed = "SELECT 1,\r2;\r\\f csv\rSELECT 3;\r\\d v_cells\r\\d v_none\r\\l\r\\s spike\r\\r spike day=today hour_to=12\r\\what\r;\r\\q\r"
    talk(typed, lambda *told: asked.append(told), lambda *told: ran.append(told))
    assert asked == [("SELECT 1,\n2;", "table"), ("SELECT 3;", "csv")]
    assert ran == [("spike", ("day=today", "hour_to=12"), "csv")]
    said = capsys.readouterr()
    assert "offered  UInt64    visits queued" in said.out
    assert "LISTED\nSHOWN spike\n" in said.out
    assert "\\q   leave" in said.out
    assert "no view v_none" in said.err


def test_a_query_that_is_refused_ends_no_conversation() -> None:
    asked: list[str] = []

    def ask(query: str, form: str) -> None:
        asked.append(query)
        raise click.exceptions.Exit(1)

    talk("SELECT nonsense;\rSELECT 2;\r\x04", ask)
    assert asked == ["SELECT nonsense;", "SELECT 2;"]


@pytest.mark.clickhouse
def test_in_clickhouse_every_view_and_column_says_what_it_is(client, settings, monkeypatch) -> None:
    catalogue = read_catalogue(client)
    assert len(catalogue.views) > 20
    assert set(catalogue.views) == set(catalogue.columns)
    assert all(catalogue.views.values())
    monkeypatch.setattr(deploy.cli.clickhouse, "current", lambda: settings)
    monkeypatch.setattr(deploy.cli.clickhouse, "resolve", lambda found, **_: found)
    told = CliRunner().invoke(cli, ["sql", "\\d v_daily"])
    assert told.exit_code == 0, told.stderr
    assert told.output == described(catalogue, "v_daily")
    wrong = CliRunner().invoke(cli, ["sql", "\\d nothing"])
    assert (wrong.exit_code, "no view nothing" in wrong.stderr) == (2, True)


@pytest.mark.clickhouse
def test_an_analyst_names_clickhouse_and_no_kafka(client, settings, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(deploy.cli.clickhouse, "current", lambda: settings.model_copy(update={"data_dir": tmp_path}))
    assert settings.kafka.bootstrap == ""
    asked = CliRunner().invoke(cli, ["sql", "SELECT 7 AS seven", "--format", "csv"])
    assert (asked.exit_code, asked.output) == (0, '"seven"\n7\n')
