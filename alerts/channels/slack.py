"""Slack, by an incoming webhook: 200 and the word `ok`, else a status and an error word."""

from typing import Any

from alerts.channels import Delivered, Outcome, Retry
from alerts.channels.chat import ChatChannel
from alerts.channels.settings import ChatSettings
from alerts.channels.words import Words, cut

LONGEST_SECTION = 3000
MOST_EPISODES = 60
"""A button's value holds 2,000 characters."""


class SlackChannel(ChatChannel[ChatSettings]):
    """POST of one message for all alerts of a page."""

    kind = "slack"

    def _message(self, said: Words) -> dict[str, Any]:
        return posted(said, self._board, buttons=self._settings.buttons)

    @staticmethod
    def _read(answer: bytes) -> Outcome:
        return Delivered() if answer.strip() == b"ok" else Retry("bad_answer", detail="the answer is not `ok`")


def posted(said: Words, board: str, *, buttons: bool = False) -> dict[str, Any]:
    """`text` is what a notification shows, the blocks are the message itself."""
    lines = [f"• {escaped(text)}" + (f" <{link}|{said.runbook}>" if link else "") for text, link in said.lines]
    lines += [escaped(said.more)] if said.more else []
    sections = [f"*{escaped(said.heading)}*", *lines]
    text = ""
    blocks: list[dict[str, Any]] = []
    for line in sections:
        if text and len(text) + len(line) >= LONGEST_SECTION:
            blocks.append(_section(text))
            text = ""
        text += ("\n" if text else "") + line[: LONGEST_SECTION - 1]
    blocks.append(_section(text))
    links = " · ".join(f"<{escaped(link)}|{text}>" for text, link in (*said.answers, (said.board, board)))
    link = {"type": "context", "elements": [{"type": "mrkdwn", "text": links}]}
    if buttons and said.episodes:
        blocks.append(_buttons(said))
    return {"text": cut(escaped(said.heading), LONGEST_SECTION), "blocks": [*blocks, link]}


def _buttons(said: Words) -> dict[str, Any]:
    """What a press tells us: the answer as `action_id`, the episodes as `value`."""
    value = " ".join(said.episodes[:MOST_EPISODES])
    elements = [
        {"type": "button", "text": {"type": "plain_text", "text": text}, "action_id": answer, "value": value}
        for answer, text in said.buttons()
    ]
    return {"type": "actions", "elements": elements}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def escaped(text: str) -> str:
    """The three characters that Slack reads as markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
