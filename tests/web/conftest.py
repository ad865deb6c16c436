"""A board filled with an invented morning, and the site that shows it, on a free port of loopback."""

import asyncio
from collections.abc import AsyncIterator

import city
import pytest
from aiohttp import ClientSession
from browser import chromium
from playwright.async_api import BrowserContext
from running_site import RunningSite

from deploy.runtime.settings import Settings


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
