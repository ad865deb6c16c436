"""`hotline replay` and `hotline simulate` as people use them: what they say, and their exit codes."""

import asyncio
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from bank_rows import HEADER, bank_row
from click.testing import CliRunner, Result
from clickhouse_connect.driver.exceptions import OperationalError

from deploy import topics as topic_table
from deploy.cli.main import cli
from deploy.producers import queryable
from deploy.producers.publisher import NotReachableError
from deploy.producers.queryable import ReplacedError, TookTooLongError
from deploy.runtime import run_file
from deploy.runtime.run_file import DataDirLock, Endpoints, RunFile
from deploy.runtime.settings import ClickHouse, Hotline, Kafka, Settings
from streams.contract.topics import CALLS, TOPICS


def invoke(monkeypatch: pytest.MonkeyPatch, settings: Settings, *arguments: str) -> Result:
    for module in ("deploy.cli.replay", "deploy.cli.simulate"):
        monkeypatch.setattr(f"{module}.current", lambda: settings)
    return CliRunner().invoke(cli, list(arguments))


def settings_in(tmp_path: Path, **more: Any) -> Settings:
    return Settings(data_dir=tmp_path / "data", **more)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    rows = [bank_row(call_id=str(n)) for n in range(5)]
    rows += [bank_row(call_id="6", outcome="HANG", q_start="0:00:00"), bank_row(call_id="7", outcome="PHANTOM")]
    file = tmp_path / "bank.txt"
    file.write_text("\n".join("\t".join(row) for row in [HEADER, *rows]) + "\n")
    return file


@pytest.fixture
def kafka(kafka_bootstrap: str) -> Kafka:
    settings = Kafka(bootstrap=kafka_bootstrap)
    asyncio.run(topic_table.apply(settings, tuple(topic for topic in TOPICS if topic.name == CALLS)))
    return settings


def test_an_unknown_mapping_is_usage(monkeypatch, tmp_path, export) -> None:
    result = invoke(monkeypatch, settings_in(tmp_path), "replay", str(export), "--mapping", "no-such")
    assert result.exit_code == 2
    assert "anonymous-bank" in result.stderr


def test_a_hotline_that_is_not_configured_comes_with_the_lines_to_add(monkeypatch, tmp_path, export) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(
        "name: own\nhotline: city-line\nzone: Europe/Berlin\nformat: tsv\ncall: call_id\n"
        "times: {arrived: vru_entry}\noutcome: {column: outcome, words: {AGENT: answered}}\n"
    )
    result = invoke(monkeypatch, settings_in(tmp_path), "replay", str(export), "--mapping", str(own))
    assert result.exit_code == 2
    assert 'hotlines:\n  "city-line":\n    time_zone: Europe/Berlin' in result.stderr


def test_a_mapping_in_another_zone_than_its_hotline_is_refused(monkeypatch, tmp_path, export) -> None:
    settings = settings_in(tmp_path, hotlines={"anonymous-bank": Hotline(time_zone="UTC")})
    result = invoke(monkeypatch, settings, "replay", str(export), "--mapping", "anonymous-bank")
    assert result.exit_code == 2
    assert "Asia/Jerusalem" in result.stderr
    assert "UTC" in result.stderr


def test_a_replay_into_live_is_refused(monkeypatch, tmp_path, export) -> None:
    result = invoke(
        monkeypatch, settings_in(tmp_path), "replay", str(export), "--mapping", "anonymous-bank", "--feed", "live"
    )
    assert result.exit_code == 2


def test_nothing_running_is_not_reachable(monkeypatch, tmp_path, export) -> None:
    result = invoke(monkeypatch, settings_in(tmp_path), "replay", str(export), "--mapping", "anonymous-bank")
    assert result.exit_code == 3
    assert "hotline up" in result.stderr


@pytest.mark.kafka
def test_the_summary_counts_rows_and_names_rejected_lines(monkeypatch, tmp_path, export, kafka) -> None:
    with export.open("a") as file:
        file.write("\t".join(bank_row(call_id="8", outcome="13812345678")) + "\n")
    settings = settings_in(tmp_path, kafka=kafka)
    result = invoke(monkeypatch, settings, "replay", str(export), "--mapping", "anonymous-bank", "--json")
    summary = json.loads(result.stdout)
    assert result.exit_code == 1
    assert {name: summary[name] for name in ("read", "published", "visits", "menu", "phantom", "rejected")} == {
        "read": 8, "published": 23, "visits": 5, "menu": 1, "phantom": 1, "rejected": {"no_type": 1},
    }  # fmt: skip
    assert summary["feed"].startswith("replay-")
    assert len(summary["feed"]) == len("replay-") + 8
    assert summary["queryable_at"] is None
    assert "line 9: no_type" in result.stderr
    assert "13812345678" not in result.output


