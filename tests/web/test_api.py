"""The HTTP side: board, stream, summary, health, metrics, and who may read them."""

import json
from datetime import datetime

import city
import pytest
from aiohttp import ClientSession, ClientTimeout
from running_site import RunningSite

from sinks.web.board import Board, Key
from sinks.web.past import sums, to_counts
from sinks.web.rolling import bounds
from sinks.web.summary import SUMMED, BadRequestError, answer, in_memory, parse
from streams.contract.cells import BY_NUMBER, MINUTE_MS
from streams.contract.metrics import rates, service_levels


async def events(response, number: int) -> list[dict]:
    """The next events of a stream: {"event", "id", "data"}."""
    found: list[dict] = []
    fields: dict = {}
    while len(found) < number:
        line = (await response.content.readline()).decode().rstrip("\n")
        if line:
            name, _, value = line.partition(": ")
            fields[name] = json.loads(value) if name == "data" else value
        else:
            found += [fields] if "data" in fields else []
            fields = {}
    return found


async def test_the_stream_begins_with_everything_and_goes_on_with_what_changed(site, http) -> None:
    async with http.get("/api/v1/stream", timeout=ClientTimeout(90)) as response:
        assert response.content_type == "text/event-stream"
        [first] = await events(response, 1)
        site.put(city.gauge("housing", city.MORNING, 7, 3, city.MORNING - 20_000, 5, 9))
        [second] = await events(response, 1)
    assert (first["event"], second["event"]) == ("snapshot", "update")
    assert first["data"]["tiles"]["housing"]["waiting"] == 0
    assert second["data"]["tiles"]["housing"]["waiting"] == 7
    assert set(second["data"]["tiles"]) == {"housing"}
    assert "sparks" not in second["data"]


async def test_a_screen_that_comes_back_misses_nothing(site, http) -> None:
    async with http.get("/api/v1/stream", timeout=ClientTimeout(90)) as response:
        [first] = await events(response, 1)
    site.put(city.gauge("housing", city.MORNING, 7, 3, city.MORNING - 20_000, 5, 9))
    site.put(city.gauge("market", city.MORNING, 4, 0, city.MORNING - 3_000, 5, 9))
    async with http.get("/api/v1/stream", headers={"Last-Event-ID": first["id"]}) as response:
        [missed] = await events(response, 1)
    assert missed["event"] == "update"
    assert {"housing", "market"} <= set(missed["data"]["tiles"])
    async with http.get("/api/v1/stream", headers={"Last-Event-ID": "gone:5"}) as response:
        [whole] = await events(response, 1)
    assert whole["event"] == "snapshot"


async def test_streams_end_when_the_server_stops(site, http) -> None:
    async with http.get("/api/v1/stream", timeout=ClientTimeout(90)) as response:
        await events(response, 1)
        assert site.site.screens.open == 1
        await site.stop()
        assert await response.content.read() == b""


async def test_the_board_is_what_the_stream_says(site, http) -> None:
    board = await (await http.get("/api/v1/board")).json()
    assert board["head"]["hotline"] == city.HOTLINE
    assert board["head"]["name"]["zh"] == "临江市 12345 热线"
    assert board["order"][0] == "utilities"
    assert len(board["sparks"]["utilities"]["offered"]) == 24


async def test_summary_from_memory_without_clickhouse(site, http) -> None:
    shown = await (await http.get("/api/v1/summary", params={"queue": "housing", "threshold_s": "20"})).json()
    counts = site.board.window(Key(city.HOTLINE, "housing"), city.midnight(city.MORNING), city.MORNING)
    assert (shown["source"], shown["feed"], shown["time_zone"]) == ("memory", "live", "Asia/Shanghai")
    assert shown["offered"] == counts["offered"] > 100
    assert shown["inbound"] == counts["offered"]
    for name, value in (service_levels(counts, 20) | rates(counts)).items():
        assert shown[name] == value
    whole = await (await http.get("/api/v1/summary")).json()
    assert (whole["queue"], whole["threshold_s"]) == (None, 15)
    assert whole["calls_offered"] == (await (await http.get("/api/v1/board")).json())["totals"]["calls_today"]


