"""From a number on the board to its calls: the API and the page in a real browser, over the real engine's answers."""

import csv
import io
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import cycle
from typing import Any

import city
import pytest
import pytest_asyncio
import story
from aiohttp import ClientSession
from browser import SIDEWAYS, Watched, in_chromium, resize
from invented_calls import NOW, InventedPast, waiting
from playwright.async_api import BrowserContext, Locator, expect
from running_site import RunningSite

from sinks.clickhouse.why import Statement
from sinks.web.tables import to_csv

pytestmark = pytest.mark.clickhouse
SPAN = {"from": "2026-03-10", "to": "2026-03-10"}


@pytest_asyncio.fixture(loop_scope="session")
async def told_site(told: story.Told) -> AsyncIterator[RunningSite]:
    """The story on the board, and its visits in ClickHouse."""
    settings = told.settings.model_copy(
        update={"kafka": told.settings.kafka.model_copy(update={"bootstrap": "127.0.0.1:1"})}
    )
    running = RunningSite(settings)
    running.now = story.ms(story.SPIKE, "13:30:02")
    running.fill((record, running.now) for record in told.engine.records)
    await running.start()
    yield running
    await running.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def ask(told_site: RunningSite) -> AsyncIterator[ClientSession]:
    async with ClientSession(told_site.url) as session:
        yield session


async def test_a_page_of_calls_and_the_number_they_make(ask) -> None:
    asked = SPAN | {"metric": "abandoned", "queue": "water", "limit": "2"}
    first = await (await ask.get("/api/v1/calls", params=asked)).json()
    assert (first["cells"], first["sum_of_visits"], first["visits"]) == (
        {"value": 3, "over": 3, "under": None}, {"value": 3, "over": 3, "under": None}, 3,
    )  # fmt: skip
    assert [row["call"] for row in first["rows"]] == ["b6", "b7"]
    assert first["rows"][0]["queued_at"] == "2026-03-10T09:05:00+08:00"
    rest = await (await ask.get("/api/v1/calls", params=asked | {"offset": str(first["next_offset"])})).json()
    assert ([row["call"] for row in rest["rows"]], rest["next_offset"]) == (["b8"], None)
    level = await (
        await ask.get("/api/v1/calls", params=SPAN | {"metric": "service_level_event", "queue": "water"})
    ).json()
    assert level["cells"] == level["sum_of_visits"]
    assert "1001" not in str(first)


async def test_windows_and_what_is_so_now(ask) -> None:
    today = await (await ask.get("/api/v1/calls", params={"metric": "offered", "window": "today"})).json()
    assert (today["visits"], today["cells"]["value"]) == (17, 17)
    waiting = await (await ask.get("/api/v1/calls", params={"metric": "waiting", "queue": "water"})).json()
    assert (waiting["visits"], waiting["from"], waiting["cells"]["value"]) == (0, None, 0)


async def test_tables_leave_as_csv(ask) -> None:
    response = await ask.get("/api/v1/calls", params=SPAN | {"metric": "abandoned", "queue": "water", "format": "csv"})
    assert response.headers["Content-Disposition"] == 'attachment; filename="calls.csv"'
    rows = list(csv.DictReader(io.StringIO((await response.text()).lstrip("\ufeff"))))
    assert [(row["call"], row["outcome"], row["adds"]) for row in rows] == [
        (c, "abandoned", "1") for c in ("b6", "b7", "b8")
    ]
    windows = await (await ask.get("/api/v1/rolling", params={"queue": "water", "format": "csv"})).text()
    found = {row["window"]: row for row in csv.DictReader(io.StringIO(windows.lstrip("\ufeff")))}
    assert found["today"]["offered"] == "12"
    board = await (await ask.get("/api/v1/board", params={"format": "csv"})).text()
    assert {row["queue"] for row in csv.DictReader(io.StringIO(board.lstrip("\ufeff")))} == {"water", "housing"}


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({}, "metric is missing"),
        ({"metric": "occupancy"}, "does not follow from visits"),
        ({"metric": "offered", "window": "7m"}, "there are 5m"),
        ({"metric": "offered", "limit": "-1"}, "whole number"),
        ({"metric": "offered", "limit": "1001"}, "whole number"),
        ({"metric": "offered", "offset": "9" * 40}, "whole number"),
        ({"metric": "calls_offered", "queue": "water"}, "without a queue"),
        ({"metric": "offered", "agent": "ann"}, "unknown parameter"),
        ({"metric": "offered", "format": "xml"}, "json, csv"),
        ({"metric": "offered'; DROP TABLE visits --"}, "does not follow"),
    ],
)
async def test_what_cannot_be_answered_says_what_can(ask, asked, says) -> None:
    response = await ask.get("/api/v1/calls", params=asked)
    assert response.status == 400
    assert says in (await response.json())["error"]


