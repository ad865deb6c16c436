"""The schema: applied once, recorded, checked; every column explained."""

import re
from typing import get_args

import pytest

from sinks.clickhouse.client import connect
from sinks.clickhouse.migrate import (
    Migration,
    SchemaError,
    apply,
    check_schema,
    migrate,
    migrations,
    pending,
    split_statements,
)
from sinks.clickhouse.rows import TABLES
from streams.contract import COUNTERS, DIMENSIONS, RepairKind
from streams.stays import mend_span

A, B = Migration("0001_a", "SELECT 1;"), Migration("0002_b", "SELECT 2;")

V_VISITS = [
    "feed",
    "generation",
    "hotline",
    "visit",
    "call",
    "queue",
    "entry",
    "source",
    "caller",
    "agent",
    "centre",
    "department",
    "category",
    "district",
    "language",
    "channel",
    "arrived_at",
    "queued_at",
    "answered_at",
    "ended_at",
    "wrapped_at",
    "outcome",
    "wait_ms",
    "talk_ms",
    "hold_ms",
    "acw_ms",
    "repairs",
    "version",
]
V_CELLS = [
    *[
        "feed",
        "generation",
        "hotline",
        "dimension_set",
        "centre",
        "queue",
        "language",
        "category",
        "district",
        "department",
        "channel",
        "minute",
    ],
    *[
        "final",
        "version",
        "offered",
        "answered",
        "abandoned",
        "flowed_out",
        "callback_taken",
        "lost_track",
        "ended_in_menu",
        "blocked",
    ],
    *["phantom", "short_abandoned", "calls_offered", "calls_answered", "calls_abandoned"],
]
FIVE = [
    "service_level_offered",
    "service_level_excluding_abandoned_in_threshold",
    "service_level_abandoned_in_threshold_met",
    "service_level_answered",
    "service_level_excluding_short",
]
VIEWS = [
    "v_visits",
    "v_cells",
    "v_daily",
    "v_hotline_daily",
    "v_service_level",
    "v_feeds",
    "v_signals",
    "v_alerts",
    "v_dead_letters",
    "v_late_events",
    "v_gauges",
    "v_forecasts",
]


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("", []),
        ("-- a; b\nSELECT 1;\n-- end", ["-- a; b\nSELECT 1"]),
        ("SELECT ';', 'it''s; \\'x;';SELECT `;`;", ["SELECT ';', 'it''s; \\'x;'", "SELECT `;`"]),
        ("/* ; */ SELECT 1;", ["/* ; */ SELECT 1"]),
    ],
)
def test_statements_end_at_semicolons_outside_quotes_and_comments(text, statements):
    assert split_statements(text) == statements


def test_a_statement_without_its_end_is_refused():
    with pytest.raises(ValueError, match="does not end"):
        split_statements("SELECT 1; SELECT 2")


def test_what_is_not_applied_is_pending_in_order():
    assert pending([A, B], {}) == [A, B]
    assert pending([A, B], {"0001_a": A.checksum}) == [B]


def test_a_changed_migration_is_refused():
    with pytest.raises(SchemaError, match=r"0001_a\.sql was changed"):
        pending([A, B], {"0001_a": "another"})


def test_a_database_of_a_later_version_is_refused():
    with pytest.raises(SchemaError, match=r"0009_later.*does not know"):
        pending([A], {"0001_a": A.checksum, "0009_later": "x"})


def test_migrations_have_numbers_without_gaps_and_can_be_applied_again_when_cut_off():
    names = [m.name for m in migrations()]
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))
    for migration in migrations():
        for statement in migration.statements:
            words = "\n".join(line for line in statement.splitlines() if not line.startswith("--"))
            again = r"CREATE TABLE IF NOT EXISTS|CREATE OR REPLACE VIEW|ALTER TABLE \w+\s+(ADD COLUMN IF NOT EXISTS|COMMENT COLUMN)"
            assert re.match(again, words.strip()), words[:80]


