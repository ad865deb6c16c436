"""The pages beside the board in a real browser: queue, districts, categories, agents, alerts, the wall, the keys."""

import re
from collections.abc import AsyncIterator

import city
import pytest
import pytest_asyncio
from browser import SIDEWAYS, Watched, in_a_browser, resize
from playwright.async_api import BrowserContext, expect
from running_site import RunningSite

from sinks.web.kinds import KindKey
from sinks.web.rolling import bounds
from streams.contract.alerts import Silence
from streams.contract.cells import MINUTE_MS

pytestmark = in_a_browser


@pytest_asyncio.fixture(loop_scope="session")
async def board(context: BrowserContext, site: RunningSite) -> AsyncIterator[Watched]:
    watched = Watched(await context.new_page(), site.url)
    yield watched
    assert watched.outside == []


@pytest.mark.parametrize(("lang", "says"), [("en", "no call has come yet"), ("zh", "尚无来电")])
async def test_the_chart_of_a_queue_says_that_no_call_has_come_yet(
    context: BrowserContext, empty_site: RunningSite, lang: str, says: str
) -> None:
    board = Watched(await context.new_page(), empty_site.url)
    page = await board.open(f"?lang={lang}&queue=utilities")
    await expect(page.locator(".chart-axis span")).to_have_count(9)
    await expect(page.locator(".chart .section-head > .sub")).to_have_text(says)
    await expect(page.locator(".chart-plot")).to_have_attribute("aria-label", says)
    await expect(page.locator(".chart-plot").locator(".mark-now, .now")).to_have_count(0)
    empty_site.fill(city.records())
    await page.reload()
    await expect(page.locator(".mark-now")).to_contain_text("10:42")
    await expect(page.locator(".chart .section-head > .sub")).not_to_have_text(says)


async def test_keys_lead_to_the_pages_and_back(board: Watched) -> None:
    page = await board.open()
    for key, heading in (
        ("2", "Whole hotline"),
        ("3", "Calls by district"),
        ("4", "What people call about"),
        ("5", "Agents on duty 105"),
        ("7", "Alerts"),
    ):
        await page.keyboard.press(key)
        await expect(page.get_by_role("heading", level=2, name=heading)).to_be_focused()
        await expect(page.locator(".tile").first).to_be_hidden()
    await page.go_back()
    await expect(page.get_by_role("heading", level=2, name="Agents on duty 105")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator(".tile").first).to_be_visible()
    await page.goto(f"{board.url}/?lang=en&page=queues")  # as somebody would write it
    await expect(page.get_by_role("heading", level=2, name="Whole hotline")).to_be_visible()
    # there is no ClickHouse here to ask for last week: the rest of the page does without
    assert [told for told in board.complaints if "503" not in told] == []


async def test_a_queue_shows_its_day_its_promise_and_its_alerts_on_one_axis(board: Watched, site: RunningSite) -> None:
    page = await board.open("?lang=en&queue=utilities")
    await expect(page.locator(".hero-reason")).to_contain_text("% answered in 15 s, target 80% · demand +")
    plot = page.locator(".chart-plot")
    await expect(plot.locator(".mark-now")).to_have_text("now 10:42")
    await expect(plot.locator(".mark-flag").first).to_contain_text("alert 10:")
    await expect(plot.locator(".bar").nth(20)).to_be_attached()
    await expect(plot.locator(".over").first).to_be_attached()
    await expect(plot.locator(".under").first).to_be_attached()
    await expect(plot.locator(".running")).to_have_count(1)
    await expect(page.locator(".chart-axis span").first).to_have_text("06:00")
    day = await page.evaluate("fetch('/api/v1/day?queue=utilities').then((r) => r.json())")
    assert sum(n or 0 for n in day["offered"]) == site.board.total(
        ("12345", "utilities"), "offered", city.midnight(city.MORNING), city.MORNING + 60_000
    )
    await page.keyboard.press("l")
    await expect(plot.locator(".mark-goal")).to_have_text("目标 80%")


