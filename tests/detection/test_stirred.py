"""Keys of which nothing was told are not judged again: what is told is what judging every key each time tells.

Of demand nearly so: see below.
"""

from itertools import pairwise
from random import Random
from zlib import compress, decompress

import msgspec
import numpy as np
import pytest
from detection_kit import tell

from deploy.runtime.detection_settings import Demand
from deploy.runtime.service_settings import ServiceLevel
from deploy.runtime.settings import Hotline
from streams.contract import Gauge, Signal
from streams.detection import Detection, DetectionRules
from streams.detection.stirred import Stirred

MINUTE, DAY = 60_000, 86_400_000
NOON = 20_605 * DAY + DAY // 2
QUEUES = ("water", "power", "tax", "noise")


def run(seed: int, attribution: str) -> list[bytes]:
    """What is told over half an hour of good, bad and silent times of four queues, and the state every two minutes or so.

    After each state it goes on from that, as after a restart.
    """
    rules = DetectionRules(
        demand=Demand(),
        service_level=ServiceLevel(window_s=300, min_volume=5, attribution=attribution),
        hotlines={"h": Hotline(thresholds_s=(20,))},
    )
    random = Random(seed)
    detection, now, told = Detection(rules), NOON, []
    counts: dict[tuple[str, int], dict[str, int]] = {}
    for version in range(1, 2_000):
        bad = {queue for number, queue in enumerate(QUEUES) if (now // (4 * MINUTE) + number) % 3 == 0}
        silent = {queue for number, queue in enumerate(QUEUES) if (now // (2 * MINUTE) + number) % 4 == 0}
        for queue in random.sample(QUEUES, random.randrange(3)):
            if queue in silent:
                continue
            minute = (now - random.choice((0, 0, 0, 40_000))) // MINUTE * MINUTE
            its = counts.setdefault((queue, minute), {"offered": 0})
            its["offered"] += 1
            for name in ("event_expired.20", "abandoned", "ring_no_answer") if queue in bad else ("event_answered.20",):
                its[name] = its.get(name, 0) + 1
            tell(detection, "live", "h", "queue", queue, minute, its)
        for queue in random.sample(QUEUES, random.randrange(2)):
            waiting = random.randrange(9) if queue in bad else 0
            detection.gauge(
                Gauge(
                    feed="live", hotline="h", dimension_set="queue", queue=queue, at=now, version=version, threshold_s=20,
                    waiting=waiting, waiting_over_threshold=waiting, agents={"available": 0 if waiting else 2, "on_call": 3},
                )
            )  # fmt: skip
        now += random.choice((0, 200, 400, 1_000, 1_000, 2_500)) if version % 300 else 7_000
        told += [msgspec.json.encode(it) for it in detection.advance(now, version)]
        if not version % 150:
            state = detection.snapshot()
            told += state.values()
            detection = Detection.restore(rules, state)
    return told


@pytest.mark.parametrize("attribution", ["event", "arrival"])
@pytest.mark.parametrize("seed", range(3))
def test_as_if_every_key_was_judged_each_time(seed, attribution, monkeypatch):
    told = run(seed, attribution)
    kinds = {msgspec.json.decode(it).get("kind") for it in told if it.startswith(b"{")}
    assert {
        "service_level_under_target",
        "waiting_past_threshold",
        "no_agent_available",
        "abandonment_above_limit",
    } <= kinds, kinds
    monkeypatch.setattr(Stirred, "due", lambda _self, everyone, _frame: sorted(everyone))
    assert told == run(seed, attribution)


def learned(seed: int, days: int = 5) -> Detection:
    """Days of six calls a minute in each of four queues."""
    detection = Detection(DetectionRules(demand=Demand(learn_from=("history",)), hotlines={"h": Hotline()}))
    poisson = np.random.default_rng(seed).poisson
    for minute in range(NOON - days * DAY, NOON, MINUTE):
        for queue in QUEUES:
            tell(detection, "history", "h", "queue", queue, minute, {"offered": int(poisson(6))})
    detection.complete("history", NOON)
    return detection


def surges(seed: int, *, restart_every: int | None = None) -> list[bytes]:
    """What is told of demand in an hour of four queues, two of which surge, after days like any other."""
    random, detection, told = Random(seed), learned(seed), []
    poisson = np.random.default_rng(seed + 1).poisson
    counts: dict[tuple[str, int], int] = {}
    now, version = NOON, 1
    while now < NOON + 60 * MINUTE:
        minute = now // MINUTE * MINUTE
        for number, queue in enumerate(QUEUES):
            surging = number < 2 and 20 <= (now - NOON) // MINUTE < 30
            calls = int(poisson(0.1 * (4 if surging else 1)))
            if calls:
                counts[queue, minute] = counts.get((queue, minute), 0) + calls
                tell(detection, "live", "h", "queue", queue, minute, {"offered": counts[queue, minute]})
        now, version = now + random.choice((600, 800, 1_000, 1_600)), version + 1
        told += [msgspec.json.encode(it) for it in detection.advance(now, version)]
        if restart_every and not version % restart_every:
            detection = Detection.restore(detection.rules, detection.snapshot())
    return told


def begins(told: list[bytes]) -> dict[str, int]:
    """When each queue was first told to be above its expectation (ms)."""
    found: dict[str, int] = {}
    for it in map(msgspec.json.decode, told):
        if it["kind"] == "demand_above_expectation":
            found.setdefault(it["queue"], it["at"])
    return found


@pytest.mark.parametrize("seed", range(4))
def test_demand_is_judged_in_the_open_minute_as_soon_as_calls_are_told_of(seed, monkeypatch):
    told = surges(seed)
    assert told == surges(seed, restart_every=97)
    monkeypatch.setattr(Detection, "_judge_open", lambda self, now, slack: self._judge(now, slack, self._demands))
    rose, judging_all = begins(told), begins(surges(seed))
    assert set(rose) == set(judging_all) == set(QUEUES[:2])
    # Ticks lie unevenly here, and the shorter one is, the less is expected by it: a key may only then be over the limit.
    assert all(0 <= rose[queue] - judging_all[queue] <= 10_000 for queue in rose)


def above(detection: Detection, now: int) -> list[Signal]:
    """What is told of demand above its expectation when the clock comes to `now`."""
    told = detection.advance(now, now)
    return [it for it in told if isinstance(it, Signal) and it.kind == "demand_above_expectation"]


def without_stirred(state: dict[str, bytes]) -> dict[str, bytes]:
    """A state as it was written before it said which keys are stirred."""
    packed = msgspec.msgpack.decode(decompress(state["detection"]))
    del packed["stirred"]
    return state | {"detection": compress(msgspec.msgpack.encode(packed))}


@pytest.mark.parametrize("written", [dict, without_stirred])
@pytest.mark.parametrize("days", [5, 2])  # after two it is young, and judged at the borders of minutes only
def test_an_episode_goes_on_and_ends_though_nobody_calls_any_more(days, written):
    detection = learned(1, days)
    for minute in range(NOON - 120 * MINUTE, NOON + MINUTE, MINUTE):
        detection.advance(minute, minute)
        tell(detection, "live", "h", "queue", "water", minute, {"offered": 90 if minute == NOON else 6})
    told = [signal for now in range(NOON + 200, NOON + 2 * MINUTE - 30_000, 200) for signal in above(detection, now)]
    detection = Detection.restore(detection.rules, written(detection.snapshot()))
    told += [
        signal for now in range(NOON + 2 * MINUTE - 30_000, NOON + 30 * MINUTE, 200) for signal in above(detection, now)
    ]
    assert [it.active for it in told] == [True] * (len(told) - 1) + [False]
    assert all(later.at - earlier.at <= 10_200 for earlier, later in pairwise(told))


def test_a_burst_at_the_beginning_of_a_minute_is_found_when_enough_of_it_is_over():
    detection = learned(1)
    detection.advance(NOON - MINUTE, 1)
    detection.advance(NOON + 200, 2)  # the clock jumped: nothing is known of the last half minute
    tell(detection, "live", "h", "queue", "water", NOON, {"offered": 18})
    told = [signal for now in range(NOON + 400, NOON + MINUTE, 200) for signal in above(detection, now)]
    assert told[0].at == NOON + 10_000