async def test_a_queue_named_like_sql_is_just_a_name(ask) -> None:
    asked = SPAN | {"metric": "offered", "queue": "x' OR 1=1 OR queue='"}
    assert (await (await ask.get("/api/v1/calls", params=asked)).json())["visits"] == 0


def test_a_name_from_outside_is_no_formula_in_a_spreadsheet() -> None:
    assert (
        to_csv([{"name": "=HYPERLINK(1)", "n": -5, "none": None}], ["name", "n", "none"]).splitlines()[1]
        == "'=HYPERLINK(1),-5,"
    )


@in_chromium
async def test_from_a_tile_by_keyboard_to_its_calls_and_back(context: BrowserContext, told_site: RunningSite) -> None:
    board = Watched(await context.new_page(), told_site.url)
    page = await board.open()
    await board.tile("housing").locator(".tile-link").focus()
    await page.keyboard.press("ArrowRight")
    await expect(board.tile("water").locator(".tile-link")).to_be_focused()
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("region", name="water")
    await expect(dialog).to_be_visible()
    await expect(dialog.get_by_role("heading", name="water")).to_be_focused()
    await expect(page).to_have_url(re.compile("queue=water"))
    number = dialog.get_by_role("button", name="Abandoned, today: 3. Show its calls")
    await number.focus()
    await page.keyboard.press("Enter")
    await expect(dialog.locator("tbody tr[data-visit]")).to_have_count(3)
    await expect(dialog.locator(".calls-sum")).to_contain_text("3 visits · they add up to 3, the number of the cells")
    await expect(page).to_have_url(re.compile("metric=abandoned&in=today"))
    await dialog.get_by_role("button", name="Offered, today: 12. Show its calls").click()
    await expect(dialog.locator("tbody tr[data-visit]")).to_have_count(12)
    await dialog.get_by_role("button", name="Service level, today: 33.3%. Show its calls").click()
    await expect(dialog.locator(".calls-sum")).to_contain_text("they add up to 33.3%")
    await expect(dialog.locator("td.col-counts", has_text="✓")).to_have_count(4)
    async with page.expect_download() as download:
        await dialog.locator(".detail-calls .csv").click()
    assert (await download.value).suggested_filename == "calls.csv"
    await dialog.locator('tr[data-visit^="b8/"] button').click()
    course = dialog.get_by_role("list", name="Course of the call")
    await expect(course.locator(".step-miss")).to_contain_text("past 15 s: counted as a miss")
    await expect(dialog.locator(".why")).to_contain_text("hotline.calls, partition")
    await expect(page).to_have_url(re.compile("&call="))
    await page.keyboard.press("Escape")
    await expect(course).to_be_hidden()
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(board.tile("water").locator(".tile-link")).to_be_focused()
    await expect(page).not_to_have_url(re.compile("queue="))
    assert board.complaints == []
    assert board.outside == []


@in_chromium
async def test_an_address_opens_the_same_calls_in_chinese(context: BrowserContext, told_site: RunningSite) -> None:
    board = Watched(await context.new_page(), told_site.url)
    page = await board.open("?lang=zh&queue=water&metric=abandoned&in=today")
    await expect(page.locator(".calls-sum")).to_contain_text("3 通 · 合计 3，与统计值一致 · 来电人为化名")
    await expect(page.locator("tbody tr[data-visit] .col-outcome").first).to_have_text("放弃")
    await page.go_back()
    assert board.complaints == []


@in_chromium
async def test_pages_of_a_long_list(context: BrowserContext, told_site: RunningSite) -> None:
    board = Watched(await context.new_page(), told_site.url)
    page = await board.open("?lang=en&queue=*&metric=offered&in=today")
    await expect(page.locator(".where")).to_have_text("1–17 of 17")
    await expect(page.get_by_role("button", name="Next")).to_be_disabled()
    await resize(page, 390, 844)
    assert await page.evaluate(SIDEWAYS) == []
    for width, height in ((390, 844), (900, 1200)):
        await resize(page, width, height)
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        assert (
            await page.evaluate(
                "document.querySelector('#page').scrollWidth - document.querySelector('#page').clientWidth"
            )
            <= 1
        )


