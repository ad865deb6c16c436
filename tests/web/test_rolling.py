"""The rolling windows: one definition, and the board, the API and SQL all give its numbers."""

import asyncio
from datetime import datetime
from random import Random
from uuid import uuid4
from zoneinfo import ZoneInfo

import city
import pytest
from aiohttp import ClientSession
from hypothesis import given
from hypothesis import strategies as st
from running_site import RunningSite
from stored import store

from sinks.clickhouse.client import connect
from sinks.clickhouse.hotlines import utc_offsets
from sinks.web.board import KEPT_MS, Key
from sinks.web.rolling import WINDOWS, Minute, Rolling, bounds, measures, percentile, shown, waits_of
from sinks.web.snapshot import View
from sinks.web.worst import SPAN_MS, answer_rate_24h_worst
from streams.contract import Cell, FeedStatus
from streams.contract.cells import MINUTE_MS
from streams.contract.metrics import window, window_bounds

SHANGHAI = ZoneInfo("Asia/Shanghai")


@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("put"), st.integers(0, 40), st.integers(0, 5)),
            st.tuples(st.just("look"), st.integers(0, 40), st.integers(1, 20)),
            st.tuples(st.just("forget"), st.integers(0, 40), st.just(0)),
        ),
        max_size=40,
    )
)
def test_a_sum_that_moves_is_the_sum_made_anew(steps: list[tuple[str, int, int]]) -> None:
    minutes: dict[int, Minute] = {}
    rolling = Rolling(minutes)
    for version, (what, a, b) in enumerate(steps):
        if what == "put":
            rolling.put(a * MINUTE_MS, Minute(version, {"offered": b, f"answered_wait.{b}": 1}))
        elif what == "forget":
            rolling.forget_before(a * MINUTE_MS)
        else:
            begin, end = a * MINUTE_MS, (a + b) * MINUTE_MS
            fresh = window(m.counts for start, m in minutes.items() if begin <= start < end)
            moved = rolling.counts("5m", begin, end)
            assert {k: v for k, v in moved.items() if v} == {k: v for k, v in fresh.items() if v}
            for threshold_s in (10, 20):
                assert rolling.shown("5m", begin, end, threshold_s) == shown(fresh, threshold_s)


def test_waits_of_a_rank_are_the_upper_edge_of_its_bucket() -> None:
    counts = {"answered_wait.0": 5, "answered_wait.10": 4, "abandoned_wait.10": 0, "abandoned_wait.40": 1}
    assert [percentile(waits_of(counts), p) for p in (0.5, 0.51, 0.9, 0.99)] == [0, 10, 10, 40]
    assert percentile(waits_of({}), 0.5) is None


def cell(feed: str, hotline: str, minute: int, queue: str | None = None, sources: int = 0, **counts: int) -> Cell:
    given_counts = {name.replace("__", "."): number for name, number in counts.items()}
    return Cell(
        feed=feed, hotline=hotline, dimension_set="hotline" if queue is None else "queue", queue=queue or "",
        minute=minute, version=1, counts=given_counts, sources_expected=sources, sources_heard=max(0, sources - 1),
    )  # fmt: skip


def noise(feed: str, hotline: str, end: int, minutes: int, seed: int) -> list[Cell]:
    """Cells with some of everything, with gaps, for the hotline and two queues."""
    random = Random(seed)
    found = []
    for minute in range(end - minutes * MINUTE_MS, end, MINUTE_MS):
        for queue in (None, "utilities", "foreign-languages"):
            if random.random() < 0.7:
                n = random.randint(1, 9)
                found.append(
                    cell(
                        feed, hotline, minute, queue, sources=2, offered=n + 2, answered=n, abandoned=1, flowed_out=1,
                        short_abandoned=random.randint(0, 1), wait_ms_sum=n * 9_000, waited=n, talk_ms_sum=n * 60_000,
                        talked=n, acw_ms_sum=n * 7_000, blocked=random.randint(0, 2), rated__5=1, rated__2=1,
                        event_answered__15=n, event_expired__15=1, event_answered__30=n, agent_on_call_ms=40_000,
                        agent_available_ms=25_000, abandoned_wait__40=1, **{f"answered_wait__{random.randint(0, 33)}": n},
                    )
                )  # fmt: skip
    return found


