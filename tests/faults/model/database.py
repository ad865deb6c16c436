"""A database in memory: highest version wins. And its writer, which stores at least once, in any order, when it can."""

import random
from collections.abc import Iterable
from typing import Any

import msgspec

from model.broker import PARTITIONS, Broker
from model.laws import BrokenError
from oracle.batch import Answer
from oracle.told import answer_of, id_of
from streams.contract import CallFact, Cell, CellsRecord, DeadLetter, Gauge, Progress, Visit, VisitsRecord
from streams.contract.topics import CELLS, DEAD_LETTER, VISITS

_decoders: dict[str, Any] = {
    VISITS: msgspec.json.Decoder(VisitsRecord).decode,
    CELLS: msgspec.json.Decoder(CellsRecord).decode,
    DEAD_LETTER: msgspec.json.Decoder(DeadLetter).decode,
}


NOT_OF_KEY = {"version", "final", "counts", "sources_expected", "sources_heard"}


class Database:
    """The last version of everything that was stored, as views show it."""

    def __init__(self) -> None:
        self.rows: dict[tuple[Any, ...], tuple[Any, Any]] = {}
        self.away = False

    def store(self, key: tuple[Any, ...], version: Any, row: Any) -> None:
        """Keep a row if its version is not below the one there is; the same version must say the same."""
        known = self.rows.get(key)
        if known is not None and version < known[0]:
            return
        gone = getattr(row, "retracted", False) and known is not None and getattr(known[1], "retracted", False)
        if known is not None and version == known[0] and row != known[1] and not gone:
            raise BrokenError(f"{key} says two things at version {version}:\n{known[1]}\n{row}")
        if known is not None and getattr(known[1], "final", False) and not row.final:
            raise BrokenError(f"{key} was final and is not any more at version {version}")
        self.rows[key] = version, row

    def all(self, kind: type) -> list[Any]:
        return [row for _, row in self.rows.values() if type(row) is kind]

    def answer(self) -> Answer:
        return answer_of(self.all(Visit) + self.all(CallFact), self.all(Cell), self.all(DeadLetter))


class Sink:
    """The writer: reads the output topics from its commit on; killed, it begins there again."""

    def __init__(self, broker: Broker, database: Database, rng: random.Random) -> None:
        self._broker = broker
        self._database = database
        self._rng = rng
        self._at = {(topic, p): 0 for topic in _decoders for p in range(PARTITIONS[topic])}
        self._committed = dict(self._at)

    def work(self, most: int) -> None:
        """Store what came, one topic's partitions in any order, unless the database is away."""
        if self._database.away:
            return
        found = []
        for (topic, partition), at in self._at.items():
            records = self._broker.logs[topic, partition][at : at + most]
            self._at[topic, partition] += len(records)
            found += [(topic, record) for record in records]
        self._rng.shuffle(found)
        for topic, record in found:
            assert record.value is not None
            for key, version, row in _rows(_decoders[topic](record.value), record.offset):
                self._database.store(key, version, row)
        if self._rng.random() < 0.5:
            self._committed = dict(self._at)

    def crash(self) -> None:
        self._at = dict(self._committed)

    @property
    def done(self) -> bool:
        return all(self._broker.end(*place) <= at for place, at in self._at.items())


def _rows(record: Any, offset: int) -> Iterable[tuple[tuple[Any, ...], Any, Any]]:
    """(natural key, version, row) of a record."""
    if isinstance(record, Visit | CallFact):
        yield ("visit", record.feed, record.generation, id_of(record)), tuple(record.version), record
    elif isinstance(record, Cell):
        key = {k: v for k, v in msgspec.structs.asdict(record).items() if k not in NOT_OF_KEY}
        yield ("cell", *key.values()), record.version, record
    elif isinstance(record, DeadLetter):
        yield ("letter", record.partition, record.offset), 0, record
    elif isinstance(record, Gauge):
        yield ("gauge", record.feed, record.hotline, record.queue), (record.version, offset), record
    elif isinstance(record, Progress):
        yield ("progress",), (record.version, offset), record
