"""The real thing: records from a real broker reach the page's stream; ClickHouse and memory agree to the last digit."""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Callable
from uuid import uuid4

import city
import msgspec
import pytest
import pytest_asyncio
from aiohttp import ClientConnectionError, ClientSession, ClientTimeout
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaTimeoutError
from stored import store
from test_api import events

from alerts import control_log
from deploy.embedded.child import free_port
from deploy.runtime import announcement_log
from deploy.runtime.kafka import UnansweredError
from deploy.runtime.settings import Settings
from sinks.clickhouse.client import connect
from sinks.web import planning, reader
from sinks.web.app import serve
from sinks.web.board import Board
from sinks.web.gate import HEADER
from sinks.web.parts import NESTED
from sinks.web.past import Past
from sinks.web.summary import answer, in_memory, parse
from streams.contract import AlertEvent, Announcement, Signal
from streams.contract.announcements import followed
from streams.contract.audit import AuditEvent
from streams.contract.topics import ALERT_CONTROL, ALERTS, ANNOUNCEMENTS, AUDIT, CELLS, SIGNALS, TOPICS


def _topic_of(record) -> str:
    return {AlertEvent: ALERTS, Signal: SIGNALS}.get(type(record), CELLS)


topic_of = _topic_of


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[ClientSession]:
    """`hotline web` as a task, and a client that waits until it listens."""
    task = asyncio.create_task(serve(settings))
    async with ClientSession(f"http://127.0.0.1:{settings.web.port}", timeout=ClientTimeout(30)) as http:
        async with asyncio.timeout(60):
            while not await listens(http):
                assert not task.done(), "it ended by itself"
                await asyncio.sleep(0.1)
        yield http
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def listens(http: ClientSession) -> bool:
    with contextlib.suppress(ClientConnectionError):
        await http.get("/healthz")
        return True
    return False


async def until(http: ClientSession, ready: Callable[[dict], bool]) -> dict:
    """The stream's first board that fulfils `ready`: an update says only what changed."""
    board: dict = {}
    async with http.get("/api/v1/stream") as response:
        async with asyncio.timeout(60):
            while True:
                [event] = await events(response, 1)
                for name, told in event["data"].items():
                    board[name] = board.get(name, {}) | told if name in NESTED else told
                if ready(board):
                    return board


@pytest_asyncio.fixture(loop_scope="session")
async def send(kafka_bootstrap: str) -> AsyncIterator[Callable]:
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap)
    await producer.start()

    async def send_(*records, at: int | None = None) -> None:
        for record in records:
            raw = record if isinstance(record, bytes) else msgspec.json.encode(record)
            await producer.send(topic_of(record), raw, key=b"k", timestamp_ms=at)
        await producer.flush()

    yield send_
    await producer.stop()


@pytest.mark.kafka
async def test_what_is_in_kafka_is_on_the_board_and_what_comes_is_pushed(kafka_bootstrap, topics, send) -> None:
    await asyncio.to_thread(topics)
    feed = f"web-{uuid4().hex[:8]}"
    settings = city.demo_settings(
        kafka={"bootstrap": kafka_bootstrap},
        web={"hotline": city.HOTLINE, "port": free_port()},
        alerts={"feed": feed},
    )
    day = [msgspec.structs.replace(record, feed=feed) for record, _ in city.records() if hasattr(record, "feed")]
    await send(*day, b"{not json")
    async with running(settings) as http:
        whole = await until(http, lambda data: data["head"]["status"] != "loading")
        expected = Board(feed)
        for record in day:
            expected.apply(record, 0)
        assert whole["tiles"]["utilities"]["waiting"] == 14
        assert whole["tiles"]["utilities"]["state"] == "breach"
        key = next(k for k in expected.minutes if k.queue == "transport")
        assert whole["tiles"]["transport"]["today"] == expected.total(
            key, "offered", city.midnight(city.MORNING), city.MORNING
        )
        assert (await http.get("/healthz")).status == 200
        metrics = await (await http.get("/metrics")).text()
        assert 'hotline_web_records_total{became="unreadable",topic="hotline.cells"} ' in metrics
        later = msgspec.structs.replace(city.gauge("transport", city.MORNING + 1, 6, 1, city.MORNING, 5, 9), feed=feed)
        pushed = asyncio.create_task(until(http, lambda data: data["tiles"]["transport"]["waiting"] == 6))
        await send(later)
        await pushed


