"""What is shown: states, the promise, the comparison with the forecast; null where there is no value."""

from datetime import datetime
from typing import get_args
from zoneinfo import ZoneInfo

import city
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from test_board import signal

from sinks.web.board import Board, Key
from sinks.web.expected import SMALL, Versus, expect, versus
from sinks.web.judge import Figures, blame_of, judge
from sinks.web.snapshot import View
from streams.contract import Cell, Forecast, SignalKind
from streams.contract.alerts import Silence
from streams.contract.cells import MINUTE_MS
from streams.contract.local_days import local_day
from streams.contract.metrics import rates, service_level_event

NOW = city.MORNING + 2_000
CALM = Figures(met=95, judged=100, over_threshold=0, quiet=False, target=0.8, min_volume=20, over_threshold_limit=3)


def filled(*, without: type | None = None, feed: str = "live") -> Board:
    board = Board(feed)
    for record, at in city.records():
        if without is None or not isinstance(record, without):
            board.apply(record, at)
    return board


def day(expected: list[float], width: float, step_s: int = 900, start: int = 0) -> dict[int, Forecast]:
    lower, upper = [max(0.0, e - width) for e in expected], [e + width for e in expected]
    return {
        start: Forecast(
            feed="live", hotline="h", dimension_set="hotline", start=start, step_s=step_s, expected=expected,
            lower=lower, upper=upper, days_learned=20.0, version=1,
        )
    }  # fmt: skip


def test_tiles_agree_with_a_recount_of_the_records(settings) -> None:
    tiles = View(filled(), settings, NOW).snapshot()["tiles"]
    cells = [r for r, _ in city.records() if getattr(r, "kind", "") == "" and hasattr(r, "counts")]
    end = city.MORNING - city.MORNING % MINUTE_MS + MINUTE_MS
    for queue, tile in tiles.items():
        mine = [c for c in cells if c.dimension_set == "queue" and c.queue == queue]
        total: dict[str, int] = {}
        for c in mine:
            if end - 15 * MINUTE_MS <= c.minute < end:
                for name, number in c.counts.items():
                    total[name] = total.get(name, 0) + number
        met, judged = service_level_event(total, settings.hotline(city.HOTLINE).thresholds(queue)[0])
        assert (tile["judged"], tile["service_level"]) == (judged, met / judged if judged else None)
        today = sum(c.counts.get("offered", 0) for c in mine if c.minute >= city.midnight(city.MORNING))
        assert tile["today"] == today


def test_totals_are_ratios_of_sums_and_count_calls(settings) -> None:
    board = filled()
    shot = View(board, settings, NOW).snapshot()
    counts = board.window(Key(city.HOTLINE), city.midnight(city.MORNING), city.MORNING)
    assert shot["totals"]["calls_today"] == counts["calls_offered"]
    assert shot["totals"]["answer_rate"] == rates(counts)["answer_rate_inbound"]
    assert shot["totals"]["waiting"] == sum(tile["waiting"] for tile in shot["tiles"].values())
    assert shot["totals"]["oldest_queue"] == "utilities"
    assert shot["totals"]["oldest_s"] == shot["tiles"]["utilities"]["oldest_s"] == 167


def test_the_calls_of_one_source_are_a_part_and_a_source_that_is_silent_is_none(settings) -> None:
    board = filled()
    for kind in ("demand_concentrated", "dead_feed"):
        board.apply(city.alert(NOW, queue="", signal=kind, fingerprint=kind, labels={"source": "PBX-2"}), NOW)
    told = {item["id"]: item["slice"] for item in View(board, settings, NOW).alarms()["firing"]}
    assert (told["demand_concentrated"], told["dead_feed"]) == (True, False)


def test_urgent_tiles_come_first_and_the_configured_order_holds_inside_a_state(settings) -> None:
    shot = View(filled(), settings, NOW).snapshot()
    states = [shot["tiles"][queue]["state"] for queue in shot["order"]]
    assert states == sorted(states, key=["breach", "watch", "ok", "stale", "no_calls"].index)
    assert shot["order"][0] == "utilities"
    configured = list(settings.hotline(city.HOTLINE).queues)
    calm = [queue for queue in shot["order"] if shot["tiles"][queue]["state"] == "ok"]
    assert calm == sorted(calm, key=configured.index)


def test_before_the_first_call_everything_is_null_and_nothing_is_zero(settings) -> None:
    shot = View(Board("live"), settings, NOW).snapshot()
    assert shot["head"]["status"] == "first_run"
    tile = shot["tiles"]["utilities"]
    assert [tile[name] for name in ("waiting", "oldest_s", "service_level", "versus", "today")] == [None] * 5
    assert (tile["state"], shot["totals"]["calls_today"]) == ("no_calls", None)
    assert set(shot["sparks"]["utilities"]["offered"]) == {None}


