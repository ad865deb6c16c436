"""Brings the shifts of on-call calendars in from their iCalendar addresses, every five minutes, for good.

An event's title is the name of a receiver. What was read last stands while an address does not answer; before anything
was read, and for hours without an event, the schedule's rotations decide.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import aiohttp
import structlog

from alerts.duty import Duty
from alerts.on_call import OnCall, Shift
from alerts.rules_file import RulesError
from deploy.runtime.faults import Fault, Faults, contained

REFRESH_S = 300
TIMEOUT_S = 20
LARGEST_BYTES = 4 * 1024 * 1024
BACK = timedelta(days=2)
AHEAD = timedelta(days=14)
FORESEEN = (aiohttp.ClientError, TimeoutError, ValueError)

_FOLD = re.compile(rb"\r?\n[ \t]")
_FOR_EVER = re.compile(rb"INTERVAL=0+(?!\d)", re.IGNORECASE)

log = structlog.get_logger()


def require_library(duty: Duty) -> None:
    """Raises RulesError where a schedule names a calendar and the libraries to read it are not installed."""
    if not any(schedule.calendar for schedule in duty.schedules):
        return
    try:
        import icalendar  # noqa: F401, PLC0415  (an extra)
        import recurring_ical_events  # noqa: F401, PLC0415
    except ImportError as error:
        raise RulesError("schedules: a calendar needs `pip install 'hotline-monitor[calendar]'`") from error


def shifts_of(text: bytes, people: Collection[str], now: int, zone: ZoneInfo) -> tuple[list[Shift], set[str]]:
    """The shifts from two days before to two weeks after `now` (ms), and titles that name nobody we know.

    `zone`: of days, and of times that name none. Raises ValueError for what is no calendar.
    """
    import icalendar  # noqa: PLC0415
    import recurring_ical_events  # noqa: PLC0415

    if _FOR_EVER.search(_FOLD.sub(b"", text)):  # the libraries would
        raise ValueError("an event comes again every 0 days")
    known = {person.casefold(): person for person in people}
    at = datetime.fromtimestamp(now / 1000, UTC)
    shifts, strangers = [], set()
    try:
        events = recurring_ical_events.of(icalendar.Calendar.from_ical(text)).between(at - BACK, at + AHEAD)
    except KeyError as error:
        raise ValueError(f"an event has no {error.args[0]}") from error
    for event in events:
        title = str(event.get("SUMMARY", "")).strip()
        person = known.get(title.casefold())
        if person is None:
            strangers.add(title)
            continue
        shifts.append(Shift(person, _ms(event["DTSTART"].dt, zone), _ms(event["DTEND"].dt, zone)))
    return sorted(shifts, key=lambda shift: shift.begin), strangers


def _ms(at: date, zone: ZoneInfo) -> int:
    moment = at if isinstance(at, datetime) else datetime.combine(at, time(0), zone)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp() * 1000)


async def follow(duty: Duty, on_call: OnCall, now: Callable[[], int]) -> None:
    """Keep `on_call.shifts` up to date."""
    said: dict[str, str] = {}
    faults = Faults()
    async with _session() as session:
        while True:
            async for name, problem in _read(session, duty, on_call, now(), faults):
                _say(name, problem, said, on_call.shifts.get(name, ()))
            await asyncio.sleep(REFRESH_S)


async def load(duty: Duty, now: int) -> OnCall:
    """Who is on call as of `now` (ms), each calendar read once."""
    on_call, said = OnCall(duty.schedules), dict.fromkeys((schedule.name for schedule in duty.schedules), "")
    async with _session() as session:
        async for name, problem in _read(session, duty, on_call, now, Faults()):
            _say(name, problem, said, ())
    return on_call


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S), headers={"User-Agent": "hotline"})


async def _read(
    session: aiohttp.ClientSession, duty: Duty, on_call: OnCall, now: int, faults: Faults
) -> AsyncIterator[tuple[str, str]]:
    """Read every calendar into `on_call.shifts`; yields schedules and what is wrong with theirs ("": nothing)."""
    people = [receiver.name for receiver in duty.receivers]
    for schedule in duty.schedules:
        if schedule.calendar is None:
            continue
        name, problem = schedule.name, ""
        url, zone = schedule.calendar.url.get_secret_value(), ZoneInfo(schedule.time_zone)
        read = await contained(_shifts(session, url, people, now, zone))
        if isinstance(read, Fault):
            problem = f"not read ({type(read).__name__}): what was read before stands"
            if not isinstance(read, FORESEEN):
                faults.say("an error in Hotline, please report it: a calendar cannot be read", read, schedule=name)
        else:
            shifts, strangers = read
            on_call.shifts = {**on_call.shifts, name: shifts}
            if strangers:
                problem = f"events named after no receiver: {', '.join(sorted(strangers)[:5])}"
        yield name, problem


async def _shifts(
    session: aiohttp.ClientSession, url: str, people: Collection[str], now: int, zone: ZoneInfo
) -> tuple[list[Shift], set[str]]:
    return await asyncio.to_thread(shifts_of, await _fetch(session, url), people, now, zone)


async def _fetch(session: aiohttp.ClientSession, url: str) -> bytes:
    text = bytearray()
    async with session.get(url) as answer:
        answer.raise_for_status()
        async for piece in answer.content.iter_chunked(65_536):
            text += piece
            if len(text) > LARGEST_BYTES:
                raise ValueError("the calendar is larger than 4 MiB")
    return bytes(text)


def _say(name: str, problem: str, said: dict[str, str], shifts: Sequence[Shift]) -> None:
    """Log when what can be said of a calendar changes."""
    if said.get(name) == problem:
        return
    said[name] = problem
    if problem:
        log.warning("on-call calendar", schedule=name, problem=problem)
    else:
        log.info("on-call calendar read", schedule=name, shifts=len(shifts))
