"""What the report of a backtest says is what was found, in both languages, in one file that fetches nothing."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import backtest_kit as kit
import pytest

from alerts.expressions import AllOf, Comparison
from alerts.rules import Rule, Threshold
from deploy.backtest.against import Label, loosest, rate_range, share_range
from deploy.backtest.learning import Learned, Learning
from deploy.backtest.page import Page, style
from deploy.backtest.plots import settings
from deploy.backtest.thresholds import named, variants
from deploy.backtest.trace import Steps
from deploy.backtest.trial import Backtest
from deploy.backtest.words import WORDS
from streams.detection.outlook import Ahead

NOW = datetime(2026, 3, 20, 1, 0, tzinfo=UTC)
VOID = {"meta", "line", "rect", "circle", "path"}


class Read(HTMLParser):
    """A page's text, its rows, and that its tags are closed in order and fetch nothing."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.rows: list[list[str]] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert not {name for name, _ in attrs} & {"src", "href", "onclick"}, (tag, attrs)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.text.append(data)
        if self.open and self.open[-1] in {"td", "th"}:
            self.rows[-1].append(data)

    @property
    def said(self) -> str:
        return " ".join(" ".join(self.text).split())


def read(tested: Backtest, language: str = "en") -> Read:
    return Read(Page(tested, kit.NAMES, language).html(NOW))


def test_the_verdict_of_the_setting_as_it_is_and_the_one_that_is_suggested():
    page = read(kit.backtest())
    assert "Backtest of City line: 2026-03-02 – 2026-03-15" in page.said
    assert "at 5 values of demand.false_alarms_per_week from 0.02 to 2" in page.said
    assert "2 series judged one by one. 3 incidents are known." in page.said
    assert (
        "2 of 3 incidents were found (95 % range: 21% to 94%), half of them within 7 min, nine in ten within 9 min"
        in page.said
    )
    assert (
        "False alarms in 2.0 weeks: 5, or 2.50 a week (95 % range: 0.81 to 5.83). That is more than the 0.5"
        in page.said
    )
    assert "= 0.1 (now 2), the loosest value that keeps to 0.5 a week: 2 of 3 incidents found, 0.50 false" in page.said
    assert "Of 7% of the time too little had been learned" in page.said


@pytest.mark.parametrize(
    ("learning", "said"),
    [
        (Learning(28, 8), []),  # at two false alarms a week so many are chance
        (Learning(13, 1), ["Only 13 days with calls were learned from"]),
        (Learning(28, 15), ["Of the 28 days that were learned from at least 15 had departures"]),
        (Learning(0, 0), ["Only 0 days with calls"]),
    ],
)
def test_it_says_when_too_little_was_learned_or_days_that_were_not_ordinary(learning, said):
    page = read(kit.backtest(learning=learning))
    warned = ["Only {0} days", "Of the {0} days"]
    assert [start for start in said if start not in page.said] == []
    assert sum(start.format(learning.days) in page.said for start in warned) == len(said)
    assert ("--learn" in read(kit.backtest(learning=learning), "zh").said) == bool(said)


def test_the_days_that_were_learned_from_are_counted_as_they_are_read():
    """Three of ten have no calls; of those that have, one had an alarm, one is known for an incident, early ones are none."""
    learned = Learned(kit.ZONE, kit.START)
    rows = [(kit.START + day * kit.DAY + hour * kit.HOUR, day % 3 and 5) for day in range(-10, 5) for hour in range(24)]
    assert list(learned.days_of(rows)) == rows
    alarms = [
        kit.alarm(kit.START - 2 * kit.DAY),
        kit.alarm(kit.START - 2 * kit.DAY + kit.HOUR),
        kit.alarm(kit.START - 3 * kit.DAY),
    ]
    known = [Label(kit.START - 4 * kit.DAY, kit.START - 3 * kit.DAY, "hail"), *kit.LABELS]
    assert learned.worth(alarms, known) == Learning(7, 2)


def test_the_incidents_and_the_false_alarms_one_by_one():
    rows = read(kit.backtest()).rows
    said = "More <calls>."
    assert [row for row in rows if row[0].startswith("I")] == [
        ["I1", "burst <main>", "2026-03-03 10:00", "11:00", "Water works", "✓ found", "10:04", "4 min", said],
        ["I2", "rumour", "2026-03-05 09:00", "11:00", "whole hotline", "✗ missed", "–", "–", "–"],
        ["I3", "hail", "2026-03-10 15:00", "16:00", "whole hotline", "✓ found", "15:10", "10 min", said],
    ]
    kind = "more calls than usual"
    assert [row[:5] for row in rows if re.fullmatch(r"F\d", row[0])] == [
        ["F1", "2026-03-04 11:00", "20 min", "whole hotline", kind],
        ["F2", "2026-03-07 11:00", "20 min", "whole hotline", kind],
        ["F3", "2026-03-08 11:00", "20 min", "whole hotline", kind],
        ["F4", "2026-03-11 11:00", "20 min", "whole hotline", kind],
        ["F5", "2026-03-15 23:00", "still on", "whole hotline", kind],
    ]
    assert [row for row in rows if "-W" in row[0]] == [["2026-W10", "3"], ["2026-W11", "2"]]


