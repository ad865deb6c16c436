"""Which slices have more calls than their part of all calls, and which few explain it."""

import numpy as np
import pytest
from detection_kit import tell
from slices_kit import DAY, MINUTE, MONDAY, ZONE, City, Incident, both, category, district, queue, source

from deploy.runtime.detection_settings import Concentration
from deploy.runtime.settings import Cells, Hotline
from streams.contract import Cell, Signal
from streams.detection import Detection, DetectionRules
from streams.detection.concentrations import Concentrations
from streams.detection.explain import Slice, SliceKey, inside, overlap, smallest_set
from streams.detection.keys import Key
from streams.detection.rules import slices_of
from streams.detection.slices import RING, Slices
from streams.detection.words import place, slice_name

HOUR = 60 * MINUTE
REQUIRED = {"queue": 5.0, "category_1": 5.0, "district_2": 5.0, "category_district": 6.0, "source": 5.0}


# ---- what is in what


def test_paths_and_division_codes_lie_in_one_another():
    water, leak = category(1), SliceKey("category_2", (("category", "c001/leak"),))
    assert inside(water, leak)
    assert not inside(leak, water)
    city, county = (SliceKey("district", (("district", code),)) for code in ("440300", "440305"))
    assert inside(city, county)
    assert not inside(county, city)
    assert not inside(SliceKey("district", (("district", "440100"),)), county)
    assert inside(category(1), both(1, 2))
    assert not inside(both(1, 2), category(1))


def test_slices_overlap_unless_a_dimension_says_otherwise():
    assert overlap(category(1), district(2))
    assert overlap(category(1), both(1, 2))
    assert not overlap(category(1), both(3, 2))
    assert not overlap(both(1, 2), both(1, 3))


# ---- the smallest set


def part(key, calls, expected, excess=0.02):
    return Slice(key, calls, expected, excess)


def test_one_district_and_one_category_are_told_as_both():
    slices = [
        part(queue(1), 160, 100), part(category(1), 80, 20), part(district(2), 90, 30), part(both(1, 2), 62, 2),
        part(source(1), 530, 500),
    ]  # fmt: skip
    assert [it.key for it in smallest_set(slices, REQUIRED, 8)] == [both(1, 2)]


def test_a_whole_district_is_told_as_the_district():
    slices = [part(both(cat, 2), 12, 4) for cat in range(10)] + [part(district(2), 120, 40), part(source(1), 580, 500)]
    assert [it.key for it in smallest_set(slices, REQUIRED, 8)] == [district(2)]


def test_two_things_at_once_are_two():
    slices = [
        part(both(1, 2), 62, 2), part(both(7, 8), 43, 3), part(category(1), 80, 20), part(district(8), 60, 20),
        part(queue(1), 200, 100),
    ]  # fmt: skip
    assert [it.key for it in smallest_set(slices, REQUIRED, 8)] == [both(1, 2), both(7, 8)]


def test_what_is_known_already_is_not_told_again():
    known = [part(district(2), 120, 40)]
    slices = [part(both(1, 2), 30, 4), part(district(2), 120, 40), part(queue(1), 150, 100), part(both(3, 4), 40, 1)]
    assert [it.key for it in smallest_set(slices, REQUIRED, 8, known)] == [both(3, 4)]


def test_a_slice_that_has_fewer_calls_by_now_makes_no_other_louder():
    known = [part(queue(2), 280, 310)]
    slices = [part(district(8), 33, 23), part(both(1, 2), 40, 1)]
    assert [(it.key, it.calls) for it in smallest_set(slices, REQUIRED, 8, known)] == [(both(1, 2), 40)]


# ---- what is usual


def small_city(seed=3):
    return City(seed, categories=12, districts=8, per_day=12_000, queues=3)


@pytest.fixture(scope="module")
def taught() -> bytes:
    """Four days of a small city."""
    city, watch = small_city(), Concentrations(ZONE)
    for day in range(4):
        for _, cells in city.day(MONDAY + day * DAY, []):
            for at, key, count in cells:
                watch.slices.teach("history", at, key, count)
        watch.slices.complete("history", MONDAY + (day + 1) * DAY)
    return watch.pack()


NEXT = MONDAY + 4 * DAY


def morning(watch, city, incidents=(), until=12 * HOUR, change=lambda _key, count: count):
    """The first hours of the next day; what began or ended: (when, episode of the slice, whether it is on)."""
    changed = []
    for minute, cells in city.day(NEXT, list(incidents)):
        if minute >= NEXT + until:
            break
        for at, key, count in cells:
            watch.slices.put(at, key, change(key, count))
        changed += [(minute + MINUTE, it, it.episode.active) for it in watch.minute(minute + MINUTE, Concentration())]
    return changed