def test_a_gauge_that_was_never_sent_where_others_were_is_zero(settings) -> None:
    board = Board("live")
    board.apply(city.gauge("housing", city.MORNING, 2, 0, city.MORNING, 5, 1), city.MORNING)
    tiles = View(board, settings, NOW).snapshot()["tiles"]
    assert (tiles["housing"]["waiting"], tiles["market"]["waiting"], tiles["market"]["oldest_s"]) == (2, 0, None)


def test_data_that_stands_still_is_stale_and_data_that_runs_after_is_catching_up(settings) -> None:
    board = filled()
    late = View(board, settings, city.MORNING + 48_000).snapshot()
    assert (late["head"]["status"], late["head"]["behind_s"]) == ("stale", 48)
    assert late["tiles"]["housing"]["state"] == "stale"
    assert late["tiles"]["utilities"]["state"] == "breach"  # what fires stays red
    board.apply(city.progress(city.MORNING + 1_000, version=2), city.MORNING + 240_000)
    assert View(board, settings, city.MORNING + 241_000).snapshot()["head"]["status"] == "catching_up"


def test_before_a_feed_began_is_missing_and_after_it_is_counted(settings) -> None:
    board = Board("live")
    board.apply(city.progress(city.MORNING), city.MORNING)
    for cell in city.cells(city.MORNING):
        if cell.minute >= city.MORNING - 20 * MINUTE_MS:
            board.apply(cell, city.MORNING)
    offered = View(board, settings, NOW).snapshot()["sparks"]["city-management"]["offered"]
    assert set(offered[:19]) == {None}
    assert None not in offered[20:]


def test_a_condition_without_an_alert_is_told_once_it_is_a_breach(settings) -> None:
    board = filled(without=type(city.alert(0)))
    assert View(board, settings, NOW).snapshot()["alerts"]["newest"] == []
    board.apply(signal(city.MORNING, queue="housing", target=3.0), city.MORNING)
    shot = View(board, settings, NOW).snapshot()
    assert [(a["queue"], a["blame"], a["breach"]) for a in shot["alerts"]["newest"]] == [("housing", "waiting", True)]
    assert shot["tiles"]["housing"]["state"] == "breach"


def test_what_a_silence_holds_back_gives_way_to_what_pages(settings) -> None:
    board = filled(without=type(city.alert(0)))
    for queue, at in (("housing", 2), ("water", 1), ("", 0)):
        board.apply(
            city.alert(city.MORNING, queue=queue, severity="critical", started_at=city.MORNING + at), city.MORNING
        )
    told = View(board, settings, NOW).snapshot()["alerts"]["newest"]
    assert [condition["queue"] for condition in told] == ["housing", "water"]
    board.apply(
        Silence(id="s", matchers={"queue": "housing"}, author="Li", reason="works", at=NOW, ends_at=NOW + MINUTE_MS),
        NOW,
    )
    told = View(board, settings, NOW).snapshot()["alerts"]["newest"]
    assert [condition["queue"] for condition in told] == ["water", ""]


def test_the_alert_of_a_silent_source_is_taken_on_where_its_silence_is_said(settings) -> None:
    board = filled()
    dead = city.alert(city.MORNING, queue="", rule="DeadFeed", signal="dead_feed", labels={"source": "PBX-2"})
    silent = city.source(city.MORNING, "PBX-2", 2, silent_since=city.MORNING - 780_000)
    board.apply(dead, city.MORNING)
    view = View(board, settings, NOW)
    assert view.snapshot()["head"]["sources"]["alerts"] == {}
    assert dead.fingerprint in {a["id"] for a in view.snapshot()["alerts"]["newest"]}
    board.apply(silent, city.MORNING)
    view = View(board, settings, NOW)
    shot = view.snapshot()
    assert shot["head"]["sources"]["alerts"]["PBX-2"]["id"] == dead.fingerprint
    assert dead.fingerprint not in {a["id"] for a in shot["alerts"]["newest"]}
    assert shot["alerts"]["firing"] == len(view.alarms()["firing"]) == 3


def test_an_alert_and_its_signal_are_one_line(settings) -> None:
    board = filled()
    board.apply(
        signal(city.MORNING, kind="service_level_under_target", value=0.6, target=0.8, fingerprint="s"), city.MORNING
    )
    newest = View(board, settings, NOW).snapshot()["alerts"]["newest"]
    assert [(a["blame"], a["breach"]) for a in newest] == [("service_level", True), ("demand", False)]


