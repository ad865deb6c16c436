"""Who is on call: rotations, handovers, overrides, calendars; and who is paged because of it."""

import asyncio
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
import servers
from aiohttp import web
from alert_kit import S, T
from paging_kit import Office, duty
from pydantic import ValidationError

from alerts import calendars, metrics
from alerts.calendars import shifts_of
from alerts.duty import Duty
from alerts.on_call import OnCall, Schedule, Shift

ZONE = ZoneInfo("Europe/Berlin")
WEEKS = {"people": ["one", "two"], "begin": "2026-10-19T09:00", "every": "week"}
CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//
BEGIN:VEVENT
UID:1
DTSTART;TZID=Europe/Berlin:20261019T090000
DTEND;TZID=Europe/Berlin:20261019T170000
RRULE:FREQ=DAILY
EXDATE;TZID=Europe/Berlin:20261022T090000
SUMMARY:Two
END:VEVENT
BEGIN:VEVENT
UID:2
DTSTART;VALUE=DATE:20261024
DTEND;VALUE=DATE:20261025
SUMMARY:three
END:VEVENT
BEGIN:VEVENT
UID:3
DTSTART:20261023T200000Z
DTEND:20261023T210000Z
SUMMARY:dentist
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n")


def ms(local):
    return int(datetime.fromisoformat(local).replace(tzinfo=ZONE).timestamp() * 1000)


def schedule(**fields):
    return Schedule.model_validate({"name": "rota", "time_zone": "Europe/Berlin", "otherwise": "chief"} | fields)


def who(at, shifts=(), **fields):
    on_call = OnCall([schedule(**fields)])
    on_call.shifts = {"rota": shifts}
    return on_call.receiver("rota", ms(at))


@pytest.mark.parametrize(
    ("at", "person"),
    [
        ("2026-10-19T08:59", "chief"),
        ("2026-10-19T09:00", "one"),
        ("2026-10-26T08:59", "one"),  # the clocks went back on the 25th: the handover stays at nine
        ("2026-10-26T09:00", "two"),
        ("2026-11-02T09:00", "one"),
    ],
)
def test_a_rotation_hands_over_at_the_same_hour_of_the_clock(at, person):
    assert who(at, rotations=[WEEKS]) == person


def test_the_last_rotation_in_force_decides_and_a_night_passes_midnight():
    nights = {"people": ["three"], "begin": "2026-10-19T00:00", "every": "day", "hours": "21:00-06:00"}
    assert [who(f"2026-10-20T{hour}", rotations=[WEEKS, nights]) for hour in ("05:59", "06:00", "20:59", "21:00")] == [
        "three", "one", "one", "three",
    ]  # fmt: skip


def test_an_override_stands_over_everything():
    override = {"person": "three", "begin": "2026-10-20T12:00", "end": "2026-10-20T18:00"}
    shifts = [Shift("two", ms("2026-10-20T00:00"), ms("2026-10-21T00:00"))]
    told = [who(f"2026-10-20T{hour}", shifts, rotations=[WEEKS], overrides=[override]) for hour in ("11:59", "12:00")]
    assert told == ["two", "three"]
    assert who("2026-10-21T00:00", shifts, rotations=[WEEKS], overrides=[override]) == "one"


def test_a_calendar_is_read_with_its_repetitions_exceptions_and_whole_days():
    now = ms("2026-10-21T00:00")
    shifts, strangers = shifts_of(CALENDAR.encode(), ["one", "two", "three"], now, ZONE)
    assert strangers == {"dentist"}
    begins = {shift.begin for shift in shifts if shift.person == "two"}
    assert ms("2026-10-21T09:00") in begins
    assert ms("2026-10-22T09:00") not in begins
    assert ms("2026-10-26T09:00") in begins  # nine by the clock on either side of its change
    assert Shift("three", ms("2026-10-24T00:00"), ms("2026-10-25T00:00")) in shifts


def one_event(*lines):
    whole = ("BEGIN:VCALENDAR", "BEGIN:VEVENT", "UID:1", "SUMMARY:one", *lines, "END:VEVENT", "END:VCALENDAR", "")
    return "\r\n".join(whole).encode()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"<html>not found</html>",
        one_event("DTEND:20261022T100000Z"),
        one_event("DTSTART:20261021T080000Z", "DTEND:20261021T180000Z", "RRULE:FREQ=DAILY;INTER", " VAL=00"),
    ],
)
def test_what_is_no_calendar_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        shifts_of(text, ["one"], T, ZONE)


async def test_a_calendar_that_goes_away_leaves_what_was_read(monkeypatch):
    asked, thrice = 0, asyncio.Event()

    async def get(_request):
        nonlocal asked
        asked += 1
        if asked == 3:
            thrice.set()
        return web.Response(text=CALENDAR) if asked == 1 else web.Response(status=500)

    plan = Duty.model_validate(
        {
            "receivers": [
                {"name": name, "channels": [{"type": "slack", "url": "https://chat.example.org"}]}
                for name in ("one", "two", "chief")
            ],
            "schedules": [{"name": "rota", "time_zone": "Europe/Berlin", "otherwise": "chief"}],
            "routes": [{"chain": [{"tell": ["rota"]}]}],
        }
    )
    async with servers.serving(web.get("/ics", get)) as base:
        part = plan.schedules[0].model_validate(
            {"name": "rota", "time_zone": "Europe/Berlin", "otherwise": "chief", "calendar": {"url": base + "/ics"}}
        )
        plan = plan.model_copy(update={"schedules": (part,)})
        on_call = OnCall(plan.schedules)
        monkeypatch.setattr(calendars, "REFRESH_S", 0.01)
        following = asyncio.create_task(calendars.follow(plan, on_call, lambda: ms("2026-10-21T00:00")))
        async with asyncio.timeout(60):
            await thrice.wait()
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    assert on_call.receiver("rota", ms("2026-10-21T10:00")) == "two"


