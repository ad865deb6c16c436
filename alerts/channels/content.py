"""What an alert looks like outside: labels, annotations and times as Prometheus's and Grafana's worlds write them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from alerts.rules import Rule
from streams.contract import AlertEvent

NEVER = "0001-01-01T00:00:00Z"
"""How Alertmanager writes the end of an alert that has none yet."""


class Writer(msgspec.Struct, frozen=True):
    """The words around an alert: `rules` by name, `paging` (who pages people), `external_url` of the wallboard."""

    rules: Mapping[str, Rule]
    paging: Literal["hotline", "alertmanager"]
    external_url: str

    def labels(self, event: AlertEvent) -> dict[str, str]:
        """The alert's labels and `paging`: a route that matches `paging="hotline"` must not page a second time."""
        return event.labels | {"paging": self.paging}

    def annotations(self, event: AlertEvent) -> dict[str, str]:
        """`summary` (English, or whatever there is), `summary_zh`, `runbook`."""
        key = " ".join(part for part in (event.hotline, event.queue, event.category) if part)
        texts = {"summary": event.summary.get("en") or next(iter(event.summary.values()), f"{event.rule}: {key}")}
        texts |= {f"summary_{lang}": text for lang, text in event.summary.items() if lang != "en"}
        rule = self.rules.get(event.rule)
        return texts | (rule.annotations() if rule else {})


def rfc3339(ms: int) -> str:
    """Epoch milliseconds as UTC text."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def webhook_alert(event: AlertEvent, writer: Writer) -> dict[str, Any]:
    """One entry of `alerts` in Alertmanager's webhook payload."""
    return {
        "status": event.state,
        "labels": writer.labels(event),
        "annotations": writer.annotations(event),
        "startsAt": rfc3339(event.started_at),
        "endsAt": NEVER if event.ended_at is None else rfc3339(event.ended_at),
        "generatorURL": writer.external_url,
        "fingerprint": event.fingerprint,
    }
