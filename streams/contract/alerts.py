"""What `hotline.alerts` carries: each change of state of one alert."""

from typing import Literal

import msgspec

AlertState = Literal["pending", "firing", "resolved"]
AlertReason = Literal[
    "condition_met",
    "held_long_enough",
    "condition_cleared",
    "cleared_before_firing",
    "signal_lost",
    "severity_changed",
    "rule_removed",
    "outside_schedule",
    "would_have_fired",
    "shadow_ended",
    "back_after_outage",
]


class AlertEvent(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One change of state. `fingerprint` is of rule and labels; `episode` tells one firing from the next.

    `started_at`/`ended_at` bound the episode by the data's clock (ms); `at` is when this change was
    decided. `version` is the signal version it rests on. `signal`: the kind of signal it is about (empty: a rule
    over windows of cells). `summary`: language -> sentence.
    """

    fingerprint: str
    episode: str
    rule: str
    state: AlertState
    reason: AlertReason
    severity: Literal["info", "warning", "critical"]
    feed: str
    hotline: str
    queue: str = ""
    category: str = ""
    signal: str = ""
    at: int
    started_at: int
    ended_at: int | None = None
    version: int
    value: float
    expected: float | None = None
    target: float | None = None
    labels: dict[str, str]
    summary: dict[str, str] = msgspec.field(default_factory=dict)


class Silence(msgspec.Struct, kw_only=True, omit_defaults=True, tag="silence", tag_field="kind"):
    """Nobody is paged for alerts whose labels match all `matchers` (label -> shell pattern) until `ends_at` (ms).

    The record with the same `id` that was written last holds: a silence is ended early by ending it now.
    """

    id: str
    matchers: dict[str, str]
    author: str
    reason: str
    at: int
    ends_at: int


class Acknowledgement(msgspec.Struct, kw_only=True, omit_defaults=True, tag="acknowledgement", tag_field="kind"):
    """Somebody has taken on the alert `fingerprint` as it fired up to `at` (ms): nobody else is called for it."""

    fingerprint: str
    author: str
    note: str = ""
    at: int


ControlRecord = Silence | Acknowledgement
"""What `hotline.alert-control` carries: what people have said about alerts."""
