"""The whole product over a topic that is full already: `make bench-job-b`.

    python tests/bench/job_b.py [--rounds 3] [--events 200000] [--for SECONDS] [--calls-a-day 3000000]
        [--partitions 6] [--workers 1] [--as-they-came] [--save] [--add]

Each round has a broker and a ClickHouse of its own: events are loaded, aiokafka reads them and nothing else (the
yardstick), then `streams` processes take them in (validation, pseudonyms, visits, every default dimension set, gauges,
signals, checkpoints), while one `sinks` writes rows. The clock runs from the first record taken in until there is
nothing left and everything told is merged. Afterwards every (queue, minute) and (source, minute) in ClickHouse has to be
what a plain loop finds, and what ClickHouse keeps is measured, before and after its merges. `--for 120`: as many events
as two minutes take, by a short round before.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import load_b
import msgspec
import report
from aiokafka import TopicPartition
from engines.partitioned import topics as with_partitions
from whole import USUAL_PARTITIONS, Place, Process, Whole

from deploy import topics
from deploy.producers.publisher import Message, Publisher
from deploy.runtime.kafka import partition_counts, reading
from deploy.runtime.settings import Kafka
from sinks.clickhouse.client import connect
from sinks.clickhouse.migrate import migrate
from streams.contract.topics import CALLS, CELLS, DEAD_LETTER, PARTIALS, VISITS

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "job_b.json"
WITHIN_S = 900.0
TRIAL = 250_000
"""Events of a trial for `--for`: by then as many calls end as begin, and an event costs what it goes on to cost."""
TWICE = 2  # a bundle under way would be seen by then
WRITTEN = (VISITS, PARTIALS, CELLS)
CPU_OF = ("streams", "sinks", "ClickHouse", "Kafka")
SIZES = (
    "SELECT table, sum(bytes_on_disk) FROM system.parts WHERE active AND database = currentDatabase() GROUP BY table"
)


class Timed(msgspec.Struct):
    """Of an event its time, ms."""

    time: int


class Figure(NamedTuple):
    """One round. `cpu_s`: by kind of process, each one alone, until all was read; `cpu_stored_s`: until it was stored too,
    `stored_after_s` later: ClickHouse has the right totals.

    `behind`, `most_behind`: records that the writer had not stored when all was read, and at the worst moment before.
    `written`: records by topic; `rows`: written to ClickHouse by table, repeats included; `bytes_*`: on disk by table.
    """

    calls_a_day: int
    partitions: int
    workers: int
    events: int
    calls: int
    seconds: float
    drain_seconds: float
    drain_cpu_s: float
    cpu_s: dict[str, list[float]]
    cpu_stored_s: dict[str, list[float]]
    behind: int
    most_behind: int
    stored_after_s: float
    checkpoints: int
    written: dict[str, int]
    rows: dict[str, int]
    bytes_before: dict[str, int]
    bytes_merged: dict[str, int]
    load_average: float
    as_they_came: bool = False

    @property
    def speed(self) -> float:
        return self.events / self.seconds

    @property
    def of_drain(self) -> float:
        return self.drain_seconds / self.seconds

    @property
    def per_core(self) -> float:
        """Events per second of a core that `streams` had."""
        return self.events / sum(self.cpu_s["streams"])

    def __str__(self) -> str:
        return (
            f"{self.calls_a_day:,} calls a day, {self.partitions} partitions, {self.workers} workers: {self.events:,} events in {self.seconds:.1f} s, "
            f"{self.speed:,.0f}/s, {self.of_drain:.3f} of the drain, {self.per_core:,.0f} per second of a core; "
            f"writer {self.behind:,} behind (most {self.most_behind:,}), done {self.stored_after_s:.1f} s later; "
            f"load average {self.load_average:.1f}"
        )


class Result(NamedTuple):
    machine: str
    at: str
    figures: list[Figure]


def measure(events: int, calls_a_day: int, partitions: int, workers: int, *, as_they_came: bool) -> Figure:
    """One round. Raises RuntimeError if a process fails, AssertionError if ClickHouse has other totals."""
    loaded = load_b.make(events, partitions, calls_a_day=calls_a_day)
    with tempfile.TemporaryDirectory() as directory, Whole(Path(directory), partitions) as whole:
        kafka = whole.settings.kafka
        its_topics = with_partitions(partitions)
        if as_they_came:
            its_topics = tuple(
                msgspec.structs.replace(it, timestamp="CreateTime") if it.name == CALLS else it for it in its_topics
            )
        asyncio.run(topics.apply(kafka, its_topics))
        migrate(whole.settings)
        records = len(loaded.messages)
        asyncio.run(publish(kafka, loaded, as_they_came=as_they_came))
        drain = drained(kafka, records, Path(directory))
        sinks = whole.start("sinks")
        whole.until(lambda: sinks.ready, within=60)
        streams = [whole.start("streams") for _ in range(workers)]

        def read() -> int:
            return sum(at for its in streams for (topic, _), at in its.positions().items() if topic == CALLS)

        first = whole.until(read, within=60)
        begin, before, made = time.perf_counter(), whole.costs(), checkpoints(streams)
        most = looks = 0

        def told() -> bool:
            """Whether everything is taken in, sent and merged: a backlog's last outputs follow when it knows it has caught up."""
            nonlocal most, looks
            most = max(most, sinks.behind())
            looks = looks + 1 if read() == records and not any(its.behind() for its in streams) else 0
            return looks == TWICE

        whole.until(told, within=WITHIN_S)
        seconds, after, made = time.perf_counter() - begin, whole.costs(), checkpoints(streams) - made
        load_average = os.getloadavg()[0]
        written = asyncio.run(ends(kafka, [*WRITTEN, DEAD_LETTER]))
        left = behind(sinks.positions(), {place: end for place, end in written.items() if place[0] != PARTIALS})
        whole.until(lambda: not wrong(whole, loaded), within=WITHIN_S)
        stored_after = time.perf_counter() - begin - seconds
        stored = whole.costs()
        rows = sinks.metrics("hotline_sinks_rows_written_total", "table")
        parts = [sizes(whole, merge=merge) for merge in (False, True)]

        def used(at: dict[str, list[Any]]) -> dict[str, list[float]]:
            return {name: [b.cpu_s - a.cpu_s for a, b in zip(before[name], at[name], strict=True)] for name in CPU_OF}

        return Figure(
            calls_a_day=calls_a_day,
            partitions=partitions,
            workers=workers,
            events=records - first,
            calls=loaded.calls,
            seconds=seconds,
            drain_seconds=drain["seconds"] * (records - first) / records,
            drain_cpu_s=drain["cpu_seconds"],
            cpu_s=used(after),
            cpu_stored_s=used(stored),
            behind=left,
            most_behind=most,
            stored_after_s=stored_after,
            checkpoints=made,
            written={topic: sum(end for (its, _), end in written.items() if its == topic) for topic in WRITTEN},
            rows={table: int(number) for table, number in rows.items()},
            bytes_before=parts[0],
            bytes_merged=parts[1],
            load_average=load_average,
            as_they_came=as_they_came,
        )