@pytest.mark.kafka
def test_a_clean_file_ends_well_and_its_summary_is_a_table(monkeypatch, tmp_path, export, kafka) -> None:
    settings = settings_in(tmp_path, kafka=kafka)
    result = invoke(monkeypatch, settings, "replay", str(export), "--mapping", "anonymous-bank", "--feed", "mine")
    assert result.exit_code == 0, result.output
    assert "feed         mine" in result.stdout
    assert "rejected     none" in result.stdout


@pytest.mark.clickhouse
def test_waiting_ends_when_the_view_says_queryable_or_time_is_up(clickhouse_url: str) -> None:
    client = queryable.connect(ClickHouse(url=clickhouse_url, database="default"))
    client.command("CREATE DATABASE wait_for_feed")
    client = queryable.connect(ClickHouse(url=clickhouse_url, database="wait_for_feed"))
    client.command(
        "CREATE TABLE v_feeds (feed String, generation UInt64, queryable_at Nullable(DateTime64(3, 'UTC'))) "
        "ENGINE = MergeTree ORDER BY feed"
    )
    client.command("INSERT INTO v_feeds VALUES ('replay-1', 5, NULL)")
    with pytest.raises(TookTooLongError, match="hotline status"):
        queryable.wait_until_queryable(client, "replay-1", 5, timeout_s=0.2, progress=lambda _: None)

    def store(_: float) -> None:
        client.command("INSERT INTO v_feeds VALUES ('replay-1', 5, '2026-11-22 10:41:30.250')")

    at = queryable.wait_until_queryable(client, "replay-1", 5, timeout_s=30, progress=store)
    assert at.isoformat().startswith("2026-11-22T10:41:30.250")


@pytest.mark.clickhouse
def test_waiting_ends_when_another_replay_of_the_feed_is_there_instead(clickhouse_url: str) -> None:
    """Whoever asked for the same replay in two terminals waited in the first for as long as it may take at most."""
    client = queryable.connect(ClickHouse(url=clickhouse_url, database="default"))
    client.command("CREATE DATABASE replaced_feed")
    client = queryable.connect(ClickHouse(url=clickhouse_url, database="replaced_feed"))
    with pytest.raises(NotReachableError, match=r"UNKNOWN_TABLE.*`hotline migrate`"):
        queryable.queryable_at(client, "replay-1", 5)
    client.command(
        "CREATE TABLE v_feeds (feed String, generation UInt64, queryable_at Nullable(DateTime64(3, 'UTC'))) "
        "ENGINE = MergeTree ORDER BY feed"
    )
    client.command("INSERT INTO v_feeds VALUES ('replay-1', 5, NULL), ('replay-1', 6, NULL)")

    def store(_: float) -> None:
        client.command("INSERT INTO v_feeds VALUES ('replay-1', 6, '2026-11-22 10:41:30.250')")

    with pytest.raises(ReplacedError, match="generation 6 is there in place of 5"):
        queryable.wait_until_queryable(client, "replay-1", 5, timeout_s=30, progress=store)


def test_a_clickhouse_that_went_away_is_not_said_to_lack_its_schema() -> None:
    class Away:
        def query(self, query: str, parameters: dict[str, object]) -> None:
            raise OperationalError("Error ... executing HTTP request") from ConnectionRefusedError(111, "refused")

    with pytest.raises(
        NotReachableError, match=r"^ClickHouse does not answer any more \(.*refused\): is it running\?$"
    ):
        queryable.queryable_at(Away(), "replay-1", 5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--speed", "5"),
        ("--start", "2026-11-22"),
        ("--feed", "x", "--speed", "max"),
        ("--open",),
        ("--history", "90m"),
        ("--history-feed", "live"),
        ("--demo", "--for", "1h"),
        ("--warm-up", "3h"),
        ("--warm-up", "1h", "--feed", "x"),
        ("--hotline", "nobody"),
        ("--hotline", "anonymous-bank", "--incident", "flood:for=1m"),
        ("--for", "soon"),
    ],
)
def test_what_cannot_go_together_is_usage_and_sends_nothing(monkeypatch, tmp_path, arguments) -> None:
    settings = settings_in(
        tmp_path, hotlines={"12345": Hotline(time_zone="Asia/Shanghai")}, kafka=Kafka(bootstrap="x:1")
    )
    result = invoke(monkeypatch, settings, "simulate", *arguments)
    assert result.exit_code == 2, result.output