@pytest.mark.parametrize(
    ("key", "extra"), [(both(4, 3), 120), (category(5), 300), (district(6), 300), (source(1), 500)], ids=str
)
def test_an_incident_is_told_as_its_slice_and_ends(taught, key, extra):
    watch, incident = Concentrations.unpack(ZONE, taught), Incident(key, NEXT + 9 * HOUR, 60, extra)
    changed = morning(watch, small_city(), [incident])
    begun = [(at, it) for at, it, active in changed if active]
    assert [it.key for _, it in begun] == [key]
    assert begun[0][0] - incident.start <= 20 * MINUTE
    assert abs(begun[0][1].episode.since - incident.start) <= 15 * MINUTE
    ended = [at for at, _, active in changed if not active]
    assert incident.end < ended[0] <= incident.end + 30 * MINUTE
    assert len(ended) == 1


def test_a_day_twice_as_busy_is_nobodys_news(taught):
    city = small_city()
    city.per_day *= 2
    assert morning(Concentrations.unpack(ZONE, taught), city, until=11 * HOUR) == []


def test_a_source_that_dies_makes_no_district_loud(taught):
    """Half of all calls are gone, and with them half of those of every slice but the other source."""
    random = np.random.default_rng(1)

    def half_is_gone(key, count):
        return 0 if key == source(1) else count if key == source(0) else int(random.binomial(count, 0.5))

    changed = morning(Concentrations.unpack(ZONE, taught), small_city(), until=10 * HOUR, change=half_is_gone)
    assert {it.key for _, it, _ in changed} == {source(0)}


@pytest.mark.parametrize("others", [0.0, 0.02], ids=["the only one", "nearly the only one"])
def test_a_source_that_is_all_there_is_cannot_have_too_much(others):
    """Five days of one source, whatever the day is like: its part of all calls is known to be all of them."""
    random, watch, changed = np.random.default_rng(5), Concentrations(ZONE), []
    for i in range(5 * 1440):
        minute, busy = MONDAY + i * MINUTE, 4 if i > 4 * 1440 else 1
        other = int(random.poisson(20 * busy * others))
        count = int(random.poisson(20 * busy))
        watch.slices.put(minute, None, count + other)
        watch.slices.put(minute, source(0), count)
        if other:
            watch.slices.put(minute, source(1), other)
        changed += watch.minute(minute + MINUTE, Concentration())
    assert watch.slices.ready
    assert changed == []


def share_after_an_incident(flagged: bool, factor: int) -> float:
    """The usual share of a category a day after it had `factor` times its calls for an hour and was told in time."""
    slices, begun = Slices(ZONE), MONDAY + 4 * DAY + 9 * HOUR
    for minute in range(MONDAY, begun + DAY + HOUR, MINUTE):
        loud = begun <= minute < begun + HOUR
        slices.put(minute, None, 20)
        slices.put(minute, category(0), 10)
        slices.put(minute, category(1), 10 * factor if loud else 10)
        told = flagged and begun + 3 * MINUTE < minute < begun + (RING + 120) * MINUTE
        slices.minute(minute + MINUTE, [(category(1), begun, min(minute, begun + HOUR + 20 * MINUTE))] if told else [])
    seen = slices.of(slices.window(begun + DAY, begun + DAY + HOUR), category(1))
    return seen.calls / seen.expected


def test_an_incident_that_ended_before_its_hour_is_learned_teaches_nothing():
    usual = share_after_an_incident(flagged=False, factor=1)
    assert share_after_an_incident(flagged=True, factor=20) == pytest.approx(usual, rel=0.01)
    assert share_after_an_incident(flagged=False, factor=20) < 0.97 * usual


def test_the_newest_calls_whose_category_is_not_known_yet_do_not_make_others_loud(taught):
    """Only one call in three has its category: what few there are says nothing of shares."""

    def late(key, count):
        early = key is not None and key.dimension_set.startswith("category") and key != both(4, 3)
        return count // 3 if early else count

    assert morning(Concentrations.unpack(ZONE, taught), small_city(), until=10 * HOUR, change=late) == []


def test_minutes_may_change_until_they_are_learned():
    one, other = Slices(ZONE), Slices(ZONE)
    for slices, order in ((one, (5, 3)), (other, (3,))):
        slices.put(MONDAY, None, 10)
        for count in order:
            slices.put(MONDAY, category(1), count)
        slices.minute(MONDAY + (RING + 90) * MINUTE, ())
        slices.put(MONDAY, category(1), 99)
    assert one.pack() == other.pack()


