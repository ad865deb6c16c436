"""The page of announced events in a real browser: entered, changed and undone; by thousands, on a phone, in any letters."""

from datetime import datetime

import city
import pytest
from aiokafka.errors import KafkaError
from axe_playwright_python.async_playwright import Axe
from browser import SIDEWAYS, Watched, in_a_browser, resize
from doing import written_by
from invented_events import HOUR, MINUTE, local, many
from msgspec import structs
from playwright.async_api import BrowserContext, Page, expect
from running_site import RunningSite

from deploy.runtime.kafka import UnansweredError
from deploy.runtime.settings import Hotline
from sinks.web import planning
from sinks.web.people import Person
from sinks.web.sees import EVERYTHING
from streams.contract import Announcement

pytestmark = in_a_browser


@pytest.fixture
def settings(tmp_path):
    return city.demo_settings(kafka={"bootstrap": "127.0.0.1:1"}, paging="hotline", data_dir=tmp_path)


@pytest.fixture
def written(site: RunningSite) -> list[Announcement]:
    return written_by(site.site.planning, site)


async def fill(page: Page, **fields: str) -> None:
    for name, text in fields.items():
        await page.locator(f"#event [name={name}]").fill(text)


@pytest.mark.parametrize(("lang", "theme"), [("en", "dark"), ("zh", "light")])
async def test_an_event_is_entered_changed_ended_and_undone_on_screen(
    context: BrowserContext, site: RunningSite, written, lang: str, theme: str
) -> None:
    words = {
        "en": ("Announce an event", "Write an end|write an end", "Announced: exam", "Change the event", "Undo", "Undone: exam",
               "Take the event back", "End the event now", "Coming", "On now", "Past"),
        "zh": ("新增预告", "结束时间须晚于", "已预告：exam", "修改预告", "撤销", "已撤销：exam", "撤回预告", "立即结束该事件", "未开始", "进行中", "已结束"),
    }[lang]  # fmt: skip
    add, order, announced_, change, undo, undone, back, end, coming, on_now, past = words
    board = Watched(await context.new_page(), site.url)
    page = await board.open(f"?lang={lang}&theme={theme}")
    await page.keyboard.press("8")
    await page.locator(".event-keys button").press("Enter")
    form = page.get_by_role("dialog", name=add)
    await fill(page, author="Chen Yu", name="exam", begin="2026-03-11T12:00", end="2026-03-11T11:00", lift="2.5")
    await page.keyboard.press("Enter")
    await expect(page.locator("#event-problem")).to_contain_text(order.partition("|")[2] or order)
    await expect(page.locator("#event [name=end]")).to_be_focused()
    assert (await Axe().run(page)).violations_count == 0
    assert written == []
    await fill(page, end="2026-03-11T18:00")
    await page.locator("#event [name=where]").select_option("utilities")
    await page.locator("#event .act-do").click()
    await expect(form).to_be_hidden()
    await expect(page.locator(".undo-text")).to_have_text(announced_)
    row = page.locator(".events tbody tr")
    await expect(row).to_contain_text(coming)
    await expect(row).to_contain_text("Chen Yu")
    found = await Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    await row.locator("button").nth(0).click()
    await expect(page.get_by_role("dialog", name=change)).to_be_visible()
    await expect(page.locator("#event [name=begin]")).to_have_value("2026-03-11T12:00")
    await fill(page, begin="2026-03-11T09:00")
    await page.keyboard.press("Enter")
    await expect(row).to_contain_text(on_now)
    await row.locator("button").last.click()
    await expect(page.get_by_role("dialog", name=back)).to_be_visible()
    await page.keyboard.press("Enter")
    await expect(row).to_have_count(0)
    await page.locator("#undo").get_by_role("button", name=undo).click()
    await expect(page.locator(".undo-text")).to_have_text(undone)
    await expect(row).to_contain_text(on_now)
    await row.locator("button").nth(1).click()
    await expect(page.get_by_role("dialog", name=end)).to_be_visible()
    site.now += MINUTE
    await page.keyboard.press("Enter")
    site.now += MINUTE
    await expect(row).to_contain_text(past)
    assert [(it.revision, it.withdrawn) for it in written] == [
        (1, False),
        (2, False),
        (3, True),
        (4, False),
        (5, False),
    ]
    assert (written[-1].begin, written[-1].queue, written[-1].lift) == (local("2026-03-11T09:00"), "utilities", 2.5)
    assert board.complaints == []
    assert board.outside == []


