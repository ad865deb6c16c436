"""Alert rules: which signals become alerts, when, and in which words. YAML, typed, refused with a reason.

A file holds `rules:`, a list. Without a file the built-in `rules.yaml` beside this module holds.
"""

from collections.abc import Hashable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from deploy.runtime.settings import SettingsError
from streams.contract import Signal, SignalKind

BUILT_IN = Path(__file__).with_name("rules.yaml")
OWN_LABELS = frozenset(
    {"alertname", "severity", "feed", "hotline", "dimension_set", "queue", "category", "owner", "paging"}
)
TEMPLATE_FIELDS = (
    "rule",
    "severity",
    "hotline",
    "queue",
    "category",
    "value",
    "volume",
    "expected",
    "lower",
    "upper",
    "target",
    "threshold_s",
    "window_s",
    "score",
    "ratio",
)
_NUMBERS = frozenset(TEMPLATE_FIELDS[5:])

Severity = Literal["info", "warning", "critical"]
Measure = Literal["value", "volume", "score", "ratio", "shortfall"]
Seconds = Annotated[int, Field(ge=0, le=86_400)]


class RulesError(SettingsError):
    """Rules that cannot be used; one line per problem: file, rule, field, what is wrong."""


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Match(Part):
    """Which keys a rule is about: shell patterns (`*`, `?`, `[ab]`), any of a list; an empty list: all.

    `""` is a name too: a queue of `""` is a total over queues.
    """

    hotline: tuple[str, ...] = ()
    dimension_set: tuple[str, ...] = ()
    queue: tuple[str, ...] = ()
    category: tuple[str, ...] = ()

    def covers(self, signal: Signal) -> bool:
        return all(
            not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)
            for patterns, name in (
                (self.hotline, signal.hotline),
                (self.dimension_set, signal.dimension_set),
                (self.queue, signal.queue),
                (self.category, signal.category),
            )
        )


class Threshold(Part):
    """A limit of the rule's own, beyond the signal being active, with a second one for the way back.

    `above`/`below` (inclusive) must be met for the alert to begin; once it has begun it goes on until
    the measure is below `clear_below` (or above `clear_above`), which defaults to the first limit.
    Measures: `value`, `volume`, `score` as the signal carries them, `ratio` = value / expected,
    `shortfall` = target - value.
    """

    measure: Measure
    above: float | None = None
    clear_below: float | None = None
    below: float | None = None
    clear_above: float | None = None

    @model_validator(mode="after")
    def _one_direction(self) -> Self:
        if (self.above is None) == (self.below is None):
            raise ValueError("write either above or below")
        if self.above is not None:
            if self.clear_above is not None:
                raise ValueError("above is cleared by clear_below, not by clear_above")
            if self.clear_below is not None and self.clear_below > self.above:
                raise ValueError("clear_below must not be higher than above")
        if self.below is not None:
            if self.clear_below is not None:
                raise ValueError("below is cleared by clear_above, not by clear_below")
            if self.clear_above is not None and self.clear_above < self.below:
                raise ValueError("clear_above must not be lower than below")
        return self

    def holds(self, signal: Signal, *, begun: bool) -> bool:
        """Whether the limit is met; a measure that the signal does not carry meets none."""
        number = measure(signal, self.measure)
        if number is None:
            return False
        if self.above is not None:
            return number >= (self.clear_below if begun and self.clear_below is not None else self.above)
        assert self.below is not None
        return number <= (self.clear_above if begun and self.clear_above is not None else self.below)


