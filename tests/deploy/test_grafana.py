"""Dashboards are generated, provisioned under fixed uids, and every query on them returns what was counted."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from clickhouse_connect.driver.client import Client
from plugin_macros import UnknownMacroError, expand
from stored_sample import HOTLINE, QUEUES, store

from deploy.grafana.generate import DIRECTORY, dashboards, rendered
from deploy.grafana.words import LANGUAGES
from deploy.runtime.settings import ClickHouse, Settings
from sinks.clickhouse.client import connect
from sinks.clickhouse.migrate import migrate

ROOT = Path(__file__).parents[2]
PROVISIONING = ROOT / "deploy/grafana/provisioning"
START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


class Query(NamedTuple):
    where: str
    sql: str
    interval_s: int


def _seconds(interval: str) -> int:
    return int(interval[:-1]) * {"s": 1, "m": 60}[interval[-1]]


def queries(board: dict[str, Any]) -> list[Query]:
    found = [
        Query(f"{panel['id']:02} {panel['title']} {target['refId']}", target["rawSql"], _seconds(panel.get("interval", "1m")))
        for panel in board["panels"]
        for target in panel.get("targets", ())
        if "rawSql" in target
    ]  # fmt: skip
    found += [
        Query(f"variable {v['name']}", v["query"]["rawSql"], 60)
        for v in board["templating"]["list"]
        if v["type"] == "query"
    ]
    marks = [a for a in board["annotations"]["list"] if "rawSql" in a["target"]]
    return found + [Query(f"annotation {a['name']}", a["target"]["rawSql"], 60) for a in marks]


ALL_QUERIES = queries(dashboards()["hotline-overview.json"])


@pytest.fixture(scope="module")
def stored(clickhouse_url: str) -> Iterator[Client]:
    settings = Settings(clickhouse=ClickHouse(url=clickhouse_url, database="dashboards"))
    migrate(settings)
    with connect(settings.clickhouse) as client:
        store(client, int(START.timestamp() * 1000))
        yield client
        client.command("DROP DATABASE dashboards")


def ask(client: Client, query: Query, **variables: str | list[str]) -> list[dict[str, Any]]:
    chosen: dict[str, str | list[str]] = {
        "feed": "live", "hotline": HOTLINE, "queue": list(QUEUES), "threshold_s": "20"
    }  # fmt: skip
    sql = expand(
        query.sql,
        start=START,
        end=START + timedelta(minutes=15),
        interval_s=query.interval_s,
        variables=chosen | variables,
    )
    return list(client.query(sql).named_results())


def one(client: Client, where: str, **variables: str | list[str]) -> dict[str, Any]:
    (query,) = [query for query in ALL_QUERIES if where in query.where]
    (row,) = ask(client, query, **variables)
    return row


def test_what_is_checked_in_is_what_the_script_writes() -> None:
    written = {(path.parent.name, path.name): path.read_bytes() for path in DIRECTORY.rglob("*.json")}
    expected = {
        (language, name): rendered(board) for language in LANGUAGES for name, board in dashboards(language).items()
    }
    assert written == expected, "run `python -m deploy.grafana.generate` and commit the result"


def test_every_panel_says_what_its_number_means() -> None:
    panels = [panel for board in dashboards().values() for panel in board["panels"] if panel["type"] != "row"]
    assert panels
    assert [panel["title"] for panel in panels if len(panel["description"]) < 20] == []


def test_no_two_panels_overlap() -> None:
    for board in dashboards().values():
        cells: dict[tuple[int, int], str] = {}
        for panel in board["panels"]:
            grid = panel["gridPos"]
            for x in range(grid["x"], grid["x"] + grid["w"]):
                for y in range(grid["y"], grid["y"] + grid["h"]):
                    assert (x, y) not in cells, f"{panel['title']} lies on {cells[x, y]}"
                    cells[x, y] = panel["title"]


def test_dashboards_name_datasources_that_are_provisioned() -> None:
    provisioned = yaml.safe_load((PROVISIONING / "datasources/hotline.yaml").read_text(encoding="utf-8"))
    known = {(source["type"], source["uid"]) for source in provisioned["datasources"]}
    known.add(("grafana", "-- Grafana --"))  # Grafana's own, for annotations that are pushed

    def named(node: Any) -> Iterator[tuple[str, str]]:
        if isinstance(node, dict):
            if isinstance(node.get("datasource"), dict):
                yield node["datasource"]["type"], node["datasource"]["uid"]
            for value in node.values():
                yield from named(value)
        elif isinstance(node, list):
            for value in node:
                yield from named(value)

    used = {source for board in dashboards().values() for source in named(board)}
    assert ("grafana-clickhouse-datasource", "hotline-clickhouse") in used
    assert used <= known


def test_queries_read_views_and_quote_what_people_choose() -> None:
    for query in ALL_QUERIES:
        tables = {word for before, word in _words(query.sql) if before in {"FROM", "JOIN"} and word[0].isalpha()}
        assert tables, query.where
        assert all(name.startswith("v_") for name in tables), (query.where, tables)
        assert "'${" not in query.sql, f"{query.where}: use ${{name:sqlstring}}, which also escapes"


def _words(sql: str) -> list[tuple[str, str]]:
    words = sql.replace("(", " ( ").replace(")", " ) ").split()
    return list(pairwise(words))


def test_an_unknown_macro_is_noticed() -> None:
    with pytest.raises(UnknownMacroError):
        expand("SELECT $__nothing(x)", start=START, end=START, interval_s=60, variables={})


@pytest.mark.clickhouse
@pytest.mark.parametrize("query", ALL_QUERIES, ids=lambda query: query.where)
def test_every_query_returns_rows(stored: Client, query: Query) -> None:
    rows = ask(stored, query)
    assert rows
    assert any(value is not None for row in rows for value in row.values())


@pytest.mark.clickhouse
def test_the_numbers_are_those_that_were_counted(stored: Client) -> None:
    assert one(stored, "Calls offered A")["value"] == 15 * 7
    assert one(stored, "Answer rate (inbound)")["value"] == pytest.approx(6 / 9)
    assert one(stored, "ASA A")["value"] == pytest.approx(45.5 / 3)
    assert one(stored, "Oldest wait A")["value"] == 25
    assert one(stored, "Alerts firing")["value"] == 1


@pytest.mark.clickhouse
@pytest.mark.parametrize(("threshold_s", "share"), [("14", 1 / 4), ("15", 2 / 4), ("30", 2 / 4), ("31", 3 / 4)])
def test_any_threshold_works_backwards(stored: Client, threshold_s: str, share: float) -> None:
    (today, over_time) = [q for q in ALL_QUERIES if "Service level (offered)" in q.where]
    assert [row["value"] for row in ask(stored, today, threshold_s=threshold_s)] == [pytest.approx(share)]
    points = [row["service level"] for row in ask(stored, over_time, threshold_s=threshold_s)]
    assert points == [pytest.approx(share)] * 3


@pytest.mark.clickhouse
def test_p90_is_the_wait_of_the_rank_in_question(stored: Client) -> None:
    # 60 waits: 15 each of 0, 15, 31 and 40 s; rank 54 is one of the 40 s.
    (table,) = [q for q in ALL_QUERIES if "Queues in the time range" in q.where]
    assert [(row["Queue"], row["p90"]) for row in ask(stored, table)] == [("housing", 40), ("water", 40)]


@pytest.mark.clickhouse
def test_only_the_queues_chosen_are_shown(stored: Client) -> None:
    (table,) = [q for q in ALL_QUERIES if "Queues in the time range" in q.where]
    assert [row["Queue"] for row in ask(stored, table, queue=["water"])] == ["water"]


@pytest.mark.clickhouse
def test_signals_and_episodes_show_their_last_state(stored: Client) -> None:
    assert one(stored, "Signals that hold")["Queue"] == "water"
    (alerts,) = [q for q in ALL_QUERIES if q.where.endswith(" Alerts A")]
    assert sorted(row["State"] for row in ask(stored, alerts)) == ["firing", "resolved"]


@pytest.mark.clickhouse
def test_another_feed_is_never_mixed_in(stored: Client) -> None:
    for query in ALL_QUERIES:
        if "${feed" in query.sql and not query.where.endswith(("Alerts firing A", "variable threshold_s")):
            shown = [
                row for row in ask(stored, query, feed="replay-00000000") if any(v is not None for v in row.values())
            ]
            assert shown == [], query.where
