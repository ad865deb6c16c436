"""Acknowledge and silence from the board: what is written, who may, and how the board shows it."""

import city
import pytest
from aiokafka.errors import KafkaError
from browser import SIDEWAYS, Watched, in_chromium, resize
from doing import posting, written_by
from playwright.async_api import BrowserContext, expect
from running_site import RunningSite

from alerts.controls import Controls
from deploy.runtime.kafka import UnansweredError
from sinks.web.board import Board
from sinks.web.gate import HEADER
from sinks.web.limited_board import limited, silences
from sinks.web.said import Said
from sinks.web.sees import Sees
from streams.contract.alerts import Acknowledgement, Silence

FINGERPRINT = "ServiceLevelUnderTarget-utilities"
ACKNOWLEDGE = {"fingerprint": FINGERPRINT, "author": "Chen Yu", "note": "calling the works"}
SILENCE = {"fingerprint": FINGERPRINT, "author": "Chen Yu", "reason": "planned works", "minutes": 60}

post = posting("alerts")


@pytest.fixture
def settings():
    return city.demo_settings(kafka={"bootstrap": "127.0.0.1:1"}, paging="hotline")


@pytest.fixture
def written(site: RunningSite) -> list:
    return written_by(site.site.actions, site)


async def test_an_acknowledged_breach_is_outlined_and_named(site, http, written) -> None:
    response = await post(http, "acknowledge", ACKNOWLEDGE)
    assert response.status == 200
    assert written == [
        Acknowledgement(fingerprint=FINGERPRINT, author="Chen Yu", note="calling the works", at=site.now)
    ]
    board = await (await http.get("/api/v1/board")).json()
    tile = board["tiles"]["utilities"]
    assert (tile["state"], tile["owner"]) == ("acknowledged", "Chen Yu")
    assert [line["owner"] for line in board["alerts"]["newest"]] == [None, "Chen Yu"]
    site.put(city.alert(city.MORNING, episode="2", at=site.now + 1))
    board = await (await http.get("/api/v1/board")).json()
    assert board["tiles"]["utilities"]["state"] == "breach"


async def test_a_silence_holds_for_its_alert_and_no_other(site, http, written) -> None:
    labels = {"alertname": "ServiceLevelUnderTarget", "hotline": "12345", "queue": "utilities[1]"}
    site.put(city.alert(city.MORNING, labels=labels, version=2))
    assert (await post(http, "silence", SILENCE)).status == 200
    [silence] = written
    assert (silence.ends_at - site.now, silence.reason) == (3_600_000, "planned works")
    said = site.board.said
    alert = site.board.alerts[FINGERPRINT]
    assert said.silence(alert, site.now) == silence
    assert said.silence(alert, silence.ends_at) is None
    assert said.silence(city.alert(city.MORNING, labels=labels | {"queue": "utilities1"}), site.now) is None


async def test_a_silence_is_listed_and_ended_early(site, http, written) -> None:
    assert (await post(http, "silence", SILENCE)).status == 200
    (listed,) = (await (await http.get("/api/v1/alerts")).json())["silences"]
    assert (listed["matchers"]["queue"], listed["author"], listed["reason"]) == (
        "utilities",
        "Chen Yu",
        "planned works",
    )
    end = {"silence": listed["id"], "author": "Li"}
    assert (await post(http, "unsilence", end)).status == 200
    assert (written[-1].id, written[-1].ends_at, written[-1].reason) == (
        listed["id"], site.now, "planned works (ended by Li)",
    )  # fmt: skip
    assert site.board.said.silence(site.board.alerts[FINGERPRINT], site.now) is None
    assert (await (await http.get("/api/v1/alerts")).json())["silences"] == []
    assert (await post(http, "unsilence", end)).status == 404


def test_who_sees_some_queues_sees_the_silences_that_name_them() -> None:
    board = Board("live")
    for number, matchers in enumerate(({"queue": "utilities"}, {"alertname": "*"}, {"queue": "transport"})):
        named = {"hotline": city.HOTLINE} | matchers if "queue" in matchers else matchers
        board.apply(Silence(id=str(number), matchers=named, author="x", reason="y", at=0, ends_at=100), 0)
    some = limited(board, Sees(queues=frozenset({"utilities"})), city.demo_settings())
    assert [silence.id for silence in silences(some, 50)] == ["0"]
    assert [silence.id for silence in silences(board, 50)] == ["0", "1", "2"]
    assert silences(board, 100) == []


