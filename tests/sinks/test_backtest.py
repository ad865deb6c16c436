"""`hotline backtest` over minutes that are stored in the real engine: what would have fired, how often, how early."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner, Result
from clickhouse_connect.driver.client import Client

import deploy.cli.backtest
import deploy.cli.clickhouse
from deploy.backtest.against import Label, LabelsError, Verdict, judge, loosest, read_labels
from deploy.backtest.feedback import Feedback, Judged, feedback
from deploy.backtest.history import stored_minutes
from deploy.backtest.play import Fired
from deploy.cli.main import cli
from deploy.runtime.processor import Record
from sinks.clickhouse.inserter import Inserter, blocks
from sinks.clickhouse.records import ToRow, to_rows
from streams.contract import AlertEvent, Cell
from streams.contract.alerts import Feedback as SaidOfAlert
from streams.contract.topics import ALERT_CONTROL, ALERTS, CELLS

pytestmark = pytest.mark.clickhouse

ZONE = ZoneInfo("Asia/Shanghai")
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp() * 1000)


MONDAY, FRIDAY = ms("2026-03-02"), ms("2026-03-06")
BURST = FRIDAY + 10 * HOUR


def cells(feed: str) -> list[Cell]:
    """Five days, eight to eighteen, of a queue with five calls a minute; on Friday at ten four times as many for 20 min,
    of which half hang up.
    """
    random, made = np.random.default_rng(4), []
    for day in range(5):
        for i in range(8 * 60, 18 * 60):
            minute = MONDAY + day * DAY + i * MINUTE
            burst = BURST <= minute < BURST + 20 * MINUTE
            offered = int(random.poisson(20 if burst else 5))
            lost = offered // 2 if burst else 0
            counts = {"offered": offered, "answered": offered - lost, "answered_wait.3": offered - lost}
            if lost:
                counts |= {"abandoned": lost, "abandoned_wait.40": lost}
            for name, queue in (("hotline", ""), ("queue", "water")):
                made.append(
                    Cell(
                        feed=feed,
                        hotline="12345",
                        dimension_set=name,
                        queue=queue,
                        minute=minute,
                        version=1,
                        counts=counts,
                    )
                )
    return made


@pytest.fixture(scope="module")
def stored(settings, client, functions) -> str:
    """The feed that the five days are stored under."""
    store(client, functions, CELLS, cells("past"))
    return "past"


def store(client: Client, functions: dict[str, ToRow], topic: str, records: list[Any]) -> None:
    """What the writer makes of these records of a topic."""
    encoded = [Record(n, 0, None, msgspec.json.encode(record)) for n, record in enumerate(records)]
    rows, refused = to_rows(functions[topic], topic, 0, encoded)
    assert not refused
    inserter = Inserter(client)
    for block in blocks(rows):
        assert not inserter.write(block)


@pytest.fixture
def backtest(settings, stored, monkeypatch):
    for module in (deploy.cli.clickhouse, deploy.cli.backtest):
        monkeypatch.setattr(module, "current", lambda: settings)
    monkeypatch.setattr(deploy.cli.clickhouse, "resolve", lambda found, **_: found)

    def run(*options: str) -> Result:
        words = ["backtest", "--feed", stored, "--from", "2026-03-06", "--to", "2026-03-06", *options]
        return CliRunner().invoke(cli, words, catch_exceptions=False)

    return run


def test_stored_minutes_are_the_cells_that_were_told(client, stored):
    told = {(cell.minute, cell.dimension_set): cell.counts for cell in cells(stored)}
    found = list(stored_minutes(client, stored, "12345", MONDAY, MONDAY + DAY))
    assert [minute for minute, _ in found] == list(range(MONDAY, MONDAY + DAY, MINUTE))
    for minute, of_minute in found:
        for cell in of_minute:
            expected = {name: count for name, count in told[minute, cell.dimension_set].items() if count}
            assert (cell.minute, cell.counts) == (minute, expected)
    assert sum(len(of_minute) for _, of_minute in found) == 1200


def test_a_burst_of_the_past_would_have_been_told(backtest, tmp_path):
    labels = tmp_path / "incidents.csv"
    labels.write_text("begin,end,name\n2026-03-06 10:00,2026-03-06 10:20,burst pipe\n", encoding="utf-8")
    done = backtest("--learn", "4", "--labels", str(labels), "--budget", "0.2", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    [trial] = told["trials"]
    assert (trial["budget"], told["suggested"]) == (0.2, None)
    above = [it for it in trial["fired"] if it["what"] == "demand_above_expectation"]
    assert {it["queue"] for it in above} == {"", "water"}
    assert all(BURST - 2 * MINUTE <= it["since"] <= it["at"] <= BURST + 10 * MINUTE for it in above)
    verdict = trial["verdict"]
    assert (verdict["of"], verdict["missed"], verdict["weeks"]) == (1, [], pytest.approx(1 / 7))
    assert verdict["delays"] == [min(it["at"] - BURST for it in trial["fired"]) / MINUTE]


def test_days_without_a_call_are_not_judged_and_it_is_said_how_to_find_those_with_some(backtest):
    done = backtest("--from", "2026-03-09", "--to", "2026-03-09", "--learn", "3", "--suggest", "1")
    assert done.exit_code == 2, done.output
    assert "feed past has no calls of 12345 in these days" in done.output
    assert "suggested" not in done.output


def test_a_rule_over_windows_is_played(backtest, tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text(
        """rules:
  - name: ManyHangUp
    match: {dimension_set: [queue]}
    expression:
      {metric: abandonment_rate, window: 15m, above: 0.2, clear_below: 0.1, min_volume: 20}
