"""Shares above their limits, the answer rate over 24 hours, agents who are not there, sources that fail."""

from dataclasses import replace

import pytest
from detection_kit import tell
from hypothesis import given
from hypothesis import strategies as st

from deploy.runtime.detection_settings import AnswerRate
from deploy.runtime.settings import Hotline, Queue
from streams.contract import Cell, Gauge, Signal, SourceStatus
from streams.contract.metrics import rates
from streams.detection import Detection, DetectionRules
from streams.detection.shares import SHARES, Rolling, wilson_lower

MINUTE, HOUR = 60_000, 3_600_000
START = 20_605 * 86_400_000 + 10 * HOUR
LINE = Hotline(name={"en": "Line", "zh": "热线"}, queues={"q": Queue(name={"en": "Taxes", "zh": "税务"})})
RULES = DetectionRules(hotlines={"h": LINE})


def run(detection, minutes, *, first=0, dimension_set="queue"):
    """Minute by minute the counts of queue q (or of the hotline); all signals told."""
    told = []
    for i, counts in enumerate(minutes, first):
        tell(detection, "live", "h", dimension_set, "q" if dimension_set == "queue" else "", START + i * MINUTE, counts)
        told += [r for r in detection.advance(START + (i + 1) * MINUTE, i) if isinstance(r, Signal)]
    return told


def test_wilsons_lower_bound():
    # 10 of 100, z = 1.96: 0.055 to 0.174 (Wilson 1927's interval, any table)
    assert wilson_lower(10, 100, 1.96) == pytest.approx(0.0552, abs=0.0005)
    assert wilson_lower(0, 0) == 0.0
    assert wilson_lower(22, 20) == wilson_lower(20, 20) < 1.0, "a part that is known before its whole"


def test_shares_are_the_rates_of_the_contract():
    counts = {
        "offered": 90, "answered": 70, "abandoned": 12, "short_abandoned": 4, "blocked": 6, "ended_in_menu": 9,
        "ring_no_answer": 5, "answered_by_outcome": 45,
    }  # fmt: skip
    parts = {share.kind: share.parts(counts) for share in SHARES}
    shares = {kind: part / whole for kind, (part, whole) in parts.items()}
    assert shares["abandonment_above_limit"] == rates(counts)["abandonment_rate_excluding_short"]
    assert shares["blocked_above_limit"] == rates(counts)["blocked_rate"]
    assert shares["ring_no_answer"] == 0.1


def test_sums_over_a_window_follow_what_changes_in_it():
    rolling = Rolling()
    for minute in range(0, 10 * MINUTE, MINUTE):
        rolling.put(minute, (1, 4))
    assert rolling.sums(5 * MINUTE, 10 * MINUTE) == (5, 20)
    rolling.put(7 * MINUTE, (3, 9))
    rolling.put(12 * MINUTE, (1, 1))
    assert rolling.sums(5 * MINUTE, 10 * MINUTE) == (7, 25)
    rolling.put(7 * MINUTE, (0, 0))
    assert rolling.sums(6 * MINUTE, 13 * MINUTE) == (4, 13)
    assert min(rolling.minutes) == 6 * MINUTE


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("put"), st.integers(0, 40), st.integers(0, 3), st.integers(0, 4)),
            st.tuples(st.just("look"), st.integers(0, 40), st.integers(0, 15), st.just(0)),
        ),
        max_size=30,
    )
)
def test_sums_of_a_window_that_moves_anyhow_are_the_sums_made_anew(steps):
    rolling = Rolling()
    for what, a, b, c in steps:
        if what == "put":
            rolling.put(a * MINUTE, (b, b + c))
        else:
            begin, end = a * MINUTE, (a + b) * MINUTE
            inside = [parts for minute, parts in rolling.minutes.items() if begin <= minute < end]
            assert rolling.sums(begin, end) == (sum(part for part, _ in inside), sum(whole for _, whole in inside))


