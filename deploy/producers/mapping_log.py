"""What a line of an event log says, as events: of the call, of the agent, or both."""

from typing import Any

from deploy.producers.mapping import Mapping
from deploy.producers.mapping_agents import Roster, State
from deploy.producers.mapping_parts import EventLog, Logged
from deploy.producers.mapping_times import TimeReader, UnreadableError, masked
from deploy.producers.mapping_values import RejectedError, Values
from streams.contract import CallEvent

IGNORED = "ignored"
OF_AN_AGENT = "agent_state"
_WITH_AGENT = frozenset({"answered", "ended", "transferred", "held", "resumed", "wrapped"})


class LogRow:
    """Reads lines of which each is an event, by `events`. Lines must come in order of time for agents' states."""

    def __init__(self, mapping: Mapping, times: TimeReader, common: dict[str, Any]) -> None:
        assert mapping.events is not None
        self._mapping = mapping
        self._log: EventLog = mapping.events
        self._words = {word.strip().casefold(): lines for word, lines in mapping.events.words.items()}
        self._ignored = {word.strip().casefold() for word in mapping.events.ignore}
        self._times = times
        self._common = common
        self._roster = Roster()

    def read(self, values: Values) -> tuple[str, list[CallEvent]]:
        """What the line counts as (the last type of event, `agent_state` or `ignored`) and its events.

        Raises RejectedError.
        """
        word = values.text(self._log.column)
        if word.casefold() in self._ignored:
            return IGNORED, []
        lines = self._words.get(word.casefold())
        if lines is None:
            known = ", ".join(self._log.words)
            raise RejectedError("no_type", f"{masked(word)} in {self._log.column} is none of the words {known}")
        at = self._time(values)
        of_call = [self._of_call(logged, at, values) for logged in lines if logged.type is not None]
        events = list(of_call)
        for logged in lines:
            if logged.agent is not None or logged.state is not None:
                events += self._of_agent(logged, at, values)
        return (of_call[-1].type if of_call else OF_AN_AGENT), events

    def _time(self, values: Values) -> int:
        spec = self._mapping.time
        try:
            day = self._times.day(values.text(spec.date)) if spec.date else None
            at, repairs = self._times.first(values.text(self._log.time), day)
        except UnreadableError as error:
            raise RejectedError("no_time", str(error)) from error
        values.repairs.update(repairs)
        return at

    def _of_call(self, logged: Logged, at: int, values: Values) -> CallEvent:
        assert logged.type is not None
        more: dict[str, Any] = values.described() if logged.type in {"arrived", "queued"} else {}
        if logged.caller:
            more["caller"] = values.name(logged.caller)
        if logged.rating:
            more["rating"] = values.rating(logged.rating, {})
        return CallEvent(
            type=logged.type,
            time=at,
            call=values.call(),
            source=values.source(),
            queue="" if logged.type == "arrived" else values.queue(),
            agent=values.agent() if logged.type in _WITH_AGENT else "",
            wait_ms=values.duration(logged.wait, logged.unit),
            talk_ms=values.duration(logged.talk, logged.unit),
            hold_ms=values.duration(logged.hold, logged.unit),
            acw_ms=values.duration(logged.acw, logged.unit),
            **self._common,
            **more,
        )

    def _of_agent(self, logged: Logged, at: int, values: Values) -> list[CallEvent]:
        name, source = values.agent(), values.source()
        if not name:
            raise RejectedError("no_call", "the line is about an agent and names none")
        queue, reason = values.queue(), values.name(logged.reason)
        if logged.state is not None:
            told = State(logged.state, queue=queue, reason=reason, skills=values.skills(logged.skills))
            return [told.event(name, at, source, self._common)]
        assert logged.agent is not None
        ring_ms = values.duration(logged.ring, logged.unit)
        states = self._roster.step(name, logged.agent, at, queue=queue, reason=reason, ring_ms=ring_ms)
        return [state.event(name, when, source, self._common) for when, state in states]
