"""The dead man's switch: as long as alerts can be made and told, somebody outside hears so; when it stops, they ring.

Two ways, either or both:

- A GET of `alerts.heartbeat.url` at every beat, for services that ring when a ping does not come.
- In Alertmanager two alerts are kept up: `HotlineStopped`, which would ring, and `HotlineAlive`, which ends three beats
  after the last one and inhibits it meanwhile (deploy/alertmanager/alertmanager.yml has the rule). Alertmanager keeps
  alerts in memory: if it is started anew while Hotline is away, only Prometheus is left to say so.

It beats only while the whole path works: partitions owned, everything read, the data itself not old, and nothing kept
from whoever pages by an error in Hotline.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import structlog

from alerts import metrics
from alerts.channels import Delivered, Outcome, Retry
from alerts.channels.alertmanager import credentials
from alerts.channels.content import rfc3339
from alerts.channels.http import JsonClient
from deploy.runtime.faults import Fault, Faults, contained
from deploy.runtime.settings import Settings

OLD_MS = 300_000
"""Age of the data beyond which nobody would be told of what goes on now."""
STUCK_MS = 300_000
"""How long an error in Hotline may keep an alert from being told: its back-off tries it seven times meanwhile."""
BEATS_TO_LIVE = 3
ARMED_MS = 14 * 86_400_000

Pulse = Literal["beats", "no_partitions", "behind", "data_old", "stuck"]

log = structlog.get_logger()


def wanted(settings: Settings) -> bool:
    """Whether anybody listens."""
    return bool(settings.alerts.heartbeat.url.get_secret_value()) or settings.alerts.alertmanager.dead_man


def pulse(*, owned: bool, behind: bool, data_age_ms: int | None, stuck_ms: int) -> Pulse:
    """Whether there is something to beat for. `data_age_ms` None: the feed has a clock of its own. `stuck_ms`: age of the
    oldest alert that an error in Hotline keeps from being told.
    """
    if not owned:
        return "no_partitions"
    if behind:
        return "behind"
    if data_age_ms is not None and data_age_ms > OLD_MS:
        return "data_old"
    return "stuck" if stuck_ms > STUCK_MS else "beats"


def posted(now: int, beat_ms: int, *, external_url: str, armed: bool) -> list[dict[str, Any]]:
    """Both alerts. Not `armed`: only that the stop of an earlier life is over; inhibited, nobody would be told so."""
    told = "Hotline tells of nothing any more: nobody is paged for its lines"
    stopped = {
        "labels": {"alertname": "HotlineStopped", "severity": "critical", "process": "alerts"},
        "annotations": {"summary": told, "action": "`hotline status`: do `alerts` and `streams` run, is Kafka there?"},
        "startsAt": rfc3339(now),
        "endsAt": rfc3339(now + ARMED_MS if armed else now),
        "generatorURL": external_url,
    }
    alive = {
        "labels": {"alertname": "HotlineAlive", "severity": "info", "process": "alerts"},
        "annotations": {"summary": "Hotline can tell of alerts"},
        "startsAt": rfc3339(now),
        "endsAt": rfc3339(now + BEATS_TO_LIVE * beat_ms),
        "generatorURL": external_url,
    }
    return [alive, stopped] if armed else [stopped]


async def beat_forever(
    settings: Settings, external_url: str, feel: Callable[[], Pulse], now: Callable[[], int]
) -> None:
    """Beat while `feel()` says so. Logs when it begins and when it stops, and why."""
    config, manager = settings.alerts.heartbeat, settings.alerts.alertmanager
    client, faults = JsonClient(), Faults()
    before: Pulse | None = None
    beats = 0
    try:
        while True:
            felt = feel()
            if felt != before:
                (log.info if felt == "beats" else log.warning)("heartbeat", pulse=felt)
                before = felt
            if felt == "beats":
                if config.url.get_secret_value():
                    await _beat("url", client.get(config.url.get_secret_value(), now=now()), faults)
                if manager.dead_man:
                    armed = beats >= BEATS_TO_LIVE
                    body = posted(now(), config.every_s * 1000, external_url=external_url, armed=armed)
                    url = manager.url.rstrip("/") + "/api/v2/alerts"
                    call = client.post(url, body, headers=credentials(manager), now=now())
                    beats += await _beat("alertmanager", call, faults)
            await asyncio.sleep(config.every_s)
    finally:
        await client.close()


async def _beat(to: str, call: Awaitable[Outcome], faults: Faults) -> bool:
    """Whether it was taken. One way's fault is no beat, and keeps the other from none."""
    came = await contained(call)
    if isinstance(came, Fault):
        faults.say("an error in Hotline, please report it: the dead man's switch is not told that we live", came, to=to)
        came = Retry("fault", detail=type(came).__name__)
    metrics.HEARTBEATS.labels(to, type(came).__name__.lower()).inc()
    return isinstance(came, Delivered)
