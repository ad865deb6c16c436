"""What must hold whatever happens: order does not matter, a restart is not noticed, versions never go back."""

from dataclasses import replace
from itertools import pairwise
from zlib import compress, decompress

import msgspec
from detection_kit import tell
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.runtime.detection_settings import Demand
from deploy.runtime.service_settings import ServiceLevel
from deploy.runtime.settings import Hotline, Settings
from streams.contract import Gauge, Signal, SourceStatus
from streams.detection import Detection, DetectionRules, rules_from

MINUTE, DAY = 60_000, 86_400_000
START = 20_605 * DAY
NOON = START + 720 * MINUTE
RULES = DetectionRules(
    demand=Demand(learn_from=("history",), clear_after_s=120),
    service_level=ServiceLevel(window_s=300, min_volume=5),
    hotlines={"h": Hotline(thresholds_s=(20,))},
)


def taught() -> dict[str, bytes]:
    """Ten days of ten calls a minute by day and none by night, as a snapshot."""
    detection = Detection(RULES)
    for day in range(-10, 0):
        for i in range(480, 1200):
            for key in (("hotline", ""), ("queue", "q")):
                tell(detection, "history", "h", *key, START + day * DAY + i * MINUTE, {"offered": 10 + i % 3 - 1})
        detection.complete("history", START + (day + 1) * DAY)
    detection.advance(NOON - 300 * MINUTE, 1)
    for i in range(300):
        for key in (("hotline", ""), ("queue", "q")):
            tell(detection, "live", "h", *key, NOON + (i - 300) * MINUTE, {"offered": 10 + i % 3 - 1})
    detection.advance(NOON, 1)
    return detection.snapshot()


TAUGHT = taught()
cell = st.tuples(
    st.sampled_from([("hotline", "", ""), ("queue", "q", ""), ("category_1", "", "water"), ("queue", "", "")]),
    st.integers(0, 9),
    st.integers(0, 80),
    st.integers(0, 20),
    st.integers(0, 20),
)
ticks = st.lists(
    st.tuples(
        st.lists(cell, max_size=12, unique_by=lambda c: (c[0], c[1])),
        st.sampled_from([500, 7_000, 60_000, 200_000, 900_000]),
    ),
    max_size=8,
)


def tell_all(detection, cells, base):
    for (dimension_set, queue, category), i, offered, met, missed in cells:
        counts = {"offered": offered, "event_answered.20": met, "event_expired.20": missed, "abandoned": missed}
        counts |= {"blocked": missed, "ring_no_answer": missed, "answered": min(met, offered)}
        tell(detection, "live", "h", dimension_set, queue or category, base + i * MINUTE, counts)


def gauge(at, over):
    return Gauge(
        feed="live",
        hotline="h",
        dimension_set="queue",
        queue="q",
        at=at,
        version=1,
        waiting=over + 2,
        waiting_over_threshold=over,
        threshold_s=20,
        agents={"on_call": 3} if over % 2 else {"available": 1},
    )


def status(at, state):
    return SourceStatus(
        feed="live",
        source="pbx",
        hotline="h",
        expected=True,
        last_at=at,
        silent_since=at - 90_000 if state % 3 == 2 else None,
        doubled=state % 3 == 1,
        at=at,
        version=1,
    )


@settings(max_examples=60, deadline=None)
@given(script=ticks, random=st.randoms(use_true_random=False))
def test_the_order_of_cells_between_ticks_is_irrelevant(script, random):
    one, other = Detection.restore(RULES, TAUGHT), Detection.restore(RULES, TAUGHT)
    base, now = NOON - 3 * MINUTE, NOON
    for cells, step in script:
        now += step
        tell_all(one, cells, base)
        shuffled = list(cells)
        random.shuffle(shuffled)
        tell_all(other, shuffled, base)
        assert one.advance(now, 1) == other.advance(now, 1)


