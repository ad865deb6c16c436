"""The page in a real browser: live without reload, back after a restart, both languages, both themes, nothing from outside."""

import re
from collections.abc import AsyncIterator

import city
import pytest
import pytest_asyncio
from aiokafka import TopicPartition
from browser import Watched, in_a_browser, resize
from msgspec import structs
from playwright.async_api import BrowserContext, expect
from running_site import RunningSite

from deploy.runtime.settings import Settings
from sinks.web.board import Key
from sinks.web.rolling import bounds, measures
from streams.contract.alerts import Silence
from streams.contract.metrics import Window
from streams.detection import keys, words
from streams.detection.service import Spent

pytestmark = in_a_browser


@pytest_asyncio.fixture(loop_scope="session")
async def board(context: BrowserContext, site: RunningSite) -> AsyncIterator[Watched]:
    watched = Watched(await context.new_page(), site.url)
    yield watched
    assert watched.outside == []


async def test_figures_change_without_a_reload(board: Watched, site: RunningSite) -> None:
    page = await board.open()
    await page.evaluate("window.same = true")
    waiting = board.tile("housing").locator(".waiting")
    await expect(waiting).to_have_text("0")
    site.put(city.gauge("housing", city.MORNING, 37, 30, city.MORNING - 3_700_000, 5, 9))
    await expect(waiting).to_have_text("37")
    await expect(board.tile("housing").locator(".tile-oldest .figure")).to_have_text("1:01:40")
    assert await page.evaluate("window.same") is True
    assert board.complaints == []


async def test_the_tile_says_what_the_server_says(board: Watched) -> None:
    await board.open()
    shown = board.tile("utilities")
    await expect(shown).to_have_attribute("data-state", "breach")
    await expect(shown.locator(".waiting")).to_have_text("14")
    await expect(shown.locator(".badge")).to_have_text("Breach 11m")
    await expect(shown.locator(".past")).to_have_text("11 past 15 s")
    await expect(board.tile("housing").locator(".tile-oldest .figure")).to_have_text("–")
    sentence = await shown.locator(".unseen").text_content()
    assert sentence is not None
    assert sentence.startswith("Utilities: Breach 11m. 14 waiting, 11 past 15 seconds, oldest 2:47.")
    meter = board.page.get_by_role("meter").first
    assert float(await meter.get_attribute("aria-valuenow") or "") > 10
    await expect(board.page.locator(".strip-title").first).to_contain_text("Utilities:")


async def test_an_answer_rate_is_told_as_short_as_a_service_level(board: Watched, site: RunningSite) -> None:
    """Its sentence had no room beside another alert, and lost since when."""
    sentence = "Linjiang 12345: 91.4% of 877 calls answered in the last 24 h, target 95.0%; since 09:37."
    told = city.alert(city.MORNING, queue="", signal="answer_rate_below_target", value=0.914, target=0.95, fingerprint="r",
                      started_at=city.MORNING - 3_900_000, severity="critical", summary={"en": sentence})  # fmt: skip
    site.put(told)
    page = await board.open("?lang=en&view=tv")
    strip = page.locator(".strip", has_text="answer rate")
    await expect(strip.locator(".strip-title")).to_have_text("Linjiang 12345: answer rate 91.4%")
    await expect(strip.locator(".strip-sub")).to_contain_text(re.compile(r"^target 95%\s· last 24 h\s· since 09:37"))
    await expect(strip).to_have_attribute("title", sentence)
    assert await strip.locator(".strip-sub").evaluate("it => it.scrollWidth <= it.clientWidth + 1")


async def test_a_broker_that_is_away_is_not_said_to_be_read(board: Watched, empty_site: RunningSite) -> None:
    """It stood there as complete in a moment, for as long as the broker was away."""
    empty_site.reader.known_from = None
    page = await board.open()
    await expect(page.locator(".strip-title").first).to_have_text("Waiting for Kafka")
    empty_site.reader.positions[TopicPartition("hotline.cells", 0)] = 0
    empty_site.site.publish()
    await expect(page.locator(".strip-title").first).to_have_text("Reading the last day from Kafka")


