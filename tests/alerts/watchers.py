"""Debian's Alertmanager and Prometheus, started for a test on free ports, with what they need to be quick."""

import asyncio
import shutil
import time
from contextlib import asynccontextmanager

import aiohttp
import pytest
import servers

from deploy.embedded.child import free_port

BINARY = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
PROMETHEUS = shutil.which("prometheus")

CONFIG = """
route: {{receiver: hook, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}}
receivers: [{{name: hook, webhook_configs: [{{url: "{hook}/hook", send_resolved: true}}]}}]
"""


def wall_ms():
    return int(time.time() * 1000)


class Real:
    """A running Alertmanager and what its own webhook receiver was told."""

    def __init__(self, url, told):
        self.url = url
        self.told = told

    async def alerts(self):
        async with aiohttp.ClientSession() as client, client.get(self.url + "/api/v2/alerts") as answer:
            assert answer.status == 200
            return await answer.json()

    async def until(self, condition, seconds=60):
        """Wait for a condition on (alerts, what the receiver was told)."""
        deadline = time.monotonic() + seconds
        while True:
            alerts = await self.alerts()
            notified = [(body["status"], len(body["alerts"])) for _, body in self.told.requests]
            if condition(alerts, notified):
                return alerts
            assert time.monotonic() < deadline, f"not within {seconds} s: {alerts}, {notified}"
            await asyncio.sleep(0.1)


@asynccontextmanager
async def alertmanager(directory, config=CONFIG):
    """One that tells a webhook of ours; `config` with {hook} filled in."""
    if BINARY is None:
        pytest.skip("no Alertmanager here: apt-get install prometheus-alertmanager")
    told = servers.Webhook(token="")
    async with servers.serving(*told.routes()) as hook:
        path, port = directory / "alertmanager.yml", free_port()
        path.write_text(config.format(hook=hook), encoding="utf-8")
        url = f"http://127.0.0.1:{port}"
        options = [
            f"--config.file={path}",
            f"--storage.path={directory / 'alertmanager'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ]
        async with _running(BINARY, options, url, directory / "alertmanager.log"):
            yield Real(url, told)


@asynccontextmanager
async def prometheus(directory, config, rules):
    """One with this configuration and these rules (texts); yields its address."""
    if PROMETHEUS is None:
        pytest.skip("no Prometheus here: apt-get install prometheus")
    (directory / "prometheus.yml").write_text(config, encoding="utf-8")
    (directory / "rules.yml").write_text(rules, encoding="utf-8")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    options = [
        f"--config.file={directory / 'prometheus.yml'}",
        f"--storage.tsdb.path={directory / 'prometheus'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    async with _running(PROMETHEUS, options, url, directory / "prometheus.log"):
        yield url


@asynccontextmanager
async def _running(binary, options, url, log):
    with log.open("w") as stderr:
        process = await asyncio.create_subprocess_exec(
            binary, *options, stdout=asyncio.subprocess.DEVNULL, stderr=stderr
        )
    try:
        await _ready(url, process, log)
        yield
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 60)


async def _ready(url, process, log):
    deadline = time.monotonic() + 60
    async with aiohttp.ClientSession() as client:
        while True:
            assert process.returncode is None, log.read_text(encoding="utf-8")
            assert time.monotonic() < deadline, "it does not answer"
            try:
                async with client.get(url + "/-/ready") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.05)


async def up(url, value, seconds=60):
    """Wait until Prometheus has seen its one target up (1) or down (0)."""
    deadline = time.monotonic() + seconds
    async with aiohttp.ClientSession() as client:
        while True:
            async with client.get(url + "/api/v1/query", params={"query": "up"}) as answer:
                found = (await answer.json())["data"]["result"]
            if [series["value"][1] for series in found] == [str(value)]:
                return
            assert time.monotonic() < deadline, f"not within {seconds} s: {found}"
            await asyncio.sleep(0.1)