async def test_districts_are_shaded_by_rate_and_few_calls_are_no_rate(board: Watched, site: RunningSite) -> None:
    page = await board.open("?lang=en&page=districts")
    row = page.locator('[data-district="990104"]')
    counts = site.board.kinds.rolling(
        KindKey(city.HOTLINE, "district_3", "990104"), "60m", bounds(city.MORNING, city.ZONE)["60m"]
    )
    await expect(row.locator("td").first).to_have_text(str(counts["offered"]))
    await expect(row.locator("td").nth(1)).to_have_text(f"{counts['offered'] / 73.1:.2f}")
    await expect(page.locator(".map .area")).to_have_count(11)
    await expect(page.locator('[data-district="990281"] td').nth(1)).to_have_text("0.00 · few")
    await expect(page.locator(".map .area-few")).to_have_count(1)
    await expect(page.locator(".map .area-hatch")).to_have_count(1)
    await page.get_by_role("button", name="5 min", exact=True).click()
    await expect(page.locator(".map-legend")).to_contain_text("fewer than 5 calls")
    assert board.complaints == []


async def test_reasons_of_breaks_are_called_what_the_settings_call_them(board: Watched, site: RunningSite) -> None:
    breaks = {"lunch": 4, "": 2, "fire-drill": 1}
    site.put(city.gauge("", city.MORNING, 2, 0, None, 5, 9, agents={"break": 7}, breaks=breaks))
    page = await board.open("?lang=zh&page=agents")
    await expect(page.locator(".crew-breaks")).to_have_text("小休：午餐 4、无原因 2、fire-drill 1")
    await page.keyboard.press("l")
    await expect(page.locator(".crew-breaks")).to_have_text("on a break: lunch 4, no reason 2, fire-drill 1")
    assert board.complaints == []


async def test_categories_open_what_is_below_them_and_add_up(board: Watched) -> None:
    page = await board.open("?lang=en&page=categories")
    # its service level is of another definition and window than the board's
    await expect(page.locator("#footer .definition")).to_have_text(
        "in 15 s: answered ≤ 15 s ÷ offered", use_inner_text=True
    )
    await expect(page.locator("[data-key=window], [data-key=definition]").filter(visible=True)).to_have_count(0)
    await page.get_by_role("link", name="Utilities").click()
    await expect(page.get_by_role("heading", name="Below Utilities")).to_be_visible()
    below = page.locator(".two-panels .panel").nth(1).locator("tbody tr")
    await expect(below.first.locator("th")).to_have_text("Heating")
    numbers = [int(text) for text in await below.locator(".col-offered b").all_inner_texts()]
    whole = page.locator('[data-kind="utilities"] .col-offered b')
    assert sum(numbers) == int(await whole.inner_text())
    await expect(page).to_have_url(re.compile("within=utilities"))
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("heading", name="In more detail, over all")).to_be_visible()
    assert board.complaints == []


async def test_a_category_that_looks_like_markup_stays_text(board: Watched, site: RunningSite) -> None:
    nasty = "<img src=x onerror=document.title='owned'>"
    minute = city.MORNING - city.MORNING % 60_000
    for kind, field in (("category_1", "category"), ("category_2", "category"), ("district_3", "district")):
        value = f"{nasty}/x" if kind == "category_2" else nasty
        site.put(city._cell(kind, "", minute, {"offered": 99}, **{field: value}))
    site.put(city.alert(city.MORNING, queue="", category=nasty, fingerprint="n", summary={"en": nasty}))
    for where, selector in (("categories", "[data-kind] th"), ("districts", "[data-district] th"), ("alerts", "li")):
        page = await board.open(f"?lang=en&page={where}")
        await expect(page.locator(selector).filter(has_text="<img").first).to_be_visible()
        assert await page.locator("img").count() == 0
        assert "owned" not in await page.title()
    assert board.complaints == []


