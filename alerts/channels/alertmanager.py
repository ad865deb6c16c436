"""Alertmanager's API v2: an alert is posted when it fires, again while it fires, and once more when it is over."""

import re
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import orjson
from msgspec.structs import replace

from alerts.channels import Delivered, Notice, Outcome, Retry
from alerts.channels.content import Writer, rfc3339
from alerts.channels.http import TIMEOUT_S, JsonClient
from alerts.rules import SEVERITIES
from deploy.runtime.alerts_settings import Alertmanager
from streams.contract import AlertEvent
from streams.contract.alerts import Silence

_PARTS = re.compile(r"\[(?P<but>!?)(?P<one_of>\]?[^\]]*)\]|.", re.DOTALL)

RESEND_S = 60
EXPIRES_MS = 5 * 60_000
"""A firing alert that is not posted again ends by itself: three posts may fail, and a dead Hotline does not ring on."""


class AlertmanagerChannel:
    """POST `{url}/api/v2/alerts`, with basic authentication if the settings name a user."""

    kind = "alertmanager"
    target = "alertmanager"
    resend_s: int | None = RESEND_S
    batch = 64

    def __init__(self, settings: Alertmanager, writer: Writer, timeout_s: float = TIMEOUT_S) -> None:
        self._url = settings.url.rstrip("/") + "/api/v2/alerts"
        self._headers = credentials(settings)
        self._writer = writer
        self._client = JsonClient(timeout_s)

    async def send(self, notices: Sequence[Notice], now: int) -> Outcome:
        events = [event for notice in notices for event in (notice.event, *quieter(notice.event, self._writer, now))]
        body = [posted_alert(event, self._writer, now) for event in events]
        return await self._client.post(self._url, body, headers=self._headers, now=now)

    async def close(self) -> None:
        await self._client.close()


class SilenceRefusedError(Exception):
    """Alertmanager did not take a silence; the text says why."""


async def silence_in_alertmanager(settings: Alertmanager, silence: Silence, timeout_s: float = TIMEOUT_S) -> str:
    """Make the silence in Alertmanager, the home of silences where it pages; its id. Raises SilenceRefusedError."""
    if not settings.url:
        raise SilenceRefusedError("alerts.alertmanager.url is not set")
    said: dict[str, str] = {}

    def read(answer: bytes) -> Outcome:
        try:
            said["id"] = str(orjson.loads(answer)["silenceID"])
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return Retry("bad_answer", detail="no JSON with silenceID")
        return Delivered()

    url = settings.url.rstrip("/") + "/api/v2/silences"
    client = JsonClient(timeout_s)
    try:
        outcome = await client.post(
            url, posted_silence(silence), headers=credentials(settings), now=silence.at, read=read
        )
    finally:
        await client.close()
    if not isinstance(outcome, Delivered):
        raise SilenceRefusedError(f"Alertmanager did not take the silence: {outcome.reason} {outcome.detail}")
    return said["id"]


def posted_silence(silence: Silence) -> dict[str, Any]:
    """One `postableSilence`; shell patterns as the regular expressions that they mean."""
    return {
        "matchers": [
            {"name": name, "value": _regex(pattern), "isRegex": True, "isEqual": True}
            for name, pattern in silence.matchers.items()
        ],
        "startsAt": rfc3339(silence.at),
        "endsAt": rfc3339(silence.ends_at),
        "createdBy": silence.author,
        "comment": silence.reason,
    }


def _regex(pattern: str) -> str:
    """In Go's syntax, which `fnmatch.translate` does not write."""
    return _PARTS.sub(_part, pattern)


def _part(found: re.Match[str]) -> str:
    text, one_of = found[0], found["one_of"]
    if one_of:
        return ("[^" if found["but"] else "[") + re.sub(r"([\\\[\]^])", r"\\\1", one_of) + "]"
    return {"*": ".*", "?": "."}.get(text) or re.escape(text)


def credentials(settings: Alertmanager) -> dict[str, str]:
    """The header for basic authentication, if the settings name a user."""
    if not settings.user:
        return {}
    pair = f"{settings.user}:{settings.password.get_secret_value()}".encode()
    return {"Authorization": "Basic " + b64encode(pair).decode()}


def quieter(event: AlertEvent, writer: Writer, now: int) -> list[AlertEvent]:
    """The alert under the severities that it has outgrown, as over: to Alertmanager other labels are another alert."""
    rule = writer.rules.get(event.rule)
    below = SEVERITIES[: SEVERITIES.index(event.severity)]
    outgrown = {rule.severity, *(step.severity for step in rule.steps)} & set(below) if rule else set()
    ended_at = now if event.ended_at is None else event.ended_at
    return [
        replace(event, severity=severity, labels=event.labels | {"severity": severity}, ended_at=ended_at)
        for severity in sorted(outgrown)
    ]


def posted_alert(event: AlertEvent, writer: Writer, now: int) -> dict[str, Any]:
    """One `postableAlert`.

    Alertmanager takes an alert for over when `endsAt` has passed by its own clock, and refuses one that
    ends before it starts. So a resolved alert ends now at the latest, and starts no later than it ends,
    also where the feed's clock runs ahead (a simulation).
    """
    ends = now + EXPIRES_MS if event.ended_at is None else min(event.ended_at, now)
    return {
        "labels": writer.labels(event),
        "annotations": writer.annotations(event),
        "startsAt": rfc3339(min(event.started_at, now, ends)),
        "endsAt": rfc3339(ends),
        "generatorURL": writer.external_url,
    }