class EveryOutcome(InventedPast):
    """Calls of every queue and outcome; one of them waited for half a day."""

    async def ask(self, statement: Statement) -> list[dict[str, Any]]:
        rows = await super().ask(statement)
        ends = cycle(("ended_in_menu", "answered", "lost_track", "callback_taken", "abandoned"))
        for row, queue, outcome in zip(rows, cycle(city.QUEUES), ends, strict=False):
            if "visit" in row:
                row |= {"queue": queue, "outcome": outcome, "wait_ms": 44_434_000}
        return rows


@in_chromium
@pytest.mark.parametrize("lang", ["en", "zh"])
async def test_calls_are_no_wider_than_a_phone(context: BrowserContext, site: RunningSite, lang: str) -> None:
    site.site.api.past = EveryOutcome()  # type: ignore[assignment]
    board = Watched(await context.new_page(), site.url)
    await resize(board.page, 390, 844)
    for query in ("page=calls", "queue=*&metric=service_level_event&in=15m", "queue=utilities&metric=abandoned&in=15m"):
        page = await board.open(f"?lang={lang}&{query}")
        await expect(page.locator(".calls tbody tr")).to_have_count(14)
        await page.evaluate("document.fonts.ready")
        assert await page.evaluate(SIDEWAYS) == [], query
        last = page.locator(".calls tbody tr .col-wait").last
        await expect(last).to_have_text("12:20:34")
        head, cell = [
            await page.locator(f".calls {part} .col-wait").last.evaluate("it => it.getBoundingClientRect().right")
            for part in ("thead", "tbody")
        ]
        assert head == pytest.approx(cell, abs=1), "each stands under its head"
    assert board.complaints == []


class SomeInTheMenu(InventedPast):
    """Who waits, but for one that is not in a queue yet; and the caller's last call waits too."""

    async def ask(self, statement: Statement) -> list[dict[str, Any]]:
        rows = await super().ask(statement)
        if "AS own" in statement.sql:
            rows[-2] |= {"outcome": "open", "wait_ms": None}
            if statement.parameters["call"] == waiting()[-1]["call"]:
                rows[-1] |= {"queue": "", "queued_at": None}
        elif rows and "visit" in rows[-1]:
            rows[-1] |= {"queue": "", "queued_at": None}
        return rows


@in_chromium
@pytest.mark.parametrize(
    ("lang", "listed", "course"),
    [
        (
            "en",
            (["still waiting", "2:47"], ["in the menu", "–"]),
            ["earlier call 2: still waiting after 11:47", "still waiting, 2:47", "in the menu, 0:"],
        ),
        (
            "zh",
            (["仍在排队", "00:02:47"], ["语音导航中", "–"]),
            ["此前第 2 次来电：等待 11:47 后仍在排队", "仍在排队 2:47", "语音导航中 0:"],
        ),
    ],
)
async def test_who_still_waits_is_said_to_and_for_how_long(
    context: BrowserContext, site: RunningSite, lang: str, listed: tuple[list[str], list[str]], course: list[str]
) -> None:
    site.site.api.past = SomeInTheMenu()  # type: ignore[assignment]
    board = Watched(await context.new_page(), site.url)
    page = await board.open(f"?lang={lang}&queue=utilities&metric=offered&in=15m")
    rows = page.locator(".calls tbody tr")
    await expect(rows).to_have_count(14)
    for row, said in zip((rows.first, rows.last), listed, strict=True):
        await expect(row.locator(".col-outcome, .col-wait")).to_have_text(said)
    await rows.first.locator("button").click()
    await expect(page.locator(".timeline .step-earlier").last).to_contain_text(course[0])
    await expect(page.locator(".timeline .step-open")).to_contain_text(course[1])
    await rows.last.locator("button").click()
    await expect(page.locator(".timeline .step-open")).to_contain_text(course[2])
    async with ClientSession(site.url) as session:
        asked = {"metric": "offered", "queue": "utilities", "window": "15m"}
        told = (await (await session.get("/api/v1/calls", params=asked)).json())["rows"][0]
    assert (told["outcome"], told["wait_ms"]) == ("open", None)
    assert board.complaints == []


class Answered(InventedPast):
    """Who waited, a minute after the answer; of one call the end was never told."""

    async def ask(self, statement: Statement) -> list[dict[str, Any]]:
        rows = await super().ask(statement)
        if "AS own" in statement.sql:
            assert "lost_talking" in statement.sql
            rows[-1] |= {"outcome": "answered", "answered_at": NOW - timedelta(minutes=1), "wait_ms": 1_000}
            rows[-1]["lost_talking"] = statement.parameters["call"] == "c1"
        return rows