async def test_the_second_of_two_editors_sees_what_the_first_has_done(
    context: BrowserContext, site: RunningSite, written
) -> None:
    event = Announcement(id="e1", revision=1, name="works", begin=local("2026-03-11T09:00"), end=local("2026-03-11T18:00"),
                         lift=2.0, hotline=city.HOTLINE, author="Li", at=0)  # fmt: skip
    site.put(event)
    board = Watched(await context.new_page(), site.url)
    page = await board.open("?lang=en&page=events")
    row = page.locator(".events tbody tr")
    await row.get_by_role("button", name="Change: works").click()
    await fill(page, author="Chen Yu", lift="4")
    theirs = Announcement(id="e1", revision=2, name="works", begin=event.begin, end=event.end, lift=3.0, hotline=city.HOTLINE,
                          author="Li", at=site.now)  # fmt: skip
    site.put(theirs)
    await page.locator("#event .act-do").click()
    await expect(page.locator("#event-problem")).to_contain_text("Li was faster. The event is now: works · the whole")
    await expect(page.locator("#event-problem")).to_contain_text("× 3")
    assert written == []
    await page.locator("#event .act-do").click()
    await expect(row).to_contain_text("× 4")
    assert [it.revision for it in written] == [3]
    assert [text for text in board.complaints if "409" not in text] == []


async def test_a_new_name_leaves_the_hour_that_clocks_tell_twice_as_it_was(
    context: BrowserContext, site: RunningSite, written
) -> None:
    """In Berlin the night has 02:30 twice: the event lasts from the first to the second."""
    told = {"12345": Hotline(time_zone="Europe/Berlin", queues={})}
    site.site.planning.settings = site.site.api.settings = site.settings.model_copy(update={"hotlines": told})
    begin = int(datetime.fromisoformat("2026-10-25T02:30+02:00").timestamp() * 1000)
    site.put(Announcement(id="e1", revision=1, name="works", begin=begin, end=begin + HOUR, hotline=city.HOTLINE, author="Li", at=0))  # fmt: skip
    board = Watched(await context.new_page(), site.url)
    page = await board.open("?lang=en&page=events")
    await page.get_by_role("button", name="Change: works").click()
    await expect(page.locator("#event [name=end]")).to_have_value("2026-10-25T02:30")
    await fill(page, author="Chen Yu", name="night works")
    await page.locator("#event .act-do").click()
    await expect(page.locator(".events tbody tr")).to_contain_text("night works")
    assert [(it.begin, it.end) for it in written] == [(begin, begin + HOUR)]


async def test_the_charts_show_it_and_a_viewer_only_looks(
    context: BrowserContext, site: RunningSite, monkeypatch
) -> None:
    site.put(Announcement(id="e1", revision=1, name="停水检修", begin=local("2026-03-11T09:00"), end=local("2026-03-11T13:00"),
                          lift=2.0, hotline=city.HOTLINE, queue="utilities", author="Li", at=0))  # fmt: skip
    monkeypatch.setattr(site.site.gate, "identify", lambda _request: Person("vera", "viewer", EVERYTHING))
    board = Watched(await context.new_page(), site.url)
    page = await board.open("?lang=zh")
    await expect(page.locator(".day .planned")).to_have_count(1)
    await expect(page.locator(".day")).to_have_attribute("title", "停水检修 2 倍")
    await page.goto(f"{site.url}/?lang=zh&queue=utilities")
    await expect(page.locator(".mark-planned")).to_have_text("停水检修 2 倍")
    await expect(page.locator(".chart-plot .planned")).to_have_count(1)
    await page.goto(f"{site.url}/?lang=zh&page=events")
    await expect(page.locator(".events tbody tr")).to_contain_text("停水检修")
    await expect(page.locator(".event-keys button:visible, .events button")).to_have_count(0)
    refused = [text for text in board.complaints if "Failed to load resource" not in text]
    assert refused == [], "what ClickHouse would answer is away here"


async def test_of_thousands_a_page_is_shown_and_only_what_changed_is_touched(
    context: BrowserContext, site: RunningSite
) -> None:
    events = many(site.now - 10 * 15 * MINUTE, 10_000)
    site.put(*events)
    board = Watched(await context.new_page(), site.url)
    page = await board.open("?lang=en&page=events")
    rows, where = page.locator(".events tbody tr"), page.locator(".event-page .where")
    await expect(where).to_have_text("1–50 of 10,000")
    await expect(rows).to_have_count(50)
    await rows.nth(1).get_by_role("button", name="Change").focus()
    await page.evaluate("for (const row of document.querySelectorAll('.events tbody tr')) row.same = true")
    kept = "[...document.querySelectorAll('.events tbody tr')].map((row) => row.same === true)"
    changed = next(it for it in events if it.begin > site.now)
    site.put(structs.replace(changed, revision=2, name="night works", author="Chen Yu"))
    await expect(page.locator(".events tbody tr", has_text="night works")).to_be_visible()
    names = await rows.locator("th").all_inner_texts()
    touched = [name for name, same in zip(names, await page.evaluate(kept), strict=True) if not same]
    assert touched == ["night works"]
    await expect(rows.nth(1).get_by_role("button", name="Change")).to_be_focused()
    await page.get_by_role("button", name="Next").click()
    await expect(where).to_have_text("51–100 of 10,000")
    site.put(structs.replace(changed, id="another", revision=1))
    await expect(where).to_have_text("51–100 of 10,001")  # a later look leaves the page that was turned to
    await page.get_by_role("searchbox", name="Find by name").fill("works 99")
    await expect(page.get_by_role("button", name="All 111")).to_be_visible()
    await expect(where).to_have_text("1–50 of 111")
    await page.get_by_role("button", name="Past").click()
    await expect(page.locator(".event-page .panel > .sub")).to_have_text("No event fits.")
    await expect(page.locator(".event-page .csv")).to_have_attribute(
        "href", "/api/v1/events?on=past&name=works+99&format=csv"
    )
    await page.get_by_role("searchbox", name="Find by name").fill("")
    await page.get_by_role("button", name="On now").click()
    await expect(rows.first).to_contain_text("On now")
    assert await page.evaluate("document.querySelector('.event-page').getBoundingClientRect().bottom") <= 1080
    assert board.complaints == []