async def publish(kafka: Kafka, loaded: load_b.LoadB, *, as_they_came: bool) -> None:
    """Each record with the time of its event, `as_they_came`."""
    async with Publisher(kafka) as publisher:
        for some in load_b.batches(loaded.messages):
            await publisher.publish(map(when_it_happened, some) if as_they_came else some)


def when_it_happened(message: Message) -> Message:
    return message._replace(timestamp=msgspec.json.decode(message.value, type=Timed).time)


def drained(kafka: Kafka, records: int, directory: Path) -> dict[str, Any]:
    """The yardstick: what `getmany` alone takes."""
    out = directory / "drain.json"
    command = [sys.executable, str(HERE / "engines" / "aiokafka_drain.py"), kafka.bootstrap, CALLS, str(records)]
    subprocess.run([*command, str(out)], check=True, timeout=WITHIN_S)
    told: dict[str, Any] = json.loads(out.read_text())
    return told


async def ends(kafka: Kafka, names: list[str]) -> dict[Place, int]:
    """Partition -> the offset that its next record gets."""
    async with reading(kafka) as consumer:
        counts = await partition_counts(consumer, names)
        places = [TopicPartition(name, number) for name in names for number in range(counts[name])]
        return {(place.topic, place.partition): end for place, end in (await consumer.end_offsets(places)).items()}


def behind(at: Mapping[Place, int], until: Mapping[Place, int]) -> int:
    """Records between the two."""
    return sum(max(0, end - at.get(place, 0)) for place, end in until.items())


def checkpoints(streams: Sequence[Process]) -> int:
    """States written by all of them, each of one partition."""
    return sum(int(it.metrics("hotline_engine_checkpoint_seconds_count").get("", 0)) for it in streams)


def wrong(whole: Whole, loaded: load_b.LoadB) -> list[str]:
    """The cells in which ClickHouse and the plain loop differ, in words."""
    lines = []
    with connect(whole.settings.clickhouse) as client:
        for dimension, column, expected in (
            ("queue", "offered", loaded.offered),
            ("queue", "answered_by_outcome", loaded.answered),
            ("source", "events", loaded.records),
        ):
            rows = client.query(
                f"SELECT {dimension}, toUnixTimestamp(minute) * 1000, {column} FROM v_cells "
                f"WHERE feed = 'live' AND dimension_set = '{dimension}' AND {column} > 0"
            ).result_rows
            found = {(value, minute): number for value, minute, number in rows}
            lines += [
                f"{column} of {key}: stored {found.get(key, 0)}, counted {expected.get(key, 0)}"
                for key in found.keys() | expected.keys()
                if found.get(key, 0) != expected.get(key, 0)
            ]
    return lines


