"""The whole streams core in one process without Kafka: N calls partitions, one merger, an honest log between.

Everything that leaves is decoded from its bytes, and the last version per key is kept, as a reader does.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from deploy.runtime.processor import Output, Record
from deploy.runtime.settings import Settings
from streams.contract import (
    DIMENSIONS,
    CallFact,
    Cell,
    CellsRecord,
    DeadLetter,
    Gauge,
    Progress,
    Signal,
    SourceStatus,
    Visit,
    VisitMark,
    VisitsRecord,
)
from streams.contract.keys import murmur2_partition
from streams.contract.topics import CALLS, CELLS, DEAD_LETTER, PARTIALS, SIGNALS, VISITS
from streams.processors import factory

_cells = msgspec.json.Decoder(CellsRecord)
_visits = msgspec.json.Decoder(VisitsRecord)
_letters = msgspec.json.Decoder(DeadLetter)
_signals = msgspec.json.Decoder(Signal)


ON_EVERY_PARTITION = {"feed_begin", "feed_end", "snapshot_begin", "snapshot_end"}


def key_of(event: dict[str, Any]) -> str:
    """The record key that a producer gives an event."""
    if event["type"] == "heartbeat":
        return str(event.get("source", ""))
    if event["type"] == "agent_state":
        return str(event.get("agent", ""))
    return str(event.get("call") or event.get("agent") or "")


class Engine:
    """Feed it events (dicts) with append times; read visits, cells, gauges, letters and signals."""

    def __init__(self, settings: Settings | None = None, partitions: int = 6) -> None:
        self.settings = settings or Settings(demo=True)
        self.partitions = partitions
        self._build = factory(self.settings)
        self._calls = [self._build(CALLS, p, None) for p in range(partitions)]
        self._merger = self._build(PARTIALS, 0, None)
        self._offsets = [0] * partitions
        self._partials = 0
        self._log: list[list[Record]] = [[] for _ in range(partitions)]
        self._saved: dict[int, tuple[dict[str, bytes], int]] = {}
        self.visits: dict[tuple[str, int, str], Visit] = {}
        self.facts: dict[tuple[str, str, int], CallFact] = {}
        self.sources: dict[str, SourceStatus] = {}
        self.marks: list[VisitMark] = []
        self.cells: dict[tuple[Any, ...], Cell] = {}
        self.gauges: dict[tuple[str, str], Gauge] = {}
        self.records: list[Any] = []
        self.letters: dict[tuple[int, int], DeadLetter] = {}
        self.signals: list[Signal] = []
        self.progress: Progress | None = None

    def send(self, events: Iterable[dict[str, Any] | bytes], append: int, key: str | None = None) -> None:
        """Append events at one instant; bytes and markers go where `key` (or partition 0) says."""
        batches: dict[int, list[Record]] = {}
        for event in events:
            if isinstance(event, dict) and event["type"] in ON_EVERY_PARTITION:
                targets = list(range(self.partitions))
            else:
                name = key if key is not None else key_of(event) if isinstance(event, dict) else ""
                targets = [murmur2_partition(name.encode(), self.partitions) if name else 0]
            value = event if isinstance(event, bytes) else msgspec.json.encode(event)
            for p in targets:
                batches.setdefault(p, []).append(Record(self._offsets[p], append, None, value))
                self._offsets[p] += 1
        for p, records in batches.items():
            self._read(p, records, append)

    def send_to(self, partition: int, events: Iterable[dict[str, Any]], append: int) -> None:
        """Append events to one partition, wherever their keys belong."""
        first = self._offsets[partition]
        values = [msgspec.json.encode(event) for event in events]
        self._offsets[partition] += len(values)
        records = [Record(offset, append, None, value) for offset, value in enumerate(values, first)]
        self._read(partition, records, append)

    def _read(self, partition: int, records: list[Record], append: int) -> None:
        self._log[partition] += records
        self._calls[partition].apply(records)
        self._carry(self._calls[partition].outputs(), append)

    def tick(self, now: int, caught_up: bool = True) -> None:
        for calls in self._calls:
            calls.tick(now, caught_up=caught_up)
            self._carry(calls.outputs(), now)

    def restart(self) -> None:
        """Every process stops after a checkpoint and starts from its snapshot."""
        self.take_up([calls.snapshot() for calls in self._calls], self._merger.snapshot())

    def take_up(self, calls: list[dict[str, bytes]], merger: dict[str, bytes]) -> None:
        """Every process starts from these snapshots."""
        self._calls = [self._build(CALLS, p, snapshot) for p, snapshot in enumerate(calls)]
        self._merger = self._build(PARTIALS, 0, merger)

    def checkpoint(self, partition: int) -> None:
        """The state of one calls partition is written."""
        self._saved[partition] = self._calls[partition].snapshot(), len(self._log[partition])

    def crash(self, partition: int, now: int) -> None:
        """One calls partition is killed: it starts from its checkpoint and reads on, in one great chunk."""
        snapshot, read = self._saved[partition]
        self._calls[partition] = self._build(CALLS, partition, snapshot)
        self._calls[partition].apply(self._log[partition][read:])
        self._calls[partition].tick(now + 5_000, caught_up=True)
        self._carry(self._calls[partition].outputs(), now + 5_000)

    def state_bytes(self) -> list[int]:
        return [sum(map(len, core.snapshot().values())) for core in (*self._calls, self._merger)]

    def _carry(self, outputs: list[Output], now: int) -> None:
        bundles = []
        for output in outputs:
            if output.topic == PARTIALS:
                bundles.append(Record(self._partials, now, None, output.value))
                self._partials += 1
            elif output.topic == VISITS:
                self._visit(_visits.decode(output.value))
            elif output.topic == DEAD_LETTER:
                letter = _letters.decode(output.value)
                self.letters[letter.partition, letter.offset] = letter
            else:
                raise AssertionError(output.topic)
        if not bundles:
            return
        self._merger.apply(bundles)
        for output in self._merger.outputs():
            if output.topic == SIGNALS:
                self.signals.append(_signals.decode(output.value))
            else:
                assert output.topic == CELLS
                self._record(_cells.decode(output.value))

    def _visit(self, visit: Visit | CallFact | VisitMark) -> None:
        if isinstance(visit, VisitMark):
            self.marks.append(visit)
            return
        if isinstance(visit, CallFact):
            self.facts[visit.call, visit.type, visit.at] = visit
            return
        key = (visit.feed, visit.generation, visit.visit)
        known = self.visits.get(key)
        if known is None or tuple(visit.version) >= tuple(known.version):
            self.visits[key] = visit

    def _record(self, record: Any) -> None:
        self.records.append(record)
        if isinstance(record, Cell):
            key = (record.feed, record.generation, record.hotline, record.dimension_set)
            key += (*(getattr(record, name) for name in DIMENSIONS), record.minute)
            known = self.cells.get(key)
            assert known is None or record.version >= known.version
            assert known is None or record.final or not known.final, "final is never taken back"
            self.cells[key] = record
        elif isinstance(record, Gauge):
            self.gauges[record.hotline, record.queue] = record
        elif isinstance(record, SourceStatus):
            self.sources[record.source] = record
        elif isinstance(record, Progress):
            self.progress = record

    def total(self, dimension_set: str = "hotline", feed: str = "live", **dims: str) -> dict[str, int]:
        """The sum of all cells of a set (of the given queue or category), zero counters left out."""
        total: dict[str, int] = {}
        for cell in self.cells.values():
            wanted = cell.feed == feed and cell.dimension_set == dimension_set
            if wanted and all(getattr(cell, name) == value for name, value in dims.items()):
                for name, number in cell.counts.items():
                    total[name] = total.get(name, 0) + number
        return total
