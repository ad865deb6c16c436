"""What is written down of each try to tell somebody: a `Notification` for `hotline.notifications`."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from alerts.channels import Delivered, Failed, Outcome, Retry
from deploy.runtime.processor import Output
from streams.contract import AlertEvent, Notification
from streams.contract.alerts import NotificationOutcome, NotifiedAlert
from streams.contract.topics import NOTIFICATIONS


class Via(NamedTuple):
    """The channel that was tried: its kind and its name in logs."""

    kind: str
    target: str


NOBODY = Via("", "")
"""Nothing was tried: the message was overtaken."""


def said_of(outcome: Outcome) -> tuple[NotificationOutcome, str]:
    """An outcome of a channel, and its reason."""
    match outcome:
        case Delivered():
            return "delivered", ""
        case Retry(reason):
            return "retry", reason
        case Failed(reason):
            return "failed", reason


def notified(events: Sequence[AlertEvent]) -> tuple[NotifiedAlert, ...]:
    """The alerts as they stood."""
    return tuple(
        NotifiedAlert(
            episode=event.episode,
            fingerprint=event.fingerprint,
            rule=event.rule,
            severity=event.severity,
            state=event.state,
        )
        for event in events
    )


def output(told: Notification) -> Output:
    """Its record."""
    return Output(NOTIFICATIONS, told.id.encode(), msgspec.json.encode(told))