OUT_OF_TILES = """() => [...document.querySelectorAll('.tile')].flatMap((tile) =>
  [...tile.querySelectorAll('.figure, .tile-foot span')].filter((it) => it.textContent && it.getClientRects().length)
    .filter((it) => {
      const words = document.createRange();
      words.selectNodeContents(it);
      return words.getBoundingClientRect().right > tile.getBoundingClientRect().right - 8 || it.scrollWidth > it.clientWidth + 1;
    })
    .map((it) => `${tile.dataset.queue}: ${it.textContent}`))"""
"""What of a tile stands out of it, or is cut."""


@pytest.mark.parametrize("lang", ["en", "zh"])
async def test_a_tile_has_room_for_its_figures_on_a_tablet(board: Watched, lang: str) -> None:
    page = await board.open(f"?lang={lang}")
    for width in (640, 768, 834, 899, 900, 1024, 1199):
        await resize(page, width, 1024)
        assert await page.evaluate(OUT_OF_TILES) == [], width


ROOMLESS = """() => [...document.querySelectorAll('.strip')].filter((strip) => strip.getClientRects().length).flatMap((strip) =>
  [...strip.querySelectorAll('.strip-name, .strip-what, .strip-sub')]
    .filter((it) => it.scrollWidth > it.clientWidth + 1 || it.scrollHeight > it.clientHeight + 4
      || it.getBoundingClientRect().bottom > strip.getBoundingClientRect().bottom)
    .map((it) => `${it.className}: ${it.textContent}`))"""
"""Of the strip: words that are cut."""


@pytest.mark.parametrize("lang", ["en", "zh"])
async def test_a_sentence_has_room_beside_another_one(board: Watched, site: RunningSite, lang: str) -> None:
    """On the wall and at the desk; what is more than its part of all calls says first how much more."""
    now, since = city.MORNING, city.MORNING - 660_000
    line = site.settings.hotlines[city.HOTLINE]
    part = keys.Key(city.HOTLINE, "category_district", category="heating", more=(("district", "990104"),))
    whole = words.place(keys.Key(city.HOTLINE, "hotline"), line)
    more = words.concentration(
        words.place(part, line), line, since=since, minutes=30, count=47, expected=14.7, score=9.0
    )
    ahead = words.answer_rate_ahead(
        whole, line, rate=0.953, recent=(931, 1_000), minutes=60, target=0.95, breach_at=now + 18_000_000
    )
    burns = words.burn(
        whole, line, since=since, spent=Spent(61, 150, 30_000_000), threshold_s=15, window_s=3_600, left=0.34, days=28
    )
    page = await board.open(f"?lang={lang}&view=tv")
    await page.evaluate("document.fonts.ready")
    first = page.locator(".strip").first
    kinds = (
        ("answer_rate_breach_predicted", ahead, {}),
        ("error_budget_fast_burn", burns, {}),
        ("demand_concentrated", more, {"category": "heating", "labels": {"category": "heating", "district": "990104"}}),
    )
    for version, (kind, summary, fields) in enumerate(kinds, 1):
        site.put(
            city.alert(now, queue="", rule="r", signal=kind, severity="critical", target=None, started_at=since,
                       version=version, summary=summary, **fields)
        )  # fmt: skip
        await expect(first).to_have_attribute("title", summary[lang])
        for width, height in ((1920, 1080), (1366, 768)):
            await resize(page, width, height)
            for _ in ("on the wall", "on the desk"):
                assert await page.evaluate(ROOMLESS) == []
                await page.keyboard.press("f")
    told = {
        "en": (
            "Category heating, district 990104: 3.2× usual",
            "47 calls in 30 min· its usual part 15· since 10:31",
        ),
        "zh": (
            "类别“heating”、区域“990104”：通常的 3.2 倍",
            "30 分钟内来电 47 个· 通常占比为 15 个· 10:31 起",
        ),
    }[lang]
    await expect(first.locator(".strip-title")).to_have_text(told[0])
    assert (await first.locator(".strip-sub").inner_text()).replace("\u00a0", "") == told[1]