async def test_where_nobody_answers_the_form_says_no_more_than_is_known(
    context: BrowserContext, site: RunningSite, monkeypatch
) -> None:
    async def lost(kafka, record) -> None:
        raise UnansweredError(KafkaError("gone"))

    monkeypatch.setattr(planning, "READ_WITHIN_S", 0.1)
    site.site.planning.write = lost
    board = Watched(await context.new_page(), site.url)
    page = await board.open("?lang=en&page=events")
    await page.get_by_role("button", name="Announce an event").click()
    await fill(page, author="Chen Yu", name="works", begin="2026-03-11T12:00", end="2026-03-11T18:00")
    unsure = "No answer came: it may have been recorded. Look at the list before you try again."
    await page.keyboard.press("Enter")
    await expect(page.locator("#event-problem")).to_have_text(unsure)
    await page.keyboard.press("Escape")
    await page.route("**/api/v1/events/add", lambda route: route.abort())
    await page.get_by_role("button", name="Announce an event").click()
    await expect(page.locator("#event-problem")).to_be_empty()
    await fill(page, author="Chen Yu", name="works", begin="2026-03-11T12:00", end="2026-03-11T18:00")
    await page.keyboard.press("Enter")
    await expect(page.locator("#event-problem")).to_have_text(unsure)


MIXED = "توقف المياه 12345 (صيانة)"


async def test_on_a_phone_all_of_an_event_is_seen_and_done_without_scrolling_sideways(
    context: BrowserContext, site: RunningSite, written
) -> None:
    site.put(*many(site.now - 4 * 15 * MINUTE, 60))
    site.put(Announcement(id="long", revision=1, name="x" * 200, begin=site.now - HOUR, end=site.now + HOUR, lift=1.0,
                          hotline="another-hotline-of-a-long-name", queue="q" * 64, author="a" * 64, at=0))  # fmt: skip
    board = Watched(await context.new_page(), site.url)
    page = board.page
    await resize(page, 390, 844)
    await board.open("?lang=en&page=events")
    row = page.locator(".events tbody tr:has([title='Works 4'])")
    await expect(row).to_have_text("On nowWorks 4Utilities10:4211:12× 2LiChangeEnd nowTake back")
    assert await page.evaluate(SIDEWAYS) == []
    for name in ("Change", "End now", "Take back"):
        box = await row.get_by_role("button", name=name).bounding_box()
        assert box is not None
        assert (box["x"] >= 0, box["x"] + box["width"] <= 390, box["height"] >= 44) == (True, True, True)
    found = await Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    await row.get_by_role("button", name="Take back").click()
    await page.locator("#event [name=author]").fill("Chen Yu")
    await page.locator("#event .act-do").click()
    await expect(row).to_have_count(0)
    assert [(it.id, it.withdrawn) for it in written] == [("e4", True)]


async def test_letters_from_right_to_left_turn_nothing_around_them(
    context: BrowserContext, site: RunningSite, written
) -> None:
    site.put(Announcement(id="e1", revision=1, name=MIXED, begin=site.now - HOUR, end=site.now + HOUR, lift=2.0,
                          hotline=city.HOTLINE, author="خالد 7", at=0))  # fmt: skip
    board = Watched(await context.new_page(), site.url)
    page = await board.open("?lang=en&page=events")
    row = page.locator(".events tbody tr")
    await expect(row.locator("th")).to_have_css("direction", "rtl")
    await expect(row.locator(".col-author")).to_have_text("\u2068خالد 7\u2069")
    await row.get_by_role("button", name="Take back").click()
    line = page.locator("#event .sub").first
    await expect(line).to_contain_text(
        f"\u2068{MIXED}\u2069 · the whole hotline · 2026-03-11 09:42 to 2026-03-11 11:42"
    )
    places = await line.evaluate("""(node) => ["the whole", "09:42", "11:42"].map((words) => {
      const range = document.createRange();
      const at = node.firstChild.data.indexOf(words);
      range.setStart(node.firstChild, at);
      range.setEnd(node.firstChild, at + words.length);
      const { top, left } = range.getBoundingClientRect();
      return [Math.round(top), left];
    })""")
    assert places == sorted(places), "what follows the name stands after it, in order"
    await fill(page, author="Chen Yu")
    await page.keyboard.press("Enter")
    await expect(page.locator(".undo-text")).to_have_text(f"Taken back: \u2068{MIXED}\u2069")
