"""ClickHouse's two users: one writes, one reads and can change nothing but how long its query may run."""

import re
from pathlib import Path
from xml.etree.ElementTree import Element, parse

import pytest
import yaml

from deploy.runtime.settings import ClickHouse
from sinks.clickhouse.client import connect

ROOT = Path(__file__).parents[2]
USERS = parse(ROOT / "deploy/clickhouse/users.xml").getroot()


def part(path: str) -> Element:
    found = USERS.find(path)
    assert found is not None, path
    return found


def test_the_reader_reads_and_may_set_only_the_time_limit() -> None:
    profile = part("profiles/hotline_reader")
    assert profile.findtext("readonly") == "1"
    constraints = list(part("profiles/hotline_reader/constraints"))
    assert [setting.tag for setting in constraints] == ["max_execution_time"]
    limit = constraints[0]
    assert limit.find("changeable_in_readonly") is not None
    assert int(limit.findtext("min", "0")) >= 1, "0 would mean: no limit"
    assert (
        int(limit.findtext("min", "0"))
        <= int(profile.findtext("max_execution_time", ""))
        <= int(limit.findtext("max", ""))
    )


def test_what_the_constraint_needs_is_switched_on() -> None:
    server = parse(ROOT / "deploy/clickhouse/server.xml").getroot()
    assert server.findtext("access_control_improvements/settings_constraints_replace_previous") == "true"


def test_grafana_does_not_ask_for_more_time_than_the_reader_may_have() -> None:
    source = yaml.safe_load((ROOT / "deploy/grafana/provisioning/datasources/hotline.yaml").read_text("utf-8"))
    (data,) = [s["jsonData"] for s in source["datasources"] if s["uid"] == "hotline-clickhouse"]
    # The Go driver asks for what is left of the query's time plus some seconds.
    assert int(data["queryTimeout"]) + 10 <= int(
        part("profiles/hotline_reader/constraints/max_execution_time").findtext("max", "")
    )
    assert data["username"] == "hotline_reader"


@pytest.mark.parametrize(
    ("user", "grants"),
    [
        ("hotline_reader", ["GRANT SELECT ON hotline.*"]),
        ("hotline_writer", ["GRANT ALL ON hotline.*", "GRANT SELECT ON system.parts"]),
    ],
)
def test_a_user_reaches_hotlines_database_only_and_no_source_outside(user: str, grants: list[str]) -> None:
    assert [query.text for query in part(f"users/{user}").iter("query")] == grants
    assert part(f"users/{user}").findtext("profile") == user
    password = part(f"users/{user}/password")
    assert not password.text
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    assert password.get("from_env") in compose["services"]["clickhouse"]["environment"]


def test_the_writer_may_read_every_table_of_the_server_that_its_code_asks() -> None:
    """A server as it is installed shows `system` to nobody, but for what tells only of one's own."""
    shown = {"tables", "columns", "databases", "settings"}
    asked = {
        name
        for file in [*(ROOT / "sinks/clickhouse").glob("*.py"), ROOT / "deploy/status.py", ROOT / "deploy/cli/check.py"]
        for name in re.findall(r"\bFROM system\.(\w+)", file.read_text("utf-8"))
    }
    beside = parse(ROOT / "deploy/clickhouse/cluster-users.xml").getroot()
    granted = {query.text for query in part("users/hotline_writer").iter("query")}
    in_a_cluster = {query.text for query in beside.iter("query")}
    assert {"parts", "clusters"} <= asked
    for name in asked - shown:
        assert f"GRANT SELECT ON system.{name}" in (in_a_cluster if name == "clusters" else granted & in_a_cluster)


@pytest.mark.clickhouse
def test_every_setting_of_a_profile_exists(clickhouse_url: str) -> None:
    named = {setting.tag for profile in part("profiles") for setting in profile} - {"constraints"}
    with connect(ClickHouse(url=clickhouse_url), database=False) as client:
        known = {row[0] for row in client.query("SELECT name FROM system.settings").result_rows}
    assert named
    assert named <= known