async def test_the_screen_says_that_it_is_offline_and_comes_back_by_itself(board: Watched, site: RunningSite) -> None:
    page = await board.open()
    await site.stop()
    await expect(page.locator(".strip-title").first).to_contain_text("Screen offline for")
    await expect(page.locator("body")).to_have_attribute("data-offline", "yes")
    await page.keyboard.press("7")  # so do the other pages
    await expect(page.locator(".as-of-label")).to_have_text("Offline, as of")
    await expect(page.locator(".alarm-now .chart-problem")).to_have_text("no connection to the server")
    await page.keyboard.press("Escape")
    await expect(board.tile("housing").locator(".waiting")).to_have_text("0")  # the last known figures stay
    site.reset()
    site.fill(city.records())
    site.put(city.gauge("housing", city.MORNING, 5, 1, city.MORNING - 9_000, 5, 9))
    await site.start()
    await expect(board.tile("housing").locator(".waiting")).to_have_text("5")
    await expect(page.locator("body")).to_have_attribute("data-offline", "no")
    await expect(page.locator(".strip-title").first).to_contain_text("Utilities:")
    await expect(page.get_by_role("status")).to_have_text("Connection is back")


async def test_both_languages_and_both_themes(board: Watched) -> None:
    page = await board.open("?lang=zh&theme=light")
    name = board.tile("utilities").locator(".tile-name")
    await expect(name).to_have_text("水电气热")
    await expect(page.locator("h1")).to_have_text("临江市 12345 热线")
    light = await page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    await page.keyboard.press("t")
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert await page.evaluate("getComputedStyle(document.documentElement).backgroundColor") != light
    await page.keyboard.press("l")
    await expect(name).to_have_text("Utilities")
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await expect(page).to_have_url(re.compile(r"\?lang=en&theme=dark$"))
    await page.goto(board.url)
    await expect(name).to_have_text("Utilities")  # the choice is kept
    assert board.complaints == []


async def test_old_data_is_said_to_be_old(board: Watched, site: RunningSite) -> None:
    page = await board.open()
    site.now = city.MORNING + 48_000
    site.site.publish()
    await expect(page.locator(".strip-title").first).to_have_text("Data as of 10:42:18, 48 s behind")
    await expect(board.tile("housing")).to_have_attribute("data-state", "stale")
    await expect(board.tile("housing").locator(".badge")).to_have_text("48 s behind")


async def test_a_name_that_looks_like_markup_stays_text(board: Watched, site: RunningSite) -> None:
    page = await board.open()
    nasty = "<img src=x onerror=document.title='owned'>"
    site.put(
        city.gauge(nasty, city.MORNING, 3, 0, city.MORNING, 1, 9),
        city.alert(city.MORNING, queue=nasty, started_at=city.MORNING, summary={"en": nasty}),
    )
    await expect(page.locator(".strip-title").first).to_contain_text("<img")
    await expect(page.locator(".tile-name", has_text="<img")).to_be_visible()
    assert await page.locator("img").count() == 0
    assert "owned" not in await page.title()
    assert board.complaints == []


async def test_before_the_first_call_the_frame_is_whole(context: BrowserContext, empty_site: RunningSite) -> None:
    board = Watched(await context.new_page(), empty_site.url)
    page = await board.open("?lang=zh&theme=dark")
    await expect(page.locator(".strip-title").first).to_have_text("等待首个来电")
    await expect(page.locator(".tile")).to_have_count(8)
    await expect(board.tile("utilities").locator(".waiting")).to_have_text("–")
    assert board.complaints == []