@pytest.mark.kafka
async def test_records_older_than_a_day_are_not_read_but_alerts_are(kafka_bootstrap, topics, send, monkeypatch) -> None:
    own = {
        name: f"{name}-{uuid4().hex[:8]}" for name in (CELLS, SIGNALS, ALERTS, ALERT_CONTROL, ANNOUNCEMENTS)
    }  # a log whose times only grow
    await asyncio.to_thread(
        topics, tuple(msgspec.structs.replace(t, name=own[t.name]) for t in TOPICS if t.name in own)
    )
    monkeypatch.setattr(reader, "DECODERS", {own[name]: decode for name, decode in reader.DECODERS.items()})
    monkeypatch.setattr(reader, "ALERTS", own[ALERTS])
    monkeypatch.setattr(reader, "ALERT_CONTROL", own[ALERT_CONTROL])
    monkeypatch.setattr(reader, "ANNOUNCEMENTS", own[ANNOUNCEMENTS])
    monkeypatch.setattr(sys.modules[__name__], "topic_of", lambda record: own[_topic_of(record)])
    feed = f"web-{uuid4().hex[:8]}"
    settings = city.demo_settings(
        kafka={"bootstrap": kafka_bootstrap},
        web={"hotline": city.HOTLINE, "port": free_port()},
        alerts={"feed": feed},
    )
    now = int(time.time() * 1000)
    old = now - 30 * 3_600_000
    await send(msgspec.structs.replace(city.gauge("market", old, 9, 9, old, 1, 1), feed=feed), at=old)
    await send(msgspec.structs.replace(city.alert(old), feed=feed), at=old)
    await send(msgspec.structs.replace(city.gauge("housing", now, 2, 0, now, 1, 1), feed=feed), at=now)
    async with running(settings) as http:
        board = await until(http, lambda data: data["head"]["status"] != "loading")
    assert board["tiles"]["housing"]["waiting"] == 2
    assert board["tiles"]["market"]["waiting"] == 0  # not 9
    assert [alert["queue"] for alert in board["alerts"]["newest"]] == ["utilities"]


async def test_without_kafka_the_page_is_there_and_says_what_is_missing() -> None:
    port = free_port()
    settings = city.demo_settings(kafka={"bootstrap": f"127.0.0.1:{free_port()}"}, web={"port": port})
    async with running(settings) as http:
        async with asyncio.timeout(60):
            while True:
                [problem, *_] = (await (await http.get("/healthz")).json())["problems"]
                if "does not answer" in problem:
                    break
                await asyncio.sleep(0.1)
        assert settings.kafka.bootstrap in problem
        assert (await http.get("/")).status == 200
        head = (await (await http.get("/api/v1/board")).json())["head"]
        assert (head["status"], head["away"]) == ("loading", True)


@pytest.mark.clickhouse
async def test_memory_and_clickhouse_give_the_same_summary(clickhouse_url: str) -> None:
    settings = city.demo_settings(
        kafka={"bootstrap": "127.0.0.1:1"},
        clickhouse={"url": clickhouse_url, "database": f"web_{uuid4().hex[:12]}"},
    )
    board = Board("live")
    for record, at in city.records():
        board.apply(record, at)
    await asyncio.to_thread(store, settings, [record for record, _ in city.records() if hasattr(record, "minute")])
    past = Past(settings.clickhouse)
    for asked in (
        {},
        {"queue": "utilities", "threshold_s": "20"},
        {"queue": "housing", "from": "2026-03-11T09:00+08:00", "to": "2026-03-11T10:30+08:00"},
    ):
        query = parse(asked, board, settings, city.MORNING)
        remembered = in_memory(query, board, 0)
        assert remembered is not None
        assert remembered["offered"] > 0
        stored = await past.counts(query)
        assert answer(query, stored, settings, source="x") == answer(query, remembered, settings, source="x")
    nobody = parse({"feed": "nobody", "hotline": "nobody"}, board, settings, city.MORNING)
    assert answer(nobody, await past.counts(nobody), settings, source="x")["service_level_offered"] is None


