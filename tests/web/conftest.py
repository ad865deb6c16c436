"""A board filled with an invented morning, and the site that shows it, on a free port of loopback."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest
from aiohttp import ClientSession, web

sys.path.insert(0, str(Path(__file__).parent))

import city
from browser import chromium
from playwright.async_api import BrowserContext

from deploy.runtime.settings import Settings
from sinks.web.board import Board, Record
from sinks.web.reader import Reader
from sinks.web.server import Site


class RunningSite:
    """A site on a port; `now` is what it takes for wall time, `fill` puts records on its board."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.now = city.MORNING + 2_000
        self.port = 0
        self.runner: web.AppRunner | None = None
        self.reset()

    def reset(self) -> None:
        """A process that starts anew: an empty board, nothing published."""
        self.board = Board("live")
        self.reader = Reader(self.board, self.settings)
        self.reader.known_from, self.reader.problem = city.midnight(city.MORNING) - 3_600_000, ""
        self.site = Site(self.board, self.reader, self.settings, now=lambda: self.now)

    def fill(self, records: Iterable[tuple[Record, int]]) -> None:
        for record, at in records:
            self.board.apply(record, at)
        self.site.publish()

    def put(self, *records: Record) -> None:
        self.fill((record, self.now) for record in records)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self.runner = web.AppRunner(self.site.application(), access_log=None, shutdown_timeout=0.5)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", self.port, reuse_address=True).start()
        self.port = self.runner.addresses[0][1]

    async def stop(self) -> None:
        if self.runner is not None:
            await self.runner.cleanup()
            self.runner = None


@pytest.fixture
def settings() -> Settings:
    return city.demo_settings(kafka={"bootstrap": "127.0.0.1:1"})


@pytest.fixture
async def empty_site(settings: Settings) -> AsyncIterator[RunningSite]:
    """A site that has heard nothing yet."""
    running = RunningSite(settings)
    running.site.publish()
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def site(empty_site: RunningSite) -> RunningSite:
    """The same, with the morning on its board."""
    empty_site.fill(city.records())
    return empty_site


@pytest.fixture
async def http(empty_site: RunningSite) -> AsyncIterator[ClientSession]:
    async with ClientSession(empty_site.url) as session:
        yield session
    await asyncio.sleep(0)  # let the connector close its transports within the test


@pytest.fixture
async def context() -> AsyncIterator[BrowserContext]:
    async with chromium() as opened:
        yield opened
