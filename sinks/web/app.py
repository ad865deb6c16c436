"""`hotline web`: the wallboard and the API. No Faust, no group: any number of these can run."""

import asyncio
import signal

import structlog
import uvloop
from aiohttp import web

from deploy.runtime.ending import leave
from deploy.runtime.settings import Settings
from sinks.web.board import Board
from sinks.web.reader import Reader
from sinks.web.server import Site

SHUTDOWN_S = 2.0

log = structlog.get_logger()


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, and end the process.

    Raises SettingsError without a Kafka address; what ends reading (offsets that are gone) ends the
    process, which its supervisor starts again with a clean memory.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings))
        leave()  # inside: the runner's own end waits for each question that ClickHouse has not answered


async def serve(settings: Settings) -> None:
    """Read and serve until told to stop."""
    board = Board(settings.alerts.feed)
    reader = Reader(board, settings)
    site = Site(board, reader, settings)
    runner = web.AppRunner(site.application(), access_log=None, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        await web.TCPSite(runner, settings.web.host, settings.web.port).start()
        log.info("web listening", addresses=[f"http://{a[0]}:{a[1]}" for a in runner.addresses])
        await _until_stopped(stop, reader, site)
    finally:
        await runner.cleanup()
        await site.audit.finish()  # last: what is asked until then is a deed too
    log.info("web stopped")


async def _until_stopped(stop: asyncio.Event, reader: Reader, site: Site) -> None:
    """Wait for the stop; an error of whatever runs is raised."""
    works = (
        stop.wait(),
        reader.run(),
        site.publish_for_ever(),
        site.look_back_for_ever(),
        site.planning.read_file_for_ever(),
        site.audit.run(),
    )
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
