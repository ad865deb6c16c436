"""When calls (or agents) are due: their ids by second, so that an entry costs the eight bytes of a reference.

A heap of (instant, id) pairs takes twelve times as much, and a call is entered anew with each of its events.
"""

from collections.abc import Callable, Iterator
from heapq import heappop, heappush


class Schedule:
    """Ids by the second in which they are due. An entry that no longer holds is passed over when its second comes."""

    def __init__(self) -> None:
        self._seconds: dict[int, list[str]] = {}
        self._order: list[int] = []

    def put(self, call_id: str, due: int) -> None:
        """The call is due at that instant (ms)."""
        second = due // 1000
        ids = self._seconds.get(second)
        if ids is None:
            self._seconds[second] = [call_id]
            heappush(self._order, second)
        else:
            ids.append(call_id)

    def take(self, clock: int, due_of: Callable[[str], int | None]) -> Iterator[str]:
        """Calls that are due at `clock` (ms) or before, also those that are put meanwhile.

        `due_of`: when a call is due as things are now; None if it is not remembered.
        """
        now = clock // 1000
        later: list[tuple[str, int]] = []
        while self._order and self._order[0] <= now:
            second = heappop(self._order)
            for call_id in self._seconds.pop(second):
                due = due_of(call_id)
                if due is None or due // 1000 != second:
                    continue
                if due <= clock:
                    yield call_id
                else:
                    later.append((call_id, due))
        for call_id, due in later:
            self.put(call_id, due)

    def clear(self) -> None:
        """Forget all."""
        self._seconds.clear()
        self._order.clear()
