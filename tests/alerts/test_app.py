"""The process `hotline alerts` on a real broker: signals in, webhook and Alertmanager told, killed at will."""

import asyncio
import json
import os
import sys
import time
import uuid
from contextlib import asynccontextmanager

import aiohttp
import msgspec
import pytest
import servers
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from alert_kit import signal

from deploy import topics
from deploy.embedded.child import free_port
from deploy.runtime.settings import Kafka
from streams.contract import AlertEvent

pytestmark = pytest.mark.timeout(240)

HOTLINE = "from deploy.cli.main import main; main()"
CHECKPOINTS = "hotline_engine_checkpoint_seconds_count"


class Process:
    """`hotline alerts` with a feed, a webhook and an Alertmanager of its own."""

    def __init__(self, bootstrap, base, directory, more):
        self.bootstrap, self.base, self.directory, self.more = bootstrap, base, directory, more
        self.feed = "test-" + uuid.uuid4().hex[:8]
        self.version = int(time.time() * 1000)
        self.since = {}
        self.child = None

    async def start(self):
        self.port = free_port()
        clean = {name: value for name, value in os.environ.items() if not name.startswith("HOTLINE_")}
        settings = {
            "HOTLINE_KAFKA__BOOTSTRAP": self.bootstrap,
            "HOTLINE_KAFKA__SESSION_TIMEOUT_MS": "6000",
            "HOTLINE_CLICKHOUSE__URL": "http://127.0.0.1:1",
            "HOTLINE_ALERTS__FEED": self.feed,
            "HOTLINE_ALERTS__WEBHOOKS": json.dumps([{"url": self.base + "/hook", "bearer_token": "open sesame"}]),
            "HOTLINE_ALERTS__ALERTMANAGER__URL": self.base + "/prefix",
            "HOTLINE_HEALTH__ALERTS_PORT": str(self.port),
        }
        with self.log.open("ab") as log:
            self.child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                HOTLINE,
                "alerts",
                env=clean | settings | self.more,
                cwd=self.directory,
                stdout=log,
                stderr=log,
            )

    @property
    def log(self):
        return self.directory / "alerts.log"

    async def kill(self):
        self.child.kill()
        await self.child.wait()

    async def metrics(self):
        try:
            async with (
                aiohttp.ClientSession() as client,
                client.get(f"http://127.0.0.1:{self.port}/metrics") as answer,
            ):
                lines = (await answer.text()).splitlines()
        except aiohttp.ClientError:
            return {}
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines) if name[:1] != "#"}

    async def checkpointed(self):
        """Wait until both states have been written as they are now."""
        written = (await self.metrics()).get(CHECKPOINTS, 0)

        async def enough():
            return (await self.metrics()).get(CHECKPOINTS, 0) >= written + 4

        await self.until(enough)

    async def until(self, condition, seconds=60):
        deadline = time.monotonic() + seconds
        while not await condition():
            assert self.child.returncode is None, self.log.read_text(encoding="utf-8")[-4000:]
            assert time.monotonic() < deadline, "not in time\n" + self.log.read_text(encoding="utf-8")[-4000:]
            await asyncio.sleep(0.05)

    async def signals(self, queue, *, active=True):
        """One signal of demand, as streams sends it; the built-in rule fires with the first."""
        now = int(time.time() * 1000)
        self.version += 1
        sent = msgspec.structs.replace(
            signal(0, active),
            kind="demand_above_expectation",
            fingerprint=f"{self.feed}/{queue}",
            feed=self.feed,
            queue=queue,
            at=now,
            since=self.since.setdefault(queue, now) if active else now,
            version=self.version,
        )
        await self.producer.send_and_wait("hotline.signals", msgspec.json.encode(sent), key=sent.fingerprint.encode())


@asynccontextmanager
async def running(bootstrap, directory, more=()):
    hook, manager = servers.Webhook(), servers.Alertmanager()
    await topics.apply(Kafka(bootstrap=bootstrap))
    async with servers.serving(*hook.routes(), *manager.routes()) as base:
        process = Process(bootstrap, base, directory, dict(more))
        hook.feed = process.feed  # the broker is shared: what other feeds left behind is not looked at
        process.producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
        await process.producer.start()
        try:
            await process.start()
            yield process, hook, manager
        finally:
            await process.producer.stop()
            if process.child is not None and process.child.returncode is None:
                await process.kill()
    assert hook.problems == manager.problems == []


def told(hook, queue):
    """(state, idempotency key, startsAt) of what the webhook was told of a queue."""
    return [
        (body["status"], headers["Idempotency-Key"], body["alerts"][0]["startsAt"])
        for headers, body in hook.requests
        if (body["commonLabels"]["feed"], body["commonLabels"]["queue"]) == (hook.feed, queue)
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

        metrics = await process.metrics()
        assert metrics['hotline_alerts_deliveries_total{channel="webhook",outcome="delivered",reason=""}'] >= 2
        assert metrics['hotline_alerts_firing{rule="DemandAboveExpectation",severity="warning"}'] == 1

        await process.signals("second", active=False)
        await process.until(is_told("second", "resolved"))
        await process.checkpointed()

        states = await _states(kafka_bootstrap, process.feed)
        assert [state for state in states["busy"] if state != "pending"] == ["firing", "resolved"]
        assert states["second"][-1] == "resolved"
        assert states["third"][-1] == "resolved"
    assert "open sesame" not in process.log.read_text(encoding="utf-8")


async def _posted(manager, queue):
    return any(alert["labels"]["queue"] == queue for _, body in manager.requests for alert in body)


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
