"""What the robots of chat groups have in common: one POST to one address for all alerts of a page."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from alerts.channels import Notice, Outcome
from alerts.channels.content import Writer
from alerts.channels.http import TIMEOUT_S, JsonClient
from alerts.channels.settings import ChatSettings, SignedChatSettings
from alerts.channels.words import Words, words

Settings = TypeVar("Settings", ChatSettings, SignedChatSettings)


class ChatChannel(ABC, Generic[Settings]):
    """A channel whose service says what to post (`_message`) and whether it was taken (`_read`)."""

    kind: str
    resend_s: int | None = None
    batch = 100_000

    def __init__(self, settings: Settings, target: str, writer: Writer, timeout_s: float = TIMEOUT_S) -> None:
        self.target = target
        self._settings: Settings = settings
        self._board = writer.external_url
        self._writer = writer
        self._client = JsonClient(timeout_s)

    async def send(self, notices: Sequence[Notice], now: int) -> Outcome:
        said = words(notices, self._writer, self._settings.language, target=self.target, now=now)
        url, message = self._signed(self._settings.url.get_secret_value(), self._message(said), now)
        return await self._client.post(url, message, now=now, read=self._read)

    async def close(self) -> None:
        await self._client.close()

    @abstractmethod
    def _message(self, said: Words) -> dict[str, Any]:
        """What is posted, as JSON."""

    def _signed(self, url: str, message: dict[str, Any], now: int) -> tuple[str, dict[str, Any]]:  # noqa: ARG002
        """Address and message as a robot with a signing secret wants them, made anew for each try."""
        return url, message

    @staticmethod
    @abstractmethod
    def _read(answer: bytes) -> Outcome:
        """What an answer with a good status says."""
