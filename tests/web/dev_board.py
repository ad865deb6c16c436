"""Serve the invented morning for a look at the page: `python tests/web/dev_board.py [port] [state]`.

States: `morning` (default), `quiet`, `first`, `stale`, `live` (the morning is now and goes on), `many` (18 queues),
`silent` (one of two sources), `down` (both).
"""

import asyncio
import sys
import time
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parent))

import city
from aiohttp import web
from invented_calls import InventedPast

from sinks.web.board import Board
from sinks.web.reader import Reader
from sinks.web.server import Site


async def main(port: int, state: str) -> None:
    settings = city.demo_settings(
        kafka={"bootstrap": "127.0.0.1:1"}, web={"hotline": city.HOTLINE, "port": port}, paging="hotline"
    )
    board = Board("live")
    reader = Reader(board, settings)
    reader.known_from, reader.problem = 1, ""
    start = int(time.time() * 1000)
    moment = start if state == "live" else city.MORNING
    for record, at in city.records(moment) if state != "first" else ():
        if not (state == "quiet" and type(record).__name__ == "AlertEvent"):
            board.apply(record, at)
    for number in range(10 if state == "many" else 0):
        board.apply(city.gauge(f"branch-{number + 1}", moment, number * 13, number, moment - 4_000_000, 5, 1), moment)
    since = moment - 780_000
    for name in {"silent": ["PBX-2"], "down": ["PBX-1", "PBX-2"]}.get(state, []):
        board.apply(city.source(moment, name, 9, silent_since=since), moment)
    late = 48_000 if state == "stale" else 2_000
    site = Site(
        board,
        reader,
        settings,
        now=lambda: moment + late + int(time.time() * 1000) - start if state == "live" else moment + late,
    )
    if state == "morning":
        site.api.past = InventedPast()  # type: ignore[assignment]
        site.screens.worst = {"rate": 0.9521, "begin": "2026-03-02T01:12:00Z", "end": "2026-03-03T01:12:00Z"}
    runner = web.AppRunner(site.application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    random, version = Random(1), 2
    while True:
        if state == "live":
            now = int(time.time() * 1000)
            board.apply(city.progress(now, version), now)
            queue = random.choice(list(city.QUEUES))
            waiting = random.randint(0, 9)
            board.apply(
                city.gauge(queue, now, waiting, waiting // 3, now - 9_000 if waiting else None, 5, version), now
            )
            version += 1
        site.publish()
        await asyncio.sleep(1)


if __name__ == "__main__":
    asyncio.run(
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 18_080, sys.argv[2] if len(sys.argv) > 2 else "morning")
    )