def test_each_setting_has_a_row_and_each_day_one():
    rows = read(kit.backtest()).rows
    assert [row for row in rows if row[0].split(" ")[0] in {"0.02", "0.05", "0.1", "0.5", "2"}] == [
        ["0.02", "1 / 3", "0.00 (0.00 – 1.83)", "4 min"],
        ["0.05", "1 / 3", "0.50 (0.01 – 2.78)", "4 min"],
        ["0.1 (suggested)", "2 / 3", "0.50 (0.01 – 2.78)", "7 min"],
        ["0.5", "2 / 3", "1.50 (0.30 – 4.38)", "7 min"],
        ["2 (now)", "2 / 3", "2.50 (0.81 – 5.83)", "7 min"],
    ]
    days = [row for row in rows if re.fullmatch(r"2026-03-\d\d", row[0])]
    assert len(days) == 14
    assert days[0] == ["2026-03-02", "1,440", "–", "0 ✓ 0 ✗", "0", "0"]
    assert days[1] == ["2026-03-03", "1,800", "1,512", "1 ✓ 0 ✗", "2", "0"]


def test_without_incidents_no_alarm_is_called_false():
    page = read(kit.backtest(labelled=False, allowed=1.5))
    assert "Alarms in 2.0 weeks: 8, or 4.00 a week" in page.said
    assert "nobody knows, as no incidents were named" in page.said
    assert (
        "= 0.05 (now 2), the loosest value that keeps to 1.5 a week: 1.50 alarms a week, as if all were false"
        in page.said
    )
    assert "alse alarm" not in page.said.replace("false_alarms", "")


def test_what_cannot_be_kept_is_said_and_what_is_right_is_left():
    assert (
        "No value of demand.false_alarms_per_week that was tried keeps to 0.1 a week"
        in read(kit.backtest(labelled=False, allowed=0.1)).said
    )
    assert "leave demand.false_alarms_per_week at 2" in read(kit.backtest(allowed=3)).said
    assert "Suggested" not in read(kit.backtest(setting="")).said


def test_a_stricter_setting_that_finds_as_many_is_named():
    assert (
        "0.1 finds as many, with 0.50 false alarms a week." in read(kit.backtest(allowed=2)._replace(present=0.02)).said
    )


def test_the_same_in_chinese():
    page = read(kit.backtest(), "zh")
    assert "3 起事件中发现 2 起（95% 区间：21% 至 94%），半数在 7 分钟内" in page.said
    assert "取 0.05" not in page.said
    assert ["I2", "rumour", "2026-03-05 09:00", "11:00", "全热线", "✗ 漏报", "–", "–", "–"] in page.rows
    assert not re.search(r"\b(alarms?|found|missed|week|calls?|Incident)\b", page.said.replace("City", ""))
    assert WORDS["en"].keys() == WORDS["zh"].keys()
    fields = {key: set(re.findall(r"\{(\w+)\}", text)) for key, text in WORDS["en"].items()}
    assert {key: set(re.findall(r"\{(\w+)\}", text)) for key, text in WORDS["zh"].items()} == fields


def test_days_of_which_nothing_is_known_are_named():
    empty = kit.backtest()
    assert (
        "Days without any call (14): 03-16, 03-17"
        in read(empty._replace(start=kit.END, end=kit.END + 14 * kit.DAY)).said
    )


def test_plots_stay_within_their_frame():
    html = Page(kit.backtest(), kit.NAMES, "en").html(NOW)
    for size, plot in re.findall(r'<svg viewBox="0 0 (\d+ \d+)" role="img"(.*?)</svg>', html):
        width, height = map(int, size.split())
        for axis, limit in (("x", width), ("y", height)):
            for value in re.findall(rf' {axis}[12]?="([-\d.]+)"', plot):
                assert 0 <= float(value) <= limit, plot
    assert html.count('class="found"') > html.count('class="missed"') > 1
    assert settings(kit.backtest(), WORDS["en"], "t").count('class="recall"') == 5


def test_alarms_that_overlap_are_shaded_once_and_up_close_each_has_its_own_number():
    tested = kit.backtest(labelled=False)
    html = Page(tested, kit.NAMES, "en").html(NOW)
    assert re.findall(r"<figcaption>(A\d), ", html) == [f"A{number}" for number in range(1, 9)]
    for number, plot in re.findall(r"<figcaption>(A\d), (.*?</svg>)", html):
        assert f">◇{number}</text>" in plot
    [first] = re.findall(r"<figcaption>A1, (.*?</svg>)", html)
    assert first.count('class="false-span"') == 1
    assert first.count("◇") == 2, "the water's, and the hotline's two minutes later"
    assert "(alarms: " in html
    assert "incidents: " not in html


