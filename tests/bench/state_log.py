"""How long a checkpoint and a load of 1, 10 and 100 MB of state take, and for how long the event loop stands still.

    python tests/bench/state_log.py

Starts a broker of its own. The state is records as they are in practice (they compress to about a third), in parts
of 256 KiB; "a tenth" changes one part in ten. The loop's longest stand-still is measured by a task that sleeps 1 ms: by the
clock it holds what else the machine does, of work it holds what the loop's thread did.
"""

import asyncio
import random
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from deploy import topics
from deploy.embedded.child import free_port
from deploy.embedded.kafka import KafkaBroker
from deploy.runtime.settings import Kafka
from deploy.runtime.state_log import StateLog
from deploy.runtime.state_records import Stand
from deploy.runtime.transport import new_producer
from streams.contract.topics import STATE_STREAMS

PART_BYTES = 256 * 1024


def part(seed: int) -> bytes:
    """About 256 KiB of calls."""
    rng = random.Random(seed)
    calls: list[list[object]] = []
    while len(calls) < PART_BYTES // 90:
        at = 1_700_000_000_000 + rng.randrange(10**8)
        calls.append([f"call-{rng.getrandbits(48):012x}", "city", rng.choice("abcd"), at, at + rng.randrange(10**5)])
    return msgspec.msgpack.encode(calls)[:PART_BYTES].ljust(PART_BYTES, b"\0")


class StandStill:
    """The longest time that the event loop gave nobody else a turn, in ms: by the clock, and of work of its own."""

    def __init__(self) -> None:
        self.longest = self.work = 0.0

    async def watch(self) -> None:
        while True:
            begun, worked = time.perf_counter(), time.thread_time()
            await asyncio.sleep(0.001)
            self.longest = max(self.longest, (time.perf_counter() - begun - 0.001) * 1000)
            self.work = max(self.work, (time.thread_time() - worked) * 1000)


@asynccontextmanager
async def watched(label: str, megabytes: int) -> AsyncIterator[list[str]]:
    still, said = StandStill(), list[str]()
    task = asyncio.create_task(still.watch())
    begun = time.perf_counter()
    yield said
    seconds = time.perf_counter() - begun
    task.cancel()
    print(
        f"{megabytes:>4} MB  {label:<28}{seconds:7.2f} s   stand-still {still.longest:5.1f} ms, of work "
        f"{still.work:4.1f} ms  {' '.join(said)}"
    )


async def nothing() -> None:
    """What this machine does to the event loop of a process that does nothing."""
    async with watched("nothing at all", 0):
        await asyncio.sleep(2)


async def measure(kafka: Kafka, megabytes: int, place: tuple[str, int]) -> None:
    log = StateLog(STATE_STREAMS, kafka)
    parts = {f"part {n}": part(n) for n in range(megabytes * 4)}
    stand = Stand(offset=1, clock=1, cluster="", mark=None)
    async with new_producer(kafka) as producer:
        taking = (await log.read([place]))[place].taking
        async with watched("first checkpoint", megabytes) as said:
            said.append(f"{await log.write(producer, taking, stand, parts) / 1e6:.1f} MB written")
        async with watched("nothing changed", megabytes) as said:
            said.append(f"{await log.write(producer, taking, stand, parts) / 1e6:.3f} MB written")
        for turn in range(10):
            changed = {name: part(turn * 1000 + n) for n, name in enumerate(parts) if n % 10 == turn}
            parts |= changed
            if turn < 9:
                await log.write(producer, taking, stand, parts)
        async with watched("a tenth changed", megabytes) as said:
            said.append(f"{await log.write(producer, taking, stand, parts) / 1e6:.1f} MB written")
    async with watched("load (every part twice in it)", megabytes) as said:
        loaded = (await log.read([place]))[place]
    assert loaded.state is not None
    assert loaded.state.parts == parts


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        broker = KafkaBroker(Path(directory) / "kafka", port=free_port())
        broker.start(timeout_s=120)
        try:
            kafka = Kafka(bootstrap=broker.bootstrap)
            asyncio.run(topics.apply(kafka))
            asyncio.run(nothing())
            for number, megabytes in enumerate((1, 10, 100)):
                asyncio.run(measure(kafka, megabytes, ("bench", number)))
        finally:
            broker.stop()


if __name__ == "__main__":
    main()
