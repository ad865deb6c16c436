"""Announced events from the board: what is written, who may, who was faster, and what detection makes of it."""

import asyncio

import city
import numpy as np
import pytest
from aiohttp import ClientSession
from aiokafka.errors import KafkaError
from doing import posting, written_by
from invented_events import DAY, HOUR, MINUTE, local, many
from msgspec import json, structs
from running_site import RunningSite

from deploy.runtime.kafka import UnansweredError
from deploy.runtime.settings import Hotline
from sinks.web import planning
from sinks.web.gate import HEADER
from sinks.web.limited_board import limited
from sinks.web.people import Person
from sinks.web.sees import EVERYTHING, Sees
from streams.contract import Announcement, Cell, Forecast, Signal
from streams.contract.announcements import Announcements
from streams.detection import Detection, DetectionRules
from streams.event_file import announced

RESULTS = {
    "author": "Chen Yu",
    "name": "exam results",
    "begin": "2026-03-12T08:00",
    "end": "2026-03-12T20:00",
    "lift": 2.5,
    "hotline": city.HOTLINE,
    "queue": "social-security",
}

post = posting("events")


@pytest.fixture
def settings(tmp_path):
    return city.demo_settings(kafka={"bootstrap": "127.0.0.1:1"}, paging="hotline", data_dir=tmp_path)


@pytest.fixture
def written(site: RunningSite) -> list[Announcement]:
    return written_by(site.site.planning, site)


async def listed(http: ClientSession) -> list[dict]:
    return (await (await http.get("/api/v1/events")).json())["events"]


def meant(record: Announcement, author: str = "Chen Yu") -> dict:
    return {"author": author, "event": record.id, "revision": record.revision}


async def test_an_event_is_announced_listed_changed_and_taken_back(site, http, written) -> None:
    assert (await post(http, "add", RESULTS)).status == 200
    [first] = written
    assert (first.begin, first.end) == (local("2026-03-12T08:00"), local("2026-03-12T20:00"))
    assert (first.name, first.lift, first.queue, first.author, first.at) == (
        "exam results", 2.5, "social-security", "Chen Yu", site.now,
    )  # fmt: skip
    [row] = await listed(http)
    assert (row["on"], row["revision"], row["changes"], row["time_zone"]) == ("coming", 1, True, "Asia/Shanghai")
    later = RESULTS | meant(first, "Li") | {"end": "2026-03-13T08:00", "lift": 3}
    assert (await post(http, "change", later)).status == 200
    [row] = await listed(http)
    assert (row["end"], row["lift"], row["author"]) == (local("2026-03-13T08:00"), 3.0, "Li")
    site.now = local("2026-03-12T09:00")
    assert [it["on"] for it in await listed(http)] == ["now"]
    assert (await post(http, "remove", meant(written[-1]))).status == 200
    assert await listed(http) == []
    assert [(it.revision, it.withdrawn) for it in written] == [(1, False), (2, False), (3, True)]


async def test_whoever_was_overtaken_is_told_and_changes_nothing(http, written) -> None:
    await post(http, "add", RESULTS)
    [first] = written
    assert (await post(http, "change", RESULTS | meant(first, "Li") | {"lift": 3})).status == 200
    late = await post(http, "change", RESULTS | meant(first) | {"lift": 4})
    assert (late.status, (await late.json())["error"]) == (
        409, "Li has changed this event meanwhile: look at it and try again",
    )  # fmt: skip
    assert (await post(http, "remove", meant(first))).status == 409
    assert [it["lift"] for it in await listed(http)] == [3.0]
    await post(http, "remove", meant(written[-1], "Li"))
    gone = await post(http, "remove", meant(written[-2]))
    assert (gone.status, "taken this event back" in (await gone.json())["error"]) == (409, True)


async def test_of_two_machines_the_first_in_the_log_wins(site, http, written) -> None:
    """Somebody at another `hotline web` writes after this one has looked and before its record is in the log."""
    await post(http, "add", RESULTS)
    [first] = written
    theirs = Announcement(id=first.id, revision=2, name="works", begin=1, end=2, author="Li", at=site.now)

    async def write(kafka, record) -> None:
        site.put(theirs, record)

    site.site.planning.write = write
    late = await post(http, "change", RESULTS | meant(first) | {"lift": 4})
    assert (late.status, "somebody has changed" in (await late.json())["error"]) == (409, True)
    assert site.board.announced.holding() == [theirs]