def test_the_page_has_the_colours_of_the_wallboard_light_and_dark():
    light, dark = style().split("@media (prefers-color-scheme:dark)")
    asked = set(re.findall(r"var\((--[\w-]+)\)", style()))
    assert asked
    for colours in (light, dark):
        assert asked <= set(re.findall(r"(--[\w-]+): ", colours))


# ---- figures


def test_ranges_are_those_of_the_textbook():
    """Garwood's exact limits for 5 events are 1.62 and 11.67, for none 0 and 3.69; Wilson's for 8 of 10 0.490 and 0.943."""
    assert rate_range(5, 1.0) == pytest.approx((1.62, 11.67), rel=0.01)
    assert rate_range(0, 2.0) == pytest.approx((0.0, 3.69 / 2), rel=0.01)
    assert share_range(8, 10) == pytest.approx((0.490, 0.943), abs=0.001)
    assert share_range(0, 3)[0] == 0.0
    assert share_range(3, 3)[1] == 1.0


def test_a_setting_beyond_one_that_broke_the_limit_is_not_suggested():
    """An alarm that never ends is one alarm: few alarms are no sign of a good setting."""
    verdicts = {it.value: it.verdict for it in kit.backtest().trials}
    tried = [(1.0, verdicts[0.02]), (2.0, verdicts[2.0]), (3.0, verdicts[0.02])]
    assert loosest(tried, 0.5) == 1.0
    assert loosest(tried[1:], 0.5) is None


def test_steps_are_counted_where_they_lie():
    steps = Steps(5 * kit.MINUTE)
    steps.begin(kit.START, Ahead(3.0, 1.0, 6.0))
    for minute in (0, 4, 5, 14):
        steps.add(kit.START + minute * kit.MINUTE, 2)
    seen = list(steps.between(kit.START, kit.START + kit.HOUR))
    assert [(it.at - kit.START, it.calls, it.expected) for it in seen] == [
        (0, 4, Ahead(3.0, 1.0, 6.0)), (5 * kit.MINUTE, 2, None), (10 * kit.MINUTE, 2, None),
    ]  # fmt: skip
    assert [it.calls for it in steps.between(kit.START + kit.MINUTE, kit.START + 10 * kit.MINUTE)] == [2]


# ---- limits of rules


def rule(**limit: object) -> Rule:
    return Rule(name="R", expression=Comparison(window="15m", **limit))


def test_a_rule_is_tried_stricter_and_looser_the_strictest_first():
    tried = variants(rule(metric="abandonment_rate", above=0.2, clear_below=0.1))
    assert [it.bound for it in tried] == [0.4, 0.3, 0.25, 0.22, 0.2, 0.18, 0.16, 0.13, 0.1]
    first = tried[0].rule.expression
    assert (first.above, first.clear_below) == (0.4, 0.2)
    below = [it.bound for it in variants(rule(metric="service_level_offered", below=0.8))]
    assert below == [0.6, 0.7, 0.75, 0.78, 0.8, 0.82, 0.84, 0.87, 0.9]
    counts = [it.bound for it in variants(rule(metric="offered", below=10))]
    assert counts == sorted(counts)
    assert 10.0 in counts
    ratios = [it.bound for it in variants(rule(metric="offered", above=1.2, of="week_ago"))]
    assert ratios[0] == 1.4
    assert min(ratios) == 1.1


def test_shares_stay_shares():
    assert max(it.bound for it in variants(rule(metric="abandonment_rate", above=0.8))) < 1
    assert min(it.bound for it in variants(rule(metric="service_level_offered", below=0.3))) > 0


def test_the_first_of_several_limits_is_moved():
    first = Comparison(metric="abandonment_rate", window="15m", above=0.2)
    second = Comparison(metric="offered", window="15m", above=30)
    tried = variants(Rule(name="R", expression=AllOf(all=(first, second))))
    assert [part.bound for part in tried[0].rule.expression.all] == [0.4, 30.0]
    assert named(first) == "abandonment_rate over 15m above"


def test_a_limit_on_a_signal_is_moved_and_what_has_none_is_left():
    on_signal = Rule(name="R", signal="demand_above_expectation", when=(Threshold(measure="ratio", above=1.5),))
    assert variants(on_signal)[0].bound == 2.0
    assert variants(on_signal)[-1].rule.when[0].bound == 1.25
    assert named(on_signal.when[0]) == "ratio above"
    assert variants(Rule(name="R", signal="dead_feed")) == []
    assert variants(rule(metric="offered", minus="week_ago", above=0)) == []
