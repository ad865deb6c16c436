"""A day of a million events against the oracle, with the engine's memory by the hour: `python tests/faults/million.py`.

5 % of the events come twice, 5 % out of order, 1 % late, and of 1 % of the calls nobody ever tells the end. The cores run
in a process of their own that keeps nothing but their state; what they tell goes to a file. Exit code 1 if a visit, cell
or dead letter differs, if memory grows in the second half of the day, or if somebody still waits after everything
expired.
"""

import argparse
import heapq
import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import count, groupby
from pathlib import Path
from typing import BinaryIO

import msgspec

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS.parent), str(TESTS), str(TESTS / "faults")]

from deploy.runtime.processor import Output, Record  # noqa: E402  (the path comes first)
from model.broker import PARTITIONS  # noqa: E402
from model.traffic import HOUR, MINUTE, START, Arrival, Plan, S, of_call  # noqa: E402
from model.world import settings  # noqa: E402
from oracle.batch import Answer, compute  # noqa: E402
from oracle.compare import differences  # noqa: E402
from oracle.reading import Input  # noqa: E402
from oracle.rules import rules_of  # noqa: E402
from oracle.told import answer_of  # noqa: E402
from streams.contract import DIMENSIONS, Cell, CellsRecord, DeadLetter, Gauge, VisitMark, VisitsRecord  # noqa: E402
from streams.contract.topics import CALLS, CELLS, DEAD_LETTER, PARTIALS, VISITS  # noqa: E402
from streams.processors import factory  # noqa: E402

TICK_MS = 5 * S
DAY_MS = 24 * HOUR
GROWTH = 1.1
"""How much larger the process may be at the end of the day than at noon: the day is told evenly."""
SHOWN = 20


class Sample(msgspec.Struct):
    """The engine's process at an instant (ms): its memory (bytes), and who waits as the last gauges say."""

    at: int
    resident: int
    waiting: int


