"""Is demand above or below expectation right now? Trailing windows that end now, each against its own forecast.

The forecast of a window uses the level as it stood before that window began, so what is to be found
cannot raise what is expected of it; its uncertainty (level, profile, dispersion) widens the band.
"""

from collections.abc import Mapping, Sequence
from math import exp, log10
from typing import NamedTuple

from streams.detection.counts import CLAIMED, Width, deviance_root, low_score, tail_score
from streams.detection.keys import MINUTE
from streams.detection.level import Level, brought, odd_day
from streams.detection.plan import Curve, Plan
from streams.detection.scale import Scales

WINDOWS = (0, 1, 2, 5, 15, 30, 60)
"""Closed minutes of each test; all but at a minute's border add the open one."""
HALF_MINUTE = 30_000
"""One more test, over the last half minute wherever it lies, from samples taken at ticks."""
SAMPLE_EVERY = 5_000
TESTS = len(WINDOWS) + 1
LEAST_ELAPSED = 10_000
"""The open minute alone is not judged before so many ms."""
WEEK_MINUTES = 7 * 24 * 60
LOOKS = 12
"""How many times as many false alarms as disjoint windows bring, where a window is looked at all the time (simulated)."""


ODD_DAYS = log10(36)
"""-log10 of the chance of a day that goes like another weekday (one in 36): holidays, and the days around them."""
ODD_LEVELS = 1.0
"""-log10 of the chance of a day that begins at a level far outside the usual (one in ten). Were every day taken for one,
a surge in the first hours would have to stand out from the spread of those few."""
NO_MORE = 300.0
"""-log10 p beyond this is all the same."""

UNKNOWN = 2.0
"""How many times as many false alarms come as chance would bring, because no model knows everything. Used where looks
are minutes apart; where they are seconds apart, `LOOKS` has room for it."""


class Window(NamedTuple):
    """The part of a test that stands still during a minute.

    `usual` calls times `gain`, which is exp(level), are expected; `unsure`: relative variance of that forecast. `busy`,
    `quiet`: as in `Span`. `above`, `below`: how wide real deviations lie. `odd`: as in `Level`; it widens only what is
    above, so that no recovery is taken for a burst. `doubt`: what is left of an odd day's variance.
    """

    start: int
    minutes: int
    calls: int
    usual: float
    gain: float
    unsure: float
    busy: float = 1.0
    quiet: float = 1.0
    above: Width = CLAIMED
    below: Width = CLAIMED
    odd: float = 0.0
    doubt: float = 0.0


class Look(NamedTuple):
    """One test: `calls` from `start` against `expected`; `excess` as in `counts`; `score` -log10 p of so many."""

    start: int
    minutes: int
    calls: int
    expected: float
    excess: float
    score: float
    quiet: float = 1.0
    below: Width = CLAIMED

    @property
    def low_score(self) -> float:
        """-log10 p of so few."""
        score = low_score(self.calls, self.expected, self.excess, self.below)
        if score <= ODD_DAYS or self.quiet >= 1.0:
            return score
        return _either(score, low_score(self.calls, self.expected * self.quiet, self.excess, self.below), ODD_DAYS)


def _either(score: float, odd: float, chance: float) -> float:
    """-log10 p where the day is most likely as planned (`score`), and with a `chance` (-log10) of another kind (`odd`)."""
    odd_share = 10.0**-chance
    return -log10((1.0 - odd_share) * 10.0 ** -min(score, NO_MORE) + odd_share * 10.0 ** -min(odd, NO_MORE))


def required_score(minutes: int, keys: int, false_alarms_per_week: float, grain: int = 1) -> float:
    """-log10 p that a window must reach, the weekly budget shared evenly by keys and windows.

    `grain`: minutes between looks; where that is more than one, fewer windows exist and each is looked at less often.
    """
    tests, looks = TESTS, float(LOOKS)
    if grain > 1:
        tests = sum(window >= grain for window in WINDOWS)
        looks = min(looks, UNKNOWN * minutes / grain)
    disjoint = keys * tests * WEEK_MINUTES / max(minutes, 0.5)
    return log10(disjoint * looks / false_alarms_per_week)


