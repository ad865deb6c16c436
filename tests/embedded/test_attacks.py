"""What somebody who may only read tries: reading round a filter, through system tables, changing, breaking out of text.

Two calls of two hotlines lie in a table behind a view; the reader's data source has a filter that shows the first.
"""

import http.client
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

import clickhouse_connect
import pytest

from deploy.cli.export import statement
from deploy.runtime.settings import Settings
from sinks.clickhouse.saved_queries import saved_queries, values, words_of

pytestmark = pytest.mark.clickhouse

SEEN, HIDDEN = "caller-one", "caller-two"
Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def database(clickhouse_url: str) -> Iterator[str]:
    name = f"attacks_{uuid4().hex[:8]}"
    with clickhouse_connect.get_client(dsn=clickhouse_url) as client:
        client.command(f"CREATE DATABASE {name}")
        client.command(f"CREATE TABLE {name}.visits (hotline String, caller String) ENGINE = MergeTree ORDER BY caller")
        client.command(
            f"INSERT INTO {name}.visits VALUES ('12345', '{SEEN}'), ('12367', '{HIDDEN}'), ('12367', 'x'), ('12367', 'y')"
        )
        client.command(f"CREATE VIEW {name}.v_visits AS SELECT * FROM {name}.visits")
        yield name
        client.command(f"DROP DATABASE {name}")


@pytest.fixture
def ask(clickhouse_url: str, database: str) -> Ask:
    """`ask(sql)` as Grafana's data source asks -> (status, exception code, body)."""

    def request(sql: str, **args: str) -> tuple[int, str, str]:
        connection = http.client.HTTPConnection(urlsplit(clickhouse_url).netloc, timeout=60)
        theirs = {
            "user": "reader",
            "database": database,
            "additional_table_filters": f"{{'{database}.visits': 'hotline = ''12345'''}}",
        }
        connection.request("POST", f"/?{urlencode(theirs | args)}", body=sql.replace("DB", database).encode())
        response = connection.getresponse()
        answer = response.status, response.headers.get("X-ClickHouse-Exception-Code", ""), response.read().decode()
        connection.close()
        return answer

    return request


def test_the_filter_holds_in_plain_reading(ask: Ask) -> None:
    for table in (
        "visits",
        "v_visits",
        "DB.v_visits",
        '`DB`."visits"',
        "(SELECT * FROM visits AS a)",
        "view(SELECT * FROM visits)",
    ):
        assert ask(f"SELECT caller FROM {table} ORDER BY caller") == (200, "", f"{SEEN}\n"), table
    assert ask("SELECT count(), max(caller) FROM visits")[2] == f"1\t{SEEN}\n"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM merge('DB', '^visits$')",
        "SELECT * FROM mergeTreeIndex('DB', 'visits')",
        "SELECT * FROM mergeTreeProjection('DB', 'visits', 'p')",
        "SELECT * FROM mergeTreeParts('DB', 'visits')",
        "SELECT * FROM loop('DB', 'visits')",
        "SELECT * FROM remote('127.0.0.1', 'DB', 'visits')",
        "SELECT * FROM cluster('default', 'DB', 'visits')",
        "SELECT * FROM clusterAllReplicas('default', DB.visits)",
        "SELECT * FROM dictionary('visits')",
        "SELECT * FROM file('/etc/hostname', 'LineAsString')",
        "SELECT * FROM `/etc/hostname`",
        "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
        "SELECT * FROM visits SETTINGS additional_table_filters = {}",
        "SELECT * FROM visits SETTINGS readonly = 0",
        "SET additional_table_filters = {}",
        "SELECT * FROM system.parts",
        "SELECT * FROM system . parts_columns",
        'SELECT * FROM "system"."processes"',
        "SELECT * FROM `system`.user_processes",
        "SELECT * FROM SYSTEM.query_log",
        "SELECT * FROM system/* */.query_cache",
        "SELECT * FROM system.statements",
        "SELECT * FROM system.user_query_log",
        "SELECT * FROM system.remote_data_paths",
        "SELECT * FROM system.stack_trace",
        "SELECT 1 WHERE 'x' IN system.users",
        "SELECT (SELECT any(query) FROM system.processes)",
        "WITH p AS (SELECT * FROM system.parts) SELECT * FROM p",
        "SELECT * FROM view(SELECT * FROM system.parts)",
        "SHOW PROCESSLIST",
        "SHOW FULL PROCESSLIST",
        "EXPLAIN ESTIMATE SELECT * FROM visits",
        "INSERT INTO visits VALUES ('12345', 'z')",
        "ALTER TABLE visits DELETE WHERE 1",
        "DROP TABLE visits",
        "CREATE TABLE mine ENGINE = Memory AS SELECT * FROM visits",
        "CREATE TEMPORARY TABLE mine AS SELECT * FROM visits",
        "SELECT caller FROM visits INTO OUTFILE '/tmp/hotline-attack'",
        "SELECT 1; SELECT * FROM system.parts",
    ],
)
def test_ways_round_are_refused(ask: Ask, sql: str) -> None:
    status, code, body = ask(sql)
    assert status >= 400, body
    assert code
    assert HIDDEN not in body


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("database", "system"),
        ("additional_table_filters", "{'system.tables': '1'}"),
        ("additional_table_filters", "visits"),
        ("readonly", "0"),
        ("max_memory_usage", "0"),
        ("max_result_rows", "0"),
        ("allow_ddl", "1"),
        ("additional_result_filter", "1"),
    ],
)
def test_settings_of_the_address_give_nothing_more(ask: Ask, name: str, value: str) -> None:
    status, _, body = ask("SELECT caller FROM visits; " if name != "readonly" else "DROP TABLE visits", **{name: value})
    assert status >= 400, body
    assert HIDDEN not in body


