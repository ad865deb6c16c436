"""`hotline migrate`, `hotline sql` and `hotline dead-letter list`, as people run them."""

import csv
import io
import json

import click
import pytest
from click.testing import CliRunner
from clickhouse_connect.driver.exceptions import DatabaseError

import deploy.cli.clickhouse
import deploy.cli.migrate
from deploy.cli.main import cli
from deploy.runtime.settings import ClickHouse, Settings
from streams.contract import DeadLetter

NOON = 1_767_240_000_000


@pytest.fixture
def pointing_at(monkeypatch):
    """Make the commands use these settings."""

    def pointing_at_(found):
        for module in (deploy.cli.clickhouse, deploy.cli.migrate):
            monkeypatch.setattr(module, "current", lambda: found)
            monkeypatch.setattr(module, "resolve", lambda settings, **_: settings)

    return pointing_at_


def run(*args, text=None):
    return CliRunner().invoke(cli, list(args), input=text)


def every_command(group=cli, named=()):
    """The names of every command there is, those of groups too."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from every_command(command, (*named, name))
        yield (*named, name)


def test_help_says_what_a_command_is_for():
    for command in every_command():
        result = run(*command, "--help")
        assert result.exit_code == 0
        assert len(result.output.splitlines()) > 4, command
        assert "\\b" not in result.output, f"{command}: a mark for click is printed instead of obeyed"


def test_nobody_there_is_exit_code_3(pointing_at, unused_tcp_port):
    pointing_at(Settings(clickhouse=ClickHouse(url=f"http://127.0.0.1:{unused_tcp_port}")))
    for command in (["sql", "SELECT 1"], ["migrate"], ["migrate", "--check"], ["dead-letter", "list"]):
        result = run(*command)
        assert result.exit_code == 3
        assert result.stderr.startswith(f"hotline: ClickHouse does not answer at http://127.0.0.1:{unused_tcp_port}")
        assert len(result.stderr.splitlines()) == 1


def test_who_is_not_let_in_is_told_what_to_set():
    answer = "Code: 516. DB::Exception: hotline: Authentication failed: password is incorrect. (AUTHENTICATION_FAILED)"
    said = deploy.cli.clickhouse.refusal(DatabaseError(answer))
    assert said.startswith("hotline: Authentication failed")
    assert "HOTLINE_CLICKHOUSE__PASSWORD" in said
    assert "PASSWORD" not in deploy.cli.clickhouse.refusal(DatabaseError("DB::Exception: no such table"))


@pytest.mark.clickhouse
class TestInClickHouse:
    @pytest.fixture(autouse=True)
    def _here(self, client, settings, pointing_at):
        pointing_at(settings)

    def test_answers_come_in_the_format_asked_for(self):
        def answer(form):
            result = run("sql", "SELECT 'a,b' AS name, '投诉' AS topic;", "--format", form)
            assert result.exit_code == 0, result.stderr
            return result.output

        assert list(csv.reader(io.StringIO(answer("csv")))) == [["name", "topic"], ["a,b", "投诉"]]
        assert json.loads(answer("json")) == [{"name": "a,b", "topic": "投诉"}]
        assert json.loads(answer("jsonl")) == {"name": "a,b", "topic": "投诉"}

    def test_a_table_for_people_has_no_colours(self):
        result = run("sql", "SELECT 1 AS one")
        assert "one" in result.output
        assert "\x1b" not in result.output

    def test_a_table_without_rows_is_said_to_be_one(self):
        for query in (("sql", "SELECT 1 WHERE 0"), ("dead-letter", "list", "--reason", "schema")):
            result = run(*query)
            assert (result.exit_code, result.stdout, result.stderr[:3]) == (0, "", "no ")
            assert run(*query, "--format", "csv").stderr == ""

    def test_the_query_may_come_from_standard_input(self):
        assert run("sql", "--format", "csv", text="-- a comment\nSELECT 2 AS two;\n").output.split() == ['"two"', "2"]

    def test_several_queries_are_answered_one_after_the_other_until_one_is_refused(self):
        text = "SELECT 1 AS one; -- and\nSELECT ';' AS two;\n/* no more; */;"
        for result in (run("sql", "--format", "csv", text), run("sql", "--format", "csv", text=text)):
            assert (result.exit_code, result.output.split()) == (0, ['"one"', "1", '"two"', '";"'])
        result = run("sql", "--format", "csv", text="SELECT 1 AS one; SELECT nonsense FROM v_cells; SELECT 3 AS three")
        assert (result.exit_code, result.stdout.split(), len(result.stderr.splitlines())) == (1, ['"one"', "1"], 1)
        assert "nonsense" in result.stderr

    def test_a_comment_may_follow_a_query(self):
        assert run("sql", "--format", "csv", "SELECT 2 AS two; -- a comment").output.split() == ['"two"', "2"]

    def test_an_empty_query_is_a_matter_of_usage(self):
        for text in (" ;\n", "-- nothing\n", ""):
            assert run("sql", text=text).exit_code == 2

    def test_a_format_in_the_query_is_refused_with_the_option_that_says_it(self):
        result = run("sql", "SELECT 1 AS one FORMAT Vertical;")
        assert (result.exit_code, "leave FORMAT Vertical out: --format" in result.stderr) == (2, True)
        assert run("sql", "SELECT 2 AS format ORDER BY format DESC", "--format", "csv").output.split() == [
            '"format"',
            "2",
        ]

    def test_what_clickhouse_refuses_is_one_line_and_exit_code_1(self):
        result = run("sql", "SELECT nonsense FROM v_cells")
        assert (result.exit_code, result.output, len(result.stderr.splitlines())) == (1, result.stderr, 1)
        assert "nonsense" in result.stderr

    def test_queries_may_only_read(self, select):
        result = run("sql", "INSERT INTO hotlines (hotline) SELECT 'x'")
        assert result.exit_code == 1
        assert select("SELECT count() AS n FROM hotlines WHERE hotline = 'x'") == [{"n": 0}]

    def test_migrate_says_what_it_did(self, client):
        assert run("migrate").output == "the schema is up to date\n"
        assert run("migrate", "--check").exit_code == 0
        client.command("DELETE FROM schema_migrations WHERE name LIKE '0007%'")
        checked = run("migrate", "--check")
        assert (checked.exit_code, "run `hotline migrate`" in checked.stderr) == (1, True)
        assert run("migrate").output == "applied 0007_gauges\n"

    def test_dead_letters_are_listed_newest_first_and_by_reason(self, store):
        def letter(offset, reason):
            return DeadLetter(
                topic="hotline.calls", partition=1, offset=offset, reason=reason, preview="tel ###", source="pbx",
                append_time=NOON + offset,
            )  # fmt: skip

        store(letter(1, "not_json"), letter(2, "future"), letter(3, "late"), letter(4, "not_json"))

        def listed(*args):
            return [
                json.loads(line) for line in run("dead-letter", "list", "--format", "jsonl", *args).output.splitlines()
            ]

        assert [row["position"] for row in listed()] == [f"hotline.calls/1/{offset}" for offset in (4, 2, 1)]
        assert [row["reason"] for row in listed("--reason", "future")] == ["future"]
        assert [row["preview"] for row in listed("--reason", "late")] == ["tel ###"]
        assert len(listed("--limit", "1")) == 1