async def test_a_span_over_nothing_has_null_rates(site, http) -> None:
    parameters = {"queue": "housing", "from": "2026-03-11T23:00+08:00", "to": "2026-03-11T23:05+08:00"}
    shown = await (await http.get("/api/v1/summary", params=parameters)).json()
    assert (shown["offered"], shown["service_level_offered"], shown["asa"]) == (0, None, None)


async def test_the_past_needs_clickhouse_and_says_so(site, http) -> None:
    response = await http.get("/api/v1/summary", params={"from": "2026-01-01", "to": "2026-01-31"})
    assert response.status == 503
    assert "HOTLINE_CLICKHOUSE__URL" in (await response.json())["error"]


async def test_clickhouse_that_does_not_answer_is_named() -> None:
    site = RunningSite(city.demo_settings(kafka={"bootstrap": "127.0.0.1:1"}, clickhouse={"url": "http://127.0.0.1:9"}))
    site.fill(city.records())
    await site.start()
    async with ClientSession(site.url) as http:
        past = await http.get("/api/v1/summary", params={"feed": "replay-0a1b2c3d", "hotline": "anonymous-bank"})
        assert past.status == 503
        assert "ClickHouse at 127.0.0.1 does not answer" in (await past.json())["error"]
        assert (await http.get("/api/v1/summary")).status == 200
        assert (await http.get("/api/v1/board")).status == 200
    await site.stop()


@pytest.mark.parametrize(
    ("parameters", "hint"),
    [
        ({"form": "1999-01-01"}, "there are feed, hotline, queue, from, to, threshold_s"),
        ({"from": "yesterday"}, "write a local date"),
        ({"from": "1999-02-30"}, "write a local date"),
        ({"from": "1999-01-01T08:00"}, "with its offset"),
        ({"from": "1999-01-01T08:00:30Z"}, "whole minute"),
        ({"from": "9999-12-31", "to": "9999-12-31"}, "write a local date"),
        ({"from": "1999-01-31", "to": "1999-01-01"}, "to lies before from"),
        ({"threshold_s": "-1"}, "whole number from 0 to 120"),
        ({"threshold_s": "121"}, "whole number from 0 to 120"),
        ({"threshold_s": "9" * 5_000}, "whole number from 0 to 120"),
    ],
)
async def test_what_cannot_be_answered_says_what_to_write(site, http, parameters: dict, hint: str) -> None:
    response = await http.get("/api/v1/summary", params=parameters)
    assert response.status == 400
    assert hint in (await response.json())["error"]


def test_dates_are_local_days_and_both_ends_count(settings) -> None:
    board = Board("live")
    asked = {"feed": "replay-1", "hotline": "anonymous-bank", "from": "1999-01-01", "to": "1999-01-31", "queue": ""}
    query = parse(asked, board, settings, 0)
    zone = settings.hotline("anonymous-bank").zone
    assert query.start == int(datetime(1999, 1, 1, tzinfo=zone).timestamp()) * 1000
    assert query.end == int(datetime(1999, 2, 1, tzinfo=zone).timestamp()) * 1000
    assert (query.queue, query.threshold_s) == (None, 20)
    with pytest.raises(BadRequestError, match="name one with hotline="):
        parse({}, board, city.demo_settings(web={"hotline": ""}, hotlines={}), 0)


@pytest.mark.parametrize(
    ("now", "first"),
    [("2026-03-30T00:30", "2026-03-29"), ("2026-10-25T23:30", "2026-10-24"), ("2026-07-01T12:00", "2026-06-30")],
)
def test_the_last_days_are_local_ones_also_where_the_clocks_change(now: str, first: str) -> None:
    settings = city.demo_settings(hotlines={"h": {"time_zone": "Europe/Berlin"}})
    zone = settings.hotline("h").zone
    at, midnight = (int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * 1000 for text in (now, first))
    assert parse({"hotline": "h"}, Board("live"), settings, at, days=2).start == midnight


