"""The books of one partition: what was mended, refused or came late, with a dead letter for each refusal."""

import msgspec

from deploy.runtime.processor import Record
from streams.bundle import Quality
from streams.contract.dead_letters import DeadLetter
from streams.intake import Accepted, Rejection, advice_on_seconds

UNNAMED = "unnamed"
MAX_UNKNOWN_NAMES = 100

_encode = msgspec.json.Encoder().encode


def _count(counts: dict[str, int], name: str, number: int = 1) -> None:
    counts[name] = counts.get(name, 0) + number


class Ledger:
    """Counts into `quality`, by kind and source, and keeps the dead letters until they are taken."""

    def __init__(self, topic: str, partition: int, quality: Quality) -> None:
        self.quality = quality
        self._topic = topic
        self._partition = partition
        self._letters: list[DeadLetter] = []

    def take_letters(self) -> list[tuple[bytes, bytes]]:
        """(key, value) of each dead letter since the last call."""
        letters, self._letters = self._letters, []
        return [(f"{it.topic}/{it.partition}/{it.offset}".encode(), _encode(it)) for it in letters]

    def mended(self, accepted: Accepted) -> None:
        """An accepted event: its repairs and its unknown fields."""
        for kind in accepted.repairs:
            self.repaired(kind, accepted.event.source)
        names = self.quality.unknown_fields
        for name in accepted.unknown:
            _count(names, name if name in names or len(names) < MAX_UNKNOWN_NAMES else "(others)")

    def repaired(self, kind: str, source: str, number: int = 1) -> None:
        """`number` repairs of a kind (negative: a visit was told anew, without it)."""
        _count(self.quality.repaired.setdefault(kind, {}), source or UNNAMED, number)

    def misrouted(self, source: str) -> None:
        """An event on another partition than its key's."""
        _count(self.quality.misrouted, source or UNNAMED)

    def superseded(self, source: str) -> None:
        """An event of a lower generation than the feed's present one."""
        _count(self.quality.superseded, source or UNNAMED)

    def reject(self, record: Record, rejection: Rejection) -> None:
        """A record that is no event."""
        source = rejection.source or UNNAMED
        _count(self.quality.rejected.setdefault(rejection.reason, {}), source)
        letter = DeadLetter(
            topic=self._topic,
            partition=self._partition,
            offset=record.offset,
            reason=rejection.reason,
            field=rejection.field,
            detail=rejection.detail,
            preview=rejection.preview,
            source=source,
            append_time=record.timestamp,
        )
        self._letters.append(letter)

    def late(self, record: Record, accepted: Accepted) -> None:
        """An event that came after the allowed lateness (or after its feed had ended)."""
        event = accepted.event
        _count(self.quality.late, event.source or UNNAMED)
        letter = DeadLetter(
            topic=self._topic,
            partition=self._partition,
            offset=record.offset,
            reason="late",
            field="time",
            detail=advice_on_seconds(accepted.time),
            source=event.source or UNNAMED,
            feed=event.feed,
            hotline=event.hotline,
            type=event.type,
            event_time=accepted.time,
            append_time=record.timestamp,
        )
        self._letters.append(letter)
