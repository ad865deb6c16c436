"""Service level under target and waiting past threshold."""

import pytest
from detection_kit import tell

from deploy.runtime.service_settings import ServiceLevel
from deploy.runtime.settings import Hotline, Queue
from streams.contract import Gauge, Signal
from streams.detection import Detection, DetectionRules
from streams.detection.shares import wilson_upper

MINUTE = 60_000
START = 20_605 * 86_400_000 + 10 * 60 * MINUTE
RULES = DetectionRules(
    service_level=ServiceLevel(window_s=900, min_volume=20, over_threshold_min=3),
    hotlines={
        "h": Hotline(
            name={"en": "Line", "zh": "热线"},
            thresholds_s=(20,),
            target=0.8,
            queues={"q": Queue(name={"en": "Taxes", "zh": "税务"})},
        )
    },
)


def run(detection, minutes, first=0):
    """`minutes`: (met, missed) of queue q, minute by minute; what is told of the service level."""
    told = []
    for i, (met, missed) in enumerate(minutes, first):
        counts = {"event_answered.20": met, "event_expired.20": missed, "event_abandoned.15": 40}
        tell(detection, "live", "h", "queue", "q", START + i * MINUTE, counts)
        told += detection.advance(START + (i + 1) * MINUTE, i)
    return [r for r in told if isinstance(r, Signal) and r.kind == "service_level_under_target"]


def test_wilsons_upper_bound():
    # 70 of 100, z = 1.96: 0.604 to 0.781 (Wilson 1927's interval, any table)
    assert wilson_upper(70, 100, 1.96) == pytest.approx(0.781, abs=0.0005)
    assert wilson_upper(0, 0) == 1.0


def test_one_of_two_calls_at_night_is_no_incident():
    assert run(Detection(RULES), [(1, 1)] + [(0, 0)] * 20) == []
    assert run(Detection(RULES), [(0, 1)] * 19) == []


def test_a_blocked_queue_is_told_cleared_and_told_once():
    detection = Detection(RULES)
    assert run(detection, [(9, 1)] * 20) == []
    told = run(detection, [(3, 7)] * 15, first=20)
    assert {s.active for s in told} == {True}
    assert {s.since for s in told} == {START + 20 * MINUTE}
    assert told[0].at - told[0].since <= 8 * MINUTE
    assert told[-1].value == pytest.approx(0.3)
    assert told[-1].volume == 150
    assert (
        told[-1].summary["en"]
        == "Taxes (Line): 30% of 150 calls answered within 20 s in the last 15 min, target 80%; since 10:20."
    )
    assert "税务" in told[-1].summary["zh"]
    after = run(detection, [(10, 0)] * 20, first=35)
    assert [s.active for s in after].count(False) == 1
    assert after[-1].active is False
    assert after[-1].value >= 0.8


def test_the_open_minute_counts():
    detection = Detection(RULES)
    run(detection, [(9, 1)] * 3)
    tell(detection, "live", "h", "queue", "q", START + 3 * MINUTE, {"event_expired.20": 40})
    told = detection.advance(START + 3 * MINUTE + 800, 9)
    assert [s.kind for s in told if isinstance(s, Signal)] == ["service_level_under_target", "error_budget_fast_burn"]


def test_too_few_visits_end_it():
    detection = Detection(RULES)
    assert run(detection, [(1, 9)] * 5)[-1].active
    assert run(detection, [(0, 0)] * 20, first=5)[-1].active is False


def gauge(at, over, queue="q"):
    return Gauge(
        feed="live", hotline="h", dimension_set="queue" if queue else "hotline", queue=queue, at=at, version=1,
        waiting=over + 4, waiting_over_threshold=over, oldest_queued_at=at - 90_000, threshold_s=20,
    )  # fmt: skip


def test_waiting_past_the_threshold():
    detection = Detection(RULES)
    told = []
    for second, over in enumerate([0, 2, 3, 4, *[5] * 30, 2, 3, *[1] * 20]):
        now = START + second * 1000
        detection.gauge(gauge(now, over))
        told += [r for r in detection.advance(now, second) if isinstance(r, Signal)]
    first = told[0]
    assert (first.active, first.at, first.since, first.value) == (True, START + 2000, START + 2000, 3.0)
    assert "3 callers have been waiting longer than 20 s" in first.summary["en"]
    assert "3 人等待超过 20 秒" in first.summary["zh"]
    # again every 10 s, a dip of one second does not end it, ten calm seconds do
    assert [s.active for s in told] == [True] * 5 + [False]
    assert told[-1].at == START + 46_000
    assert {s.fingerprint for s in told} == {first.fingerprint}


def test_hotline_and_queue_have_their_own_fingerprints():
    detection = Detection(RULES)
    detection.gauge(gauge(START, 5))
    detection.gauge(gauge(START, 5, queue=""))
    told = detection.advance(START, 1)
    assert len({s.fingerprint for s in told}) == 2


def test_fingerprints_are_the_same_in_every_process():
    detection = Detection(RULES)
    detection.gauge(gauge(START, 5))
    [signal] = detection.advance(START, 1)
    assert signal.fingerprint == "48a6b1949e804049"