@pytest.mark.kafka
async def test_what_is_said_on_the_board_goes_through_the_topic(kafka_bootstrap, topics, send) -> None:
    await asyncio.to_thread(topics)
    feed, port, now = f"web-{uuid4().hex[:8]}", free_port(), int(time.time() * 1000)
    settings = city.demo_settings(
        kafka={"bootstrap": kafka_bootstrap},
        web={"hotline": city.HOTLINE, "port": port},
        alerts={"feed": feed},
        paging="hotline",
    )
    fingerprint = f"level-{feed}"
    alert = city.alert(now, fingerprint=fingerprint, at=now - 60_000)
    await send(msgspec.structs.replace(alert, feed=feed))
    await send(msgspec.structs.replace(city.gauge("utilities", now, 9, 9, now, 1, 1), feed=feed))
    asked = {"fingerprint": fingerprint, "author": "Chen Yu"}
    async with running(settings) as http:
        await until(http, lambda data: data["tiles"]["utilities"]["state"] == "breach")
        response = await http.post("/api/v1/alerts/acknowledge", json=asked, headers={HEADER: "1"})
        assert response.status == 200
        board = await until(http, lambda data: data["tiles"]["utilities"]["state"] == "acknowledged")
    assert board["tiles"]["utilities"]["owner"] == "Chen Yu"
    controls = await control_log.load(settings.kafka)
    said = controls.acknowledgement_of(alert, alert.at)
    assert said is not None
    assert said.author == "Chen Yu"


@pytest.mark.kafka
@pytest.mark.clickhouse
async def test_deeds_go_through_the_broker_into_the_audit_that_sql_shows(
    kafka_bootstrap, clickhouse_url, topics, send
) -> None:
    await asyncio.to_thread(topics)
    feed, port, now = f"web-{uuid4().hex[:8]}", free_port(), int(time.time() * 1000)
    settings = city.demo_settings(
        kafka={"bootstrap": kafka_bootstrap},
        clickhouse={"url": clickhouse_url, "database": f"audit_{uuid4().hex[:12]}"},
        web={"hotline": city.HOTLINE, "port": port},
        alerts={"feed": feed},
        paging="hotline",
    )
    fingerprint = f"level-{feed}"
    await send(msgspec.structs.replace(city.alert(now, fingerprint=fingerprint, at=now - 60_000), feed=feed))
    asked = {"fingerprint": fingerprint, "author": "Chen Yu"}
    address = f"/api/v1/calls?metric=offered&queue={feed}"
    async with running(settings) as http:
        await until(http, lambda data: data["alerts"]["firing"] == 1)
        for what, more in (
            ("acknowledge", {}),
            ("silence", {"reason": "works", "minutes": 5}),
            ("acknowledge", {"x": 1}),
        ):
            response = await http.post(f"/api/v1/alerts/{what}", json=asked | more, headers={HEADER: "1"})
            assert response.status == (400 if "x" in more else 200)
        foreign = await http.post("/api/v1/alerts/acknowledge", json=asked, headers={"Referer": fingerprint})
        assert foreign.status == 403
        await http.get(address)
        found = await deeds(kafka_bootstrap, {fingerprint, address}, at_least=3)
    assert [(deed.action, deed.what) for deed in found] == [
        ("acknowledge", fingerprint),
        ("silence", fingerprint),
        ("calls", address),
    ]
    await asyncio.to_thread(store, settings, found, AUDIT)
    with connect(settings.clickhouse) as client:
        rows = client.query("SELECT action, what, address, id FROM v_audit ORDER BY at, action").result_rows
        assert {row[:2] for row in rows} == {(deed.action, deed.what) for deed in found}
        assert {row[2] for row in rows} == {"127.0.0.1"}
        client.command(f"DROP DATABASE {settings.clickhouse.database}")


async def deeds(bootstrap: str, about: set[str], *, at_least: int) -> list[AuditEvent]:
    """What the audit topic holds about these things, once it holds so many."""
    consumer = AIOKafkaConsumer(AUDIT, bootstrap_servers=bootstrap, auto_offset_reset="earliest", group_id=None)
    await consumer.start()
    found: list[AuditEvent] = []
    try:
        async with asyncio.timeout(60):
            while len(found) < at_least:
                record = await consumer.getone()
                deed = msgspec.json.decode(record.value, type=AuditEvent)
                if deed.what in about:
                    found.append(deed)
    finally:
        await consumer.stop()
    return found


