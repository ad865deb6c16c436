"""At an hour at which nothing is promised no page shows a target."""

import re

import city
import pytest
from browser import Watched, in_chromium
from playwright.async_api import BrowserContext, expect
from running_site import RunningSite


@pytest.fixture
def settings():
    hotlines = {
        name: told | {"hours": [{"begin": "00:00", "end": "00:00", "target": None}]}
        for name, told in city.DEMO_SETTINGS["hotlines"].items()
    }
    return city.demo_settings(kafka={"bootstrap": "127.0.0.1:1"}, hotlines=hotlines)


@in_chromium
@pytest.mark.parametrize(
    ("lang", "said"), [("en", "nothing promised now · last 15 min"), ("zh", "此时段无目标 · 近 15 分钟")]
)
async def test_where_nothing_is_promised_no_target_is_shown(
    context: BrowserContext, site: RunningSite, lang: str, said: str
) -> None:
    board = Watched(await context.new_page(), site.url)
    page = await board.open(f"?lang={lang}")
    await expect(page.locator(".total-level .sub")).to_have_text(said)
    tile = board.tile("housing")
    await expect(tile.locator(".meter-tick")).to_be_hidden()
    await expect(tile).not_to_contain_text(re.compile(r"target|目标|80%|null|NaN"))
    assert board.complaints == []
    page = await board.open(f"?lang={lang}&queue=housing")
    await expect(page.locator(".hero-reason")).to_have_text(
        re.compile({"en": r"% answered in 15 s", "zh": r"^15 秒服务水平"}[lang])
    )
    await expect(page.locator(".hero-reason")).not_to_contain_text(re.compile("target|目标|null"))
