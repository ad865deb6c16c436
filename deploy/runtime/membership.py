"""Whether this process is still in its consumer group, as far as it can tell by itself.

A group gives a member up that it has not heard for the session time-out, and deals its partitions to others. A process
that hung for as long does not know that yet when it wakes up; but its own clock tells it that its last question was
answered too long ago to be sure. What it makes then may not be told: its successor does not know of it.
"""

import time
from collections.abc import Callable
from typing import Any

from aiokafka.errors import NoError, RebalanceInProgressError
from aiokafka.protocol.group import HeartbeatRequest, SyncGroupRequest

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Goes on while the machine sleeps, where there is such a clock."""

_ANSWERS: dict[type, frozenset[int]] = {
    HeartbeatRequest: frozenset({NoError.errno, RebalanceInProgressError.errno}),
    SyncGroupRequest: frozenset({NoError.errno}),
}
"""Request -> error codes with which the group says that it counts the session anew."""


def seconds() -> float:
    """Of the machine, whatever its wall clock says."""
    return time.clock_gettime(_CLOCK)


class Membership:
    """`session_s`: for how long the group keeps a member that it does not hear."""

    def __init__(self, session_s: float, clock: Callable[[], float] = seconds) -> None:
        self._session_s = session_s
        self._clock = clock
        self._until = clock()

    @property
    def sure(self) -> bool:
        """The group cannot have given this process up yet, unless by its own leave or for one of the same name."""
        return self._clock() < self._until

    def watch(self, coordinator: Any) -> None:
        """Learn from what aiokafka's `coordinator` is answered. It counts from the question: that came before."""
        send = coordinator._send_req  # noqa: SLF001  (the one place all its requests pass)

        async def watched(request: Any) -> Any:
            asked = self._clock()
            response = await send(request)
            wanted = _ANSWERS.get(type(request))
            if wanted is not None and response.error_code in wanted:
                self._until = max(self._until, asked + self._session_s)
            return response

        coordinator._send_req = watched  # noqa: SLF001
