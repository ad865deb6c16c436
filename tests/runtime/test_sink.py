"""The plain sink: at least once, in order, through failures of the store and of the process."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.kafka, pytest.mark.faults]


def stored(target: Path) -> dict[int, list[int]]:
    offsets: dict[int, list[int]] = {}
    for line in target.read_text().splitlines(keepends=True) if target.exists() else []:
        if not line.endswith("\n"):
            break  # it is being written
        partition, offset = line.split()
        offsets.setdefault(int(partition), []).append(int(offset))
    return offsets


async def test_a_store_that_is_away_for_a_while_loses_nothing_and_no_order(
    bench: Any, tmp_path: Path, until: Any, stop: Any
) -> None:
    target, away = tmp_path / "stored", tmp_path / "away"
    away.touch()
    arguments = (bench.group, bench.source, str(target), str(away))
    sink = bench.run("storing", *arguments)
    await bench.produce(5_000)
    await until(lambda: "cannot store now" in bench.log_of(sink), bench)
    await bench.produce(5_000)
    away.unlink()
    ends = await bench.ends()
    await until(lambda: sum(map(len, stored(target).values())) >= 10_000, bench)
    assert stored(target) == {p: list(range(end)) for p, end in ends.items() if end}
    await until(lambda: "stored again" in bench.log_of(sink), bench)
    assert stop(sink) == 0, "what is stored is committed: nothing comes twice"
    bench.run("storing", *arguments)
    await bench.produce(1_000)
    await until(lambda: sum(map(len, stored(target).values())) >= 11_000, bench)
    assert stored(target) == {p: list(range(end)) for p, end in (await bench.ends()).items() if end}


async def test_a_killed_sink_stores_everything_at_least_once(bench: Any, tmp_path: Path, until: Any) -> None:
    target, away = tmp_path / "stored", tmp_path / "away"
    arguments = (bench.group, bench.source, str(target), str(away))
    sink = bench.run("storing", *arguments)
    producing = asyncio.create_task(bench.produce(10_000))
    await until(lambda: sum(map(len, stored(target).values())) > 1_000, bench)
    sink.kill()
    sink.wait()
    await producing
    bench.run("storing", *arguments)
    ends = await bench.ends()
    await until(
        lambda: {p: len(set(o)) for p, o in stored(target).items()} == {p: e for p, e in ends.items() if e}, bench
    )


async def test_what_the_topic_deletes_while_the_store_is_away_is_counted(
    bench: Any, tmp_path: Path, until: Any
) -> None:
    target, away = tmp_path / "stored", tmp_path / "away"
    away.touch()
    sink = bench.run("storing", bench.group, bench.source, str(target), str(away))
    for _ in range(6_000):  # more than is fetched ahead
        await bench.producer.send(bench.source, b"x" * 2_000, partition=0)
    await bench.producer.flush()
    await until(lambda: "cannot store now" in bench.log_of(sink), bench)
    await bench.delete_records(0, 5_900)
    away.unlink()
    await until(lambda: 5_999 in stored(target).get(0, ()), bench)
    [told] = [json.loads(line) for line in bench.log_of(sink).splitlines() if "deleted before they were stored" in line]
    assert told["missing"] == 6_000 - len(stored(target)[0])