def test_beside_the_demo_nobody_else_sends_as_its_sources(monkeypatch, tmp_path) -> None:
    hotlines = {"12345": Hotline(time_zone="Asia/Shanghai")}
    settings = settings_in(tmp_path, hotlines=hotlines, kafka=Kafka(bootstrap="127.0.0.1:1"))
    with DataDirLock(settings.data_dir) as lock:
        assert lock.acquire()
        run = RunFile(pid=os.getpid(), version="0", demo=True, endpoints=Endpoints())
        run_file.write(settings.data_dir, run)
        refused = invoke(monkeypatch, settings, "simulate")
        assert (refused.exit_code, "--calls-only" in refused.stderr) == (2, True)
        for other in (("--calls-only",), ("--source", "PBX-9"), ("--feed", "mine")):
            assert invoke(monkeypatch, settings, "simulate", *other).exit_code == 3, "nobody answers there"


@pytest.mark.clickhouse
def test_nothing_is_sent_into_a_feed_that_is_complete(monkeypatch, tmp_path, clickhouse_url: str) -> None:
    client = queryable.connect(ClickHouse(url=clickhouse_url, database="default"))
    client.command("CREATE DATABASE complete_feeds")
    database = ClickHouse(url=clickhouse_url, database="complete_feeds")
    client = queryable.connect(database)
    client.command(
        "CREATE TABLE v_feeds (feed String, generation UInt64, state String) ENGINE = MergeTree ORDER BY feed"
    )
    client.command("INSERT INTO v_feeds VALUES ('week', 0, 'ended'), ('open', 0, 'running'), ('bank', 5, 'running')")
    hotlines = {"12345": Hotline(time_zone="Asia/Shanghai")}
    nobody = Kafka(bootstrap="127.0.0.1:1")
    settings = settings_in(tmp_path, hotlines=hotlines, kafka=nobody, clickhouse=database)
    for feed in ("week", "bank"):
        refused = invoke(monkeypatch, settings, "simulate", "--feed", feed)
        assert (refused.exit_code, f"feed '{feed}' is complete" in refused.stderr) == (2, True)
    for feed in ("open", "new", "live"):
        assert invoke(monkeypatch, settings, "simulate", "--feed", feed).exit_code == 3, "nobody answers there"
    away = settings_in(tmp_path, hotlines=hotlines, kafka=nobody, clickhouse=ClickHouse(url="http://127.0.0.1:1"))
    assert invoke(monkeypatch, away, "simulate", "--feed", "week").exit_code == 3, "nobody knows of feeds"


@pytest.mark.kafka
def test_a_run_whose_arrivals_are_over_says_what_it_waits_for(monkeypatch, tmp_path, kafka) -> None:
    settings = settings_in(tmp_path, hotlines={"12345": Hotline(time_zone="Asia/Shanghai")}, kafka=kafka)
    arguments = (
        "--feed",
        "burst",
        "--speed",
        "600",
        "--start",
        "2026-11-23T10:00:00",
        "--for",
        "5m",
        "--rate",
        "50000",
    )
    result = invoke(monkeypatch, settings, "simulate", "--calls-only", *arguments)
    assert result.exit_code == 0, result.output
    _, waits, sent = result.stderr.splitlines()
    assert re.fullmatch(r"simulate: nobody calls any more: this ends with the [\d,]+ calls under way", waits)
    assert "events in" in sent


@pytest.mark.kafka
def test_an_accelerated_hour_is_sent_with_its_truth(monkeypatch, tmp_path, kafka) -> None:
    settings = settings_in(tmp_path, hotlines={"12345": Hotline(time_zone="Asia/Shanghai")}, kafka=kafka)
    truth = tmp_path / "truth.jsonl"
    arguments = ("--feed", "hour", "--speed", "max", "--start", "2026-11-23T10:00:00", "--for", "1h")
    result = invoke(
        monkeypatch, settings, "simulate", *arguments,
        "--incident", "silence:start=+30m,for=10m", "--truth", str(truth),
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    incident, *others = [json.loads(line) for line in truth.read_text().splitlines()]
    calls = [line for line in others if line["kind"] in {"visit", "apart"}]
    assert incident["incident"] == "silence"
    assert len(calls) > 100
    assert not [call for call in calls if incident["start"] <= call["arrived_at"] < incident["end"]]
    assert all(call["outcome"] != "open" for call in calls)
