"""What the screens of different people are shown: one snapshot per filter, made while somebody looks."""

from collections.abc import Callable, Mapping
from secrets import token_hex
from typing import Any, NamedTuple

from deploy.runtime.settings import Settings
from sinks.web.board import Board
from sinks.web.limited_board import limited
from sinks.web.parts import Parts
from sinks.web.reader import Reader
from sinks.web.sees import Sees
from sinks.web.snapshot import View

MOST_VIEWS = 64
"""Different filters that may be looked through at once: each costs a snapshot at every look at the board."""


class Look(NamedTuple):
    """What a screen shows: the part of the board that somebody may see, and whether they may act on alerts, and judge them."""

    sees: Sees
    acts: bool
    judges: bool


class Screens:
    """`now()` is wall time in ms. A look nobody holds any more is forgotten, its ids with it."""

    def __init__(self, board: Board, reader: Reader, settings: Settings, now: Callable[[], int]) -> None:
        self.board, self.reader, self.settings, self.now = board, reader, settings, now
        self.worst: Mapping[str, Any] | None = None
        """The worst continuous 24 hours of the hotline shown; the board does not remember so long."""
        self._parts: dict[Look, Parts] = {}
        self._held: dict[Look, int] = {}

    @property
    def open(self) -> int:
        """How many screens look."""
        return sum(self._held.values())

    def hold(self, look: Look) -> Parts | None:
        """What a screen that opens is shown; None if there are too many different looks."""
        if look not in self._held and len(self._held) >= MOST_VIEWS:
            return None
        parts = self.parts(look)
        self._held[look] = self._held.get(look, 0) + 1
        return parts

    def let_go(self, look: Look) -> None:
        self._held[look] -= 1
        if not self._held[look]:
            del self._held[look]

    def parts(self, look: Look) -> Parts:
        """The snapshot of a look; it is made anew if nobody looks at it now."""
        if look not in self._held or look not in self._parts:
            self._publish(look)
        return self._parts[look]

    def publish(self) -> bool:
        """Look at the board anew for everybody who looks; whether anything changed. Looks long let go are dropped."""
        for look in self._parts.keys() - self._held.keys():
            if len(self._parts) > MOST_VIEWS:
                del self._parts[look]
        return sum(self._publish(look) for look in self._held) > 0  # each of them, not up to the first

    def _publish(self, look: Look) -> bool:
        parts = self._parts.get(look) or self._parts.setdefault(look, Parts(token_hex(6)))
        loading = self.reader.known_from is None
        board = limited(self.board, look.sees, self.settings)
        away = loading and not self.reader.positions
        told = {"loading": loading, "away": away, "actions": look.acts, "judges": look.judges}
        view = View(board, self.settings, self.now(), worst=self.worst, **told)
        return parts.publish(view.snapshot())