""",
        encoding="utf-8",
    )
    done = backtest("--learn", "0", "--rule", "ManyHangUp", "--rules", str(rules))
    assert done.exit_code == 0, done.output
    [fired, week, _, said] = done.output.splitlines()
    assert said.startswith("nobody has judged an alert of this rule")
    assert fired.startswith("2026-03-06 10:0")
    assert "ManyHangUp  water" in fired
    assert week == "2026-W10  1"
    assert backtest("--rule", "Nobody", "--rules", str(rules)).exit_code == 2


def test_a_rule_on_signals_is_played(backtest, tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules: [{name: HangUps, signal: abandonment_above_limit, severity: warning}]", encoding="utf-8")
    done = backtest("--learn", "0", "--rule", "HangUps", "--rules", str(rules))
    assert done.exit_code == 0, done.output
    *told, week, _, _ = done.output.splitlines()
    assert all(line.startswith("2026-03-06 10:") and "  HangUps  " in line for line in told)
    assert week == f"2026-W10  {len(told)}"
    assert told


@pytest.mark.parametrize(("watched", "every_s", "lines"), [(True, 0.0, 1), (False, 0.0, 3 * 24 * 60), (False, 60.0, 0)])
def test_it_is_seen_how_far_it_is_at_a_terminal_and_in_a_log(backtest, monkeypatch, watched, every_s, lines):
    monkeypatch.setattr(deploy.cli.backtest, "_watched", lambda: watched)
    monkeypatch.setattr(deploy.cli.backtest, "TELL_EVERY_S", every_s)
    done = backtest("--learn", "2", "--budget", "0.1", "--budget", "2", "--json")
    told = [it for it in done.stderr.splitlines() if it.startswith("playing 1 day and 2 before them, with 2 budgets")]
    assert len(told) == lines
    if not watched:
        assert [it.rpartition(": ")[2] for it in told[:: 24 * 60]] == ["0%", "33%", "67%"][:lines]
    assert len(json.loads(done.stdout)["trials"]) == 2


def told_and_judged(hour: int, verdict: str) -> tuple[list[AlertEvent], SaidOfAlert]:
    """An alert of twenty minutes about water on that Friday, and what somebody thought of it."""
    began = FRIDAY + hour * HOUR
    of = {"fingerprint": "f-water", "episode": f"e{hour}", "rule": "HangUpsOfWater", "feed": "past", "hotline": "12345"}
    changes = [
        AlertEvent(
            **of, queue="water", state=state, reason=reason, severity="warning", at=at, started_at=began, version=1,
            value=0.5, labels={"queue": "water"},
        )
        for state, reason, at in (
            ("firing", "held_long_enough", began + 5 * MINUTE),
            ("resolved", "condition_cleared", began + 20 * MINUTE),
        )
    ]  # fmt: skip
    return changes, SaidOfAlert(**of, queue="water", verdict=verdict, author="chen", at=began + HOUR)


def test_a_rule_is_held_against_what_people_said_of_its_alerts(backtest, tmp_path, client, functions):
    rules = tmp_path / "rules.yaml"
    rules.write_text(
        "rules: [{name: HangUpsOfWater, signal: abandonment_above_limit, severity: warning}]", encoding="utf-8"
    )
    asked = "--learn", "0", "--rule", "HangUpsOfWater", "--rules", str(rules)
    assert backtest(*asked).output.splitlines()[-1].startswith("nobody has judged an alert of this rule")
    judged = [told_and_judged(10, "useful"), told_and_judged(14, "noise"), told_and_judged(16, "noise")]
    store(client, functions, ALERTS, [change for changes, _ in judged for change in changes])
    store(client, functions, ALERT_CONTROL, [said for _, said in judged])
    assert backtest(*asked).output.splitlines()[-3:] == [
        "people said: 1 useful, 2 noise, 0 missed (33% right)",
        "as it is tried it tells of them: 1 useful, 0 noise, 0 missed (100% right)",
        "suggested: take it: less noise, and nothing useful is lost",
    ]
    assert json.loads(backtest(*asked, "--json").stdout)["feedback"] == {
        "said": {"useful": 1, "noise": 2}, "told": {"useful": 1}, "advice": "better",
    }  # fmt: skip


def test_a_file_of_counts_is_judged_as_detect_does(backtest, tmp_path):
    path: Path = tmp_path / "counts.csv"
    rows: dict[int, int] = {}
    for cell in cells("any"):
        if cell.dimension_set == "hotline":
            rows[cell.minute // (5 * MINUTE)] = rows.get(cell.minute // (5 * MINUTE), 0) + cell.counts.get("offered", 0)
    lines = [f"{datetime.fromtimestamp(at * 300, ZONE).isoformat()},{count}" for at, count in sorted(rows.items())]
    path.write_text("timestamp,count\n" + "\n".join(lines), encoding="utf-8")
    done = backtest("--counts", str(path), "--interval", "5m", "--suggest", "7")
    assert done.exit_code == 0, done.output
    assert len(done.stdout.splitlines()) == 8, "a line for each budget that is tried, and the one that is suggested"
    assert done.stdout.splitlines()[-1] == "suggested: demand.false_alarms_per_week: 2"
    assert backtest("--counts", str(path), "--budget", "0.5").stdout.startswith("2026-03-06 10:0")


def report_of(path: Path) -> str:
    html = path.read_text(encoding="utf-8")
    assert "http" not in html
    return html


def test_a_report_shows_the_burst_as_found_and_the_counts_that_are_stored(backtest, tmp_path):
    labels, page = tmp_path / "incidents.csv", tmp_path / "page.html"
    labels.write_text("begin,end,name,queue\n2026-03-06 10:00,2026-03-06 10:20,burst pipe,water\n", encoding="utf-8")
    asked = "--learn", "4", "--labels", str(labels), "--budget", "0.2", "--report", str(page)
    done = backtest(*asked)
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1] == f"written: {page}"
    html = report_of(page)
    assert "1 of 1 incidents were found" in html
    assert "<td>burst pipe</td><td>2026-03-06 10:00</td><td>10:20</td><td>water</td><td>✓ found</td>" in html
    offered = sum(
        cell.counts["offered"] for cell in cells("any") if cell.dimension_set == "hotline" and cell.minute >= FRIDAY
    )
    assert f"<td>2026-03-06</td><td>{offered:,}</td>" in html
    assert "2 series judged one by one" in html
    assert 'class="band" d="M' in html


def test_a_limit_of_a_rule_is_suggested(backtest, tmp_path):
    """Half of the callers hang up in the burst, nobody else: every limit up to that tells of it once."""
    rules, labels, page = (tmp_path / name for name in ("rules.yaml", "incidents.csv", "page.html"))
    rules.write_text(
        "rules: [{name: ManyHangUp, match: {dimension_set: [queue]}, "
        "expression: {metric: abandonment_rate, window: 15m, above: 0.3, min_volume: 20}}]",
        encoding="utf-8",
    )
    labels.write_text("begin,end,name\n2026-03-06 10:00,2026-03-06 10:20,burst pipe\n", encoding="utf-8")
    asked = "--learn", "0", "--rule", "ManyHangUp", "--rules", str(rules), "--suggest", "0"
    done = backtest(*asked, "--labels", str(labels), "--report", str(page))
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    tried = {
        float(line.split()[4].rstrip(":")): line for line in lines if line.startswith("abandonment_rate over 15m above")
    }
    assert list(tried) == [0.6, 0.45, 0.375, 0.33, 0.3, 0.27, 0.24, 0.195, 0.15]
    assert "0 of 1 incidents found" in tried[0.6]
    assert "1 of 1 incidents found, 0.00 false alarms" in tried[0.15]
    assert "suggested: ManyHangUp: abandonment_rate over 15m above: 0.15" in lines
    html = report_of(page)
    assert "the rule ManyHangUp" in html
    assert 'class="band"' not in html, "such a rule has no expectation"
    noise = backtest(*asked)
    assert "suggested: ManyHangUp: abandonment_rate over 15m above: 0.6" in noise.output, "all alarms count as false"
    assert backtest("--rule", "ManyHangUp", "--rules", str(rules), "--budget", "1", "--budget", "2").exit_code == 2


def test_a_rule_on_a_signal_that_has_a_budget_is_tried_under_several(backtest, tmp_path):
    rules, page = tmp_path / "rules.yaml", tmp_path / "page.html"
    rules.write_text("rules: [{name: Above, signal: demand_above_expectation}]", encoding="utf-8")
    asked = "--rule", "Above", "--rules", str(rules)
    done = backtest("--learn", "0", *asked, "--budget", "2", "--budget", "0.5", "--report", str(page))
    assert done.exit_code == 0, done.output
    assert [line.split(":")[0] for line in done.stdout.splitlines()[:2]] == ["budget 0.5", "budget 2"]
    html = report_of(page)
    assert "the rule Above, at 2 values of demand.false_alarms_per_week from 0.5 to 2" in html
    assert 'class="line" d="M' in html
    refused = backtest(*asked, "--counts", str(rules))
    assert refused.exit_code == 2
    assert "leave --counts out" in refused.output


def test_a_file_of_counts_has_a_report_too(backtest, tmp_path):
    path, page = tmp_path / "counts.csv", tmp_path / "page.html"
    path.write_text(
        "timestamp,count\n"
        + "\n".join(
            f"{datetime.fromtimestamp(at / 1000, ZONE).isoformat()},{90 if BURST <= at < BURST + HOUR else 20 + at // (300_000) % 3}"
            for at in range(MONDAY, MONDAY + 5 * DAY, 5 * MINUTE)
        ),
        encoding="utf-8",
    )
    asked = "--counts", str(path), "--language", "zh", "--report"
    done = backtest(*asked, str(page))
    assert done.exit_code == 0, done.output
    assert "Only 4 days with calls were learned from" in done.stderr
    *trials, suggested, _ = done.stdout.splitlines()
    assert [line.split(":")[0] for line in trials] == ["budget 0.02", "budget 0.1", "budget 0.5", "budget 2"]
    assert suggested == "no budget from 0.02 on keeps to 0.1 a week: are all incidents in --labels?"
    html = report_of(page)
    assert "counts.csv (5m)；逐一判断 1 个序列。未给出已知事件（--labels）。" in html
    assert "所试 demand.false_alarms_per_week 各值均超过每周 0.1 次" in html
    assert "<td>来电 90 个，预期" in html
    assert 'class="over" d="M0 0M' in html, "the burst lies outside of what was expected"
    assert backtest(*asked, str(tmp_path / "no" / "folder.html"), "--budget", "2").exit_code == 2


# ---- what it is worth


def fired(at: int, queue: str = "water") -> Fired:
    return Fired("demand_above_expectation", queue, "", "", at, at, None, "")


def test_alarms_against_incidents():
    labels = [Label(BURST, BURST + HOUR, "a", "water"), Label(BURST + 5 * HOUR, BURST + 6 * HOUR, "b")]
    alarms = [
        fired(BURST + 4 * MINUTE),
        fired(BURST + 9 * MINUTE, ""),
        fired(BURST, "housing"),
        fired(BURST + 3 * HOUR),
    ]
    verdict = judge(alarms, labels, MONDAY, MONDAY + 14 * DAY, ZONE)
    assert verdict == Verdict(4, 2.0, {"2026-W10": 4}, 2, (labels[1],), (4.0,), 0.5, 2)
    assert verdict.rate == 1.0
    assert judge(alarms, None, MONDAY, MONDAY + 14 * DAY, ZONE).rate == 2.0
    nothing = judge([], labels, MONDAY, MONDAY + 7 * DAY, ZONE)
    assert (nothing.precision, nothing.rate, nothing.in_words()) == (
        None, 0.0, "0 alarms in 1.0 weeks, 0.00 a week; 0 of 2 incidents found, 0.00 false alarms a week",
    )  # fmt: skip
    assert loosest([(0.1, nothing), (0.5, verdict)], 0.5) == 0.1
    assert loosest([(0.5, verdict)], 0.5) is None


@pytest.mark.parametrize(
    ("told_at", "noise", "advice"),
    [
        ([], [12, 14], "loses_useful"),
        ([11, 12, 14], [12, 14], "loses_useful"),
        ([10], [12, 14], "better"),
        ([10, 12], [12, 14], "better"),
        ([10, 12, 14], [12, 14], "mostly_noise"),
        ([10, 12], [12], "as_before"),
    ],
)
def test_what_to_do_about_a_rule(told_at, noise, advice):
    def judged(hour: int, verdict: str) -> Judged:
        return Judged(FRIDAY + hour * HOUR, FRIDAY + hour * HOUR + MINUTE, "water", "", verdict)

    said = [judged(10, "useful"), *(judged(hour, "noise") for hour in noise)]
    alarms = [fired(FRIDAY + hour * HOUR)._replace(until=FRIDAY + hour * HOUR + MINUTE) for hour in told_at]
    assert feedback(said, alarms).advice == advice
    assert feedback(said, [it._replace(queue="housing") for it in alarms]).told == {}
    assert Feedback({}, {}).advice == "nothing_said"


def test_a_file_of_incidents_names_its_bad_line(tmp_path):
    path = tmp_path / "incidents.csv"
    path.write_text("begin,end,name\n2026-03-06 10:00,2026-03-06 10:20,a\n2026-03-06 10:00,never,b\n", encoding="utf-8")
    with pytest.raises(LabelsError, match="line 3: write columns"):
        read_labels(path, ZONE)
    path.write_text("begin,end,name\n2026-03-06 10:00,2026-03-06 10:00,a\n", encoding="utf-8")
    with pytest.raises(LabelsError, match="line 2: end is not after begin"):
        read_labels(path, ZONE)
