"""The clockwork under the simulation: an agenda of what happens when, one generator of random numbers, what was told."""

import heapq
from collections.abc import Callable
from random import Random
from typing import Any

from deploy.producers.simulator.calls import Call
from deploy.producers.simulator.profile import Profile
from deploy.producers.simulator.truth import Truth
from streams.contract import CallEvent, EventType


class World:
    """Simulated time (`now`, epoch ms), chance (`random`), and the events and truths told since last taken."""

    def __init__(self, profile: Profile, seed: int, start: int, feed: str, generation: int) -> None:
        self.profile = profile
        self.habits = profile.habits
        self.now = start
        self.random = Random(f"{seed}/{start}")  # noqa: S311  (no secret is made of it)
        self.truth: list[Truth] = []
        self._events: list[CallEvent] = []
        self._agenda: list[tuple[int, int, Callable[[Any], None], Any]] = []
        self._number = 0
        self._common: dict[str, dict[str, Any]] = {
            site.source: {
                "hotline": profile.hotline,
                "source": site.source,
                "feed": feed,
                "generation": generation,
            }
            for site in profile.sites
        }

    def at(self, time: int, act: Callable[[Any], None], what: Any) -> None:
        """Let `act(what)` happen at `time`; of one instant, what was asked for first happens first."""
        self._number += 1
        heapq.heappush(self._agenda, (time, self._number, act, what))

    def advance(self, until: int) -> None:
        """Everything that happens up to `until` (ms, included), in order of time."""
        agenda = self._agenda
        while agenda and agenda[0][0] <= until:
            self.now, _, act, what = heapq.heappop(agenda)
            act(what)

    def tell(self, type_: EventType, source: str, **more: Any) -> None:
        """An event of now, sent by `source`."""
        self._events.append(CallEvent(type=type_, time=self.now, **self._common[source], **more))

    def tell_of(self, call: Call, type_: EventType, **more: Any) -> None:
        """An event of now about a call."""
        call.told_until = self.now
        self._events.append(CallEvent(type=type_, time=self.now, call=call.id, **self._common[call.source], **more))

    def take_events(self) -> list[CallEvent]:
        events, self._events = self._events, []
        return events

    def tell_truth(self, truth: Truth) -> None:
        self.truth.append(truth)

    def take_truth(self) -> list[Truth]:
        truth, self.truth = self.truth, []
        return truth

    def chance(self, share: float) -> bool:
        """True in `share` of all cases; nothing is drawn for 0."""
        return share > 0 and self.random.random() < share
