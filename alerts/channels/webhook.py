"""A webhook in Alertmanager's payload, version 4, so that whatever takes Alertmanager's takes ours.

Webhooks are machine endpoints and are told in both modes of `paging`; the label `paging` says whether
Alertmanager (or Hotline itself) is the one to call people.
"""

import hmac
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import orjson

from alerts.channels import Notice, Outcome
from alerts.channels.content import Writer, webhook_alert
from alerts.channels.http import TIMEOUT_S, JsonClient
from deploy.runtime.alerts_settings import Webhook
from streams.contract import DIMENSIONS, AlertEvent


class WebhookChannel:
    """POST of one alert to `url`, with a bearer token and a signature if the settings name a token and a secret.

    The header `Idempotency-Key` (episode and state, severity where it was raised) is the same for every repetition.
    """

    kind = "webhook"
    resend_s: int | None = None
    batch = 1

    def __init__(self, settings: Webhook, writer: Writer, timeout_s: float = TIMEOUT_S) -> None:
        self._url = settings.url.get_secret_value()
        self.target = "webhook-" + sha256(self._url.encode()).hexdigest()[:8]
        self._secret = settings.secret.get_secret_value()
        token = settings.bearer_token.get_secret_value()
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._writer = writer
        self._client = JsonClient(timeout_s)

    async def send(self, notices: Sequence[Notice], now: int) -> Outcome:
        (notice,) = notices
        body = orjson.dumps(payload(notice.event, self.target, self._writer))
        headers = self._headers | {"Idempotency-Key": idempotency_key(notice.event)}
        if self._secret:
            headers["X-Hotline-Signature"] = signature(self._secret, now // 1000, body)
        return await self._client.post(self._url, body, headers=headers, now=now)

    async def close(self) -> None:
        await self._client.close()


def signature(secret: str, now_s: int, body: bytes) -> str:
    """What a receiver computes again: the time is signed too, so that a request cannot be played back later."""
    digest = hmac.digest(secret.encode(), f"{now_s}.".encode() + body, sha256)
    return f"t={now_s},v1={digest.hex()}"


def idempotency_key(event: AlertEvent) -> str:
    """The same for every repetition of one piece of news, another for the next: a louder alert is news."""
    louder = f"-{event.severity}" if event.state == "firing" and event.reason == "severity_changed" else ""
    return f"{event.episode}-{event.state}{louder}"


def payload(event: AlertEvent, receiver: str, writer: Writer) -> dict[str, Any]:
    """The payload: a group of one alert, grouped by the labels that say which rule and which key it is."""
    alert = webhook_alert(event, writer)
    names = ("alertname", "feed", "hotline", "dimension_set", *DIMENSIONS)
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
