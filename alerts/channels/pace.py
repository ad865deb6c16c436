"""Keeps a channel below what its service allows, so that a storm is not answered by a refusal of everything."""

from collections import deque
from collections.abc import Sequence

from alerts.channels import Channel, Notice, Outcome, Retry

MINUTE_MS = 60_000


class PacedChannel:
    """A channel that takes at most `most` messages a minute; one more is told to come again, and is not sent.

    Pure but for the channel: time is what `send` is given.
    """

    def __init__(self, channel: Channel, most: int) -> None:
        self._channel = channel
        self._most = most
        self._sent: deque[int] = deque()
        self.kind, self.target = channel.kind, channel.target
        self.resend_s, self.batch = channel.resend_s, channel.batch

    async def send(self, notices: Sequence[Notice], now: int) -> Outcome:
        while self._sent and now - self._sent[0] >= MINUTE_MS:
            self._sent.popleft()
        if len(self._sent) >= self._most:
            wait_s = (self._sent[0] + MINUTE_MS - now) / 1000
            return Retry("rate_limited", wait_s, f"{self._most} a minute is what the service allows")
        self._sent.append(now)
        return await self._channel.send(notices, now)

    async def close(self) -> None:
        await self._channel.close()