def test_a_slice_that_is_new_since_the_last_state_is_in_the_next():
    slices = Slices(ZONE)
    slices.put(MONDAY, None, 3)
    assert Slices.unpack(ZONE, slices.pack()).keys == []
    for number in range(100):
        slices.put(MONDAY, category(number), 1)
        assert len(Slices.unpack(ZONE, slices.pack()).keys) == number + 1


def test_it_goes_on_after_a_restart(taught):
    never, often = Concentrations.unpack(ZONE, taught), Concentrations.unpack(ZONE, taught)
    incidents = [Incident(both(4, 3), NEXT + 2 * HOUR, 60, 60)]
    for i, (minute, cells) in enumerate(small_city().day(NEXT, incidents)):
        for told in cells:
            never.slices.put(*told)
            often.slices.put(*told)
        assert never.minute(minute + MINUTE, Concentration()) == often.minute(minute + MINUTE, Concentration())
        if i % 17 == 0:
            often = Concentrations.unpack(ZONE, often.pack())
        if i > 300:
            break
    assert never.pack() == often.pack()


def test_what_a_departure_is_made_of(taught):
    watch, start = Concentrations.unpack(ZONE, taught), NEXT + 9 * HOUR
    morning(watch, small_city(), [Incident(both(4, 3), start, 60, 300)], until=9 * HOUR + 40 * MINUTE)
    now = start + 40 * MINUTE
    [found] = watch.explain(start, now, 200 / watch.slices.window(start, now).root)
    assert found.key == both(4, 3)
    assert found.share >= 0.8
    assert watch.explain(start - 2 * HOUR, start - HOUR, 0.3) == [], "nothing stands out: all have more"


# ---- as signals


def cell(feed, key, minute, count):
    dimension_set = "hotline" if key is None else key.dimension_set
    values = dict(key.values) if key else {}
    return Cell(
        feed=feed,
        hotline="h",
        dimension_set=dimension_set,
        minute=minute,
        version=1,
        counts={"offered": count},
        **values,
    )


def test_a_concentration_is_a_signal_in_two_languages():
    rules = DetectionRules(hotlines={"h": Hotline(name={"en": "Line", "zh": "热线"}, time_zone="Asia/Shanghai")})
    assert rules.slices == slices_of(Cells(), Concentration())
    detection, city, told = Detection(rules), small_city(), []
    for day in range(4):
        for _, cells in city.day(MONDAY + day * DAY, []):
            for at, key, count in cells:
                if key is None or key.dimension_set in {"category_district", "district_2"}:
                    detection.cell(cell("history", key, at, count))
        detection.complete("history", MONDAY + (day + 1) * DAY)
    start = NEXT + 10 * HOUR
    for minute, cells in city.day(NEXT, [Incident(both(4, 3), start, 60, 150)]):
        for at, key, count in cells:
            if key is None or key.dimension_set in {"category_district", "district_2"}:
                detection.cell(cell("live", key, at, count))
        if minute > start + 3 * HOUR:
            break
        if minute > start - 70 * MINUTE:
            told += [r for r in detection.advance(minute + MINUTE, 1) if isinstance(r, Signal)]
    told = [s for s in told if s.kind == "demand_concentrated"]
    first = told[0]
    assert (first.dimension_set, first.category, first.dimensions) == (
        "category_district",
        "c004",
        {"district": "d003"},
    )
    assert first.summary["en"].startswith("Category c004, district d003 (Line): ")
    assert "times its usual part of all calls" in first.summary["en"]
    assert first.summary["zh"].startswith("热线·类别“c004”、区域“d003”：")
    assert len({s.fingerprint for s in told}) == 1
    assert [s.active for s in told].count(False) == 1
    assert told[-1].summary["en"].startswith("Category c004, district d003 (Line): back to its usual part of all calls")


def test_a_category_and_a_district_are_called_by_their_labels():
    labels = {"water": {"en": "Water", "zh": "供水"}, "d003": {"zh": "南山区"}}
    line = Hotline(name={"en": "Line", "zh": "热线"}, labels=labels)
    assert place(Key("h", "category_1", category="water"), line) == {
        "en": "Category Water (Line)",
        "zh": "热线·类别“供水”",
    }
    assert slice_name([("category", "water"), ("district", "d003"), ("queue", "water")], line) == {
        "en": "category Water, district d003, queue water",
        "zh": "类别“供水”、区域“南山区”、队列“water”",
    }


def test_cells_whose_values_are_not_known_are_no_slice():
    detection = Detection(DetectionRules())
    tell(detection, "live", "h", "category_district", "water", MONDAY, {"offered": 3})
    detection.cell(Cell(feed="live", hotline="h", dimension_set="served", minute=MONDAY, version=1, counts={}))
    assert detection.advance(MONDAY + MINUTE, 1) == []
