"""`hotline alerts` as a real process on a real broker, with a webhook and an Alertmanager that note what they are told."""

import asyncio
import json
import os
import sys
import time
import uuid
from contextlib import asynccontextmanager

import aiohttp
import msgspec
import servers
from aiokafka import AIOKafkaProducer
from alert_kit import signal

from deploy import topics
from deploy.embedded.child import free_port
from deploy.runtime.settings import Kafka

HOTLINE = "from deploy.cli.main import main; main()"
WRITTEN = "hotline_engine_checkpoint_bytes_total"
TOPICS_READ = 3
"""By the process, of one partition each: each has a state."""


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
        """Wait until every state has been written as it is now: what was under way may be of before."""
        seen = {}

        async def all_twice():
            for name, size in (await self.metrics()).items():
                if name.startswith(WRITTEN) and size not in (sizes := seen.setdefault(name, [])):
                    sizes.append(size)
            return len(seen) == TOPICS_READ and all(len(sizes) > 2 for sizes in seen.values())

        await self.until(all_twice)

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
