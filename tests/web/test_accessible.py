"""axe-core finds nothing on any view of the board, in either language and theme."""

import city
import pytest
from axe_playwright_python.async_playwright import Axe
from browser import Watched, in_a_browser, resize
from playwright.async_api import BrowserContext, expect
from running_site import RunningSite

pytestmark = in_a_browser


@pytest.fixture
def settings():
    return city.demo_settings(kafka={"bootstrap": "127.0.0.1:1"}, paging="hotline")


@pytest.mark.parametrize(
    ("query", "size"),
    [
        ("?lang=en&theme=dark", (1920, 1080)),
        ("?lang=zh&theme=light", (390, 844)),
        ("?lang=zh&theme=light&queue=utilities&metric=offered&in=15m", (1920, 1080)),
        ("?lang=en&theme=dark&queue=*", (390, 844)),
        ("?lang=en&theme=dark&view=tv", (1920, 1080)),
        ("?lang=zh&theme=dark&page=districts", (1920, 1080)),
        ("?lang=en&theme=light&page=districts", (390, 844)),
        ("?lang=en&theme=light&page=categories&within=utilities", (1920, 1080)),
        ("?lang=zh&theme=dark&page=agents", (1920, 1080)),
        ("?lang=en&theme=dark&page=alerts", (1920, 1080)),
    ],
)
async def test_no_violations(context: BrowserContext, site: RunningSite, query: str, size: tuple[int, int]) -> None:
    board = Watched(await context.new_page(), site.url)
    await resize(board.page, size[0], size[1])
    page = await board.open(query)
    await expect(
        page.locator("[data-district], [data-kind], .crew-table td, .alarms li, .tile:visible, .chart-axis span").first
    ).to_be_visible()
    await page.evaluate("Promise.all(document.getAnimations().map((animation) => animation.finished))")
    found = await Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


async def test_the_dialogs_have_none_either(context: BrowserContext, site: RunningSite) -> None:
    page = await Watched(await context.new_page(), site.url).open()
    for key, name in (("s", "Silence"), ("?", "Keys"), ("/", "Find a queue")):
        dialog = page.get_by_role("dialog", name=name)
        await page.keyboard.press(key)
        await expect(dialog).to_be_visible()
        found = await Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        await page.keyboard.press("Escape")
        await expect(dialog).to_be_hidden()
