"""Plots of a backtest as SVG: calls over what was expected with incidents and alarms, and what a setting brings."""

from collections.abc import Sequence
from html import escape
from typing import Literal, NamedTuple

from deploy.backtest.against import rate_range
from deploy.backtest.trace import Step
from deploy.backtest.trial import Backtest, Trial
from sinks.report.plots import LEFT, WIDTH, frame, scale

Kind = Literal["found", "missed", "right", "false"]
SIGNS: dict[Kind, str] = {"found": "✓", "missed": "✗", "right": "▲", "false": "◇"}
WEEK, CLOSE = (WIDTH, 230), (352, 190)
_LANE, _FOOT = 22, 42
"""Room above a plot for incidents, and below it for alarms and the axis."""
_LABEL = 34
"""What a text of the axis needs."""
_APART = 26
"""Names closer to each other than this are left out: the sign still stands."""


class Mark(NamedTuple):
    """An incident (above the plot) or an alarm (below it) over [begin, end) ms; `name` as in the tables."""

    begin: int
    end: int
    kind: Kind
    name: str


class View(NamedTuple):
    """Where on the paper a time and a number of calls are; `most`: calls at the top; `axis`: (ms, text) below."""

    start: int
    end: int
    most: float
    size: tuple[int, int]
    axis: Sequence[tuple[int, str]]

    def x(self, at: float) -> float:
        share = (min(max(at, self.start), self.end) - self.start) / (self.end - self.start)
        return round(LEFT + share * (self.size[0] - LEFT), 1)

    def y(self, calls: float) -> float:
        bottom = self.size[1] - _FOOT
        return round(bottom - min(1.0, calls / self.most) * (bottom - _LANE), 1)


def most_of(steps: Sequence[Step]) -> float:
    """A round number that neither calls nor what was expected are above."""
    return scale(max([1.0, *(max(it.calls, it.expected.upper if it.expected else 0.0) for it in steps)]))


def calls(steps: Sequence[Step], step: int, marks: Sequence[Mark], view: View, title: str) -> str:
    """Calls per step of `step` ms over what was expected of it, and what was told in that time."""
    top, bottom = view.y(view.most), view.y(0)
    parts = [
        f'<rect class="{kind}-span" x="{x}" y="{top}" width="{max(2.0, until - x):.1f}" height="{bottom - top:.1f}"/>'
        for kind in ("right", "false")
        for x, until in _spans([it for it in marks if it.kind == kind], view)
    ]
    if any(it.expected for it in steps):
        parts.append(f'<path class="band" d="{_band(steps, step, view)}"/>')
    parts.append(f'<path class="line" d="{_line(steps, step, view)}"/>')
    parts.append(f'<path class="over" d="{_outside(steps, step, view)}"/>')
    for at, text in view.axis:
        parts.append(f'<line class="tick" x1="{view.x(at)}" x2="{view.x(at)}" y1="{top}" y2="{bottom}"/>')
        if view.x(at) + _LABEL < view.size[0]:
            parts.append(f'<text class="axis" x="{view.x(at) + 2:.1f}" y="{view.size[1] - 5}">{escape(text)}</text>')
    parts += _incidents([it for it in marks if it.kind in {"found", "missed"}], view)
    parts += _alarms([it for it in marks if it.kind in {"right", "false"}], view)
    ticks = [(view.y(part * view.most), f"{part * view.most:g}") for part in (0, 0.5, 1)]
    return frame(title, "".join(parts), ticks, view.size)


def _spans(marks: Sequence[Mark], view: View) -> list[list[float]]:
    """From where to where these marks lie, those that overlap as one: shades on each other would hide what is below."""
    spans: list[list[float]] = []
    for it in sorted(marks):
        x, until = view.x(it.begin), view.x(it.end)
        if spans and x <= spans[-1][1]:
            spans[-1][1] = max(spans[-1][1], until)
        else:
            spans.append([x, until])
    return spans


def _line(steps: Sequence[Step], step: int, view: View) -> str:
    made = "".join(f"V{view.y(it.calls)}H{view.x(it.at + step)}" for it in steps)
    return f"M{view.x(steps[0].at)} {view.y(steps[0].calls)}{made}" if steps else "M0 0"


def _band(steps: Sequence[Step], step: int, view: View) -> str:
    """One box per step: they touch where both have an expectation."""
    return "".join(
        f"M{view.x(it.at)} {view.y(it.expected.upper)}H{view.x(it.at + step)}V{view.y(it.expected.lower)}H{view.x(it.at)}Z"
        for it in steps
        if it.expected is not None
    )


def _outside(steps: Sequence[Step], step: int, view: View) -> str:
    """From the edge of the range to the calls, where they lie outside of it."""
    made = ["M0 0"]
    for it in steps:
        if it.expected is None or it.expected.lower <= it.calls <= it.expected.upper:
            continue
        edge = it.expected.upper if it.calls > it.expected.upper else it.expected.lower
        made.append(f"M{view.x(it.at)} {view.y(it.calls)}H{view.x(it.at + step)}V{view.y(edge)}H{view.x(it.at)}Z")
    return "".join(made)


