"""What `hotline.signals` carries: a condition that the engine sees, absolute and versioned."""

from typing import Literal

import msgspec

SignalKind = Literal[
    "demand_above_expectation",
    "demand_below_expectation",
    "demand_concentrated",
    "queue_silence",
    "service_level_under_target",
    "error_budget_fast_burn",
    "error_budget_slow_burn",
    "waiting_past_threshold",
    "abandonment_above_limit",
    "answer_rate_below_target",
    "answer_rate_breach_predicted",
    "blocked_above_limit",
    "no_agent_available",
    "ring_no_answer",
    "dead_feed",
    "doubled_feed",
]


class Signal(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The present state of one condition on one key.

    Sent when it changes and about every 10 s while active. `version` is the `hotline.partials` offset
    it was made from: a reader ignores one that is not newer than the last of its fingerprint, by `version`, then `at`.
    `at` is the clock it was judged at, `since` when the condition began (both ms). `value` is what was
    observed (calls; a fraction; visits waiting past the threshold; how many times faster than allowed an error budget
    is spent), `expected`/`lower`/`upper` what the model expected of it, `target` the promise, `volume` the number of
    visits the value rests on, `score` -log10 of the probability under no change. `budget_left` is what is left of the error budget (a fraction,
    below 0: overspent), `breach_at` when the promise will be broken (ms). `dimensions` are
    the key's values beyond hotline, queue, category and source; `explained_by` the few slices (`district=440305,
    category=water`) that a departure is made of, each with its share. `summary` is one sentence per language.
    `feed_ended`: no more `active` because the feed is over, not the condition.
    """

    fingerprint: str
    kind: SignalKind
    feed: str
    hotline: str
    dimension_set: str
    queue: str = ""
    category: str = ""
    source: str = ""
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
    budget_left: float | None = None
    breach_at: int | None = None
    dimensions: dict[str, str] = msgspec.field(default_factory=dict)
    explained_by: dict[str, float] = msgspec.field(default_factory=dict)
    summary: dict[str, str] = msgspec.field(default_factory=dict)
    feed_ended: bool = False


FEED_ENDED = {"en": " The feed has ended.", "zh": "数据流已结束。"}
"""Follows the sentence of what went on when its feed ended."""