QUIET = {
    "abandonment_above_limit": {"offered": 10, "answered": 9, "abandoned": 1, "short_abandoned": 1},
    "blocked_above_limit": {"offered": 99, "blocked": 1},
    "ring_no_answer": {"ring_no_answer": 1, "answered_by_outcome": 10, "answered": 10, "offered": 10},
}
LOUD = {
    "abandonment_above_limit": {"offered": 10, "answered": 6, "abandoned": 4},
    "blocked_above_limit": {"offered": 90, "blocked": 10},
    "ring_no_answer": {"ring_no_answer": 5, "answered_by_outcome": 10, "answered": 10, "offered": 10},
}
# a window ends with the open minute, which has just begun at a border
WORDS = {
    "abandonment_above_limit": (
        "Taxes (Line): 56 of 140 calls abandoned in the last 15 min (40.0%, limit 10.0%)",
        "放弃",
    ),
    "blocked_above_limit": ("Line: 140 of 1400 calls blocked in the last 15 min (10.0%, limit 2.0%)", "未能接入"),
    "ring_no_answer": (
        "Taxes (Line): 145 of 435 calls not answered by the agent they were given to in the last 30 min",
        "无人应答",
    ),
}


@pytest.mark.parametrize("kind", sorted(QUIET))
def test_a_share_above_its_limit_is_told_once_and_cleared(kind):
    where = "hotline" if kind == "blocked_above_limit" else "queue"
    detection = Detection(RULES)
    assert run(detection, [QUIET[kind]] * 30, dimension_set=where) == []
    told = run(detection, [LOUD[kind]] * 30, first=30, dimension_set=where)
    mine = [s for s in told if s.kind == kind]
    assert {s.active for s in mine} == {True}
    assert {s.since for s in mine} == {START + 30 * MINUTE}
    assert mine[0].at - mine[0].since <= 6 * MINUTE
    assert mine[-1].summary["en"].startswith(WORDS[kind][0])
    assert WORDS[kind][1] in mine[-1].summary["zh"]
    after = [s for s in run(detection, [QUIET[kind]] * 60, first=60, dimension_set=where) if s.kind == kind]
    assert [s.active for s in after].count(False) == 1
    assert after[-1].active is False


def test_two_of_five_at_night_are_no_incident():
    assert run(Detection(RULES), [{"offered": 5, "answered": 3, "abandoned": 2}] + [{}] * 20) == []


def hours(detection, begin, end, answered, rules=RULES):
    """Ten calls a minute; signals about the answer rate."""
    counts = {"offered": 9, "ended_in_menu": 1, "answered": answered}
    told = run(detection, [counts] * ((end - begin) * 60), first=begin * 60, dimension_set="hotline")
    return [s for s in told if s.kind == "answer_rate_below_target"]


def test_the_answer_rate_of_24_hours_and_its_worst_window_of_the_day():
    """Day one is fine, then four bad hours: the 24 h rate falls under 80 %, recovers a day later, the worst is kept."""
    rules = replace(RULES, answer_rate=AnswerRate(target=0.8))
    detection = Detection(rules)
    assert hours(detection, 0, 25, 9) == []
    told = hours(detection, 25, 29, 0)
    # (0.9 * (24 - h)) / 24 < 0.8 from h = 2 2/3 hours (160 min) on; the look after tells
    assert told[0].at == START + 25 * HOUR + 161 * MINUTE
    assert told[-1].value == pytest.approx(0.9 * 20 / 24, abs=1e-4)
    assert told[-1].volume == 14_390
    assert told[0].since == START + 25 * HOUR
    recovering = hours(detection, 29, 35, 10)
    assert recovering[-1].active
    assert recovering[-1].summary["en"].startswith("Line: 77.5% of 14390 calls answered in the last 24 h, target 80.0%")
    assert "worst 24 h today: 75.0%, to 15:00" in recovering[-1].summary["en"]
    assert "今日最差24小时接通率 75.0%（截至 15:00）" in recovering[-1].summary["zh"]
    # the next local day has a worst of its own
    next_day = hours(detection, 35, 39, 10)
    assert "to 15:00" not in next_day[-1].summary["en"]
    assert [s.active for s in hours(detection, 39, 54, 10)][-1] is False


def test_an_answer_rate_that_is_low_only_while_calls_are_read_is_none():
    """Twenty minutes of calls come at once, their ends a few seconds later: never was a day's rate below target."""
    for ends_after_s, told in ((20, False), (40, True)):
        detection = Detection(replace(RULES, answer_rate=AnswerRate(target=0.8)))
        seen = []
        for second in range(60):
            answered = 9 if second >= ends_after_s else 3
            for minute in range(20):
                counts = {"offered": 9, "ended_in_menu": 1, "answered": answered}
                cell = Cell(feed="live", hotline="h", dimension_set="hotline", minute=START + minute * MINUTE,
                            version=second + 1, counts=counts)  # fmt: skip
                detection.cell(cell)
            now = START + 20 * MINUTE + second * 1000
            seen += [r for r in detection.advance(now, second + 1) if isinstance(r, Signal)]
        assert any(s.kind == "answer_rate_below_target" for s in seen) is told


