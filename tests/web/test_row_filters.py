"""What people may see, as conditions on rows: every view, saved query and export shows no more than the wallboard."""

from pathlib import Path
from typing import Any

import pytest
import story
import yaml
from click.testing import CliRunner
from clickhouse_connect.driver.client import Client

import deploy.cli.access
import deploy.cli.clickhouse
import deploy.cli.export
import deploy.cli.sql
from deploy.cli.main import cli
from deploy.runtime.access import Filter, Grant
from deploy.runtime.settings import Hotline, Queue, Settings, Web
from sinks.clickhouse.saved_queries import saved_queries
from sinks.web.people import person
from sinks.web.row_filters import ALL, TABLES, WITHOUT_FIGURES, as_policies, as_setting, row_filters
from sinks.web.sees import conditions, within

HOUSING = Filter(queues=["housing"])
FILTERS = {
    "queue": HOUSING,
    "centre": Filter(centres=["south"]),
    "category": Filter(categories=["water"]),
    "district": Filter(districts=["440303"]),
    "both": Filter(queues=["water"], categories=["water/leak"]),
    "hotline": Filter(hotlines=["another"]),
    "nobody": Filter(queues=[]),
}
SETTINGS = Settings(
    hotlines={
        story.HOTLINE: Hotline(time_zone="Asia/Shanghai", queues={"water": Queue(), "housing": Queue(centre="south")})
    },
    web=Web(
        access={  # type: ignore[arg-type]
            "people": {"chen": {"role": "analyst", "sees": {"queues": ["housing"]}}, "root": {"role": "admin"}},
            "groups": {"wall": {"role": "viewer"}},
        }
    ),
)


def rows(client: Client, sql: str, filters: str = "{}") -> list[dict[str, Any]]:
    return list(client.query(sql, settings={"additional_table_filters": filters, "readonly": 1}).named_results())


def filters_of(told: story.Told, sees: Filter, role: str = "analyst") -> str:
    somebody = person("chen", Grant(role=role, sees=sees))  # type: ignore[arg-type]
    return as_setting(row_filters(somebody, SETTINGS), told.settings.clickhouse.database)


def views(client: Client) -> list[str]:
    return [row[0] for row in client.query("SHOW TABLES LIKE 'v_%'").result_rows]


@pytest.mark.clickhouse
def test_every_table_is_judged_by_the_columns_it_has(told: story.Told) -> None:
    sql = "SELECT table, groupArray(name) FROM system.columns WHERE database = currentDatabase() AND table IN (SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree') GROUP BY table"
    found = {table: set(columns) for table, columns in told.client.query(sql).result_rows}
    assert found.keys() == TABLES.keys() | WITHOUT_FIGURES
    for table, columns in TABLES.items():
        assert set(columns) == found[table] & set(ALL), table


@pytest.mark.clickhouse
@pytest.mark.parametrize("name", FILTERS)
def test_calls_are_those_of_the_wallboard(told: story.Told, name: str) -> None:
    sees = FILTERS[name]
    where, parameters = conditions(person("chen", Grant(sees=sees)).sees, SETTINGS.hotlines[story.HOTLINE])
    # what was called otherwise after it was forgotten is hidden at the wallboard; SQL goes by what it was counted under
    where = [one for one in where if "c -> category = c" not in one]
    sql = "SELECT visit FROM v_visits WHERE " + " AND ".join(where) + " ORDER BY visit"
    wanted = [row[0] for row in told.client.query(sql, parameters).result_rows]
    found = rows(told.client, "SELECT visit FROM v_visits ORDER BY visit", filters_of(told, sees))
    assert [row["visit"] for row in found] == wanted
    assert (len(wanted) > 2) == (name not in {"hotline", "nobody"})


@pytest.mark.clickhouse
def test_an_empty_name_stands_for_nothing(told: story.Told) -> None:
    """Rows that are not broken down by queue have no name there."""
    mine = filters_of(told, Filter(queues=[""], categories=["", "water"]))
    assert rows(told.client, "SELECT 1 FROM cells", mine) == rows(told.client, "SELECT 1 FROM visits", mine) == []


@pytest.mark.clickhouse
@pytest.mark.parametrize("name", FILTERS)
def test_every_row_of_cells_lies_inside(told: story.Told, name: str) -> None:
    sees = FILTERS[name]
    every = rows(told.client, "SELECT * FROM cells FINAL ORDER BY ALL")

    def inside(row: dict[str, Any]) -> bool:
        return (
            (sees.hotlines is None or row["hotline"] in sees.hotlines)
            and (sees.queues is None or (row["queue"] != "" and row["queue"] in sees.queues))
            and (sees.centres is None or row["queue"] == "housing")
            and (sees.categories is None or any(within("category", row["category"], one) for one in sees.categories))
            and (sees.districts is None or any(within("district", row["district"], one) for one in sees.districts))
        )

    assert rows(told.client, "SELECT * FROM cells FINAL ORDER BY ALL", filters_of(told, sees)) == list(
        filter(inside, every)
    )


@pytest.mark.clickhouse
def test_no_view_tells_of_another_queue(told: story.Told) -> None:
    hidden = {row["call"] for row in rows(told.client, "SELECT call FROM v_visits WHERE queue = 'water'")}
    hidden -= {row["call"] for row in rows(told.client, "SELECT call FROM v_visits WHERE queue = 'housing'")}
    assert len(hidden) > 8
    mine = filters_of(told, HOUSING)
    for view in views(told.client):
        for row in rows(told.client, f"SELECT * FROM {view}", mine):
            assert row.get("queue") != "water", view
            assert row.get("dimension_set", "queue").startswith("queue"), view
            assert not hidden & {str(value) for value in row.values()}, view
            assert "water/" not in str(row), view