async def test_a_runbook_is_one_click_away_where_an_alert_is_seen_to(board: Watched, site: RunningSite) -> None:
    link = "https://wiki.example.org/water?a=1&b='2'"
    told = city.alert(city.MORNING, runbook=link, version=2)
    site.put(told, city.alert(city.MORNING, queue="housing", runbook="javascript:alert(1)", started_at=city.MORNING))
    page = await board.open("?lang=en&queue=utilities")
    runbook = page.locator(".hero-actions a")
    await expect(runbook).to_have_text("Runbook")
    await expect(runbook).to_have_attribute("href", link)
    await expect(runbook).to_have_attribute("rel", "noopener noreferrer")
    await page.goto(f"{board.url}/?lang=zh&page=alerts")
    await expect(page.get_by_role("link", name="15 秒服务水平")).to_have_attribute("href", link)
    await expect(page.locator("li.strip", has_text="住房物业").locator("a")).to_have_count(0)


async def test_where_nothing_has_ended_the_page_says_so(board: Watched) -> None:
    page = await board.open("?lang=en&page=alerts")
    await expect(page.get_by_text("No alert has ended yet.")).to_be_visible()
    await expect(page.locator("table.ended")).to_be_hidden()


async def test_alerts_that_fire_and_that_have_ended(board: Watched, site: RunningSite) -> None:
    page = await board.open("?lang=en&page=alerts")
    await expect(page.locator(".alarms li")).to_have_count(2)
    now = city.MORNING
    site.put(city.alert(now, state="resolved", reason="condition_cleared", at=now + 1, ended_at=now, version=9))
    await expect(page.locator(".alarms li")).to_have_count(1)
    ended = page.locator(".ended tbody tr")
    await expect(ended.locator("th")).to_have_text("Utilities: service level under target")
    await expect(ended.locator("td").nth(2)).to_have_text("11:30")
    said = "Linjiang 12345: at this rate the 24 h answer rate, now 95.3%, falls below 95.0% at 15:42; 93.1% of 1000 calls were answered in 60 min."
    site.put(city.alert(now, queue="", rule="Ahead", state="resolved", reason="condition_cleared", at=now + 1,
                        ended_at=now, summary={"en": said}))  # fmt: skip
    told = ended.get_by_text(said)
    for width in (1920, 1440, 390):
        await resize(page, width, 900)
        await expect(told).to_be_visible()
        assert await told.evaluate("it => it.scrollWidth <= it.clientWidth + 1"), "the sentence is whole"
    one = await told.locator("xpath=..").evaluate(
        "tr => [...tr.cells].filter((it) => it.getClientRects().length).map((it) => it.getBoundingClientRect().x)"
    )
    assert one[0] == one[1] == min(one), "what stands under one another begins in one line"


async def test_a_queue_under_maintenance_is_dashed_and_says_until_when(board: Watched, site: RunningSite) -> None:
    page = await board.open()
    matchers = {"hotline": city.HOTLINE, "queue": "utilities"}
    site.put(Silence(id="s", matchers=matchers, author="x", reason="works", at=0, ends_at=city.MORNING + 3_600_000))
    tile = board.tile("utilities")
    await expect(tile).to_have_attribute("data-state", "maintenance")
    await expect(tile.locator(".badge")).to_have_text("until 11:42")
    await expect(page.locator(".strip-title").first).to_contain_text("Utilities")