async def test_without_a_hotline_it_is_said_what_to_do(context: BrowserContext, settings: Settings) -> None:
    web = settings.web.model_copy(update={"hotline": ""})
    bare = RunningSite(settings.model_copy(update={"hotlines": {}, "web": web}))
    bare.site.publish()
    await bare.start()
    board = Watched(await context.new_page(), bare.url)
    page = await board.open("?lang=en")
    await expect(page.locator(".strip-sub").first).to_contain_text("no hotline is configured")
    await board.open("?lang=en&page=categories")
    await expect(page.locator(".kind-page h3")).to_have_text(["Categories", "In more detail, over all"])
    await bare.stop()


OUTSIDE = """() => [...document.querySelectorAll('.tile')].flatMap((tile) => {
  const box = tile.getBoundingClientRect();
  return [...tile.querySelectorAll('.figure, .label, .tile-foot, .foot-right, .spark, .badge')]
    .filter((node) => node.getClientRects().length)
    .map((node) => [node.className.baseVal ?? node.className, node.textContent, node.getBoundingClientRect()])
    .filter(([, , r]) => r.right > box.right + 1 || r.left < box.left - 5 || r.bottom > box.bottom + 1)
    .map(([name, text]) => `${tile.dataset.queue} ${name}: ${text}`);
})"""


CRAMPED = """() => {
  const seen = (node) => node.getClientRects().length;
  const box = (node) => node.getBoundingClientRect();
  const all = (selector) => [...document.querySelectorAll(selector)].filter(seen);
  const cut = [...all('.total-cell .label'), ...all('#columns span'), ...all('.badge'), ...all('.strip-what'), ...all('.tiles .label'), ...all('.foot-left')]
    .filter((node) => node.scrollWidth > node.clientWidth + 1)
    .map((node) => `cut: ${node.textContent}`);
  const wide = all('.total-cell .total')
    .filter((node) => box(node).right > box(node.closest('.total-cell')).right)
    .map((node) => `over its cell: ${node.textContent}`);
  const pairs = all('.tile').flatMap((tile) => {
    const [count, ...lines] = ['.waiting', '.tile-oldest', '.tile-level'].map((name) => tile.querySelector(name));
    if (!count || !seen(lines[0])) return [];
    return [[count, lines[0].firstChild], ...lines.map((line) => [line.firstChild, line.lastChild])];
  });
  const on = pairs.filter(([left, right]) => box(left).right > box(right).left + 1);
  const note = document.querySelector('.day-note');
  const over = seen(note) && box(note).bottom > box(document.querySelector('.day-plot')).top + 1;
  return [...cut, ...wide, ...on.map(([left, right]) => `${left.textContent} runs into ${right.textContent}`), ...(over ? ['a note over the curve'] : [])];
}"""
"""Of the board: words that are cut, figures over their cell, figures on words, and a note on the curve."""


@pytest.mark.parametrize("lang", ["en", "zh"])
async def test_nothing_sticks_out_on_any_screen(board: Watched, site: RunningSite, lang: str) -> None:
    """Nor on a bad day: over a thousand wait, some of them for half a day, and the forecast is young."""
    now = city.MORNING
    hours = now - 44_434_000
    queues = ("utilities", "business", "housing")
    site.put(
        *(structs.replace(it, days_learned=5.3, version=2) for it in city.forecasts(now)),
        *(city.gauge(queue, now, n, n, hours, 5, 9) for queue, n in zip(queues, (1_423, 444, 14), strict=True)),
        city.gauge("", now, 2_323, 1_423, hours, 5, 9, agents={"available": 3}),
        Silence(id="s", matchers={"hotline": city.HOTLINE, "queue": "social-security"}, author="x", reason="works", at=0,
                ends_at=now + 3_600_000),
    )  # fmt: skip
    page = await board.open(f"?lang={lang}&theme=light")
    await expect(page.locator(".day-note")).to_contain_text("5/14")
    await page.evaluate("document.fonts.ready")
    for width, height in ((1920, 1080), (3840, 2160), (1440, 900), (1366, 768), (900, 1200), (390, 844)):
        await resize(page, width, height)
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        name = page.get_by_role("heading", level=1)
        assert await name.evaluate("it => it.scrollWidth <= it.clientWidth + 1"), "whose board it is"
        assert await page.evaluate(OUTSIDE) == []
        assert await page.evaluate(CRAMPED) == []
        if width >= 1200:
            assert await page.evaluate("document.documentElement.scrollHeight") <= height
    await resize(page, 1920, 1080)
    for queues in (0, 20):
        site.put(*(city.gauge(f"branch-{n}", now, 444, 3, now - 4_000_000, 5, 1) for n in range(queues)))
        await expect(page.locator(".others:visible")).to_have_count(int(queues > 0))
        for _ in ("on the wall", "on the desk"):
            await page.keyboard.press("f")
            assert await page.evaluate(OUTSIDE) == []
            assert await page.evaluate(CRAMPED) == []
    rest = page.get_by_role("link", name=re.compile(r"^14 others, Watch \d$|^其余 14 个队列、预警 \d$"))
    await rest.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator(".queue-list tbody tr")).to_have_count(28)


