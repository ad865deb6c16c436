"""PagerDuty's Events API v2: an event per episode, `dedup_key` = episode, so that a repetition changes nothing."""

from collections.abc import Sequence
from typing import Any

import orjson

from alerts.channels import Delivered, Failed, Notice, Outcome, Retry
from alerts.channels.content import Writer, rfc3339
from alerts.channels.http import TIMEOUT_S, JsonClient
from alerts.channels.settings import PagerDutySettings
from alerts.channels.words import sentence
from streams.contract import AlertEvent

LONGEST_SUMMARY = 1024
LONGEST_STATUS = 40


class PagerDutyChannel:
    """POST `/v2/enqueue`: trigger while it fires, resolve when it is over."""

    kind = "pagerduty"
    resend_s: int | None = None
    batch = 1

    def __init__(self, settings: PagerDutySettings, target: str, writer: Writer, timeout_s: float = TIMEOUT_S) -> None:
        self.target = target
        self._settings = settings
        self._writer = writer
        self._client = JsonClient(timeout_s)

    async def send(self, notices: Sequence[Notice], now: int) -> Outcome:
        (notice,) = notices
        body = {"routing_key": self._settings.routing_key.get_secret_value()}
        body |= enqueued(notice.event, self._writer, sentence(notice.event, self._writer, self._settings.language))
        return await self._client.post(self._settings.url.get_secret_value(), body, now=now, read=_read)

    async def close(self) -> None:
        await self._client.close()


def enqueued(event: AlertEvent, writer: Writer, summary: str) -> dict[str, Any]:
    """The event without its routing key."""
    if event.state == "resolved":
        return {"event_action": "resolve", "dedup_key": event.episode}
    runbook = writer.annotations(event).get("runbook")
    place = "/".join(part for part in (event.hotline, event.queue, event.category) if part)
    return {
        "event_action": "trigger",
        "dedup_key": event.episode,
        "client": "Hotline",
        "client_url": writer.external_url,
        "links": [{"href": runbook, "text": "Runbook"}] if runbook else [],
        "payload": {
            "summary": f"{event.rule}: {summary}"[:LONGEST_SUMMARY],
            "source": place,
            "severity": event.severity,
            "timestamp": rfc3339(event.started_at),
            "component": event.queue or event.category or event.hotline,
            "group": event.hotline,
            "class": event.signal or event.rule,
            "custom_details": writer.labels(event),
        },
    }


def _read(answer: bytes) -> Outcome:
    try:
        status = orjson.loads(answer)["status"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return Retry("bad_answer", detail="no JSON with status")
    return Delivered() if status == "success" else Failed("client_error", f"status {str(status)[:LONGEST_STATUS]!r}")
