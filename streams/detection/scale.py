"""How far ordinary counts of one key really lie from their forecast, in the deviations that the forecast claims.

The model's own idea of its uncertainty (level, profile, dispersion, unevenness) is checked against what came: were
ordinary windows off by more than it said, every later deviation counts for less, and for a little more where they were
off by less. Upward and downward apart: holidays are quiet, and must not hide a burst. Incidents are left out, and no
window counts for more than three deviations, so that an unseen one teaches little.
"""

from math import sqrt
from typing import Final

import msgspec

from streams.detection.counts import Width

CHECKED: Final = (5, 15, 30, 60)
"""Minutes of the windows that are checked, where they lie side by side."""
PRIOR = 60.0
"""Windows that the model's own claim counts for."""
KEPT = 3_000.0
"""Windows that count at most: older ones fade."""
CLIP = 9.0
LEAST, MOST = 1.0, 6.0
FAR, NORMAL_FAR = 2.5, 0.0124
"""A deviation that counts as far, and the share of one side of the normal distribution that lies beyond it."""
HEAVY_PER_FAR, ALLOWED_TIMES = 0.15, 2.0
"""Up to twice that share is put down to incidents too small to be told. Where it is more, tails like Student's are assumed:
1/degrees of freedom grows by 0.15 with each further multiple (Student's t of 10 degrees has 2.5 times the share, of 5
degrees 4.4 times)."""
HEAVIEST = 0.2
PRIOR_FAR, PRIOR_TIMES = 200.0, 1.5
LEAST_EXPECTED = 3.0
"""Windows with fewer calls expected say little: a count of one is far from a third of a call."""


class Side(msgspec.Struct):
    """Deviations on one side: their mean square in windows of each length, and how many of all are far off."""

    seen: list[float] = msgspec.field(default_factory=lambda: [PRIOR] * len(CHECKED))
    squares: list[float] = msgspec.field(default_factory=lambda: [PRIOR] * len(CHECKED))
    watched: float = PRIOR_FAR
    far: float = PRIOR_FAR * NORMAL_FAR * PRIOR_TIMES

    def put(self, index: int, deviations: float) -> None:
        """One more window of the length `CHECKED[index]`, so many claimed deviations off."""
        seen, squares = self.seen[index], self.squares[index]
        square, mean = deviations * deviations, squares / seen
        fade = min(1.0, KEPT / (seen + 1.0))
        self.seen[index] = (seen + 1.0) * fade
        self.squares[index] = (squares + min(square, CLIP * mean)) * fade
        fade = min(1.0, KEPT / (self.watched + 1.0))
        self.watched = (self.watched + 1.0) * fade
        self.far = (self.far + (square > FAR * FAR * mean)) * fade

    def width(self, index: int) -> Width:
        deviation = sqrt(self.squares[index] / self.seen[index])
        more = self.far / self.watched / NORMAL_FAR - ALLOWED_TIMES
        return Width(min(MOST, max(LEAST, deviation)), min(HEAVIEST, max(0.0, HEAVY_PER_FAR * more)))


class Scales(msgspec.Struct):
    """Both sides of the windows that are checked."""

    above: Side = msgspec.field(default_factory=Side)
    below: Side = msgspec.field(default_factory=Side)

    def put(self, minutes: int, deviations: float) -> None:
        """A window of `minutes`, one of `CHECKED`, was so many claimed deviations off."""
        side = self.above if deviations > 0 else self.below
        side.put(CHECKED.index(minutes), deviations)

    def of(self, minutes: int) -> tuple[Width, Width]:
        """(above, below) for windows of about `minutes`: shorter than all that are checked as the shortest.

        Below, quiet days are far beyond all tails: what a shortfall must reach is another matter.
        """
        index = max((i for i, length in enumerate(CHECKED) if length <= minutes), default=0)
        return self.above.width(index), Width(self.below.width(index).deviation)