async def test_a_still_screen_for_those_who_ask(context: BrowserContext, site: RunningSite) -> None:
    page = await context.new_page()
    await page.emulate_media(reduced_motion="reduce")
    board = Watched(page, site.url)
    await board.open()
    await expect(board.tile("utilities")).to_have_css("animation-name", "none")
    assert await page.evaluate("document.getAnimations().length") == 0


async def test_window_and_definition_are_chosen_by_key_or_button_and_stay_in_the_address(
    board: Watched, site: RunningSite
) -> None:
    page = await board.open()
    spans = bounds(city.MORNING, city.ZONE)

    def level(name: Window, definition: str) -> str:
        counts = site.board.rolling(Key(city.HOTLINE), name, spans[name])
        return f"{measures(counts, 15)[definition] * 100:.1f}%"

    shown = page.locator(".total-level .total")
    await expect(shown).to_have_text(level("15m", "service_level_event"))
    await page.keyboard.press("w")
    await expect(shown).to_have_text(level("30m", "service_level_event"))
    await page.get_by_role("button", name="30 min").click()
    await expect(page.locator(".total-level .sub")).to_have_text("target 80% · last 60 min")
    await page.keyboard.press("d")
    await expect(shown).to_have_text(level("60m", "service_level_offered"))
    await expect(page.locator(".definition")).to_contain_text("answered ≤ 15 s ÷ offered, last 60 min")
    await expect(page).to_have_url(re.compile("window=60m"))
    await page.reload()
    await expect(shown).to_have_text(level("60m", "service_level_offered"))
    assert board.complaints == []


DEFINITIONS = sum(name.startswith("service_level_") for name in measures({}, 15))

CUT_OFF = """() => {
  const legend = document.querySelector('.definition');
  const text = document.createRange();
  text.selectNodeContents(legend);
  const { top, bottom } = text.getBoundingClientRect();
  const tiles = Math.max(...[...document.querySelectorAll('.tile')].map((tile) => tile.getBoundingClientRect().bottom));
  return [
    legend.scrollWidth > legend.clientWidth && 'wider than its place',
    top < tiles && 'over the tiles',
    bottom > innerHeight && 'below the screen',
    document.documentElement.scrollWidth > innerWidth && 'the page is wider than the screen',
  ].filter(Boolean);
}"""


@pytest.mark.parametrize("lang", ["en", "zh"])
async def test_the_legend_says_each_definition_to_its_end(board: Watched, lang: str) -> None:
    """Also beside the key of somebody with a long name, who can log out."""
    name = "alexandrina.konstantinopoulos"
    me = {"name": name, "mode": "accounts", "role": "viewer", "rights": []}
    await board.page.route("**/api/v1/me", lambda route: route.fulfill(json=me))
    said: set[str | None] = set()
    for query in ("", "&window=60m", "&view=tv"):
        page = await board.open(f"?lang={lang}{query}")
        await expect(page.locator("[data-key=leave]")).to_contain_text(name)
        await page.evaluate("document.fonts.ready")
        for _ in range(DEFINITIONS):  # other screens are the same picture, larger or smaller
            await page.keyboard.press("d")
            said.add(await page.locator(".definition").text_content())
            assert await page.evaluate(CUT_OFF) == [], query
    assert len(said) == 2 * DEFINITIONS, "two windows, for the wall's is the first one"