def sizes(whole: Whole, *, merge: bool) -> dict[str, int]:
    """Bytes on disk by table; `merge`: once each partition of a table is one part, without what is out of date."""
    with connect(whole.settings.clickhouse) as client:
        found = dict(client.query(SIZES).result_rows)
        if merge:
            for table in found:
                client.command(f"OPTIMIZE TABLE `{table}` FINAL")
            found = dict(client.query(SIZES).result_rows)
    return {table: found[table] for table in sorted(found, key=found.__getitem__, reverse=True)}


def tables(result: Result) -> str:
    """Markdown."""
    head = f"{result.at}; {result.machine}; ratios: min, **median**, max.\n\n"
    speeds = [
        (
            "| calls a day | partitions | workers | rounds | events/s | of the drain | per second of a core of `streams` "
            "| of one core: streams, sinks, ClickHouse, Kafka | writer behind at the end, records; done after, s "
            "| checkpoints | load average |"
        ),
        "|" + "---|" * 11,
    ]
    for key in sorted({(*it[:3], it.as_they_came) for it in result.figures}):
        some = [it for it in result.figures if (*it[:3], it.as_they_came) == key]
        used = [
            " + ".join(
                f"{median(it.cpu_s[name][n] / it.seconds for it in some):.0%}" for n in range(len(some[0].cpu_s[name]))
            )
            for name in CPU_OF
        ]
        speeds.append(
            f"| {key[0]:,}{' as they came' if key[3] else ''} | {key[1]} | {key[2]} | {len(some)} | {median(it.speed for it in some):,.0f} "
            f"| {report.spread([it.of_drain for it in some if it.partitions <= USUAL_PARTITIONS], 3)} | {median(it.per_core for it in some):,.0f} "
            f"| {', '.join(used)} | {median(it.behind for it in some):,.0f}; {median(it.stored_after_s for it in some):.1f} "
            f"| {median(it.checkpoints for it in some):.0f} | {min(it.load_average for it in some):.1f} to {max(it.load_average for it in some):.1f} |"
        )
    usual = {it.calls_a_day: it for it in result.figures if it[1:3] == (USUAL_PARTITIONS, 1) and not it.as_they_came}
    return head + "\n".join(speeds) + "".join(kept(last) for last in usual.values())


def kept(last: Figure) -> str:
    """What was written in a round, and how large it is in ClickHouse; Markdown."""
    records = ", ".join(
        f"{topic.partition('.')[2]} {number / last.events:.3f}" for topic, number in last.written.items()
    )
    text = (
        f"\n\nA round of {last.calls_a_day:,} calls a day ({last.events:,} events of {last.calls:,} calls): records written "
        f"per event: {records}; rows per event: {sum(last.rows.values()) / last.events:.3f}. In ClickHouse, per million calls:\n\n"
    )
    lines = ["| table | rows written per call | MB as written | MB merged |", "|---|---|---|---|"]
    sums = [sum(it.values()) / last.calls for it in (last.bytes_before, last.bytes_merged)]
    for table, merged in last.bytes_merged.items():
        if merged / last.calls > sums[1] / 100:
            before = last.bytes_before.get(table, 0)
            lines.append(
                f"| `{table}` | {last.rows.get(table, 0) / last.calls:.3f} | {before / last.calls:.2f} | {merged / last.calls:.2f} |"
            )
    lines.append(f"| **all** | {sum(last.rows.values()) / last.calls:.3f} | **{sums[0]:.2f}** | **{sums[1]:.2f}** |")
    return text + "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--for", type=float, dest="seconds")
    parser.add_argument("--calls-a-day", type=int, default=3_000_000)
    parser.add_argument("--partitions", type=int, nargs="*", default=[USUAL_PARTITIONS])
    parser.add_argument("--workers", type=int, nargs="*", default=[1])
    parser.add_argument("--as-they-came", action="store_true")
    parser.add_argument("--save", action="store_true")
    parser.add_argument("--add", action="store_true")
    chosen = parser.parse_args()
    result = (
        msgspec.json.decode(RESULTS.read_bytes(), type=Result)
        if chosen.add
        else Result(report.machine(), report.now(), [])
    )
    for _ in range(chosen.rounds):
        for partitions in chosen.partitions:
            for workers in chosen.workers:
                events = chosen.events
                if chosen.seconds:
                    trial = measure(TRIAL, chosen.calls_a_day, partitions, workers, as_they_came=chosen.as_they_came)
                    events = int(trial.speed * chosen.seconds)
                result.figures.append(
                    measure(events, chosen.calls_a_day, partitions, workers, as_they_came=chosen.as_they_came)
                )
                print(result.figures[-1], file=sys.stderr, flush=True)
                if chosen.save:
                    RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")
                    report.put(HERE, "job B", "job_b.py", tables(result))
    print(tables(result))


if __name__ == "__main__":
    main()