def rota(office_s=0, **fields):
    """A chain of the rota and then the chief; two is on call from 100 s after T on."""
    plan = duty("one", receivers=("one", "two", "chief"), **fields).model_dump(
        mode="json", exclude={"routes", "receivers"}
    )
    channel = {"type": "slack", "url": "https://chat.example.org/hook"}
    begin = datetime.fromtimestamp(T / 1000, ZONE).replace(tzinfo=None)
    second = datetime.fromtimestamp(T / 1000 + 100, ZONE).replace(tzinfo=None)
    overrides = [
        {"person": "one", "begin": begin.isoformat(), "end": second.isoformat()},
        {"person": "two", "begin": second.isoformat(), "end": begin.replace(year=begin.year + 1).isoformat()},
    ]
    steps = [{"tell": ["rota"], "next_after_s": 300}, {"tell": ["chief"]}]
    route = {"group_wait_s": 5, "group_interval_s": 30, "repeat_s": 150, "chain": steps}
    return Duty.model_validate(
        plan
        | {
            "receivers": [{"name": name, "channels": [channel]} for name in ("one", "two", "chief")],
            "schedules": [{"name": "rota", "time_zone": "Europe/Berlin", "otherwise": "chief", "overrides": overrides}],
            "routes": [route | fields],
        }
    )


def test_whoever_is_on_call_is_paged_and_a_shift_that_changes_pages_nobody_anew():
    office = Office(rota())
    office.fires()
    office.passes(140)
    assert office.heard() == [(5, "one", "first", [("a-1", "firing")])]
    office.passes(20)  # the repetition goes to who is on call by then
    assert office.heard() == [(155, "two", "repeated", [("a-1", "firing")])]
    office.passes(160)
    assert ("chief", "escalated") in [(receiver, why) for _, receiver, why, _ in office.heard()]
    office.resolves()
    office.passes(60)
    assert {receiver for _, receiver, why, _ in office.heard() if why == "resolved"} == {"one", "two", "chief"}


def test_what_is_overdue_is_told_once_more_acknowledged_or_not():
    office = Office(rota(due_s=200, overdue=["chief"], repeat_s=0))
    office.fires()
    office.passes(50)
    office.acknowledges()
    office.passes(400)
    assert [(at, receiver, why) for at, receiver, why, _ in office.heard()] == [
        (5, "one", "first"),
        (200, "chief", "overdue"),
    ]
    (page,) = office.paging._state.pages.values()
    assert office.paging._due_at(page) == T + 200 * S


def test_an_alert_goes_to_the_desk_of_its_category_and_district():
    def route(desk, **match):
        return {"match": match, "chain": [{"tell": [desk]}], "group_wait_s": 0}

    channel = {"type": "slack", "url": "https://chat.example.org/hook"}
    plan = Duty.model_validate(
        {
            "receivers": [{"name": name, "channels": [channel]} for name in ("water", "east", "roads", "chief")],
            "routes": [
                route("east", category="utilities/water*", district="440305*"),
                route("water", category="utilities/water*"),
                route("roads", department="roads"),
                route("chief"),
            ],
        }
    )
    office = Office(plan)
    office.fires("a", category="utilities/water/leak", district="440305001")
    office.fires("b", category="utilities/water/leak", district="440303")
    office.fires("c", department="roads")
    office.fires("d")
    office.passes(5)
    assert {told[0][0]: receiver for _, receiver, _, told in office.heard()} == {
        "a-1": "east",
        "b-1": "water",
        "c-1": "roads",
        "d-1": "chief",
    }


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        (
            {"rotations": [{"people": ["nobody"], "begin": "2026-10-19T09:00"}]},
            "schedules.rota: there is no receiver nobody",
        ),
        ({"otherwise": "nobody"}, "schedules.rota: there is no receiver nobody"),
        (
            {"overrides": [{"person": "one", "begin": "2026-10-19T09:00", "end": "2026-10-19T09:00"}]},
            "ends after it begins",
        ),
        ({"rotations": [{"people": ["one"], "begin": "2026-10-19T09:00+01:00"}]}, "local time without an offset"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(fields, problem):
    told = {"name": "rota", "time_zone": "Europe/Berlin", "otherwise": "one"} | fields
    channel = {"type": "slack", "url": "https://chat.example.org/hook"}
    with pytest.raises(ValidationError, match=problem):
        Duty.model_validate(
            {
                "receivers": [{"name": "one", "channels": [channel]}],
                "schedules": [told],
                "routes": [{"chain": [{"tell": ["rota"]}]}],
            }
        )


def test_who_is_on_call_is_shown_to_prometheus_and_who_was_before_is_not() -> None:
    schedule = Schedule(name="engineers", time_zone="Europe/Berlin", rotations=[WEEKS], otherwise="chief")
    on_call = OnCall([schedule])

    def shown(day: str) -> dict[str, float]:
        at = round(datetime.fromisoformat(day).replace(tzinfo=ZONE).timestamp() * 1000)
        metrics.show_on_call(on_call.everybody(at))
        [gauge] = metrics.ON_CALL.collect()
        return {f"{it.labels['schedule']} {it.labels['receiver']}": it.value for it in gauge.samples}

    assert shown("2026-10-20") == {"engineers one": 1}
    assert shown("2026-10-27") == {"engineers two": 1}
    assert shown("2026-10-01") == {"engineers chief": 1}