async def test_what_was_just_said_can_be_taken_back_by_whoever_said_it(site, http, written) -> None:
    alert = site.board.alerts[FINGERPRINT]
    mine = {"fingerprint": FINGERPRINT, "author": "Chen Yu"}
    for what, body in (("acknowledge", ACKNOWLEDGE), ("silence", SILENCE)):
        assert (await post(http, "undo", mine | {"what": what})).status == 404
        assert (await post(http, what, body)).status == 200
        assert (await post(http, "undo", mine | {"what": what, "author": "Li"})).status == 404
        assert (await post(http, "undo", mine | {"what": what})).status == 200
        assert (await post(http, "undo", mine | {"what": what})).status == 404
    assert (site.board.said.owner(alert), site.board.said.silence(alert, site.now)) == (None, None)
    controls = Controls()
    for record in written:
        controls.take(record)
    assert (controls.acknowledgement_of(alert, 0), controls.active(site.now)) == (None, [])
    assert (await post(http, "acknowledge", ACKNOWLEDGE)).status == 200
    site.now += 15_001
    assert (await post(http, "undo", mine | {"what": "acknowledge"})).status == 404
    assert site.board.said.owner(alert) is not None


@pytest.mark.parametrize(
    ("what", "body", "headers", "status"),
    [
        ("acknowledge", ACKNOWLEDGE, {"Origin": "http://evil.example"}, 403),
        ("acknowledge", ACKNOWLEDGE, {"Sec_Fetch_Site": "cross-site"}, 403),
        ("acknowledge", ACKNOWLEDGE, {"Origin": "null"}, 403),
        ("acknowledge", ACKNOWLEDGE | {"fingerprint": "nothing"}, {}, 404),
        ("acknowledge", ACKNOWLEDGE | {"author": ""}, {}, 400),
        ("acknowledge", ACKNOWLEDGE | {"author": "x\n"}, {}, 400),
        ("acknowledge", ACKNOWLEDGE | {"role": "admin"}, {}, 400),
        ("acknowledge", ["x"], {}, 400),
        ("silence", SILENCE | {"reason": ""}, {}, 400),
        ("silence", SILENCE | {"minutes": 0}, {}, 400),
        ("silence", SILENCE | {"minutes": 1_000_000}, {}, 400),
        ("acknowledge", ACKNOWLEDGE | {"note": "x" * 100_000}, {}, 413),
        ("unsilence", {"silence": "none", "author": "x"}, {"Origin": "http://evil.example"}, 403),
        ("unsilence", {"silence": "none", "author": "x"}, {}, 404),
    ],
)
async def test_what_is_not_from_this_page_or_makes_no_sense_is_refused(
    http, written, what, body, *, headers, status
) -> None:
    assert (await post(http, what, body, **headers)).status == status
    assert written == []


async def test_a_form_of_a_foreign_page_does_nothing(http, written) -> None:
    plain = await http.post("/api/v1/alerts/acknowledge", data=str(ACKNOWLEDGE), headers={"Content-Type": "text/plain"})
    with_header = await http.post(
        "/api/v1/alerts/acknowledge", data="{}", headers={"Content-Type": "text/plain", HEADER: "1"}
    )
    assert (plain.status, with_header.status, written) == (403, 415, [])
    assert (await http.get("/api/v1/alerts/acknowledge")).status == 405


@pytest.mark.parametrize(("update", "status"), [({"paging": "alertmanager"}, 409), ({"web": {"host": "0.0.0.0"}}, 403)])
async def test_only_where_hotline_pages_and_on_loopback(site, http, written, update, status) -> None:
    changed = city.demo_settings(**({"kafka": {"bootstrap": "127.0.0.1:1"}, "paging": "hotline"} | update))
    site.site.actions.settings = site.site.settings = changed
    assert (await post(http, "acknowledge", ACKNOWLEDGE)).status == status
    assert (await (await http.get("/api/v1/board")).json())["head"]["actions"] is False


