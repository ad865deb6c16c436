"""A call on its way, and the register of those that are under way."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from deploy.producers.simulator.truth import TrueApart, TrueVisit, Truth

if TYPE_CHECKING:
    from deploy.producers.simulator.agents import Agent
    from deploy.producers.simulator.routing import Queue
    from streams.contract.events import Flag

Phase = Literal["menu", "waiting", "ringing", "talking", "over"]


class Call:
    """A call on its way: who calls, where it is, and its visits so far (the last is the present one).

    `unfinished` counts what is still to happen to it: a stay that lasts, after-call work, a promised callback.
    `traits`: what is told of it on arrival, besides the caller: centre, channel, origin, direction.
    `patience_ends`: when the caller of the present visit hangs up (0: not drawn yet, the phone rings at once).
    """

    __slots__ = (
        "agent", "arrived_at", "caller", "category", "district", "flag", "id", "language", "lost", "patience_ends",
        "phase", "priority", "queue", "redial_of", "served", "source", "text", "ticket_type", "told_until", "traits",
        "unfinished", "visits",
    )  # fmt: skip

    def __init__(self, id_: str, queue: "Queue", source: str, arrived_at: int) -> None:
        self.id = id_
        self.queue = queue
        self.source = source
        self.arrived_at = arrived_at
        self.told_until = arrived_at
        self.phase: Phase = "menu"
        self.agent: Agent | None = None
        self.flag: Flag | None = None
        self.visits: list[TrueVisit] = []
        self.unfinished = 0
        self.patience_ends = 0
        self.lost = False
        self.traits: dict[str, str] = {}
        self.caller = self.redial_of = self.language = self.priority = ""
        self.category = self.district = self.ticket_type = self.served = self.text = ""

    @property
    def visit(self) -> TrueVisit:
        """The present visit."""
        return self.visits[-1]

    def apart(self, outcome: str, ended_at: int | None) -> TrueApart:
        """The truth of a call that reached no queue."""
        return TrueApart(
            call=self.id,
            outcome=outcome,  # type: ignore[arg-type]  # an outcome or a flag, which are outcomes
            hotline=self.queue.hotline,
            source=self.source,
            **self.traits,  # type: ignore[arg-type]  # names of fields that are texts
            arrived_at=self.arrived_at,
            ended_at=ended_at,
            told_until=self.told_until,
            redial_of=self.redial_of,
        )

    def told(self) -> list[TrueVisit]:
        """The truth of its visits, with what was told of the whole call."""
        for visit in self.visits:
            visit.category, visit.district = self.category, self.district
            visit.told_until = self.told_until
            if self.traits:
                visit.ticket_type, visit.served, visit.priority = self.ticket_type, self.served, self.priority
            if self.flag:
                visit.outcome = self.flag
        return self.visits


class Register:
    """Calls under way, the lines that they hold, and those who wait to be called back.

    `over(call)` is told of every call that is over, with its visits in the truth already.
    """

    def __init__(self, truth: Callable[[Truth], None]) -> None:
        self.under_way: dict[str, Call] = {}
        self.to_call_back: dict[str, Call] = {}
        self.lines_in_use = 0
        self._truth = truth
        self.over: Callable[[Call], None] = lambda _: None

    def enter(self, call: Call) -> None:
        self.under_way[call.id] = call
        self.lines_in_use += 1

    def hang_up(self, call: Call) -> None:
        """The caller has gone; after-call work or a promised callback may be left."""
        call.phase = "over"
        self.lines_in_use -= 1

    def promise_callback(self, call: Call) -> None:
        self.to_call_back[call.id] = self.under_way.pop(call.id)

    def part_over(self, call: Call) -> None:
        """One of the things that were still to happen has happened; after the last the call is over."""
        call.unfinished -= 1
        if call.unfinished:
            return
        self.under_way.pop(call.id, None)
        self.to_call_back.pop(call.id, None)
        for visit in call.told():
            self._truth(visit)
        self.over(call)

    def apart(self, call: Call, outcome: str, ended_at: int) -> None:
        """A call that reached no queue is over."""
        record = call.apart(outcome, ended_at)
        record.lost = "menu" if call.lost else ""
        self.under_way.pop(call.id, None)
        self._truth(record)

    def so_far(self) -> list[Truth]:
        """The truth so far about calls that are not over."""
        told: list[Truth] = []
        for call in (*self.under_way.values(), *self.to_call_back.values()):
            told += call.told() if call.visits else [call.apart("open", None)]
        return told
