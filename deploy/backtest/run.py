"""One backtest: the same past under one or several rules of detection, and one alert rule if that is what is asked."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from alerts.promises import Promises
from alerts.rules import Rule
from deploy.backtest.play import Fired, RulesPlay, SignalsPlay
from streams.contract import Cell
from streams.detection import DetectionRules
from streams.detection.series import Series

Minutes = Iterable[tuple[int, list[Cell]]]


class Past(NamedTuple):
    """What is played. `known` are minutes of feeds to learn from, by feed; `minutes` those of the judged feed, the days
    before `start` (ms) among them: they are learned too, but what fires in them is not told.
    """

    known: dict[str, Minutes]
    minutes: Minutes
    start: int


def run_signals(past: Past, trials: Sequence[DetectionRules]) -> list[list[Fired]]:
    """What each of `trials` would have told from `past.start` on."""
    plays = [SignalsPlay(rules) for rules in trials]
    _teach(past, plays)
    for minute, cells in past.minutes:
        for play in plays:
            play.minute(minute, cells)
    return [_from(past.start, play.fired) for play in plays]


def run_rule(past: Past, detection: DetectionRules, rule: Rule, promises: Promises) -> list[Fired]:
    """Which alerts `rule` would have made from `past.start` on, of cells or of what detection tells."""
    seen, alerts = SignalsPlay(detection), None
    if rule.signal:
        _teach(past, [seen])
    for minute, cells in past.minutes:
        if alerts is None:
            alerts = RulesPlay([rule], detection.feed, promises, minute)
        alerts.minute(minute, cells, seen.minute(minute, cells) if rule.signal else ())
    return _from(past.start, alerts.fired) if alerts else []


def run_series(rows: Iterator[tuple[int, int]], series: Series, interval: int, start: int) -> list[Fired]:
    """Alarms of a plain series of (start of the interval in ms, calls) from `start` on; `interval` in minutes."""
    fired: list[Fired] = []
    on = False
    for at, calls in rows:
        judged, told_at = series.judge(at, calls), at + interval * 60_000
        if judged.alarm and not on:
            about = f"{calls} calls where {judged.expected or 0:.0f} were expected"
            fired.append(Fired("alarm", "", "", "", at, told_at, None, about))
        elif on and not judged.alarm:
            fired[-1] = fired[-1]._replace(until=told_at)
        on = judged.alarm
    return _from(start, fired)


def _teach(past: Past, plays: Sequence[SignalsPlay]) -> None:
    for feed, minutes in past.known.items():
        last = 0
        for minute, cells in minutes:
            last = minute
            for play in plays:
                play.teach(cells)
        for play in plays:
            play.detection.complete(feed, last + 60_000)


def _from(start: int, fired: Sequence[Fired]) -> list[Fired]:
    return [it for it in fired if it.at >= start]
