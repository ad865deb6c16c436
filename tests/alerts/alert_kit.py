"""Signals, rules and events for the tests of the alerts room. Times in the drawings are seconds after T."""

import msgspec

from alerts.channels.content import Writer
from alerts.rules import Rule
from deploy.runtime.processor import Record
from streams.contract import AlertEvent, Signal

T = 1_700_000_000_000
S = 1_000

NO_RECORD = (
    None,
    b"{}",
    b"{",
    b'{"kind": "silence", "id": "\xff"}',
    b'{"fingerprint": "\xff"}',
    b'{"x": ' + b"[" * 10_000,
)
"""Values that are none of any topic's; the last two are nothing that a decoder calls malformed."""


def rule(**fields) -> Rule:
    return Rule(**({"name": "Waiting", "signal": "waiting_past_threshold"} | fields))


def signal(second: float, active: bool = True, version: int | None = None, **fields) -> Signal:
    at = T + round(second * S)
    known = {
        "fingerprint": "s1",
        "kind": "waiting_past_threshold",
        "feed": "live",
        "hotline": "h",
        "dimension_set": "queue",
        "queue": "q",
        "active": active,
        "at": at,
        "since": at,
        "version": round(second * 10) if version is None else version,
        "value": 5.0,
        "volume": 9,
        "summary": {"en": "5 waiting past 20 s", "zh": "5 个等待超过 20 秒"},
    }
    return Signal(**(known | fields))


def record(sig: Signal | AlertEvent, offset: int = 0, written_at: int | None = None) -> Record:
    timestamp = sig.at if written_at is None else written_at
    return Record(offset, timestamp, sig.fingerprint.encode(), msgspec.json.encode(sig))


def event(state: str = "firing", episode: str = "f1-1", at: int = T, **fields) -> AlertEvent:
    known = {
        "fingerprint": episode.split("-", maxsplit=1)[0],
        "episode": episode,
        "rule": "Waiting",
        "state": state,
        "reason": "condition_cleared" if state == "resolved" else "condition_met",
        "severity": "warning",
        "feed": "live",
        "hotline": "h",
        "queue": "q",
        "at": at,
        "started_at": T,
        "ended_at": at if state == "resolved" else None,
        "version": 1,
        "value": 5.0,
        "labels": {"alertname": "Waiting", "severity": "warning", "feed": "live", "hotline": "h", "queue": "q"},
        "summary": {"en": "5 waiting past 20 s", "zh": "5 个等待超过 20 秒"},
    }
    return AlertEvent(**(known | fields))


def writer(**fields) -> Writer:
    runbook = rule(runbook="https://example.org/waiting")
    return Writer(
        **({"rules": {"Waiting": runbook}, "paging": "alertmanager", "external_url": "http://localhost:8080/"} | fields)
    )
