"""What an alert looks like outside: labels, annotations and times as Prometheus's and Grafana's worlds write them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from alerts.rules import Rule
from deploy.runtime.signed_links import Answer, address, made
from streams.contract import AlertEvent

_FIRST_MS, _LAST_MS = (
    int(datetime(year, month, day, tzinfo=UTC).timestamp() * 1000) for year, month, day in ((1, 1, 3), (9999, 12, 30))
)
NEVER = "0001-01-01T00:00:00Z"
"""How Alertmanager writes the end of an alert that has none yet."""


class Writer(msgspec.Struct, frozen=True):
    """The words around an alert: `rules` by name, `paging` (who pages people), `external_url` of the wallboard;
    `link_key` signs the links by which people answer (empty: there are none); `zones` of hotlines.
    """

    rules: Mapping[str, Rule]
    paging: Literal["hotline", "alertmanager"]
    external_url: str
    link_key: str = ""
    zones: Mapping[str, ZoneInfo] = {}

    def zone(self, hotline: str) -> ZoneInfo:
        """In which a hotline's people read times."""
        return self.zones.get(hotline) or ZoneInfo("UTC")

    def answers(self, events: Sequence[AlertEvent], receiver: str, now: int) -> list[tuple[Answer, str]]:
        """The links of a message to a receiver: take on what fires, say what the message was worth."""
        if not self.link_key or not events:
            return []
        firing = [event.episode for event in events if event.state == "firing"]
        asked: list[tuple[Answer, list[str]]] = [("acknowledge", firing)] if firing else []
        episodes = [event.episode for event in events]
        asked += [("useful", episodes), ("noise", episodes)]
        return [
            (answer, address(self.external_url, made(answer, of, receiver, now), self.link_key)) for answer, of in asked
        ]

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


def moment(ms: int) -> datetime:
    """Epoch milliseconds as a time in UTC; what no calendar has is the first or the last day that every zone has."""
    return datetime.fromtimestamp(min(max(ms, _FIRST_MS), _LAST_MS) / 1000, UTC)


def rfc3339(ms: int) -> str:
    """Epoch milliseconds as UTC text."""
    return moment(ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


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
