"""`hotline backtest`: what rules and detectors would have said of the past."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import msgspec

from alerts.promises import promises_of
from alerts.rules import Rule
from alerts.rules_file import RulesError, load_rules
from deploy.backtest.against import LabelsError, Verdict, judge, loosest, read_labels
from deploy.backtest.feedback import Feedback, feedback, judged_alerts
from deploy.backtest.history import stored_minutes
from deploy.backtest.play import Fired
from deploy.backtest.run import Past, run_rule, run_series, run_signals
from deploy.cli.clickhouse import client, errors_for_people
from deploy.cli.detect import minutes_of, rows_of
from deploy.cli.report import hotline_of
from deploy.runtime.planned_events import events_path, read_events
from deploy.runtime.settings import Settings, current
from streams.contract import LIVE
from streams.detection import DetectionRules, rules_from
from streams.detection.series import Series
from streams.event_file import announced

DAY_MS = 86_400_000
GRID = (0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0)
"""Budgets that are tried where one is to be suggested."""
DETECTORS = ("demand_above_expectation", "demand_below_expectation", "demand_concentrated", "queue_silence")
"""Kinds of signals that have a budget of false alarms."""

Trial = tuple[float, list[Fired], Verdict]
"""(budget, what fired, what that is worth)."""

_day = click.DateTime(["%Y-%m-%d"])
_file = click.Path(exists=True, dir_okay=False, path_type=Path)
_budget = click.FloatRange(min=0, max=100, min_open=True)


@click.command("backtest")
@click.option("--from", "first", required=True, type=_day, help="First local day that is judged.")
@click.option("--to", "last", required=True, type=_day, help="Last one.")
@click.option("--hotline", default="", help="Which one; the one of settings if there is one.")
@click.option("--feed", default=LIVE, show_default=True, help="Whose stored minutes are judged.")
@click.option("--counts", type=_file, help="Judge a file as of `hotline detect` in place of stored minutes.")
@click.option("--interval", default="5m", show_default=True, help="What a row of that file covers.")
@click.option(
    "--learn", default=28, show_default=True, type=click.IntRange(0, 60), help="Days before that are learned."
)
@click.option("--rule", "rule_name", default="", help="Judge this alert rule; else what detection sees.")
@click.option("--rules", "rules_path", type=_file, help="The rule's file; that of settings unless told.")
@click.option("--kind", "kinds", multiple=True, help=f"Kinds of signals; {', '.join(DETECTORS)} unless told.")
@click.option("--budget", "budgets", multiple=True, type=_budget, help="False alarms a week to allow; several: each.")
@click.option(
    "--suggest", type=click.FloatRange(min=0), help="Find the loosest budget with so many false alarms a week."
)
@click.option("--labels", "labels_path", type=_file, help="CSV of known incidents: begin,end,name[,queue].")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def command(**told: Any) -> None:
    r"""Say what would have fired over past days, how often a week, and how early.

    \b
    hotline backtest --from 2026-10-01 --to 2026-10-31 --labels incidents.csv
    hotline backtest --from 2026-10-01 --to 2026-10-31 --suggest 0.2
    hotline backtest --from 2026-10-01 --to 2026-10-31 --rule AnswerRateLow --rules new-rules.yaml
    hotline backtest --from 2026-10-01 --to 2026-10-31 --counts calls.csv --interval 5m

    Of a rule it also says which of its alerts that people called useful or noise it would tell as it is tried, and what
    to do about that.

    Stored minutes go through the code that judges live calls, one after the other. Three things differ: it looks once a
    minute, not twice a second; a category is known at once, not when the call is over; and what rests on gauges (who
    waits now, which agents are there) is not judged.

    Exit codes: 0 done, 1 refused by ClickHouse, 2 usage, 3 not reachable.
    """
    settings = current()
    asked = _Asked(settings, **told)
    trials = asked.trials()
    best = loosest([(budget, verdict) for budget, _, verdict in trials], asked.suggest) if asked.suggest else None
    said = asked.feedback(trials[0][1])
    if told["as_json"]:
        click.echo(_as_json(trials, best, said))
        return
    for line in (*_lines(trials, asked.zone), *(said.in_words() if said else ())):
        click.echo(line)
    if asked.suggest and best is not None:
        click.echo(f"suggested: demand.false_alarms_per_week: {best:g}")
    elif asked.suggest:
        click.echo(f"no budget from {GRID[0]:g} on keeps to {asked.suggest:g} a week: are all incidents in --labels?")


class _Asked:
    """What is to be judged, checked. Raises UsageError."""

    def __init__(
        self,
        settings: Settings,
        *,
        first: datetime,
        last: datetime,
        hotline: str,
        feed: str,
        counts: Path | None,
        interval: str,
        learn: int,
        rule_name: str,
        rules_path: Path | None,
        kinds: Sequence[str],
        budgets: Sequence[float],
        suggest: float | None,
        labels_path: Path | None,
        as_json: bool,
    ) -> None:
        del as_json
        self._settings, self.feed, self._counts, self._interval = settings, feed, counts, interval
        self.suggest = suggest
        self.hotline = (hotline or settings.only_hotline) if counts is not None else hotline_of(settings, hotline)
        self.zone = settings.hotline(self.hotline).zone
        self.start, self.end = _midnight(first, self.zone), _midnight(last + timedelta(days=1), self.zone)
        if self.end <= self.start:
            raise click.UsageError("--to lies before --from")
        self._learn_from = self.start - learn * DAY_MS
        self._kinds = set(kinds or DETECTORS)
        self._rule = _rule(settings, rule_name, rules_path) if rule_name else None
        default = settings.demand.false_alarms_per_week
        self._budgets = tuple(budgets) or (GRID if suggest is not None else (default,))
        if self._rule is not None and len(self._budgets) > 1:
            raise click.UsageError("a rule is tried under one --budget")
        try:
            self._labels = read_labels(labels_path, self.zone) if labels_path else None
        except LabelsError as error:
            raise click.UsageError(str(error)) from error

    def trials(self) -> list[Trial]:
        """Each budget, with what fired under it."""
        if self._counts is not None:
            found = [self._series(self._counts, budget) for budget in self._budgets]
        else:
            found = self._stored()
        return [
            (budget, fired, judge(fired, self._labels, self.start, self.end, self.zone))
            for budget, fired in zip(self._budgets, found, strict=True)
        ]

    def feedback(self, fired: Sequence[Fired]) -> Feedback | None:
        """What people said of the rule's alerts in these days; None if no rule is judged."""
        if self._rule is None or self._counts is not None:
            return None
        with errors_for_people(), client() as found:
            judged = judged_alerts(found, self.feed, self.hotline, self._rule.name, (self.start, self.end))
        return feedback(judged, fired)

    def _stored(self) -> list[list[Fired]]:
        with errors_for_people(), client() as found:
            learned = [feed for feed in self._settings.demand.learn_from if feed != self.feed]
            past = Past(
                {feed: stored_minutes(found, feed, self.hotline, self._learn_from, self.start) for feed in learned},
                stored_minutes(found, self.feed, self.hotline, self._learn_from, self.end),
                self.start,
            )
            if self._rule is not None:
                promises = promises_of(self._settings)
                return [run_rule(past, self._detection(self._budgets[0]), self._rule, promises)]
            played = run_signals(past, [self._detection(budget) for budget in self._budgets])
        return [[it for it in fired if it.what in self._kinds] for fired in played]

    def _detection(self, budget: float) -> DetectionRules:
        """The settings' rules over the asked feed; a budget of its own for each kind that has one."""
        rules = rules_from(self._settings)
        allowed = {"false_alarms_per_week": budget}
        if budget == rules.demand.false_alarms_per_week:
            allowed = {}
        return replace(
            rules,
            feed=self.feed,
            demand=rules.demand.model_copy(update=allowed),
            concentration=rules.concentration.model_copy(update=allowed),
            queue_silence=rules.queue_silence.model_copy(update=allowed),
            announced=announced(read_events(events_path(self._settings))),
        )

    def _series(self, path: Path, budget: float) -> list[Fired]:
        minutes = minutes_of(self._interval)
        rules = self._settings.demand.model_copy(update={"false_alarms_per_week": budget})
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = ((row.start, row.calls) for _, row in rows_of(file, self.zone))
            within = ((at, calls) for at, calls in rows if self._learn_from <= at < self.end)
            return run_series(within, Series(minutes, self.zone, rules), minutes, self.start)


