"""Microsoft Teams, by a workflow's webhook: an adaptive card; 202 when it was taken."""

from collections.abc import Sequence
from typing import Any

from alerts.channels import Delivered, Notice, Outcome, Retry
from alerts.channels.content import Writer
from alerts.channels.http import LIMITED_S, TIMEOUT_S, JsonClient
from alerts.channels.settings import ChatSettings
from alerts.channels.words import Words, cut, words

_COLOURS = {"critical": "Attention", "warning": "Warning", "info": "Accent", "resolved": "Good"}
LONGEST_LINE = 1000
"""Twenty lines stay below the 28 KB that Teams takes."""


class TeamsChannel:
    """POST of one card for all alerts of a page."""

    kind = "teams"
    resend_s: int | None = None
    batch = 100_000

    def __init__(self, settings: ChatSettings, target: str, writer: Writer, timeout_s: float = TIMEOUT_S) -> None:
        self.target = target
        self._settings = settings
        self._writer = writer
        self._client = JsonClient(timeout_s)

    async def send(self, notices: Sequence[Notice], now: int) -> Outcome:
        body = posted(
            words(notices, self._writer, self._settings.language, target=self.target, now=now),
            self._writer.external_url,
        )
        return await self._client.post(self._settings.url.get_secret_value(), body, now=now, read=_read)

    async def close(self) -> None:
        await self._client.close()


def posted(said: Words, board: str) -> dict[str, Any]:
    """A message with one adaptive card."""
    lines = [_text(cut(text, LONGEST_LINE)) for text, _ in said.lines] + ([_text(said.more)] if said.more else [])
    links = dict.fromkeys(link for _, link in said.lines if link)
    actions = [{"type": "Action.OpenUrl", "title": said.board, "url": board}]
    actions += [{"type": "Action.OpenUrl", "title": text, "url": link} for text, link in said.answers]
    actions += [{"type": "Action.OpenUrl", "title": said.runbook, "url": link} for link in list(links)[:3]]
    heading = _text(said.heading) | {"weight": "Bolder", "size": "Medium", "color": _COLOURS[said.severity]}
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [heading, *lines],
        "actions": actions,
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _text(text: str) -> dict[str, Any]:
    return {"type": "TextBlock", "text": text, "wrap": True}


def _read(answer: bytes) -> Outcome:
    """The older connectors say 200 and tell a failure in the body."""
    if b"HTTP error 429" in answer:
        return Retry("rate_limited", LIMITED_S, "the answer speaks of HTTP error 429")
    if b"failed" in answer:
        return Retry("bad_answer", detail="the answer speaks of a failure")
    return Delivered()
