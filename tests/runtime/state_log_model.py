"""The state log without a broker: its records in order, a compaction, owners that may stop in the middle."""

from collections.abc import Iterator

from deploy.runtime.state_found import Found
from deploy.runtime.state_records import Mark, Parts, Place, Stand, State, compress
from deploy.runtime.state_taking import Taking

PLACE: Place = ("in", 0)


def stand(offset: int = 10, **changes: object) -> Stand:
    return Stand(
        offset=offset, clock=1_700_000_000_000, cluster="here", mark=Mark.of(1_700_000_000_000, b"record"), **changes
    )


class Log:
    """Records of one input partition; `take` begins a hold, `write` makes a checkpoint as far as it gets."""

    def __init__(self) -> None:
        self.records: list[tuple[bytes, bytes | None]] = []
        self._owners = 0

    def found(self, place: Place = PLACE) -> Found:
        found = Found(place)
        for key, value in self.records:
            found.take(key, value)
        return found

    def state(self) -> State | None:
        return self.found().resume().state

    def take(self) -> Taking:
        found = self.found()
        self._owners += 1
        return Taking(PLACE, found.epoch + 1, f"owner{self._owners}", found.leftover())

    def write(self, taking: Taking, parts: Parts, offset: int = 10, *, steps: int | None = None) -> list[bytes]:
        """Write a checkpoint, or only its first `steps` records; returns the keys written."""
        keys = []
        for key, value in _records(taking, parts, offset):
            if len(keys) == steps:
                break
            self.records.append((key, value))
            keys.append(key)
        return keys

    def compact(self, upto: int | None = None) -> None:
        """Keep the last record of each key among the first `upto` (all); tombstones stay."""
        head, tail = self.records[:upto], self.records[len(self.records) if upto is None else upto :]
        last = {key: number for number, (key, _) in enumerate(head)}
        self.records = [record for number, record in enumerate(head) if last[record[0]] == number] + tail

    def drop_tombstones(self) -> None:
        """What the broker does after delete.retention.ms, in a log that is compacted."""
        self.compact()
        self.records = [record for record in self.records if record[1] is not None]


def _records(taking: Taking, parts: Parts, offset: int) -> Iterator[tuple[bytes, bytes | None]]:
    checkpoint = taking.plan(stand(offset), parts)
    for key, raw in checkpoint.shards:
        yield key, compress(raw)
    yield checkpoint.manifest
    taking.written(checkpoint)
    yield from checkpoint.after
    taking.cleared()
