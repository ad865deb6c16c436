"""`hotline status` and `hotline check` say how far the engine is, from the topics themselves."""

import json

import msgspec
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from click.testing import CliRunner

from deploy import status as status_of
from deploy.cli import check, status
from deploy.cli import topics as topics_cli
from deploy.cli.status import in_words
from deploy.runtime.kafka import reading
from deploy.runtime.run_file import Endpoints, ProcessState
from deploy.runtime.settings import Kafka, current
from deploy.status import FiringAlert, PartitionStatus, Status, positions, soon_deleted
from deploy.topics import apply
from streams.contract.alerts import AlertEvent
from streams.contract.cells import Cell, PartitionProgress, Progress
from streams.contract.topics import ALERTS, CALLS, CELLS, PARTIALS, TOPICS, VISITS

NOON = 1_704_067_200_000


def progress(version, **more):
    partitions = [PartitionProgress(partition=0, offset=9, clock=NOON)]
    counts = {"repaired": {}, "rejected": {}, "misrouted": {}, "late": {}, "unknown_fields": {}, "missing": 0} | more
    return Progress(data_as_of=NOON, partitions=partitions, version=version, **counts)


def cell(version):
    return Cell(feed="live", hotline="h", dimension_set="hotline", minute=NOON, version=version, counts={"offered": 1})


def alert(fingerprint, state):
    return AlertEvent(
        fingerprint=fingerprint,
        episode="e",
        rule=f"rule-{fingerprint}",
        state=state,
        reason="condition_met",
        severity="critical",
        feed="live",
        hotline="h",
        queue="q",
        at=NOON,
        started_at=NOON,
        version=1,
        value=2,
        labels={},
        summary={"en": "too many calls", "zh": "来电过多"},
    )


def test_positions_are_the_next_offset_and_the_engines_own_report_counts():
    ends = {TopicPartition(CALLS, 0): 15, TopicPartition(CALLS, 1): 4, TopicPartition(PARTIALS, 0): 7}
    committed = {("streams", TopicPartition(CALLS, 0)): 5, ("streams", TopicPartition(PARTIALS, 0)): 7}
    found = positions(dict.fromkeys(ends, 0), ends, committed, progress(1))
    assert [(p.topic, p.partition, p.reader, p.position, p.end, p.lag, p.data_as_of) for p in found] == [
        (CALLS, 0, "streams", 10, 15, 5, NOON),
        (CALLS, 1, "streams", 0, 4, 4, None),
        (PARTIALS, 0, "streams", 7, 7, 0, None),
    ]


def test_who_has_committed_nothing_yet_has_everything_to_read():
    visits, cells = TopicPartition(VISITS, 0), TopicPartition(CELLS, 0)
    found = positions({visits: 0, cells: 20}, {visits: 3, cells: 50}, {("alerts", cells): 40}, None)
    assert [(p.topic, p.reader, p.position, p.lag) for p in found] == [
        (VISITS, "sinks", 0, 3),
        (CELLS, "alerts", 40, 10),
        (CELLS, "sinks", 20, 30),
    ]


@pytest.fixture
def environment(monkeypatch, tmp_path, kafka_bootstrap):
    monkeypatch.setenv("HOTLINE_KAFKA__BOOTSTRAP", kafka_bootstrap)
    monkeypatch.setenv("HOTLINE_CLICKHOUSE__URL", "http://127.0.0.1:9")
    monkeypatch.setenv("HOTLINE_DATA_DIR", str(tmp_path))
    current.cache_clear()
    yield
    current.cache_clear()


async def publish(bootstrap, topic, records):
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True) as producer:
        for record in records:
            await producer.send(topic, msgspec.json.encode(record), partition=0)


@pytest.mark.kafka
async def test_the_last_report_is_found_behind_any_number_of_cells(kafka_bootstrap, monkeypatch):
    await apply(Kafka(bootstrap=kafka_bootstrap))
    monkeypatch.setattr(status_of, "_LOOK_BACK", 4)
    first = progress(1, late={"pbx": 1})
    last = progress(2, misrouted={"pbx": 3}, repaired={"midnight": {"pbx": 4}})
    await publish(kafka_bootstrap, CELLS, [first, cell(1), last, *(cell(n) for n in range(50))])
    async with reading(Kafka(bootstrap=kafka_bootstrap)) as consumer:
        assert await status_of.last_progress(consumer, await status_of._ends(consumer)) == last


@pytest.mark.kafka
async def test_an_alert_fires_until_it_is_resolved(kafka_bootstrap):
    await apply(Kafka(bootstrap=kafka_bootstrap))
    told = [
        alert("a", "pending"),
        alert("a", "firing"),
        alert("b", "firing"),
        alert("b", "resolved"),
        alert("c", "pending"),
    ]
    await publish(kafka_bootstrap, ALERTS, told)
    async with reading(Kafka(bootstrap=kafka_bootstrap)) as consumer:
        found = await status_of.firing(consumer, await status_of._ends(consumer))
    mine = [alert.rule for alert in found if alert.rule.startswith("rule-")]
    assert mine == ["rule-a"]
    await publish(kafka_bootstrap, ALERTS, [alert("a", "resolved")])


