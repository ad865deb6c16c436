"""At an hour at which nothing is promised no page shows a target; it is twenty to eleven, and from nine nothing is."""

import re

import city
import pytest
from aiohttp import ClientSession
from browser import Watched, in_chromium
from playwright.async_api import BrowserContext, expect
from running_site import RunningSite


@pytest.fixture
def settings():
    hotlines = {
        name: told | {"hours": [{"begin": "09:00", "end": "18:00", "target": None}]}
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
    await expect(page.locator(".chart-plot .mark-level")).to_be_visible()
    await expect(page.locator(".chart-plot .mark-goal")).to_have_count(0)
    line = await page.locator(".chart-plot .goal").get_attribute("d")
    assert re.fullmatch(r"M0 [\d.]+(H[\d.]+)+", line or ""), "one line, without a gap"
    assert (line or "").endswith("H450"), "to nine, of 1200 from six to fourteen"


async def test_a_day_tells_what_each_of_its_times_promises(http: ClientSession, site: RunningSite) -> None:
    del site
    day = await (await http.get("/api/v1/day", params={"queue": "housing"})).json()
    hours = [day["targets"][at : at + 12] for at in range(0, len(day["targets"]), 12)]
    promised, nothing = [0.8] * 12, [None] * 12
    assert (day["target"], hours) == (None, [promised] * 9 + [nothing] * 9 + [promised] * 6)
