"""A report says what the views say, of the right days, in both languages, in one file that fetches nothing."""

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from math import isclose
from pathlib import Path

import pytest
import story
from click.testing import CliRunner

import deploy.cli.clickhouse
import deploy.cli.report
from deploy.cli.main import cli
from sinks.report.figures import Hour, Report, Span, Sums, read
from sinks.report.page import Page, figure
from sinks.report.plots import by_day, by_hour
from sinks.report.words import WORDS

FIRST, SPIKE = (date.fromisoformat(day) for day in (story.FIRST, story.SPIKE))
NOW = datetime(2026, 3, 11, 1, 0, tzinfo=UTC)
pytestmark = pytest.mark.clickhouse


@pytest.fixture(scope="module")
def report(told: story.Told) -> Report:
    return read(told.client, Span("live", story.HOTLINE, FIRST, SPIKE, "Asia/Shanghai"), 15, 0.8)


@dataclass
class Read(HTMLParser):
    """A page's text, and the tags that were opened and not closed."""

    text: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            assert name not in {"src", "href", "onclick"}, (tag, name, value)
        if tag not in {"meta", "line", "rect", "circle"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in {"line", "rect", "circle"}:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read_page(html: str) -> str:
    page = Read()
    page.feed(html)
    assert page.open == []
    return " ".join(" ".join(page.text).split())


def test_the_figures_of_a_day_are_those_of_the_views(told: story.Told, report: Report) -> None:
    [row] = told.client.query(
        "SELECT * FROM v_hotline_daily WHERE feed = 'live' AND day = {day:Date}", {"day": story.SPIKE}
    ).named_results()
    day = report.days[SPIKE]
    assert (day.calls, day.calls_answered, day.calls_abandoned) == (
        row["calls_offered"],
        row["calls_answered"],
        row["calls_abandoned"],
    )
    assert (day.offered, day.answered, day.abandoned, day.inbound) == tuple(
        row[n] for n in ("offered", "answered", "abandoned", "inbound")
    )
    for name, column in (
        ("service_level", "service_level_offered"), ("answer_rate", "answer_rate_inbound"),
        ("abandonment_rate", "abandonment_rate"), ("asa", "asa"), ("aht", "aht"),
    ):  # fmt: skip
        assert isclose(getattr(day, name), row[column]), name


def test_the_figures_of_queues_are_those_of_the_views(told: story.Told, report: Report) -> None:
    for queue, sums in report.queues.items():
        rows = told.client.query(
            "SELECT sum(offered), sum(answered), sum(answered_in_threshold) FROM v_daily "
            "WHERE feed = 'live' AND queue = {queue:String}", {"queue": queue},
        ).result_rows  # fmt: skip
        assert rows == [(sums.offered, sums.answered, sums.within)]
    assert set(report.queues) == {"water", "housing"}


def test_ratios_of_several_days_are_ratios_of_sums(report: Report) -> None:
    total = report.total
    assert total.offered == sum(day.offered for day in report.days.values())
    assert total.service_level == sum(day.within for day in report.days.values()) / total.offered
    assert Sums().service_level is None
    assert figure(Sums(), "asa") == "–"


def test_hours_are_local_and_hold_every_visit(report: Report) -> None:
    assert sum(it.answered for it in report.hours) == report.total.answered
    assert sum(it.abandoned for it in report.hours) == report.total.abandoned
    assert max(report.hours, key=lambda it: it.answered).hour == 9


def test_the_days_before_are_as_many(told: story.Told) -> None:
    one_day = read(told.client, Span("live", story.HOTLINE, SPIKE, SPIKE, "Asia/Shanghai"), 15, 0.8)
    assert one_day.before.calls == 4
    assert list(one_day.days) == [SPIKE]


def test_a_page_tells_the_promise_the_figures_and_the_alerts(report: Report) -> None:
    text = read_page(Page(report, {"water": "Water works"}, "en").html(NOW))
    level = f"{report.total.service_level:.1%}"
    assert f"The promise was broken: {level}." in text
    assert "Promise: 80% answered within 15 s of those offered." in text
    assert "2026-03-11 09:00" in text
    assert "Water works" in text
    assert "Alerts that fired: 2, of them taken on: 1." in text
    assert "03-10 09:06 ServiceLevelUnderTarget warning Water works 0:30:00 chen (+0:00:45)" in text


def test_the_same_in_chinese(report: Report) -> None:
    text = read_page(Page(report, {}, "zh").html(NOW))
    assert f"承诺未兑现：{report.total.service_level:.1%}。" in text
    assert not re.search(r"\b(Answered|Abandoned|Queue|Offered)\b", text)
    assert "ServiceLevelUnderTarget 警告 " in text
    assert "warning" not in text
    assert WORDS["en"].keys() == WORDS["zh"].keys()


def test_what_comes_from_data_is_escaped(report: Report) -> None:
    nasty = "<script>alert('x')</script>"
    html = Page(report._replace(queues={nasty: Sums(offered=1)}, departments={nasty: Sums()}), {"": nasty}, "en").html(
        NOW
    )
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_two_queues_of_one_name_have_a_row_each(report: Report) -> None:
    two = report._replace(queues={"a": Sums(offered=111), "b": Sums(offered=222)})
    html = Page(two, {"a": "Water", "b": "Water"}, "en").html(NOW)
    assert re.findall(r"<td>Water</td><td>(\d+)</td>", html) == ["111", "222"]


def test_a_day_of_nothing_says_so(told: story.Told) -> None:
    empty = read(told.client, Span("live", story.HOTLINE, date(2020, 1, 1), date(2020, 1, 1), "Asia/Shanghai"), 15, 0.8)
    text = read_page(Page(empty, {}, "en").html(NOW))
    assert "Nobody called." in text
    assert "No alert fired." in text


def test_plots_stay_within_their_frame() -> None:
    hours = [Hour(hour, 10 * hour, hour, 1, 99.0 if hour % 2 else None) for hour in range(24)]
    for plot in (by_hour(hours, "t"), by_day([("a", 0.0), ("b", None), ("c", 1.0)], 0.8, "t")):
        read_page(plot)
        for value in re.findall(r'\b(?:y|y1|y2|cy)="([-\d.]+)"', plot):
            assert 0 <= float(value) <= 190
        assert all(float(height) >= 0 for height in re.findall(r'height="([-\d.]+)"', plot))


def test_the_command_writes_a_file(told: story.Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (deploy.cli.clickhouse, deploy.cli.report):
        monkeypatch.setattr(module, "current", lambda: told.settings)
    monkeypatch.setattr(deploy.cli.clickhouse, "resolve", lambda found, **_: found)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli, ["report", "--week", "2026-W11", "--language", "zh"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "12345_2026-W11.html: " in done.output
    assert "承诺未兑现" in read_page((tmp_path / "12345_2026-W11.html").read_text(encoding="utf-8"))
    unknown = CliRunner().invoke(cli, ["report", "--day", "2026-03-10", "--hotline", "99999"])
    assert (unknown.exit_code, "there are: 12345" in unknown.stderr) == (2, True)
    assert not (tmp_path / "99999_2026-03-10.html").exists()
    for wrong in (["--week", "2026-99"], ["--day", "2026-03-10", "--week", "2026-W11"], []):
        assert CliRunner().invoke(cli, ["report", *wrong]).exit_code == 2
