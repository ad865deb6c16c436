"""The process `hotline alerts` on a real broker: signals in, webhook and Alertmanager told, killed at will."""

import asyncio
import os
import sys
from types import SimpleNamespace

import msgspec
import process_kit
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from process_kit import HOTLINE, running
from prometheus_client import REGISTRY

from alerts.app import show_metrics
from alerts.controls import Controls
from alerts.promises import promises_of
from alerts.telling import Telling
from alerts.watch import Watch
from deploy.runtime.processor import Record
from deploy.runtime.settings import Settings
from streams.contract import AlertEvent
from streams.contract.topics import ALERTS, CELLS

pytestmark = pytest.mark.timeout(240)


def told(hook, queue):
    """(state, idempotency key, startsAt) of what the webhook was told of a queue: others' alerts have what labels they like."""
    return [
        (body["status"], headers["Idempotency-Key"], body["alerts"][0]["startsAt"])
        for headers, body in hook.requests
        if (body["commonLabels"].get("feed"), body["commonLabels"].get("queue")) == (hook.feed, queue)
    ]


@pytest.mark.kafka
@pytest.mark.faults
async def test_killed_at_any_moment_no_alert_is_forgotten_and_none_is_told_as_new(kafka_bootstrap, tmp_path):
    async with running(kafka_bootstrap, tmp_path) as (process, hook, manager):

        def is_told(queue, state):
            async def seen():
                return any(told_state == state for told_state, _, _ in told(hook, queue))

            return seen

        await process.signals("calm", active=False)
        await process.signals("busy")
        await process.until(is_told("busy", "firing"))
        await process.until(lambda: _posted(manager, "busy"))

        # Killed once everything is written: nothing is told again.
        await process.checkpointed()
        await process.kill()
        await process.signals("busy")
        await process.start()
        await process.signals("second")
        await process.until(is_told("second", "firing"))
        assert [state for state, _, _ in told(hook, "busy")] == ["firing"]

        # Killed the moment it was told: perhaps told again, as the same episode; its end is not lost.
        await process.signals("third")
        await process.until(is_told("third", "firing"))
        await process.kill()
        await process.signals("third", active=False)
        await process.signals("busy", active=False)
        await process.start()
        await process.until(is_told("third", "resolved"))
        await process.until(is_told("busy", "resolved"))
        assert len({key for state, key, _ in told(hook, "third") if state == "firing"}) == 1
        for queue in ("busy", "third"):
            assert len({starts_at for _, _, starts_at in told(hook, queue)}) == 1
        assert told(hook, "calm") == []

        async def measured():  # the webhook knows of a message before the process has its answer
            metrics = await process.metrics()
            delivered = metrics.get(
                'hotline_alerts_deliveries_total{channel="webhook",outcome="delivered",reason=""}', 0
            )
            firing = metrics.get('hotline_alerts_firing{rule="DemandAboveExpectation",severity="warning"}')
            return delivered >= 2 and firing == 1

        await process.until(measured)

        await process.signals("second", active=False)
        await process.until(is_told("second", "resolved"))
        await process.checkpointed()

        states = await _states(kafka_bootstrap, process.feed)
        assert [state for state in states["busy"] if state != "pending"] == ["firing", "resolved"]
        assert states["second"][-1] == "resolved"
        assert states["third"][-1] == "resolved"
    assert "open sesame" not in process.log.read_text(encoding="utf-8")


async def _posted(manager, queue):
    return any(alert["labels"].get("queue") == queue for _, body in manager.requests for alert in body)