def test_memory_answers_only_what_it_holds(site_board, settings) -> None:
    def counts(known_from: int | None = city.midnight(city.MORNING) - 3_600_000, **asked):
        return in_memory(parse(asked, site_board, settings, city.MORNING), site_board, known_from)

    assert counts()["offered"] > 2_000
    assert counts(known_from=None) is None
    assert counts(known_from=city.MORNING - MINUTE_MS) is None
    assert counts(**{"from": "2026-03-10"}) is None
    assert counts(feed="sim") is None


@pytest.fixture
def site_board():
    board = Board("live")
    for record, at in city.records():
        board.apply(record, at)
    return board


def test_the_statement_carries_what_was_asked_as_parameters(settings) -> None:
    nasty = "x' OR 1=1 --"
    query = parse({"feed": nasty, "hotline": nasty, "queue": nasty, "from": "1999-01-01"}, Board("live"), settings, 0)
    sql, parameters = sums(query)
    assert nasty not in sql
    assert {parameters[name] for name in ("feed", "hotline", "queue")} == {nasty}
    numbers = dict(zip(SUMMED, range(1, 99), strict=False))
    row = numbers | {name: {5: 2, 7: 0} for name in BY_NUMBER}
    assert to_counts(row) == numbers | {f"{name}.5": 2 for name in BY_NUMBER}
    assert answer(query, {}, settings, source="clickhouse")["to"] is None


async def test_health_and_metrics(empty_site, http) -> None:
    empty_site.reader.problem = "Kafka does not answer at broker:9092"
    response = await http.get("/healthz")
    assert response.status == 503
    assert (await response.json())["problems"] == ["Kafka does not answer at broker:9092"]
    empty_site.reader.problem = ""
    empty_site.fill(city.records())
    assert (await http.get("/healthz")).status == 200
    text = await (await http.get("/metrics")).text()
    assert 'hotline_waiting{feed="live",hotline="12345",queue="utilities"} 14.0' in text
    assert 'hotline_oldest_wait_seconds{feed="live",hotline="12345",queue="utilities"} 167.0' in text
    assert 'hotline_alerts_firing{feed="live",hotline="12345"} 2.0' in text


async def test_the_page_allows_nothing_from_elsewhere(site, http) -> None:
    response = await http.get("/")
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    text = await response.text()
    assert "<script src=" in text
    assert "<script>" not in text
    assert "style=" not in text
    assert (await http.get("/static/../app.py")).status == 404


async def test_a_foreign_name_for_loopback_is_refused(site, http) -> None:
    response = await http.get("/api/v1/board", headers={"Host": "attacker.example"})
    assert response.status == 421
    assert (await http.get("/api/v1/board", headers={"Host": "localhost:1"})).status == 200


async def test_totals_of_a_group_of_queues_are_ratios_of_its_sums(site, http) -> None:
    group = ("housing", "market")
    board = await (await http.get("/api/v1/board", params={"queues": ",".join(group)})).json()
    assert sorted(board["tiles"]) == sorted(group)
    spans = bounds(city.MORNING, city.ZONE)
    counts = [site.board.rolling(Key(city.HOTLINE, queue), "60m", spans["60m"]) for queue in group]
    asa = sum(c["wait_ms_sum"] for c in counts) / sum(c["answered"] for c in counts) / 1000
    assert board["totals"]["windows"]["60m"]["asa"] == pytest.approx(asa)
    async with http.get("/api/v1/stream", params={"queues": "market"}, timeout=ClientTimeout(90)) as response:
        [first] = await events(response, 1)
    assert list(first["data"]["tiles"]) == ["market"]
    assert (await http.get("/api/v1/board", params={"queues": "nobody"})).status == 200
