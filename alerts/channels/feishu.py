"""Feishu / Lark (飞书), by a group robot with a signing secret: a card; `code` says whether it was taken."""

import hmac
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from alerts.channels import Notice, Outcome
from alerts.channels.content import Writer
from alerts.channels.http import TIMEOUT_S, JsonClient, outcome_of_code
from alerts.channels.settings import SignedChatSettings
from alerts.channels.words import Words, cut, escaped, words

_COLOURS = {"critical": "red", "warning": "orange", "info": "blue", "resolved": "green"}
MOST_BYTES = 16_000


class FeishuChannel:
    """POST of one card for all alerts of a page, signed anew for each try."""

    kind = "feishu"
    resend_s: int | None = None
    batch = 100_000

    def __init__(self, settings: SignedChatSettings, target: str, writer: Writer, timeout_s: float = TIMEOUT_S) -> None:
        self.target = target
        self._settings = settings
        self._writer = writer
        self._client = JsonClient(timeout_s)

    async def send(self, notices: Sequence[Notice], now: int) -> Outcome:
        said = words(notices, self._writer, self._settings.language, target=self.target, now=now)
        body: dict[str, Any] = {"msg_type": "interactive", "card": card(said, self._writer.external_url)}
        if secret := self._settings.secret.get_secret_value():
            body |= {"timestamp": str(now // 1000), "sign": signature(secret, now // 1000)}
        return await self._client.post(self._settings.url.get_secret_value(), body, now=now, read=read)

    async def close(self) -> None:
        await self._client.close()


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


def read(answer: bytes) -> Outcome:
    """11232: too many; 19021, 19022, 19024: signature, address or keyword refused; 19001: the hook is none."""
    return outcome_of_code(answer, "code", limited=(11232,), auth=(19001, 19021, 19022, 19024), busy=(11233,))
