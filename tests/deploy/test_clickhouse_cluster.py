"""deploy/clickhouse for several replicas: the engine itself reads the files, beside those of one server.

It reads them as a server does (config.d, users.d, environment), but starts neither Keeper nor the port of replicas.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import parse

import pytest

from deploy.runtime.settings import ClickHouse

HERE = Path(__file__).parents[2] / "deploy" / "clickhouse"
NODES = ["clickhouse-1", "clickhouse-2", "clickhouse-3"]
ENVIRONMENT = {
    "REPLICA": "clickhouse-2",
    "REPLICA_NUMBER": "2",
    "CLUSTER_SECRET": "secret",
    "CLICKHOUSE_WRITER_PASSWORD": "w",
    "CLICKHOUSE_READER_PASSWORD": "r",
}
ASK = """
import json, sys
import chdb
connection = chdb.connect(sys.argv[1])
rows = [connection.query(query, "JSONCompactEachRow").bytes().decode() for query in json.load(sys.stdin)]
print("ANSWERS" + json.dumps([[json.loads(line) for line in told.splitlines()] for told in rows]))
"""
QUESTIONS = {
    "clusters": "SELECT cluster, shard_num, host_name, port, internal_replication FROM system.clusters ORDER BY ALL",
    "macros": "SELECT macro, substitution FROM system.macros ORDER BY ALL",
    "profile": "SELECT setting_name, value FROM system.settings_profile_elements WHERE profile_name = 'hotline_writer' ORDER BY ALL",
    "grants": "SELECT DISTINCT user_name, ifNull(database, '*'), ifNull(table, '*') FROM system.grants "
    "WHERE user_name LIKE 'hotline%' ORDER BY ALL",
    "may": "SELECT user_name, access_type FROM system.grants WHERE access_type IN ('CLUSTER', 'SYSTEM SYNC REPLICA') "
    "AND user_name LIKE 'hotline%'",
}


@pytest.fixture(scope="module")
def read_by_the_engine(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """What the engine says of the four files, laid where the comments in them say."""
    root = tmp_path_factory.mktemp("replica")
    (root / "config.d").mkdir()
    (root / "users.d").mkdir()
    (root / "config.xml").write_text(
        f"<clickhouse><users_config>{root}/users.xml</users_config></clickhouse>", encoding="utf-8"
    )
    (root / "users.xml").write_text(
        "<clickhouse><profiles><default/></profiles><quotas><default/></quotas><users><default><password/>"
        "<networks><ip>::/0</ip></networks><access_management>1</access_management></default></users></clickhouse>",
        encoding="utf-8",
    )
    for name, place in {
        "server.xml": "config.d/hotline.xml",
        "cluster.xml": "config.d/hotline_cluster.xml",
        "cluster-users.xml": "users.d/hotline_cluster.xml",
    }.items():
        (root / place).write_bytes((HERE / name).read_bytes())
    users = parse(HERE / "users.xml")
    reader = users.find("profiles/hotline_reader")
    assert reader is not None
    reader.remove(next(reader.iter("constraints")))  # the engine without a server refuses `changeable_in_readonly`
    users.write(root / "users.d/hotline.xml", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", ASK, f"{root}/data?config-file={root}/config.xml"],
        input=json.dumps(list(QUESTIONS.values())), capture_output=True, text=True, timeout=120, check=False,
        env=os.environ | ENVIRONMENT,
    )  # fmt: skip
    told = next((line for line in done.stdout.splitlines() if line.startswith("ANSWERS")), None)
    assert told is not None, (done.stdout + done.stderr)[-2_000:]
    return dict(zip(QUESTIONS, json.loads(told.removeprefix("ANSWERS")), strict=True))


@pytest.mark.clickhouse
def test_the_engine_finds_one_shard_of_three_replicas_and_its_own_name(
    read_by_the_engine: dict[str, list[Any]],
) -> None:
    assert read_by_the_engine["clusters"] == [["hotline_replicas", 1, node, 9000, 1] for node in NODES]
    assert read_by_the_engine["macros"] == [["replica", "clickhouse-2"], ["shard", "1"]]
    assert ClickHouse(cluster="hotline_replicas")


@pytest.mark.clickhouse
def test_the_writer_waits_for_most_replicas_and_may_do_what_a_cluster_needs(
    read_by_the_engine: dict[str, list[Any]],
) -> None:
    profile = dict(read_by_the_engine["profile"])
    assert profile["insert_quorum"] == "auto"
    # The driver gives up after 300 s: a quorum that is not reached is said before, and the batch tried again.
    assert int(profile["insert_quorum_timeout"]) < 300_000
    assert profile["max_execution_time"] == "600"
    assert read_by_the_engine["grants"] == [
        ["hotline_reader", "hotline", "*"],
        ["hotline_writer", "*", "*"],
        ["hotline_writer", "hotline", "*"],
        ["hotline_writer", "system", "clusters"],
        ["hotline_writer", "system", "parts"],
    ]
    assert sorted(read_by_the_engine["may"]) == [
        ["hotline_writer", "CLUSTER"],
        ["hotline_writer", "SYSTEM SYNC REPLICA"],
    ]


def test_every_node_is_in_every_list() -> None:
    config = parse(HERE / "cluster.xml").getroot()
    replicas = config.findall("remote_servers/hotline_replicas/shard/replica/host")
    keepers = config.findall("zookeeper/node/host")
    raft = config.findall("keeper_server/raft_configuration/server/hostname")
    assert [[host.text for host in hosts] for hosts in (replicas, keepers, raft)] == [NODES] * 3
    assert {port.text for port in config.findall("zookeeper/node/port")} == {config.findtext("keeper_server/tcp_port")}
    proxy = (HERE / "haproxy.cfg").read_text("utf-8")
    servers = [line.split()[1:] for line in proxy.splitlines() if line.startswith("    server ")]
    assert [server[:2] for server in servers] == [[node, f"{node}:8123"] for node in NODES]
    assert [server[2:] for server in servers] == [[], ["backup"], ["backup"]]


def test_the_port_of_replicas_is_open_again_because_its_file_is_read_later() -> None:
    closed = parse(HERE / "server.xml").getroot().find("interserver_http_port")
    opened = parse(HERE / "cluster.xml").getroot().find("interserver_http_port")
    assert closed is not None
    assert opened is not None
    assert closed.get("remove") == "1"
    assert opened.text == "9009"
    assert sorted(["hotline_cluster.xml", "hotline.xml"]) == ["hotline.xml", "hotline_cluster.xml"]