def _incidents(marks: Sequence[Mark], view: View) -> list[str]:
    """A bar as long as the incident in the lane above, and its sign and number: full where it was found."""
    parts, free = [], 0.0
    for it in marks:
        x, width = view.x(it.begin), max(4.0, view.x(it.end) - view.x(it.begin))
        parts.append(f'<rect class="{it.kind}" x="{x}" y="14" width="{width:.1f}" height="6"/>')
        free = _named(parts, it, (x, 11), free)
    return parts


def _alarms(marks: Sequence[Mark], view: View) -> list[str]:
    parts: list[str] = []
    free = 0.0
    for it in marks:
        free = _named(parts, it, (view.x(it.begin), view.size[1] - 24), free)
    return parts


def _named(parts: list[str], mark: Mark, at: tuple[float, float], free: float) -> float:
    """Draw the sign, and the number where there is room; returns where the next one has room."""
    x, y = at
    text = SIGNS[mark.kind] + (mark.name if x >= free else "")
    parts.append(f'<text class="sign {mark.kind}-sign" x="{x}" y="{y}">{escape(text)}</text>')
    return x + _APART if mark.name and x >= free else free


_PANEL, _GAP, _HEAD = 96, 30, 34


def settings(tested: Backtest, words: dict[str, str], title: str) -> str:
    """Shares found above, alarms a week with their range below, at each value that was tried."""
    labelled = bool(tested.trials[0].verdict.of)
    tops = [_HEAD, _HEAD + _PANEL + _GAP] if labelled else [_HEAD]
    height = tops[-1] + _PANEL + 26
    width = (WIDTH - LEFT) / len(tested.trials)
    ranges = [rate_range(counted(it), it.verdict.weeks) for it in tested.trials]
    most = scale(max([tested.allowed or 0.0, *(it.verdict.rate for it in tested.trials)]) * 1.5)

    def y(rate: float) -> float:
        return round(tops[-1] + _PANEL - min(1.0, rate / most) * _PANEL, 1)

    parts: list[str] = []
    ticks = [(y(part * most), f"{part * most:g}") for part in (0, 0.5, 1)]
    if labelled:
        ticks += [(tops[0] + _PANEL * (1 - part), f"{part:.0%}") for part in (0, 0.5, 1)]
        parts.append(f'<text class="axis" x="{LEFT}" y="{tops[0] - 8}">{escape(words["recall"])}</text>')
    name = words["alarm_rate" if tested.labels is None else "rate"]
    if tested.allowed is not None:
        name = words["allowed"].format(name=name, allowed=f"{tested.allowed:g}")
    parts.append(f'<text class="axis" x="{LEFT}" y="{tops[-1] - 8}">{escape(name)}</text>')
    for index, trial in enumerate(tested.trials):
        middle = round(LEFT + (index + 0.5) * width, 1)
        parts += _chosen(tested, trial, middle - width / 2, width, (words, height))
        if labelled:
            assert trial.verdict.delays is not None
            share = len(trial.verdict.delays) / (trial.verdict.of or 1)
            top = tops[0] + _PANEL * (1 - share)
            parts.append(f'<circle class="recall" cx="{middle}" cy="{top:.1f}" r="5"/>')
            parts.append(
                f'<text class="value" x="{middle + 8}" y="{top + (14 if share > 0.5 else -4):.1f}">{share:.0%}</text>'
            )
        low, high = ranges[index]
        parts.append(f'<line class="range" x1="{middle}" x2="{middle}" y1="{y(low)}" y2="{y(high)}"/>')
        parts.append(
            f'<rect class="rate" x="{middle - 5}" y="{y(trial.verdict.rate) - 5:.1f}" width="10" height="10"/>'
        )
        parts.append(
            f'<text class="value" x="{middle + 8}" y="{y(trial.verdict.rate) - 4:.1f}">{trial.verdict.rate:.2g}</text>'
        )
        parts.append(f'<text class="axis" x="{middle}" y="{height - 6}" text-anchor="middle">{trial.value:g}</text>')
    if tested.allowed is not None:
        at = y(tested.allowed)
        parts.append(f'<line class="promise" x1="{LEFT}" x2="{WIDTH}" y1="{at}" y2="{at}"/>')
    return frame(title, "".join(parts), ticks, (WIDTH, height))


def _chosen(tested: Backtest, trial: Trial, x: float, width: float, at: tuple[dict[str, str], int]) -> list[str]:
    """A field behind the value that is set now, and behind the one that is suggested."""
    words, height = at
    names = [name for name, value in (("now", tested.present), ("suggested", tested.suggested)) if value == trial.value]
    if not names:
        return []
    text = escape(", ".join(words[name] for name in names))
    return [
        f'<rect class="chosen-{names[-1]}" x="{x:.1f}" y="16" width="{width:.1f}" height="{height - 36}"/>',
        f'<text class="value" x="{x + width / 2:.1f}" y="12" text-anchor="middle">{text}</text>',
    ]


def counted(trial: Trial) -> int:
    """How many alarms the rate of a trial is of: false ones, or all where no incidents are known."""
    return trial.verdict.fired if trial.verdict.false is None else trial.verdict.false