def _rule(settings: Settings, name: str, path: Path | None) -> Rule:
    try:
        rules = load_rules(path or settings.alerts.rules)
    except RulesError as error:
        raise click.UsageError(str(error)) from error
    found = next((rule for rule in rules if rule.name == name), None)
    if found is None:
        raise click.UsageError(f"no rule {name}: there are {', '.join(rule.name for rule in rules)}")
    return found


def _midnight(day: datetime, zone: ZoneInfo) -> int:
    return round(day.replace(tzinfo=zone).timestamp() * 1000)


def _lines(trials: Sequence[Trial], zone: ZoneInfo) -> list[str]:
    """Every alarm where one budget was tried, and a line for each budget."""
    lines: list[str] = []
    if len(trials) == 1:
        [(_, fired, verdict)] = trials
        lines += [_line(it, zone) for it in fired]
        lines += [f"{week}  {count}" for week, count in verdict.per_week.items()]
        lines += [f"missed  {_clock(it.begin, zone)}  {it.name}" for it in verdict.missed or ()]
        lines.append(verdict.in_words())
        return lines
    return [f"budget {budget:g}: {verdict.in_words()}" for budget, _, verdict in trials]


def _line(it: Fired, zone: ZoneInfo) -> str:
    lasted = f"{(it.until - it.at) // 60_000} min" if it.until is not None else "still on"
    where = "/".join(part for part in (it.queue, it.category, it.more) if part)
    return "  ".join(part for part in (_clock(it.at, zone), lasted, it.what, where, it.summary) if part)


def _clock(at: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(at / 1000, zone).isoformat(" ", "minutes")[:16]


def _as_json(trials: Sequence[Trial], best: float | None, said: Feedback | None) -> str:
    told = [
        {
            "budget": budget,
            "fired": [it._asdict() for it in fired],
            "verdict": verdict._asdict() | {"missed": [it._asdict() for it in verdict.missed or ()]},
        }
        for budget, fired, verdict in trials
    ]
    about = said._asdict() | {"advice": said.advice} if said else None
    return msgspec.json.encode({"trials": told, "suggested": best, "feedback": about}).decode()