@pytest.mark.parametrize(("update", "status"), [({"paging": "alertmanager"}, 200), ({"web": {"host": "0.0.0.0"}}, 403)])
async def test_an_alert_is_judged_whoever_pages(site, http, written, update, status) -> None:
    changed = city.demo_settings(**({"kafka": {"bootstrap": "127.0.0.1:1"}, "paging": "hotline"} | update))
    site.site.actions.settings = site.site.settings = changed
    said = {"fingerprint": FINGERPRINT, "author": "Chen Yu", "verdict": "noise"}
    assert (await post(http, "feedback", said)).status == status
    assert (await (await http.get("/api/v1/board")).json())["head"]["judges"] is (status == 200)
    assert len(written) == (status == 200)


def test_a_change_of_severity_leaves_the_owner_and_a_new_episode_does_not() -> None:
    said = Said()
    first = city.alert(1_000_000, at=100)
    said.fires(first)
    said.take(Acknowledgement(fingerprint=first.fingerprint, author="x", at=200))
    worse = city.alert(1_000_000, at=300, reason="severity_changed", severity="critical")
    said.fires(worse)
    assert said.owner(worse) is not None
    said.fires(city.alert(1_000_000, at=400, state="resolved"))
    again = city.alert(1_000_000, at=500, episode="2")
    said.fires(again)
    assert said.owner(again) is None
    said.take(Silence(id="s", matchers={"queue": "w*"}, author="x", reason="y", at=1, ends_at=900))
    assert said.silence(city.alert(1_000_000, labels={"queue": "water"}), 800) is not None


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (KafkaError("away"), 503, "nothing was changed"),
        (UnansweredError(KafkaError("away")), 504, "may have been recorded"),
    ],
)
async def test_no_more_is_said_of_a_record_than_is_known(site, http, error, status, said) -> None:
    async def away(kafka, record) -> None:
        raise error

    site.site.actions.write = away
    answer = await post(http, "acknowledge", ACKNOWLEDGE)
    assert (answer.status, said in (await answer.json())["error"]) == (status, True)


@in_chromium
async def test_by_keyboard_from_the_strip(context: BrowserContext, site: RunningSite, written) -> None:
    board = Watched(await context.new_page(), site.url)
    page = await board.open()
    await expect(board.tile("utilities")).to_have_attribute("data-state", "breach")
    await page.keyboard.press("a")
    form = page.get_by_role("dialog", name="Acknowledge")
    await page.keyboard.type("Chen Yu")
    await page.keyboard.press("Enter")
    await expect(form).to_be_hidden()
    await expect(page.get_by_role("status").first).to_have_text("Acknowledged by Chen Yu")
    await expect(page.locator(".strip-said").filter(has_text="taken by Chen Yu")).to_be_visible()
    assert [type(record).__name__ for record in written] == ["Acknowledgement"]
    await page.locator("#undo").get_by_role("button", name="Undo").click()
    await expect(page.locator(".undo-text")).to_have_text("Acknowledgement taken back")
    await expect(page.locator(".strip-said").filter(has_text="taken by Chen Yu")).to_be_hidden()
    assert written[-1].withdrawn_at == site.now
    await page.get_by_role("button", name="Silence").first.click()
    silence = page.get_by_role("dialog", name="Silence")
    await silence.get_by_label("Why").fill("works")
    await silence.get_by_label("For how long").select_option("1 h")
    await silence.get_by_role("button", name="Silence").click()
    await expect(page.locator(".strip-said").filter(has_text="silent until 11:42")).to_be_visible()
    assert board.complaints == []


@in_chromium
async def test_a_key_stands_on_the_one_button_that_it_presses_and_nothing_of_a_title_is_cut(
    context: BrowserContext, site: RunningSite
) -> None:
    for n, queue in enumerate(("housing", "")):
        site.put(
            city.alert(city.MORNING, queue=queue, rule="WaitingPastThreshold", signal="waiting_past_threshold",
                       at=city.MORNING, started_at=city.MORNING - n * 30_000, value=13)
        )  # fmt: skip
    board = Watched(await context.new_page(), site.url)
    page = await board.open()
    title = page.locator("#alerts .strip-title").filter(has_text="Linjiang 12345: 13 waiting past 15 s")
    await expect(title).to_be_visible()
    await expect(page.locator("#alerts").get_by_role("button", name="Acknowledge")).to_have_count(2)
    await expect(page.locator("#alerts .strip-more").filter(has_text="more")).to_be_visible()
    for key in ("A", "S"):
        hinted = page.locator(f'#alerts .key[data-hint="{key}"]')
        await expect(hinted).to_have_count(1)
        assert await hinted.evaluate("node => node.closest('.strip') === document.querySelector('#alerts .strip')")
    cut = "node => [...node.children].some((part) => part.scrollWidth > part.clientWidth)"
    assert not await title.evaluate(cut)


