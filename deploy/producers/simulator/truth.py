"""What really happened, as the truth file holds it: one JSON object per line, no caller's number.

Every counter of a cell can be recounted from it. `kind` says what a line is; times are epoch ms, durations ms,
what does not apply is left out:

- `visit`: one stay of a call in a queue, written when the call was over (or as far as it was when the simulation
  stopped: `outcome` is `open` while it waits, `answered` without `ended_at` while it talks). Fields as in `v_visits`:
  `ended_at` is also when an unanswered visit left. Of a flagged call every visit has the flag as `outcome`.
  `transferred_in`, `flowed_in`: a transfer or overflow led to it; `transferred_out`: it was answered and ended in a
  transfer. `callback_completed_at`: when the promised callback was made. `redial_of`: the call that this one repeats.
- `apart`: one call that reached no queue: `ended_in_menu`, `blocked`, `phantom` (or another flag), or `open`.
- The dimensions of both are what the events of the call told last; `category` is the one at wrap-up.
  `told_until` is the time of the call's last event. `lost`: the end was never told, although it came: the call was in
  the `menu`, `waiting` or `talking` for whoever reads the events. Then `outcome` and the times are as they really
  were, while `category`, `district`, `department`, `ticket_type` and `served` are as told.
- `rating`: one rating, in its own time `at`, of the visit `queue`/`entry`.
- `reclassified`: `category` changed from `before` at `at`; `ended_at` is when the call was over.
- `agent`: one interval of an agent's state, `since` until before `until` (left out while it lasts); `queue` and `call`
  say whose call; `skills` are the queues served meanwhile.
- `source`: what one source sent about one minute (by event time), counted when the run ends: `events` in all, of them
  `heartbeats`, and `copies`, the records that were sent before in the same words. `untold` were never sent.
- `incident` (in the place of `kind`): as asked for, before everything else.

A visit during a `dead-feed` stands here as it really was, whatever was told of it.
"""

from typing import Literal

import msgspec

from deploy.producers.simulator.incidents import Incident
from streams.contract import AgentState

TrueOutcome = Literal[
    "answered",
    "abandoned",
    "flowed_out",
    "callback_taken",
    "ended_in_menu",
    "blocked",
    "phantom",
    "test",
    "nuisance",
    "open",
]


class _OfCall(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What is true of a call, whether it reached a queue or not."""

    call: str
    outcome: TrueOutcome
    hotline: str
    source: str
    centre: str = ""
    channel: str = ""
    origin: str = ""
    direction: str = ""
    arrived_at: int
    ended_at: int | None = None
    lost: Literal["", "menu", "waiting", "talking"] = ""
    told_until: int = 0
    redial_of: str = ""

    @property
    def at(self) -> int:
        return self.arrived_at


class TrueVisit(_OfCall, kw_only=True, omit_defaults=True, tag="visit", tag_field="kind"):
    """One stay of a call in a queue."""

    queue: str
    entry: int = 1
    agent: str = ""
    language: str = ""
    category: str = ""
    district: str = ""
    department: str = ""
    ticket_type: str = ""
    served: str = ""
    priority: str = ""
    skill: str = ""
    queued_at: int
    answered_at: int | None = None
    wrapped_at: int | None = None
    wait_ms: int | None = None
    talk_ms: int | None = None
    hold_ms: int | None = None
    acw_ms: int | None = None
    transferred_in: bool = False
    flowed_in: bool = False
    transferred_out: bool = False
    callback_completed_at: int | None = None


class TrueApart(_OfCall, kw_only=True, omit_defaults=True, tag="apart", tag_field="kind"):
    """One call that reached no queue."""


class TrueRating(msgspec.Struct, kw_only=True, omit_defaults=True, tag="rating", tag_field="kind"):
    """A caller rated a visit."""

    call: str
    queue: str
    entry: int = 1
    rating: int
    at: int


class TrueReclassification(msgspec.Struct, kw_only=True, omit_defaults=True, tag="reclassified", tag_field="kind"):
    """The category of a call was changed after the fact."""

    call: str
    category: str
    before: str
    at: int
    ended_at: int


class TrueAgent(msgspec.Struct, kw_only=True, omit_defaults=True, tag="agent", tag_field="kind"):
    """One interval of an agent's state."""

    agent: str
    hotline: str
    source: str
    centre: str
    state: AgentState
    reason: str = ""
    queue: str = ""
    call: str = ""
    skills: tuple[str, ...] = ()
    since: int
    until: int | None = None

    @property
    def at(self) -> int:
        return self.since


class TrueSource(msgspec.Struct, kw_only=True, omit_defaults=True, tag="source", tag_field="kind"):
    """What one source sent about one minute."""

    source: str
    minute: int
    events: int = 0
    heartbeats: int = 0
    copies: int = 0
    untold: int = 0

    @property
    def at(self) -> int:
        return self.minute


Truth = TrueVisit | TrueApart | TrueRating | TrueReclassification | TrueAgent | TrueSource | Incident
