"""The report as one HTML file: nothing is fetched, nothing runs, and it prints on A4."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from zoneinfo import ZoneInfo

from sinks.report.figures import Alert, Report, Sums
from sinks.report.plots import by_day, by_hour
from sinks.report.words import WORDS, Language

_STYLE = """
body{font:15px/1.5 system-ui,"Noto Sans CJK SC",sans-serif;color:#16202a;max-width:780px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin:0}h2{font-size:1.1rem;margin:1.6rem 0 .4rem;border-bottom:1px solid #c8d0d8}
p{margin:.3rem 0}.made,.definitions{color:#55616d;font-size:.85rem}.verdict{font-weight:600}
dl{display:grid;grid-template-columns:repeat(4,1fr);gap:.6rem;margin:1rem 0}dl div{border:1px solid #c8d0d8;padding:.5rem .7rem}
dt{font-size:.8rem;color:#55616d}dd{margin:0;font-size:1.35rem;font-variant-numeric:tabular-nums}dd small{display:block;font-size:.75rem;color:#55616d}
table{border-collapse:collapse;width:100%;font-size:.85rem}th,td{padding:.25rem .5rem;border-bottom:1px solid #e1e6eb;text-align:right}
th:first-child,td:first-child,.words td,.words th{text-align:left}th{word-break:keep-all}td{font-variant-numeric:tabular-nums;white-space:nowrap}.named td:first-child,.words td:nth-child(2n+4){white-space:normal}.words .about{white-space:normal;padding-top:0}.words tr:not(:last-child) td{border:0}svg{width:100%;height:auto}
.grid{stroke:#e1e6eb}.axis,.value{font-size:11px;fill:#55616d}.answered{fill:#2f6f9f}.abandoned{fill:#c2571a}.other{fill:#9aa5b1}
.expected{stroke:#16202a;stroke-width:2}.promise{stroke:#16202a;stroke-dasharray:5 4}.kept{fill:#2f6f9f}.broken{fill:#fff;stroke:#c2571a;stroke-width:3}
@media print{body{margin:0;max-width:none}h2{break-after:avoid}th,td{padding-inline:.3rem}table:not(.words),.words tbody,svg,dl{break-inside:avoid}@page{size:A4;margin:15mm}}
"""
_COLUMNS = ("offered", "answered", "abandoned", "service_level", "abandonment_rate", "asa", "aht")
_TILES = (
    "calls",
    "calls_answered",
    "calls_abandoned",
    "answer_rate",
    "service_level",
    "abandonment_rate",
    "asa",
    "aht",
)
_SHARES = {"answer_rate", "service_level", "abandonment_rate"}
_SECONDS = {"asa", "aht"}
DASH = "–"


def figure(sums: Sums, name: str) -> str:
    """A count, a share or seconds, as people read it; a dash where there is none."""
    value = getattr(sums, name)
    if value is None:
        return DASH
    if name in _SHARES:
        return f"{value:.1%}"
    return f"{value:.1f} s" if name in _SECONDS else f"{value:,}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


class Page:
    """Writes a report in one language; whatever comes from data is escaped."""

    def __init__(self, report: Report, names: Mapping[str, str], language: Language) -> None:
        self._report, self._names, self._language = report, names, language
        self._words = WORDS[language]
        self._zone = ZoneInfo(report.span.zone)

    def html(self, now: datetime) -> str:
        """The whole page; `now` is when it was made."""
        span = self._report.span
        days = f"{span.first}" if span.first == span.last else f"{span.first} – {span.last}"
        title = self._say("title", hotline=self._names.get("", "") or span.hotline, span=days)
        made = self._say("made", at=f"{now.astimezone(self._zone):%Y-%m-%d %H:%M}", feed=span.feed, zone=span.zone)
        promise = self._say("promise", target=f"{self._report.target:.0%}", threshold_s=self._report.threshold_s)
        return (
            f'<!doctype html><html lang="{"zh-CN" if self._language == "zh" else "en"}"><head><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width"><title>{title}</title><style>{_STYLE}</style></head><body>'
            f'<h1>{title}</h1><p class="made">{made}</p><p>{promise} <span class="verdict">{self._verdict()}</span></p>'
            f"{self._tiles()}{self._plots()}{self._tables()}{self._alerts()}"
            f'<p class="definitions">{self._say("definitions")}</p></body></html>\n'
        )

    def _say(self, key: str, **values: object) -> str:
        return escape(self._words[key].format(**values))

    def _verdict(self) -> str:
        level = self._report.total.service_level
        if level is None:
            return self._say("nothing")
        return self._say("kept" if level >= self._report.target else "broken", level=f"{level:.1%}")

    def _tiles(self) -> str:
        total, before = self._report.total, self._report.before
        tiles = "".join(
            f"<div><dt>{self._say(name)}</dt><dd>{figure(total, name)}"
            f"<small>{self._say('before', value=figure(before, name))}</small></dd></div>"
            for name in _TILES
        )
        return f"<dl>{tiles}</dl>"

    def _plots(self) -> str:
        plots = f"<h2>{self._say('by_hour')}</h2>{by_hour(self._report.hours, self._words['by_hour'])}"
        if len(self._report.days) > 1:
            days = [(f"{day:%m-%d}", sums.service_level) for day, sums in self._report.days.items()]
            plots += f"<h2>{self._say('by_day')}</h2>{by_day(days, self._report.target, self._words['by_day'])}"
        return plots

    def _tables(self) -> str:
        of_days = [(str(day), sums) for day, sums in self._report.days.items()]
        of_queues = [(self._names.get(queue) or queue, sums) for queue, sums in self._report.queues.items()]
        of_departments = [(name or self._words["not_stated"], sums) for name, sums in self._report.departments.items()]
        return "".join(
            self._table(title, first, rows)
            for title, first, rows in (
                ("days", "day", of_days),
                ("queues", "queue", of_queues),
                ("departments", "department", of_departments),
            )
            if rows
        )

    def _table(self, title: str, first: str, rows: Sequence[tuple[str, Sums]]) -> str:
        head = "".join(f'<th scope="col">{self._say(name)}</th>' for name in (first, *_COLUMNS))
        body = "".join(
            f"<tr><td>{escape(name)}</td>{''.join(f'<td>{figure(sums, column)}</td>' for column in _COLUMNS)}</tr>"
            for name, sums in rows
        )
        named = "" if first == "day" else ' class="named"'
        return f"<h2>{self._say(title)}</h2><table{named}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _alerts(self) -> str:
        alerts = self._report.alerts
        if not alerts:
            return f"<h2>{self._say('alerts')}</h2><p>{self._say('no_alerts')}</p>"
        taken = sum(bool(alert.acknowledged_by) for alert in alerts)
        head = "".join(
            f'<th scope="col">{self._say(name)}</th>' for name in ("at", "rule", "severity", "queue", "lasted", "by")
        )
        body = "".join(f"<tbody>{_row(self._story(alert))}{self._about(alert)}</tbody>" for alert in alerts)
        return (
            f"<h2>{self._say('alerts')}</h2><p>{self._say('fired', n=len(alerts), taken=taken)}</p>"
            f'<table class="words"><thead><tr>{head}</tr></thead>{body}</table>'
        )

    def _about(self, alert: Alert) -> str:
        """A line of its own: beside the rest a sentence has no room on paper."""
        summary = alert.summary.get(self._language) or alert.summary.get("en", "")
        return f'<tr><td class="about" colspan="6">{escape(summary)}</td></tr>'

    def _story(self, alert: Alert) -> list[str]:
        lasted = self._words["still"]
        if alert.resolved_at is not None:
            lasted = _duration((alert.resolved_at - alert.fired_at).total_seconds())
        by = alert.acknowledged_by or self._words["nobody"]
        if alert.acknowledged_by and alert.to_acknowledge_s is not None:
            by += f" (+{_duration(alert.to_acknowledge_s)})"
        return [
            f"{alert.fired_at.astimezone(self._zone):%m-%d %H:%M}",
            alert.rule,
            self._words.get(alert.severity, alert.severity),
            self._names.get(alert.queue) or alert.queue or DASH,
            lasted,
            by,
        ]


def _row(texts: Sequence[str]) -> str:
    return f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in texts)}</tr>"