async def _states(bootstrap, feed):
    """queue -> states in `hotline.alerts`, in order."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    states = {}
    try:
        tp = TopicPartition("hotline.alerts", 0)
        consumer.assign([tp])
        end = (await consumer.end_offsets([tp]))[tp]
        while await consumer.position(tp) < end:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for event in (msgspec.json.decode(record.value, type=AlertEvent) for record in records):
                    if event.feed == feed:
                        states.setdefault(event.queue, []).append(event.state)
    finally:
        await consumer.stop()
    return states


@pytest.mark.kafka
@pytest.mark.faults
async def test_a_webhook_that_is_away_gets_it_later_also_after_a_restart(kafka_bootstrap, tmp_path):
    async with running(kafka_bootstrap, tmp_path) as (process, hook, _):
        hook.answers = [503] * 1000
        await process.signals("busy")

        async def tried():
            return len(told(hook, "busy")) >= 2

        await process.until(tried)
        await process.checkpointed()
        await process.kill()
        await process.start()
        hook.answers = []
        before = len(told(hook, "busy"))

        async def told_again():
            return len(told(hook, "busy")) > before

        await process.until(told_again)
        assert len({key for _, key, _ in told(hook, "busy")}) == 1

        # Over, so that whoever shares the broker does not find it firing.
        await process.signals("busy", active=False)

        async def is_over():
            return any(state == "resolved" for state, _, _ in told(hook, "busy"))

        await process.until(is_over)
        await process.checkpointed()

        async def none_waiting():
            metrics = await process.metrics()
            waiting = [value for name, value in metrics.items() if name.startswith("hotline_alerts_deliveries_waiting")]
            return len(waiting) == 2 and sum(waiting) == 0

        await process.until(none_waiting)
    log = process.log.read_text(encoding="utf-8")
    assert "channel fails, tried again with back-off" in log
    assert "secret of the service" not in log


STUMBLES = """
from alerts.channels import webhook
whole = webhook.payload
def payload(event, *more):
    return whole(event, *more) if event.queue != "bad" else 1 // 0
webhook.payload = payload
"""


@pytest.mark.kafka
@pytest.mark.faults
async def test_an_alert_that_a_channel_stumbles_over_ends_nothing_and_is_told_by_one_that_does_not(
    kafka_bootstrap, tmp_path, monkeypatch
):
    monkeypatch.setattr(process_kit, "HOTLINE", STUMBLES + HOTLINE)
    async with running(kafka_bootstrap, tmp_path) as (process, hook, manager):
        fault = 'hotline_alerts_deliveries_total{channel="webhook",outcome="retry",reason="fault"}'

        async def tried_twice():
            return (await process.metrics()).get(fault, 0) >= 2

        def is_told(queue, state):
            async def seen():
                return any(told_state == state for told_state, _, _ in told(hook, queue))

            return seen

        await process.signals("bad")
        await process.until(tried_twice)
        await process.signals("good")
        await process.until(is_told("good", "firing"))
        await process.until(lambda: _posted(manager, "bad"))
        assert told(hook, "bad") == []
        await process.checkpointed()
        await process.kill()
        assert "ZeroDivisionError" in process.log.read_text(encoding="utf-8")

        monkeypatch.setattr(process_kit, "HOTLINE", HOTLINE)
        await process.start()
        await process.until(is_told("bad", "firing"))
        for queue in ("bad", "good"):
            await process.signals(queue, active=False)
            await process.until(is_told(queue, "resolved"))
        await process.checkpointed()


async def test_rules_that_cannot_be_used_end_the_process_with_what_to_do(tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules: [{name: A, signal: waiting_past_threshold, for: 5m}]", encoding="utf-8")
    settings = {
        "HOTLINE_KAFKA__BOOTSTRAP": "127.0.0.1:1",
        "HOTLINE_CLICKHOUSE__URL": "http://127.0.0.1:1",
        "HOTLINE_ALERTS__RULES": str(rules),
    }
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HOTLINE_")}
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOTLINE, "alerts", env=clean | settings, cwd=tmp_path, stderr=asyncio.subprocess.PIPE
    )
    _, stderr = await child.communicate()
    assert child.returncode == 2
    assert f"{rules}: rule A: for: no such key" in stderr.decode()


def test_records_that_were_passed_over_are_shown():
    watch, telling = Watch([], "live", promises_of(Settings())), Telling({}, None, Controls())
    for processor in (watch, telling):
        processor.apply([Record(0, 1, None, b"{")])
    show_metrics(SimpleNamespace(processor=lambda topic, _: {CELLS: watch, ALERTS: telling}.get(topic)), [])
    shown = [REGISTRY.get_sample_value("hotline_alerts_records_unreadable", {"topic": it}) for it in (CELLS, ALERTS)]
    assert shown == [1, 1]
