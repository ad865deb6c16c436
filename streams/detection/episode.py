"""The life of one condition on one key, and when to tell of it."""

import msgspec

REPEAT = 10_000
"""An active condition is told again after so many ms."""


class Episode(msgspec.Struct):
    """`active` since `since`; `calm_since`: when it last came back to normal while active (None: it has not)."""

    active: bool = False
    since: int = 0
    calm_since: int | None = None
    told_at: int = 0

    def begin(self, since: int) -> None:
        self.active, self.since, self.calm_since = True, since, None

    def calm(self, now: int, *, calm: bool, needed: int) -> bool:
        """Note whether it is calm now; ends the episode (True) after `needed` ms of calm without a break."""
        if not calm:
            self.calm_since = None
        elif self.calm_since is None:
            self.calm_since = now
        if self.calm_since is None or now - self.calm_since < needed:
            return False
        self.active = False
        return True

    def due(self, now: int, *, changed: bool) -> bool:
        """Whether to tell now; remembers that it was told."""
        if not changed and not (self.active and now - self.told_at >= REPEAT):
            return False
        self.told_at = now
        return True