async def test_an_alert_of_demand_tells_the_number_that_it_was_raised_for(board: Watched, site: RunningSite) -> None:
    now = city.MORNING
    page = await board.open("?lang=en")
    site.put(city.alert(now, rule="Quiet", signal="demand_below_expectation", value=40.0, expected=80.0, target=None))
    await expect(page.locator(".strip-title").filter(has_text="Utilities: demand −50%")).to_be_visible()
    # of other kinds the sentence tells the figures, and since when: that is said once
    told = {"en": "Utilities: 3 callers wait and no agent is logged in; since 10:31."}
    site.put(city.alert(now, rule="NoAgentAvailable", signal="no_agent_available", severity="critical", target=None,
                        summary=told, at=now, started_at=now - 670_000))  # fmt: skip
    line = page.locator(".strip").filter(has_text="Utilities: no agent free")
    await expect(line.locator(".strip-sub")).to_have_text("3 callers wait and no agent is logged in; since 10:31.")
    await expect(page.locator(".strip-title").first).to_contain_text("no agent free")  # a breach comes before the rest
    for said, title in (("too many", "Utilities: too many"), ("Utilities has too many.", "Utilities has too many")):
        site.put(
            city.alert(now, rule="Own", signal="", severity="critical", summary={"en": said}, at=now, started_at=now)
        )
        await expect(page.locator(".strip-title").first).to_have_text(title)


TURNS = (
    (30_000, "board", "districts"),
    (20_000, "districts", "categories"),
    (20_000, "categories", "agents"),
    (20_000, "agents", "board"),
)
"""How long (ms) the wall shows a page, and what comes after it."""


async def wall_without_time(context: BrowserContext, site: RunningSite, lang: str = "en") -> Watched:
    """A wall whose clock only the test moves."""
    page = await context.new_page()
    await page.clock.install()
    board = Watched(page, site.url)
    await board.open(f"?lang={lang}&view=tv")
    await page.clock.pause_at(await page.evaluate("Date.now()") / 1_000 + 95)
    await expect(page.locator("body")).to_have_attribute("data-offline", "no")  # the stream was silent, and is back
    return board


async def calm(board: Watched, site: RunningSite) -> None:
    """Nothing is wrong any more: no breach holds the board."""
    now = city.MORNING
    for alert in (city.alert(now), city.demand_alert(now)):
        ended = {"state": "resolved", "reason": "condition_cleared", "at": now + 1, "ended_at": now, "version": 9}
        site.put(city.alert(now, rule=alert.rule, signal=alert.signal, **ended))
    site.put(city.gauge("utilities", now, 0, 0, None, 5, 9))
    await expect(board.tile("utilities")).not_to_have_attribute("data-state", "breach")


@pytest.mark.parametrize("lang", ["en", "zh"])
async def test_no_page_of_the_wall_is_cut_and_its_heads_can_be_read(
    context: BrowserContext, site: RunningSite, lang: str
) -> None:
    board = await wall_without_time(context, site, lang)
    page = board.page
    await calm(board, site)
    await page.evaluate("document.fonts.ready")
    for stays, _, then in TURNS[:3]:
        await page.clock.fast_forward(stays)
        await expect(page.locator("body")).to_have_attribute("data-page", then)
        await expect(page.locator("#page tbody tr").first).to_be_visible()
        for width, height in ((1366, 768), (1920, 1080)):
            await page.set_viewport_size({"width": width, "height": height})
            assert await page.evaluate(SIDEWAYS) == [], then
        sizes = "heads => heads.map((it) => parseFloat(getComputedStyle(it).fontSize))"
        assert min(await page.locator("#page thead th").evaluate_all(sizes)) >= 21, then


async def test_the_wall_turns_its_pages_and_an_unowned_breach_holds_the_board(
    context: BrowserContext, site: RunningSite
) -> None:
    board = await wall_without_time(context, site)
    page = board.page
    await expect(board.tile("utilities")).to_be_visible()  # it is in breach
    await calm(board, site)
    await expect(page.locator(".dots .on")).to_have_count(1)
    for stays, name, then in TURNS:
        await page.clock.fast_forward(stays - 1_000)
        assert await page.locator("body").get_attribute("data-page") == name
        await page.clock.fast_forward(1_000)
        assert await page.locator("body").get_attribute("data-page") == then
    await expect(page).not_to_have_url(re.compile("page="))
    await page.clock.fast_forward(600_000)
    await expect(page.locator("#canvas")).to_have_css("translate", "4px")