@pytest.mark.clickhouse
async def test_board_api_and_sql_show_the_same_windows(clickhouse_url: str) -> None:
    settings = city.demo_settings(
        kafka={"bootstrap": "127.0.0.1:1"},
        clickhouse={"url": clickhouse_url, "database": f"rolling_{uuid4().hex[:12]}"},
    )
    now = city.MORNING
    cells = noise("live", city.HOTLINE, now - now % MINUTE_MS + MINUTE_MS, 1600, seed=5)
    progress = city.progress(now)
    await asyncio.to_thread(store, settings, [*cells, progress])
    site = RunningSite(settings)
    site.reader.known_from = now - KEPT_MS
    site.fill((record, now) for record in (*cells, progress))
    await site.start()
    sql = "SELECT * FROM v_rolling WHERE feed = 'live' AND hotline = {h:String} AND queue = {q:String}"
    with connect(settings.clickhouse) as client:
        board = View(site.board, settings, site.now).snapshot()
        async with ClientSession(site.url) as http:
            for queue, shown in (
                ("", board["totals"]["windows"]),
                ("utilities", board["tiles"]["utilities"]["windows"]),
                ("foreign-languages", board["tiles"]["foreign-languages"]["windows"]),
            ):
                answer = await (await http.get("/api/v1/rolling", params={"queue": queue})).json()
                assert answer["source"] == "memory"
                site.reader.known_from = None  # as if it had not been read: ClickHouse has to answer
                stored = await (await http.get("/api/v1/rolling", params={"queue": queue})).json()
                site.reader.known_from = now - KEPT_MS
                assert stored | {"source": "memory"} == answer
                rows = client.query(sql, {"h": city.HOTLINE, "q": queue}).named_results()
                found = {row["window"]: row for row in rows}
                assert set(found) == set(answer["windows"]) == set(shown) == set(WINDOWS)
                for name, figures in answer["windows"].items():
                    begin, end = window_bounds(name, now, SHANGHAI)
                    key = Key(city.HOTLINE, queue or None)
                    expected = measures(
                        site.board.window(key, begin, end), settings.hotline(city.HOTLINE).thresholds(queue)[0]
                    )
                    assert figures["offered"] > 0
                    for measure, value in expected.items():
                        close = value if value is None else pytest.approx(value, rel=1e-12)
                        assert figures[measure] == close, (name, measure)
                        assert found[name][measure] == close, (name, measure)
                        if measure in shown[name]:
                            assert shown[name][measure] == close, (name, measure)
        client.command(f"DROP DATABASE {settings.clickhouse.database}")
    await site.stop()


CHANGES = {
    "Asia/Shanghai": ["2026-03-11T00:00", "2026-03-11T23:59"],
    "Asia/Kolkata": ["2026-03-11T00:29", "2026-03-11T05:31"],
    "Europe/Berlin": ["2026-03-29T01:30", "2026-03-29T12:00", "2026-10-25T02:30", "2026-10-25T23:00", "2026-10-26T00:10"],
    "America/New_York": ["2026-03-08T04:00", "2026-11-01T01:30", "2026-11-01T20:00"],
    "Africa/Cairo": ["2026-04-24T01:30", "2026-04-24T15:00", "2026-10-29T23:30", "2026-10-30T00:30"],
    "America/Asuncion": ["2023-10-01T02:00", "2024-03-24T03:00"],
    "Asia/Tehran": ["2022-03-22T02:00", "2022-09-22T01:00"],
    "Pacific/Kiritimati": ["2026-06-01T01:00"],
    "Pacific/Niue": ["2026-06-01T01:00"],
}  # fmt: skip


@pytest.mark.clickhouse
def test_windows_of_sql_begin_and_end_where_the_contract_says_in_every_zone(clickhouse_url: str) -> None:
    settings = city.demo_settings(
        clickhouse={"url": clickhouse_url, "database": f"zones_{uuid4().hex[:12]}"},
        hotlines={zone: {"time_zone": zone} for zone in CHANGES},
    )
    asked = []
    for zone, moments in CHANGES.items():
        for fold in (0, 1):
            for moment in moments:
                local = datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo(zone), fold=fold)
                asked.append((zone, int(local.timestamp()) * 1000 + 7))
    cases = [(f"sim-{number}", zone, at) for number, (zone, at) in enumerate(asked)]
    cells = [cell(feed, zone, at - at % MINUTE_MS, offered=1) for feed, zone, at in cases]
    clocks = [FeedStatus(feed=feed, generation=0, state="running", at=at, version=1) for feed, _, at in cases]
    store(settings, [*cells, *clocks])
    found: dict[str, dict[str, tuple[int, int]]] = {}
    with connect(settings.clickhouse) as client:
        rows = client.query(
            "SELECT feed, `window`, toUnixTimestamp64Milli(begin), toUnixTimestamp64Milli(`end`) FROM v_windows"
        ).result_rows
        for feed, name, begin, end in rows:
            found.setdefault(feed, {})[name] = (begin, end)
        client.command(f"DROP DATABASE {settings.clickhouse.database}")
    for feed, zone, at in cases:
        assert found.pop(feed) == bounds(at, ZoneInfo(zone)), (zone, at)
    assert not found


