"""Whatever else Apprise knows (Telegram, Matrix, ntfy, Gotify, Signal, …): text to one of its addresses. An extra.

Apprise says only whether it was taken, not why not: a refusal is tried again, and the receiver's next channel takes over.
"""

import asyncio
from collections.abc import Sequence

from alerts.channels import Delivered, Failed, Notice, Outcome, Retry
from alerts.channels.content import Writer
from alerts.channels.http import TIMEOUT_S
from alerts.channels.settings import AppriseSettings
from alerts.channels.words import words

TYPES = {"critical": "failure", "warning": "warning", "info": "info", "resolved": "success"}


class AppriseChannel:
    """One message for all alerts of a page. The library is loaded with the first one."""

    kind = "apprise"
    resend_s: int | None = None
    batch = 100_000

    def __init__(
        self, settings: AppriseSettings, target: str, writer: Writer, timeout_s: float = 3 * TIMEOUT_S
    ) -> None:
        self.target = target
        self._settings = settings
        self._writer = writer
        self._timeout_s = timeout_s

    async def send(self, notices: Sequence[Notice], now: int) -> Outcome:
        try:
            import apprise  # noqa: PLC0415  (an extra)
        except ImportError:
            return Failed("client_error", "not installed: pip install 'hotline-monitor[apprise]'")
        service = apprise.Apprise()
        if not service.add(self._settings.url.get_secret_value()):
            return Failed("client_error", "Apprise does not know this address")
        said = words(notices, self._writer, self._settings.language, target=self.target, now=now)
        links = [f"{text}: {link}" for text, link in (*said.answers, (said.board, self._writer.external_url))]
        lines = [f"{text} {link}".rstrip() for text, link in said.lines] + ([said.more] if said.more else [])
        body = "\n".join([*lines, "", *links])
        try:
            async with asyncio.timeout(self._timeout_s):
                taken = await service.async_notify(
                    title=said.heading, body=body, notify_type=TYPES[said.severity], interpret_escapes=False
                )
        except TimeoutError:
            return Retry("timeout", detail="no answer in time")
        return Delivered() if taken else Retry("server_error", detail="Apprise says that it was not taken")

    async def close(self) -> None:
        """Nothing is kept open."""
