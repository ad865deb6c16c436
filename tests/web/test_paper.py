"""What a page looks like on paper."""

import pytest
from browser import Watched, in_a_browser, resize
from invented_calls import InventedPast
from playwright.async_api import BrowserContext, expect
from running_site import RunningSite

pytestmark = in_a_browser


@pytest.mark.parametrize("query", ["", "&queue=utilities", "&page=agents", "&view=tv"])
async def test_paper_is_light_and_one_sheet_has_all_of_it(
    context: BrowserContext, site: RunningSite, query: str
) -> None:
    board = Watched(await context.new_page(), site.url)
    page = await board.open(f"?lang=en&theme=dark{query}")
    await page.emulate_media(media="print")
    await resize(page, 794, 1123)  # a sheet is narrower than a screen, and has the wall's picture all the same
    await expect(page.locator("body")).to_have_css("color", "rgb(18, 24, 30)")
    assert await page.locator(".nav, .keys, .strip-actions").locator("visible=true").count() == 0
    await expect(page.locator(".product")).to_be_visible()
    assert b"/Count 1" in await page.pdf(prefer_css_page_size=True)


async def test_on_paper_a_list_of_several_sheets_stretches_nothing_beside_it(
    context: BrowserContext, site: RunningSite
) -> None:
    site.site.api.past = InventedPast()  # type: ignore[assignment]
    board = Watched(await context.new_page(), site.url)
    page = await board.open("?lang=en&page=calls")
    await expect(page.locator(".calls tbody tr")).to_have_count(14)
    await page.emulate_media(media="print")
    beside = "() => document.querySelector('.queue-left').getBoundingClientRect().bottom"
    alone = await page.evaluate(beside)
    await page.evaluate(
        "() => { const list = document.querySelector('.calls tbody'); const rows = [...list.children];"
        " for (let n = 0; n < 9; n++) rows.forEach((row) => list.append(row.cloneNode(true))); }"
    )
    last = await page.locator(".calls tbody tr").last.bounding_box()
    footer = await page.locator("#footer").bounding_box()
    assert last
    assert footer
    assert last["y"] > 2 * alone, "it is of several sheets"
    assert await page.evaluate(beside) == alone
    assert footer["y"] > last["y"] + last["height"]
