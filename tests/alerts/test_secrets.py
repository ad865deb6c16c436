"""Secrets stay where they are: canaries planted in every setting of the alerts room are found nowhere else."""

import asyncio
import json
import os
import sys

import msgspec
import pytest
import servers
import yaml
from aiohttp import web
from aiokafka import AIOKafkaConsumer, TopicPartition
from process_kit import HOTLINE, running

from deploy.runtime.processor import Record
from deploy.runtime.settings import ClickHouse, Settings, load
from sinks.clickhouse.client import connect
from sinks.clickhouse.days import days_by
from sinks.clickhouse.inserter import Inserter, blocks
from sinks.clickhouse.migrate import migrate
from sinks.clickhouse.records import row_functions, to_rows
from streams.contract import Notification
from streams.contract.topics import ALERT_CONTROL, ALERTS, NOTIFICATIONS, STATE_ALERTS

CANARY = "kanarienvogel"


def duty(base):
    """A receiver for every kind of channel, each with a canary in each of its secrets; none of them works."""
    address = f"{base}/{CANARY}-address"
    chats = [
        {"type": kind, "url": address} | more
        for kind, more in {
            "slack": {},
            "teams": {},
            "wecom": {},
            "dingtalk": {"secret": f"{CANARY}-sign"},
            "feishu": {"secret": f"{CANARY}-sign"},
            "pagerduty": {"routing_key": f"{CANARY}-routing"},
            "sms": {"to": ["+4930123"], "token": f"{CANARY}-token"},
        }.items()
    ]
    mail = {
        "type": "email", "host": "127.0.0.1", "port": 1, "user": "u", "password": f"{CANARY}-mail",
        "sender": "hotline@example.org", "to": ["duty@example.org"],
    }  # fmt: skip
    receivers = [{"name": f"to-{ways['type']}", "channels": [ways]} for ways in [*chats, mail]]
    rota = {
        "name": "rota",
        "time_zone": "UTC",
        "otherwise": "to-slack",
        "calendar": {"url": f"{base}/{CANARY}-calendar"},
    }
    everybody = [receiver["name"] for receiver in receivers]
    route = {"group_wait_s": 0, "chain": [{"tell": ["rota", *everybody]}]}
    return {"receivers": receivers, "schedules": [rota], "routes": [route]}


def planted(base, directory):
    path = directory / "duty.yaml"
    path.write_text(yaml.safe_dump(duty(base)), encoding="utf-8")
    hook = {"url": f"{base}/{CANARY}-hook", "bearer_token": f"{CANARY}-bearer", "secret": f"{CANARY}-signature"}
    return {
        "HOTLINE_PAGING": "hotline",
        "HOTLINE_ALERTS__DUTY": str(path),
        "HOTLINE_ALERTS__WEBHOOKS": json.dumps([hook]),
        "HOTLINE_ALERTS__ALERTMANAGER__URL": base + "/away",
        "HOTLINE_ALERTS__ALERTMANAGER__USER": "u",
        "HOTLINE_ALERTS__ALERTMANAGER__PASSWORD": f"{CANARY}-manager",
        "HOTLINE_ALERTS__GRAFANA__URL": base + "/grafana",
        "HOTLINE_ALERTS__GRAFANA__TOKEN": f"{CANARY}-grafana",
        "HOTLINE_ALERTS__HEARTBEAT__URL": f"{base}/{CANARY}-beat",
        "HOTLINE_CLICKHOUSE__PASSWORD": f"{CANARY}-clickhouse",
        "HOTLINE_PSEUDONYM__KEY": f"{CANARY}-pseudonym",
    }


async def no(request):
    """Refuses everything, and says in its answer what it was told, as careless services do."""
    told = await request.read()
    status = {"grafana": 401, "away": 500}.get(request.path.split("/")[1], 403)
    return web.Response(status=status, body=b"you said " + told + request.path.encode())


