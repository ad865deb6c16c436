"""What may be told by an engine that begins afresh where its input has lost its beginning: only what is whole.

Of a call that began before the first record that is left only the end is known. Its minutes would come out too low, and,
as their version is higher, would replace what is stored of them.
"""

from streams.contract.cells import MINUTE_MS
from streams.contract.events import LIVE
from streams.contract.visits import CallFact, Visit

CLOCKS_APART_MS = 60_000
"""How far the clocks of two workers, or of the broker and a worker or whoever began a replay, may differ."""


class Torn:
    """What is whole in one partition. `cut_at`: the records before this instant (ms) are gone; 0: none are.

    `silent_ms`: for so long a call or agent may be silent and still be remembered.
    """

    def __init__(self, cut_at: int, silent_ms: int) -> None:
        self.cut_at = cut_at
        self._silent_ms = silent_ms

    def cut(self, instant: int) -> None:
        """The log was found to begin at this instant (ms); what is known already stays."""
        self.cut_at = self.cut_at or instant

    @property
    def live_from(self) -> int:
        """The first whole minute (ms) of `live`: all that was there before the cut is over, or lost, by then."""
        return -(-(self.cut_at + self._silent_ms) // MINUTE_MS) * MINUTE_MS if self.cut_at else 0

    def whole(self, row: Visit | CallFact) -> bool:
        """Whether a row is made of all that was ever told of it."""
        if not self.cut_at:
            return True
        return _begun(row) >= self.live_from if row.feed == LIVE else replay_is_whole(row.generation, self.cut_at)


def replay_is_whole(generation: int, cut_at: int) -> bool:
    """Whether a replay that began at the instant `generation` (ms; 0: it does not say) began after what is gone."""
    return not cut_at or not generation or generation > cut_at + CLOCKS_APART_MS


def _begun(row: Visit | CallFact) -> int:
    if isinstance(row, CallFact):
        return row.at
    told = (row.arrived_at, row.queued_at, row.answered_at, row.ended_at, row.wrapped_at)
    return min((at for at in told if at is not None), default=0)
