"""The seam between the pure cores and the shell that reads Kafka for them."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol


class Record(NamedTuple):
    """One input record: `timestamp` is the broker's (append time for `hotline.calls`), ms."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


class Output(NamedTuple):
    """One record to send; `partition` None: the producer's default partitioner (murmur2 of the key)."""

    topic: str
    key: bytes | None
    value: bytes
    partition: int | None = None


class Processor(Protocol):
    """The whole state of one input partition, as a pure core.

    The shell calls `apply` with records in offset order without repeats, `tick` about every 500 ms
    and sends what `outputs` hands over; after those are acknowledged it writes `snapshot` to the state
    log. A processor built from a snapshot goes on as if it had never stopped. Methods that it may have beside these:

    - `saved()`: its last snapshot is written.
    - `changes()`: the snapshot, with None for a part that is as it was at the last call (or when it was built from a
      snapshot): then it need not be packed and compared.
    - `resumed(end, epoch, first=...)`: it was built to go on, where the log ended before offset `end`, as owner `epoch`;
      `first`: nobody has told anything before.
    - `missed(count)`: so many records were deleted before they could be applied.
    """

    def apply(self, records: Sequence[Record]) -> None:
        """Take in records; no I/O, no clock. What follows from them may wait until `outputs` asks for it."""

    def tick(self, now: int, *, caught_up: bool) -> None:
        """Let time pass: `now` is wall time in ms, `caught_up` whether everything appended has been applied."""

    def outputs(self) -> list[Output]:
        """Hand over (and forget) what has to be sent since the last call."""

    def snapshot(self) -> dict[str, bytes]:
        """The whole state in named parts. A part that stays the same, byte for byte, is not written again.

        A part should be the same bytes as long as it holds the same: then a checkpoint costs what changed.
        """

    @property
    def clock(self) -> int:
        """The partition clock in ms (0 before the first record)."""


ProcessorFactory = Callable[[str, int, Mapping[str, bytes] | None], Processor]
"""(topic, partition, the parts of the last snapshot or None) -> processor."""