@in_chromium
async def test_an_alert_about_waits_that_are_over_says_so_until_it_ends(
    context: BrowserContext, site: RunningSite
) -> None:
    site.put(
        city.alert(city.MORNING, queue="housing", rule="WaitingPastThreshold", signal="waiting_past_threshold",
                   at=city.MORNING, started_at=city.MORNING - 60_000, value=13)
    )  # fmt: skip
    board = Watched(await context.new_page(), site.url)
    for language, title in (("en", "Housing: nobody past 15 s any more"), ("zh", "住房物业：已无来电等待超 15 秒")):
        page = await board.open(f"?lang={language}")
        await expect(page.locator("#alerts .strip-title").filter(has_text=title)).to_be_visible()


@in_chromium
async def test_what_a_silent_source_told_last_is_said_to_be_that(context: BrowserContext, site: RunningSite) -> None:
    """Nobody knows whether its agents are still there: they are counted until `intake.lost_agent_s` is over."""
    site.put(city.source(city.MORNING, "PBX-2", 2, silent_since=city.MORNING - 780_000))
    board = Watched(await context.new_page(), site.url)
    said = {
        "en": "1 of 2 sources heard · its callers and agents stand as told last, new calls are missing",
        "zh": "2 个数据源中 1 个正常 · 其排队与座席为中断前的状态，新来电未计入",
    }
    cut = "it => it.scrollHeight > it.clientHeight + 1 || it.scrollWidth > it.clientWidth + 1"
    for query in ("lang=en", "lang=zh", "lang=en&view=tv", "lang=zh&view=tv"):
        page = await board.open(f"?{query}")
        sub = page.locator(".strip-sub").first
        await expect(sub).to_have_text(said[query[5:7]])
        await page.evaluate("document.fonts.ready")
        for width, height in ((1920, 1080), (1366, 768)):
            await resize(page, width, height)
            assert not await sub.evaluate(cut), (query, width)


@in_chromium
async def test_a_category_that_is_called_like_a_queue_is_told_apart_in_both_languages(
    context: BrowserContext, site: RunningSite
) -> None:
    site.put(
        city.alert(city.MORNING, queue="", category="utilities", rule="DemandAboveExpectation", value=18.0, expected=3.0,
                   signal="demand_above_expectation", at=city.MORNING, labels={"category": "utilities"},
                   summary={"en": "Category Utilities (Linjiang 12345): 18 calls since 10:20.",
                            "zh": "临江市 12345 热线·类别“水电气热”：来电 18 个；始于 10:20。"})
    )  # fmt: skip
    board = Watched(await context.new_page(), site.url)
    for language, title in (("en", "Category Utilities: demand +500%"), ("zh", "类别“水电气热”：来电较预期 +500%")):
        page = await board.open(f"?lang={language}&page=alerts")
        await expect(page.locator(".alarms .strip-title").filter(has_text=title)).to_be_visible()


@in_chromium
async def test_a_failure_is_said_on_the_form(context: BrowserContext, site: RunningSite) -> None:
    async def away(kafka, record) -> None:
        raise KafkaError("away")

    site.site.actions.write = away
    board = Watched(await context.new_page(), site.url)
    page = await board.open("?lang=zh")
    await page.get_by_role("button", name="确认").first.click()
    await page.get_by_label("您的姓名").fill("陈宇")
    await page.get_by_role("dialog").get_by_role("button", name="确认").click()
    await expect(page.locator("#act .act-problem")).to_contain_text("确认失败：Kafka does not answer")
    await expect(board.tile("utilities")).to_have_attribute("data-state", "breach")


