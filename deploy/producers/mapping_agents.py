"""Who is doing what, from the lines of an event log about agents: steps in, states out.

A log tells steps (joined queue A, paused in all queues, answered a call); `agent_state` events tell the state
that an agent is in from then on and the queues (skills) that the agent serves. The roster stands in between.
"""

from typing import Any, NamedTuple

import msgspec

from deploy.producers.mapping_parts import AgentStep
from streams.contract import CallEvent
from streams.contract.events import AgentState

# A log of whole seconds: an unanswered ring is told as a state for one of them, then the agent is available.
RING_NO_ANSWER_MS = 1_000
ALL_QUEUES = ""


class State(NamedTuple):
    """What an agent is doing: for which queue, why on a break, which queues are served (None: not said)."""

    state: AgentState
    queue: str = ""
    reason: str = ""
    skills: list[str] | None = None

    def event(self, name: str, at: int, source: str, common: dict[str, Any]) -> CallEvent:
        """The `agent_state` event: so from `at` (ms) on."""
        return CallEvent(type="agent_state", time=at, agent=name, source=source, **self._asdict(), **common)


class _Agent(msgspec.Struct):
    """Queues served, queues paused in (`ALL_QUEUES`: every one) with the reason, whether on a call."""

    queues: set[str] = msgspec.field(default_factory=set)
    paused: dict[str, str] = msgspec.field(default_factory=dict)
    logged_in: bool = False
    talking: bool = False

    @property
    def serving(self) -> set[str]:
        return set() if ALL_QUEUES in self.paused else self.queues - self.paused.keys()

    def state(self) -> State:
        """Paused in some queues only: available in the others."""
        serving = self.serving
        if self.talking:
            return State("on_call", skills=sorted(serving or self.queues))
        if not self.queues and not self.logged_in:
            return State("logged_out", skills=[])
        if self.paused and not serving:
            why = next((why for why in self.paused.values() if why), "")
            return State("break", reason=why, skills=sorted(self.queues))
        return State("available", skills=sorted(serving))


class Roster:
    """The agents of one log, read in order of time. Members that the log never saw join are learnt from their calls."""

    def __init__(self) -> None:
        self._agents: dict[str, _Agent] = {}

    def step(
        self, name: str, step: AgentStep, at: int, *, queue: str, reason: str, ring_ms: int | None
    ) -> list[tuple[int, State]]:
        """Take in what a line says of an agent at `at` (ms); since when which state. `queue` empty: every queue."""
        agent = self._agents.setdefault(name, _Agent())
        states: list[tuple[int, State]] = []
        if step in {"answers", "rings_out"} and ring_ms:
            states.append((at - ring_ms, State("ringing", queue, skills=sorted(agent.serving | {queue} - {""}))))
        self._apply(agent, step, queue, reason)
        if step == "rings_out":
            states.append((at, State("ring_no_answer", queue, skills=sorted(agent.serving))))
            at += RING_NO_ANSWER_MS
        state = agent.state()
        states.append((at, state._replace(queue=queue) if state.state == "on_call" else state))
        return states

    @staticmethod
    def _apply(agent: _Agent, step: AgentStep, queue: str, reason: str) -> None:
        match step:
            case "logs_in":
                agent.logged_in = True
            case "logs_out":
                agent.logged_in, agent.talking = False, False
                agent.queues.clear()
                agent.paused.clear()
            case "leaves":
                agent.queues.discard(queue)
                agent.paused.pop(queue, None)
            case "pauses":
                agent.paused[queue] = reason
            case "resumes" if queue == ALL_QUEUES:
                agent.paused.clear()
            case "resumes":
                agent.paused.pop(queue, None)
            case "answers":
                agent.talking = True
            case "finishes":
                agent.talking = False
        if queue and step not in {"leaves", "logs_out"}:
            agent.queues.add(queue)
