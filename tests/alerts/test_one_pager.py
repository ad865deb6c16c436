"""Nobody is paged twice for one episode, whoever pages and whatever else is on: both modes, Alertmanager as it is shipped,
and Grafana's second-line rules forwarded to it."""

import asyncio
import re
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import orjson
import pytest
import servers
import watchers
import yaml
from aiohttp import web
from alert_kit import S, event, record
from watchers import wall_ms

from alerts.app import build_channels, build_receivers
from alerts.controls import Controls
from alerts.pager import page_forever
from alerts.sender import send_forever
from alerts.telling import Telling
from deploy.runtime.alerts_settings import Alertmanager, Alerts
from deploy.runtime.settings import Settings

ROOT = Path(__file__).parents[2]
SECOND_LINE = ROOT / "deploy/grafana/provisioning/alerting/hotline.yaml"


def shipped_config():
    """Alertmanager's shipped configuration, quick, and with a webhook for every receiver that has somebody behind it."""
    text = (ROOT / "deploy/alertmanager/alertmanager.yml").read_text(encoding="utf-8")
    text = re.sub(r"group_wait: \S+", "group_wait: 0s", text)
    text = re.sub(r"group_interval: \S+", "group_interval: 1s", text)
    config = yaml.safe_load(text)
    people = [receiver for receiver in config["receivers"] if receiver["name"] != "shown"]
    for receiver in people:
        receiver["webhook_configs"] = [{"url": f"HOOK/people/{receiver['name']}", "send_resolved": True}]
    return yaml.safe_dump(config).replace("{", "{{").replace("}", "}}").replace("HOOK", "{hook}")


def grafana_forwards():
    """What Grafana sends on for each of its rules when it fires."""
    groups = yaml.safe_load(SECOND_LINE.read_text(encoding="utf-8"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert rules
    return [
        {"labels": rule["labels"] | {"alertname": rule["title"], "grafana_folder": "Hotline", "hotline": "12345"}}
        for rule in rules
    ]


@asynccontextmanager
async def everything(paging, directory):
    """Hotline's deliveries in one mode beside a real Alertmanager; yields (deliveries, who was told what, its address)."""
    told = []

    async def people(request):
        body = orjson.loads(await request.read())
        state = body["status"] if "status" in body else "firing" if body["text"].startswith("[FIRING") else "resolved"
        told.append((request.match_info["who"], state))
        return web.Response(text="ok")

    async with servers.serving(web.post("/people/{who}", people)) as base:
        config = shipped_config().replace("{hook}", base)
        async with watchers.alertmanager(directory, config) as real:
            duty = {
                "receivers": [{"name": "chief", "channels": [{"type": "slack", "url": f"{base}/people/chief"}]}],
                "routes": [{"group_wait_s": 0, "group_interval_s": 1, "chain": [{"tell": ["chief"]}]}],
            }
            path = directory / "duty.yaml"
            path.write_text(yaml.safe_dump(duty), encoding="utf-8")
            settings = Settings.model_construct(
                paging=paging,
                alerts=Alerts(duty=path, alertmanager=Alertmanager(url=real.url)),
            )
            channels, (plan, receivers) = build_channels(settings, {}), build_receivers(settings, {})
            controls = Controls()
            controls.ready = True
            telling = Telling({channel.target: channel.resend_s for channel in channels}, plan, controls)
            tasks = [asyncio.create_task(send_forever(c, lambda: telling.deliveries, wall_ms)) for c in channels]
            tasks += [
                asyncio.create_task(page_forever(name, ways, lambda: telling.paging, wall_ms))
                for name, ways in receivers.items()
            ]
            tasks.append(asyncio.create_task(working(telling)))
            try:
                yield telling, told, real
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                for channel in [*channels, *(way for ways in receivers.values() for way in ways)]:
                    await channel.close()


async def working(telling):
    """What the worker does beside: time passes, states are written."""
    while True:
        telling.tick(wall_ms(), caught_up=True)
        telling.snapshot()
        telling.saved()
        await asyncio.sleep(0.05)


@pytest.mark.system
@pytest.mark.faults
@pytest.mark.parametrize(("paging", "who"), [("hotline", "chief"), ("alertmanager", "on-call-12345")])
async def test_one_episode_pages_one_person_once_in_either_mode(paging, who, tmp_path):
    async with everything(paging, tmp_path) as (telling, told, real):
        began = wall_ms() - S
        labels = {"alertname": "Waiting", "severity": "critical", "feed": "live", "hotline": "12345", "queue": "q"}
        fires = event("firing", "f1-1", began, severity="critical", started_at=began, hotline="12345", labels=labels)
        telling.apply([record(fires)])
        url = real.url + "/api/v2/alerts"
        async with aiohttp.ClientSession() as client, client.post(url, json=grafana_forwards()) as answer:
            assert answer.status == 200
        shown = 1 + len(grafana_forwards())
        await real.until(lambda alerts, _: len(alerts) == shown and told)
        await asyncio.sleep(3)  # three group intervals: whoever would tell a second time has had the chance
        assert told == [(who, "firing")]
        over = event(
            "resolved", "f1-1", wall_ms(), severity="critical", started_at=began, hotline="12345", labels=labels
        )
        telling.apply([record(over)])
        await real.until(lambda _, __: len(told) == 2)
        await asyncio.sleep(2)
        assert told == [(who, "firing"), (who, "resolved")]