def test_offsets_are_those_of_the_zone_at_every_instant() -> None:
    random = Random(3)
    for name in CHANGES:
        zone = ZoneInfo(name)
        offsets = utc_offsets(zone)
        around = [at + d for at, _ in offsets[1:] for d in (-1000, 0)]
        for at in [*around, *(random.randint(0, 2_500_000_000) * 1000 for _ in range(200))]:
            expected = datetime.fromtimestamp(at / 1000, zone).utcoffset().total_seconds()
            assert [offset for since, offset in offsets if since <= at][-1] == expected, (name, at)


@given(
    st.dictionaries(st.integers(0, 60), st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=30),
    st.integers(0, 100),
)
def test_the_worst_day_is_the_minimum_over_all_windows(sparse: dict[int, tuple[int, int]], length: int) -> None:
    # Every 60 minutes stand for one, so that 24 hours are 24 steps and brute force stays small.
    minutes = {step * 60 * MINUTE_MS: (answered, answered + lost) for step, (answered, lost) in sparse.items()}
    end = length * 60 * MINUTE_MS
    found = answer_rate_24h_worst(minutes, 0, end)
    rates = []
    for begin in range(0, end - SPAN_MS + 1, 60 * MINUTE_MS):
        inside = [counts for start, counts in minutes.items() if begin <= start < begin + SPAN_MS]
        inbound = sum(i for _, i in inside)
        if inbound:
            rates.append(sum(a for a, _ in inside) / inbound)
    assert (found is None) == (not rates)
    if found:
        assert found.rate == min(rates)
        inside = [counts for start, counts in minutes.items() if found.begin <= start < found.end]
        assert (found.answered, found.inbound) == (sum(a for a, _ in inside), sum(i for _, i in inside))


@pytest.mark.clickhouse
async def test_api_and_sql_find_the_same_worst_day(clickhouse_url: str) -> None:
    settings = city.demo_settings(
        kafka={"bootstrap": "127.0.0.1:1"},
        clickhouse={"url": clickhouse_url, "database": f"worst_{uuid4().hex[:12]}"},
    )
    start = city.midnight(city.MORNING)
    cells = []
    for minute in range(0, 3 * 1440, 7):
        bad = 1500 <= minute < 1600
        cells.append(
            cell("live", city.HOTLINE, start + minute * MINUTE_MS, offered=10, answered=3 if bad else 9, blocked=1)
        )
    await asyncio.to_thread(store, settings, cells)
    site = RunningSite(settings)
    await site.start()
    minutes = {c.minute: (c.counts["answered"], 11) for c in cells}
    expected = answer_rate_24h_worst(minutes, min(minutes), max(minutes) + MINUTE_MS)
    assert expected is not None
    async with ClientSession(site.url) as http:
        shown = await (await http.get("/api/v1/answer_rate_24h", params={"from": "2026-03-11"})).json()
        short = await (
            await http.get("/api/v1/answer_rate_24h", params={"from": "2026-03-11", "to": "2026-03-11T12:00+08:00"})
        ).json()
    assert shown["answer_rate_24h_worst"] == expected.rate < 9 / 11
    assert int(datetime.fromisoformat(shown["begin"]).timestamp() * 1000) == expected.begin
    assert short["answer_rate_24h_worst"] is None
    with connect(settings.clickhouse) as client:
        rows = client.query(
            "SELECT day, answer_rate_24h_worst, toUnixTimestamp64Milli(begin), answered, inbound "
            "FROM v_answer_rate_24h_worst ORDER BY answer_rate_24h_worst, begin"
        ).result_rows
        assert tuple(rows[0][1:]) == (expected.rate, expected.begin, expected.answered, expected.inbound)
        assert sorted(str(row[0]) for row in rows) == ["2026-03-11", "2026-03-12", "2026-03-13"]
        client.command(f"DROP DATABASE {settings.clickhouse.database}")
    await site.stop()


async def test_a_rolling_window_that_does_not_exist_is_named(site, http) -> None:
    response = await http.get("/api/v1/rolling", params={"window": "7m"})
    assert response.status == 400
    assert "there are 5m, 15m, 30m, 60m, today, 24h" in (await response.json())["error"]
