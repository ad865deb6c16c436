"""If Hotline stops, the outside says so: Alertmanager by two alerts, any service by pings that stay away, Prometheus."""

import asyncio
import re
from pathlib import Path

import pytest
import servers
import watchers
import yaml
from aiohttp import web
from process_kit import running
from watchers import wall_ms

from alerts import heartbeat
from deploy.runtime.alerts_settings import Alertmanager, Alerts, Heartbeat
from deploy.runtime.health import Health, serve_health
from deploy.runtime.settings import Settings

ROOT = Path(__file__).parents[2]
SHIPPED = yaml.safe_load((ROOT / "deploy/alertmanager/alertmanager.yml").read_text(encoding="utf-8"))
CONFIG = watchers.CONFIG + "inhibit_rules: [{rule}]"


def alertmanager(directory):
    """With the inhibition that is shipped."""
    (shipped,) = [rule for rule in SHIPPED["inhibit_rules"] if "HotlineStopped" in str(rule["target_matchers"])]
    text = yaml.safe_dump(shipped, default_flow_style=True, width=1000).strip()
    return watchers.alertmanager(directory, CONFIG.replace("{rule}", text.replace("{", "{{").replace("}", "}}")))


def stops(real):
    """What the receiver was told of HotlineStopped."""
    return [body["status"] for _, body in real.told.requests if body["commonLabels"]["alertname"] == "HotlineStopped"]


@pytest.mark.parametrize(
    ("facts", "pulse"),
    [
        ({"owned": False, "behind": False, "data_age_ms": 0}, "no_partitions"),
        ({"owned": True, "behind": True, "data_age_ms": 0}, "behind"),
        ({"owned": True, "behind": False, "data_age_ms": heartbeat.OLD_MS + 1}, "data_old"),
        ({"owned": True, "behind": False, "data_age_ms": heartbeat.OLD_MS}, "beats"),
        ({"owned": True, "behind": False, "data_age_ms": None}, "beats"),
    ],
)
def test_it_beats_only_while_somebody_would_be_told(facts, pulse):
    assert heartbeat.pulse(**facts, stuck_ms=0) == pulse


async def test_a_ping_comes_at_every_beat_and_only_while_all_is_well(monkeypatch):
    pinged, felt, stopped = [], ["beats", "beats", "behind", "beats"], asyncio.Event()

    async def ping(request):
        pinged.append(len(felt))
        return web.Response()

    def feel():
        if not felt:
            stopped.set()
            return "behind"
        return felt.pop(0)

    async with servers.serving(web.get("/ping", ping)) as base:
        settings = Settings.model_construct(alerts=Alerts(heartbeat=Heartbeat.model_construct(
            url=Heartbeat(url=base + "/ping").url, every_s=0.01)))  # fmt: skip
        beating = asyncio.create_task(heartbeat.beat_forever(settings, "http://board", feel, wall_ms))
        await asyncio.wait_for(stopped.wait(), 60)
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)
    assert pinged == [3, 2, 0]


@pytest.mark.system
@pytest.mark.faults
async def test_alertmanager_rings_when_the_beats_stay_away_and_is_quiet_when_they_come_back(tmp_path):
    async with alertmanager(tmp_path) as real:
        settings = Settings.model_construct(
            alerts=Alerts(alertmanager=Alertmanager(url=real.url, dead_man=True), heartbeat=Heartbeat(every_s=2))
        )

        def start():
            return asyncio.create_task(heartbeat.beat_forever(settings, "http://board", lambda: "beats", wall_ms))

        async def stop(beating):
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)

        beating = start()
        await real.until(
            lambda alerts, _: {"HotlineAlive", "HotlineStopped"} <= {a["labels"]["alertname"] for a in alerts}
        )
        await asyncio.sleep(3)  # longer than every interval of this Alertmanager: it has had its chances to ring
        assert stops(real) == []
        await stop(beating)
        await real.until(lambda _, __: stops(real) == ["firing"])
        beating = start()
        await real.until(lambda _, __: stops(real) == ["firing", "resolved"])
        await stop(beating)


PROMETHEUS = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [rules.yml]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["{manager}"]}}]}}]}}
scrape_configs: [{{job_name: hotline, static_configs: [{{targets: ["127.0.0.1:{port}"], labels: {{process: alerts}}}}]}}]
"""


def quick_rules():
    """The rules that are shipped, with waits of a second."""
    text = (ROOT / "deploy/prometheus/rules/hotline.yml").read_text(encoding="utf-8")
    return re.sub(r"for: \d+[mh]", "for: 1s", text)


@pytest.mark.system
@pytest.mark.faults
async def test_prometheus_rings_when_a_process_is_gone(tmp_path):
    health = await serve_health("127.0.0.1", 0, Health)
    port = health.addresses[0][1]
    async with watchers.alertmanager(tmp_path) as real:
        config = PROMETHEUS.format(manager=real.url.removeprefix("http://"), port=port)
        async with watchers.prometheus(tmp_path, config, quick_rules()) as url:
            await watchers.up(url, 1)
            await health.cleanup()
            alerts = await real.until(
                lambda alerts, _: "HotlineProcessDown" in {a["labels"]["alertname"] for a in alerts}
            )
    (down,) = [alert for alert in alerts if alert["labels"]["alertname"] == "HotlineProcessDown"]
    assert (down["labels"]["process"], down["labels"]["severity"]) == ("alerts", "critical")


@pytest.mark.kafka
@pytest.mark.faults
async def test_the_real_process_is_missed_when_it_is_killed(kafka_bootstrap, tmp_path):
    async with alertmanager(tmp_path) as real:
        more = {
            "HOTLINE_ALERTS__ALERTMANAGER__URL": real.url,
            "HOTLINE_ALERTS__ALERTMANAGER__DEAD_MAN": "true",
            "HOTLINE_ALERTS__HEARTBEAT__EVERY_S": "2",
        }
        async with running(kafka_bootstrap, tmp_path, more) as (process, _, _):
            names = {"HotlineAlive", "HotlineStopped"}
            await real.until(lambda alerts, _: names <= {a["labels"]["alertname"] for a in alerts})
            assert stops(real) == []
            await process.kill()
            await real.until(lambda _, __: stops(real) == ["firing"])
