"""`hotline backtest`: what rules and detectors would have said of the past."""

import asyncio
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import msgspec
from aiokafka.errors import KafkaError

from alerts.promises import promises_of
from alerts.rules import Rule
from alerts.rules_file import RulesError, load_rules
from deploy.backtest.against import LabelsError, judge, read_labels
from deploy.backtest.feedback import Feedback, feedback, judged_alerts
from deploy.backtest.history import stored_minutes
from deploy.backtest.learning import Learned
from deploy.backtest.page import Page
from deploy.backtest.play import MINUTE, Fired
from deploy.backtest.run import Minutes, Past, run_rules, run_series, run_signals
from deploy.backtest.said import learned_badly
from deploy.backtest.thresholds import Variant, first_limit, named, variants
from deploy.backtest.trace import FINE, Trace
from deploy.backtest.trial import Backtest, Trial
from deploy.cli.clickhouse import client, errors_for_people
from deploy.cli.detect import minutes_of, rows_of
from deploy.cli.export import write
from deploy.cli.report import hotline_of
from deploy.runtime.announcement_log import NoTopicError, load
from deploy.runtime.planned_events import events_path, told_by_file
from deploy.runtime.plurals import so_many
from deploy.runtime.run_file import resolve
from deploy.runtime.settings import Settings, current
from sinks.report.words import Language
from streams.contract import LIVE
from streams.contract.announcements import Announcement
from streams.detection import DetectionRules, rules_from
from streams.detection.series import Series
from streams.event_file import announced

