"""One backtest: the same past under one or several rules of detection, and one alert rule if that is what is asked."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import NamedTuple

from alerts.promises import Promises
from alerts.rules import Rule
from deploy.backtest.play import Fired, RulesPlay, SignalsPlay
from deploy.backtest.trace import Trace
from deploy.runtime.plurals import so_many
from streams.contract import Cell
from streams.detection import DetectionRules
from streams.detection.series import Series

Minutes = Iterable[tuple[int, list[Cell]]]


class Past(NamedTuple):
    """What is played. `known` are minutes of feeds to learn from, by feed; `minutes` those of the judged feed, the days
    before those that are judged among them: they are learned too, and what fires in them says how ordinary they were.
    """

    known: dict[str, Minutes]
    minutes: Minutes


Traces = Sequence[Trace | None]
"""For each trial what is to remember its counts; None: nobody looks at them."""


def run_signals(past: Past, trials: Sequence[DetectionRules], traces: Traces = ()) -> list[list[Fired]]:
    """What each of `trials` would have told."""
    plays = [SignalsPlay(rules, trace) for rules, trace in zip_longest(trials, traces)]
    _teach(past, plays)
    for minute, cells in past.minutes:
        for play in plays:
            play.minute(minute, cells)
    return [play.fired for play in plays]


def run_rules(
    past: Past, trials: Sequence[tuple[DetectionRules, Rule]], promises: Promises, traces: Traces = ()
) -> list[list[Fired]]:
    """Which alerts each rule would have made, of cells or of what its detection tells.

    Rules beside the same detection look at one run of it, which the first trace is told of.
    """
    seen: dict[int, SignalsPlay] = {}
    for (detection, rule), trace in zip_longest(trials, traces):
        if rule.signal and id(detection) not in seen:
            seen[id(detection)] = SignalsPlay(detection, trace)
    _teach(past, list(seen.values()))
    alerts: list[RulesPlay] = []
    for minute, cells in past.minutes:
        alerts = alerts or [RulesPlay([rule], detection.feed, promises, minute) for detection, rule in trials]
        told = {of: play.minute(minute, cells) for of, play in seen.items()}
        for (detection, _), alert in zip(trials, alerts, strict=True):
            alert.minute(minute, cells, told.get(id(detection), ()))
        if not seen and traces and traces[0] is not None:
            traces[0].count(minute, cells)
    return [it.fired for it in alerts] or [[] for _ in trials]


def run_series(
    rows: Iterator[tuple[int, int]], series: Series, interval: int, trace: Trace | None = None
) -> list[Fired]:
    """Alarms of a plain series of (start of the interval in ms, calls); `interval` in minutes."""
    fired: list[Fired] = []
    on = False
    for at, calls in rows:
        ahead = trace and (series.ahead(at, interval), series.ahead(at, trace.coarse.step // 60_000))
        judged, told_at = series.judge(at, calls), at + interval * 60_000
        if trace and ahead:
            trace.row(at, calls, ahead)
        if judged.alarm and not on:
            expected = judged.expected or 0
            about = f"{so_many(calls, 'call')} where {expected:.0f} were expected"
            about_zh = f"来电 {calls} 个，预期 {expected:.0f} 个"
            fired.append(Fired("alarm", "", "", "", at, told_at, None, about, about_zh))
        elif on and not judged.alarm:
            fired[-1] = fired[-1]._replace(until=told_at)
        on = judged.alarm
    return fired


def _teach(past: Past, plays: Sequence[SignalsPlay]) -> None:
    for feed, minutes in past.known.items():
        last = 0
        for minute, cells in minutes:
            last = minute
            for play in plays:
                play.teach(cells)
        for play in plays:
            play.detection.complete(feed, last + 60_000)
