"""How far the partitions that a process owns are, as its last fetches tell it: for clocks, metrics and `/healthz`."""

from collections.abc import Callable, Mapping
from typing import Any

from deploy.runtime import engine_metrics as metrics
from deploy.runtime.owned import OwnedPartition
from deploy.runtime.state_records import Place
from deploy.runtime.transport import Fetched


class Progress:
    """`fetched(topic, partition)`: what the last fetch of it said, None before the first."""

    def __init__(self, fetched: Callable[[str, int], Fetched | None]) -> None:
        self._fetched = fetched
        self._rested: dict[Place, Fetched | None] = {}

    def caught_up(self, place: Place, owned: OwnedPartition) -> bool:
        """Whether everything appended has been applied, as far as a fetch of the last 5 s can tell; ask once a tick."""
        fetched = self._fetched(*place)
        before, self._rested[place] = self._rested.get(place), fetched
        if fetched is None or not fetched.recent or fetched.position < fetched.end:
            return False
        # What is left may have no records (markers of transactions): only sure if nothing moved since the last tick.
        nothing_left = before == fetched and owned.position.next >= fetched.delivered
        return nothing_left or owned.position.next >= fetched.position

    def measure(self, place: Place, owned: OwnedPartition) -> None:
        """Set its metrics."""
        labels = (place[0], str(place[1]))
        end, lag = self._end_and_lag(place, owned)
        metrics.POSITION.labels(*labels).set(owned.position.next)
        metrics.CLOCK.labels(*labels).set(owned.processor.clock / 1000)
        metrics.END.labels(*labels).set(end or 0)
        metrics.LAG.labels(*labels).set(lag or 0)

    def facts(self, owned: Mapping[Place, OwnedPartition], retention_used: Mapping[Place, float]) -> dict[str, Any]:
        """What `/healthz` says of each; `retention_used`: how much of its time in the log what is not read has had."""
        return {
            "partitions": [
                self._fact(place, its, retention_used.get(place, 0.0)) for place, its in sorted(owned.items())
            ]
        }

    def _fact(self, place: Place, owned: OwnedPartition, retention_used: float) -> dict[str, Any]:
        end, lag = self._end_and_lag(place, owned)
        return {
            "topic": place[0],
            "partition": place[1],
            "position": owned.position.next,
            "end": end,
            "lag": lag,
            "clock": owned.processor.clock,
            "retention_used": retention_used,
        }

    def _end_and_lag(self, place: Place, owned: OwnedPartition) -> tuple[int | None, int | None]:
        """The end of the log and how many offsets lie before it; None before the first fetch."""
        fetched = self._fetched(*place)
        if fetched is None:
            return None, None
        return fetched.end, 0 if owned.caught_up else max(0, fetched.end - owned.position.next)