async def test_one_s_own_last_word_is_undone_within_moments(site, http, written) -> None:
    await post(http, "add", RESULTS)
    await post(http, "remove", meant(written[-1]))
    assert (await post(http, "undo", meant(written[-1], "Li"))).status == 404
    assert (await post(http, "undo", meant(written[-1]))).status == 200
    assert [it["name"] for it in await listed(http)] == ["exam results"]
    await post(http, "change", RESULTS | meant(written[-1]) | {"lift": 4})
    assert (await post(http, "undo", meant(written[-1]))).status == 200
    assert [it["lift"] for it in await listed(http)] == [2.5]
    await post(http, "add", RESULTS | {"name": "works"})
    site.now += 15_001
    assert (await post(http, "undo", meant(written[-1]))).status == 404
    site.now -= 15_001
    assert (await post(http, "undo", meant(written[-1]))).status == 200
    assert [it["name"] for it in await listed(http)] == ["exam results"]


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"begin": "tomorrow"}, 400, "begin: write date and time as 2026-06-25T08:00"),
        ({"end": RESULTS["begin"]}, 400, "end: write a time after the begin"),
        ({"end": "2028-03-12T08:00"}, 400, "a year at most"),
        ({"begin": "0001-01-01T00:00"}, 400, "a year from 2000"),
        ({"name": " "}, 400, "name: write a name"),
        ({"name": "x\n"}, 400, "name: write a name"),
        ({"name": "x\u2028y"}, 400, "name: write a name"),
        ({"name": "works \u202elamron"}, 400, "name: write a name"),  # turns what is written after it
        ({"name": "\u200b\ufeff"}, 400, "name: write a name"),  # nobody would see it
        ({"author": "\u200b"}, 400, "author: write a name"),
        ({"author": ""}, 400, "author"),
        ({"lift": 0}, 400, "lift"),
        ({"lift": 51}, 400, "lift"),
        ({"queue": "nobody"}, 400, "queue: there are "),
        ({"hotline": "911"}, 400, "hotline: there are "),
        ({"colour": "red"}, 400, "colour"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_what_to_do(http, written, change, status, said) -> None:
    answer = await post(http, "add", RESULTS | change)
    assert (answer.status, said in (await answer.json())["error"]) == (status, True), await answer.text()
    assert written == []


async def test_a_time_that_clocks_leave_out_is_none(site, http, written) -> None:
    told = {"12345": Hotline(time_zone="Europe/Berlin", queues={})}
    site.site.planning.settings = site.settings.model_copy(update={"hotlines": told})
    body = RESULTS | {"begin": "2026-03-29T02:30", "end": "2026-03-29T05:00", "queue": ""}
    answer = await post(http, "add", body)
    assert (answer.status, "no such time in Europe/Berlin" in (await answer.json())["error"]) == (400, True)
    assert (await post(http, "add", body | {"begin": "2026-03-29T01:30"})).status == 200
    assert written[0].end - written[0].begin == 2.5 * HOUR


async def test_the_same_event_is_not_announced_twice(http, written) -> None:
    assert (await post(http, "add", RESULTS)).status == 200
    again = await post(http, "add", RESULTS | {"author": "Li"})
    assert (again.status, "announced already, by Chen Yu" in (await again.json())["error"]) == (409, True)
    assert len(written) == 1


async def test_the_same_event_asked_for_twice_at_once_is_announced_once(site, http, written) -> None:
    at_once = site.site.planning.write
    both = asyncio.Event()

    async def slow(kafka, record) -> None:
        await both.wait()
        await at_once(kafka, record)

    site.site.planning.write = slow
    asked = [asyncio.ensure_future(post(http, "add", RESULTS)) for _ in range(2)]
    await asyncio.wait(asked, timeout=0.1)
    both.set()
    assert sorted([(await it).status for it in asked]) == [200, 409]
    assert len(written) == 1


@pytest.mark.parametrize("name", ["ما قبل 2026", "高考查分 🎓", "<b>x</b>", "👨\u200d👩\u200d👧 day"])
async def test_a_name_is_what_people_write(http, written, name) -> None:
    assert (await post(http, "add", RESULTS | {"name": name})).status == 200
    assert [it["name"] for it in await listed(http)] == [name]


@pytest.mark.parametrize(
    ("headers", "status"), [({"Origin": "http://evil.example"}, 403), ({"Sec_Fetch_Site": "cross-site"}, 403)]
)
async def test_a_foreign_page_announces_nothing(http, written, headers, status) -> None:
    assert (await post(http, "add", RESULTS, **headers)).status == status
    plain = await http.post(
        "/api/v1/events/add", data=str(RESULTS), headers={"Content-Type": "text/plain", HEADER: "1"}
    )
    assert (plain.status, written) == (415, [])


async def test_nothing_is_changed_while_kafka_is_away_or_still_read(site, http) -> None:
    async def away(kafka, record) -> None:
        raise KafkaError("away")

    site.site.planning.write = away
    refused = await post(http, "add", RESULTS)
    assert (refused.status, "nothing was changed" in (await refused.json())["error"]) == (503, True)
    site.reader.known_from = None
    assert (await post(http, "add", RESULTS)).status == 503


@pytest.mark.parametrize("recorded", [True, False])
async def test_where_the_answer_is_lost_the_log_is_asked(site, http, monkeypatch, recorded) -> None:
    monkeypatch.setattr(planning, "READ_WITHIN_S", 5.0 if recorded else 0.1)

    async def lost(kafka, record) -> None:
        if recorded:
            site.put(record)
        raise UnansweredError(KafkaError("gone"))

    site.site.planning.write = lost
    answer = await post(http, "add", RESULTS)
    assert answer.status == (200 if recorded else 504)
    assert ("may have been recorded" in await answer.text()) == (not recorded)
    assert len(await listed(http)) == recorded
    noted = [site.site.audit._waiting.get_nowait() for _ in range(site.site.audit._waiting.qsize())]
    assert [it.action for it in noted] == ["announce"] * recorded


async def test_two_machines_that_announce_the_same_at_once_announce_it_once(site, http, written) -> None:
    async def write(kafka, record) -> None:
        site.put(structs.replace(record, author="Li", lift=3.0), record)

    site.site.planning.write = write
    late = await post(http, "add", RESULTS)
    assert (late.status, (await late.json())["error"]) == (
        409, "exam results is announced already, by Li: change that one",
    )  # fmt: skip
    assert [(it["author"], it["lift"]) for it in await listed(http)] == [("Li", 3.0)]


async def test_a_board_that_others_reach_without_logins_offers_none(site, http, written) -> None:
    changed = city.demo_settings(kafka={"bootstrap": "127.0.0.1:1"}, web={"host": "0.0.0.0"})
    site.site.planning.settings = changed
    refused = await post(http, "add", RESULTS)
    assert (refused.status, "hotline events" in (await refused.json())["error"]) == (403, True)


SOME = Sees(queues=frozenset({"utilities"}))


@pytest.mark.parametrize(
    ("role", "sees", "queue", "status"),
    [
        ("viewer", EVERYTHING, "utilities", 403),
        ("analyst", EVERYTHING, "utilities", 403),
        ("supervisor", EVERYTHING, "", 200),
        ("supervisor", SOME, "utilities", 200),
        ("supervisor", SOME, "housing", 403),
        ("supervisor", SOME, "", 403),
    ],
)
async def test_who_acts_announces_what_is_theirs_and_it_is_in_the_audit(
    site, http, written, monkeypatch, *, role, sees, queue, status
) -> None:
    somebody = Person("ada", role, sees)
    monkeypatch.setattr(site.site.gate, "identify", lambda _request: somebody)
    assert (await post(http, "add", RESULTS | {"queue": queue})).status == status
    noted = [site.site.audit._waiting.get_nowait() for _ in range(site.site.audit._waiting.qsize())]
    assert [(it.action, it.name) for it in noted] == [("announce" if status == 200 else "refused", "ada")]
    assert [it.author for it in written] == ["ada"] * (status == 200), "who has logged in signs, whatever is written"
    if status == 200:
        assert f"add {written[0].id}: exam results" in noted[0].what
        others = await post(http, "change", RESULTS | meant(written[0]) | {"queue": "housing"})
        assert others.status == (403 if sees is SOME else 200)


def test_who_sees_some_queues_sees_the_events_that_bear_on_them(site) -> None:
    for number, (hotline, queue) in enumerate((("", ""), ("12345", "utilities"), ("12345", "housing"), ("911", ""))):
        site.put(Announcement(id=str(number), revision=1, name="x", begin=0, end=1, hotline=hotline, queue=queue, author="x", at=0))  # fmt: skip
    own = Sees(hotlines=frozenset({"12345"}), queues=frozenset({"utilities"}))
    assert [it.id for it in limited(site.board, own, site.settings).events()] == ["0", "1"]


async def test_events_of_the_file_are_shown_and_changed_there(site, http, written, tmp_path) -> None:
    text = "events: [{name: works, begin: 2026-03-11T08:00+08:00, end: 2026-03-11T18:00+08:00, lift: 2}]"
    (tmp_path / "events.yaml").write_text(text, encoding="utf-8")
    site.site.planning._reread()
    [row] = await listed(http)
    assert (row["name"], row["on"], row["author"], row["changes"]) == ("works", "now", "events.yaml", False)
    refused = await post(http, "remove", {"author": "x", "event": row["id"], "revision": 0})
    assert (refused.status, "events.yaml: change it there" in (await refused.json())["error"]) == (409, True)
    (tmp_path / "events.yaml").write_text("events: [{name: works}]", encoding="utf-8")
    site.site.planning._reread()
    assert [it["name"] for it in await listed(http)] == ["works"], "what cannot be used changes nothing"
    table = await (await http.get("/api/v1/events?format=csv")).text()
    assert "works" in table
    assert "2026-03-11T00:00:00" in table


async def test_a_part_of_the_events_is_asked_for_now_first_then_to_come_then_past(site, http) -> None:
    site.put(*many(site.now - 4 * 15 * MINUTE + 1, 8))

    async def asked(query: str) -> tuple[list[str], dict]:
        answer = await (await http.get(f"/api/v1/events?{query}")).json()
        return [it["id"] for it in answer["events"]], answer

    order = ["e2", "e3", "e4", "e5", "e6", "e7", "e1", "e0"]
    names, answer = await asked("")
    assert (names, answer["numbers"], answer["total"]) == (order, {"now": 2, "coming": 4, "past": 2}, 8)
    names, answer = await asked("limit=3&offset=4")
    assert (names, answer["total"], answer["offset"]) == (order[4:7], 8, 4)
    names, answer = await asked("on=past&limit=50")
    assert (names, answer["numbers"], answer["total"]) == (["e1", "e0"], {"now": 2, "coming": 4, "past": 2}, 2)
    names, answer = await asked("name=wORKS%206")
    assert (names, answer["numbers"]) == (["e6"], {"now": 0, "coming": 1, "past": 0})
    assert (await asked("event=e4"))[0] == ["e4"]
    assert (await asked("offset=8"))[0] == []
    for wrong in ("on=soon", "limit=1001", "limit=x", "offset=-1", "colour=red"):
        assert (await http.get(f"/api/v1/events?{wrong}")).status == 400
    table = await (await http.get("/api/v1/events?format=csv&on=past")).text()
    assert [line.split(",")[0] for line in table.splitlines()[1:]] == ["e1", "e0"]


async def test_the_charts_of_demand_carry_what_is_announced_for_today(site, http, written) -> None:
    today = RESULTS | {"begin": "2026-03-11T08:00", "end": "2026-03-11T20:00"}
    await post(http, "add", today)
    await post(http, "add", RESULTS)
    event = {"name": "exam results", "begin": local("2026-03-11T08:00"), "end": local("2026-03-11T20:00"), "lift": 2.5, "queue": "social-security"}  # fmt: skip
    assert (await (await http.get("/api/v1/board")).json())["day"]["events"] == [event]
    for queue, events in (("social-security", [event]), ("housing", [])):
        assert (await (await http.get(f"/api/v1/day?queue={queue}")).json())["events"] == events


# ---- what detection makes of it


def minutes(detection: Detection, feed: str, first: int, count: int, calls: int) -> list[Signal | Forecast]:
    told: list[Signal | Forecast] = []
    random = np.random.default_rng(3)
    for minute in range(first, first + count * MINUTE, MINUTE):
        offered = int(random.poisson(calls))
        for dimension_set, queue in (("hotline", ""), ("queue", "social-security")):
            detection.cell(
                Cell(
                    feed=feed,
                    hotline=city.HOTLINE,
                    dimension_set=dimension_set,
                    queue=queue,
                    minute=minute,
                    version=1,
                    counts={"offered": offered, "answered": offered},
                )
            )
        if feed == "live":
            told += detection.advance(minute + MINUTE, minute // MINUTE)
    return told


async def test_what_is_entered_on_screen_is_expected_and_named(http, written) -> None:
    """From the form's request to the sentence of a signal: each way by the records that pass between the processes."""
    begin = local("2026-03-12T08:00")
    rules = DetectionRules(hotlines={city.HOTLINE: Hotline(time_zone="Asia/Shanghai")})
    detection = Detection(rules)
    minutes(detection, "history", begin - 8 * HOUR - 14 * DAY, 14 * 1440, 4)
    detection.complete("history", begin - 8 * HOUR)
    taught = detection.snapshot()

    def expected(of: Detection) -> float:
        found = [it for it in minutes(of, "live", begin - 20 * MINUTE, 15, 4) if isinstance(it, Forecast)]
        return next(it for it in reversed(found) if it.queue).expected[9 * 12]

    usual = expected(Detection.restore(rules, taught))
    assert (await post(http, "add", RESULTS)).status == 200
    log = Announcements()
    for record in written:
        log.take(json.decode(json.encode(record), type=Announcement))
    knowing = Detection.restore(rules, taught)
    knowing.announce(announced(log.holding()))
    assert expected(knowing) == pytest.approx(2.5 * usual, rel=0.02)
    quiet = [it for it in minutes(knowing, "live", begin, 60, 10) if isinstance(it, Signal) and it.active]
    assert [it for it in quiet if it.kind.startswith("demand")] == [], "what was announced is no news"
    loud = minutes(knowing, "live", begin + HOUR, 20, 40)
    told = [it for it in loud if isinstance(it, Signal) and it.kind == "demand_above_expectation"]
    assert told
    assert told[0].summary["en"].endswith(" Announced: exam results (x2.5 expected).")
