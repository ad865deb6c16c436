"""What stands beside today's figures: the same time last week, the wait to expect, the worst 24 hours."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import datetime

import jsonschema
import pytest
import pytest_asyncio
import story
from aiohttp import ClientSession
from browser import Watched, in_a_browser
from playwright.async_api import BrowserContext, expect
from running_site import RunningSite

from deploy.runtime.settings import Hotline
from sinks.web.beside import week_before
from sinks.web.kept import Kept
from sinks.web.openapi import document

pytestmark = pytest.mark.clickhouse
DOCUMENT = document()


async def shown(told: story.Told, day: str, time: str) -> AsyncIterator[RunningSite]:
    """The story as it stands in ClickHouse, on the board of a later moment."""
    kafka = told.settings.kafka.model_copy(update={"bootstrap": "127.0.0.1:1"})
    running = RunningSite(told.settings.model_copy(update={"kafka": kafka}))
    running.now = story.ms(day, time)
    running.board.clock = running.now
    running.board.since = running.now - 60_000
    await running.start()
    yield running
    await running.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def week_later(told: story.Told) -> AsyncIterator[RunningSite]:
    async for running in shown(told, "2026-03-16", "09:30:00"):
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def at_the_spike(told: story.Told) -> AsyncIterator[RunningSite]:
    async for running in shown(told, story.SPIKE, "09:05:00"):
        yield running


async def get(site: RunningSite, path: str, status: int = 200, **asked: str) -> dict:
    """An answer, which is as the OpenAPI document says."""
    async with ClientSession(site.url) as http, http.get(f"/api/v1/{path}", params=asked) as response:
        assert response.status == status, await response.text()
        answer = await response.json()
    told = DOCUMENT["paths"][f"/api/v1/{path}"]["get"]["responses"][str(status)]["content"]["application/json"][
        "schema"
    ]
    jsonschema.validate(answer, told | {"components": DOCUMENT["components"]})
    return answer


async def test_the_same_day_a_week_ago_by_quarters_and_up_to_the_same_time(week_later: RunningSite) -> None:
    answer = await get(week_later, "last_week")
    came = {n: number for n, number in enumerate(answer["offered"]) if number}
    assert came == {36: 2, 37: 1, 40: 1}  # a1 and a2 at nine, a3 at 9:20, a4 at ten
    assert len(answer["offered"]) == 96
    assert (answer["from"], answer["to"]) == ("2026-03-08T16:00:00Z", "2026-03-09T01:31:00Z")
    figures = answer["figures"]
    assert (figures["offered"], figures["answered"], figures["abandoned"]) == (3, 3, 0)  # a4 came at ten
    assert figures["asa"] == pytest.approx(9.0)
    assert figures["service_level_offered"] == 1.0


async def test_one_queue_and_a_day_of_which_nothing_is_known(
    week_later: RunningSite, at_the_spike: RunningSite
) -> None:
    water = await get(week_later, "last_week", queue="water")
    assert (sum(water["offered"]), water["figures"]["offered"]) == (2, 2)
    before = await get(at_the_spike, "last_week")
    assert before["figures"] is None
    assert set(before["offered"]) == {None}


async def test_a_time_of_day_is_that_of_the_clocks_also_over_a_change() -> None:
    berlin = Hotline(time_zone="Europe/Berlin")
    noon = int(datetime(2026, 3, 31, 12, tzinfo=berlin.zone).timestamp()) * 1000
    before = datetime.fromtimestamp(week_before(noon, berlin) / 1000, berlin.zone)
    assert (before.day, before.hour) == (24, 12)


async def test_the_wait_of_the_last_one_served_and_how_far_off_it_was(
    at_the_spike: RunningSite, told: story.Told
) -> None:
    answer = await get(at_the_spike, "estimated_wait", queue="water")
    served = told.client.query(
        "SELECT wait_ms, queued_at, answered_at FROM v_visits WHERE feed = 'live' AND queue = 'water' "
        "AND outcome = 'answered' AND answered_at BETWEEN '2026-03-10 00:05:00' AND '2026-03-10 01:05:00' ORDER BY answered_at"
    ).result_rows
    assert len(served) > 2
    errors = []
    for wait, queued, _ in served:
        earlier = [w for w, _, answered in served if answered <= queued]
        errors += [abs(wait - earlier[-1]) / 1000] if earlier else []
    assert errors
    assert answer["served"] == len(served)
    assert answer["estimated_wait_s"] == served[-1][0] / 1000
    assert answer["mean_error_s"] == pytest.approx(sum(errors) / len(errors))


async def test_nobody_served_within_the_hour_is_no_estimate(week_later: RunningSite) -> None:
    answer = await get(week_later, "estimated_wait", queue="water")
    assert (answer["estimated_wait_s"], answer["mean_error_s"], answer["served"]) == (None, None, 0)
    assert "queue is missing" in (await get(week_later, "estimated_wait", 400))["error"]


async def test_what_many_ask_at_once_is_asked_once() -> None:
    asked: list[str] = []
    go_on = asyncio.Event()

    async def make() -> str:
        asked.append("once")
        await go_on.wait()
        return "answer"

    kept = Kept()
    waiting = [asyncio.create_task(kept.of("key", 60, make)) for _ in range(20)]
    await asyncio.sleep(0)
    waiting[0].cancel()  # the first one goes away
    go_on.set()
    assert await asyncio.gather(*waiting[1:]) == ["answer"] * 19
    assert await kept.of("key", 60, make) == "answer"
    assert asked == ["once"]
    await kept.of("another", 60, make)
    assert len(asked) == 2


async def test_the_board_shows_the_worst_24_hours_to_those_who_see_all_calls(site: RunningSite) -> None:
    site.site.screens.worst = {"rate": 0.912, "begin": "2026-03-02T00:00:00Z", "end": "2026-03-03T00:00:00Z"}
    async with ClientSession(site.url) as http:
        whole = await (await http.get("/api/v1/board")).json()
        part = await (await http.get("/api/v1/board", params={"queues": "housing"})).json()
    assert whole["totals"]["worst_24h"]["rate"] == 0.912
    assert part["totals"]["worst_24h"] is None


async def test_the_worst_24_hours_are_asked_for_of_the_hotline_on_the_board(week_later: RunningSite) -> None:
    looking = asyncio.create_task(week_later.site.look_back_for_ever())
    async with asyncio.timeout(60):
        while week_later.site.screens.worst is None:
            await asyncio.sleep(0.02)
            assert not looking.done()
    looking.cancel()
    worst = await get(week_later, "answer_rate_24h", **{"from": "2026-03-01"})
    assert week_later.site.screens.worst["rate"] == worst["answer_rate_24h_worst"] < 1


class TestThePage:
    pytestmark = in_a_browser

    async def test_last_week_stands_beside_the_windows_and_the_day(
        self, context: BrowserContext, week_later: RunningSite
    ) -> None:
        watched = Watched(await context.new_page(), week_later.url)
        page = await watched.open("?lang=en&queue=water")
        row = page.locator("tr.last-week")
        await expect(row.locator("th")).to_have_text("Last week")
        await expect(row.locator(".col-offered")).to_have_text("2")
        await expect(row.locator(".col-asa")).to_have_text("0:09")
        await expect(page.locator(".hero-estimated .total")).to_have_text("–")
        await page.keyboard.press("l")
        await expect(row.locator("th")).to_have_text("上周同时段")
        await expect(page.locator(".chart-key.key-week")).to_have_text("上周")

    async def test_the_worst_24_hours_on_the_board(self, context: BrowserContext, site: RunningSite) -> None:
        site.site.screens.worst = {"rate": 0.912, "begin": "2026-03-02T00:00:00Z", "end": "2026-03-03T00:00:00Z"}
        site.site.publish()
        watched = Watched(await context.new_page(), site.url)
        page = await watched.open("?lang=en")
        await expect(page.locator(".total-answer .sub")).to_have_text("worst 24 h 91.2%")
        await expect(page.locator(".total-answer")).to_have_attribute("title", re.compile("02/03 08:00 to 03/03 08:00"))

    async def test_the_estimate_and_its_error(self, context: BrowserContext, at_the_spike: RunningSite) -> None:
        watched = Watched(await context.new_page(), at_the_spike.url)
        page = await watched.open("?lang=en&queue=water")
        cell = page.locator(".hero-estimated")
        await expect(cell.locator(".label")).to_have_text("Estimated wait")
        await expect(cell.locator(".total")).not_to_have_text("–")
        await expect(cell.locator(".sub")).to_contain_text("mean error")
        await page.goto(f"{at_the_spike.url}/?lang=en&queue=*")
        await expect(cell).to_be_hidden()
