"""Microsoft Teams, by a workflow's webhook: an adaptive card; 202 when it was taken."""

from typing import Any

from alerts.channels import Delivered, Outcome, Retry
from alerts.channels.chat import ChatChannel
from alerts.channels.http import LIMITED_S
from alerts.channels.settings import ChatSettings
from alerts.channels.words import Words, cut

_COLOURS = {"critical": "Attention", "warning": "Warning", "info": "Accent", "resolved": "Good"}
LONGEST_LINE = 1000
"""Twenty lines stay below the 28 KB that Teams takes."""


class TeamsChannel(ChatChannel[ChatSettings]):
    """POST of one card for all alerts of a page."""

    kind = "teams"

    def _message(self, said: Words) -> dict[str, Any]:
        return posted(said, self._board)

    @staticmethod
    def _read(answer: bytes) -> Outcome:
        """The older connectors say 200 and tell a failure in the body."""
        if b"HTTP error 429" in answer:
            return Retry("rate_limited", LIMITED_S, "the answer speaks of HTTP error 429")
        if b"failed" in answer:
            return Retry("bad_answer", detail="the answer speaks of a failure")
        return Delivered()


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
