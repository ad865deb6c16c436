"""What is remembered of pages: per episode how far its chain has come, and the messages that nobody has taken yet."""

import msgspec

from alerts.rules import Severity
from alerts.state_format import FORMAT, check
from streams.contract import AlertEvent
from streams.contract.alerts import Why


class Told(msgspec.Struct, omit_defaults=True):
    """Put into a message for a receiver at a step: when (ms), and how severe it was.

    `receiver`: who that was, where the chain names a schedule; empty: whom it names.
    """

    at: int
    severity: Severity
    receiver: str = ""


class Page(msgspec.Struct, kw_only=True):
    """One episode. `told`: `step/name` -> Told; names are the chain's (`due/name` where it was overdue,
    `was/receiver`: who was on call before). `step_at`: when somebody was first told at the present step. `ended`:
    receivers who have been told of the end.
    """

    event: AlertEvent
    since: int
    step: int = 0
    step_at: int | None = None
    told: dict[str, Told] = {}
    ended: set[str] = set()

    def heard(self) -> set[str]:
        """Everybody for whom it was put into a message."""
        return {told.receiver or key.partition("/")[2] for key, told in self.told.items()}


class Message(msgspec.Struct, kw_only=True):
    """One message to one receiver. `firing`: episode -> whether the receiver hears of it at this step for the first
    time; `over`: episodes whose end it tells.

    `step`: its place in the chain, 1 is the first. `tries`: without success; `tried`: the receiver may have heard it.
    `fault`: the last try ended in an error of ours.
    """

    id: str
    receiver: str
    group: str
    why: Why
    firing: dict[str, bool]
    over: set[str]
    made_at: int
    next_at: int
    step: int = 1
    tries: int = 0
    tried: bool = False
    fault: bool = False


class PagingState(msgspec.Struct, kw_only=True):
    """`spoken`: group -> receiver -> when a message for it was made last. `fired`: fingerprint -> starts of its
    last episodes (ms). `gone`: episode -> when it was let go of.
    """

    format: int = FORMAT
    pages: dict[str, Page] = {}
    messages: dict[str, Message] = {}
    spoken: dict[str, dict[str, int]] = {}
    fired: dict[str, list[int]] = {}
    gone: dict[str, int] = {}
    count: int = 0


def load(snapshot: bytes | None) -> PagingState:
    """The state of a snapshot (None: afresh). Raises StateError."""
    state = PagingState() if snapshot is None else msgspec.msgpack.decode(snapshot, type=PagingState)
    check("the pages' state has", state.format)
    return state
