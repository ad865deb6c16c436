"""Window rules: comparisons of metrics over windows of cells, joined by `all` and `any`, as a pure judgement."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple, Protocol, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from alerts.measures import EVENT_LEVEL, FRACTIONS, GAUGES, METRICS, SERVICE_LEVELS, RuleWindow
from deploy.runtime.section import Section

Reference = Literal["target", "week_ago", "expected"]
"""target: the service level that is promised at the hour at which it is judged; where none is, no limit is met. week_ago:
the same metric in the same window seven days ago by the local clock. expected: visits that the demand model expected in
the window."""


class Limit(Section):
    """`above`/`below` (inclusive) must be met to begin; what has begun goes on until the measure is below
    `clear_below` (or above `clear_above`), which defaults to the first limit.
    """

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

    def meets(self, number: float | None, *, begun: bool) -> bool:
        """Whether the limit is met; an unknown number meets none."""
        if number is None:
            return False
        if self.above is not None:
            return number >= (self.clear_below if begun and self.clear_below is not None else self.above)
        assert self.below is not None
        return number <= (self.clear_above if begun and self.clear_above is not None else self.below)

    @property
    def bound(self) -> float:
        """The limit to begin."""
        bound = self.above if self.above is not None else self.below
        assert bound is not None
        return bound


class Comparison(Limit):
    """A metric over a window against a limit.

    - `metric`: a counter of `streams/contract/cells.py`, a rate or service level of
      `streams/contract/metrics.py`, or (window `now`) `waiting`, `waiting_over_threshold`, `in_service`,
      `oldest_wait` (s).
    - `of`: the limit is about metric / reference; `minus`: about metric - reference.
    - `min_volume`: visits offered in the window that the comparison must rest on.
    - `threshold_s`: for service levels; left out: the promised one of the queue.
    """

    metric: str
    window: RuleWindow
    of: Reference | None = None
    minus: Reference | None = None
    min_volume: Annotated[int, Field(ge=0)] = 0
    threshold_s: Annotated[int, Field(ge=0, le=86_400)] | None = None

    @field_validator("metric")
    @classmethod
    def _known(cls, metric: str) -> str:
        if metric not in METRICS:
            raise ValueError(f"{metric!r} is no metric; there are {', '.join(sorted(METRICS))}")
        return metric

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.metric in GAUGES) != (self.window == "now"):
            raise ValueError(f"window `now` is for {', '.join(sorted(GAUGES))}; every other metric needs another")
        if self.of and self.minus:
            raise ValueError("write either of or minus")
        levels = SERVICE_LEVELS | {EVENT_LEVEL}
        if self.threshold_s is not None and self.metric not in levels:
            raise ValueError("threshold_s is for service levels")
        match self.reference:
            case "target" if self.metric not in levels:
                raise ValueError("the target is of service levels: compare another metric with a number")
            case "expected" if self.metric != "offered":
                raise ValueError("what is expected is known of `offered`")
            case "week_ago" if self.window == "now":
                raise ValueError("window `now` has no value of a week ago")
        return self

    @property
    def reference(self) -> Reference | None:
        return self.of or self.minus


def _which(node: Any) -> str:
    if isinstance(node, dict):
        return "<all>" if "all" in node else "<any>" if "any" in node else "<one>"
    return {"AllOf": "<all>", "AnyOf": "<any>"}.get(type(node).__name__, "<one>")


class AllOf(Section):
    all: Annotated[tuple["Node", ...], Field(min_length=1)]


class AnyOf(Section):
    any: Annotated[tuple["Node", ...], Field(min_length=1)]


Node = Annotated[
    Annotated[AllOf, Tag("<all>")] | Annotated[AnyOf, Tag("<any>")] | Annotated[Comparison, Tag("<one>")],
    Discriminator(_which),
]
"""A comparison, or `all`/`any` of a list of them, as deep as wanted. Tags in `<>` are no part of a field's name."""

AllOf.model_rebuild()
AnyOf.model_rebuild()


class Measured(NamedTuple):
    """A metric over a window (None: unknown), what it is compared with (None: not known), visits offered in it."""

    value: float | None
    reference: float | None
    volume: int


class Look(Protocol):
    """Looks a comparison up for one key at one time."""

    def __call__(self, comparison: Comparison, /) -> Measured: ...


class Reading(NamedTuple):
    """What came of one comparison."""

    comparison: Comparison
    measured: Measured
    met: bool


class Judgement(NamedTuple):
    met: bool
    readings: tuple[Reading, ...]

    @property
    def telling(self) -> Reading:
        """The reading that says most: the first one met, else the first one known, else the first."""
        known = [reading for reading in self.readings if reading.measured.value is not None]
        return next((reading for reading in self.readings if reading.met), (known or list(self.readings))[0])

    @property
    def volume(self) -> int:
        """The fewest visits that any of its windows rests on."""
        return min(reading.measured.volume for reading in self.readings)


def judge(node: Node, look: Look, *, begun: bool) -> Judgement:
    """Whether the expression holds; `begun`: for an alert that is pending or firing already."""
    match node:
        case AllOf(all=parts):
            judged = [judge(part, look, begun=begun) for part in parts]
            met = all(part.met for part in judged)
        case AnyOf(any=parts):
            judged = [judge(part, look, begun=begun) for part in parts]
            met = any(part.met for part in judged)
        case _:
            reading = _read(node, look(node), begun=begun)
            return Judgement(reading.met, (reading,))
    return Judgement(met, tuple(reading for part in judged for reading in part.readings))


def _read(comparison: Comparison, measured: Measured, *, begun: bool) -> Reading:
    enough = begun or measured.volume >= comparison.min_volume
    return Reading(comparison, measured, enough and comparison.meets(compared(comparison, measured), begun=begun))


def compared(comparison: Comparison, measured: Measured) -> float | None:
    """The number that the limit is about: the value, its ratio to the reference, or its distance from it."""
    value, reference, _ = measured
    if value is None or comparison.reference is None:
        return value
    if reference is None:
        return None
    if comparison.minus:
        return value - reference
    return value / reference if reference else None


def comparisons(node: Node) -> Iterator[Comparison]:
    """All comparisons of an expression, in order."""
    match node:
        case AllOf(all=parts) | AnyOf(any=parts):
            for part in parts:
                yield from comparisons(part)
        case _:
            yield node


def written(number: float, metric: str) -> str:
    """A number as people read it: fractions as per cent."""
    return f"{number:.1%}" if metric in FRACTIONS else f"{number:,.4g}"


def sentence(reading: Reading) -> dict[str, str]:
    """What a reading says, per language, for rules without words of their own."""
    comparison, (value, reference, _), _ = reading
    name, bound = comparison.metric, comparison.bound
    number = "–" if value is None else written(value, name)
    span_en, span_zh = (
        (" now", "（当前）")
        if comparison.window == "now"
        else (
            f" over {comparison.window}",
            f"（{comparison.window}）",
        )
    )
    if comparison.reference is None:
        limit = written(bound, name)
        against_en, against_zh = f"limit {limit}", f"限值 {limit}"
    else:
        other = "–" if reference is None else written(reference, name)
        by = written(bound, name) if comparison.minus else f"{bound:g} ×"
        label = {"target": "目标", "week_ago": "上周同时段", "expected": "预期"}[comparison.reference]
        against_en = f"{comparison.reference.replace('_', ' ')} {other}, limit {by}"
        against_zh = f"{label} {other}，限值 {by}"
    return {"en": f"{name}{span_en}: {number} ({against_en})", "zh": f"{name}{span_zh}：{number}，{against_zh}"}
