"""Hands what an accepted event says to the call, agent or source of its feed that it is about."""

from collections.abc import Callable
from operator import attrgetter
from sys import intern

import msgspec

from streams.agents import MAX_FACTS as MAX_AGENT_FACTS
from streams.agents import AgentFact
from streams.calls import KIND_OF, MAX_FACTS, STAY_ATTRIBUTES, Call, Fact
from streams.contract.events import CallEvent
from streams.feed import Feed
from streams.intake import Accepted, Rejection
from streams.roster import OpenSnapshot
from streams.rows import CALL_ATTRIBUTES, EXTRA

_ATTRIBUTES = (*CALL_ATTRIBUTES, *sorted(STAY_ATTRIBUTES))
_attributes = attrgetter(*_ATTRIBUTES)
_NO_ATTRIBUTES = ("",) * len(_ATTRIBUTES)
_TALK = frozenset({"ended", "transferred"})
_OF_SOURCE = frozenset({"heartbeat", "snapshot_begin", "snapshot_end"})


class Teller(msgspec.Struct, frozen=True):
    """Tells a feed what an event says. `pseudonym` hashes a caller's number; `default_hotline`: where none is named."""

    pseudonym: Callable[[str], str]
    default_hotline: str

    def tell(self, feed: Feed, accepted: Accepted, append_time: int, reference: int) -> bool | Rejection:
        """Let the feed take in the event; whether it told anything new, or why it cannot be taken.

        `reference` (ms) judges whether a call or an agent is still remembered: the append time, for other feeds than
        `live` their clock.
        """
        event, time = accepted.event, accepted.time
        kind = event.type
        if event.source:
            feed.sources.heard(event.source, time, append_time, reference)
        new: bool | Rejection
        if kind == "agent_state":
            new = self._agent(feed, event, time, reference)
        elif kind == "snapshot":
            new = self._snapshot(feed, event, accepted, reference)
        elif kind in _OF_SOURCE:
            new = self._source(feed, event, time)
        else:
            new = self._call(feed, accepted, reference)
        if isinstance(new, Rejection):
            return new
        hotline = event.hotline if kind == "heartbeat" else event.hotline or self.default_hotline
        # A snapshot says what is so still: no repeat, however much of it was known.
        feed.count(event, time, hotline, new=new or kind == "snapshot")
        return new

    def _call(self, feed: Feed, accepted: Accepted, reference: int) -> bool | Rejection:
        event = accepted.event
        call = feed.call(event.call, event.hotline, reference)
        if len(call.facts) >= MAX_FACTS:
            detail = f"more than {MAX_FACTS} distinct events of one call: is `call` unique?"
            return Rejection("too_large", "call", detail, "", event.source)
        changed = self._fact(call, event, accepted)
        if changed:
            feed.touch(event.call)
        return changed

    def _fact(self, call: Call, event: CallEvent, accepted: Accepted) -> bool:
        """Let the call take in the event; whether it changed."""
        time = accepted.time
        stated = event.wait_ms
        if event.type == "wrapped":
            stated = event.acw_ms
        elif event.type in _TALK:
            stated = event.talk_ms
        elif event.type == "rated":
            stated = event.rating
        fact = Fact(
            time,
            KIND_OF[event.type],
            event.queue,
            event.entry or 0,
            -1 if stated is None else stated,
            -1 if event.hold_ms is None else event.hold_ms,
            event.agent,
        )
        changed = call.tell(fact)
        hotline = event.hotline or self.default_hotline
        if hotline > call.hotline:
            call.hotline, changed = hotline, True
        if event.flag and event.flag > call.flag:
            call.flag, changed = event.flag, True
        values = _attributes(event)
        if values != _NO_ATTRIBUTES:
            changed |= self._describe(call, event, time, values)
        for name, value in accepted.extra.items():
            changed |= call.describe(EXTRA + name, time, value)
        return changed

    def _describe(self, call: Call, event: CallEvent, time: int, values: tuple[str, ...]) -> bool:
        changed = False
        for name, value in zip(_ATTRIBUTES, values, strict=True):
            if not value:
                continue
            if name == "caller":
                changed |= call.describe(name, time, self.pseudonym(value))
            elif event.queue and name in STAY_ATTRIBUTES:
                changed |= call.describe(f"{name}@{event.queue}", time, intern(value))
            else:
                changed |= call.describe(name, time, intern(value))  # told of thousands of calls, kept once
        return changed

    def _agent(self, feed: Feed, event: CallEvent, time: int, reference: int) -> bool | Rejection:
        known = feed.roster.remembered(event.agent, reference)
        if known is not None and len(known.facts) >= MAX_AGENT_FACTS:
            detail = f"more than {MAX_AGENT_FACTS} distinct states of one agent: is `agent` one person?"
            return Rejection("too_large", "agent", detail, "", event.source)
        skills = tuple(dict.fromkeys(event.skills)) if event.skills else ()
        fact = AgentFact(time, event.state, event.reason, event.queue, event.skills is not None, skills)
        return feed.roster.tell(event.agent, fact, event.hotline or self.default_hotline, event.centre, event.source)

    def _source(self, feed: Feed, event: CallEvent, time: int) -> bool:
        if event.type == "heartbeat":
            return feed.sources.heartbeat(event.source, time, event.hotline)
        told = feed.snapshots.get(event.source)
        if event.type == "snapshot_begin":
            if told is not None and time <= told.begin:
                return False
            feed.snapshots[event.source] = OpenSnapshot(time)
            return True
        if told is None or time < told.begin:
            return False
        feed.lose(event.source, told)
        del feed.snapshots[event.source]
        return True

    def _snapshot(self, feed: Feed, event: CallEvent, accepted: Accepted, reference: int) -> bool | Rejection:
        """Take in an open call or an agent of a source's snapshot. A call that is new here begins with what is said of it."""
        told = feed.snapshots.get(event.source)
        if not event.call:
            if told is not None:
                told.agents.add(event.agent)
            return self._agent(feed, event, accepted.time, reference)
        if told is not None:
            told.calls.add(event.call)
        if event.call in feed.calls:
            call = feed.call(event.call, event.hotline, reference)
            if call.facts:
                later = accepted.time > call.last_at
                call.last_at = max(call.last_at, accepted.time)
                if later:
                    feed.touch(event.call)
                return later
        new: bool | Rejection = False
        for kind, at in (
            ("queued", accepted.time - (event.wait_ms or 0) - (event.talk_ms or 0)),
            ("answered", accepted.time - event.talk_ms if event.talk_ms is not None else None),
        ):
            if at is not None and event.queue:
                told_of = msgspec.structs.replace(
                    event, type=kind, wait_ms=event.wait_ms if kind == "answered" else None
                )
                new = self._call(feed, msgspec.structs.replace(accepted, event=told_of, time=at), reference)
        return new