def day(events: int, seed: int) -> Iterator[Arrival]:
    """A day of calls in order of arrival, about so many events."""
    rng = random.Random(seed)
    chances = {
        "repeat": 0.05,
        "disorder": 0.05,
        "late": 0.01,
        "far_behind": 0.0,
        "future": 0.0,
        "lost": 0.0,
        "broken": 0.0,
    }
    plan = Plan(calls=0, span_ms=DAY_MS, endless=0.01, **chances)  # type: ignore[arg-type]
    per_minute = events / (DAY_MS // MINUTE) / _events_per_call(plan)
    waiting: list[tuple[int, int, Arrival]] = []
    calls, turns = count(1), count()
    for minute in range(DAY_MS // MINUTE):
        begin = START + minute * MINUTE
        while waiting and waiting[0][0] < begin:
            yield heapq.heappop(waiting)[2]
        for _ in range(int(per_minute) + (rng.random() < per_minute % 1)):
            for arrival in of_call(rng, plan, f"c{next(calls)}", begin + rng.randrange(MINUTE), PARTITIONS[CALLS]):
                heapq.heappush(waiting, (arrival.at, next(turns), arrival))
    while waiting:
        yield heapq.heappop(waiting)[2]


def _events_per_call(plan: Plan) -> float:
    rng = random.Random(0)
    return sum(len(of_call(rng, plan, str(n), START, PARTITIONS[CALLS])) for n in range(2_000)) / 2_000


class Engine:
    """The cores between an input log and a file of what they tell. It keeps the last gauge of each queue, nothing else."""

    def __init__(self, told: Path) -> None:
        build = factory(settings())
        self._calls = [build(CALLS, p, None) for p in range(PARTITIONS[CALLS])]
        self._merger = build(PARTIALS, 0, None)
        self._offsets = [0] * PARTITIONS[CALLS]
        self._partials = 0
        self._told = told.open("wb")
        self._cells: msgspec.json.Decoder[CellsRecord] = msgspec.json.Decoder(CellsRecord)
        self._gauges: dict[tuple[str, str, str], int] = {}

    def run(self, arrivals: Iterable[Arrival], log: Path) -> Iterator[Sample]:
        """Feed it everything, then let time pass until nothing is open; a sample for each hour."""
        now = START
        with log.open("wb") as written:
            for tick, group in groupby(arrivals, key=lambda arrival: arrival.at // TICK_MS):
                batch = list(group)
                while now < tick * TICK_MS:
                    now += TICK_MS
                    yield from self._tick(now)
                self._apply(batch, now := max(now, batch[-1].at), written)
            for _ in range(3 * HOUR // MINUTE):
                now += MINUTE
                yield from self._tick(now)
        yield self._sample(now)
        self._told.close()

    def _apply(self, batch: list[Arrival], now: int, log: BinaryIO) -> None:
        by_partition: dict[int, list[Record]] = {}
        for arrival in batch:
            p = arrival.partition
            by_partition.setdefault(p, []).append(Record(self._offsets[p], now, None, arrival.value))
            log.write(msgspec.json.encode((p, self._offsets[p], now, arrival.value.decode())) + b"\n")
            self._offsets[p] += 1
        for p, records in by_partition.items():
            self._calls[p].apply(records)
            self._carry(self._calls[p].outputs(), now)

    def _tick(self, now: int) -> Iterator[Sample]:
        for calls in self._calls:
            calls.tick(now, caught_up=True)
            self._carry(calls.outputs(), now)
        if now % HOUR < TICK_MS:
            yield self._sample(now)

    def _sample(self, now: int) -> Sample:
        return Sample(now, _resident(), sum(self._gauges.values()))

    def _carry(self, outputs: list[Output], now: int) -> None:
        bundles = []
        for output in outputs:
            if output.topic == PARTIALS:
                bundles.append(Record(self._partials, now, None, output.value))
                self._partials += 1
            else:
                self._told.write(_LETTER[output.topic] + output.value + b"\n")
        if not bundles:
            return
        self._merger.apply(bundles)
        for output in self._merger.outputs():
            assert output.topic == CELLS, output.topic
            record = self._cells.decode(output.value)
            if isinstance(record, Cell):
                self._told.write(b"c" + output.value + b"\n")
            elif isinstance(record, Gauge):
                self._gauges[record.feed, record.hotline, record.queue] = record.waiting if record.queue else 0


_LETTER = {VISITS: b"v", DEAD_LETTER: b"d"}


def _resident() -> int:
    """Memory of this process, bytes."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def answer(told: Path) -> Answer:
    """What was told, each visit, cell and letter at its highest version."""
    visit_of, cell_of = msgspec.json.Decoder(VisitsRecord), msgspec.json.Decoder(CellsRecord)
    letter_of = msgspec.json.Decoder(DeadLetter)
    visits, cells, letters = {}, {}, {}
    with told.open("rb") as lines:
        for line in lines:
            kind, value = line[:1], line[1:]
            if kind == b"c":
                cell = cell_of.decode(value)
                values = tuple(getattr(cell, name) for name in DIMENSIONS)
                cells[cell.hotline, cell.dimension_set, values, cell.minute] = cell
            elif kind == b"d":
                letter = letter_of.decode(value)
                letters[letter.partition, letter.offset] = letter
            elif not isinstance(visit := visit_of.decode(value), VisitMark):
                visits[getattr(visit, "visit", None) or (visit.call, visit.type, visit.at)] = visit
    return answer_of(visits.values(), cells.values(), letters.values())


def inputs(log: Path) -> Iterator[Input]:
    """The input topic as it was written."""
    decode = msgspec.json.Decoder(tuple[int, int, int, str]).decode
    with log.open("rb") as lines:
        for line in lines:
            partition, offset, appended, value = decode(line)
            yield Input(partition, offset, appended, value.encode())


def _run(folder: Path, events: int, seed: int) -> None:
    """The engine's process."""
    with (folder / "samples").open("wb") as samples:
        for sample in Engine(folder / "told").run(day(events, seed), folder / "log"):
            samples.write(msgspec.json.encode(sample) + b"\n")
            hour = (sample.at - START) / HOUR
            print(f"{hour:4.0f} h: {sample.resident / 2**20:,.0f} MiB, {sample.waiting} wait", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    wrong = []
    with tempfile.TemporaryDirectory(prefix="hotline-million-") as directory:
        folder, began = Path(directory), time.monotonic()
        engine = multiprocessing.get_context("spawn").Process(target=_run, args=(folder, asked.events, asked.seed))
        engine.start()
        engine.join()
        if engine.exitcode:
            return 1
        print(f"engine: {time.monotonic() - began:.0f} s", flush=True)
        samples = [msgspec.json.decode(line, type=Sample) for line in (folder / "samples").read_bytes().splitlines()]
        records = list(inputs(folder / "log"))
        truth, told = compute(records, rules_of(settings()), samples[-1].at), answer(folder / "told")
    wrong += differences(told, truth)
    reasons = Counter(letter["reason"] for letter in truth.letters.values())
    lost = sum(visit["outcome"] == "lost_track" for visit in truth.visits.values() if "outcome" in visit)
    print(
        f"{len(records):,} records, {len(truth.visits):,} visits, {len(truth.cells):,} cells, {dict(reasons)}, lost {lost:,}"
    )
    noon = next(it for it in samples if it.at >= START + DAY_MS // 2)
    evening = next(it for it in samples if it.at >= START + DAY_MS)
    if evening.resident > GROWTH * noon.resident:
        wrong.append(f"memory grew from {noon.resident:,} to {evening.resident:,} bytes in half a day")
    if samples[-1].waiting or not noon.waiting:
        wrong.append(f"waiting: {noon.waiting} at noon, {samples[-1].waiting} once everything expired")
    for line in wrong[:SHOWN]:
        print(line)
    print(f"{len(wrong)} differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