def gauge(at, waiting, agents=None, breaks=None):
    return Gauge(
        feed="live", hotline="h", dimension_set="queue", queue="q", at=at, version=1, waiting=waiting,
        threshold_s=20, agents=agents or {}, breaks=breaks or {},
    )  # fmt: skip


def seconds(detection, first, count, waiting, agents=None):
    told = []
    for second in range(first, first + count):
        now = START + second * 1000
        detection.gauge(gauge(now, waiting, agents))
        told += [r for r in detection.advance(now, second) if isinstance(r, Signal)]
    return told


def test_waiting_with_nobody_available_is_told_after_two_minutes():
    detection = Detection(RULES)
    assert seconds(detection, 0, 300, 2, {"available": 1, "on_call": 8}) == []
    assert seconds(detection, 300, 115, 2, {"on_call": 8, "break": 3}) == []
    assert seconds(detection, 415, 1, 2, {"available": 1}) == []
    assert seconds(detection, 416, 600, 0, {"on_call": 8}) == []
    told = seconds(detection, 1016, 140, 3, {"on_call": 8, "break": 3})
    assert told[0].at == told[0].since + 120_000
    assert told[0].since == START + 1_016_000
    assert told[0].summary["en"] == (
        "Taxes (Line): 3 callers wait and none of 11 agents is available (3 on a break); since 10:16."
    )
    assert "3 人排队，11 名座席均无空闲（3 人小休）" in told[0].summary["zh"]
    assert [s.active for s in seconds(detection, 1156, 20, 0, {"on_call": 8})] == [True, False]


def test_where_agents_are_not_told_of_nobody_is_missed():
    detection = Detection(RULES)
    assert seconds(detection, 0, 900, 5) == []
    assert seconds(detection, 900, 1, 5, {"available": 1}) == []
    told = seconds(detection, 901, 130, 5)
    assert "no agent is logged in" in told[0].summary["en"]


def status(now, *, silent_since=None, doubled=False, source="PBX-2"):
    return SourceStatus(
        feed="live", source=source, hotline="h", expected=True, last_at=silent_since or now, at=now, version=1,
        silent_since=silent_since, doubled=doubled, events=400, repeats=196 if doubled else 2,
    )  # fmt: skip


def sources(detection, first, count, **told_of):
    told = []
    for second in range(first, first + count):
        now = START + second * 1000
        detection.source(status(now, **told_of))
        detection.source(status(now, source="PBX-1"))
        told += [r for r in detection.advance(now, second) if isinstance(r, Signal)]
    return told


def test_a_dead_feed_says_since_when_and_from_where():
    detection = Detection(RULES)
    assert sources(detection, 0, 60) == []
    told = sources(detection, 60, 30, silent_since=START)
    assert {(s.kind, s.source, s.hotline, s.since) for s in told} == {("dead_feed", "PBX-2", "h", START)}
    assert told[0].value == 60
    assert told[0].summary == {"en": "No data since 10:00 from PBX-2.", "zh": "PBX-2 自 10:00 起无数据。"}
    assert len(told) == 3
    [over] = sources(detection, 90, 30)
    assert over.active is False
    assert over.summary["en"] == "PBX-2: data comes again (from 10:00 to 10:01)."


def test_a_doubled_feed_is_told_and_over_after_a_minute():
    detection = Detection(RULES)
    told = sources(detection, 0, 5, doubled=True)
    assert [(s.kind, s.source, s.value, s.volume) for s in told] == [("doubled_feed", "PBX-2", 0.49, 400)]
    assert "196 of its last 400 records told nothing new" in told[0].summary["en"]
    after = sources(detection, 5, 120)
    assert [s.active for s in after].count(False) == 1
    assert after[-1].at == START + 65_000


def test_every_source_has_a_fingerprint_of_its_own():
    detection = Detection(RULES)
    for name in ("PBX-1", "PBX-2"):
        detection.source(status(START, silent_since=START - 90_000, source=name))
    assert len({s.fingerprint for s in detection.advance(START, 1)}) == 2


def test_another_feeds_sources_are_nobodys_business():
    detection = Detection(RULES)
    detection.source(replaced := status(START, silent_since=START - 90_000))
    replaced.feed = "replay-0123abcd"
    other = Detection(RULES)
    other.source(replaced)
    assert other.advance(START, 1) == []
