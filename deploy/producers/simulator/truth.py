"""What really happened, as the truth file holds it: one JSON object per line, no caller's number."""

from typing import Literal

import msgspec

from deploy.producers.simulator.incidents import Incident

TrueOutcome = Literal["answered", "abandoned", "ended_in_menu", "open"]


class TrueCall(msgspec.Struct, kw_only=True, omit_defaults=True, tag="call", tag_field="kind"):
    """One call, written when it was over, or as far as it was when the simulation stopped. Times and durations ms.

    `open`: it was in the menu or waiting when the simulation stopped; a call still talking is `answered`
    without `ended_at`. `queue` is empty when none was reached. `redial_of`: the abandoned call that this one repeats.
    """

    call: str
    outcome: TrueOutcome
    queue: str = ""
    arrived_at: int
    queued_at: int | None = None
    answered_at: int | None = None
    ended_at: int | None = None
    wrapped_at: int | None = None
    wait_ms: int | None = None
    talk_ms: int | None = None
    acw_ms: int | None = None
    category: str = ""
    district: str = ""
    language: str = ""
    redial_of: str = ""


Truth = TrueCall | Incident
