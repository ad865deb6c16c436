"""What an alert's sentence says while nothing happens any more, until the alert ends: no `0 of 0 calls`."""

import re

import pytest
from detection_kit import tell

from deploy.runtime.service_settings import Burn, ServiceLevel
from deploy.runtime.settings import Hotline, Queue
from streams.contract import Gauge, Signal, SourceStatus
from streams.detection import Detection, DetectionRules, words
from streams.detection.service import Spent

MINUTE = 60_000
START = 20_605 * 86_400_000 + 600 * MINUTE
LINE = Hotline(
    name={"en": "Line", "zh": "热线"},
    target=0.8,
    thresholds_s=(20,),
    queues={"q": Queue(name={"en": "Taxes", "zh": "税务"})},
)
RULES = DetectionRules(hotlines={"h": LINE})
TAXES, TAXES_ZH = "Taxes (Line): ", "热线·税务："

NOTHING = re.compile(r"(?<![\d.:^])0(\.0%|%| of| call| times| 个|\.0 倍| 人)|10\^0|about <1")
"""What no sentence says: of nothing a share, or that nobody did something."""


def signals(detection, now, number):
    return [r for r in detection.advance(now, number) if isinstance(r, Signal)]


def run(where, bad, minutes):
    """One minute of many bad calls, then nothing; all signals told."""
    detection, told = Detection(RULES), []
    for i in range(minutes):
        tell(detection, "live", "h", where, "q" if where == "queue" else "", START + i * MINUTE, {} if i else bad)
        for second in (10, 25, 40, 55, 60):
            told += signals(detection, START + i * MINUTE + second * 1000, i * 60 + second)
    return told


def lately(told, kind):
    """The last sentences before the alert was over; none of any says nothing of nothing."""
    mine = [s for s in told if s.kind == kind]
    assert [s.active for s in mine].count(False) == 1
    assert mine[-1].active is False
    assert [text for s in mine for text in s.summary.values() if NOTHING.search(text)] == []
    return mine[-2].summary["en"], mine[-2].summary["zh"]


MISSED = {"event_answered.20": 20, "event_expired.20": 180}
ABANDONED = {"offered": 200, "answered": 100, "abandoned": 100}
BLOCKED = {"offered": 100, "answered": 100, "blocked": 100}
RINGING = {"ring_no_answer": 100, "answered_by_outcome": 100, "answered": 100, "offered": 100}


@pytest.mark.parametrize(
    ("kind", "where", "bad", "en", "zh"),
    [
        (
            "service_level_under_target",
            "queue",
            MISSED,
            "Taxes (Line): no call to judge in the last 15 min (target: 80% within 20 s); since 10:00.",
            "热线·税务：近 15 分钟没有可评定的来电（目标：20 秒内接通 80%）；始于 10:00。",
        ),
        (
            "abandonment_above_limit",
            "queue",
            ABANDONED,
            "Taxes (Line): no call to judge in the last 15 min (limit: 10.0% of calls abandoned); since 10:00.",
            "热线·税务：近 15 分钟没有可评定的来电（来电放弃上限 10.0%）；始于 10:00。",
        ),
        (
            "blocked_above_limit",
            "hotline",
            BLOCKED,
            "Line: no call to judge in the last 15 min (limit: 2.0% of calls blocked); since 10:00.",
            "热线：近 15 分钟没有可评定的来电（来电未能接入上限 2.0%）；始于 10:00。",
        ),
        (
            "ring_no_answer",
            "queue",
            RINGING,
            (
                "Taxes (Line): no call to judge in the last 30 min (limit: 10.0% of calls not answered by the agent they "
                "were given to); since 10:00."
            ),
            "热线·税务：近 30 分钟没有可评定的来电（分配给座席的来电无人应答上限 10.0%）；始于 10:00。",
        ),
        (
            "answer_rate_below_target",
            "hotline",
            BLOCKED,
            (
                "Line: no call to judge in the last 24 h (target: 95.0% answered; worst 24 h today: 50.0%, to 10:00); since "
                "10:00."
            ),
            "热线：近 24 小时没有可评定的来电（目标：接通率 95.0%；今日最差24小时接通率 50.0%（截至 10:00））；始于 10:00。",
        ),
    ],
)
def test_a_share_of_nothing_is_none(kind, where, bad, en, zh):
    assert lately(run(where, bad, 24 * 60 + 20), kind) == (en, zh)


def test_a_budget_that_burns_no_more_is_told_of_the_window_that_still_has_calls():
    rules = ServiceLevel(fast=Burn(windows_s=(60, 600), still_s=60, factor=3, min_volume=20))
    detection, told = Detection(DetectionRules(hotlines={"h": LINE}, service_level=rules)), []
    for i, counts in enumerate([MISSED, {"event_answered.20": 4_000}, {}, {}]):
        tell(detection, "live", "h", "queue", "q", START + i * MINUTE, counts)
        for second in range(5, 61, 5):
            told += signals(detection, START + i * MINUTE + second * 1000, i * 60 + second)
    en, _ = lately(told, "error_budget_fast_burn")
    assert "4% of 4200 calls missed 20 s in the last 10 min" in en


