"""The dead man's switch: as long as alerts can be made and told, somebody outside hears so; when it stops, they ring.

Two ways, either or both:

- A GET of `alerts.heartbeat.url` at every beat, for services that ring when a ping does not come.
- In Alertmanager two alerts are kept up: `HotlineStopped`, which would ring, and `HotlineAlive`, which ends three beats
  after the last one and inhibits it meanwhile (deploy/alertmanager/alertmanager.yml has the rule). Alertmanager keeps
  alerts in memory: if it is started anew while Hotline is away, only Prometheus is left to say so.

It beats only while the whole path works: partitions owned, everything read, and the data itself not old.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Literal

import structlog

from alerts import metrics
from alerts.channels import Delivered, Outcome
from alerts.channels.alertmanager import credentials
from alerts.channels.content import rfc3339
from alerts.channels.http import JsonClient
from deploy.runtime.settings import Settings

OLD_MS = 300_000
"""Older data than this, and nobody would be told of what goes on now."""
BEATS_TO_LIVE = 3
ARMED_MS = 14 * 86_400_000

Pulse = Literal["beats", "no_partitions", "behind", "data_old"]

log = structlog.get_logger()


def wanted(settings: Settings) -> bool:
    """Whether anybody listens."""
    return bool(settings.alerts.heartbeat.url.get_secret_value()) or settings.alerts.alertmanager.dead_man


def pulse(*, owned: bool, behind: bool, data_age_ms: int | None) -> Pulse:
    """Whether there is something to beat for. `data_age_ms` None: the feed has a clock of its own."""
    if not owned:
        return "no_partitions"
    if behind:
        return "behind"
    return "data_old" if data_age_ms is not None and data_age_ms > OLD_MS else "beats"


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
    told, manager = settings.alerts.heartbeat, settings.alerts.alertmanager
    client = JsonClient()
    before: Pulse | None = None
    beats = 0
    try:
        while True:
            felt = feel()
            if felt != before:
                (log.info if felt == "beats" else log.warning)("heartbeat", pulse=felt)
                before = felt
            if felt == "beats":
                if told.url.get_secret_value():
                    _count("url", await client.get(told.url.get_secret_value(), now=now()))
                if manager.dead_man:
                    armed = beats >= BEATS_TO_LIVE
                    body = posted(now(), told.every_s * 1000, external_url=external_url, armed=armed)
                    url = manager.url.rstrip("/") + "/api/v2/alerts"
                    outcome = await client.post(url, body, headers=credentials(manager), now=now())
                    beats += isinstance(outcome, Delivered)
                    _count("alertmanager", outcome)
            await asyncio.sleep(told.every_s)
    finally:
        await client.close()


def _count(to: str, outcome: Outcome) -> None:
    metrics.HEARTBEATS.labels(to, type(outcome).__name__.lower()).inc()