@pytest.mark.kafka
async def test_of_two_machines_that_announce_the_same_at_once_one_is_told(kafka_bootstrap, topics) -> None:
    await asyncio.to_thread(topics)
    kafka = city.demo_settings(kafka={"bootstrap": kafka_bootstrap}).kafka
    told = Announcement(id="", revision=1, name=f"works {uuid4().hex[:8]}", begin=1, end=2, author="", at=0)
    known = await announcement_log.load(kafka)
    both = [known.numbered(msgspec.structs.replace(told, author=author)) for author in ("Chen Yu", "Li")]
    assert sorted(await asyncio.gather(*(announcement_log.say(kafka, it) for it in both))) == ["counts", "overtaken"]
    [counts] = [it for it in (await announcement_log.load(kafka)).holding() if it.name == told.name]
    assert await announcement_log.say(kafka, followed(counts, "Li", 1)) == "counts"
    assert await announcement_log.say(kafka, msgspec.structs.replace(counts, revision=2, lift=3.0)) == "overtaken"


@pytest.mark.kafka
async def test_an_announcement_whose_answer_is_lost_is_found_in_the_log(kafka_bootstrap, topics, monkeypatch) -> None:
    await asyncio.to_thread(topics)
    sent = AIOKafkaProducer.send_and_wait

    async def lost(self, *told, **named) -> None:
        await sent(self, *told, **named)
        raise KafkaTimeoutError

    monkeypatch.setattr(AIOKafkaProducer, "send_and_wait", lost)
    kafka = city.demo_settings(kafka={"bootstrap": kafka_bootstrap}).kafka
    told = Announcement(id=uuid4().hex, revision=1, name="works", begin=1, end=2, author="Li", at=0)
    with pytest.raises(UnansweredError):
        await announcement_log.write(kafka, told)
    assert await announcement_log.say(kafka, msgspec.structs.replace(told, revision=2)) == "counts"


@pytest.mark.kafka
async def test_an_event_entered_at_one_board_is_at_the_other_at_the_command_and_at_streams(
    kafka_bootstrap, topics, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(
        planning, "READ_WITHIN_S", 60.0
    )  # who was faster is known once the log was read, however busy it is
    await asyncio.to_thread(topics)
    name = f"works {uuid4().hex[:8]}"
    boards = [
        city.demo_settings(
            kafka={"bootstrap": kafka_bootstrap},
            web={"hotline": city.HOTLINE, "port": free_port()},
            data_dir=tmp_path,
        )
        for _ in range(2)
    ]
    told = {"author": "Chen Yu", "name": name, "begin": "2036-06-25T08:00", "end": "2036-06-25T20:00", "lift": 2.5}
    followed: asyncio.Queue[list[Announcement]] = asyncio.Queue()
    own = asyncio.create_task(
        announcement_log.follow(
            boards[0].kafka, lambda log: followed.put_nowait([it for it in log.holding() if it.name == name])
        )
    )

    async def post(http: ClientSession, what: str, **body) -> tuple[int, dict]:
        answer = await http.post(f"/api/v1/events/{what}", json=told | body, headers={HEADER: "1"})
        return answer.status, await answer.json()

    async def at(http: ClientSession, revision: int) -> dict:
        async with asyncio.timeout(60):
            while True:
                answer = await (await http.get("/api/v1/events")).json()
                for event in answer["events"]:
                    if (event["name"], event["revision"]) == (name, revision):
                        return event
                await asyncio.sleep(0.1)

    async with running(boards[0]) as one, running(boards[1]) as other:
        for http in (one, other):
            await until(http, lambda data: data["head"]["status"] != "loading")
        status, answer = await post(one, "add", hotline=city.HOTLINE)
        assert status == 200, answer
        seen = await at(other, 1)
        assert seen["lift"] == 2.5
        asked = {"event": seen["id"], "revision": 1, "hotline": city.HOTLINE}
        both = await asyncio.gather(post(one, "change", lift=3, **asked), post(other, "change", lift=4, **asked))
        assert sorted(status for status, _ in both) == [200, 409], both
        first = next(answer["done"]["lift"] for status, answer in both if status == 200)
        assert [(await at(http, 2))["lift"] for http in (one, other)] == [first, first]
        log = await announcement_log.load(boards[0].kafka)
        assert [(it.revision, it.lift) for it in log.holding() if it.name == name] == [(2, first)]
        async with asyncio.timeout(60):
            while [it.revision for it in await followed.get()] != [2]:
                pass
    own.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await own
