from datetime import UTC, datetime

import pytest
from alert_kit import S, record, rule, signal
from alert_kit import T as BEGIN
from pydantic import ValidationError

from alerts.core import Alerts
from alerts.schedule import Schedule


def at(text):
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


OFFICE = Schedule(
    time_zone="Asia/Shanghai", days=["mon", "tue", "wed", "thu", "fri"], begin="08:00", end="18:00",
    closed=["2026-10-01"], open=["2026-10-10"],
)  # fmt: skip
NIGHT = Schedule(time_zone="Europe/Berlin", days=["fri"], begin="22:00", end="06:00")


@pytest.mark.parametrize(
    ("schedule", "time", "holds"),
    [
        (OFFICE, "2026-11-23T00:00", True),  # Monday 08:00
        (OFFICE, "2026-11-22T23:59", False),
        (OFFICE, "2026-11-23T10:00", False),  # 18:00
        (OFFICE, "2026-11-21T04:00", False),  # Saturday
        (OFFICE, "2026-10-01T04:00", False),  # a Thursday off
        (OFFICE, "2026-10-10T04:00", True),  # a Saturday on
        (NIGHT, "2026-11-27T21:30", True),  # Friday 22:30
        (NIGHT, "2026-11-28T04:30", True),  # Saturday 05:30 belongs to Friday
        (NIGHT, "2026-11-28T05:00", False),
        (NIGHT, "2026-11-28T22:30", False),
        (NIGHT, "2026-11-27T04:30", False),
    ],
)
def test_hours_of_the_week_in_a_zone(schedule, time, holds):
    assert schedule.holds(at(time)) is holds


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"time_zone": "Mars"}, "no IANA time zone"),
        ({"days": ["monday"]}, "days.0"),
        ({"begin": "08:00Z"}, "local times"),
        ({"closed": ["2026-10-01"], "open": ["2026-10-01"]}, "2026-10-01 is in closed and in open"),
    ],
)
def test_what_is_no_schedule_is_refused(fields, problem):
    with pytest.raises(ValidationError, match=problem):
        Schedule(**({"time_zone": "UTC"} | fields))


def states(core):
    from test_core import events  # noqa: PLC0415

    return events(core)


def test_outside_of_its_schedule_a_rule_fires_nothing_and_ends_what_fires():
    # T is 2023-11-14 22:13:20 UTC
    core = Alerts([rule(schedule={"time_zone": "UTC", "begin": "22:14", "end": "22:15"})], "live")
    found = []
    for second in (0, 45, 90, 110, 120):
        core.tick(BEGIN + second * S, caught_up=True)
        core.apply([record(signal(second, since=BEGIN))])
        found.append(states(core))
    assert found == [[], [("firing", "condition_met")], [], [("resolved", "outside_schedule")], []]


def test_in_its_shadow_a_rule_says_what_it_would_have_done():
    core = Alerts([rule(shadow_until="2023-11-14T22:15:00Z")], "live")
    found = []
    for second in (0, 50, 110):
        core.tick(BEGIN + second * S, caught_up=True)
        core.apply([record(signal(second, since=BEGIN))])
        found.append((states(core), len(core.firing())))
        core.tick(BEGIN + (second + 1) * S, caught_up=True)
        found.append((states(core), len(core.firing())))
    told = [(("pending", "would_have_fired"), 0), (("firing", "shadow_ended"), 1)]
    assert [(made[0], firing) for made, firing in found if made] == told


def test_what_ended_in_the_shadow_is_resolved():
    core = Alerts([rule(shadow_until="2033-11-14T22:15:00Z")], "live")
    core.tick(BEGIN, caught_up=True)
    core.apply([record(signal(0))])
    core.apply([record(signal(1, active=False))])
    assert states(core) == [("pending", "would_have_fired"), ("resolved", "condition_cleared")]