@pytest.mark.parametrize(
    ("change", "state", "blame"),
    [
        ({}, "ok", ()),
        ({"met": 84}, "watch", ("service_level",)),
        ({"met": 9, "judged": 10}, "ok", ()),
        ({"met": 0, "judged": 1}, "ok", ()),
        ({"met": 2, "judged": 5}, "watch", ("service_level",)),
        ({"over_threshold": 2}, "watch", ("waiting",)),
        ({"met": 0, "judged": 0, "quiet": True}, "no_calls", ()),
    ],
)
def test_what_is_watched(change: dict, state: str, blame: tuple) -> None:
    verdict = judge(CALM._replace(**change), [], behind_s=2)
    assert (verdict.state, verdict.blame) == (state, blame)


@pytest.mark.parametrize(("target", "state", "shown"), [(0.6, "ok", 0.6), (0.9, "watch", 0.9), (None, "ok", None)])
def test_a_tile_is_judged_by_what_is_promised_at_this_hour(
    target: float | None, state: str, shown: float | None
) -> None:
    hours = [{"begin": "00:00", "end": "00:00", "target": target}]
    settings = city.demo_settings(web={"hotline": "h"}, hotlines={"h": {"thresholds_s": [20], "hours": hours}})
    board = Board("live")
    board.apply(city.progress(NOW), NOW)
    counts = {"offered": 100, "answered": 100, "event_answered.20": 70, "event_expired.20": 30}
    for kind, queue in (("hotline", ""), ("queue", "q")):
        minute = NOW - NOW % MINUTE_MS - MINUTE_MS
        board.apply(Cell(feed="live", hotline="h", dimension_set=kind, queue=queue, minute=minute, version=1, counts=counts), NOW)  # fmt: skip
    told = View(board, settings, NOW).snapshot()
    tile = told["tiles"]["q"]
    assert (tile["state"], tile["target"], told["totals"]["target"]) == (state, shown, shown)


def test_demand_alone_is_watched_and_the_broken_promise_is_a_breach() -> None:
    demand = city.demand_alert(city.MORNING)
    assert judge(CALM, [demand], behind_s=2).state == "watch"
    both = judge(CALM, [demand, city.alert(city.MORNING)], behind_s=2)
    assert (both.state, both.blame, both.since) == ("breach", ("service_level",), city.MORNING - 690_000)
    assert judge(CALM, [city.alert(city.MORNING, severity="info")], behind_s=2).state == "watch"
    assert judge(CALM, [city.alert(city.MORNING, signal="waiting_past_threshold")], behind_s=2).blame == ("waiting",)


@given(
    st.lists(st.floats(0, 200), min_size=4, max_size=4),
    st.floats(0, 40),
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(0, 60),
)
def test_what_is_expected_of_parts_adds_up(values: list[float], width: float, a: int, b: int, c: int) -> None:
    days = day(values, width)
    first, middle, last = sorted((a, b, c))
    if middle in {first, last}:
        return
    whole = expect(days, first * MINUTE_MS, last * MINUTE_MS)
    left, right = (
        expect(days, first * MINUTE_MS, middle * MINUTE_MS),
        expect(days, middle * MINUTE_MS, last * MINUTE_MS),
    )
    assert whole is not None and left is not None and right is not None  # noqa: PT018
    assert whole.expected == pytest.approx(left.expected + right.expected)
    assert 0 <= whole.lower <= whole.expected + 1e-9 <= whole.upper + 2e-9
    # chance averages out: the range of the sum is never wider than the sum of the ranges
    assert whole.upper <= left.upper + right.upper + 1e-6


def test_a_step_keeps_its_own_range_and_a_span_beyond_the_forecast_has_none() -> None:
    days = day([10.0, 20.0], 6.0)
    assert expect(days, 900_000, 1_800_000) == pytest.approx((20.0, 14.0, 26.0))
    assert expect(days, 900_000, 1_860_000) is None
    assert expect({}, 0, 60_000) is None


def test_what_no_whole_day_stands_behind_is_no_forecast() -> None:
    days = day([10.0] * 96, 3.0)
    young = {start: structs.replace(it, days_learned=0.7) for start, it in days.items()}
    assert expect(young, 0, 900_000) is None
    assert expect({start: structs.replace(it, days_learned=0.8) for start, it in days.items()}, 0, 900_000) is not None


def test_a_span_over_midnight_takes_both_days() -> None:
    days = day([10.0] * 96, 3.0) | day([20.0] * 96, 3.0, start=86_400_000)
    assert expect(days, 86_400_000 - 900_000, 86_400_000 + 900_000).expected == pytest.approx(30.0)


