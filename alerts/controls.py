"""What people have said about alerts, for whoever pages them: nobody is paged before it is known."""

from streams.contract import AlertEvent
from streams.contract.alerts import Silence
from streams.contract.controls import LastWords

LONGEST_MS = 14 * 86_400_000
"""A silence may last so long: shorter than its topic keeps it."""


class Controls(LastWords):
    """`ready`: the topic was read to its end once."""

    def __init__(self) -> None:
        super().__init__()
        self.ready = False

    def silence_of(self, event: AlertEvent, now: int) -> Silence | None:
        """The silence that holds for this alert at `now` (ms), if any."""
        return next(iter(self.holding(event, now)), None)