@pytest.mark.clickhouse
def test_a_viewer_sees_figures_and_no_calls_and_only_an_admin_the_audit(told: story.Told) -> None:
    for role, calls in (("viewer", False), ("supervisor", True), ("analyst", True), ("admin", True)):
        found = row_filters(person("x", Grant(role=role)), SETTINGS)  # type: ignore[arg-type]
        assert (found["audit_events"] == "1") == (role == "admin")
        assert (found["visits"], found["call_facts"]) == (("1", "1") if calls else ("0", "0"))
        mine = filters_of(told, Filter(), role)
        assert bool(rows(told.client, "SELECT call FROM v_visits", mine)) == calls
        assert rows(told.client, "SELECT day FROM v_daily", mine)


NASTY = ("x') OR 1=1 --", "x' OR '1'='1", "\\", "\\' OR 1 --", "'", "{'a': '1'}", "x\nOR 1", "热线", "`", "%", "$$")


@pytest.mark.clickhouse
@pytest.mark.parametrize("value", NASTY)
def test_a_name_from_settings_stays_a_value(told: story.Told, value: str) -> None:
    for dimension in ("hotlines", "queues", "departments", "categories", "districts"):
        mine = filters_of(told, Filter(**{dimension: [value]}))
        assert rows(told.client, "SELECT 1 FROM cells", mine) == []
        assert rows(told.client, "SELECT 1 FROM visits", mine) == []
    filters = row_filters(person(value, Grant(sees=Filter(queues=[value]))), SETTINGS)
    for cluster in ("", "hotline_replicas"):
        for statement in as_policies(filters, "hotline", "hotline_chen", cluster):
            assert told.client.query(f"EXPLAIN AST {statement}").result_rows


def test_on_several_replicas_no_policy_is_on_one_alone() -> None:
    filters = row_filters(person("chen", Grant(sees=Filter(queues=["utilities"]))), SETTINGS)
    one, several = (as_policies(filters, "hotline", "hotline_chen", cluster) for cluster in ("", "three"))
    assert [statement.replace(" ON CLUSTER `three`", "") for statement in several] == one
    assert {statement.count(" ON CLUSTER `three`") for statement in several} == {1}


@pytest.fixture
def command(told: story.Told, monkeypatch: pytest.MonkeyPatch) -> Any:
    settings = SETTINGS.model_copy(update={"clickhouse": told.settings.clickhouse})
    for module in (deploy.cli.access, deploy.cli.clickhouse, deploy.cli.export, deploy.cli.sql):
        monkeypatch.setattr(module, "current", lambda: settings)
    monkeypatch.setattr(deploy.cli.clickhouse, "resolve", lambda found, **_: found)
    return lambda *words: CliRunner().invoke(cli, list(words))


@pytest.mark.clickhouse
def test_saved_queries_and_exports_as_somebody(told: story.Told, command: Any, tmp_path: Path) -> None:
    for name, query in saved_queries().items():
        given = [
            word
            for parameter in query.parameters
            if parameter.name in {"from", "to", "day"}
            for word in ("--param", f"{parameter.name}={story.FIRST if parameter.name == 'from' else story.SPIKE}")
        ]
        done = command("sql", "--run", name, "--as", "chen", "--format", "jsonl", *given)
        assert done.exit_code == 0, (name, done.output)
        assert "water" not in done.output, name
    every, mine = tmp_path / "every.csv", tmp_path / "mine.csv"
    days = ("--from", story.FIRST, "--to", story.SPIKE, "--format", "csv")
    assert command("export", "v_visits", *days, "-o", str(every)).exit_code == 0
    assert command("export", "v_visits", *days, "-o", str(mine), "--as", "chen").exit_code == 0
    assert '"water"' in every.read_text(encoding="utf-8")
    assert '"water"' not in mine.read_text(encoding="utf-8")
    assert '"housing"' in mine.read_text(encoding="utf-8")
    lifted = "SELECT * FROM v_visits SETTINGS additional_table_filters = {}"
    assert command("sql", lifted, "--as", "chen").exit_code == 1
    assert command("sql", "SELECT 1", "--as", "nobody").exit_code == 2


@pytest.mark.clickhouse
def test_what_is_printed_for_clickhouse_and_grafana(told: story.Told, command: Any) -> None:
    assert command("access", "list").output.splitlines() == [
        "chen  analyst  queues: housing",
        "root  admin  everything",
        "group:wall  viewer  everything",
    ]
    statements = command("access", "clickhouse", "chen").output.splitlines()
    database = told.settings.clickhouse.database
    assert len(statements) == len(TABLES) + 2
    assert (
        f"CREATE ROW POLICY OR REPLACE `hotline_chen` ON `{database}`.`gauges` FOR SELECT USING (queue IN ('housing')) "
        "TO `hotline_chen`;"
    ) in statements
    [source] = yaml.safe_load(command("access", "grafana", "chen").output)["datasources"]
    [setting] = source["jsonData"]["customSettings"]
    asked = {"database": database, "user": "reader", "query": "SELECT DISTINCT queue FROM v_visits"}
    answer = told.client.raw_query(asked["query"], settings={setting["setting"]: setting["value"]}, fmt="TSV")
    assert answer == b"housing\n"
