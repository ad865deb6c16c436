"""The report of a backtest as one HTML file: nothing is fetched, nothing runs, it prints on A4 and follows light or dark."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from importlib.resources import files
from statistics import median

from deploy.backtest.against import Incident, false_alarms, incidents, rate_range
from deploy.backtest.days import Days
from deploy.backtest.play import Fired
from deploy.backtest.plots import CLOSE, SIGNS, WEEK, Kind, Mark, View, calls, counted, most_of, settings
from deploy.backtest.said import Said
from deploy.backtest.trace import Step
from deploy.backtest.trial import Backtest, Trial
from deploy.backtest.words import WORDS, kind_in_words
from sinks.report.page import DASH
from sinks.report.words import Language

MINUTE, HOUR = 60_000, 3_600_000
MOST_ROWS, MOST_CLOSE = 400, 24
"""Alarms that are listed, and those that are looked at up close, at most."""
AROUND = 2 * HOUR
LONGEST = 12 * HOUR
"""Up close: so long before and after it, and no more than that in all."""

LONG = ' class="words"'
MOST_IN_LINE = 24
"""Characters from which on a text in a table may be broken into lines."""

_LEGEND = {
    "legend_calls": '<path class="line" d="M0 11H8V4H17V9H26"/>',
    "legend_band": '<rect class="band" y="3" width="26" height="9"/>',
    "legend_over": '<rect class="over" x="7" y="2" width="12" height="11"/>',
    "legend_found": '<rect class="found" y="4" width="26" height="6"/>',
    "legend_missed": '<rect class="missed" x="1" y="4" width="24" height="6"/>',
    "legend_right": '<rect class="right-span" width="26" height="14"/>',
    "legend_false": '<rect class="false-span" width="26" height="14"/>',
    "legend_alarm": '<rect class="false-span" width="26" height="14"/>',
}


def style() -> str:
    """The page's own rules over the wallboard's colours: dark where the reader has it dark, light on paper."""
    colours = files("sinks.web").joinpath("static")
    light, dark = (colours.joinpath(name).read_text(encoding="utf-8") for name in ("light.css", "dark.css"))
    own = files("deploy.backtest").joinpath("report.css").read_text(encoding="utf-8")
    return f"{light}@media (prefers-color-scheme:dark){{{dark}}}{own}"


class Page:
    """Writes a backtest in one language; whatever comes from data is escaped. `names`: of queues, "" of the hotline."""

    def __init__(self, tested: Backtest, names: Mapping[str, str], language: Language) -> None:
        self._tested, self._names, self._language = tested, names, language
        self._words = WORDS[language]
        self._said = Said(tested, language)
        self._days = Days(tested.zone)
        self._shown = tested.shown
        known = tested.labels
        self._incidents = incidents(self._shown.fired, known or (), tested.start, tested.end)
        self._false = self._shown.fired if known is None else false_alarms(self._shown.fired, known)
        self._letter = "A" if known is None else "F"

    def html(self, now: datetime) -> str:
        """The whole page; `now` is when it was made."""
        title = self._said.say(
            "title",
            hotline=self._names.get("", "") or self._tested.hotline or self._tested.source,
            span=self._said.span,
        )
        made = self._said.say("made", at=f"{now.astimezone(self._tested.zone):%Y-%m-%d %H:%M}")
        return (
            f'<!doctype html><html lang="{"zh-CN" if self._language == "zh" else "en"}"><head><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark">'
            f"<title>{title}</title><style>{style()}</style></head><body>"
            '<svg class="defs" aria-hidden="true"><pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse">'
            '<path class="hatch" d="M-1 8L8 -1"/></pattern></svg>'
            f'<main><h1>{title}</h1><p>{self._said.tried()}</p><p>{self._said.source()}</p><p class="made">{made}</p>'
            f"{self._summary()}{self._settings()}{self._weeks()}{self._known()}{self._noise()}"
            f'<p class="definitions">{self._said.definitions()}</p></main></body></html>\n'
        )

    # ---- sections

    def _summary(self) -> str:
        said = self._said
        lines = [f"<p>{line}</p>" for line in (said.suggestion(), *said.warnings()) if line]
        return self._section("summary", f'<p class="verdict">{said.verdict()}</p>{"".join(lines)}')

    def _section(self, key: str, inside: str) -> str:
        return f"<section><h2>{self._said.say(key)}</h2>{inside}</section>"

    def _plot(self, svg: str, title: str) -> str:
        """A plot that a narrow screen scrolls."""
        return f'<figure class="scroll wide" tabindex="0" role="group" aria-label="{escape(title)}">{svg}</figure>'

    def _table(self, title: str, head: Sequence[str], rows: Sequence[str]) -> str:
        cells = "".join(f'<th scope="col">{self._said.say(name)}</th>' for name in head)
        return (
            f'<div class="scroll" tabindex="0" role="group" aria-label="{escape(title)}"><table><thead><tr>{cells}</tr>'
            f"</thead><tbody>{''.join(rows)}</tbody></table></div>"
        )

    def _settings(self) -> str:
        tested = self._tested
        if not tested.setting or len(tested.trials) < 2:
            return ""
        key = "settings_title" if tested.trials[0].verdict.of else "settings_alarms"
        title = self._words[key].format(setting=tested.setting)
        labelled = tested.labels is not None
        head = ("value_tried", "recall", "rate", "after") if labelled else ("value_tried", "alarm_rate")
        rows = [self._trial_row(it) for it in tested.trials]
        plot = self._plot(settings(tested, self._words, title), title)
        return self._section("settings", f'<p class="note">{escape(title)}</p>{plot}{self._table(title, head, rows)}')

    def _trial_row(self, trial: Trial) -> str:
        verdict, tested = trial.verdict, self._tested
        names = [n for n, v in (("now", tested.present), ("suggested", tested.suggested)) if v == trial.value]
        said = "".join(f" ({self._words[name]})" for name in names)
        low, high = rate_range(counted(trial), verdict.weeks)
        cells = [f"{trial.value:g}{said}"]
        if verdict.delays is not None:
            cells.append(f"{len(verdict.delays)} / {verdict.of}")
        cells.append(f"{verdict.rate:.2f} ({low:.2f} – {high:.2f})")
        if verdict.delays is not None:
            cells.append(self._said.say("minutes", n=f"{median(verdict.delays):.0f}") if verdict.delays else DASH)
        return _row(cells, "chosen" if names else "")

    def _weeks(self) -> str:
        if self._shown.trace is None:
            return ""
        coarse, marks = self._shown.trace.coarse, [*self._incident_marks(), *self._alarm_marks()]
        whole = list(coarse.between(self._tested.start, self._tested.end))
        most = most_of(whole)
        parts = [self._legend()]
        if self._tested.setting:
            told = {"setting": self._tested.setting, "value": f"{self._shown.value:g}"}
            parts.insert(0, f'<p class="note">{self._said.say("at_value", **told)}</p>')
        weeks = self._days.weeks(self._tested.start, self._tested.end)
        for start, end in weeks:
            within = [it for it in marks if it.begin < end and it.end > start]
            steps = [it for it in whole if start <= it.at < end]
            days = self._days.each(start, end)
            first, last = (f"{self._days.day(at)}" for at in (start, end - 1))
            title = self._words["week_title" if self._tested.labels is not None else "week_alarms"].format(
                step=coarse.step // MINUTE,
                first=first,
                last=last,
                incidents=sum(it.kind in {"found", "missed"} for it in within),
                alarms=sum(it.kind in {"right", "false"} for it in within),
            )
            axis = [(at, f"{self._days.day(at):%m-%d}") for at, _ in days]
            until = max(end, start + 7 * 24 * HOUR) if len(weeks) > 1 else end
            view = View(start, until, most, WEEK, axis)
            plot = self._plot(calls(steps, coarse.step, within, view, title), title)
            table = self._day_table(days, steps, within, self._words["day_table"].format(first=first, last=last))
            parts.append(f"<h3>{escape(title)}</h3>{plot}{table}")
        return self._section("weeks", "".join(parts))

    def _day_table(
        self, days: Sequence[tuple[int, int]], steps: Sequence[Step], marks: Sequence[Mark], title: str
    ) -> str:
        rows = []
        for start, end in days:
            of_day = [it for it in steps if start <= it.at < end]
            expected = [it.expected.expected for it in of_day if it.expected is not None]
            kinds = [it.kind for it in marks if start <= it.begin < end]
            known = f"{kinds.count('found')} {SIGNS['found']} {kinds.count('missed')} {SIGNS['missed']}"
            alarms = [str(kinds.count("right") + kinds.count("false"))]
            if self._tested.labels is not None:
                alarms = [known, *alarms, str(kinds.count("false"))]
            rows.append(
                _row(
                    [
                        f"{self._days.day(start)}",
                        f"{sum(it.calls for it in of_day):,}",
                        f"{sum(expected):,.0f}" if expected else DASH,
                        *alarms,
                    ]
                )
            )
        told = ("all_alarms",) if self._tested.labels is None else ("incidents", "all_alarms", "false_alarms")
        head = ("day", "calls", "expected", *told)
        return f"<details><summary>{escape(title)}</summary>{self._table(title, head, rows)}</details>"

    def _legend(self) -> str:
        labelled = self._tested.labels is not None
        expects = self._shown.trace is not None and self._shown.trace.expects
        skipped = {"legend_alarm"} if labelled else {"legend_found", "legend_missed", "legend_right", "legend_false"}
        skipped |= set() if expects else {"legend_band", "legend_over"}
        return f"""<ul class="legend">{
            "".join(
                f'<li><svg viewBox="0 0 26 14" aria-hidden="true">{sample}</svg>{self._said.say(name)}</li>'
                for name, sample in _LEGEND.items()
                if name not in skipped
            )
        }</ul>"""

    def _known(self) -> str:
        if self._tested.labels is None:
            return ""
        if not self._incidents:
            return self._section("incidents", f"<p>{self._said.say('no_incidents')}</p>")
        rows = [self._incident_row(f"I{number}", it) for number, it in enumerate(self._incidents, 1)]
        head = ("number", "incident", "begin", "end", "where", "result", "first_alarm", "after", "sentence")
        missed_first = sorted(enumerate(self._incidents, 1), key=lambda it: bool(it[1].alarms))
        close = [(f"I{n}", it.label.name, it.label.queue, "", it.label.begin, it.label.end) for n, it in missed_first]
        return self._section("incidents", self._table(self._words["incidents"], head, rows) + self._close(close))

    def _incident_row(self, number: str, it: Incident) -> str:
        first = it.alarms[0] if it.alarms else None
        kind: Kind = "found" if first else "missed"
        return _row(
            [
                number,
                it.label.name,
                self._days.clock(it.label.begin),
                self._days.clock(it.label.end, beside=it.label.begin),
                self._where(it.label.queue),
                f"{SIGNS[kind]} {self._words['found_short' if first else 'missed']}",
                self._days.clock(first.at, beside=it.label.begin) if first else DASH,
                self._words["minutes"].format(n=f"{it.delay:.0f}") if it.delay is not None else DASH,
                self._sentence(first) if first else DASH,
            ]
        )

    def _noise(self) -> str:
        key = "all_alarms" if self._tested.labels is None else "false_alarms"
        if not self._false:
            return self._section(key, f"<p>{self._said.say('no_false')}</p>")
        listed = self._false[:MOST_ROWS]
        rows = [
            _row(
                [
                    f"{self._letter}{number}",
                    self._days.clock(it.at),
                    self._words["minutes"].format(n=(it.until - it.at) // MINUTE) if it.until else self._words["still"],
                    self._where(it.queue, it.category, it.more),
                    kind_in_words(it.what, self._language),
                    self._sentence(it),
                ]
            )
            for number, it in enumerate(listed, 1)
        ]
        head = ("number", "begin", "lasted", "where", "what", "sentence")
        close = [
            (
                f"{self._letter}{n}",
                self._where(it.queue, it.category, it.more),
                it.queue,
                it.category,
                it.at,
                it.until or it.at,
            )
            for n, it in enumerate(listed, 1)
        ]
        cut = self._said.say("left_out", n=len(listed), of=len(self._false)) if len(listed) < len(self._false) else ""
        weeks = [_row([week, str(count)]) for week, count in self._per_week().items()]
        return self._section(
            key,
            f"{self._table(self._words[key], head, rows)}<p>{cut}</p><h3>{self._said.say('per_week')}</h3>"
            f"{self._table(self._words['per_week'], ('week', key), weeks)}{self._close(close)}",
        )

    def _per_week(self) -> dict[str, int]:
        """By ISO week of the judged days, those without any among them."""
        made = {self._days.week(at): 0 for at, _ in self._days.each(self._tested.start, self._tested.end)}
        for it in self._false:  # one may be told at the very end
            week = self._days.week(it.at)
            made[week] = made.get(week, 0) + 1
        return made

    def _close(self, places: Sequence[tuple[str, str, str, str, int, int]]) -> str:
        """Plots of (number, name, queue, category, begin, end), each with what lies around it."""
        trace = self._shown.trace
        if trace is None or not places:
            return ""
        marks, plots = [*self._incident_marks(), *self._alarm_marks()], []
        for number, name, queue, category, begin, end in places[:MOST_CLOSE]:
            steps = trace.of(queue, category)
            start = max(self._tested.start, begin - AROUND)
            until = min(self._tested.end, end + AROUND, start + LONGEST)
            within = list(steps.between(start, until))
            around = [it for it in marks if it.begin < until and it.end > start]
            own = any(it.name == number and it.kind == "false" for it in around)
            if own:  # its number, not that of one beside it
                around = [it._replace(name="") if it.kind == "false" and it.name != number else it for it in around]
            title = self._words["close_title"].format(
                number=number, where=name or self._where(queue), step=steps.step // MINUTE, at=self._days.clock(begin)
            )
            hours = [(at, self._days.clock(at)[11:]) for at in _hours(start, until)]
            drawn = calls(within, steps.step, around, View(start, until, most_of(within), CLOSE, hours), title)
            plots.append(f"<figure><figcaption>{escape(title)}</figcaption>{drawn}</figure>")
        cut = ""
        if len(places) > MOST_CLOSE:
            cut = f'<p class="note">{self._said.say("left_out", n=MOST_CLOSE, of=len(places))}</p>'
        return f'<h3>{self._said.say("closely")}</h3>{cut}<div class="close">{"".join(plots)}</div>'

    # ---- pieces

    def _incident_marks(self) -> list[Mark]:
        return [
            Mark(it.label.begin, it.label.end, "found" if it.alarms else "missed", f"I{number}")
            for number, it in enumerate(self._incidents, 1)
        ]

    def _alarm_marks(self) -> list[Mark]:
        false = {id(it): number for number, it in enumerate(self._false, 1)}
        return [self._alarm_mark(it, false.get(id(it))) for it in self._shown.fired]

    def _alarm_mark(self, it: Fired, number: int | None) -> Mark:
        until = self._tested.end if it.until is None else max(it.until, it.at + MINUTE)
        return Mark(it.at, until, "false" if number else "right", f"{self._letter}{number}" if number else "")

    def _where(self, queue: str, category: str = "", more: str = "") -> str:
        parts = [(self._names.get(queue) if queue else "") or queue, category, more]
        return " / ".join(part for part in parts if part) or self._words["whole"]

    def _sentence(self, it: Fired) -> str:
        return (it.summary_zh if self._language == "zh" else "") or it.summary


def _row(texts: Sequence[str], classes: str = "") -> str:
    cells = "".join(f"<td{LONG if len(text) > MOST_IN_LINE else ''}>{escape(text)}</td>" for text in texts)
    return f'<tr class="{classes}">{cells}</tr>' if classes else f"<tr>{cells}</tr>"


def _hours(start: int, end: int) -> range:
    """Where the axis of a plot up close has a mark: four or so."""
    step = max(1, round((end - start) / HOUR / 4)) * HOUR
    return range(-(-start // step) * step, end, step)
