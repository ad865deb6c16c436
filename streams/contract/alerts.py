"""What the topics about alerts carry: changes of state, what people say about them, and who was told of them."""

from typing import Literal

import msgspec

from streams.contract.events import LIVE

AlertState = Literal["pending", "firing", "resolved"]
AlertReason = Literal[
    "condition_met",
    "held_long_enough",
    "condition_cleared",
    "cleared_before_firing",
    "signal_lost",
    "severity_changed",
    "rule_removed",
    "feed_changed",
    "outside_schedule",
    "would_have_fired",
    "shadow_ended",
    "back_after_outage",
]


class AlertEvent(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One change of state. `fingerprint` is of rule and labels; `episode` tells one firing from the next.

    `started_at`/`ended_at` bound the episode by the data's clock (ms); `at` is when this change was
    decided. `version` is the signal version it rests on. `signal`: the kind of signal it is about (empty: a rule
    over windows of cells). `summary`: language -> sentence. `runbook`: a link to what to do, as the rule names it.
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
    runbook: str = ""


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
    """Somebody has taken on the alert `fingerprint` as it fired up to `at` (ms): nobody else is called for it.

    The same once more with `withdrawn_at` (ms) takes it back: nobody has it.
    """

    fingerprint: str
    author: str
    note: str = ""
    at: int
    withdrawn_at: int | None = None


Verdict = Literal["useful", "noise", "missed"]


class Feedback(msgspec.Struct, kw_only=True, omit_defaults=True, tag="feedback", tag_field="kind"):
    """What somebody thinks of an episode: `useful`, `noise`, or `missed`: it came too late, or not at all.

    Where no alert fired at all, `fingerprint` and `episode` are empty and `note` says what was missed. What an author
    says last of an episode counts.
    """

    fingerprint: str = ""
    episode: str = ""
    rule: str = ""
    feed: str = LIVE
    hotline: str = ""
    queue: str = ""
    verdict: Verdict
    author: str
    note: str = ""
    at: int


ControlRecord = Silence | Acknowledgement | Feedback
"""What `hotline.alert-control` carries: what people have said about alerts."""


def feedback_on(alert: AlertEvent, verdict: Verdict, author: str, note: str, at: int) -> Feedback:
    """What somebody thinks of this episode."""
    return Feedback(
        fingerprint=alert.fingerprint,
        episode=alert.episode,
        rule=alert.rule,
        feed=alert.feed,
        hotline=alert.hotline,
        queue=alert.queue,
        verdict=verdict,
        author=author,
        note=note,
        at=at,
    )


def control_key(record: ControlRecord) -> bytes:
    """The key of its record."""
    return (record.id if isinstance(record, Silence) else record.fingerprint).encode()


Why = Literal["first", "escalated", "louder", "overdue", "repeated", "resolved"]
"""Why somebody is told; overdue: it still fires although it was due to be over."""
NotificationOutcome = Literal["delivered", "retry", "failed", "given_up", "overtaken"]


class NotifiedAlert(msgspec.Struct, frozen=True, kw_only=True):
    """An alert as it stood in a message."""

    episode: str
    fingerprint: str
    rule: str
    severity: Literal["info", "warning", "critical"]
    state: AlertState


class Notification(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One try to tell somebody, and what came of it; written once that is known, so `delivered` means accepted.

    `id` is the message's, the same for all its tries; a second `delivered` of one id is a repetition (a process that
    was killed after the service had accepted and before that was written down). `receiver`: a person or desk, or the
    machine's `target`. `step`: the place in the escalation chain, 1 is the first. `outcome`: given_up: nobody took it
    for a day, or whom it was for is in the duty file no more; overtaken: all its alerts were over before the first try.
    For machines only acceptance, the first failure and giving up are written.
    """

    id: str
    attempt: int
    receiver: str
    channel: str
    target: str
    why: Why
    step: int = 1
    outcome: NotificationOutcome
    reason: str = ""
    at: int
    feed: str
    hotline: str
    alerts: tuple[NotifiedAlert, ...]