async def held(bootstrap, topic):
    """All records of the topic's only partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    records = []
    try:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        while await consumer.position(partition) < end:
            for some in (await consumer.getmany(timeout_ms=500)).values():
                records += [Record(it.offset, it.timestamp, it.key, it.value) for it in some]
    finally:
        await consumer.stop()
    return records


async def said(process, settings, *arguments):
    """What a command prints, both ways."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HOTLINE_")}
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOTLINE, *arguments, env=clean | settings, cwd=process.directory,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await child.communicate()
    return output.decode()


@pytest.mark.kafka
@pytest.mark.clickhouse
@pytest.mark.faults
async def test_canaries_are_found_nowhere(kafka_bootstrap, clickhouse_url, tmp_path):
    kinds = {
        "slack",
        "teams",
        "wecom",
        "dingtalk",
        "feishu",
        "pagerduty",
        "sms",
        "email",
        "webhook",
        "alertmanager",
        "grafana",
    }
    async with servers.serving(web.route("*", "/{path:.*}", no)) as base:
        more = planted(base, tmp_path)
        async with running(kafka_bootstrap, tmp_path, more) as (process, _, _):
            await process.signals("canary")

            async def everybody_failed():
                told = [
                    msgspec.json.decode(r.value, type=Notification) for r in await held(kafka_bootstrap, NOTIFICATIONS)
                ]
                return kinds <= {it.channel for it in told if it.feed == process.feed}

            await process.until(everybody_failed, 90)
            await process.signals("canary", active=False)
            await process.checkpointed()
            address = {"HOTLINE_KAFKA__BOOTSTRAP": kafka_bootstrap, "HOTLINE_CLICKHOUSE__URL": clickhouse_url}
            printed = {
                "metrics": "".join(await process.metrics()),
                "log": process.log.read_text(encoding="utf-8"),
            }
            for command in (("status",), ("status", "--json"), ("check",), ("alerts", "list"), ("channels", "list")):
                printed[" ".join(command)] = await said(process, more | address, *command)
            printed["channels test"] = await said(process, more | address, "channels", "test", "to-slack")
    topics = {
        topic: await held(kafka_bootstrap, topic) for topic in (ALERTS, NOTIFICATIONS, ALERT_CONTROL, STATE_ALERTS)
    }
    for topic, records in topics.items():
        printed[topic] = b"".join((r.key or b"") + (r.value or b"") for r in records).decode(errors="replace")
    printed["ClickHouse"] = await asyncio.to_thread(stored, clickhouse_url, topics)
    assert [place for place, text in printed.items() if not text] == [ALERT_CONTROL] * (not printed[ALERT_CONTROL])
    assert "NOT TAKEN" in printed["channels test"]
    assert "to-slack" in printed["ClickHouse"]
    assert {place for place, text in printed.items() if CANARY in text} == set()


def stored(url, topics):
    """What ClickHouse holds once the writer has stored these records, as text."""
    settings = Settings(clickhouse=ClickHouse(url=url, database="canaries"))
    migrate(settings)
    functions = row_functions(days_by(lambda hotline: settings.hotline(hotline).zone))
    with connect(settings.clickhouse) as client:
        inserter = Inserter(client)
        for topic in (ALERTS, NOTIFICATIONS, ALERT_CONTROL):
            rows, _ = to_rows(functions[topic], topic, 0, topics[topic])
            for block in blocks(rows):
                assert not inserter.write(block)
        tables = client.query(
            "SELECT name FROM system.tables WHERE database = 'canaries' AND engine != 'View'"
        ).result_rows
        text = "".join(str(client.query(f"SELECT * FROM {table}").result_rows) for (table,) in tables)
        client.command("DROP DATABASE canaries")
    return text


def test_settings_never_print_a_secret(tmp_path, monkeypatch):
    for name, value in planted("http://127.0.0.1:1", tmp_path).items():
        monkeypatch.setenv(name, value)
    settings = load()
    shown = [repr(settings), str(settings), settings.model_dump_json(), str(settings.model_dump())]
    assert [text for text in shown if CANARY in text] == []
