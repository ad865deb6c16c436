"""What sources send of what happens: heartbeats, snapshots, and what becomes of events on their way."""

import heapq
from collections.abc import Iterator, Sequence
from random import Random

import msgspec

from deploy.producers.publisher import Message
from deploy.producers.simulator.calls import Register
from deploy.producers.simulator.demand import MINUTE_MS
from deploy.producers.simulator.floor import Floor
from deploy.producers.simulator.incidents import Incident
from deploy.producers.simulator.truth import TrueSource
from deploy.producers.simulator.world import World
from streams.contract import CallEvent

HEARTBEAT_MS = 20_000
_SECOND_COPY_MS = 2_000
_REPEATED_WITHIN_MS = 60_000
_LATE_WITHIN_MS = (1_000, 90_000)
_MARKERS = frozenset({"snapshot_begin", "snapshot_end", "feed_end"})
_ORDERLY = _MARKERS | {"heartbeat", "snapshot"}
_NOT_OF_CALLS = _ORDERLY | {"agent_state"}
_encode = msgspec.json.Encoder().encode


def messages(events: Sequence[CallEvent], partitions: int) -> Iterator[Message]:
    """Events as records: the call is the key, the agent or the source for theirs; markers go everywhere."""
    for event in events:
        value = _encode(event)
        if event.type in _NOT_OF_CALLS:
            if event.type in _MARKERS:
                for partition in range(partitions):
                    yield Message(event.source.encode(), value, partition)
                continue
            key = event.agent if event.type == "agent_state" else event.call or event.agent or event.source
            yield Message(key.encode(), value)
        else:
            yield Message(event.call.encode(), value)


class Sources:
    """Heartbeats while the hotline is open, and snapshots when a source begins to send (again)."""

    def __init__(self, world: World, register: Register, floor: Floor, incidents: Sequence[Incident]) -> None:
        self._world = world
        self._register = register
        self._floor = floor
        self._sources = [site.source for site in world.profile.sites]
        for incident in incidents:
            if incident.incident == "dead-feed":
                world.at(incident.end, self._resume, incident)

    def begin(self) -> None:
        """The hotline opens: everything there is, then a heartbeat at once and every 20 s."""
        for source in self._sources:
            self.snapshot(source)
            self._beat(source)

    def snapshot(self, source: str) -> None:
        """Everything open at a source: calls with how long they wait and talk, agents with state and skills."""
        world = self._world
        world.tell("snapshot_begin", source)
        for call in self._register.under_way.values():
            if call.source != source or call.phase == "over":
                continue
            if call.phase == "menu":
                world.tell("snapshot", source, call=call.id, **call.traits)
                continue
            visit = call.visit
            wait_ms = visit.wait_ms if visit.wait_ms is not None else world.now - visit.queued_at
            talk_ms = None
            if visit.answered_at is not None:
                talk_ms = max(0, world.now - visit.answered_at - (visit.hold_ms or 0))
            world.tell(
                "snapshot",
                source,
                call=call.id,
                queue=visit.queue,
                wait_ms=wait_ms,
                talk_ms=talk_ms,
                language=call.language,
                **call.traits,
            )
        for agent in self._floor.on_duty(source):
            world.tell(
                "snapshot",
                source,
                agent=agent.id,
                centre=agent.site.centre,
                state=agent.state,
                reason=agent.reason,
                queue=agent.queue,
                skills=list(agent.skills),
            )
        world.tell("snapshot_end", source)

    def _resume(self, incident: Incident) -> None:
        for source in self._sources:
            if incident.source in {"", source}:
                self.snapshot(source)

    def _beat(self, source: str) -> None:
        if not self._floor.closed:
            self._world.tell("heartbeat", source)
            self._world.at(self._world.now + HEARTBEAT_MS, self._beat, source)


class Delivery:
    """The way from the sources to the topic: dead and doubled feeds, repeated and delayed events.

    `duplicates` of the events are sent twice, `disorder` of them up to 90 s late (shares). `after`: what left until
    then (ms) was sent by an earlier run. With `counting`, what is sent is counted by source and minute of event time.
    """

    def __init__(
        self,
        incidents: Sequence[Incident] = (),
        seed: int = 0,
        *,
        duplicates: float = 0.0,
        disorder: float = 0.0,
        after: int = 0,
        counting: bool = False,
    ) -> None:
        self._dead = [incident for incident in incidents if incident.incident == "dead-feed"]
        self._doubled = [incident for incident in incidents if incident.incident == "doubled-feed"]
        self._random = Random(f"{seed}/delivery")  # noqa: S311  (no secret is made of it)
        self._duplicates = duplicates
        self._disorder = disorder
        self._after = after
        self._counting = counting
        self._as_it_comes = not (self._dead or self._doubled or duplicates or disorder)
        self._held: list[tuple[int, int, CallEvent]] = []
        self._number = 0
        self._counts: dict[tuple[str, int], TrueSource] = {}

    def send(self, events: Sequence[CallEvent], until: int | None) -> Sequence[CallEvent]:
        """What leaves up to `until` (None: all that is left) of these and earlier events, in order of leaving."""
        if self._as_it_comes:
            sent = events if not self._after else [event for event in events if int(event.time) > self._after]
        else:
            for event in events:
                self._take(event)
            sent = []
            while self._held and (until is None or self._held[0][0] <= until):
                at, _, event = heapq.heappop(self._held)
                if at > self._after:
                    sent.append(event)
        if self._counting:
            for event in sent:
                counted = self._counted(event)
                counted.events += 1
                counted.heartbeats += event.type == "heartbeat"
        return sent

    def counts(self) -> list[TrueSource]:
        """What every source sent, by minute."""
        return [self._counts[key] for key in sorted(self._counts)]

    def _take(self, event: CallEvent) -> None:
        at, source, random = int(event.time), event.source, self._random
        if any(incident.holds_for(source, at) for incident in self._dead):
            if self._counting:
                self._counted(event).untold += 1
            return
        leaves = at
        if event.type not in _ORDERLY:
            if self._disorder and random.random() < self._disorder:
                leaves += random.randrange(*_LATE_WITHIN_MS)
            if self._duplicates and random.random() < self._duplicates:
                self._copy(event, leaves + random.randrange(_REPEATED_WITHIN_MS))
        self._hold(event, leaves)
        if any(incident.holds_for(source, at) for incident in self._doubled):
            self._copy(event, leaves + _SECOND_COPY_MS)

    def _copy(self, event: CallEvent, leaves: int) -> None:
        if self._counting:
            self._counted(event).copies += 1
        self._hold(event, leaves)

    def _hold(self, event: CallEvent, leaves: int) -> None:
        self._number += 1
        heapq.heappush(self._held, (leaves, self._number, event))

    def _counted(self, event: CallEvent) -> TrueSource:
        minute = int(event.time) // MINUTE_MS * MINUTE_MS
        key = event.source, minute
        known = self._counts.get(key)
        if known is None:
            known = self._counts[key] = TrueSource(source=event.source, minute=minute)
        return known