TOO_SMALL = """() => [...document.querySelectorAll('.tile *')]
  .filter((node) => node.getClientRects().length && [...node.childNodes].some((it) => it.nodeType === 3 && it.data.trim()))
  .filter((node) => !node.closest('.unseen, .unit, .tile-link') && parseFloat(getComputedStyle(node).fontSize) < 23)
  .map((node) => `${node.className}: ${node.textContent}`)"""
"""Words in tiles that cannot be read from 3 m, on a screen of 1080 lines."""


async def test_a_wall_of_many_queues_turns_them_in_parts_and_a_breach_is_in_each(
    context: BrowserContext, site: RunningSite
) -> None:
    now = city.MORNING
    site.put(*(city.gauge(f"branch-{n}", now, n, 0, now - 9_000, 5, 1) for n in range(10)))
    board = await wall_without_time(context, site)
    page = board.page

    async def shown() -> list[str]:
        assert await page.locator("body").get_attribute("data-page") == "board"
        assert await page.locator("#tiles").get_attribute("data-grid") == "4x2"
        assert await page.evaluate(TOO_SMALL) == []
        return [await tile.get_attribute("data-queue") or "" for tile in await page.locator(".tile:visible").all()]

    async def parts() -> list[list[str]]:
        """What is shown in the order of the dots, over two rounds: which part a round begins with does not matter."""
        seen = {}
        for _ in range(20):
            on = await page.evaluate(
                "[...document.querySelectorAll('.dots i')].findIndex((it) => it.className === 'on')"
            )
            seen[on] = await shown()
            await page.clock.fast_forward(10_000)
        return [seen[on] for on in sorted(seen)]

    held = await parts()
    assert [len(part) for part in held] == [8, 8, 8]
    assert all(part[0] == "utilities" for part in held), "it is in breach, and nobody has it"
    assert {queue for part in held for queue in part} == {*city.QUEUES, *(f"branch-{n}" for n in range(10))}
    for alert in (city.alert(now), city.demand_alert(now)):
        ended = {"state": "resolved", "reason": "condition_cleared", "at": now + 1, "ended_at": now, "version": 9}
        site.put(city.alert(now, rule=alert.rule, signal=alert.signal, **ended))
    site.put(city.gauge("utilities", now, 0, 0, None, 5, 9))
    await expect(page.locator(".dots i")).to_have_count(3 + 3)  # districts, categories and agents are shown again
    first = await shown()
    await page.clock.fast_forward(30_000)
    second = await shown()
    await page.clock.fast_forward(20_000)
    third = await shown()
    assert len(first) == len(second) == len(third) == 8
    assert len({*first, *second, *third}) == 18
    await page.clock.fast_forward(20_000)
    await expect(page.locator("body")).to_have_attribute("data-page", "districts")
    await page.keyboard.press("f")
    await expect(page.locator(".tile:visible")).to_have_count(
        15
    )  # a desk shows what it can at once, and how many others
    assert board.complaints == []


async def test_single_letters_can_be_switched_off(board: Watched) -> None:
    page = await board.open()
    await page.keyboard.press("?")
    help_ = page.get_by_role("dialog", name="Keys")
    await help_.get_by_role("checkbox").uncheck()
    await expect(help_).to_contain_text("Keys are off")
    await page.keyboard.press("Escape")
    await expect(help_).to_be_hidden()  # until then the keys are the dialog's
    await page.keyboard.press("4")
    await page.keyboard.press("t")
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await expect(page).not_to_have_url(re.compile("page="))
    await page.keyboard.press("?")
    await help_.get_by_role("checkbox").check()
    await page.keyboard.press("Escape")
    await expect(help_).to_be_hidden()
    await page.keyboard.press("/")
    find = page.get_by_role("dialog", name="Find a queue")
    await expect(find.get_by_role("textbox")).to_be_focused()
    await find.get_by_role("textbox").fill("住房")
    await expect(find.get_by_role("button")).to_have_count(1)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=2, name="Housing")).to_be_visible()
    await page.keyboard.press("?")
    await help_.get_by_role("checkbox").focus()
    at_once = """dialog => {
        dialog.close();  // until the next frame the focus stays on a field in it
        document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: "/", bubbles: true, cancelable: true }));
    }"""
    await help_.evaluate(at_once)
    await expect(find).to_be_visible()
    assert board.complaints == [] or all("503" in text for text in board.complaints)


