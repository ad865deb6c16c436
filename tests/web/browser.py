"""Real Chromium: what the tests of pages share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

CHROMIUM = "/usr/bin/chromium"
WITHOUT = [
    # what Playwright leaves out: of two lists Chromium takes the last
    "AimEnabled", "AvoidCorsURLLoaderRestartOnRedirect", "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose", "HttpsFirstBalancedModeAutoEnable", "HttpsUpgrades", "LensOverlay", "MediaRouter",
    "NetworkTimeServiceQuerying", "OptimizationHints", "PaintHolding", "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
    # pages and processes that each context would make for an address bar and for a next site: two thirds of its cost
    "WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "SpareRendererForSitePerProcess",
]  # fmt: skip
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    f"--disable-features={','.join(WITHOUT)}",
]  # fmt: skip

in_a_browser = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="no browser: apt-get install chromium fonts-noto-cjk"),
]
PATIENCE_MS = 60_000
"""How long a page may take on a busy machine: what is wrong is not found any later for it, only said."""
expect.set_options(timeout=PATIENCE_MS)


SIDEWAYS = """() => [...document.querySelectorAll('html, #page *')]
  .filter((node) => node.clientWidth && node.scrollWidth > node.clientWidth + 1)
  .filter((node) => getComputedStyle(node).display !== 'inline' && !node.closest('thead, .unseen, .mark-flag'))
  .map((node) => node.outerHTML.slice(0, 80))"""
"""What of a page is wider than its place: it is cut off, or has to be scrolled to."""


def in_chromium(test):
    """Marked as a test of the page, in a module of which not all are."""
    for mark in in_a_browser:
        test = mark(test)
    return test


async def resize(page: Page, width: int, height: int) -> None:
    """Make the window so large, and wait until the page is drawn for it: what is smaller has shorter words."""
    await page.set_viewport_size({"width": width, "height": height})
    await page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")


class Watched:
    """A page and everything it complained about or asked for."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.complaints: list[str] = []
        self.outside: list[str] = []
        page.on("console", lambda m: self.complaints.append(m.text) if m.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda r: None if r.url.startswith(url) else self.outside.append(r.url))

    async def open(self, query: str = "?lang=en&theme=dark") -> Page:
        await self.page.goto(f"{self.url}/{query}", wait_until="domcontentloaded")
        await expect(self.page.locator(".tile:visible, #page:visible").first).to_be_visible()
        return self.page

    def tile(self, queue: str):
        return self.page.locator(f'.tile[data-queue="{queue}"]')


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS, timeout=PATIENCE_MS)
        yield browser
        await browser.close()


@asynccontextmanager
async def empty_context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """An empty context the size of a wall screen."""
    context = await browser.new_context(viewport={"width": 1920, "height": 1080})
    context.set_default_timeout(PATIENCE_MS)
    yield context
    await context.close()