@pytest.mark.clickhouse
class TestInClickHouse:
    def test_a_second_run_finds_nothing_to_do(self, client, settings):
        check_schema(client)
        assert migrate(settings) == []

    def test_a_schema_behind_says_to_migrate(self, client, settings):
        last = migrations()[-1].name
        client.command("DELETE FROM schema_migrations WHERE name = {name:String}", {"name": last})
        with pytest.raises(SchemaError, match=f"behind by 1 .{last}.: run `hotline migrate`"):
            check_schema(client)
        assert migrate(settings) == [last]
        check_schema(client)

    def test_an_empty_database_is_behind(self, clickhouse_url, settings):
        empty = settings.clickhouse.model_copy(update={"database": settings.clickhouse.database + "_empty"})
        with connect(settings.clickhouse, database=False) as server:
            server.command(f"CREATE DATABASE {empty.database}")
            with connect(empty) as found, pytest.raises(SchemaError, match="run `hotline migrate`"):
                check_schema(found)
            server.command(f"DROP DATABASE {empty.database}")

    def test_a_migration_that_was_changed_is_refused(self, client):
        changed = [migrations()[0]._replace(text="SELECT 1;"), *migrations()[1:]]
        with pytest.raises(SchemaError, match="was changed"):
            apply(client, changed)

    def test_every_table_view_and_column_is_explained_and_begins_with_feed(self, client):
        def ask(query):
            return client.query(query, {"db": client.database}).result_rows

        assert ask("SELECT name FROM system.tables WHERE database = {db:String} AND comment = ''") == []
        columns = "FROM system.columns WHERE database = {db:String}"
        assert ask(f"SELECT table, name {columns} AND comment = ''") == []
        assert ask(f"SELECT table {columns} AND position = 1 AND name != 'feed'") == []
        found = {row[0] for row in ask("SELECT name FROM system.tables WHERE database = {db:String}")}
        assert found >= {*VIEWS, *(table.name for table in TABLES)}

    def test_the_comment_of_repairs_names_those_that_a_visit_can_hold(self, client):
        held: list[RepairKind] = []
        for ms in range(-24 * 3_600_000, 0, 1_000):
            mend_span(ms, held)
        asked = "SELECT table, comment FROM system.columns WHERE database = {db:String} AND name = 'repairs'"
        comments = dict(client.query(asked, {"db": client.database}).result_rows)
        named = {table: {kind for kind in get_args(RepairKind) if kind in text} for table, text in comments.items()}
        assert named == {"visits": set(held), "v_visits": set(held)}

    def test_the_comment_of_repeats_says_that_a_snapshot_is_none(self, client):
        asked = "SELECT table, comment FROM system.columns WHERE database = {db:String} AND name = 'repeats'"
        comments = dict(client.query(asked, {"db": client.database}).result_rows)
        none = "what a snapshot says is so still is none of them"
        assert {table: none in text for table, text in comments.items()} == dict.fromkeys(
            ("cells", "v_cells", "sources", "v_sources", "v_source_history"), True
        )
        assert comments["v_cells"].lower() == COUNTERS["repeats"].lower()

    def test_no_time_is_naive(self, client):
        query = (
            "SELECT table, name, type FROM system.columns WHERE database = {db:String} AND type LIKE '%DateTime%' "
            "AND type NOT LIKE '%DateTime64(3, \\'UTC\\')%'"
        )
        assert client.query(query, {"db": client.database}).result_rows == []

    def test_rows_fill_every_column_that_has_no_default(self, client):
        for table in TABLES:
            described = client.query(f"DESCRIBE {table.name}").named_results()
            columns = [(c["name"], bool(c["default_type"])) for c in described]
            assert {name for name, defaulted in columns if not defaulted} <= set(table.columns)
            assert set(table.columns) <= {name for name, _ in columns}

    def test_views_have_the_columns_of_the_contract(self, client):
        def columns(view):
            return [row[0] for row in client.query(f"DESCRIBE {view}").result_rows]

        assert columns("v_visits")[: len(V_VISITS)] == V_VISITS
        assert columns("v_cells")[: len(V_CELLS)] == V_CELLS
        assert set(columns("v_cells")) == {
            *V_CELLS, *DIMENSIONS, *COUNTERS, "day", "sources_expected", "sources_heard", "completeness",
        }  # fmt: skip
        assert columns("v_daily")[:4] == ["feed", "hotline", "queue", "day"]
        assert set(columns("v_daily")) >= {*FIVE, "inbound", "threshold_s", "asa", "asa_waited", "att", "aht"}
        assert set(columns("v_hotline_daily")) >= {*columns("v_daily"), "calls_offered"} - {"queue"}
        sl = ["feed", "hotline", "queue", "day", "threshold_s", "answered_in_threshold", "abandoned_in_threshold"]
        assert columns("v_service_level")[:12] == [*sl, *FIVE]
        assert "queryable_at" in columns("v_feeds")
