"""Who is doing what, from the lines of an event log about agents: steps in, states out.

A log tells steps (joined queue A, paused in all queues, answered a call); `agent_state` events tell the state
that an agent is in from then on and the queues (skills) that the agent serves. The roster stands in between.
"""

from typing import Any

import msgspec

from deploy.producers.mapping_parts import AgentStep
from streams.contract import CallEvent

# A log of whole seconds: an unanswered ring is told as a state for one of them, then the agent is available.
RING_NO_ANSWER_MS = 1_000
ALL_QUEUES = ""


class _Agent(msgspec.Struct):
    """Queues served, queues paused in (`ALL_QUEUES`: every one) with the reason, whether on a call."""

    queues: set[str] = msgspec.field(default_factory=set)
    paused: dict[str, str] = msgspec.field(default_factory=dict)
    logged_in: bool = False
    talking: bool = False

    @property
    def serving(self) -> set[str]:
        return set() if ALL_QUEUES in self.paused else self.queues - self.paused.keys()

    def state(self) -> tuple[str, str, list[str]]:
        """State, reason of a break, skills. Paused in some queues only: available in the others."""
        serving = self.serving
        if self.talking:
            return "on_call", "", sorted(serving or self.queues)
        if not self.queues and not self.logged_in:
            return "logged_out", "", []
        if self.paused and not serving:
            return "break", next((why for why in self.paused.values() if why), ""), sorted(self.queues)
        return "available", "", sorted(serving)


class Roster:
    """The agents of one log, read in order of time. Members that the log never saw join are learnt from their calls."""

    def __init__(self, common: dict[str, Any]) -> None:
        self._common = common
        self._agents: dict[str, _Agent] = {}

    def step(
        self, name: str, step: AgentStep, at: int, *, queue: str, reason: str, ring_ms: int | None
    ) -> list[CallEvent]:
        """Take in what a line says of an agent at `at` (ms); the states that follow. `queue` empty: every queue."""
        agent = self._agents.setdefault(name, _Agent())
        events: list[CallEvent] = []
        if step in {"answers", "rings_out"} and ring_ms:
            events.append(
                self._event(name, at - ring_ms, "ringing", queue=queue, skills=sorted(agent.serving | {queue} - {""}))
            )
        self._apply(agent, step, queue, reason)
        if step == "rings_out":
            events.append(self._event(name, at, "ring_no_answer", queue=queue, skills=sorted(agent.serving)))
            at += RING_NO_ANSWER_MS
        state, why, skills = agent.state()
        of_queue = queue if state == "on_call" else ""
        events.append(self._event(name, at, state, queue=of_queue, reason=why, skills=skills))
        return events

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

    def _event(
        self, name: str, at: int, state: str, *, skills: list[str], queue: str = "", reason: str = ""
    ) -> CallEvent:
        return CallEvent(
            type="agent_state",
            time=at,
            agent=name,
            state=state,
            queue=queue,
            reason=reason,
            skills=skills,
            **self._common,
        )
