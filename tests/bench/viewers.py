"""Many screens on one web process: how late updates are, and whether memory stays flat.

    python tests/bench/viewers.py [--viewers 500] [--seconds 60]

A process of its own serves the invented morning as if it were now; four times a second a record changes it. Every screen
is a stream on a socket, read here by one process that looks only for `data_as_of`. Printed is the age that the oldest
change of an update can have when the screen has the whole message: the time since the last change that the update
before it already held (changes wait for the next look at the board, four times a second at most).
"""

import argparse
import asyncio
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[1] / "web"))

import city
from aiohttp import web

from deploy.embedded.child import free_port
from sinks.web.board import Board
from sinks.web.reader import Reader
from sinks.web.server import Site

AS_OF = re.compile(rb'"data_as_of":(\d+)')
EVERY_S = 0.25
SETTLED_S = 5.0


def now_ms() -> int:
    return int(time.time() * 1000)


def changes(random: Random) -> Iterator[object]:
    """Records that change what is shown: a queue's gauge, a minute's cell, the clock."""
    version = 1 << 40
    while True:
        version += 1
        now = now_ms()
        queue = random.choice(list(city.QUEUES))
        waiting = random.randint(0, 9)
        yield city.gauge(queue, now, waiting, waiting // 3, now - 9_000 if waiting else None, 5, version)
        for kind, name in (("queue", queue), ("hotline", "")):
            counts = city.cell_counts(random, random.randint(1, 9), 0.9, 15)
            minute = now - now % 60_000
            yield city._cell(kind, name, minute, counts)
        yield city.progress(now, version)


async def serve(port: int) -> None:
    settings = city.demo_settings(kafka={"bootstrap": "127.0.0.1:1"}, web={"port": port})
    board = Board("live")
    reader = Reader(board, settings)
    reader.known_from, reader.problem = 1, ""
    for record, at in city.records(now_ms()):
        board.apply(record, at)
    site = Site(board, reader, settings)
    runner = web.AppRunner(site.application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    publishing = asyncio.create_task(site.publish_for_ever())
    records = changes(Random(1))
    try:
        while True:
            for _ in range(4):
                board.apply(next(records), now_ms())
            reader.intake.came.set()
            await asyncio.sleep(EVERY_S)
    finally:
        publishing.cancel()


class Screen:
    """One stream: how old the oldest change of each update can be (s), and the bytes it took."""

    def __init__(self) -> None:
        self.delays: list[float] = []
        self.bytes = 0
        self.seen = 0

    async def look(self, port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        writer.write(b"GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        try:
            while line := await reader.readline():
                self.bytes += len(line)
                found = AS_OF.search(line) if line.startswith(b"data: ") else None
                if found and int(found[1]) != self.seen:
                    if self.seen:
                        self.delays.append(time.time() - self.seen / 1000)
                    self.seen = int(found[1])
        finally:
            writer.close()


def rss_mb(pid: int) -> float:
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1024


def cpu_s(pid: int) -> float:
    parts = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / 100


async def measure(port: int, pid: int, viewers: int, seconds: int) -> None:
    alone = rss_mb(pid)
    screens = [Screen() for _ in range(viewers)]
    looking = [asyncio.create_task(screen.look(port)) for screen in screens]
    while not all(screen.seen for screen in screens):
        if broken := [task for task in looking if task.done()]:
            broken[0].result()
            raise SystemExit("a stream ended before its first message")
        await asyncio.sleep(0.1)
    await asyncio.sleep(SETTLED_S)
    for screen in screens:
        screen.delays.clear()
        screen.bytes = 0
    memory, used, began = [rss_mb(pid)], cpu_s(pid), time.monotonic()
    for _ in range(10):
        await asyncio.sleep(seconds / 10)
        memory.append(rss_mb(pid))
    took = time.monotonic() - began
    for task in looking:
        task.cancel()
    delays = sorted(delay for screen in screens for delay in screen.delays)
    fewest = min(len(screen.delays) for screen in screens)
    print(f"viewers {viewers}, {took:.0f} s, updates seen {len(delays)}, fewest by one screen {fewest}")
    print(
        f"oldest change, s: median {delays[len(delays) // 2]:.2f}, p99 {delays[len(delays) * 99 // 100]:.2f}, most {delays[-1]:.2f}"
    )
    print(f"memory MB: alone {alone:.0f}, then {' '.join(f'{mb:.0f}' for mb in memory)}")
    print(f"cpu {100 * (cpu_s(pid) - used) / took:.0f} %, {sum(s.bytes for s in screens) / took / 1e6:.1f} MB/s in all")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--viewers", type=int, default=500)
    arguments.add_argument("--seconds", type=int, default=60)
    arguments.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.serve:
        asyncio.run(serve(given.serve))
        return
    port = free_port()
    child = subprocess.Popen([sys.executable, __file__, "--serve", str(port)])
    try:
        asyncio.run(until_it_listens(port))
        asyncio.run(measure(port, child.pid, given.viewers, given.seconds))
    finally:
        child.terminate()
        child.wait()


async def until_it_listens(port: int) -> None:
    for _ in range(600):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
            continue
        writer.close()
        return
    raise SystemExit("the web process does not listen")


if __name__ == "__main__":
    main()