def test_lists_of_tables_tell_nothing_of_what_is_hidden(ask: Ask) -> None:
    assert ask("SELECT name, total_rows FROM system.tables WHERE database = 'DB'")[2] == "v_visits\t\\N\n"
    assert ask("SHOW TABLES")[2] == "v_visits\n"
    assert ask("SELECT DISTINCT table FROM system.columns WHERE database = 'DB'")[2] == "v_visits\n"
    assert (
        ask("SELECT table_name, table_rows FROM information_schema.tables WHERE table_schema = 'DB'")[2]
        == "v_visits\t\\N\n"
    )


NASTY = (
    "x' OR 1=1 --", "x\\' OR 1=1 --", "') UNION ALL SELECT * FROM visits --", "{hotline:String}", "'; DROP TABLE visits; --",
    "\x00", "%27 OR 1", "x\nUNION ALL SELECT 1", "𝒙" * 300, "$$", "/*", "\\",
)  # fmt: skip


@pytest.mark.parametrize("value", NASTY)
def test_a_parameter_stays_a_value(clickhouse_url: str, database: str, value: str) -> None:
    with clickhouse_connect.get_client(dsn=clickhouse_url, database=database) as client:
        sql = "SELECT count() FROM visits WHERE hotline = {value:String} OR caller = {value:String}"
        assert client.query(sql, parameters={"value": value}).result_rows == [(0,)]
        assert client.query("SELECT {value:String}", parameters={"value": value}).result_rows == [(value,)]
        assert client.query("SELECT count() FROM visits").result_rows == [(4,)]


def test_no_text_of_an_asker_becomes_part_of_a_saved_query_or_an_export() -> None:
    words = words_of(Settings(), "", datetime(2026, 3, 10, tzinfo=UTC))
    assert len(saved_queries()) >= 20
    for query in saved_queries().values():
        for parameter in query.parameters:
            if parameter.type == "String":
                given = values(query, {parameter.name: NASTY[0]}, words)
                assert given[parameter.name] == NASTY[0]
                assert NASTY[0] not in query.sql
        assert "{" in query.sql
    assert "{hotline:String}" in statement("v_visits", hotline=True)