DAY_MS = 86_400_000
GRID = (0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0)
"""Budgets that are tried where one is to be suggested."""
_FEEDS = 'hotline sql "SELECT feed, min(day), max(day) FROM v_hotline_daily GROUP BY feed"'
DETECTORS = ("demand_above_expectation", "demand_below_expectation", "demand_concentrated", "queue_silence")
"""Kinds of signals that have a budget of false alarms."""
TELL_EVERY_S = 30.0
"""Seconds between two lines about how far it is, where a log reads them; a terminal shows each day that was played."""
BUDGET = "demand.false_alarms_per_week"
ALL_BUDGETS = (BUDGET, "concentration.false_alarms_per_week", "queue_silence.false_alarms_per_week")

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
    "--suggest",
    type=click.FloatRange(min=0),
    help="Find the loosest budget (of a rule: the loosest limit) with so many false alarms a week.",
)
@click.option("--labels", "labels_path", type=_file, help="CSV of known incidents: begin,end,name[,queue].")
@click.option(
    "--report",
    "report_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write what is found as an HTML page with plots; suggests for the one --budget, else that of settings, unless told.",
)
@click.option("--language", type=click.Choice(["en", "zh"]), default="en", show_default=True, help="Of the page.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def command(**told: Any) -> None:
    """Say what would have fired over past days, how often a week, and how early.

    \b
    hotline backtest --from 2026-10-01 --to 2026-10-31 --labels incidents.csv
    hotline backtest --from 2026-10-01 --to 2026-10-31 --labels incidents.csv --report october.html
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
    tested = asked.backtest()
    said = asked.feedback(tested.shown.fired)
    if told["report_path"]:
        _write_report(settings, tested, told["report_path"], told["language"])
    for line in learned_badly(tested.shown, "en"):
        click.echo(line, err=True)
    if told["as_json"]:
        click.echo(_as_json(tested, said))
        return
    for line in (*_lines(tested.trials, asked.zone, asked.named), *(said.in_words() if said else ())):
        click.echo(line)
    if tested.allowed is not None and len(tested.trials) > 1:
        click.echo(_suggestion(tested, asked.settings_of))
    if told["report_path"]:
        click.echo(f"written: {told['report_path']}")


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
        report_path: Path | None,
        language: Language,
        as_json: bool,
    ) -> None:
        del language, as_json
        self._entered: Sequence[Announcement] = ()
        self._settings, self.feed, self._counts, self._interval = settings, feed, counts, interval
        self._traced = report_path is not None
        self.hotline = (hotline or settings.only_hotline) if counts is not None else hotline_of(settings, hotline)
        self.zone = settings.hotline(self.hotline).zone
        self.start, self.end = _midnight(first, self.zone), _midnight(last + timedelta(days=1), self.zone)
        if self.end <= self.start:
            raise click.UsageError("--to lies before --from")
        self._learn, self._learn_from = learn, self.start - learn * DAY_MS
        self._learned = Learned(self.zone, self.start)
        self._kinds = set(kinds or DETECTORS)
        self._rule = _rule(settings, rule_name, rules_path) if rule_name else None
        if self._rule is not None and counts is not None:
            raise click.UsageError("a rule looks at stored minutes: leave --counts out")
        default = budgets[0] if len(budgets) == 1 else settings.demand.false_alarms_per_week
        self._suggest = default if suggest is None and self._traced else suggest
        self._varied = self._variants(budgets)
        several = self._suggest is not None and self._budgeted and not self._varied
        grid = sorted({*(GRID if suggest is not None else GRID[::2]), default}) if several else (default,)
        self._budgets = tuple(sorted({*budgets})) or tuple(grid)
        if len(self._budgets) > 1 and not self._budgeted:
            raise click.UsageError("a rule is tried under one --budget")
        try:
            self._labels = read_labels(labels_path, self.zone) if labels_path else None
        except LabelsError as error:
            raise click.UsageError(str(error)) from error

    def _variants(self, budgets: Sequence[float]) -> list[Variant]:
        """The asked rule under the limits to try; none where its signal has a budget, or nothing is to be suggested."""
        if self._rule is None or self._suggest is None or budgets:
            return []
        found = variants(self._rule)
        if not found and not self._budgeted and not self._traced:
            raise click.UsageError(f"{self._rule.name} has no limit of its own that could be moved")
        return found

    @property
    def _budgeted(self) -> bool:
        """Whether what fires depends on a budget of false alarms."""
        return self._rule is None or self._rule.signal in DETECTORS

    @property
    def named(self) -> str:
        """What differs between the trials, as lines name it."""
        limit = first_limit(self._rule) if self._rule and self._varied else None
        return named(limit) if limit else "budget"

    @property
    def settings_of(self) -> Sequence[str]:
        """The settings that take what is suggested."""
        if self._rule is not None and self._varied:
            return (f"{self._rule.name}: {self.named}",)
        return (BUDGET,) if self._counts is not None else ALL_BUDGETS

    def backtest(self) -> Backtest:
        """Everything that was asked for, tried."""
        traces = [Trace(self.hotline, self.start, self._grain) if self._traced else None for _ in self._budgets]
        if self._counts is not None:
            found = [
                self._series(self._counts, budget, trace) for budget, trace in zip(self._budgets, traces, strict=True)
            ]
        else:
            found = self._stored(traces)
        if not self._learned.judged:
            raise click.UsageError(self._nothing())
        values = [it.bound for it in self._varied] or self._budgets
        trials = [
            self._trial(value, fired, trace)
            for value, fired, trace in zip(values, found, traces * (len(values) // len(traces)), strict=True)
        ]
        limit = first_limit(self._rule) if self._rule and self._varied else None
        return Backtest(
            hotline=self.hotline,
            feed=self.feed,
            source=f"{self._counts.name} ({self._interval})" if self._counts is not None else f"feed {self.feed}",
            zone=self.zone,
            start=self.start,
            end=self.end,
            learned=self._learn,
            what=self._what(),
            rule=self._rule is not None,
            setting=named(limit) if limit else BUDGET if self._budgeted else "",
            present=limit.bound if limit else self._settings.demand.false_alarms_per_week,
            allowed=self._suggest,
            trials=trials,
            labels=self._labels,
        )

    def _nothing(self) -> str:
        if self._counts is not None:
            return f"{self._counts} has no calls in these days: nothing can be judged"
        return (
            f"feed {self.feed} has no calls of {self.hotline} in these days: nothing can be judged; "
            f"which feeds have any says: {_FEEDS}"
        )

    def _trial(self, value: float, fired: Sequence[Fired], trace: Trace | None) -> Trial:
        """What fired in the days that are judged is worth so much; what fired before says how ordinary those days were."""
        judged = [it for it in fired if it.at >= self.start]
        early = [it for it in fired if it.at < self.start]
        learning = self._learned.worth(early, self._labels or ()) if self._budgeted else None
        return Trial(value, judged, judge(judged, self._labels, self.start, self.end, self.zone), trace, learning)

    @property
    def _grain(self) -> int:
        return FINE if self._counts is None else minutes_of(self._interval)

    def _what(self) -> Sequence[str]:
        if self._rule is not None:
            return (self._rule.name,)
        return ("alarm",) if self._counts is not None else sorted(self._kinds)

    def feedback(self, fired: Sequence[Fired]) -> Feedback | None:
        """What people said of the rule's alerts in these days; None if no rule is judged."""
        if self._rule is None:
            return None
        with errors_for_people(), client() as found:
            judged = judged_alerts(found, self.feed, self.hotline, self._rule.name, (self.start, self.end))
        return feedback(judged, fired)

    def _stored(self, traces: Sequence[Trace | None]) -> list[list[Fired]]:
        self._entered = _entered(self._settings)
        with errors_for_people(), client() as found:
            learned = [feed for feed in self._settings.demand.learn_from if feed != self.feed]
            taught: dict[str, Minutes] = {
                feed: self._learned.days_of(stored_minutes(found, feed, self.hotline, self._learn_from, self.start))
                for feed in learned
            }
            judged = self._learned.days_of(stored_minutes(found, self.feed, self.hotline, self._learn_from, self.end))
            detections = [self._detection(budget) for budget in self._budgets]
            with self._bar(judged, len(detections)) as minutes:
                past = Past(taught, minutes)
                if self._rule is not None:
                    rules = [it.rule for it in self._varied] or [self._rule]
                    pairs = [(detection, rule) for detection in detections for rule in rules]
                    return run_rules(past, pairs, promises_of(self._settings), traces)
                played = run_signals(past, detections, traces)
        return [[it for it in fired if it.what in self._kinds] for fired in played]

    def _bar(self, minutes: Minutes, times: int) -> AbstractContextManager[Minutes]:
        """The same minutes; how far they are is seen: at a terminal as a bar, elsewhere as lines."""
        days, several = (self.end - self.start) // DAY_MS, f", with {times} budgets" if times > 1 else ""
        label = f"playing {so_many(days, 'day')} and {self._learn} before them{several}"
        length = (self.end - self._learn_from) // MINUTE
        if not _watched():
            return nullcontext(_told(minutes, length, label))
        return click.progressbar(minutes, length, label, file=sys.stderr, update_min_steps=DAY_MS // MINUTE)

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
            announced=announced([*told_by_file(events_path(self._settings)), *self._entered]),
        )

    def _series(self, path: Path, budget: float, trace: Trace | None) -> list[Fired]:
        minutes = minutes_of(self._interval)
        rules = self._settings.demand.model_copy(update={"false_alarms_per_week": budget})
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = ((row.start, row.calls) for _, row in rows_of(file, self.zone))
            within = ((at, calls) for at, calls in rows if self._learn_from <= at < self.end)
            series = Series(minutes, self.zone, rules, self._settings.hotline(self.hotline).country)
            return run_series(self._learned.days_of(within), series, minutes, trace)


def _watched() -> bool:
    return sys.stderr.isatty()


def _told(minutes: Minutes, length: int, label: str) -> Minutes:
    """The same minutes; how many of them are over is told now and then."""
    told_at = time.monotonic()
    for number, minute in enumerate(minutes):
        if time.monotonic() - told_at >= TELL_EVERY_S:
            told_at = time.monotonic()
            click.echo(f"{label}: {number / length:.0%}", err=True)
        yield minute


def _rule(settings: Settings, name: str, path: Path | None) -> Rule:
    try:
        rules = load_rules(path or settings.alerts.rules)
    except RulesError as error:
        raise click.UsageError(str(error)) from error
    found = next((rule for rule in rules if rule.name == name), None)
    if found is None:
        raise click.UsageError(f"no rule {name}: there are {', '.join(rule.name for rule in rules)}")
    return found


def _entered(settings: Settings) -> list[Announcement]:
    """The events that people have announced; of a Kafka that does not answer none, which is said."""
    kafka = resolve(settings, need=()).kafka
    if not kafka.bootstrap:
        return []
    try:
        return asyncio.run(load(kafka)).holding()
    except (KafkaError, OSError, NoTopicError) as error:
        click.echo(f"without the events that people have announced: {error}", err=True)
        return []


def _midnight(day: datetime, zone: ZoneInfo) -> int:
    return round(day.replace(tzinfo=zone).timestamp() * 1000)


def _write_report(settings: Settings, tested: Backtest, path: Path, language: Language) -> None:
    hotline = settings.hotline(tested.hotline)
    names = {queue: told.name.get(language, "") for queue, told in hotline.queues.items()}
    page = Page(tested, names | {"": hotline.name.get(language, "")}, language).html(datetime.now(UTC))
    try:
        write([page.encode()], path)
    except OSError as error:
        raise click.UsageError(f"{path} cannot be written: {error.strerror}") from error


def _suggestion(tested: Backtest, settings: Sequence[str]) -> str:
    if tested.suggested is None:
        first = f"{tested.trials[0].value:g}"
        what = "budget" if tested.setting == BUDGET else "limit"
        return f"no {what} from {first} on keeps to {tested.allowed:g} a week: are all incidents in --labels?"
    return "suggested: " + ", ".join(f"{name}: {tested.suggested:g}" for name in settings)


def _lines(trials: Sequence[Trial], zone: ZoneInfo, named: str) -> list[str]:
    """Every alarm where one value was tried, and a line for each value of `named`."""
    lines: list[str] = []
    if len(trials) == 1:
        fired, verdict = trials[0].fired, trials[0].verdict
        lines += [_line(it, zone) for it in fired]
        lines += [f"{week}  {count}" for week, count in verdict.per_week.items()]
        lines += [f"missed  {_clock(it.begin, zone)}  {it.name}" for it in verdict.missed or ()]
        lines.append(verdict.in_words())
        return lines
    return [f"{named} {it.value:g}: {it.verdict.in_words()}" for it in trials]


def _line(it: Fired, zone: ZoneInfo) -> str:
    lasted = f"{(it.until - it.at) // 60_000} min" if it.until is not None else "still on"
    where = "/".join(part for part in (it.queue, it.category, it.more) if part)
    return "  ".join(part for part in (_clock(it.at, zone), lasted, it.what, where, it.summary) if part)


def _clock(at: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(at / 1000, zone).isoformat(" ", "minutes")[:16]


def _as_json(tested: Backtest, said: Feedback | None) -> str:
    budgets = tested.setting in {BUDGET, ""}
    told = [
        {
            "budget" if budgets else "limit": it.value,
            "fired": [alarm._asdict() for alarm in it.fired],
            "verdict": it.verdict._asdict() | {"missed": [label._asdict() for label in it.verdict.missed or ()]},
        }
        for it in tested.trials
    ]
    about = said._asdict() | {"advice": said.advice} if said else None
    return msgspec.json.encode({"trials": told, "suggested": tested.suggested, "feedback": about}).decode()