@pytest.mark.parametrize(
    ("observed", "expected", "shown"),
    [
        (62, 50.0, Versus(pytest.approx(0.24), None)),
        (3, 4.4, Versus(None, -1)),
        (30, SMALL - 0.1, Versus(None, 0)),
        (5, None, None),
        (5, 0.2, None),
    ],
)
def test_few_calls_are_compared_in_calls(observed: int, expected: float | None, shown: Versus | None) -> None:
    assert versus(observed, expected) == shown


@pytest.mark.parametrize("per_quarter", [0.2, 12.0])
def test_the_whole_day_is_compared_in_calls_though_forecasts_are_of_visits(settings, per_quarter: float) -> None:
    board = filled(without=Forecast)
    board.apply(
        structs.replace(
            day([per_quarter] * 96, 1.0, start=city.midnight(NOW))[city.midnight(NOW)], hotline=city.HOTLINE
        ),
        NOW,
    )
    for cell, at in city.records():
        if isinstance(cell, Cell) and cell.dimension_set == "hotline":  # two visits in three are a call's first one
            calls = {"calls_offered": cell.counts.get("offered", 0) * 2 // 3}
            board.apply(structs.replace(cell, counts=cell.counts | calls, version=cell.version + 1), at)
    totals = View(board, settings, NOW).snapshot()["totals"]
    visits = board.total(Key(city.HOTLINE), "offered", city.midnight(NOW), NOW)
    assert 0 < totals["calls_today"] < visits
    expected = per_quarter * (city.MORNING - city.midnight(NOW)) / 900_000
    if expected < SMALL:
        by_calls = totals["calls_today"] * (1 - expected / visits)
        assert totals["today_versus"] == {"ratio": None, "calls": round(by_calls)}
    else:
        assert totals["today_versus"] == {"ratio": pytest.approx(visits / expected - 1, rel=0.01), "calls": None}


def test_a_day_of_25_hours_is_whole() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    noon = int(datetime(2026, 10, 25, 12, tzinfo=berlin).timestamp()) * 1000
    start, end, _ = local_day(noon, berlin)
    assert end - start == 25 * 3_600_000
    assert start <= noon < end


def test_no_source_heard_is_no_quiet_night(settings) -> None:
    board = filled()
    silent = city.MORNING - 780_000
    board.apply(city.source(city.MORNING, "PBX-1", 2, silent_since=silent - 1_000), 0)
    shot = View(board, settings, NOW).snapshot()
    assert shot["head"]["sources"]["heard"] == 1
    assert shot["tiles"]["housing"]["state"] == "ok"
    board.apply(city.source(city.MORNING, "PBX-2", 2, silent_since=silent), 0)
    shot = View(board, settings, NOW).snapshot()
    housing = shot["tiles"]["housing"]
    assert (shot["head"]["sources"]["down_since"], housing["state"], housing["since"]) == (silent, "feed_down", silent)


def test_what_fires_before_the_sources_fell_silent_stays_a_breach() -> None:
    alert = city.alert(city.MORNING, started_at=city.MORNING - 690_000)
    assert judge(CALM, [alert], behind_s=2, down_since=city.MORNING - 600_000).state == "breach"
    assert judge(CALM, [alert], behind_s=2, down_since=city.MORNING - 700_000).state == "feed_down"
    assert judge(CALM, [], behind_s=2, down_since=None).state == "ok"


@pytest.mark.parametrize("kind", get_args(SignalKind))
def test_every_signal_has_a_figure_and_every_alert_is_that_of_its_signal(kind: str) -> None:
    alert = city.alert(city.MORNING, signal=kind, rule="anything")
    assert blame_of(alert) == blame_of(signal(city.MORNING, kind=kind)) != "figures"
    assert blame_of(city.alert(city.MORNING, signal="")) == "figures"


def test_the_total_service_level_counts_queues_with_a_threshold_of_their_own(settings) -> None:
    board = Board("live")
    board.apply(city.progress(city.MORNING), 0)
    minute = city.MORNING - city.MORNING % MINUTE_MS
    threshold = settings.hotline(city.HOTLINE).thresholds("")[0]
    own = settings.hotline(city.HOTLINE).thresholds("foreign-languages")[0]
    counts = {
        "offered": 2,
        f"event_answered.{own}": 2,
        f"event_answered.{threshold}": 1,
        f"event_expired.{threshold}": 1,
    }
    for cell in (
        city._cell("queue", "foreign-languages", minute, counts),
        city._cell("hotline", "", minute, counts),
    ):
        board.apply(cell, 0)
    shot = View(board, settings, NOW).snapshot()
    assert (shot["tiles"]["foreign-languages"]["service_level"], shot["totals"]["service_level"]) == (1.0, 0.5)
    assert shot["totals"]["windows"]["5m"]["service_level_event"] == 0.5
