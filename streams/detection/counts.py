"""The count distribution: negative binomial with mean `mu` and relative variance `excess` beyond Poisson.

Var X = mu + excess * mu^2. The dispersion of counts and the uncertainty of their mean both go into
`excess`. Tails come from the deviance (saddlepoint): one square root and two logarithms a look, and
relative errors of a few percent where alarms are decided.
"""

from math import erfc, log, log1p, log10, pi, sqrt
from typing import NamedTuple

import numpy as np

from streams.detection.history import Floats

_LN10 = log(10)


class Width(NamedTuple):
    """How wide deviations really lie: `deviation`, real ones per claimed one; `heavy`, 1/degrees of freedom of tails
    like Student's.
    """

    deviation: float = 1.0
    heavy: float = 0.0

    def normal(self, z: float) -> float:
        """The normal deviation that is as unlikely as `z` claimed ones (Wallace's approximation of Student's t)."""
        z /= self.deviation
        return sqrt(log1p(self.heavy * z * z) / self.heavy) if self.heavy > 1e-4 else z


CLAIMED = Width()
"""As the model claims."""


def deviance_root(x: float, mu: float, excess: float) -> float:
    """The signed root of twice the log-likelihood ratio of `x` against mean `mu`: near standard normal.

    With r = 1/excess: D = x ln(x/mu) - (x + r) ln((x + r)/(mu + r)); for excess -> 0 Poisson's
    x ln(x/mu) - (x - mu).
    """
    mu = max(mu, 1e-9)
    first = x * log(x / mu) if x > 0 else 0.0
    if excess < 1e-9:
        d = first - (x - mu)
    else:
        r = 1.0 / excess
        d = first - (x + r) * log((x + r) / (mu + r))
    root = sqrt(max(0.0, 2.0 * d))
    return root if x >= mu else -root


def tail_score(x: int, mu: float, excess: float, width: Width = CLAIMED) -> float:
    """-log10 P(X >= x) under no change; 0 for x at or below the mean. `width`: of real deviations."""
    if x <= mu:
        return 0.0
    return _of_deviations(width.normal(deviation(x, mu, excess)))


def low_score(x: int, mu: float, excess: float, width: Width = CLAIMED) -> float:
    """-log10 P(X <= x) under no change; 0 for x at or above the mean. `width`: of real deviations."""
    if x >= mu:
        return 0.0
    return _of_deviations(width.normal(-deviation(x, mu, excess)))


def deviation(x: int, mu: float, excess: float) -> float:
    """How many claimed deviations `x` lies from its mean, with the half call of a discrete count (as in the tails)."""
    return deviance_root(max(x - 0.5, mu) if x > mu else min(x + 0.5, mu), mu, excess)


def _of_deviations(z: float) -> float:
    """-log10 of the normal tail beyond `z`."""
    if z > 35.0:  # erfc would be 0: the leading term of its expansion
        return (z * z / 2 + log(z * sqrt(2 * pi))) / _LN10
    return -log10(0.5 * erfc(z / sqrt(2)))


def band(mu: Floats, excess: Floats, z: float = 1.645) -> tuple[Floats, Floats]:
    """(lower, upper) of the central range of counts, 90 % by default: gamma-like (Wilson-Hilferty)."""
    v = 1.0 / np.maximum(mu, 1e-3) + excess
    lower = mu * np.maximum(0.0, 1 - v / 9 - z * np.sqrt(v) / 3) ** 3
    upper = mu * (1 - v / 9 + z * np.sqrt(v) / 3) ** 3
    return lower, np.maximum(upper, mu)
