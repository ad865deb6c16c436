"""Plots as SVG inside the page: bars of calls by hour with what was expected, and a line of shares by day."""

from collections.abc import Sequence
from html import escape

from sinks.report.figures import Hour

WIDTH, HEIGHT = 720, 190
LEFT, BOTTOM, TOP = 44, 22, 10


def scale(most: float) -> float:
    """A round number at or above the largest value, which leaves little room above it."""
    step = 1.0
    while True:
        for factor in (1, 1.5, 2, 3, 4, 6, 8):
            if most <= factor * step:
                return factor * step
        step *= 10


def frame(title: str, inside: str, ticks: Sequence[tuple[float, str]], size: tuple[int, int] = (WIDTH, HEIGHT)) -> str:
    """A plot with its title and lines at `ticks` (y, text); `inside` is drawn over them."""
    width, height = size
    lines = "".join(
        f'<line class="grid" x1="{LEFT}" x2="{width}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="axis" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{escape(text)}</text>'
        for y, text in ticks
    )
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title, quote=True)}">'
        f"<title>{escape(title)}</title>{lines}{inside}</svg>"
    )


def _y(value: float, most: float) -> float:
    return HEIGHT - BOTTOM - value / most * (HEIGHT - BOTTOM - TOP)


def by_hour(hours: Sequence[Hour], title: str) -> str:
    """Answered, abandoned and other visits on each other; a dash where so many were expected."""
    most = scale(
        max([1.0, *(it.answered + it.abandoned + it.other for it in hours), *(it.expected or 0 for it in hours)])
    )
    width = (WIDTH - LEFT) / len(hours)
    parts = []
    for index, it in enumerate(hours):
        x = LEFT + index * width
        base = 0
        for name, count in (("answered", it.answered), ("abandoned", it.abandoned), ("other", it.other)):
            if count:
                top, bottom = _y(base + count, most), _y(base, most)
                parts.append(
                    f'<rect class="{name}" x="{x + 2:.1f}" y="{top:.1f}" width="{width - 4:.1f}" height="{bottom - top:.1f}"/>'
                )
            base += count
        if it.expected is not None:
            y = _y(it.expected, most)
            parts.append(f'<line class="expected" x1="{x:.1f}" x2="{x + width:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>')
        if it.hour % 3 == 0:
            parts.append(f'<text class="axis" x="{x + 2:.1f}" y="{HEIGHT - 6}">{it.hour:02}:00</text>')
    return frame(title, "".join(parts), [(_y(part * most, most), f"{part * most:g}") for part in (0, 0.5, 1)])


def by_day(days: Sequence[tuple[str, float | None]], target: float, title: str) -> str:
    """A share per day with the promise as a dashed line; a gap where there is none."""
    width = (WIDTH - LEFT) / max(1, len(days))
    parts = [f'<line class="promise" x1="{LEFT}" x2="{WIDTH}" y1="{_y(target, 1):.1f}" y2="{_y(target, 1):.1f}"/>']
    for index, (name, share) in enumerate(days):
        x = LEFT + (index + 0.5) * width
        parts.append(f'<text class="axis" x="{x:.1f}" y="{HEIGHT - 6}" text-anchor="middle">{escape(name)}</text>')
        if share is None:
            continue
        kept = "kept" if share >= target else "broken"
        parts.append(f'<circle class="{kept}" cx="{x:.1f}" cy="{_y(share, 1):.1f}" r="5"/>')
        parts.append(
            f'<text class="value" x="{x:.1f}" y="{_y(share, 1) + (18 if share > 0.9 else -9):.1f}" text-anchor="middle">{share:.1%}</text>'
        )
    return frame(title, "".join(parts), [(_y(part, 1), f"{part:.0%}") for part in (0, 0.5, 1)])
