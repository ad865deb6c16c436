"""What an alert rule is: what it looks at, when it fires, how loud, and in which words."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal, Protocol, Self

from pydantic import AwareDatetime, Field, field_validator, model_validator

from alerts.expressions import Limit, Node
from alerts.observed import Observation, Observed
from alerts.schedule import Schedule
from alerts.templates import TEMPLATE_FIELDS, fill, problem_of
from deploy.runtime.section import Section
from streams.contract import DIMENSIONS, Signal, SignalKind

LABELS = ("alertname", "severity", "feed", "hotline", "dimension_set", "owner", *DIMENSIONS)
"""What every alert may have, beside the labels of its rule."""
OWN_LABELS = frozenset({*LABELS, "paging", "signal"})

Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")
SignalMeasure = Literal["value", "volume", "score", "ratio", "shortfall"]
Seconds = Annotated[int, Field(ge=0, le=86_400)]
Patterns = tuple[str, ...]


class Key(Protocol):
    """What `Match` looks at: a signal, an observation, a cell."""

    @property
    def hotline(self) -> str: ...
    @property
    def dimension_set(self) -> str: ...


class Match(Section):
    """Which keys a rule is about: shell patterns (`*`, `?`, `[ab]`), any of a list; an empty list: all.

    `""` is a name too: a queue of `""` is a total over queues. What a signal does not carry is `""`.
    """

    hotline: Patterns = ()
    dimension_set: Patterns = ()
    centre: Patterns = ()
    queue: Patterns = ()
    language: Patterns = ()
    category: Patterns = ()
    district: Patterns = ()
    department: Patterns = ()
    channel: Patterns = ()
    ticket_type: Patterns = ()
    served: Patterns = ()
    origin: Patterns = ()
    direction: Patterns = ()
    priority: Patterns = ()
    skill: Patterns = ()
    source: Patterns = ()

    def covers(self, key: Key) -> bool:
        dimensions: Mapping[str, str] = key.dimensions if isinstance(key, Observation) else {}
        for name in self.model_fields_set:
            patterns = getattr(self, name)
            value = dimensions.get(name) or getattr(key, name, "")
            if patterns and not any(fnmatchcase(value, pattern) for pattern in patterns):
                return False
        return True


class Threshold(Limit):
    """A limit of the rule's own, beyond the signal being active.

    Measures: `value`, `volume`, `score` as the signal carries them, `ratio` = value / expected,
    `shortfall` = target - value.
    """

    measure: SignalMeasure

    def holds(self, observed: Observed, *, begun: bool) -> bool:
        """Whether the limit is met; a measure that the signal does not carry meets none."""
        return self.meets(measure(observed, self.measure), begun=begun)


class Step(Section):
    """A higher severity: once the episode has lasted `after_s`, and `when` or `expression` holds.

    Within an episode severity only rises.
    """

    severity: Severity
    after_s: Seconds = 0
    when: tuple[Threshold, ...] = ()
    expression: Node | None = None

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        if not self.after_s and not self.when and self.expression is None:
            raise ValueError("write after_s, when or expression")
        return self


class Rule(Section):
    """One rule.

    - `signal`: the kind of signal it listens to; or `expression`: what it reads from the cells itself.
    - `match`: which keys. `when`: limits of the rule's own on a signal.
    - `for_s`: how long the condition must hold, by the data's clock, before the alert fires.
    - `keep_firing_s`: how long it must have been gone before the alert is resolved.
    - `min_volume`: visits that the signal (or each window) must rest on for the alert to begin.
    - `fresh_s`: what feed `live` told longer ago than this does not begin to fire (0: any age).
    - `signal_lost_s`: an active condition not heard of for so long is taken as over (0: never).
    - `severity`, `steps`: how loud, and when louder.
    - `schedule`: when it is in force; outside of it nothing fires.
    - `shadow_until`: until then the alert is only written down as `would_have_fired`; nobody is told.
    - `labels`, `owner`: added to the alert's labels; `runbook`: a link for whoever is called.
    - `summary`: a sentence per language, for instance `en: "{queue}: {value:.0f} waiting"`, with the
      fields of `TEMPLATE_FIELDS`; without it the signal's own sentence stands.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")]
    signal: SignalKind | None = None
    expression: Node | None = None
    match: Match = Match()
    when: tuple[Threshold, ...] = ()
    for_s: Seconds = 0
    keep_firing_s: Seconds = 0
    min_volume: Annotated[int, Field(ge=0)] = 0
    fresh_s: Seconds = 60
    signal_lost_s: Seconds = 300
    severity: Severity = "warning"
    steps: tuple[Step, ...] = ()
    schedule: Schedule | None = None
    shadow_until: AwareDatetime | None = None
    labels: dict[Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$")], Annotated[str, Field(min_length=1)]] = (
        Field(default_factory=dict)
    )
    owner: str = ""
    runbook: str = ""
    summary: dict[Literal["en", "zh"], str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.signal is None) == (self.expression is None):
            raise ValueError("write either signal or expression")
        if self.expression is not None and self.when:
            raise ValueError("when is for signals: a window rule says it in its expression")
        for step in self.steps:
            if SEVERITIES.index(step.severity) <= SEVERITIES.index(self.severity):
                raise ValueError(f"steps: {step.severity} is no higher than the rule's {self.severity}")
            if (step.when and self.signal is None) or (step.expression is not None and self.signal is not None):
                raise ValueError("steps: when is for signals, expression for window rules")
        return self

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
            if problem := problem_of(template):
                raise ValueError(f"{language}: {problem}")
        return summary

    def covers(self, observed: Observed) -> bool:
        """Whether this is of the rule's kind and keys."""
        kind = observed.kind if isinstance(observed, Signal) else None
        return kind == self.signal and self.match.covers(observed)

    def met(self, observed: Observed, *, begun: bool) -> bool:
        """Whether the rule's condition holds; `begun`: of an alert that is pending or firing already."""
        if not observed.active or (not begun and observed.volume < self.min_volume) or not self.in_force(observed.at):
            return False
        return all(threshold.holds(observed, begun=begun) for threshold in self.when)

    def in_force(self, at: int) -> bool:
        """Whether the schedule, if there is one, holds at `at` (ms)."""
        return self.schedule is None or self.schedule.holds(at)

    def in_shadow(self, now: int) -> bool:
        """Whether at `now` (wall clock, ms) the rule only says what it would have done."""
        return self.shadow_until is not None and now < self.shadow_until.timestamp() * 1000

    def severity_of(self, observed: Observed, lasted_ms: int) -> Severity:
        """The severity that the steps ask for, the episode having lasted so long."""
        asked = self.severity
        for number, step in enumerate(self.steps):
            holds = all(threshold.holds(observed, begun=False) for threshold in step.when)
            if step.expression is not None:
                holds = isinstance(observed, Observation) and observed.steps[number]
            if holds and lasted_ms >= step.after_s * 1000:
                asked = higher(asked, step.severity)
        return asked

    def sentences(self, observed: Observed, severity: Severity | None = None) -> dict[str, str]:
        """The summary per language: the rule's templates over the signal's own sentences."""
        if not self.summary:
            return dict(observed.summary)
        fields: dict[str, Any] = {"rule": self.name, "severity": severity or self.severity}
        fields["ratio"] = measure(observed, "ratio")
        fields |= {name: getattr(observed, name) for name in TEMPLATE_FIELDS if name not in fields}
        return observed.summary | {lang: fill(template, fields) for lang, template in self.summary.items()}

    def annotations(self) -> dict[str, str]:
        """What the rule adds for whoever reads the alert."""
        return {"runbook": self.runbook} if self.runbook else {}

    def expressions(self) -> Sequence[Node]:
        """All expressions of the rule: its own and those of its steps."""
        return [node for node in (self.expression, *(step.expression for step in self.steps)) if node is not None]


def higher(one: Severity, other: Severity) -> Severity:
    return max(one, other, key=SEVERITIES.index)


def measure(observed: Observed, name: SignalMeasure) -> float | None:
    """A number of the signal, or None where it does not carry what the measure is made of."""
    match name:
        case "value":
            return observed.value
        case "volume":
            return observed.volume
        case "score":
            return observed.score
        case "ratio":
            return observed.value / observed.expected if observed.expected else None
        case "shortfall":
            return observed.target - observed.value if observed.target is not None else None
