"""Feishu / Lark (飞书), by a group robot with a signing secret: a card; `code` says whether it was taken."""

import hmac
from base64 import b64encode
from hashlib import sha256
from typing import Any

from alerts.channels import Outcome
from alerts.channels.chat import ChatChannel
from alerts.channels.http import outcome_of_code
from alerts.channels.settings import SignedChatSettings
from alerts.channels.words import Words, cut, escaped

_COLOURS = {"critical": "red", "warning": "orange", "info": "blue", "resolved": "green"}
MOST_BYTES = 16_000


class FeishuChannel(ChatChannel[SignedChatSettings]):
    """POST of one card for all alerts of a page, signed anew for each try."""

    kind = "feishu"

    def _message(self, said: Words) -> dict[str, Any]:
        return {"msg_type": "interactive", "card": card(said, self._board)}

    def _signed(self, url: str, message: dict[str, Any], now: int) -> tuple[str, dict[str, Any]]:
        if secret := self._settings.secret.get_secret_value():
            message = {**message, "timestamp": str(now // 1000), "sign": signature(secret, now // 1000)}
        return url, message

    @staticmethod
    def _read(answer: bytes) -> Outcome:
        """11232: too many; 19021, 19022, 19024: signature, address or keyword refused; 19001: the hook is none."""
        return outcome_of_code(answer, "code", limited=(11232,), auth=(19001, 19021, 19022, 19024), busy=(11233,))


def card(said: Words, board: str) -> dict[str, Any]:
    """A card whose heading has the colour of the gravest alert."""
    lines = [f"- {escaped(text)}" + (f" [{said.runbook}]({link})" if link else "") for text, link in said.lines]
    lines += [escaped(said.more)] if said.more else []
    buttons = [
        {"tag": "button", "text": {"tag": "plain_text", "content": text}, "url": link, "type": "default"}
        for text, link in (*said.answers, (said.board, board))
    ]
    return {
        "header": {
            "title": {"tag": "plain_text", "content": cut(said.heading, 300)},
            "template": _COLOURS[said.severity],
        },
        "elements": [
            {"tag": "markdown", "content": cut("\n".join(lines), MOST_BYTES)},
            {"tag": "action", "actions": buttons},
        ],
    }


def signature(secret: str, now_s: int) -> str:
    """Base64 of HMAC-SHA256 over nothing, keyed with timestamp, line feed, secret (timestamp in s)."""
    return b64encode(hmac.digest(f"{now_s}\n{secret}".encode(), b"", sha256)).decode()
