import pytest
from alert_kit import rule, signal

from alerts.rules_file import RulesError, load_rules, parse_rules
from streams.contract.signals import SignalKind


def test_the_built_in_rules_cover_every_kind_of_signal():
    assert {r.signal for r in load_rules()} == set(SignalKind.__args__)


def test_a_file_replaces_the_built_in_rules(tmp_path):
    path = tmp_path / "rules.yaml"
    path.write_text("rules: [{name: A, signal: waiting_past_threshold, severity: critical}]", encoding="utf-8")
    assert [(r.name, r.severity) for r in load_rules(path)] == [("A", "critical")]


def test_a_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(RulesError, match=r"no such file; correct alerts\.rules"):
        load_rules(tmp_path / "none.yaml")


def test_a_file_that_is_no_text_is_refused_by_name(tmp_path):
    path = tmp_path / "rules.yaml"
    path.write_bytes(b"rules: \xff")
    with pytest.raises(RulesError, match=r"rules\.yaml: cannot be read as UTF-8"):
        load_rules(path)


BEGIN = "rules:\n- name: A\n  signal: waiting_past_threshold\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "r.yaml: write `rules:` and below it a list of rules"),
        ("rules: [", "r.yaml:1: no valid YAML"),
        ("rules: [3]", "r.yaml: rule 1: write `key: value` lines"),
        ("rules: [{name: A}]", "r.yaml: rule A: write either signal or expression"),
        (BEGIN + "  match: {que: [a]}", "r.yaml: rule A: match.que: no such key; is queue meant?"),
        (BEGIN + "  for: 5m", "r.yaml: rule A: for: no such key; is for_s meant?"),
        (BEGIN + "  for_s: soon", "r.yaml: rule A: for_s: Input should be a valid integer"),
        (BEGIN + "  severity: page", "r.yaml: rule A: severity: 'page' is none of 'info', 'warning' or 'critical'"),
        (BEGIN + "  labels: {queue: x}", "r.yaml: rule A: labels: queue: set by Hotline itself"),
        (BEGIN + "  labels: {a-b: x}", "r.yaml: rule A: labels.a-b: "),
        (BEGIN + "  runbook: wiki", "r.yaml: rule A: runbook: write a link"),
        (BEGIN + "  summary: {en: '{valu}'}", "r.yaml: rule A: summary: en: {valu} is no field; there are rule, "),
        (BEGIN + "  summary: {en: '{value.real}'}", "{value.real} is no field"),
        (BEGIN + "  summary: {en: '{value:{score}}'}", "{value:{score}}: a format holds no field"),
        (BEGIN + "  summary: {en: '{value:d}'}", "r.yaml: rule A: summary: en: Unknown format code 'd'"),
        (BEGIN + "  when: [{measure: value}]", "r.yaml: rule A: when.0: write either above or below"),
        (BEGIN + "  when: [{measure: value, above: 2, clear_below: 3}]", "clear_below must not be higher than above"),
        (BEGIN + "  when: [{measure: value, below: 2, clear_above: 1}]", "clear_above must not be lower than below"),
        (BEGIN + "  for_s: 1\n  for_s: 2", "r.yaml:5: no valid YAML: 'for_s' stands twice"),
        (
            BEGIN + "  shadow_until: 2026-02-30T00:00:00Z",
            "r.yaml:4: no valid YAML: 2026-02-30T00:00:00Z: day ",
        ),
        (BEGIN + BEGIN.removeprefix("rules:\n"), "r.yaml: rule A: name: two rules have this name"),
    ],
)
def test_an_error_names_file_rule_and_field(text, problem):
    with pytest.raises(RulesError) as error:
        parse_rules(text, "r.yaml")
    assert problem in str(error.value)