async def test_paused_figures_stand_and_come_back_whole(board: Watched, site: RunningSite) -> None:
    page = await board.open()
    await page.keyboard.press(" ")
    await expect(page.locator(".as-of-label")).to_have_text("Paused at")
    site.put(city.gauge("housing", city.MORNING, 7, 3, city.MORNING - 20_000, 5, 9))
    site.put(city.gauge("market", city.MORNING, 6, 3, city.MORNING - 20_000, 5, 9))
    await page.wait_for_function("performance.now() > 0")
    await expect(board.tile("housing").locator(".waiting")).to_have_text("0")
    await page.keyboard.press(" ")
    await expect(board.tile("housing").locator(".waiting")).to_have_text("7")
    await expect(board.tile("market").locator(".waiting")).to_have_text("6")


BROKEN_WORDS = """() => [...document.querySelectorAll('#page .scroll thead th')].filter((head) => {
  const text = document.createRange();
  text.selectNodeContents(head);
  return !/\\s/u.test(head.textContent) && head.offsetHeight > 1 && new Set([...text.getClientRects()].map((it) => it.top)).size > 1;
}).map((head) => head.textContent)"""
"""Heads of tables of one word that stands on two lines."""


@pytest.mark.parametrize("lang", ["en", "zh"])
async def test_no_page_is_wider_than_a_phone(board: Watched, site: RunningSite, lang: str) -> None:
    """Also on a bad day: some wait for hours, and many do."""
    hours = city.MORNING - 44_434_000
    site.put(
        city.gauge("utilities", city.MORNING, 1_423, 1_400, hours, 5, 9),
        city.gauge("", city.MORNING, 2_323, 1_423, hours, 5, 9, agents={"available": 3, "break": 12, "on_call": 112}),
    )
    page = board.page
    await resize(page, 390, 844)
    for query, table in (
        ("page=districts", ".areas"), ("page=categories", ".kinds"), ("page=agents", ".crew-table"), ("page=alerts", None),
        ("page=events", None), ("queue=utilities", ".detail-windows table"), ("queue=*", ".queue-list"),
    ):  # fmt: skip
        await board.open(f"?lang={lang}&{query}")
        if table:
            await expect(page.locator(f"{table} tbody tr:visible").first).to_be_visible()
        await page.evaluate("document.fonts.ready")
        assert await page.evaluate(SIDEWAYS) == [], query
        assert await page.evaluate(BROKEN_WORDS) == [], query
    for row, cells in ((".queue-list tbody tr", 3), (".detail-windows tbody tr:visible", 13)):
        assert await page.locator(row).first.locator("td:visible").count() == cells
    windows = page.locator(".detail-windows tbody tr")
    assert [await it.locator("th").inner_text() for it in await windows.all()] == {
        "en": ["5 min", "15 min", "30 min", "60 min", "Today", "24 h", "Last week"],
        "zh": ["5 分钟", "15 分钟", "30 分钟", "60 分钟", "今日", "24 小时", "上周同时段"],
    }[lang]
    names = "tr => [...tr.querySelectorAll('td')].map((it) => getComputedStyle(it, '::before').content)"
    assert await windows.nth(0).evaluate(names) == await windows.nth(4).evaluate(names)
    assert "none" not in await windows.nth(4).evaluate(names)


