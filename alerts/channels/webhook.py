"""A webhook in Alertmanager's payload, version 4, so that whatever takes Alertmanager's takes ours.

Webhooks are machine endpoints and are told in both modes of `paging`; the label `paging` says whether
Alertmanager (or Hotline itself) is the one to call people.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from alerts.channels import Notice, Outcome
from alerts.channels.content import Writer, webhook_alert
from alerts.channels.http import TIMEOUT_S, JsonClient
from deploy.runtime.settings import Webhook
from streams.contract import AlertEvent


class WebhookChannel:
    """POST of one alert to `url`, with a bearer token if the settings name one.

    The header `Idempotency-Key` (episode and state, severity where it was raised) is the same for every repetition.
    """

    kind = "webhook"
    resend_s: int | None = None
    batch = 1

    def __init__(self, settings: Webhook, writer: Writer, timeout_s: float = TIMEOUT_S) -> None:
        self.target = "webhook-" + sha256(settings.url.encode()).hexdigest()[:8]
        self._url = settings.url
        token = settings.bearer_token.get_secret_value()
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._writer = writer
        self._client = JsonClient(timeout_s)

    async def send(self, notices: Sequence[Notice], now: int) -> Outcome:
        (notice,) = notices
        key = {"Idempotency-Key": idempotency_key(notice.event)}
        body = payload(notice.event, self.target, self._writer)
        return await self._client.post(self._url, body, headers=self._headers | key, now=now)

    async def close(self) -> None:
        await self._client.close()


def idempotency_key(event: AlertEvent) -> str:
    """The same for every repetition of one piece of news, another for the next: a louder alert is news."""
    louder = f"-{event.severity}" if event.state == "firing" and event.reason == "severity_changed" else ""
    return f"{event.episode}-{event.state}{louder}"


def payload(event: AlertEvent, receiver: str, writer: Writer) -> dict[str, Any]:
    """The payload: a group of one alert, grouped by the labels that say which rule and which key it is."""
    alert = webhook_alert(event, writer)
    names = ("alertname", "feed", "hotline", "dimension_set", "queue", "category")
    group = {name: alert["labels"][name] for name in names if name in alert["labels"]}
    written = ", ".join(f'{name}="{_quoted(value)}"' for name, value in sorted(group.items()))
    return {
        "version": "4",
        "groupKey": f"{{}}:{{{written}}}",
        "truncatedAlerts": 0,
        "status": alert["status"],
        "receiver": receiver,
        "groupLabels": group,
        "commonLabels": alert["labels"],
        "commonAnnotations": alert["annotations"],
        "externalURL": writer.external_url,
        "alerts": [alert],
    }


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
