"""A Grafana annotation per episode: a mark when the alert fires, stretched to a region when it is over."""

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import requests
from grafana_api import GrafanaFace
from grafana_api.grafana_api import GrafanaClientError, GrafanaException
from requests.exceptions import ChunkedEncodingError, ContentDecodingError

from alerts.channels import Delivered, Failed, Notice, Outcome, Retry
from alerts.channels.content import Writer
from alerts.channels.http import TIMEOUT_S, outcome_of_status
from deploy.runtime.alerts_settings import Grafana
from streams.contract import AlertEvent

MOST_BYTES = 4 * 1024 * 1024


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
            host=f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname,
            port=parts.port,
            url_path_prefix=f"{path}/" if path else "",
            timeout=timeout_s,
        )
        self._grafana.api.s.hooks["response"].append(_read)

    async def send(self, notices: Sequence[Notice], now: int) -> Outcome:
        (notice,) = notices
        content = annotation(notice.event, self._writer)
        try:
            identity = await asyncio.to_thread(self._put, notice.event, content, notice.ref)
        except GrafanaException as error:
            outcome = outcome_of_status(error.status_code, "", now)
            return Retry("bad_answer") if isinstance(outcome, Delivered) else outcome
        except (requests.RequestException, ValueError, TypeError, RecursionError) as error:
            return outcome_of(error)
        return Delivered((identity,)) if identity else Retry("bad_answer", detail="no id of an annotation")

    async def close(self) -> None:
        self._grafana.api.s.close()

    def _put(self, event: AlertEvent, content: dict[str, Any], ref: str) -> str:
        """Make or complete the annotation; its id, or "" where Grafana's answer has none."""
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


def outcome_of(error: requests.RequestException | ValueError | TypeError | RecursionError) -> Outcome:
    """What an error of the libraries means. (Many are two of these: the narrower cases stand first.)"""
    match error:
        case requests.Timeout():
            return Retry("timeout", detail="no answer in time")
        case requests.JSONDecodeError() | ChunkedEncodingError() | ContentDecodingError():
            return Retry("bad_answer", detail=type(error).__name__)
        case requests.ConnectionError():
            return Retry("refused", detail=type(error).__name__)
        case requests.RequestException():
            return Failed("client_error", detail=type(error).__name__)
    return Retry(
        "bad_answer", detail="no JSON, or none of Grafana's"
    )  # it looks for "message" in whatever an error holds


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
    """It is kept in our state, and becomes a part of an address."""
    found = str(answer.get("id")) if isinstance(answer, dict) else ""
    return found if found.isascii() and found.isdigit() and found != "0" else ""


def _read(response: requests.Response, **_: Any) -> None:
    """Read the answer, which the library would do without a limit, and in whatever encoding it says that it has."""
    answer = bytearray()
    for piece in response.iter_content(65_536):
        answer += piece
        if len(answer) > MOST_BYTES:
            response.close()
            raise ContentDecodingError("an answer without end")
    response._content = bytes(answer)  # noqa: SLF001  (there is no other place for it)
    response.encoding = "utf-8"