def test_all_problems_are_said_at_once():
    with pytest.raises(RulesError) as error:
        parse_rules(BEGIN + "  for: 1\n  keep: 2\n- name: B", "r.yaml")
    assert len(str(error.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("match", "covered"),
    [
        ({}, True),
        ({"hotline": ["h"]}, True),
        ({"hotline": ["x", "h*"]}, True),
        ({"hotline": ["x"]}, False),
        ({"queue": ["q"], "hotline": ["x"]}, False),
        ({"queue": [""]}, False),
        ({"dimension_set": ["queue"]}, True),
        ({"category": [""]}, True),
    ],
)
def test_match_is_any_pattern_of_every_list(match, covered):
    assert rule(match=match).covers(signal(0)) is covered


def test_a_limit_is_cleared_at_another_one():
    limit = rule(when=[{"measure": "value", "above": 5, "clear_below": 3}])
    met = [
        (limit.met(signal(0, value=v), begun=False), limit.met(signal(0, value=v), begun=True)) for v in (5, 4, 3, 2)
    ]
    assert met == [(True, True), (False, True), (False, True), (False, False)]


def test_a_limit_from_below():
    limit = rule(when=[{"measure": "value", "below": 0.7, "clear_above": 0.8}])
    met = [
        (limit.met(signal(0, value=v), begun=False), limit.met(signal(0, value=v), begun=True))
        for v in (0.7, 0.75, 0.9)
    ]
    assert met == [(True, True), (False, True), (False, False)]


@pytest.mark.parametrize(
    ("measure", "fields", "number"),
    [
        ("ratio", {"value": 8, "expected": 4}, 2),
        ("shortfall", {"value": 0.5, "target": 0.75}, 0.25),
        ("score", {"score": 6.0}, 6),
        ("volume", {"volume": 7}, 7),
    ],
)
def test_measures(measure, fields, number):
    at_limit, beyond = (rule(when=[{"measure": measure, "above": number + extra}]) for extra in (0, 0.001))
    assert at_limit.met(signal(0, **fields), begun=False)
    assert not beyond.met(signal(0, **fields), begun=False)


def test_a_measure_that_the_signal_does_not_carry_meets_no_limit():
    assert not rule(when=[{"measure": "ratio", "above": 0}]).met(signal(0, expected=None), begun=True)


def test_volume_is_asked_for_only_to_begin():
    needs = rule(min_volume=10)
    assert not needs.met(signal(0, volume=9), begun=False)
    assert needs.met(signal(0, volume=9), begun=True)


def test_templates_stand_over_the_signals_own_sentences():
    told = rule(summary={"en": "{queue}: {value:.0f} waiting, {ratio:.1f} times what is expected"})
    sentences = told.sentences(signal(0))
    assert sentences == {"en": "q: 5 waiting, – times what is expected", "zh": "5 个等待超过 20 秒"}


WINDOW = "rules:\n- name: A\n  expression: "


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            WINDOW + "{metric: offerd, window: 5m, above: 1}",
            "rule A: expression.metric: 'offerd' is no metric; there are",
        ),
        (WINDOW + "{metric: offered, window: 7m, above: 1}", "rule A: expression.window: '7m' is none of '5m', '15m'"),
        (WINDOW + "{metric: offered, window: now, above: 1}", "window `now` is for in_service, oldest_wait, waiting"),
        (WINDOW + "{metric: waiting, window: 5m, above: 1}", "window `now` is for"),
        (WINDOW + "{metric: offered, window: 5m}", "rule A: expression: write either above or below"),
        (WINDOW + "{metric: offered, window: 5m, over: 1}", "rule A: expression.over: no such key"),
        (WINDOW + "{metric: asa, window: 5m, above: 1, of: target}", "the target is of service levels"),
        (WINDOW + "{metric: asa, window: 5m, above: 1, of: expected}", "what is expected is known of `offered`"),
        (WINDOW + "{metric: asa, window: 5m, above: 1, of: week_ago, minus: week_ago}", "write either of or minus"),
        (WINDOW + "{metric: asa, window: 5m, above: 1, threshold_s: 9}", "threshold_s is for service levels"),
        (WINDOW + "{all: []}", "rule A: expression.all: write at least 1"),
        (WINDOW + "{any: [{all: [{metric: x, window: 5m, above: 1}]}]}", "expression.any.0.all.0.metric: 'x' is no"),
        (WINDOW + "{all: [], any: []}", "rule A: expression.any: no such key"),
        (WINDOW + "{metric: asa, window: 5m, above: 1}\n  signal: dead_feed", "write either signal or expression"),
        (WINDOW + "{metric: asa, window: 5m, above: 1}\n  when: [{measure: value, above: 1}]", "when is for signals"),
        (BEGIN + "  steps: [{severity: critical}]", "rule A: steps.0: write after_s, when or expression"),
        (BEGIN + "  steps: [{severity: info, after_s: 1}]", "rule A: steps: info is no higher than the rule's warning"),
        (BEGIN + "  shadow_until: 2026-01-01T00:00:00", "rule A: shadow_until: Input should have timezone info"),
        (BEGIN + "  schedule: {begin: '08:00'}", "rule A: schedule.time_zone: Field required"),
    ],
)
def test_an_error_of_a_window_rule_names_the_place(text, problem):
    with pytest.raises(RulesError) as error:
        parse_rules(text, "r.yaml")
    assert problem in str(error.value)


def test_a_list_is_not_too_short_as_well_whose_entry_is_refused():
    with pytest.raises(RulesError) as error:
        parse_rules(WINDOW + "{all: [{metric: offered, window: 5m, abov: 1}]}", "r.yaml")
    assert str(error.value) == "r.yaml: rule A: expression.all.0.abov: no such key; is above meant?"


def test_a_signal_rule_gets_louder_with_time_and_with_its_measure():
    louder = rule(
        severity="info",
        steps=[
            {"severity": "warning", "after_s": 60},
            {"severity": "critical", "when": [{"measure": "value", "above": 9}]},
        ],
    )
    asked = [louder.severity_of(signal(0, value=value), lasted) for value, lasted in ((5, 0), (5, 60_000), (9, 0))]
    assert asked == ["info", "warning", "critical"]