def test_a_budget_of_which_nothing_is_left_to_judge_is_told_as_such():
    told = words.burn(
        {"en": "Taxes", "zh": "税务"}, LINE, since=START, spent=Spent(), threshold_s=20, window_s=300, left=0.4, days=28
    )
    assert told == {
        "en": "Taxes: no call to judge in the last 5 min (promised: within 20 s; 40% of its 28 days' budget is left); "
        "since 10:00.",
        "zh": "税务：近 5 分钟没有可评定的来电（承诺 20 秒内接通；28 天误差预算余 40%）；始于 10:00。",
    }


def gauge(at, waiting, over, agents):
    return Gauge(
        feed="live", hotline="h", dimension_set="queue", queue="q", at=at, version=1, waiting=waiting,
        waiting_over_threshold=over, oldest_queued_at=at - 90_000, threshold_s=20, agents=agents,
    )  # fmt: skip


def gauges(changes):
    """Second by second the (waiting, of them past the threshold, agents) that hold from `changes`' seconds on."""
    detection, told, number = Detection(RULES), [], 0
    for at, until, waiting, over, agents in changes:
        for second in range(at, until):
            now, number = START + second * 1000, number + 1
            detection.gauge(gauge(now, waiting, over, agents))
            told += signals(detection, now, number)
    return told


def test_nobody_who_waits_past_the_threshold_is_told_as_nobody():
    told = gauges([(0, 65, 9, 5, {"available": 1}), (65, 90, 2, 0, {"available": 1})])
    assert lately(told, "waiting_past_threshold") == (
        "Taxes (Line): nobody waits longer than 20 s any more; it began at 10:00.",
        "热线·税务：已无人等待超过 20 秒；始于 10:00。",
    )


@pytest.mark.parametrize(
    ("waiting", "agents", "en", "zh"),
    [
        (0, {"on_call": 4}, "nobody waits any more; it began at 10:00.", "已无人排队；始于 10:00。"),
        (
            2,
            {"on_call": 3, "available": 1},
            "2 callers wait and 1 of 4 agents is available; since 10:00.",
            "2 人排队，4 名座席中 1 名空闲；始于 10:00。",
        ),
    ],
)
def test_nobody_who_waits_and_somebody_who_is_free_are_told_as_such(waiting, agents, en, zh):
    told = gauges([(0, 145, 3, 0, {"on_call": 4}), (145, 170, waiting, 0, agents)])
    assert lately(told, "no_agent_available") == (TAXES + en, TAXES_ZH + zh)


@pytest.mark.parametrize(
    ("expected", "en", "zh"),
    [(40.0, "about 40 were expected", "预期约 40 个"), (0.4, "less than 1 was expected", "预期不足 1 个")],
)
def test_no_call_is_told_as_none_and_less_than_one_expected_is_no_number_of_times(expected, en, zh):
    where = {"en": "Taxes", "zh": "税务"}
    since, later = START, START + 90 * MINUTE
    hour = {
        "en": f"Taxes: no call in the last hour, {en}; since 10:00.",
        "zh": f"税务：近一小时没有来电，{zh}；始于 10:00。",
    }
    for sentence in (words.demand, words.shortfall):
        assert sentence(where, LINE, since=since, start=later, count=0, expected=expected) == hour
        assert sentence(where, LINE, since=since, start=since, count=0, expected=expected) == {
            "en": f"Taxes: no call since 10:00, {en}.",
            "zh": f"税务：10:00 以来没有来电，{zh}。",
        }
    assert words.demand(where, LINE, since=since, start=since, count=3, expected=0.4) == {
        "en": "Taxes: 3 calls since 10:00, less than 1 was expected.",
        "zh": "税务：10:00 以来来电 3 个，预期不足 1 个。",
    }
    assert words.shortfall(where, LINE, since=since, start=since, count=1, expected=40.0)["en"] == (
        "Taxes: only 1 call since 10:00, about 40 were expected."
    )


def test_a_slice_without_a_call_and_one_that_chance_explains():
    told = {"since": START, "minutes": 60, "expected": 7.0, "score": 0.2}
    assert words.concentration({"en": "Water", "zh": "水务"}, LINE, count=0, **told) == {
        "en": "Water: no call in 60 min, its usual part of all calls is 7; since 10:00.",
        "zh": "水务：60 分钟内没有来电，通常占比约 7 个；始于 10:00。",
    }
    assert words.concentration({"en": "Water", "zh": "水务"}, LINE, count=8, **told) == {
        "en": "Water: 8 calls in 60 min, 1.1 times its usual part of all calls (7); since 10:00.",
        "zh": "水务：60 分钟内来电 8 个，为其通常占比（约 7 个）的 1.1 倍；始于 10:00。",
    }


def test_a_source_that_sends_nothing_twice_any_more_is_told_as_that():
    detection, told = Detection(RULES), []
    for second in range(200):
        now, doubled = START + second * 1000, second < 65
        status = SourceStatus(
            feed="live", source="PBX-2", hotline="h", expected=True, last_at=now, at=now, version=1,
            doubled=doubled, events=400 if doubled else 0, repeats=196 if doubled else 0,
        )  # fmt: skip
        detection.source(status)
        told += signals(detection, now, second)
    assert lately(told, "doubled_feed") == (
        "PBX-2 seemed to send everything twice, and does not any more; it began at 10:00. No figure is changed by it.",
        "PBX-2 曾疑似重复发送，现已停止；始于 10:00。各项数字不受影响。",
    )