@settings(max_examples=60, deadline=None)
@given(script=ticks)
def test_a_restart_is_not_noticed(script):
    never, often = Detection.restore(RULES, TAUGHT), Detection.restore(RULES, TAUGHT)
    base, now = NOON - 3 * MINUTE, NOON
    for version, (cells, step) in enumerate(script):
        now += step
        for detection in (never, often):
            tell_all(detection, cells, base)
            detection.gauge(gauge(now, len(cells)))
            detection.source(status(now, len(cells)))
        assert never.advance(now, version) == often.advance(now, version)
        often = Detection.restore(RULES, often.snapshot())
        assert often.snapshot() == Detection.restore(RULES, often.snapshot()).snapshot()


@settings(max_examples=60, deadline=None)
@given(script=ticks, versions=st.lists(st.integers(0, 1_000_000), min_size=8, max_size=8))
def test_versions_and_clocks_of_signals_never_go_back(script, versions):
    detection = Detection.restore(RULES, TAUGHT)
    base, now = NOON - 3 * MINUTE, NOON
    seen, clock = 0, 0
    for (cells, step), version in zip(script, versions, strict=False):
        now += step
        tell_all(detection, cells, base)
        detection.gauge(gauge(now, 4))
        for record in detection.advance(now, version):
            assert record.version >= seen
            seen = record.version
            if isinstance(record, Signal):
                assert record.at >= clock
                assert record.since <= record.at
                clock = record.at


def test_five_weeks_of_a_key_take_five_kilobytes(make_city, monday):
    city = make_city(3, {f"q{i}": 1_000 + 3_000 * i for i in range(4)})
    detection = Detection(city.rules())
    city.teach(detection, 35)
    detection.advance(monday, 1)
    assert sum(map(len, detection.snapshot().values())) < 5 * 5_000


def test_what_was_learned_is_written_every_quarter_of_an_hour_not_with_every_call():
    detection, learned = Detection.restore(RULES, TAUGHT), []
    for i in range(30):
        tell(detection, "live", "h", "queue", "q", NOON + i * MINUTE, {"offered": 10})
        detection.advance(NOON + i * MINUTE + 200, i + 2)
        learned.append(detection.snapshot()["detection/learned"])
    assert [before is after for before, after in pairwise(learned)].count(False) == 1
    assert learned[0] != learned[-1]


def former(state: dict[str, bytes]) -> dict[str, bytes]:
    """A state as it was written when what was learned was packed with all else."""
    rest, learned = (msgspec.msgpack.decode(decompress(state[name])) for name in ("detection", "detection/learned"))
    for (key, demand), (of, packed) in zip(rest["demands"], learned, strict=True):
        assert key == of
        its, expectation = msgspec.msgpack.decode(packed), demand["expectation"]
        history = msgspec.msgpack.decode(expectation["history"], strict=False) | its["history"]
        expectation["history"], expectation["plan"] = msgspec.msgpack.encode(history), its["plan"]
    return {"detection": compress(msgspec.msgpack.encode(rest))}


def test_a_state_in_which_all_is_one_part_is_gone_on_from():
    before, now = Detection.restore(RULES, former(TAUGHT)), Detection.restore(RULES, TAUGHT)
    assert before.snapshot() == now.snapshot() == TAUGHT
    told = [told_of_demand(detection, "live", 30, 40) for detection in (before, now)]
    assert told[0] == told[1] != []


def test_what_a_feed_taught_can_be_forgotten():
    detection, never = Detection(RULES), Detection(RULES)
    for minute in range(START, START + 4 * DAY, MINUTE):
        tell(detection, "history", "h", "hotline", "", minute, {"offered": 5})
    detection.complete("history", START + 4 * DAY)
    detection.forget("history")
    for one in (detection, never):
        tell(one, "live", "h", "hotline", "", START + 4 * DAY, {"offered": 1})
        assert one.advance(START + 4 * DAY + 10 * MINUTE, 1) == []


