"""What people did at the wallboard: who logged in, looked at calls, took tables away, acted on alerts, announced events."""

from typing import Literal

import msgspec

AuditAction = Literal[
    "login",
    "login_failed",
    "logout",
    "calls",
    "export",
    "acknowledge",
    "silence",
    "undo",
    "feedback",
    "announce",
    "refused",
]


class AuditEvent(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One deed. `name` "": nobody in particular (no logins are configured); `at` ms, by the web process' clock.

    `what` is what it was about: the address asked for with its parameters, the alert, or the event. `id` tells two deeds of one
    millisecond apart.
    """

    id: str
    at: int
    action: AuditAction
    name: str
    role: str = ""
    address: str = ""
    what: str = ""
