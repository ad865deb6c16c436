"""The net under every channel: an error that it did not foresee is an outcome, and ends nothing."""

from collections.abc import Sequence

from alerts.channels import Channel, Notice, Outcome, Retry
from deploy.runtime.faults import Fault, Faults, contained

_TOGETHER = (
    "an error in Hotline, please report it: a channel cannot tell several alerts at once, they are told in parts"
)
_ALONE = "an error in Hotline, please report it: a channel cannot tell an alert, it is tried again and all else goes on"


class SupervisedChannel:
    """A channel that raises nothing: what it should have turned into an outcome itself is `Retry("fault")`.

    Whoever gave several notices is to give them again in parts: one of them may be what the channel stumbles over.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._faults = Faults()
        self.kind, self.target = channel.kind, channel.target
        self.resend_s, self.batch = channel.resend_s, channel.batch

    async def send(self, notices: Sequence[Notice], now: int) -> Outcome:
        came = await contained(self._channel.send(notices, now))
        if not isinstance(came, Fault):
            return came
        together = len(notices) > 1
        what = _TOGETHER if together else _ALONE
        self._faults.say(what, came, channel=self.target, episode="" if together else notices[0].event.episode)
        return Retry("fault", detail=type(came).__name__)

    async def close(self) -> None:
        await self._channel.close()
