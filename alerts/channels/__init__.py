"""How an alert reaches someone: one small file per channel, one method, an outcome with a reason."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

from streams.contract import AlertEvent

Reason = Literal["timeout", "refused", "rate_limited", "server_error", "client_error", "auth", "bad_answer", "fault"]
"""Why a delivery did not succeed; also the label of the metric.

timeout: no answer in time (it may have been taken in). refused: no connection. rate_limited: 429.
server_error: 5xx. client_error: other 4xx, or a redirect. auth: 401, 403. bad_answer: an answer that
does not say what the service's documentation promises. fault: an error in Hotline (`supervised.py`).
"""


class Notice(NamedTuple):
    """One alert to be told: its present state, what the channel asked to be reminded of (`ref`), when it is due to be
    over (`due_at`, ms; 0: at no time).
    """

    event: AlertEvent
    ref: str = ""
    due_at: int = 0


class Delivered(NamedTuple):
    """The service has accepted it. `refs`: per notice what to hand back with the next one, or empty."""

    refs: tuple[str, ...] = ()


class Retry(NamedTuple):
    """Not now: worth another try, at the earliest after `after_s` if the service said so."""

    reason: Reason
    after_s: float | None = None
    detail: str = ""


class Failed(NamedTuple):
    """Not like this: the same content will be refused again."""

    reason: Reason
    detail: str = ""


Outcome = Delivered | Retry | Failed


class Channel(Protocol):
    """One way to tell, to one target.

    `target` names it in the state and in logs (stable, without secrets); `kind` is the metric's label.
    `resend_s`: a firing alert is told again after so many seconds (None: never). `batch`: how many
    alerts `send` takes at once.
    """

    kind: str
    target: str
    resend_s: int | None
    batch: int

    async def send(self, notices: Sequence[Notice], now: int) -> Outcome:
        """Tell; `now` is wall time in ms. One outcome for all notices. Raises nothing that a service or the words of an
        alert can cause: where it does, that is a `fault`.
        """

    async def close(self) -> None:
        """Release connections."""
