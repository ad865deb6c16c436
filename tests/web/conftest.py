"""A board filled with an invented morning, and the site that shows it, on a free port of loopback.

All tests of a worker share one browser, and so one event loop: what Playwright gives out belongs to the loop that it was
started in. Asynchronous fixtures here say `loop_scope="session"`; the tests get theirs below.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import city
import pytest
import pytest_asyncio
from aiohttp import ClientSession
from browser import chromium, empty_context
from playwright.async_api import Browser, BrowserContext
from running_site import RunningSite

from deploy.runtime.settings import Settings

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture
def settings() -> Settings:
    return city.demo_settings(kafka={"bootstrap": "127.0.0.1:1"})


@pytest_asyncio.fixture(loop_scope="session")
async def empty_site(settings: Settings) -> AsyncIterator[RunningSite]:
    """A site that has heard nothing yet."""
    running = RunningSite(settings)
    running.site.publish()
    await running.start()
    yield running
    await running.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def site(empty_site: RunningSite) -> RunningSite:
    """The same, with the morning on its board."""
    empty_site.fill(city.records())
    return empty_site


@pytest_asyncio.fixture(loop_scope="session")
async def http(empty_site: RunningSite) -> AsyncIterator[ClientSession]:
    async with ClientSession(empty_site.url) as session:
        yield session
    await asyncio.sleep(0)  # let the connector close its transports within the test


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """Nothing that another test left: no page, storage, cookie, cache."""
    async with empty_context(browser) as opened:
        yield opened
