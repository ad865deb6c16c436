"""The report of a backtest opened from disk in a real browser: no complaint, nothing fetched, nothing that axe finds."""

from datetime import UTC, datetime
from pathlib import Path

import backtest_kit as kit
import pytest
from axe_playwright_python.async_playwright import Axe
from browser import Watched, in_a_browser, resize
from playwright.async_api import BrowserContext, expect

from deploy.backtest.page import Page

pytestmark = in_a_browser


@pytest.mark.parametrize(
    ("language", "scheme", "size", "background"),
    [
        ("en", "light", (1280, 900), "rgb(232, 235, 238)"),
        ("zh", "dark", (390, 844), "rgb(15, 19, 23)"),
    ],
)
async def test_it_opens_from_disk(
    context: BrowserContext, tmp_path: Path, *, language: str, scheme: str, size: tuple[int, int], background: str
) -> None:
    file = tmp_path / "report.html"
    file.write_text(Page(kit.backtest(), kit.NAMES, language).html(datetime.now(UTC)), encoding="utf-8")
    watched = Watched(await context.new_page(), file.as_uri())
    page = watched.page
    await page.emulate_media(color_scheme=scheme)
    await resize(page, size[0], size[1])
    await page.goto(file.as_uri())
    await expect(page.locator("h2").first).to_be_visible()
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == background
    assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, "only plots and tables scroll"
    for summary in await page.locator("summary").all():
        await summary.click()
    found = await Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert (watched.complaints, watched.outside) == ([], [])


async def test_on_paper_it_is_light_and_whole(context: BrowserContext, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(Page(kit.backtest(), kit.NAMES, "en").html(datetime.now(UTC)), encoding="utf-8")
    page = await context.new_page()
    await page.emulate_media(color_scheme="dark", media="print")
    await resize(page, 680, 900)
    await page.goto(file.as_uri())
    assert await page.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(18, 24, 30)"
    await expect(page.get_by_role("cell", name="2026-03-15", exact=True)).to_be_visible()
    inside = "(it) => it.getBoundingClientRect().right <= innerWidth"
    assert await page.evaluate(f"[...document.querySelectorAll('svg, table')].every({inside})")
