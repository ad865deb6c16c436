"""A Grafana annotation per episode: a mark when the alert fires, stretched to a region when it is over."""

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import requests
from grafana_api import GrafanaFace
from grafana_api.grafana_api import GrafanaClientError, GrafanaException

from alerts.channels import Delivered, Failed, Notice, Outcome, Retry
from alerts.channels.content import Writer
from alerts.channels.http import TIMEOUT_S, outcome_of_status
from deploy.runtime.alerts_settings import Grafana
from streams.contract import AlertEvent


class GrafanaChannel:
    """Annotations on the dashboard that the settings name, or the organisation's if it does not exist.

    Before one is made, Grafana is asked for the tag of the episode: a repetition finds the first. The
    library blocks, so each call runs in a thread.
    """

    kind = "grafana"
    target = "grafana"
    resend_s: int | None = None
    batch = 1

    def __init__(self, settings: Grafana, writer: Writer, timeout_s: float = TIMEOUT_S) -> None:
        parts = urlsplit(settings.url)
        path = parts.path.strip("/")
        self._dashboard_uid = settings.dashboard_uid
        self._writer = writer
        self._grafana = GrafanaFace(
            auth=settings.token.get_secret_value(),
            protocol=parts.scheme,
            host=parts.hostname,
            port=parts.port,
            url_path_prefix=f"{path}/" if path else "",
            timeout=timeout_s,
        )

    async def send(self, notices: Sequence[Notice], now: int) -> Outcome:
        (notice,) = notices
        try:
            annotation = await asyncio.to_thread(self._put, notice.event, notice.ref)
        except GrafanaException as error:
            outcome = outcome_of_status(error.status_code, "", now)
            return Retry("bad_answer") if isinstance(outcome, Delivered) else outcome
        except requests.Timeout:
            return Retry("timeout", detail="no answer in time")
        except (requests.JSONDecodeError, TypeError):  # the library looks for "message" in whatever an error holds
            return Retry("bad_answer", detail="no JSON, or none of Grafana's")
        except requests.ConnectionError as error:
            return Retry("refused", detail=type(error).__name__)
        except requests.RequestException as error:
            return Failed("client_error", detail=type(error).__name__)
        return Delivered((annotation,)) if annotation else Retry("bad_answer", detail="no id of an annotation")

    async def close(self) -> None:
        self._grafana.api.s.close()

    def _put(self, event: AlertEvent, ref: str) -> str:
        """Make or complete the annotation; its id, or "" where Grafana's answer has none."""
        content = annotation(event, self._writer)
        ref = ref or self._find(event)
        if not ref:
            return self._create(content)
        try:
            self._grafana.annotations.partial_update_annotation(
                ref, content["time"], content["timeEnd"], content["tags"], content["text"]
            )
        except GrafanaClientError as error:
            if error.status_code != 404:
                raise
            return self._create(content)  # somebody has deleted it
        return ref

    def _find(self, event: AlertEvent) -> str:
        found = self._grafana.annotations.get_annotation(tags=[episode_tag(event)], limit=1)
        return _id_of(found[0]) if isinstance(found, list) and found else ""

    def _create(self, content: dict[str, Any]) -> str:
        # The library's own call knows no dashboardUID; its session and its errors serve as well.
        if self._dashboard_uid:
            try:
                bound = content | {"dashboardUID": self._dashboard_uid}
                return _id_of(self._grafana.api.POST("/annotations", json=bound))
            except GrafanaClientError as error:
                if error.status_code != 404:
                    raise
        return _id_of(self._grafana.api.POST("/annotations", json=content))


def episode_tag(event: AlertEvent) -> str:
    return f"episode:{event.episode}"


def annotation(event: AlertEvent, writer: Writer) -> dict[str, Any]:
    """What Grafana keeps: times in ms, tags to filter by, the sentences as text."""
    texts = writer.annotations(event)
    tags = ["hotline", event.rule, event.severity, f"feed:{event.feed}", f"hotline:{event.hotline}", episode_tag(event)]
    tags += [f"{name}:{value}" for name, value in (("queue", event.queue), ("category", event.category)) if value]
    return {
        "time": event.started_at,
        "timeEnd": event.ended_at,
        "tags": tags,
        "text": "\n".join(texts.values()),
    }


def _id_of(answer: Any) -> str:
    return str(answer["id"]) if isinstance(answer, dict) and answer.get("id") else ""
