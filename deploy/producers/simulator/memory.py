"""What the demo remembers in its data directory, so that the next start goes on where this one ended."""

from pathlib import Path
from typing import TypeVar

import msgspec

from deploy.producers.simulator.incidents import Incident

_T = TypeVar("_T", bound=msgspec.Struct)
HISTORY = "history.json"
LIVE = "simulation.json"


class RememberedHistory(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The history that a cluster already holds: hotline, calls per day, seed, range (ms)."""

    cluster: str
    feed: str
    generation: int
    hotline: str
    rate: float
    seed: int
    range_from: int
    range_to: int


class RememberedLive(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A simulation that can be made again exactly: its beginning, its pauses and incidents, how far it was sent."""

    cluster: str
    hotline: str
    queues: list[str]
    rate: float
    comfort: float
    sources: list[str]
    delivery: tuple[float, float]
    lost_ending: float
    seed: int
    start: int
    sent_until: int
    toggles: list[tuple[int, bool]]
    incidents: list[Incident]

    def same_as(self, other: "RememberedLive") -> bool:
        """Whether both simulate the same hotline into the same cluster."""

        def identity(one: "RememberedLive") -> tuple[object, ...]:
            return (
                *(one.cluster, one.hotline, one.queues, one.rate, one.comfort, one.seed),
                *(one.sources, one.delivery, one.lost_ending),
            )

        return identity(self) == identity(other)


def recall(path: Path, kind: type[_T]) -> _T | None:
    """What was remembered; None if there is nothing, or nothing that this version can read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def remember(path: Path, record: msgspec.Struct) -> None:
    """Replace the file in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    beside.write_bytes(msgspec.json.encode(record))
    beside.replace(path)