async def test_an_alert_is_judged_also_once_it_is_over(site, http, written) -> None:
    alert = site.site.board.alerts[FINGERPRINT]
    site.put(city.alert(city.MORNING, episode=alert.episode, at=site.now + 1, state="resolved"))
    response = await post(http, "feedback", {"fingerprint": FINGERPRINT, "author": "Chen Yu", "verdict": "noise"})
    assert response.status == 200
    (said,) = written
    assert (said.episode, said.rule, said.verdict, said.author) == (alert.episode, alert.rule, "noise", "Chen Yu")
    wrong = {"fingerprint": FINGERPRINT, "author": "Chen Yu", "verdict": "boring"}
    assert (await post(http, "feedback", wrong)).status == 400
    assert (await post(http, "feedback", wrong | {"fingerprint": "unknown", "verdict": "noise"})).status == 404


@in_chromium
async def test_on_a_phone_every_key_of_an_alert_is_in_sight(context: BrowserContext, site: RunningSite) -> None:
    long = "Housing (Linjiang 12345): 812 calls in the last hour, 2.4 times the expected 340; since 09:41."
    site.put(
        city.alert(city.MORNING, queue="housing", state="resolved", at=city.MORNING + 1, ended_at=city.MORNING,
                   fingerprint="over", version=9, summary={"en": long})
    )  # fmt: skip
    board = Watched(await context.new_page(), site.url)
    await resize(board.page, 390, 844)
    page = await board.open("?lang=en&page=alerts")
    await expect(page.locator(".ended tbody th")).to_have_text(long)
    await expect(page.locator(".alarms .strip")).to_have_count(2)
    assert await page.evaluate(SIDEWAYS) == []
    for name in ("Acknowledge", "Silence", "Was it useful?"):
        await expect(page.locator(".alarms").get_by_role("button", name=name).first).to_be_in_viewport(ratio=1)
    await expect(page.locator(".alarms").get_by_role("link", name="Runbook").first).to_be_in_viewport(ratio=1)


@in_chromium
async def test_judged_from_the_page_of_alerts(context: BrowserContext, site: RunningSite, written) -> None:
    board = Watched(await context.new_page(), site.url)
    page = await board.open("?lang=en&page=alerts")
    await page.locator(".alarms").get_by_role("button", name="Was it useful?: Utilities: 57").click()
    form = page.get_by_role("dialog", name="Was it useful?")
    await form.get_by_label("Your name").fill("Chen Yu")
    await form.get_by_label("This alert was").select_option("a false alarm")
    await form.get_by_role("button", name="Say so").click()
    await expect(form).to_be_hidden()
    assert [(said.verdict, said.episode) for said in written] == [("noise", site.board.alerts[FINGERPRINT].episode)]
    await expect(page.locator(".alarms").get_by_role("button", name="a false alarm: Utilities: 57")).to_be_visible()
    site.put(city.alert(city.MORNING, state="resolved", at=city.MORNING + 1, ended_at=city.MORNING, version=9))
    ended = page.locator(".ended tbody tr")
    await ended.get_by_role("button", name="a false alarm").click()
    await expect(form.get_by_label("This alert was")).to_have_value("noise")
    await form.get_by_label("This alert was").select_option("useful")
    await form.get_by_role("button", name="Say so").click()
    await expect(ended.get_by_role("button", name="useful")).to_be_visible()
    assert board.complaints == []


@in_chromium
async def test_a_silence_is_ended_from_the_page_of_alerts(context: BrowserContext, site: RunningSite, written) -> None:
    works = Silence(
        id="s1", matchers={"queue": "water"}, author="Li", reason="works", at=0, ends_at=city.MORNING + 60_000
    )
    site.put(works)
    board = Watched(await context.new_page(), site.url)
    page = await board.open("?lang=en&page=alerts")
    line = page.locator(".alarms li").filter(has_text="queue=water")
    await expect(line).to_contain_text("Li · works")
    await line.get_by_role("button", name="End the silence").click()
    form = page.get_by_role("dialog", name="End the silence")
    await form.get_by_label("Your name").fill("Chen Yu")
    await page.keyboard.press("Enter")
    await expect(form).to_be_hidden()
    await expect(line).to_have_count(0)
    assert [(said.id, said.ends_at) for said in written] == [("s1", site.now)]
    assert board.complaints == []
