"""Text messages through any gateway with an HTTP API: one POST per number, fields by template."""

from collections.abc import Sequence
from urllib.parse import urlencode

import orjson

from alerts.channels import Delivered, Failed, Notice, Outcome
from alerts.channels.content import Writer
from alerts.channels.http import TIMEOUT_S, JsonClient
from alerts.channels.settings import SmsSettings
from alerts.channels.words import words

TRIED_AGAIN_MS = 600_000
"""Twice the longest pause between two tries: what comes later is another message, whatever it says."""
_TYPES = {"json": "application/json", "form": "application/x-www-form-urlencoded"}


class SmsChannel:
    """One POST per number; a number whose message was taken is not called again while others are retried."""

    kind = "sms"
    resend_s: int | None = None
    batch = 100_000

    def __init__(self, settings: SmsSettings, target: str, writer: Writer, timeout_s: float = TIMEOUT_S) -> None:
        self.target = target
        self._settings = settings
        self._writer = writer
        self._client = JsonClient(timeout_s)
        self._taken: dict[tuple[str, str], int] = {}

    async def send(self, notices: Sequence[Notice], now: int) -> Outcome:
        told = self._settings
        text = words(notices, self._writer, told.language, target=self.target, now=now).plain().replace("\n", "; ")
        text = text if len(text) <= told.max_length else text[: told.max_length - 1] + "…"
        token = told.token.get_secret_value()
        headers = {"Content-Type": _TYPES[told.format]} | ({"Authorization": f"Bearer {token}"} if token else {})
        news = " ".join(sorted(f"{it.event.episode}/{it.event.state}/{it.event.severity}" for it in notices))
        self._taken = {it: at for it, at in self._taken.items() if now - at < TRIED_AGAIN_MS}
        for number in told.to:
            if (number, news) in self._taken:
                self._taken[number, news] = now
                continue
            url = told.url.get_secret_value()
            outcome = await self._client.post(url, self._body(number, text), headers=headers, now=now, read=self._read)
            if not isinstance(outcome, Delivered):
                return outcome
            self._taken[number, news] = now
        for number in told.to:
            del self._taken[number, news]
        return Delivered()

    async def close(self) -> None:
        await self._client.close()

    def _body(self, number: str, text: str) -> bytes:
        def fill(value: str) -> str:
            return value.replace("{to}", number).replace("{text}", text)

        fields = {name: fill(value) for name, value in self._settings.body.items()}
        return orjson.dumps(fields) if self._settings.format == "json" else urlencode(fields).encode()

    def _read(self, answer: bytes) -> Outcome:
        wanted = self._settings.accepted
        if wanted and wanted.encode() not in answer:
            return Failed("client_error", "the answer does not hold the text that means yes")
        return Delivered()