def widths_of(scales: Scales) -> dict[int, tuple[Width, Width]]:
    """By the minutes of each test: how wide real deviations lie, above and below."""
    return {minutes: scales.of(minutes) for minutes in WINDOWS}


def windows(
    minute: int,
    *,
    counts: Mapping[int, int],
    plan: Plan,
    curve: Curve,
    levels: Sequence[Level],
    not_before: int,
    widths: Mapping[int, tuple[Width, Width]],
    grain: int = 1,
) -> list[Window]:
    """The tests of the minute that begins at `minute`; none reaches back before `not_before`. `widths` as in `widths_of`."""
    made: list[Window] = []
    count, at = 0, minute
    for minutes in WINDOWS:
        if 0 < minutes < grain:
            continue
        start = max(minute - minutes * MINUTE, not_before)
        if made and start == made[-1].start:
            break
        while at > start:
            at -= MINUTE
            count += counts.get(at, 0)
        level = forecast(levels, start, (start + minute) // 2, plan)
        span = curve.span(start, minute if minutes else minute + MINUTE)
        unsure = level.variance + plan.variance + span.uneven
        made.append(
            Window(
                start,
                (minute - start) // MINUTE,
                count,
                span.usual if minutes else 0.0,
                exp(level.mean),
                unsure,
                span.busy,
                span.quiet,
                *widths[minutes],
                level.odd,
                odd_day(level, plan.spread),
            )
        )
    return made


def forecast(levels: Sequence[Level], known_until: int, at: int, plan: Plan) -> Level:
    """The level expected at `at` from what was known at `known_until` (the oldest there is, if none is that old)."""
    known = levels[0]
    for level in reversed(levels):
        if level.at <= known_until:
            known = level
            break
    return brought(known, at, plan.start, plan.spread)


def look(window: Window, opened: int, usual_open: float, dispersion: float) -> Look:
    """Judge one window with `opened` calls in the open minute, where `usual_open` are usual so far."""
    count = window.calls + opened
    expected = window.gain * (window.usual + usual_open)
    usual = window.unsure + (dispersion - 1.0) / max(expected, 0.1)
    excess = usual + window.doubt
    score = tail_score(count, expected, usual + window.odd, window.above)
    if score > ODD_LEVELS:
        wide = excess + window.odd
        score = _either(score, tail_score(count, expected, wide, window.above), ODD_LEVELS)
        if window.busy > 1.0:
            score = _either(score, tail_score(count, expected * window.busy, wide, window.above), ODD_DAYS)
    return Look(window.start, window.minutes, count, expected, excess, score, window.quiet, window.below)


def out_of_band(seen: Look, *, below: bool = False, deviations: float = 2.3) -> bool:
    """Whether a count is still high (low) enough not to call it back to normal (about 1 %)."""
    root = deviance_root(seen.calls, seen.expected, seen.excess)
    return -root > deviations if below else root > deviations


def onset(
    closed: Sequence[tuple[int, int, float]],
    open_minute: int,
    opened: int,
    expected_open: float,
    elapsed: int,
    *,
    below: bool = False,
) -> int:
    """When the departure most likely began (epoch ms): the best start of a run at the run's own ratio.

    `closed` is (minute, count, expected), oldest first. With ratio q a minute adds x ln q - (q - 1) m to
    the likelihood ratio; the minute where the run begins is split by how much of it was already high.
    """
    runs = [(*minute, MINUTE) for minute in closed] + [(open_minute, opened, expected_open, elapsed)]
    best, start, ratio = 0.0, len(runs) - 1, 0.0 if below else 2.0
    count, expected = 0, 0.0
    for i in range(len(runs) - 1, -1, -1):
        count += runs[i][1]
        expected += runs[i][2]
        gained = deviance_root(count, max(expected, 0.1), 0.0) * (-1 if below else 1)
        if gained > best:
            best, start, ratio = gained, i, count / max(expected, 0.1)
    at, count, expected, length = runs[start]
    full = max(expected, 0.1) * (ratio - 1.0)
    high = min(1.0, max(0.0, (count - expected) / full)) if full else 1.0
    return at + round((1.0 - high) * length)
