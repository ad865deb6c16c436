"""WeCom (企业微信), by a group robot: Markdown; the answer's `errcode` says whether it was taken."""

from collections.abc import Sequence

from alerts.channels import Notice, Outcome
from alerts.channels.content import Writer
from alerts.channels.http import TIMEOUT_S, JsonClient, outcome_of_code
from alerts.channels.settings import ChatSettings
from alerts.channels.words import markdown, words

MOST_BYTES = 4096


class WeComChannel:
    """POST of one Markdown message for all alerts of a page."""

    kind = "wecom"
    resend_s: int | None = None
    batch = 100_000

    def __init__(self, settings: ChatSettings, target: str, writer: Writer, timeout_s: float = TIMEOUT_S) -> None:
        self.target = target
        self._settings = settings
        self._writer = writer
        self._client = JsonClient(timeout_s)

    async def send(self, notices: Sequence[Notice], now: int) -> Outcome:
        said = words(notices, self._writer, self._settings.language, target=self.target, now=now)
        text = markdown(said, self._writer.external_url, MOST_BYTES)
        body = {"msgtype": "markdown", "markdown": {"content": text}}
        return await self._client.post(self._settings.url.get_secret_value(), body, now=now, read=read)

    async def close(self) -> None:
        await self._client.close()


def read(answer: bytes) -> Outcome:
    """-1: the service is busy; 45009: more than 20 messages a minute; 93000: the robot's key is none."""
    return outcome_of_code(answer, "errcode", limited=(45009, 45033), auth=(93000, 40001, 40014), busy=(-1,))
