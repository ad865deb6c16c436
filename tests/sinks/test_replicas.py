"""The schema on several replicas: the same statements but for the engines, and what is refused.

The engine that tests can have is one process without replication. So what is checked here is that every statement is
one that the engine takes, and that it differs from the one server's in nothing that it should not.
"""

import re

import pytest
from clickhouse_connect.driver.binding import format_str
from pydantic import ValidationError

from deploy.cli import check
from deploy.runtime.settings import ClickHouse, Settings
from sinks.clickhouse import replicas
from sinks.clickhouse.client import connect
from sinks.clickhouse.migrate import (
    Migration,
    SchemaError,
    apply,
    create_database,
    migrate,
    migrations,
)
from sinks.clickhouse.replicas import replicated
from sinks.clickhouse.table_files import SeveralReplicasError, catch_up

STATEMENTS = [statement for migration in migrations() for statement in migration.statements]
ONLY_THERE = "SETTINGS replicated_deduplication_window = 0\n"


class Answer:
    def __init__(self, rows):
        self.result_rows = rows


class Listening:
    """A client that notes what it is sent; `answers`: part of a query -> the rows of each time it is asked."""

    def __init__(self, **answers):
        self.sent = []
        self._answers = answers

    def command(self, statement, settings=None):
        self.sent.append((statement, settings))

    def query(self, query, parameters=None):
        del parameters
        for part, rows in self._answers.items():
            if part in query:
                return Answer(rows.pop(0) if len(rows) > 1 else rows[0])
        return Answer([])

    def insert(self, table, rows, columns):
        self.sent.append((table, columns))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def as_on_one_server(statement):
    return statement.replace(ONLY_THERE, "").replace(
        "ENGINE = ReplicatedReplacingMergeTree", "ENGINE = ReplacingMergeTree"
    )


def test_on_one_server_every_statement_is_sent_as_it_stands():
    client = Listening()
    apply(client, migrations())
    records, *rest = client.sent
    assert "ENGINE = ReplacingMergeTree(applied_at)" in records[0]
    assert [statement for statement, _ in rest if statement != "schema_migrations"] == STATEMENTS
    assert {settings for statement, settings in client.sent if statement != "schema_migrations"} == {None}


def test_on_replicas_the_same_is_sent_with_tables_that_copy_their_rows():
    one, several = Listening(), Listening()
    apply(one, migrations())
    apply(several, migrations(), on_replicas=True)
    assert [as_on_one_server(statement) for statement, _ in several.sent] == [statement for statement, _ in one.sent]
    assert all(settings == replicas.SETTINGS for name, settings in several.sent if name != "schema_migrations")


def test_every_table_of_every_migration_copies_its_rows():
    tables = 0
    for statement in STATEMENTS:
        engines = re.findall(r"\bENGINE = (\w+)", replicated(statement))
        assert set(engines) <= {"ReplicatedReplacingMergeTree"}
        assert replicated(statement).count(ONLY_THERE) == len(engines) == statement.count("CREATE TABLE")
        assert as_on_one_server(replicated(statement)) == statement
        tables += len(engines)
    assert tables > 15


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO feeds (feed) VALUES ('live')",
        "DELETE FROM feeds WHERE feed = 'live'",
        "CREATE MATERIALIZED VIEW m ENGINE = ReplacingMergeTree(version)\nORDER BY a\nAS SELECT 1",
        "CREATE TABLE IF NOT EXISTS t\n(\n    `a` String\n)\nENGINE = MergeTree\nORDER BY a\nCOMMENT 'T'",
        "CREATE TABLE IF NOT EXISTS t\n(\n    `a` String\n)\nENGINE = ReplacingMergeTree(v)\nORDER BY a\nTTL b\nCOMMENT 'T'",
        "-- CREATE OR REPLACE VIEW v\nOPTIMIZE TABLE cells",
    ],
)
def test_what_nobody_has_thought_through_for_replicas_is_refused(statement):
    with pytest.raises(ValueError, match="does not know what this is on several replicas"):
        apply(Listening(), [Migration("0001_a", f"{statement};")], on_replicas=True)