class Rule(Part):
    """One rule.

    - `signal`: its kind; `match`: which of its keys; `when`: limits of the rule's own.
    - `for_s`: how long the condition must hold, by the signals' clock, before the alert fires.
    - `keep_firing_s`: how long it must have been gone before the alert is resolved.
    - `min_volume`: visits that the signal must rest on for the alert to begin.
    - `fresh_s`: a signal of feed `live` older than this does not begin to fire (0: any age).
    - `signal_lost_s`: an active signal not heard of for so long is taken as over (0: never).
    - `labels`, `owner`: added to the alert's labels; `runbook`: a link for whoever is called.
    - `summary`: a sentence per language, for instance `en: "{queue}: {value:.0f} waiting"`, with the
      fields of `TEMPLATE_FIELDS`; without it the signal's own sentence stands.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")]
    signal: SignalKind
    match: Match = Match()
    when: tuple[Threshold, ...] = ()
    for_s: Seconds = 0
    keep_firing_s: Seconds = 0
    min_volume: Annotated[int, Field(ge=0)] = 0
    fresh_s: Seconds = 60
    signal_lost_s: Seconds = 300
    severity: Severity = "warning"
    labels: dict[Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$")], Annotated[str, Field(min_length=1)]] = {}
    owner: str = ""
    runbook: str = ""
    summary: dict[Literal["en", "zh"], str] = {}

    @field_validator("labels")
    @classmethod
    def _labels_of_its_own(cls, labels: dict[str, str]) -> dict[str, str]:
        if taken := sorted(OWN_LABELS & labels.keys()):
            raise ValueError(f"{', '.join(taken)}: set by Hotline itself, choose another name")
        return labels

    @field_validator("runbook")
    @classmethod
    def _runbook_is_a_link(cls, link: str) -> str:
        if link and not link.startswith(("http://", "https://")):
            raise ValueError("write a link that begins with https:// or http://")
        return link

    @field_validator("summary")
    @classmethod
    def _templates_can_be_filled(cls, summary: dict[str, str]) -> dict[str, str]:
        for language, template in summary.items():
            if problem := _template_problem(template):
                raise ValueError(f"{language}: {problem}")
        return summary

    def covers(self, signal: Signal) -> bool:
        """Whether the signal is of this rule's kind and keys."""
        return signal.kind == self.signal and self.match.covers(signal)

    def met(self, signal: Signal, *, begun: bool) -> bool:
        """Whether the rule's condition holds; `begun`: of an alert that is pending or firing already."""
        if not signal.active or (not begun and signal.volume < self.min_volume):
            return False
        return all(threshold.holds(signal, begun=begun) for threshold in self.when)

    def sentences(self, signal: Signal) -> dict[str, str]:
        """The summary per language: the rule's templates over the signal's own sentences."""
        if not self.summary:
            return dict(signal.summary)
        fields: dict[str, Any] = {"rule": self.name, "severity": self.severity, "ratio": measure(signal, "ratio")}
        fields |= {name: getattr(signal, name) for name in TEMPLATE_FIELDS if name not in fields}
        filled = {name: _Unknown() if value is None else value for name, value in fields.items()}
        return signal.summary | {lang: template.format_map(filled) for lang, template in self.summary.items()}

    def annotations(self) -> dict[str, str]:
        """What the rule adds for whoever reads the alert."""
        return {"runbook": self.runbook} if self.runbook else {}


def _template_problem(template: str) -> str:
    sample: dict[str, Any] = {name: 1.0 if name in _NUMBERS else "x" for name in TEMPLATE_FIELDS}
    try:
        for _, name, _, _ in Formatter().parse(template):
            if name is not None and name not in sample:
                return f"{{{name}}} is no field; there are {', '.join(TEMPLATE_FIELDS)}"
        template.format_map(sample)
    except ValueError as error:
        return str(error)
    return ""


class _Unknown:
    """A number that the signal does not carry: a dash, whatever format the template asks for."""

    def __format__(self, spec: str) -> str:
        return "–"


def measure(signal: Signal, name: Measure) -> float | None:
    """A number of the signal, or None where it does not carry what the measure is made of."""
    match name:
        case "value":
            return signal.value
        case "volume":
            return signal.volume
        case "score":
            return signal.score
        case "ratio":
            return signal.value / signal.expected if signal.expected else None
        case "shortfall":
            return signal.target - signal.value if signal.target is not None else None


class _RulesFile(Part):
    rules: tuple[Rule, ...]


class _StrictLoader(yaml.SafeLoader):
    """YAML in which a key that stands twice is an error instead of the last one winning."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                raise yaml.MarkedYAMLError(problem=f"{key!r} stands twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def load_rules(path: Path | None = None) -> tuple[Rule, ...]:
    """The rules of a file, or the built-in ones. Raises RulesError with one line per problem."""
    if path is not None and not path.is_file():
        raise RulesError(f"{path}: no such file; correct alerts.rules or leave it out for the built-in rules")
    path = path or BUILT_IN
    try:
        return parse_rules(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise RulesError(f"{path}: cannot be read as UTF-8 text: {error}") from error


def parse_rules(text: str, name: str) -> tuple[Rule, ...]:
    """The rules in `text`; `name` is the file's, for errors."""
    try:
        data = yaml.load(text, Loader=_StrictLoader)  # noqa: S506 (a SafeLoader)
    except yaml.MarkedYAMLError as error:
        where = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise RulesError(f"{name}{where}: no valid YAML: {error.problem}") from error
    if not isinstance(data, dict):
        raise RulesError(f"{name}: write `rules:` and below it a list of rules")
    try:
        rules = _RulesFile.model_validate(data).rules
    except ValidationError as error:
        raise RulesError("\n".join(f"{name}: {line}" for line in _problems(error, data))) from error
    names = [rule.name for rule in rules]
    if twice := sorted({rule for rule in names if names.count(rule) > 1}):
        raise RulesError(f"{name}: rule {twice[0]}: name: two rules have this name; alerts are told apart by it")
    return rules


def _problems(error: ValidationError, data: Any) -> Sequence[str]:
    lines = []
    for problem in error.errors():
        place = list(problem["loc"])
        rule = ""
        if place[:1] == ["rules"] and len(place) > 1 and isinstance(place[1], int):
            number = place[1]
            entry = data["rules"][number]
            named = entry.get("name") if isinstance(entry, dict) else None
            rule = f"rule {named or number + 1}: "
            place = place[2:]
        field = ".".join(str(part) for part in place if part != "[key]")
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            message = "no such key"
        lines.append(f"{rule}{field}: {message}" if field else f"{rule}{message}")
    return lines
