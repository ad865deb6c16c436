"""`hotline rules`: what it says of rules, and that its unit tests fail when they should."""

import pytest
from click.testing import CliRunner

from alerts.rule_tests import series
from deploy.cli.rules import command

RULES = """
rules:
  - name: AnswerRateLow
    match: {dimension_set: [queue]}
    expression:
      all:
        - {metric: answer_rate_offered, window: 15m, below: 0.8, clear_above: 0.85, min_volume: 20}
        - {metric: offered, window: 15m, above: 1.2, of: expected}
    for_s: 120
    steps: [{severity: critical, after_s: 600}]
    schedule: {time_zone: Asia/Shanghai, begin: "08:00", end: "20:00"}
    owner: duty
    runbook: https://example.org/answer-rate
  - name: Half
    expression: {metric: answer_rate_offered, window: 5m, below: 0.5}
    for_s: 60
    shadow_until: 2020-01-01T00:00:00Z
  - name: Waiting
    signal: waiting_past_threshold
    when: [{measure: value, above: 5, clear_below: 3}]
    for_s: 30
"""

TESTS = """
hotlines: {"12345": {time_zone: Asia/Shanghai, target: 0.8, thresholds_s: [15]}}
tests:
  - name: half of the calls are lost
    start: 2026-11-23T08:00:00+08:00
    rules: [Half]
    cells: [{hotline: "12345", queue: utilities, counts: {offered: "10x20", answered: "10x10 3x10"}}]
    expect:
      - {at_s: 600, alerts: []}
      - {at_s: 1000, alerts: [{rule: Half, queue: utilities, severity: warning}]}
  - name: six wait
    start: 2026-11-23T08:00:00+08:00
    rules: [Waiting]
    signals: [{from_s: 60, to_s: 300, kind: waiting_past_threshold, hotline: "12345", queue: water, value: 6}]
    expect:
      - {at_s: 80, alerts: []}
      - {at_s: 90, alerts: [{rule: Waiting, queue: water}]}
      - {at_s: 300, alerts: []}
"""


@pytest.fixture
def hotline(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")

    def run(*args, tests=None):
        if tests is not None:
            (tmp_path / "tests.yaml").write_text(tests, encoding="utf-8")
        return CliRunner().invoke(command, [str(arg) for arg in args])

    return run


def test_check_counts_the_rules_and_names_a_problem(hotline, tmp_path):
    done = hotline("check", "rules.yaml")
    assert (done.exit_code, done.output) == (0, "rules.yaml: 3 rules: 1 on signals, 2 on windows of cells\n")
    (tmp_path / "rules.yaml").write_text(RULES.replace("offered,", "offerd,"), encoding="utf-8")
    done = hotline("check", "rules.yaml")
    assert done.exit_code == 2
    assert "rules.yaml: rule AnswerRateLow: expression.all.1.metric: 'offerd' is no metric" in done.output


def test_the_built_in_rules_can_be_used(hotline):
    assert hotline("check").exit_code == 0


def test_list_and_explain(hotline):
    assert "warning   AnswerRateLow  windows  owner duty" in hotline("list", "rules.yaml").output
    words = hotline("explain", "AnswerRateLow", "rules.yaml").output
    for part in (
        "all of these hold:",
        "answer_rate_offered of 15m is at most 80.0%, until above 85.0% (of at least 20 visits)",
        "offered of 15m / expected is at least 1.2",
        "08:00-20:00 in Asia/Shanghai",
        "once that has lasted 120 s",
        "and is over as soon as it is gone.",
        "It becomes critical once it has lasted 600 s.",
        "What to do: https://example.org/answer-rate",
    ):
        assert part in words
    assert "and is over once it has been gone for 60 s." in hotline("explain", "ServiceLevelUnderTarget").output
    assert hotline("explain", "None", "rules.yaml").exit_code == 2


def test_tests_that_hold_pass(hotline):
    done = hotline("test", "tests.yaml", "rules.yaml", tests=TESTS)
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "2 passed, 0 failed"), done.output


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("at_s: 600, alerts: []", "at_s: 600, alerts: [{rule: Half}]", "at 600 s: expected, did not fire: rule=Half"),
        (
            "severity: warning}",
            "severity: critical}",
            "expected, did not fire: rule=Half queue=utilities severity=critical",
        ),
        ("at_s: 80, ", "at_s: 100, ", "at 100 s: fires, not expected: rule=Waiting severity=warning hotline=12345"),
        ("rules: [Half]", "rules: [Halve]", "rule Halve: there is none of this name"),
    ],
)
def test_tests_that_do_not_hold_fail(hotline, before, after, said):
    done = hotline("test", "tests.yaml", "rules.yaml", tests=TESTS.replace(before, after))
    assert done.exit_code == 1
    assert said in done.output
    assert done.output.splitlines()[-1] == "1 passed, 1 failed"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("10x20", "10y20", "test half of the calls are lost: cells.0: '10y20': write"),
        ("offered:", "offerd:", "counts.offerd: no counter"),
        ("kind: waiting", "kind: weighting", "test six wait: signals.0: Invalid enum value 'weighting"),
        ("value: 6", "valu: 6", "valu: no such field of a signal"),
        ("start: 2026-11-23T08:00:00+08:00", "start: 2026-11-23T08:00:01+08:00", "begin with a whole minute"),
        ("expect:", "expects:", "test half of the calls are lost: expect: Field required"),
    ],
)
def test_a_file_of_tests_that_cannot_be_used_is_refused_by_name(hotline, before, after, said):
    done = hotline("test", "tests.yaml", "rules.yaml", tests=TESTS.replace(before, after))
    assert done.exit_code == 2
    assert said in done.output


def test_a_series_is_read_as_it_is_written():
    assert series("10x2 5 _x2 0") == [10, 10, 5, None, None, 0]