@pytest.mark.kafka
def test_the_json_has_the_fields_of_the_contract_and_no_rows_while_clickhouse_is_away(environment, topics):
    topics()
    ran = CliRunner().invoke(status.command, ["--json"])
    assert ran.exit_code == 0, ran.output
    told = json.loads(ran.stdout)
    assert {
        "version", "endpoints", "processes", "partitions", "rows_written",
        "repaired", "rejected", "misrouted", "late", "alerts_firing",
    } <= set(told)  # fmt: skip
    assert told["rows_written"] is None
    assert told["endpoints"]["clickhouse"] == "http://127.0.0.1:9"
    calls = [p for p in told["partitions"] if p["topic"] == CALLS]
    assert [p["partition"] for p in calls] == [0, 1, 2, 3, 4, 5]
    assert {"topic", "partition", "position", "end", "lag", "data_as_of"} <= set(calls[0])


FILES = ["rules", "paging", "events", "map"]


@pytest.mark.kafka
def test_check_names_each_thing_and_what_to_do(environment, topics, monkeypatch):
    topics()
    monkeypatch.setenv("HOTLINE_PSEUDONYM__KEY", "changeme")
    ran = CliRunner().invoke(check.command)
    assert ran.exit_code == 1
    lines = {line.split()[1]: line for line in ran.output.splitlines()}
    assert list(lines) == ["settings", "pseudonym", "terms", *FILES, "Kafka", "topics", "ClickHouse", "schema"]
    assert [name for name, line in lines.items() if line.startswith("ok")] == [
        "settings",
        "terms",
        *FILES,
        "Kafka",
        "topics",
    ]
    assert "hotlines: none configured" in lines["settings"]
    assert "HOTLINE_PSEUDONYM__KEY" in lines["pseudonym"]
    assert "does not answer" in lines["ClickHouse"]


def test_check_judges_settings_also_where_nothing_runs_yet(monkeypatch, tmp_path):
    for name in ("HOTLINE_KAFKA__BOOTSTRAP", "HOTLINE_CLICKHOUSE__URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOTLINE_PSEUDONYM__KEY", "changeme")
    ran = CliRunner().invoke(check.command, ["--data-dir", str(tmp_path)])
    assert ran.exit_code == 1
    lines = {line.split()[1]: line for line in ran.output.splitlines()}
    assert list(lines) == ["settings", "pseudonym", "terms", *FILES, "addresses"]
    assert "HOTLINE_PSEUDONYM__KEY" in lines["pseudonym"]
    assert "start `hotline up` or set HOTLINE_KAFKA__BOOTSTRAP" in lines["addresses"]


@pytest.mark.kafka
@pytest.mark.clickhouse
def test_check_asks_for_the_schema(environment, topics, monkeypatch, clickhouse_url):
    topics()
    monkeypatch.setenv("HOTLINE_DEMO", "true")
    monkeypatch.setenv("HOTLINE_CLICKHOUSE__URL", clickhouse_url)
    monkeypatch.setenv("HOTLINE_CLICKHOUSE__DATABASE", "never_migrated")
    ran = CliRunner().invoke(check.command)
    assert ran.exit_code == 1
    assert [line for line in ran.output.splitlines() if line.startswith("WRONG")] == [ran.output.splitlines()[-1]]
    assert "hotline migrate" in ran.output.splitlines()[-1]


@pytest.mark.kafka
def test_topics_check_and_apply_tell_each_topic(environment, topics):
    topics()
    ran = CliRunner().invoke(topics_cli.command, ["check"])
    assert (ran.exit_code, ran.output.count(": ok")) == (0, len(TOPICS))
    ran = CliRunner().invoke(topics_cli.command, ["apply"])
    assert (ran.exit_code, ran.output.count(": ok")) == (0, len(TOPICS))


def test_a_person_reads_what_is_wrong():
    text = in_words(
        Status(
            version="1.2.3",
            endpoints=Endpoints(kafka="k:9092", web="http://w"),
            processes=[ProcessState("streams", 7, "running", 2), ProcessState("web", None, "waiting", 1)],
            partitions=[
                PartitionStatus(topic=CALLS, partition=n, reader="streams", position=10, end=15, lag=5, data_as_of=NOON)
                for n in range(6)
            ],
            rows_written=None,
            repaired={"midnight": {"pbx": 1000}},
            rejected={},
            misrouted=2,
            misrouted_by_source={"pbx-2": 2},
            late=0,
            late_by_source={},
            missing=3,
            alerts_firing=[
                FiringAlert(
                    rule="r",
                    severity="critical",
                    hotline="h",
                    queue="q",
                    category="",
                    since=NOON,
                    summary={"en": "Too many"},
                )
            ],
            warnings=["the input is deleted"],
        )
    )
    assert "WARNING     the input is deleted" in text
    assert "streams     running   pid 7, started again 2 times" in text
    assert "hotline.calls         streams             60          90        30  2024-01-01 00:00:00 UTC" in text
    assert "repaired    midnight 1,000" in text
    assert "misrouted   2 (pbx-2 2)" in text
    assert "rows        ClickHouse does not answer" in text
    assert "missing     3 records" in text
    assert "critical  since 2024-01-01 00:00:00 UTC: Too many" in text


def test_input_that_is_deleted_before_it_is_read_is_warned_of():
    hour = 3_600_000

    def warnings(*, lag: int, hours: int) -> list[str]:
        line = PartitionStatus(
            topic=CALLS, partition=0, reader="streams", position=1, end=1 + lag, lag=lag, data_as_of=NOON - hours * hour
        )
        return soon_deleted([line], {CALLS: 24 * hour}, NOON)

    assert warnings(lag=5, hours=11) == [] == warnings(lag=0, hours=30)
    [warning] = warnings(lag=5, hours=13)
    assert "hotline.calls is read 13.0 h behind, and keeps its records for 24.0 h" in warning
    assert "retention.ms" in warning