async def test_a_source_that_is_silent_is_named_and_all_of_them_hatch_the_tiles(
    board: Watched, site: RunningSite
) -> None:
    page = await board.open()
    silent = city.MORNING - 780_000
    site.put(city.source(city.MORNING, "PBX-2", 2, silent_since=silent))
    await expect(page.locator(".strip-title").first).to_have_text("No data from PBX-2 since 10:29")
    await expect(page.locator(".lacking")).to_have_text("1/2")
    await expect(page.get_by_role("alert")).to_have_text("No data from PBX-2")
    await expect(board.tile("housing")).to_have_attribute("data-state", "ok")
    dead = city.alert(city.MORNING, queue="", rule="DeadFeed", signal="dead_feed", severity="critical", started_at=silent,
                      target=None, summary={"en": "No data since 10:29 from PBX-2."}, labels={"source": "PBX-2"})  # fmt: skip
    site.put(dead)
    await expect(page.locator(".nav-link[data-page=alerts]")).to_have_text("Alerts3")
    await expect(page.locator(".strip-title")).to_contain_text(["No data from PBX-2 since 10:29", "Utilities:"])
    await page.keyboard.press("7")
    listed = page.locator(".alarms li[data-look=feed_down]")
    await expect(listed.locator(".strip-title")).to_have_text("Linjiang 12345: No data since 10:29 from PBX-2")
    await page.keyboard.press("Escape")
    site.put(city.source(city.MORNING, "PBX-1", 2, silent_since=silent))
    await expect(page.locator(".strip-title").first).to_have_text("No source heard since 10:29")
    await expect(page.locator(".strip-title").nth(1)).to_have_text(
        "Utilities: 61.0% in 15 s"
    )  # as the alert was raised
    await expect(page.locator(".strip-sub").nth(1)).to_have_text(re.compile(r"^target 80%\s· since 10:30$"))
    housing = board.tile("housing")
    await expect(housing).to_have_attribute("data-state", "feed_down")
    await expect(housing.locator(".waiting")).to_have_text("–")
    await expect(housing.locator(".past")).to_have_text("last 0 at 10:29")
    await expect(housing.locator(".foot-left")).to_have_text("silent for 13 min")
    await expect(page.locator(".total-waiting .total")).to_have_text("–")
    site.put(city.source(city.MORNING, "PBX-1", 3))
    await expect(housing).to_have_attribute("data-state", "ok")
    assert board.complaints == []


@pytest.mark.parametrize("lang", ["en", "zh"])
async def test_a_wall_without_agents_keeps_each_total_in_its_cell(board: Watched, site: RunningSite, lang: str) -> None:
    site.put(city.gauge("", city.MORNING, 22, 13, city.MORNING - 167_000, 50, 9))
    page = await board.open(f"?lang={lang}&view=tv")
    await expect(page.locator(".total-abandon .label")).to_have_text({"en": "Abandoned", "zh": "放弃率"}[lang])
    await page.evaluate("document.fonts.ready")
    over = """() => [...document.querySelectorAll('.total-cell')].flatMap((cell) => [...cell.querySelectorAll('.label, .sub')]
      .filter((it) => it.getClientRects().length && it.getBoundingClientRect().left + it.scrollWidth > cell.getBoundingClientRect().right + 1)
      .map((it) => it.textContent))"""
    for width, height in ((1920, 1080), (1366, 768)):
        await resize(page, width, height)
        assert await page.evaluate(over) == []