def test_history_may_come_in_any_order_until_it_is_complete():
    forward, backward = Detection(RULES), Detection(RULES)
    minutes = [START + i * MINUTE for i in range(1440)]
    for detection, order in ((forward, minutes), (backward, minutes[::-1])):
        for minute in order:
            tell(detection, "history", "h", "hotline", "", minute, {"offered": minute // MINUTE % 7 + 1})
        detection.complete("history", START + DAY)
    assert forward.snapshot() == backward.snapshot()
    tell(forward, "history", "h", "hotline", "", START, {"offered": 99})
    assert forward.too_late == 1


def test_other_feeds_are_nobodys_business():
    detection = Detection(RULES)
    empty = detection.snapshot()
    tell(detection, "replay-0123abcd", "h", "hotline", "", START, {"offered": 5})
    detection.gauge(
        Gauge(feed="replay-0123abcd", hotline="h", dimension_set="hotline", at=1, version=1, threshold_s=20)
    )
    assert detection.snapshot() == empty


def test_rules_come_from_the_settings():
    made = rules_from(Settings(hotlines={"h": Hotline(time_zone="Asia/Shanghai", thresholds_s=(15, 20), target=0.9)}))
    assert made.promise("h", "any") == (15, 0.9)
    assert made.zone("h").key == "Asia/Shanghai"
    assert made.zone("unknown").key == "UTC"
    assert made.feed == "live"


def told_of_demand(detection, feed, minutes, offered, *, first=0):
    """All demand signals of `minutes` from NOON on with so many calls each."""
    told = []
    for i in range(first, first + minutes):
        minute = NOON + i * MINUTE
        tell(detection, feed, "h", "queue", "q", minute, {"offered": offered})
        records = detection.advance(minute + MINUTE, i)
        told += [r for r in records if isinstance(r, Signal) and r.kind == "demand_above_expectation"]
    return told


def test_another_feed_that_is_to_be_judged_begins_anew_and_knows_what_was_learned():
    """What stood open on `live` when the settings changed is no condition of the other feed, nor is its clock."""
    live = Detection.restore(RULES, TAUGHT)
    assert told_of_demand(live, "live", 5, 40)[-1].active
    other = Detection.restore(replace(RULES, feed="week"), live.snapshot())
    assert told_of_demand(other, "week", 60, 10, first=-120) == []
    assert told_of_demand(other, "week", 5, 40, first=-60)[-1].active
    assert told_of_demand(Detection.restore(RULES, other.snapshot()), "live", 30, 10, first=10) == []


def test_a_later_generation_of_the_judged_feed_begins_anew():
    detection = Detection.restore(RULES, TAUGHT)
    assert told_of_demand(detection, "live", 5, 40)[-1].active
    detection.forget("live")
    assert told_of_demand(detection, "live", 60, 10, first=-120) == []


def test_counts_that_are_known_to_run_ahead_of_the_clock_are_not_taken_for_a_burst():
    """Some partitions of a fast feed are minutes ahead: most of the open minute is there when it has just begun."""
    ticks = [(NOON + second * 1000, second) for second in range(1, 60)]
    for ahead, expected in ((0, True), (180_000, False)):
        detection = Detection.restore(RULES, TAUGHT)
        tell(detection, "live", "h", "queue", "q", NOON, {"offered": 24})
        told = [r for now, n in ticks for r in detection.advance(now, n, ahead) if isinstance(r, Signal)]
        assert any(r.active for r in told) is expected


def test_minutes_that_come_late_teach_the_level_like_those_in_time():
    """An hour busier than usual: told as it happens, a quarter of it when the hour is over, that quarter never."""
    hour = [NOON + i * MINUTE for i in range(60)]

    def calls(detection: Detection, minute: int, offered: int) -> None:
        for key in (("hotline", ""), ("queue", "q")):
            tell(detection, "live", "h", *key, minute, {"offered": offered})

    in_time, late, untold = (Detection.restore(RULES, TAUGHT) for _ in range(3))
    for minute in hour:
        for detection, offered in ((in_time, 13), (late, 10), (untold, 10)):
            calls(detection, minute, offered)
            detection.advance(minute + MINUTE, 2)
    for minute in hour:
        calls(late, minute, 13)
    for detection in (in_time, late, untold):
        detection.advance(hour[-1] + 3 * MINUTE, 3)

    def levels(detection: Detection) -> list[float]:
        return [demand.levels[-1].mean for _, demand in sorted(detection._demands.items())]

    assert levels(late) == levels(in_time) != levels(untold)
