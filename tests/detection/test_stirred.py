"""Keys of which nothing was told are not judged again: what is told is what judging every key each time tells."""

from random import Random

import msgspec
import pytest
from detection_kit import tell

from deploy.runtime.service_settings import ServiceLevel
from deploy.runtime.settings import Demand, Hotline
from streams.contract import Gauge
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
            told.append(state := detection.snapshot())
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