WIDER = "all => all.filter((it) => it.scrollWidth > it.clientWidth + 1).map((it) => it.textContent)"


@pytest.mark.parametrize("lang", ["en", "zh"])
async def test_a_wall_that_hears_no_source_says_whole_of_which_queue_and_for_how_long(
    board: Watched, site: RunningSite, lang: str
) -> None:
    silent = city.MORNING - 7_500_000
    site.put(*(city.source(city.MORNING, name, 2, silent_since=silent) for name in ("PBX-1", "PBX-2")))
    page = await board.open(f"?lang={lang}&view=tv")
    await expect(board.tile("social-security")).to_have_attribute("data-state", "feed_down")
    await page.evaluate("document.fonts.ready")
    assert await page.locator(".tile-name, .foot-left").evaluate_all(WIDER) == []


@pytest.mark.parametrize("lang", ["en", "zh"])
async def test_a_wall_of_old_figures_says_whole_of_when_they_are(board: Watched, site: RunningSite, lang: str) -> None:
    page = await board.open(f"?lang={lang}&view=tv")
    site.now = city.MORNING + 48_000
    site.site.publish()
    old = board.tile("housing").locator(".foot-left")
    await expect(old).to_have_text({"en": "values as of 10:42:18", "zh": "数值截至 10:42:18"}[lang])
    await page.evaluate("document.fonts.ready")
    for width, height in ((1920, 1080), (1366, 768)):
        await resize(page, width, height)
        assert await page.locator(".foot-left").evaluate_all(WIDER) == []


@pytest.mark.parametrize("lang", ["en", "zh"])
async def test_a_wall_of_many_breaches_names_each_queue_whole(board: Watched, site: RunningSite, lang: str) -> None:
    """In the strip also a name for which a tile has no room, beside how many alerts there are more."""
    now, since = city.MORNING, city.MORNING - 7_300_000
    line, queue = site.settings.hotlines[city.HOTLINE], "Taxes and social insurance"
    spent = Spent(61, 150, 30_000_000)
    summary = words.burn(
        words.place(keys.Key(city.HOTLINE, "queue", queue=queue), line), line, since=now - 660_000, spent=spent, threshold_s=15,
        window_s=3_600, left=0.34, days=28,
    )  # fmt: skip
    site.put(
        *(city.alert(now, queue=name, severity="critical", at=since, started_at=since) for name in city.QUEUES),
        city.alert(now, queue=queue, rule="r", signal="error_budget_fast_burn", severity="critical", target=None,
                   started_at=now - 660_000, summary=summary),
        city.alert(now, queue="utilities", rule="newest", severity="critical", at=now, started_at=now),
    )  # fmt: skip
    page = await board.open(f"?lang={lang}&view=tv")
    await expect(page.locator(".strip").nth(1).locator(".strip-name")).to_have_text(queue)
    await expect(page.locator(".strip-more:visible")).to_have_text(re.compile(r"^\+\d+$"))
    await expect(board.tile("social-security").locator(".badge")).to_have_text(
        {"en": "Breach 121m", "zh": "告警 121 分"}[lang]
    )
    await page.evaluate("document.fonts.ready")
    for width, height in ((1920, 1080), (1366, 768)):
        await resize(page, width, height)
        assert await page.evaluate(ROOMLESS) == []
        assert await page.locator(".tile-name").evaluate_all(WIDER) == []


async def test_agents_by_state_in_total_and_per_queue(board: Watched, site: RunningSite) -> None:
    page = await board.open()
    everybody = site.board.gauges[Key(city.HOTLINE)].agents
    await expect(page.locator(".crew-head b")).to_have_text(str(sum(everybody.values())))
    await expect(page.locator(".crew-count").first).to_have_text(f"{everybody['available']}free")
    await expect(board.tile("housing").locator(".foot-left")).to_have_text("3 free")
    await page.keyboard.press("l")
    await expect(page.locator(".crew-head .label")).to_have_text("在岗座席")
