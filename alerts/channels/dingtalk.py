"""DingTalk (钉钉), by a group robot with a signing secret: Markdown; `errcode` says whether it was taken."""

import hmac
from base64 import b64encode
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from alerts.channels import Outcome
from alerts.channels.chat import ChatChannel
from alerts.channels.http import outcome_of_code
from alerts.channels.settings import SignedChatSettings
from alerts.channels.words import Words, cut, markdown

MOST_BYTES = 18_000


class DingTalkChannel(ChatChannel[SignedChatSettings]):
    """POST of one Markdown message for all alerts of a page, signed anew for each try."""

    kind = "dingtalk"

    def _message(self, said: Words) -> dict[str, Any]:
        text = markdown(said, self._board, MOST_BYTES)
        return {"msgtype": "markdown", "markdown": {"title": cut(said.heading, 200), "text": text}}

    def _signed(self, url: str, message: dict[str, Any], now: int) -> tuple[str, dict[str, Any]]:
        if secret := self._settings.secret.get_secret_value():
            url += ("&" if "?" in url else "?") + urlencode({"timestamp": now, "sign": signature(secret, now)})
        return url, message

    @staticmethod
    def _read(answer: bytes) -> Outcome:
        """130101, 410100, 90018: more than 20 messages a minute; 310000: signature, keyword or address refused; 300001: token."""
        limited, auth = (130101, 410100, 90018), (310000, 300001, 300005)
        return outcome_of_code(answer, "errcode", limited=limited, auth=auth, busy=(-1,))


def signature(secret: str, now: int) -> str:
    """Base64 of HMAC-SHA256 over timestamp, line feed, secret (timestamp in ms), keyed with the secret."""
    return b64encode(hmac.digest(secret.encode(), f"{now}\n{secret}".encode(), sha256)).decode()
