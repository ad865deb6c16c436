"""The life of one alert, as pure functions: (entry, signal or time, rule) -> (entry, changes).

    quiet ──condition met──> pending ──held for `for_s`──> firing ──gone for `keep_firing_s`──> resolved = quiet
                                └──cleared, or lost──> quiet

`for_s` and `keep_firing_s` are judged by the clock that the signals were judged at (`Signal.at`), so a
backlog read quickly and a quiet night give the same alerts. Two things need the wall clock: that
signals have stopped coming, and whether a signal of feed `live` is fresh enough to wake somebody.
While a backlog is being read (`time` is None) nothing begins to fire: the condition may have ended in
a record not yet read. It fires with the first step that knows the time, if it still holds.
"""

from hashlib import sha256
from typing import Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from alerts.observed import Observed, dimensions_of
from alerts.rules import Rule, higher
from streams.contract import LIVE, AlertEvent, AlertReason
from streams.contract.signals import FEED_ENDED

Changes = tuple[AlertEvent, ...]
State = Literal["quiet", "pending", "firing"]

FORGET_MS = 3_600_000
"""A quiet entry is kept so long after its last signal, so that an older version sent again stays ignored."""


class Time(NamedTuple):
    """Wall time in ms, and since when the log has been read without a gap (both by our own clock)."""

    now: int
    listening_since: int


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is remembered of one rule on one signal; times in ms.

    `version` is the last signal's; `at` and `heard_at` are its data clock and when its record was
    written (wall clock), neither ever going back; `met`: the rule's condition held with it.
    `held_since`: data clock at which the condition was first met without a break; `gone_since`: when
    it was first missing again. `ended_at`: end of the last episode.
    `event` is the last state change of the present episode, with the last signal's numbers.
    """

    state: State = "quiet"
    version: int = -1
    at: int = 0
    heard_at: int = 0
    met: bool = False
    held_since: int = 0
    gone_since: int | None = None
    ended_at: int = 0
    event: AlertEvent | None = None


def fingerprint(rule: Rule, signal: Observed) -> str:
    """16 hex digits that name a rule on a key, for good: severity and free labels may change, it does not."""
    key = [rule.name, signal.feed, signal.hotline, signal.dimension_set, signal.queue, signal.category]
    key += [f"{name}={value}" for name, value in sorted(dimensions_of(signal).items())]
    return sha256("\x1f".join(key).encode()).hexdigest()[:16]


def labels(rule: Rule, signal: Observed) -> dict[str, str]:
    """What the alert is routed and grouped by; few values each, nothing of a single call."""
    own = {
        "alertname": rule.name,
        "severity": rule.severity,
        "feed": signal.feed,
        "hotline": signal.hotline,
        "dimension_set": signal.dimension_set,
        "queue": signal.queue,
        "category": signal.category,
        "owner": rule.owner,
    }
    return rule.labels | dict(dimensions_of(signal)) | {name: value for name, value in own.items() if value}


def newer(entry: Entry, signal: Observed) -> bool:
    """Whether a signal is newer than the last one: a backlog that is read in one step is told minute by minute, as of one
    version.
    """
    return (signal.version, signal.at) > (entry.version, entry.at)


def hear(entry: Entry, signal: Observed, written_at: int, rule: Rule, time: Time | None) -> tuple[Entry, Changes]:
    """Take in a signal; `written_at` is its record's time, `time` None while a backlog is being read.

    A signal that is not newer than the last one changes nothing at all. Two changes come of one signal
    only where it shows that the condition ended long enough ago *and* began again.
    """
    if not newer(entry, signal):
        return entry, ()
    entry, changes = _end_what_was_gone(entry, signal, rule, time)
    met = rule.met(signal, begun=entry.state != "quiet")
    at = max(entry.at, signal.at)
    entry = replace(entry, version=signal.version, at=at, heard_at=max(entry.heard_at, written_at), met=met)
    match entry.state:
        case "quiet" if met:
            entry, begun = _begin(entry, signal, rule, time)
            changes += begun
        case "pending" if met:
            held_since = max(entry.held_since, min(signal.since, at))
            entry = replace(entry, held_since=held_since, event=_refreshed(entry, signal, rule))
            if time and _may_fire(entry, rule, time):
                entry, changes = _fire(entry, "held_long_enough", rule, time)
        case "pending":
            entry, changes = _end(entry, "cleared_before_firing", at, time)
        case "firing" if met:
            entry = replace(entry, gone_since=None, event=_refreshed(entry, signal, rule))
            if time and _fresh(entry, rule, time):
                entry, louder = _louder(entry, signal, rule, time)
                changes += louder
        case "firing":
            entry = replace(entry, gone_since=at if entry.gone_since is None else entry.gone_since)
            if rule.keep_firing_s == 0:
                entry, changes = _end(entry, _why_gone(rule, signal.at), at, time)
    return entry, changes


def _end_what_was_gone(entry: Entry, signal: Observed, rule: Rule, time: Time | None) -> tuple[Entry, Changes]:
    """Resolve a firing alert whose condition, as this signal shows, had been gone for `keep_firing_s`."""
    if entry.state != "firing" or entry.gone_since is None:
        return entry, ()
    gone_until = max(signal.since, entry.at) if rule.met(signal, begun=True) else signal.at
    if gone_until - entry.gone_since < rule.keep_firing_s * 1000:
        return entry, ()
    return _end(entry, _why_gone(rule, entry.gone_since), entry.gone_since, time)


def wait(entry: Entry, rule: Rule, time: Time) -> tuple[Entry, Changes]:
    """Let time pass without a signal.

    Silence is counted from the last signal or from when we began to listen again, whichever is later:
    while nobody could be heard, nobody was silent.
    """
    if entry.state == "quiet":
        return entry, ()
    silent_ms = time.now - max(entry.heard_at, time.listening_since)
    if entry.gone_since is not None:
        # The last signal of a condition is sent once; from then on its clock goes on with ours.
        if entry.at + silent_ms - entry.gone_since >= rule.keep_firing_s * 1000:
            return _end(entry, _why_gone(rule, entry.gone_since), entry.gone_since, time)
    elif rule.signal_lost_s and silent_ms > rule.signal_lost_s * 1000:
        return _end(entry, "signal_lost", entry.at, time)
    elif entry.state == "pending" and _may_fire(entry, rule, time):
        return _fire(entry, "held_long_enough", rule, time)
    elif _in_shadow(entry) and not rule.in_shadow(time.now) and _fresh(entry, rule, time):
        return _fire(entry, "shadow_ended", rule, time)
    return entry, ()


def drop(entry: Entry, time: Time | None, reason: AlertReason = "rule_removed") -> tuple[Entry, Changes]:
    """End an episode that nobody judges any more: its rule is gone, or about other keys; alerts are of another feed."""
    match entry.state:
        case "quiet":
            return entry, ()
        case "pending":
            return _end(entry, "cleared_before_firing", entry.at, time)
        case "firing":
            return _end(entry, reason, entry.at, time)


def end_of_feed(entry: Entry, at: int, version: int, time: Time | None) -> tuple[Entry, Changes]:
    """End an episode because its feed is over at `at` (ms, the feed's clock): the condition is not."""
    if entry.event is None:
        return entry, ()
    summary = {language: text + FEED_ENDED.get(language, "") for language, text in entry.event.summary.items()}
    event = replace(entry.event, summary=summary)
    return drop(replace(entry, event=event, at=max(entry.at, at), version=version), time, "feed_changed")


def held_back(entry: Entry, rule: Rule, time: Time) -> bool:
    """Whether an alert would fire were its last signal not too old."""
    return entry.state == "pending" and _held(entry, rule) and not _fresh(entry, rule, time)


def forgettable(entry: Entry, time: Time) -> bool:
    """Whether nothing has been heard for so long that the entry says nothing any more."""
    return entry.state == "quiet" and time.now - max(entry.heard_at, time.listening_since) > FORGET_MS


def _held(entry: Entry, rule: Rule) -> bool:
    return entry.met and entry.at - entry.held_since >= rule.for_s * 1000


def _fresh(entry: Entry, rule: Rule, time: Time) -> bool:
    assert entry.event is not None
    # A feed that is no `live` one has a clock of its own; only when its record was written tells its age.
    oldest = min(entry.heard_at, entry.at) if entry.event.feed == LIVE else entry.heard_at
    return not rule.fresh_s or time.now - oldest <= rule.fresh_s * 1000


def _may_fire(entry: Entry, rule: Rule, time: Time) -> bool:
    return _held(entry, rule) and _fresh(entry, rule, time)


def _begin(entry: Entry, signal: Observed, rule: Rule, time: Time | None) -> tuple[Entry, Changes]:
    identity = fingerprint(rule, signal)
    event = AlertEvent(
        fingerprint=identity,
        episode=f"{identity}-{signal.version}",
        rule=rule.name,
        state="pending",
        reason="condition_met",
        severity=rule.severity_of(signal, 0),
        signal=rule.signal or "",
        feed=signal.feed,
        hotline=signal.hotline,
        queue=signal.queue,
        category=signal.category,
        at=time.now if time else signal.at,
        started_at=max(min(signal.since, signal.at), entry.ended_at),
        version=signal.version,
        value=signal.value,
        expected=signal.expected,
        target=signal.target,
        labels=labels(rule, signal),
        summary=rule.sentences(signal, rule.severity_of(signal, 0)),
        runbook=rule.runbook,
    )
    event.labels["severity"] = event.severity
    entry = replace(entry, state="pending", held_since=entry.at, gone_since=None, event=event)
    if time and _may_fire(entry, rule, time):
        return _fire(entry, "condition_met", rule, time)
    return entry, (event,)


def _refreshed(entry: Entry, signal: Observed, rule: Rule) -> AlertEvent:
    """The event of the present episode with the last signal's numbers and words; louder only before it fires."""
    event = entry.event
    assert event is not None
    severity = event.severity
    if entry.state == "pending":
        severity = higher(severity, rule.severity_of(signal, entry.at - event.started_at))
    return replace(
        event,
        version=signal.version,
        severity=severity,
        value=signal.value,
        expected=signal.expected,
        target=signal.target,
        labels=event.labels | {"severity": severity},
        summary=rule.sentences(signal, severity) or event.summary,
        runbook=rule.runbook,
    )


def _louder(entry: Entry, signal: Observed, rule: Rule, time: Time) -> tuple[Entry, Changes]:
    """Raise the severity of a firing alert if a step of its rule asks for it."""
    event = entry.event
    assert event is not None
    severity = higher(event.severity, rule.severity_of(signal, entry.at - event.started_at))
    if severity == event.severity:
        return entry, ()
    event = replace(
        event,
        severity=severity,
        labels=event.labels | {"severity": severity},
        summary=rule.sentences(signal, severity) or event.summary,
    )
    if _in_shadow(entry):
        return replace(entry, event=event), ()
    event = replace(event, reason="severity_changed", at=max(time.now, event.at))
    return replace(entry, event=event), (event,)


def _in_shadow(entry: Entry) -> bool:
    """Whether the alert fires for the record only."""
    return entry.state == "firing" and entry.event is not None and entry.event.state == "pending"


def _why_gone(rule: Rule, gone_at: int) -> AlertReason:
    return "condition_cleared" if rule.in_force(gone_at) else "outside_schedule"


def _fire(entry: Entry, reason: AlertReason, rule: Rule, time: Time) -> tuple[Entry, Changes]:
    assert entry.event is not None
    at = max(time.now, entry.event.at)
    if rule.in_shadow(time.now):
        event = replace(entry.event, reason="would_have_fired", at=at)
    else:
        event = replace(entry.event, state="firing", reason=reason, at=at)
    return replace(entry, state="firing", event=event), (event,)


def _end(entry: Entry, reason: AlertReason, ended_at: int, time: Time | None) -> tuple[Entry, Changes]:
    assert entry.event is not None
    ended_at = max(ended_at, entry.event.started_at)
    event = replace(
        entry.event,
        state="resolved",
        reason=reason,
        at=max(time.now if time else entry.at, entry.event.at),  # whoever shows alerts keeps the latest change
        ended_at=ended_at,
        version=entry.version,
    )
    return replace(entry, state="quiet", gone_since=None, met=False, ended_at=ended_at, event=None), (event,)
