"""What a rule judges: a signal of the engine, or what a window rule has read from the cells itself."""

from collections.abc import Mapping
from typing import Protocol

import msgspec


class Observed(Protocol):
    """The fields that `Signal` and `Observation` share; their meaning stands at `Signal`."""

    @property
    def feed(self) -> str: ...
    @property
    def hotline(self) -> str: ...
    @property
    def dimension_set(self) -> str: ...
    @property
    def queue(self) -> str: ...
    @property
    def category(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def dimensions(self) -> Mapping[str, str]: ...
    @property
    def active(self) -> bool: ...
    @property
    def at(self) -> int: ...
    @property
    def since(self) -> int: ...
    @property
    def version(self) -> int: ...
    @property
    def value(self) -> float: ...
    @property
    def volume(self) -> int: ...
    @property
    def expected(self) -> float | None: ...
    @property
    def lower(self) -> float | None: ...
    @property
    def upper(self) -> float | None: ...
    @property
    def target(self) -> float | None: ...
    @property
    def threshold_s(self) -> int | None: ...
    @property
    def window_s(self) -> int | None: ...
    @property
    def score(self) -> float | None: ...
    @property
    def summary(self) -> dict[str, str]: ...


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """One judgement of a window rule on one key.

    `value`, `expected` (what it was compared with, unless that is the target), `volume` are those of the
    comparison that says most; `version` is the data clock. `dimensions`: the key's values beyond hotline,
    queue, category and source. `steps`: which of the rule's severity steps hold.
    """

    feed: str
    hotline: str
    dimension_set: str
    queue: str = ""
    category: str = ""
    source: str = ""
    dimensions: Mapping[str, str] = {}
    active: bool
    at: int
    since: int
    version: int
    value: float
    volume: int = 0
    expected: float | None = None
    lower: float | None = None
    upper: float | None = None
    target: float | None = None
    threshold_s: int | None = None
    window_s: int | None = None
    score: float | None = None
    summary: dict[str, str] = msgspec.field(default_factory=dict)
    steps: tuple[bool, ...] = ()


def dimensions_of(observed: Observed) -> Mapping[str, str]:
    """The values of an observed key beyond hotline, queue and category; empty ones left out."""
    return dict(observed.dimensions) | ({"source": observed.source} if observed.source else {})