@pytest.mark.parametrize("lang", ["en", "zh"])
async def test_what_stands_over_a_queue_is_whole(board: Watched, site: RunningSite, lang: str) -> None:
    """Also on a day with fifteen times the calls: it says so with more digits."""
    now = city.MORNING
    minute = now - now % MINUTE_MS
    site.put(*(city._cell("queue", "utilities", minute - n * MINUTE_MS, {"offered": 900}) for n in range(1, 30)))
    page = await board.open(f"?lang={lang}&theme=light&queue=utilities")
    await expect(page.locator(".hero-reason")).to_contain_text(re.compile(r"\+[\d,]{4,}%"))
    await page.evaluate("document.fonts.ready")
    for width, height in ((1920, 1080), (1440, 900), (1366, 768), (390, 844)):
        await resize(page, width, height)
        assert [
            wide for wide in await page.evaluate(SIDEWAYS) if "hero" in wide or "sub" in wide or "badge" in wide
        ] == []
        card, last = [
            await page.locator(name).bounding_box() for name in (".hero-card", ".hero-card > :visible >> nth=-1")
        ]
        assert card is not None
        assert last is not None
        assert last["y"] + last["height"] <= card["y"] + card["height"]


OFF_SCREEN = """() => [...document.querySelectorAll('.nav-link, .hotline-name, .clock, .total-cell *, .day-axis span')]
  .filter((node) => node.getClientRects().length && !node.closest('.unseen'))
  .filter((node) => node.getBoundingClientRect().right > innerWidth || node.getBoundingClientRect().left < 0)
  .map((node) => node.textContent)"""
"""What of the tabs, the header and the totals lies beside the screen."""


@pytest.mark.parametrize("lang", ["en", "zh"])
async def test_every_page_has_a_tab_on_a_screen_of_any_width(board: Watched, site: RunningSite, lang: str) -> None:
    site.put(*(city.alert(city.MORNING, rule=f"Rule{number}") for number in range(101)))
    page = await board.open(f"?lang={lang}")
    await expect(page.locator(".nav-link[data-page=alerts] .nav-number")).to_have_text("103")
    await page.evaluate("document.fonts.ready")
    for width in (320, 390, 639, 640, 700, 768, 834, 899, 900, 1199, 1200, 1366):
        await resize(page, width, 900)
        assert await page.evaluate(OFF_SCREEN) == [], width
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        if width >= 390:
            name = page.get_by_role("heading", level=1)
            assert await name.evaluate("it => it.scrollWidth <= it.clientWidth + 1"), f"whose board it is, {width}"


async def test_a_phone_has_tabs_at_the_bottom(context: BrowserContext, site: RunningSite) -> None:
    page = await context.new_page()
    await resize(page, 390, 844)
    board = Watched(page, site.url)
    await board.open("?lang=zh")
    tabs = page.get_by_role("navigation", name="页面").get_by_role("link")
    visible = [await tab.inner_text() for tab in await tabs.all() if await tab.is_visible()]
    assert {text.split()[0] for text in visible} == {"总览", "告警", "座席", "通话明细"}
    more = page.get_by_role("button", name="更多")
    for tab in [*await tabs.all(), more]:
        box = await tab.bounding_box() if await tab.is_visible() else None
        assert box is None or (box["height"] >= 44 and box["y"] > 780)
    await more.click()
    for tab in [*await tabs.all(), more]:
        box = await tab.bounding_box()
        assert box is not None
        assert (box["height"] >= 44, box["y"] > 720, box["x"] >= 0, box["x"] + box["width"] <= 390) == (True,) * 4
    await tabs.filter(has_text="预告").click()  # it lies over a tile, which is a link too
    await expect(page.locator("#page h2")).to_have_text("预告事件")
    await expect(tabs.filter(has_text="预告")).to_be_hidden()
    await expect(more).to_have_attribute("aria-expanded", "false")
    for query in ("page=districts", "page=categories", "page=agents", "page=alerts", "queue=utilities", "queue=*"):
        await board.open(f"?lang=zh&{query}")
        await expect(page.locator("#page h2")).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390, query
