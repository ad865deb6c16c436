"""DingTalk (钉钉), by a group robot with a signing secret: Markdown; `errcode` says whether it was taken."""

import hmac
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from urllib.parse import urlencode

from alerts.channels import Notice, Outcome
from alerts.channels.content import Writer
from alerts.channels.http import TIMEOUT_S, JsonClient, outcome_of_code
from alerts.channels.settings import SignedChatSettings
from alerts.channels.words import cut, markdown, words

MOST_BYTES = 18_000


class DingTalkChannel:
    """POST of one Markdown message for all alerts of a page, signed anew for each try."""

    kind = "dingtalk"
    resend_s: int | None = None
    batch = 100_000

    def __init__(self, settings: SignedChatSettings, target: str, writer: Writer, timeout_s: float = TIMEOUT_S) -> None:
        self.target = target
        self._settings = settings
        self._writer = writer
        self._client = JsonClient(timeout_s)

    async def send(self, notices: Sequence[Notice], now: int) -> Outcome:
        said = words(notices, self._writer, self._settings.language, target=self.target, now=now)
        text = markdown(said, self._writer.external_url, MOST_BYTES)
        body = {"msgtype": "markdown", "markdown": {"title": cut(said.heading, 200), "text": text}}
        url = self._settings.url.get_secret_value()
        if secret := self._settings.secret.get_secret_value():
            url += ("&" if "?" in url else "?") + urlencode({"timestamp": now, "sign": signature(secret, now)})
        return await self._client.post(url, body, now=now, read=read)

    async def close(self) -> None:
        await self._client.close()


def signature(secret: str, now: int) -> str:
    """Base64 of HMAC-SHA256 over timestamp, line feed, secret (timestamp in ms), keyed with the secret."""
    return b64encode(hmac.digest(secret.encode(), f"{now}\n{secret}".encode(), sha256)).decode()


def read(answer: bytes) -> Outcome:
    """130101, 410100, 90018: more than 20 messages a minute; 310000: signature, keyword or address refused; 300001: token."""
    limited, auth = (130101, 410100, 90018), (310000, 300001, 300005)
    return outcome_of_code(answer, "errcode", limited=limited, auth=auth, busy=(-1,))