@pytest.mark.clickhouse
class TestInTheEngine:
    def test_it_reads_every_statement_and_finds_no_other_difference(self, client):
        def read(statement):
            return client.query(f"SELECT formatQuerySingleLine({format_str(statement)})").result_rows[0][0]

        for statement in STATEMENTS:
            one = read(replicated(statement)).replace("ENGINE = ReplicatedReplacing", "ENGINE = Replacing")
            assert one.replace(f" {ONLY_THERE.strip()}", "") == read(statement)
        assert read(replicas.database("hotline", "hotline_replicas")) == (
            "CREATE DATABASE IF NOT EXISTS hotline ON CLUSTER hotline_replicas "
            "ENGINE = Replicated('/clickhouse/databases/hotline', '{shard}', '{replica}')"
        )

    def test_it_knows_the_setting_of_tables_and_makes_the_same_tables(self, client, settings):
        other = settings.clickhouse.model_copy(update={"database": f"{settings.clickhouse.database}_replicas"})
        create_database(settings.model_copy(update={"clickhouse": other}))
        columns = (
            "SELECT table, name, type, default_expression, comment, is_in_sorting_key, is_in_partition_key "
            "FROM system.columns WHERE database = currentDatabase() AND table != 'schema_migrations' ORDER BY ALL"
        )
        with connect(other) as found:
            for statement in STATEMENTS:
                found.command(replicated(statement).replace("ENGINE = Replicated", "ENGINE = "))
            made = found.query(
                "SELECT count() FROM system.tables WHERE database = currentDatabase() AND position(create_table_query, 'replicated_deduplication_window = 0') > 0"
            )
            assert made.result_rows[0][0] == sum("CREATE TABLE" in statement for statement in STATEMENTS)
            assert found.query(columns).result_rows == client.query(columns).result_rows
            found.command(f"DROP DATABASE {other.database}")

    def test_it_knows_the_settings_of_statements(self, client):
        for settings in (replicas.SETTINGS, replicas.CREATE_SETTINGS):
            for name, value in settings.items():
                query = "SELECT toString(getSetting({name:String})) = {value:String}"
                assert client.query(query, {"name": name, "value": str(value)}, settings=settings).result_rows == [(1,)]

    def test_a_cluster_that_it_does_not_know_is_refused_and_nothing_is_made(self, client, settings):
        named = settings.clickhouse.model_copy(update={"database": "not_there", "cluster": "nobody"})
        with pytest.raises(SchemaError, match="ClickHouse knows no cluster 'nobody'"):
            migrate(settings.model_copy(update={"clickhouse": named}))
        assert ("not_there",) not in client.query("SHOW DATABASES").result_rows

    def test_a_backup_waits_for_nobody_on_one_server(self, client):
        catch_up(client)


@pytest.fixture
def creates(monkeypatch):
    """Creates the database of a cluster with a client that answers so."""

    def creates_(**answers):
        client = Listening(**answers)
        monkeypatch.setattr("sinks.clickhouse.migrate.connect", lambda *_, **__: client)
        create_database(Settings(clickhouse=ClickHouse(url="http://127.0.0.1:1", cluster="two", database="hl")))
        return client

    return creates_


def test_the_database_is_created_on_every_replica(creates):
    client = creates(**{"system.clusters": [[(1,)]], "system.databases": [[("Replicated",)]]})
    assert client.sent == [(replicas.database("hl", "two"), replicas.CREATE_SETTINGS)]


def test_a_cluster_of_shards_is_refused(creates):
    with pytest.raises(SchemaError, match="'two' has 3 shards"):
        creates(**{"system.clusters": [[(3,)]]})


def test_a_database_that_is_one_servers_is_not_taken_for_a_replicas(creates):
    with pytest.raises(SchemaError, match=r"hl is one server's \(engine Atomic\): `hotline backup`"):
        creates(**{"system.clusters": [[(1,)]], "system.databases": [[("Atomic",)]]})


def test_a_name_of_a_cluster_cannot_be_sql():
    with pytest.raises(ValidationError):
        ClickHouse(cluster="a` ENGINE")


def test_a_backup_first_waits_for_rows_that_are_on_their_way():
    client = Listening(**{"system.tables": [[("cells",), ("visits",)]], "hostName": [[("one",)]]})
    catch_up(client)
    assert client.sent == [
        ("SYSTEM SYNC REPLICA `cells` LIGHTWEIGHT", None),
        ("SYSTEM SYNC REPLICA `visits` LIGHTWEIGHT", None),
    ]


def test_a_backup_through_an_address_that_leads_to_one_replica_after_the_other_is_refused():
    hosts = [[(f"clickhouse-{number % 2}",)] for number in range(9)]
    client = Listening(**{"system.tables": [[("cells",)]], "hostName": hosts})
    with pytest.raises(SeveralReplicasError, match="clickhouse-0, clickhouse-1 answer in turn"):
        catch_up(client)
    assert client.sent == []


@pytest.mark.parametrize(
    ("cluster", "up", "text"),
    [
        ("three", (3, 3), "ok     schema      up to date in the database hotline, on 3 replicas"),
        ("three", (2, 3), "WRONG  schema      up to date in the database hotline, but on 2 of 3 replicas: "),
        ("", (0, 0), "ok     schema      up to date in the database hotline"),
    ],
)
def test_check_says_on_how_many_replicas_the_schema_is(monkeypatch, cluster, up, text):
    client = Listening(**{"system.clusters": [[up]]})
    monkeypatch.setattr(check, "connect", lambda *_, **__: client)
    monkeypatch.setattr(check, "check_schema", lambda _: None)
    (schema,) = (one for one in check.CHECKS if one.__name__ == "_schema")
    said = str(schema(Settings(clickhouse=ClickHouse(cluster=cluster))))
    assert said.startswith(text)
    assert cluster or said == text