@in_chromium
@pytest.mark.parametrize(("lang", "says"), [("en", "still talking, 1:00"), ("zh", "仍在通话 1:00")])
async def test_who_still_talks_is_said_to_unless_the_end_was_never_told(
    context: BrowserContext, site: RunningSite, lang: str, says: str
) -> None:
    site.site.api.past = Answered()  # type: ignore[assignment]
    board = Watched(await context.new_page(), site.url)
    for call, said in (("c0", [says]), ("c1", [])):
        page = await board.open(f"?lang={lang}&queue=utilities&metric=offered&in=15m&call={call}")
        await expect(page.locator(".timeline .step-step")).to_have_count(3)
        await expect(page.locator(".timeline .step-open span")).to_have_text(said)
    assert board.complaints == []


@in_chromium
@pytest.mark.parametrize(("lang", "about"), [("en", "Heating · Beiguan · Chinese"), ("zh", "供暖 · 北关区 · 中文")])
async def test_calls_and_one_of_them_open_in_view_on_a_phone(
    context: BrowserContext, site: RunningSite, lang: str, about: str
) -> None:
    """They stand below the windows, and it below a list that is longer than the screen."""
    site.site.api.past = InventedPast()  # type: ignore[assignment]
    board = Watched(await context.new_page(), site.url)
    await resize(board.page, 390, 844)
    page = await board.open(f"?lang={lang}&queue=utilities&metric=waiting")

    async def in_view(place: str) -> bool:
        boxes = [await page.locator(it).bounding_box() for it in ("#header", place, ".nav")]
        header, box, tabs = [(it["y"], it["y"] + it["height"]) for it in boxes if it]
        return header[1] <= box[0] < box[1] <= tabs[0]

    await page.locator(".detail-windows tbody .number-link").first.click()
    await expect(page.locator(".calls tbody tr")).to_have_count(14)
    assert await in_view(".detail-calls .section-head")
    await page.locator(".calls tbody button").first.click()
    await expect(page.locator(".timeline .section-head .sub")).to_have_text(about)
    assert await in_view(".timeline")
    assert await page.evaluate(SIDEWAYS) == []
    assert board.complaints == []


@in_chromium
async def test_the_page_of_calls_begins_with_them_on_a_phone(context: BrowserContext, site: RunningSite) -> None:
    site.site.api.past = EveryOutcome()  # type: ignore[assignment]
    board = Watched(await context.new_page(), site.url)
    await resize(board.page, 390, 844)
    page = await board.open("?lang=en&page=calls")
    row = page.locator(".calls tbody tr").first
    await expect(row).to_be_visible()

    async def place(of: Locator, side: str) -> float:
        return await of.evaluate("(it, side) => it.getBoundingClientRect()[side]", side)

    assert await place(row, "bottom") < await place(page.locator(".nav"), "top")
    assert await place(page.locator(".detail-calls"), "bottom") < await place(page.locator(".chart-plot"), "top")
    begins = "it => it.getBoundingClientRect().left + parseFloat(getComputedStyle(it).paddingLeft)"
    caller, queue, queued, outcome = [
        await row.locator(f".col-{name}").evaluate(begins) for name in ("caller", "queue", "queued", "outcome")
    ]
    assert (queue, outcome) == (pytest.approx(caller, abs=1), pytest.approx(queued, abs=1))


@in_chromium
async def test_without_clickhouse_the_list_says_so_and_the_board_lives(
    context: BrowserContext, site: RunningSite
) -> None:
    board = Watched(await context.new_page(), site.url)
    page = await board.open("?lang=en&queue=utilities&metric=abandoned&in=15m")
    await expect(page.locator(".calls-sum")).to_contain_text("Not answered: no ClickHouse is configured")
    await expect(page.get_by_role("button", name="Try again")).to_be_visible()
    assert all("503" in complaint for complaint in board.complaints)


@in_chromium
async def test_on_the_wall_there_is_nothing_to_click(context: BrowserContext, site: RunningSite) -> None:
    board = Watched(await context.new_page(), site.url)
    page = await board.open("?lang=en&view=tv")
    await expect(page.locator("button:visible, a:visible")).to_have_count(0)
    await page.keyboard.press("f")
    await expect(board.tile("housing").locator(".tile-link")).to_be_visible()
    await expect(page).not_to_have_url(re.compile("view="))
